/* Statistics by their definitions, all pairs compared: what the fast ones of src/study are held to. */
#ifndef NSW_TESTS_NAIVE_STUDY_H
#define NSW_TESTS_NAIVE_STUDY_H

#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "study/bootstrap.h"
#include "study/correlation.h"
#include "study/kendall.h"

/* Average rank (from 1) of every row. */
static void nsw_ranks_naive(const double *x, size_t n, double *rank) {
  for (size_t i = 0; i < n; i++) {
    size_t below = 0, equal = 0;
    for (size_t j = 0; j < n; j++) {
      below += x[j] < x[i];
      equal += x[j] == x[i];
    }
    rank[i] = (double)below + ((double)equal + 1) / 2;
  }
}

/* Pairs and tau-b; p is left out. */
static void nsw_kendall_naive(const double *x, const double *y, size_t n, struct nsw_kendall *result) {
  *result = (struct nsw_kendall){.n = n, .pairs = n ? (uint64_t)n * (n - 1) / 2 : 0, .p = NAN};
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < i; j++) {
      int sx = (x[i] > x[j]) - (x[i] < x[j]), sy = (y[i] > y[j]) - (y[i] < y[j]);
      result->tied_x += !sx;
      result->tied_y += !sy;
      result->tied_both += !sx && !sy;
      result->discordant += sx * sy < 0;
    }
  double concordant =
      (double)(result->pairs - result->tied_x - result->tied_y + result->tied_both - result->discordant);
  double untied = sqrt((double)(result->pairs - result->tied_x)) * sqrt((double)(result->pairs - result->tied_y));
  result->tau_b = untied > 0 ? (concordant - (double)result->discordant) / untied : NAN;
}

static double one_way_naive(const double *x, const double *y, size_t n) {
  double *weight = malloc((n + 1) * sizeof *weight), sum = 0, xx = 0, yy = 0;
  if (!weight) return NAN;
  for (size_t i = 0; i < n; i++) {
    size_t above = 0;
    for (size_t j = 0; j < n; j++) above += x[j] > x[i] || (x[j] == x[i] && (y[j] > y[i] || (y[j] == y[i] && j > i)));
    weight[i] = 1 / (double)(above + 1);
  }
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < i; j++) {
      double w = weight[i] + weight[j];
      int sx = (x[i] > x[j]) - (x[i] < x[j]), sy = (y[i] > y[j]) - (y[i] < y[j]);
      sum += w * (sx * sy);
      xx += sx ? w : 0;
      yy += sy ? w : 0;
    }
  free(weight);
  return xx > 0 && yy > 0 ? sum / sqrt(xx) / sqrt(yy) : NAN;
}

/* The weighted tau. */
static double nsw_weighted_tau_naive(const double *x, const double *y, size_t n) {
  return (one_way_naive(x, y, n) + one_way_naive(y, x, n)) / 2;
}

/* The coefficients of one resample, its rows drawn one by one. */
static int nsw_bootstrap_naive(const double *x, const double *y, size_t n, uint64_t seed, uint64_t resample,
                               double values[NSW_COEFFICIENTS], struct nsw_error *err) {
  double *u = malloc((2 * n + 1) * sizeof *u), *v = u + n;
  struct nsw_ranks rx = {0}, ry = {0};
  struct nsw_kendall kendall;
  if (!u) return nsw_no_memory(err, "resamples");
  struct nsw_stream stream = {.seed = seed, .which = resample, .purpose = NSW_FOR_BOOTSTRAP};
  for (size_t k = 0; k < n; k++) {
    uint32_t words[4];
    nsw_random_block(stream, k / (4 * NSW_RESAMPLE_LANES) * NSW_RESAMPLE_LANES + k / 4 % NSW_RESAMPLE_LANES, words);
    uint32_t row = (uint32_t)((uint64_t)words[k % 4] * n >> 32);
    u[k] = x[row];
    v[k] = y[row];
  }
  int status = nsw_ranks_make(u, n, &rx, err);
  if (!status) status = nsw_ranks_make(v, n, &ry, err);
  if (!status) status = nsw_kendall(&rx, &ry, &kendall, err);
  if (!status) status = nsw_weighted_tau(&rx, &ry, &values[NSW_WEIGHTED], err);
  if (!status) {
    values[NSW_KENDALL] = kendall.tau_b;
    values[NSW_SPEARMAN] = nsw_spearman(&rx, &ry);
    values[NSW_PEARSON] = nsw_pearson(u, v, n);
  }
  nsw_ranks_free(&rx);
  nsw_ranks_free(&ry);
  free(u);
  return status;
}

#endif
