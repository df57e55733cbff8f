#include "study/select.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

size_t nsw_budgets(uint64_t n, uint64_t *ks, size_t room) {
  static const int steps[] = {1, 2, 5};
  size_t count = 0;
  for (uint64_t ten = 1; ten <= n && count + 1 < room; ten *= 10)
    for (int s = 0; s < 3 && steps[s] * ten < n && count + 1 < room; s++) ks[count++] = steps[s] * ten;
  if (n) ks[count++] = n;
  return count;
}

double nsw_expected_best(const double *ascending, size_t n, size_t take, double floor) {
  if (!take) return floor;
  double expected = 0, at_most = 1; /* P(best <= ascending[i]) as i goes down */
  for (size_t i = n; i >= take; i--) {
    double below = at_most * (double)(i - take) / (double)i;
    expected += fmax(floor, ascending[i - 1]) * (at_most - below);
    at_most = below;
    if (at_most < 1e-18) break;
  }
  return expected;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Walks down the groups of equal score. */
struct descent {
  const struct nsw_ranks *ranks;
  const double *accuracy;
  double *group; /* [n] accuracies of the present group, ascending */
  size_t g;      /* groups not yet taken whole: codes below g */
  uint64_t taken;
  double best, sum;
};

/* Expectation at k, which lies in the group below g. sorted: accuracies of all, ascending. */
static struct nsw_pick pick_at(struct descent *d, uint64_t k, const double *sorted, size_t n) {
  const struct nsw_ranks *r = d->ranks;
  while (d->g && d->taken + (r->start[d->g] - r->start[d->g - 1]) <= k) {
    d->g--;
    for (uint32_t i = r->start[d->g]; i < r->start[d->g + 1]; i++) {
      double accuracy = d->accuracy[r->order[i]];
      d->best = fmax(d->best, accuracy);
      d->sum += accuracy;
      d->taken++;
    }
  }
  struct nsw_pick pick = {.k = k, .best = d->best, .mean = d->sum};
  double border = sorted[n - k], hits = 0;
  for (uint32_t i = r->start[d->g]; i < r->start[r->distinct]; i++) hits += d->accuracy[r->order[i]] >= border;
  if (k > d->taken) {
    size_t size = r->start[d->g] - r->start[d->g - 1], take = (size_t)(k - d->taken);
    double sum = 0, near = 0;
    for (size_t i = 0; i < size; i++) {
      d->group[i] = d->accuracy[r->order[r->start[d->g - 1] + i]];
      sum += d->group[i];
      near += d->group[i] >= border;
    }
    qsort(d->group, size, sizeof *d->group, ascending);
    double share = (double)take / (double)size;
    pick.best = nsw_expected_best(d->group, size, take, d->best);
    pick.mean += sum * share;
    hits += near * share;
  }
  pick.mean /= (double)k;
  pick.precision = fmin(1, hits / (double)k);
  return pick;
}

int nsw_pick_top(const double *score, const double *accuracy, size_t n, const uint64_t *ks, size_t count,
                 struct nsw_pick *picks, struct nsw_error *err) {
  struct nsw_ranks ranks = {0}, order = {0};
  double *group = malloc((2 * n + 1) * sizeof *group), *sorted = group + n;
  int status = group ? NSW_OK : nsw_no_memory(err, "selecting from %zu candidates", n);
  if (!status) status = nsw_ranks_make(score, n, &ranks, err);
  if (!status) status = nsw_ranks_make(accuracy, n, &order, err);
  if (!status) {
    for (size_t i = 0; i < n; i++) sorted[i] = accuracy[order.order[i]];
    struct descent d = {.ranks = &ranks, .accuracy = accuracy, .group = group, .g = ranks.distinct, .best = -INFINITY};
    for (size_t i = 0; i < count; i++) picks[i] = pick_at(&d, ks[i], sorted, n);
  }
  nsw_ranks_free(&ranks);
  nsw_ranks_free(&order);
  free(group);
  return status;
}

int nsw_pick_random(const double *accuracy, size_t n, const uint64_t *ks, size_t count, struct nsw_pick *picks,
                    struct nsw_error *err) {
  double *sorted = malloc((n + 1) * sizeof *sorted), sum = 0;
  if (!sorted) return nsw_no_memory(err, "selecting from %zu candidates", n);
  memcpy(sorted, accuracy, n * sizeof *sorted);
  qsort(sorted, n, sizeof *sorted, ascending);
  for (size_t i = 0; i < n; i++) sum += sorted[i];
  for (size_t i = 0; i < count; i++) {
    size_t as_good = 0;
    while (as_good < n && sorted[n - 1 - as_good] >= sorted[n - ks[i]]) as_good++;
    picks[i] = (struct nsw_pick){.k = ks[i],
                                 .best = nsw_expected_best(sorted, n, (size_t)ks[i], -INFINITY),
                                 .mean = sum / (double)n,
                                 .precision = (double)as_good / (double)n};
  }
  free(sorted);
  return NSW_OK;
}

int nsw_pareto(const double *cost, const double *value, size_t n, uint32_t *front, size_t *count,
               struct nsw_error *err) {
  struct nsw_ranks by_cost;
  *count = 0;
  int status = nsw_ranks_make(cost, n, &by_cost, err);
  double best = -INFINITY;
  bool any = false;
  for (size_t g = 0; g < by_cost.distinct && !status; g++) {
    int64_t winner = -1;
    for (uint32_t i = by_cost.start[g]; i < by_cost.start[g + 1]; i++) {
      uint32_t row = by_cost.order[i];
      if (!isnan(value[row]) && (winner < 0 || value[row] > value[winner])) winner = row;
    }
    if (winner < 0 || (any && value[winner] <= best)) continue;
    best = value[winner];
    any = true;
    front[(*count)++] = (uint32_t)winner;
  }
  nsw_ranks_free(&by_cost);
  return status;
}

/* The first `want` of a random order of 0..n-1: Fisher-Yates from the front over drawn[n], which is left permuted. */
static void draw(uint32_t *drawn, size_t n, uint64_t want, struct nsw_stream stream) {
  for (uint64_t i = 0; i < want; i++) {
    uint64_t j = i + nsw_random_below(stream, i, n - i);
    uint32_t t = drawn[i];
    drawn[i] = drawn[j];
    drawn[j] = t;
  }
}

/* The place in drawn[] of the best by score that is not yet used; equal ones: the first drawn. */
static uint64_t next_best(const double *score, const uint32_t *drawn, uint64_t candidates, const uint8_t *used) {
  uint64_t best = candidates;
  for (uint64_t i = 0; i < candidates; i++)
    if (!used[i] && (best == candidates || score[drawn[i]] > score[drawn[best]])) best = i;
  return best;
}

int nsw_two_step(const double *score, const double *valid, const double *test, size_t n, uint64_t candidates,
                 uint64_t k, uint64_t runs, uint64_t seed, struct nsw_two_step *r, struct nsw_error *err) {
  *r = (struct nsw_two_step){.runs = runs, .lowest = INFINITY, .highest = -INFINITY};
  if (candidates > n || k > candidates || !k || !runs)
    return nsw_usage(err, "a two-step search of %llu from %llu candidates needs at least as many, there are %zu",
                     (unsigned long long)k, (unsigned long long)candidates, n);
  uint32_t *drawn = malloc(n * sizeof *drawn);
  uint8_t *used = malloc(candidates);
  double *found = malloc(runs * sizeof *found), sum = 0, square = 0;
  int status = drawn && used && found ? NSW_OK : nsw_no_memory(err, "a search among %zu", n);
  for (uint64_t run = 0; run < runs && !status; run++) {
    struct nsw_stream stream = {.seed = seed, .which = run, .purpose = NSW_FOR_SAMPLING};
    for (size_t i = 0; i < n; i++) drawn[i] = (uint32_t)i;
    draw(drawn, n, candidates, stream);
    memset(used, 0, candidates);
    uint64_t winner = candidates;
    for (uint64_t i = 0; i < k; i++) {
      uint64_t next = next_best(score, drawn, candidates, used);
      used[next] = 1;
      if (winner == candidates || valid[drawn[next]] > valid[drawn[winner]]) winner = next;
    }
    found[run] = test[drawn[winner]];
    sum += found[run];
    r->lowest = fmin(r->lowest, found[run]);
    r->highest = fmax(r->highest, found[run]);
  }
  r->mean = sum / (double)runs;
  for (uint64_t run = 0; run < runs && !status; run++) square += (found[run] - r->mean) * (found[run] - r->mean);
  r->deviation = runs > 1 ? sqrt(square / (double)(runs - 1)) : NAN;
  free(drawn);
  free(used);
  free(found);
  return status;
}
