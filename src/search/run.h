/* One repeat of a search as its method sees it. */
#ifndef NSW_SEARCH_RUN_H
#define NSW_SEARCH_RUN_H

#include "search/dice.h"
#include "search/search.h"

/* One repeat. Methods read ground, search and state, draw from dice, and change the rest by the functions below. */
struct nsw_repeat {
  const struct nsw_ground *ground;
  const struct nsw_search *search;
  void *state; /* what the method's open made */
  struct nsw_dice dice;
  const double *score; /* [n] the score in use, NULL without one */

  const struct nsw_ranks *ranks; /* of score */
  uint32_t *scratch;             /* [n] */
  uint32_t *mark;                /* [n] 1 + the repeat in which a candidate was last trained */
  uint32_t *drawn;               /* [n] likewise, in which it was last drawn into a pool */
  uint32_t repeat;
  double spent, limit;      /* limit: the budget, and a hair for rounding */
  uint64_t trainings, free; /* paid; and not paid since the last that was */
  int64_t best;             /* candidate, -1: none yet */
  double *trail;            /* [points] */
  size_t point;             /* first of trail that is not final */
  uint32_t *queue;          /* [start] what is to be trained first */
  uint64_t queued, taken;
  double *rank; /* [1 + reports][2] of the outcome; NULL unless the method predicts */
};

/* Whether this repeat has trained it. */
static inline bool nsw_trained(const struct nsw_repeat *run, uint32_t candidate) {
  return run->mark[candidate] == run->repeat + 1;
}

/* Makes it the best so far. */
void nsw_new_best(struct nsw_repeat *run, uint32_t candidate);

/* The two halves of a training, for methods that train part of the way: pays a share of a whole one, false where the
 * budget does not, and takes note of one that is whole. */
static inline bool nsw_pay(struct nsw_repeat *run, uint32_t candidate, double share) {
  double after = run->spent + share * (run->ground->cost ? run->ground->cost[candidate] : 1);
  if (after > run->limit) return false;
  run->spent = after;
  return true;
}

static inline void nsw_take_note(struct nsw_repeat *run, uint32_t candidate) {
  const int32_t *rank = run->ground->rank; /* as look, in half the memory */
  run->mark[candidate] = run->repeat + 1;
  if (run->best < 0 || rank[candidate] > rank[run->best] ||
      (run->search->use & NSW_USE_TIES && rank[candidate] == rank[run->best] &&
       run->score[candidate] > run->score[run->best]))
    nsw_new_best(run, candidate);
}

/* Trains a candidate. False where the budget does not pay for it: the repeat is over. */
static inline bool nsw_train(struct nsw_repeat *run, uint32_t candidate) {
  enum { ENOUGH = 10000 }; /* known ones in a row: the search has come to its end */
  if (run->search->remember && nsw_trained(run, candidate)) return ++run->free < ENOUGH;
  if (!nsw_pay(run, candidate, 1)) return false;
  nsw_take_note(run, candidate);
  run->trainings++;
  run->free = 0;
  return true;
}

/* Any candidate. */
static inline uint32_t nsw_draw_any(struct nsw_repeat *run) {
  return nsw_dice_below(&run->dice, (uint32_t)run->ground->n);
}

/* The next candidate of the start by score; false where there is none left, always without NSW_USE_START. */
bool nsw_next_start(struct nsw_repeat *run, uint32_t *candidate);

/* A proposal by draw(run, state); with NSW_USE_FILTER the best by score of several. */
uint32_t nsw_propose(struct nsw_repeat *run, uint32_t (*draw)(struct nsw_repeat *run, const void *state),
                     const void *state);

/* The next start, else any candidate as a proposal. */
uint32_t nsw_first_ones(struct nsw_repeat *run);

/* A neighbour of the candidate: one gene changed, and more of them where that is no candidate or the same architecture.
 * The candidate itself where a thousand attempts led nowhere. */
uint32_t nsw_mutate(struct nsw_repeat *run, uint32_t candidate);

/* The candidate of a word, or -1. */
int64_t nsw_candidate_of(const struct nsw_ground *ground, const uint8_t *genes);

/* The `count` best by score among a pool of `pool` random candidates (0: all), best first, equal ones in random order,
 * into out; returns how many there were. */
size_t nsw_top_by_score(struct nsw_repeat *run, uint64_t pool, size_t count, uint32_t *out);

/* Random order of items[n]. */
void nsw_shuffle(struct nsw_dice *dice, uint32_t *items, size_t n);

#endif
