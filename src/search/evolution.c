#include <stdlib.h>

#include "search/run.h"

enum { POPULATION, SAMPLE };

struct parents {
  const uint32_t *alive; /* [population] */
  uint32_t size, sample;
};

/* A mutant of the best by what was looked at among `sample` drawn with replacement, as the released code draws them. */
static uint32_t child(struct nsw_run *run, const void *state) {
  const struct parents *p = state;
  const double *look = run->ground->look;
  uint32_t best = p->alive[nsw_dice_below(&run->dice, p->size)];
  for (uint32_t i = 1; i < p->sample; i++) {
    uint32_t other = p->alive[nsw_dice_below(&run->dice, p->size)];
    if (look[other] > look[best] || (run->search->use & NSW_USE_TIES && look[other] == look[best] &&
                                     run->score[other] > run->score[best]))
      best = other;
  }
  return nsw_mutate(run, best);
}

static int run(struct nsw_run *run, struct nsw_error *err) {
  uint32_t population = (uint32_t)run->search->set[POPULATION];
  uint32_t *alive = malloc(population * sizeof *alive);
  if (!alive) return nsw_fail(err, "out of memory for a population of %u", population);
  bool pays = true;
  for (uint32_t i = 0; i < population && pays; i++) pays = nsw_train(run, alive[i] = nsw_first_ones(run));
  struct parents parents = {alive, population, (uint32_t)run->search->set[SAMPLE]};
  for (uint32_t oldest = 0; pays; oldest = oldest + 1 == population ? 0 : oldest + 1)
    pays = nsw_train(run, alive[oldest] = nsw_propose(run, child, &parents));
  free(alive);
  return NSW_OK;
}

static const struct nsw_method_option options[] = {{"population", 10, 1, 100000, "architectures alive"},
                                                   {"sample", 10, 1, 100000, "drawn for each tournament"},
                                                   {NULL, 0, 0, 0, NULL}};

const struct nsw_method nsw_method_evolution = {
    .name = "evolution",
    .summary = "regularised evolution: the winner of a tournament has a child with one gene changed, the oldest dies",
    .source = "Real et al., AAAI 2019",
    .kind = NSW_METHOD_GENES,
    .options = options,
    .run = run,
};
