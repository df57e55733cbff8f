/* Leave-one-out values of the weighted tau: see study/correlation.h.
 *
 * Without the row at place p, every row below it comes one rank forward: its weight grows by gain = 1/(r) - 1/(r+1), r
 * its old rank from 0; and every other row has one row less to stand to. So each of the three sums over rows (see
 * weighted.c) loses p's own term, gains the terms of the gains below p, and loses what all rows counted for p: the
 * weights, signed by how their row stands to p, which a Fenwick tree over y's values gives while x goes up. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "study/correlation.h"

/* A row's weight and what it gains by one rank. */
struct load {
  double weight, gain;
};

static void add(struct load *to, struct load what) {
  to->weight += what.weight;
  to->gain += what.gain;
}

static struct load less(struct load a, struct load b) { return (struct load){a.weight - b.weight, a.gain - b.gain}; }

/* What a walk in the order of x keeps. Arrays by y's code, but `own` and `crossed`. */
struct walk {
  const struct nsw_ranks *x, *y;
  uint32_t *codes, *rows, *crossed;                   /* [n] by place */
  struct load *tree;                                  /* [d + 1] Fenwick: rows of lower x */
  struct load *seen;                                  /* [d] rows of lower x */
  double *all, *below;                                /* [d], [d + 1] weights of all rows of this y, and of lower y */
  double *gain_before;                                /* [d] gains at earlier places */
  double total_weight, agreement, untied_x, untied_y; /* sums over all rows */
};

/* How a row stands: counts of rows, as in weighted.c. */
struct counts {
  double agreement, untied_x, untied_y;
};

static struct load load_at(size_t n, uint32_t place) {
  double rank = (double)(n - 1 - place);
  return (struct load){1 / (rank + 1), rank > 0 ? 1 / rank - 1 / (rank + 1) : 0};
}

static struct load lower(const struct walk *w, size_t code) {
  struct load sum = {0, 0};
  for (; code; code -= code & -code) add(&sum, w->tree[code]);
  return sum;
}

static struct counts counts_at(const struct walk *w, uint32_t place, uint32_t group, uint32_t joint) {
  double n = (double)w->x->n, tx = w->x->start[group + 1] - w->x->start[group];
  uint32_t code = w->codes[place];
  double ty = w->y->start[code + 1] - w->y->start[code];
  return (struct counts){n - tx - ty + joint - 2 * (double)w->crossed[place], n - tx, n - ty};
}

/* The end of the run of equal y at `place` within its group of x. */
static uint32_t run_end(const struct walk *w, uint32_t place, uint32_t end) {
  uint32_t run = place;
  while (run < end && w->codes[run] == w->codes[place]) run++;
  return run;
}

/* The sums over all rows. */
static void sum_up(struct walk *w) {
  size_t n = w->x->n;
  for (uint32_t g = 0; g < w->x->distinct; g++)
    for (uint32_t k = w->x->start[g], end = w->x->start[g + 1], run; k < end;)
      for (uint32_t first = k, stop = run = run_end(w, k, end); k < stop; k++) {
        struct counts c = counts_at(w, k, g, run - first);
        double weight = load_at(n, k).weight;
        w->all[w->codes[k]] += weight;
        w->total_weight += weight;
        w->agreement += weight * c.agreement;
        w->untied_x += weight * c.untied_x;
        w->untied_y += weight * c.untied_y;
      }
  for (size_t c = 0; c < w->y->distinct; c++) w->below[c + 1] = w->below[c] + w->all[c];
}

