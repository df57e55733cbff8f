#include "search/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "search/run.h"

/* ---- what methods call ---- */

void nsw_new_best(struct nsw_repeat *run, uint32_t candidate) {
  /* Points that lie before the end of the training under way show what was best until now. */
  double step = run->search->budget / (double)run->search->points;
  for (; run->point < run->search->points && (double)(run->point + 1) * step < run->spent * (1 - 1e-12); run->point++)
    run->trail[run->point] = (double)(run->best + 1);
  run->best = candidate;
}

bool nsw_next_start(struct nsw_repeat *run, uint32_t *candidate) {
  if (run->taken == run->queued) return false;
  *candidate = run->queue[run->taken++];
  return true;
}

uint32_t nsw_propose(struct nsw_repeat *run, uint32_t (*draw)(struct nsw_repeat *run, const void *state),
                     const void *state) {
  uint32_t best = draw(run, state);
  if (!(run->search->use & NSW_USE_FILTER)) return best;
  for (uint64_t i = 1; i < run->search->brood; i++) {
    uint32_t other = draw(run, state);
    if (run->score[other] > run->score[best]) best = other;
  }
  return best;
}

static uint32_t draw_any(struct nsw_repeat *run, const void *state) {
  (void)state;
  return nsw_draw_any(run);
}

uint32_t nsw_first_ones(struct nsw_repeat *run) {
  uint32_t candidate;
  return nsw_next_start(run, &candidate) ? candidate : nsw_propose(run, draw_any, NULL);
}

int64_t nsw_candidate_of(const struct nsw_ground *ground, const uint8_t *genes) {
  uint32_t index;
  if (!nsw_space_from_genes(ground->space, genes, &index)) return -1;
  return ground->whole ? (int64_t)index : ground->place[index];
}

uint32_t nsw_mutate(struct nsw_repeat *run, uint32_t candidate) {
  const struct nsw_ground *ground = run->ground;
  uint8_t genes[NSW_MAX_GENES];
  nsw_copy_word(ground, candidate, genes);
  for (int attempt = 0; attempt < 1000; attempt++) {
    uint32_t g = nsw_dice_below(&run->dice, (uint32_t)ground->length);
    uint8_t old = genes[g];
    if (ground->choices[g] < 2) continue;
    uint8_t new = (uint8_t)nsw_dice_below(&run->dice, ground->choices[g] - 1);
    genes[g] = new + (new >= old);
    int64_t neighbour = nsw_candidate_of(ground, genes);
    if (neighbour < 0)
      genes[g] = old; /* the same again counts as a step: the next change starts from there */
    else if (neighbour != candidate)
      return (uint32_t)neighbour;
  }
  return candidate;
}

void nsw_shuffle(struct nsw_dice *dice, uint32_t *items, size_t n) {
  for (size_t i = n; i > 1; i--) {
    uint32_t j = nsw_dice_below(dice, (uint32_t)i), t = items[i - 1];
    items[i - 1] = items[j];
    items[j] = t;
  }
}

/* The best of all: whole groups of equal score from the top, each in random order. */
static size_t top_of_all(struct nsw_repeat *run, size_t count, uint32_t *out) {
  const struct nsw_ranks *ranks = run->ranks;
  size_t n = 0;
  for (size_t g = ranks->distinct; g-- > 0 && n < count;) {
    size_t size = ranks->start[g + 1] - ranks->start[g], take = size < count - n ? size : count - n;
    memcpy(run->scratch, ranks->order + ranks->start[g], size * sizeof *run->scratch);
    for (size_t i = 0; i < take; i++) {
      size_t j = i + nsw_dice_below(&run->dice, (uint32_t)(size - i));
      out[n++] = run->scratch[j];
      run->scratch[j] = run->scratch[i];
    }
  }
  return n;
}

size_t nsw_top_by_score(struct nsw_repeat *run, uint64_t pool, size_t count, uint32_t *out) {
  size_t n = run->ground->n;
  if (!pool || pool >= n) return top_of_all(run, count, out);
  for (size_t i = 0; i < pool;) {
    uint32_t candidate = nsw_draw_any(run);
    if (run->drawn[candidate] == run->repeat + 1) continue;
    run->drawn[candidate] = run->repeat + 1;
    run->scratch[i++] = candidate;
  }
  /* Those drawn come in random order, so that the first of equal ones is any of them. */
  if (count > pool) count = pool;
  for (size_t k = 0; k < count; k++) {
    size_t best = k;
    for (size_t i = k + 1; i < pool; i++)
      if (run->score[run->scratch[i]] > run->score[run->scratch[best]]) best = i;
    out[k] = run->scratch[best];
    memmove(run->scratch + k + 1, run->scratch + k, (best - k) * sizeof *run->scratch);
  }
  return count;
}

/* ---- all repeats ---- */

