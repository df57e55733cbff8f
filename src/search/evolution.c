#include <math.h>
#include <stdlib.h>

#include "search/run.h"

enum { POPULATION, SAMPLE };

/* Who is alive, best first, so that a tournament is one draw: the winner of `sample` drawn with replacement (as the
 * released code draws them) is not among the best k with probability (1 - k / size)^sample. */
struct parents {
  uint32_t size, filled;
  uint32_t *order;     /* [size] places in the ring of ages */
  double *look;        /* [size] in that order */
  double *score;       /* [size] likewise; breaks ties, where it is used for that; NULL otherwise */
  uint32_t *candidate; /* [size] by place in the ring */
  double *beyond;      /* [size] probability that the winner comes after each of order */
};

static bool comes_before(const struct parents *p, uint32_t at, double look, double score) {
  return p->look[at] > look || (p->look[at] == look && p->score && p->score[at] >= score);
}

/* Puts a candidate into a place of the ring, instead of the one there where all places are filled. */
static void put(struct nsw_run *run, struct parents *p, uint32_t place, uint32_t candidate) {
  double look = run->ground->look[candidate], score = p->score ? run->score[candidate] : 0;
  uint32_t at = p->filled; /* the gap */
  if (p->filled == p->size)
    for (at = 0; p->order[at] != place; at++) {
    }
  else
    p->filled++;
  p->candidate[place] = candidate;
  uint32_t to = at;
  while (to > 0 && !comes_before(p, to - 1, look, score)) to--;
  while (to == at && at + 1 < p->filled && comes_before(p, at + 1, look, score)) {
    p->order[at] = p->order[at + 1];
    p->look[at] = p->look[at + 1];
    if (p->score) p->score[at] = p->score[at + 1];
    to = ++at;
  }
  for (; at > to; at--) {
    p->order[at] = p->order[at - 1];
    p->look[at] = p->look[at - 1];
    if (p->score) p->score[at] = p->score[at - 1];
  }
  p->order[at] = place;
  p->look[at] = look;
  if (p->score) p->score[at] = score;
}

/* A mutant of a tournament's winner. Of equal ones the first drawn wins: any of them. */
static uint32_t child(struct nsw_run *run, const void *state) {
  const struct parents *p = state;
  double u = nsw_dice_double(&run->dice);
  uint32_t at = 0, first, last;
  while (u < p->beyond[at]) at++;
  for (first = at; first > 0 && p->look[first - 1] == p->look[at] && !p->score; first--) {
  }
  for (last = at; last + 1 < p->size && p->look[last + 1] == p->look[at] && !p->score; last++) {
  }
  if (last > first) at = first + nsw_dice_below(&run->dice, last - first + 1);
  return nsw_mutate(run, p->candidate[p->order[at]]);
}

static int run(struct nsw_run *run, struct nsw_error *err) {
  uint32_t size = (uint32_t)run->search->set[POPULATION];
  struct parents p = {.size = size};
  double *reals = malloc(3 * size * sizeof *reals);
  uint32_t *places = malloc(2 * size * sizeof *places);
  bool pays = reals && places;
  int status = pays ? NSW_OK : nsw_fail(err, "out of memory for a population of %u", size);
  p.order = places;
  p.candidate = places + size;
  p.look = reals;
  p.beyond = reals + size;
  if (run->search->use & NSW_USE_TIES) p.score = reals + 2 * size;
  for (uint32_t k = 0; pays && k < size; k++)
    p.beyond[k] = pow(1 - (double)(k + 1) / size, run->search->set[SAMPLE]);
  for (uint32_t i = 0; i < size && pays; i++) {
    uint32_t candidate = nsw_first_ones(run);
    pays = nsw_train(run, candidate);
    put(run, &p, i, candidate);
  }
  for (uint32_t oldest = 0; pays; oldest = oldest + 1 == size ? 0 : oldest + 1) {
    uint32_t candidate = nsw_propose(run, child, &p);
    pays = nsw_train(run, candidate);
    put(run, &p, oldest, candidate);
  }
  free(reals);
  free(places);
  return status;
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
