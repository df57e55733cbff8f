/* Time of the statistics at the size of nb101, on columns from a file of doubles (x then y) or on made-up ones. CPU
 * time of one core; medians. bench_study.py runs it beside SciPy. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "study/bootstrap.h"
#include "study/correlation.h"
#include "study/kendall.h"

enum { REPEATS = 9 };

static double now(void) { return 1e3 * nsw_process_seconds(); }

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values, int n) {
  qsort(values, (size_t)n, sizeof *values, ascending);
  return values[n / 2];
}

static double *make_columns(const char *path, size_t *n) {
  *n = 423624;
  double *x = malloc(2 * *n * sizeof *x);
  FILE *f = path ? fopen(path, "rb") : NULL;
  if (f && x) {
    *n = fread(x, sizeof *x, 2 * *n, f) / 2;
    fclose(f);
    return x;
  }
  struct nsw_stream stream = {.seed = 1, .purpose = NSW_FOR_SAMPLING};
  for (size_t i = 0; i < *n && x; i++) {
    x[i] = floor(200 * nsw_random_double(stream, 2 * i));
    x[*n + i] = x[i] + 400 * nsw_random_double(stream, 2 * i + 1);
  }
  return x;
}

int main(int argc, char **argv) {
  size_t n;
  double *x = make_columns(argc > 1 ? argv[1] : NULL, &n), *y = x + n, t[6][REPEATS], tau = 0, resample[REPEATS],
         weigh[REPEATS], jackknife[REPEATS];
  if (!x) return 1;
  for (int r = 0; r < REPEATS; r++) {
    struct nsw_ranks rx, ry;
    struct nsw_kendall kendall;
    double at[7], weighted;
    at[0] = now();
    if (nsw_ranks_make(x, n, &rx, NULL) || nsw_ranks_make(y, n, &ry, NULL)) return 1;
    at[1] = now();
    if (nsw_kendall(&rx, &ry, &kendall, NULL)) return 1;
    at[2] = now();
    if (nsw_weighted_tau(&rx, &ry, &weighted, NULL)) return 1;
    at[3] = now();
    nsw_spearman(&rx, &ry);
    at[4] = now();
    nsw_pearson(x, y, n);
    at[5] = now();
    for (int k = 0; k < 5; k++) t[k][r] = at[k + 1] - at[k];
    t[5][r] = at[2] - at[0];
    tau = kendall.tau_b;
    struct nsw_bootstrap *bootstrap;
    double values[NSW_COEFFICIENTS][NSW_RESAMPLE_LANES];
    if (nsw_bootstrap_create(&rx, &ry, x, y, NSW_WANT_RANKS | NSW_WANT_PEARSON, &bootstrap, NULL)) return 1;
    double start = now();
    if (nsw_bootstrap_batch(bootstrap, 1, (uint64_t)r, values, NULL)) return 1;
    resample[r] = (now() - start) / NSW_RESAMPLE_LANES;
    nsw_bootstrap_free(&bootstrap);
    if (nsw_bootstrap_create(&rx, &ry, x, y, NSW_WANT_WEIGHTED, &bootstrap, NULL)) return 1;
    start = now();
    if (nsw_bootstrap_batch(bootstrap, 1, (uint64_t)r, values, NULL)) return 1;
    weigh[r] = (now() - start) / NSW_RESAMPLE_LANES;
    nsw_bootstrap_free(&bootstrap);
    double acceleration[NSW_COEFFICIENTS];
    start = now();
    if (nsw_jackknife(&rx, &ry, x, y, NSW_WANT_WEIGHTED, acceleration, NULL)) return 1;
    jackknife[r] = now() - start;
    nsw_ranks_free(&rx);
    nsw_ranks_free(&ry);
  }
  printf("rows %zu, tau-b %.6f, %d repeats, CPU ms of one core\n", n, tau, REPEATS);
  printf("kendall %.2f (ranks %.2f, pairs %.2f)\nweighted %.2f\n", median(t[5], REPEATS), median(t[0], REPEATS),
         median(t[1], REPEATS), median(t[2], REPEATS));
  printf("spearman %.2f\npearson %.2f\n", median(t[3], REPEATS), median(t[4], REPEATS));
  printf("resample %.2f (Kendall, Spearman and Pearson together)\n", median(resample, REPEATS));
  printf("weighted_resample %.2f\nweighted_jackknife %.2f (all leave-one-out values)\n", median(weigh, REPEATS),
         median(jackknife, REPEATS));
  free(x);
  return 0;
}
