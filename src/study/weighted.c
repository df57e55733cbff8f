/* Weighted Kendall's tau: see study/correlation.h.
 *
 * A pair of rows weighs the sum of their two weights, so every sum over pairs is one over rows: each row's weight times
 * a count of the rows it stands so to. With t the rows that share a value, and crossed those discordant with it,
 * concordant less discordant are n - t_x - t_y + t_xy - 2 crossed, and n - t_x are not tied in x. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/correlation.h"

/* The weighted sums of one choice of weights. */
struct sums {
  double agreement, untied_x, untied_y;
};

static void add_row(struct sums *sums, double weight, double agreement, double untied_x, double untied_y) {
  sums->agreement += weight * agreement;
  sums->untied_x += weight * untied_x;
  sums->untied_y += weight * untied_y;
}

static double tau_of(const struct sums *sums) {
  /* The root of a square is exact, so that a column agrees with itself by exactly 1. */
  double tau = sums->agreement / sqrt(sums->untied_x * sums->untied_y);
  return sums->untied_x > 0 && sums->untied_y > 0 ? fmax(-1, fmin(1, tau)) : NAN;
}

double nsw_weighted_tau_of(const struct nsw_sequence *s, const uint32_t *crossed, const uint32_t *place_y) {
  struct sums by_x = {0, 0, 0}, by_y = {0, 0, 0};
  double n = (double)s->n;
  for (size_t g = 0; g < s->groups_x; g++) {
    uint32_t first = s->start_x[g], end = s->start_x[g + 1], k = first;
    double untied_x = n - (end - first);
    while (k < end) {
      uint32_t code = s->code[k], run = k;
      while (run < end && s->code[run] == code) run++;
      double tied_y = s->start_y[code + 1] - s->start_y[code], agreement = untied_x - tied_y + (run - k);
      for (; k < run; k++) {
        double own = agreement - 2 * (double)crossed[k];
        add_row(&by_x, 1 / (n - k), own, untied_x, n - tied_y); /* the last place is the first rank */
        add_row(&by_y, 1 / (n - place_y[k]), own, untied_x, n - tied_y);
      }
    }
  }
  return (tau_of(&by_x) + tau_of(&by_y)) / 2;
}

int nsw_weighted_tau(const struct nsw_ranks *x, const struct nsw_ranks *y, double *tau, struct nsw_error *err) {
  struct nsw_kendall kendall;
  return nsw_both_taus(x, y, &kendall, tau, err);
}

int nsw_both_taus(const struct nsw_ranks *x, const struct nsw_ranks *y, struct nsw_kendall *kendall, double *weighted,
                  struct nsw_error *err) {
  size_t n = x->n;
  *weighted = NAN;
  int status = nsw_kendall_begin(x, y, kendall, err);
  if (status || n < 2) return status;
  uint32_t *codes = malloc((3 * n + y->distinct + 1) * sizeof *codes), *crossed = codes + n, *place = codes + 2 * n;
  void *scratch = malloc(nsw_crossings_scratch(n));
  status = codes && scratch ? NSW_OK : nsw_no_memory(err, "comparing %zu rows", n);
  if (!status) status = nsw_kendall_sequence(x, y, codes, NULL, &kendall->tied_both, err);
  if (!status) {
    struct nsw_sequence s = {n, codes, x->start, y->start, x->distinct, y->distinct};
    nsw_crossings(&s, scratch, crossed);
    nsw_places_in_y(&s, codes + 3 * n, place);
    uint64_t twice = 0;
    for (size_t k = 0; k < n; k++) twice += crossed[k];
    kendall->discordant = twice / 2;
    nsw_kendall_finish(x, y, kendall);
    *weighted = nsw_weighted_tau_of(&s, crossed, place);
  }
  free(codes);
  free(scratch);
  return status;
}
