#include <string.h>

#include "search/run.h"

enum { NEIGHBOURS = NSW_MAX_GENES * 32 };

/* All candidates one gene away, in random order; with a filter, the best by score first. */
static size_t neighbours_of(struct nsw_repeat *run, uint32_t centre, uint32_t out[NEIGHBOURS]) {
  const struct nsw_ground *ground = run->ground;
  uint8_t genes[NSW_MAX_GENES];
  size_t n = 0;
  nsw_copy_word(ground, centre, genes);
  for (int g = 0; g < ground->length; g++) {
    uint8_t own = genes[g];
    for (int v = 0; v < nsw_space_gene_choices(ground->space, g) && n < NEIGHBOURS; v++) {
      genes[g] = (uint8_t)v;
      int64_t other = v == own ? -1 : nsw_candidate_of(ground, genes);
      if (other >= 0 && other != centre) out[n++] = (uint32_t)other;
    }
    genes[g] = own;
  }
  nsw_shuffle(&run->dice, out, n);
  if (run->search->use & NSW_USE_FILTER)
    for (size_t i = 1; i < n; i++) {
      uint32_t one = out[i];
      size_t j = i;
      for (; j > 0 && run->score[out[j - 1]] < run->score[one]; j--) out[j] = out[j - 1];
      out[j] = one;
    }
  return n;
}

/* Climbs to the first better neighbour; where there is none, starts anew. What was trained is known and costs nothing.
 */
static int run(struct nsw_repeat *run, struct nsw_error *err) {
  uint32_t around[NEIGHBOURS];
  (void)err;
  for (size_t known = 0; known < run->ground->n;) {
    uint32_t centre = nsw_first_ones(run);
    while (nsw_trained(run, centre)) centre = nsw_draw_any(run);
    if (!nsw_train(run, centre)) return NSW_OK;
    known++;
    for (bool climbs = true; climbs;) {
      size_t n = neighbours_of(run, centre, around);
      climbs = false;
      for (size_t i = 0; i < n && !climbs; i++) {
        if (!nsw_trained(run, around[i])) {
          if (!nsw_train(run, around[i])) return NSW_OK;
          known++;
        }
        climbs = run->ground->look[around[i]] > run->ground->look[centre];
        if (climbs) centre = around[i];
      }
    }
  }
  return NSW_OK;
}

const struct nsw_method nsw_method_local = {
    .name = "local",
    .summary = "local search: to the first better neighbour, from a new start where there is none",
    .source = "White et al., UAI 2021; Ottelander et al., EMO 2021",
    .kind = NSW_METHOD_GENES,
    .run = run,
};
