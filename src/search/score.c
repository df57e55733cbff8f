/* Searches that go by a score alone. */
#include <stdlib.h>

#include "search/run.h"

/* Trains down the list from the best score, as far as the budget pays. */
static int descend(struct nsw_repeat *run, uint64_t pool, struct nsw_error *err) {
  size_t n = pool && pool < run->ground->n ? pool : run->ground->n, most = n;
  if (!run->ground->cost && run->search->budget < (double)most) most = (size_t)run->search->budget;
  uint32_t *list = malloc((most + 1) * sizeof *list);
  if (!list) return nsw_no_memory(err, "%zu candidates", most);
  size_t count = nsw_top_by_score(run, pool, most, list);
  for (size_t i = 0; i < count && nsw_train(run, list[i]); i++) {
  }
  free(list);
  return NSW_OK;
}

static int run_score(struct nsw_repeat *run, struct nsw_error *err) { return descend(run, run->search->pool, err); }

const struct nsw_method nsw_method_score = {
    .name = "score",
    .summary =
        "the best by score of all (or of --pool N drawn), trained in that order; with one training the score alone",
    .source = "the search that a score is published for",
    .kind = NSW_METHOD_SCORE,
    .run = run_score,
};

static int run_two_step(struct nsw_repeat *run, struct nsw_error *err) {
  return descend(run, (uint64_t)run->search->set[0], err);
}

static const struct nsw_method_option options[] = {
    {"candidates", 300, 1, 1e8, "drawn and scored (published: 300, and 500 for ImageNet16-120)"},
    {NULL, 0, 0, 0, NULL}};

const struct nsw_method nsw_method_two_step = {
    .name = "two-step",
    .summary = "candidates drawn at random, as many of the best by score trained as the budget allows",
    .source = "Xu et al., KNAS, ICML 2021",
    .kind = NSW_METHOD_SCORE,
    .options = options,
    .run = run_two_step,
};