/* All rows of one value of x. before: sums over earlier places of gain times each count; passed: loads of lower x. */
static void leave_group(struct walk *w, uint32_t group, struct counts *before, struct load *passed, double *value) {
  size_t n = w->x->n;
  uint32_t first = w->x->start[group], end = w->x->start[group + 1];
  struct load whole = {0, 0}, smaller = {0, 0}; /* of this group: all, and those of lower y */
  double gained = passed->gain;                 /* gains of all earlier places */
  for (uint32_t k = first; k < end; k++) add(&whole, load_at(n, k));
  for (uint32_t k = first; k < end;) {
    uint32_t code = w->codes[k], run = run_end(w, k, end), joint = run - k;
    struct load same = {0, 0}, low = lower(w, code), equal = w->seen[code];
    for (uint32_t j = k; j < run; j++) add(&same, load_at(n, j));
    struct load high = less(less(*passed, low), equal);
    /* Rows of higher x, split by y. */
    double above_low = w->below[code] - low.weight - smaller.weight;
    double above_equal = w->all[code] - equal.weight - same.weight;
    double above_high = w->total_weight - passed->weight - whole.weight - above_low - above_equal;
    double stand = (low.weight - high.weight) + (above_high - above_low) + (low.gain - high.gain);
    for (; k < run; k++) {
      struct load own = load_at(n, k);
      struct counts c = counts_at(w, k, group, joint);
      double s = w->agreement - own.weight * c.agreement + before->agreement - stand;
      double ux =
          w->untied_x - own.weight * c.untied_x + before->untied_x - (w->total_weight - whole.weight) - passed->gain;
      double uy = w->untied_y - own.weight * c.untied_y + before->untied_y - (w->total_weight - w->all[code]) -
                  (gained - w->gain_before[code]);
      bool constant = (w->x->distinct == 2 && c.untied_x == (double)n - 1) || w->x->distinct < 2 ||
                      (w->y->distinct == 2 && c.untied_y == (double)n - 1) || w->y->distinct < 2;
      value[w->rows[k]] += constant ? NAN : fmax(-1, fmin(1, s / sqrt(ux * uy))) / 2;
      before->agreement += own.gain * c.agreement;
      before->untied_x += own.gain * c.untied_x;
      before->untied_y += own.gain * c.untied_y;
      w->gain_before[code] += own.gain;
      gained += own.gain;
    }
    add(&smaller, same);
  }
  for (uint32_t k = first; k < end; k++) {
    struct load own = load_at(n, k);
    add(&w->seen[w->codes[k]], own);
    for (size_t i = w->codes[k] + 1; i <= w->y->distinct; i += i & -i) add(&w->tree[i], own);
  }
  add(passed, whole);
}

/* Adds half of each row's value by the weights of x's order. */
static int one_way(const struct nsw_ranks *x, const struct nsw_ranks *y, double *value, struct nsw_error *err) {
  size_t n = x->n, d = y->distinct;
  struct walk w = {.x = x, .y = y};
  w.codes = malloc(3 * n * sizeof *w.codes);
  w.rows = w.codes + n;
  w.crossed = w.codes + 2 * n;
  w.tree = calloc(2 * d + 1, sizeof *w.tree);
  w.seen = w.tree + d + 1;
  w.all = calloc(3 * d + 1, sizeof *w.all);
  w.gain_before = w.all + d;
  w.below = w.all + 2 * d;
  void *scratch = malloc(nsw_crossings_scratch(n));
  uint64_t both;
  int status = w.codes && w.tree && w.all && scratch ? NSW_OK : nsw_no_memory(err, "a jackknife of %zu rows", n);
  if (!status) status = nsw_kendall_sequence(x, y, w.codes, w.rows, &both, err);
  if (!status) {
    struct nsw_sequence s = {n, w.codes, x->start, y->start, x->distinct, d};
    struct counts before = {0, 0, 0};
    struct load passed = {0, 0};
    nsw_crossings(&s, scratch, w.crossed);
    sum_up(&w);
    for (uint32_t g = 0; g < x->distinct; g++) leave_group(&w, g, &before, &passed, value);
  }
  free(w.codes);
  free(w.tree);
  free(w.all);
  free(scratch);
  return status;
}

int nsw_weighted_left_out(const struct nsw_ranks *x, const struct nsw_ranks *y, double *value, struct nsw_error *err) {
  for (size_t i = 0; i < x->n; i++) value[i] = 0;
  int status = one_way(x, y, value, err);
  return !status ? one_way(y, x, value, err) : status;
}
