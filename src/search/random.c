#include "search/run.h"

/* Without replacement: those trained already are drawn again. */
static int run(struct nsw_repeat *run, struct nsw_error *err) {
  (void)err;
  for (size_t done = 0; done < run->ground->n;) {
    uint32_t candidate = nsw_first_ones(run);
    while (nsw_trained(run, candidate)) candidate = nsw_draw_any(run);
    if (!nsw_train(run, candidate)) break;
    done++;
  }
  return NSW_OK;
}

const struct nsw_method nsw_method_random = {
    .name = "random",
    .summary = "architectures at random, none twice",
    .source = "Bergstra and Bengio, JMLR 2012",
    .run = run,
};