static int run_one(struct nsw_repeat *run, uint64_t repeat, struct nsw_outcome *outcome, struct nsw_error *err) {
  const struct nsw_search *search = run->search;
  run->repeat = (uint32_t)repeat;
  run->spent = 0;
  run->trainings = run->free = 0;
  run->best = -1;
  run->trail = outcome->best + repeat * search->points;
  run->point = 0;
  run->limit = search->budget * (1 + 1e-12);
  run->queued = run->taken = 0;
  run->rank = outcome->rank ? outcome->rank + repeat * (1 + run->ground->reports) * 2 : NULL;
  struct nsw_stream stream = {search->seed, (uint64_t)nsw_hash_text(search->method->name) << 32 | repeat,
                              NSW_FOR_SEARCH};
  nsw_dice_begin(&run->dice, stream);
  if (search->use & NSW_USE_START) {
    /* From a stream of its own: what is drawn later stays a pair with the search without the score. */
    struct nsw_dice own = run->dice;
    stream.which ^= UINT64_C(1) << 63;
    nsw_dice_begin(&run->dice, stream);
    run->queued = nsw_top_by_score(run, search->pool, search->start, run->queue);
    run->dice = own;
  }
  int status = search->method->run(run, err);
  for (; run->point < search->points; run->point++) run->trail[run->point] = (double)(run->best + 1);
  outcome->trainings[repeat] = (double)run->trainings;
  return status;
}

static int check(const struct nsw_ground *ground, const struct nsw_search *search, struct nsw_error *err) {
  const struct nsw_method *m = search->method;
  if (!ground->n) return nsw_fail(err, "%s: no architecture has all the columns that the search needs", m->name);
  if (m->kind & NSW_METHOD_GENES && !ground->length)
    return nsw_usage(err, "%s: the architectures of %s cannot be changed step by step", m->name,
                     nsw_space_kind(ground->space)->name);
  if (m->kind & NSW_METHOD_RUNGS && !ground->rungs)
    return nsw_usage(err, "%s: needs accuracies after fewer epochs than those looked at", m->name);
  if ((search->use || m->kind & NSW_METHOD_SCORE) && search->score < 0)
    return nsw_usage(err, "%s: needs a score", m->name);
  if (search->repeats > UINT32_MAX - 1) return nsw_usage(err, "%s: too many repeats", m->name);
  return NSW_OK;
}

static int make_outcome(const struct nsw_ground *ground, const struct nsw_search *search, struct nsw_outcome *o,
                        struct nsw_error *err) {
  *o = (struct nsw_outcome){.points = search->points, .repeats = search->repeats};
  o->best = calloc(search->repeats * search->points + 1, sizeof *o->best);
  o->trainings = calloc(search->repeats + 1, sizeof *o->trainings);
  bool predicts = search->method->kind & NSW_METHOD_PREDICTS;
  if (predicts) o->rank = calloc(search->repeats * (1 + ground->reports) * 2 + 1, sizeof *o->rank);
  if (o->best && o->trainings && (o->rank || !predicts)) return NSW_OK;
  return nsw_no_memory(err, "%llu repeats of %zu points", (unsigned long long)search->repeats, search->points);
}

static int all_repeats(const struct nsw_ground *ground, const struct nsw_search *search, struct nsw_outcome *outcome,
                       struct nsw_error *err) {
  struct nsw_ranks ranks = {0};
  struct nsw_repeat *run = calloc(1, sizeof *run);
  uint32_t *room = calloc(3 * ground->n + search->start + 1, sizeof *room);
  int status = run && room ? NSW_OK : nsw_no_memory(err, "%zu candidates", ground->n);
  if (!status) {
    run->ground = ground;
    run->search = search;
    run->scratch = room;
    run->mark = room + ground->n;
    run->drawn = room + 2 * ground->n;
    run->queue = room + 3 * ground->n;
    if (search->score >= 0) {
      run->score = ground->score[search->score];
      run->ranks = &ranks;
      status = nsw_ranks_make(run->score, ground->n, &ranks, err);
    }
  }
  if (!status && search->method->open) status = search->method->open(ground, search, &run->state, err);
  for (uint64_t r = (uint64_t)search->share.rank; r < search->repeats && !status; r += (uint64_t)search->share.size)
    status = run_one(run, r, outcome, err);
  if (run && run->state && search->method->close) search->method->close(run->state);
  nsw_ranks_free(&ranks);
  free(room);
  free(run);
  return status;
}

int nsw_search_run(const struct nsw_ground *ground, const struct nsw_search *search, struct nsw_outcome *outcome,
                   struct nsw_error *err) {
  const struct nsw_share *share = &search->share;
  *outcome = (struct nsw_outcome){0};
  int status = check(ground, search, err);
  if (!status) status = make_outcome(ground, search, outcome, err);
  if (!status) status = all_repeats(ground, search, outcome, err);
  status = nsw_share_agree(share, status, err);
  if (!status && share->sum) {
    status = share->sum(outcome->best, search->repeats * search->points, share->state, err);
    if (!status) status = share->sum(outcome->trainings, search->repeats, share->state, err);
    if (!status && outcome->rank)
      status = share->sum(outcome->rank, search->repeats * (1 + ground->reports) * 2, share->state, err);
  }
  if (status) nsw_outcome_free(outcome);
  return status;
}

void nsw_outcome_free(struct nsw_outcome *outcome) {
  free(outcome->best);
  free(outcome->trainings);
  free(outcome->rank);
  *outcome = (struct nsw_outcome){0};
}
