#include "study/correlation.h"

#include <math.h>

double nsw_spearman(const struct nsw_ranks *x, const struct nsw_ranks *y) {
  size_t n = x->n;
  if (n < 2 || y->n != n || x->distinct < 2 || y->distinct < 2) return NAN;
  /* Twice the ranks, less their mean n+1: integers in (-n, n), whose products summed fit 128 bits for any n. */
  __int128 xy = 0, xx = 0, yy = 0;
  int64_t mean = (int64_t)n + 1;
  for (size_t i = 0; i < n; i++) {
    int64_t a = (int64_t)nsw_rank_twice(x, x->code[i]) - mean, b = (int64_t)nsw_rank_twice(y, y->code[i]) - mean;
    xy += (__int128)a * b;
  }
  for (size_t g = 0; g < x->distinct; g++) {
    int64_t a = (int64_t)nsw_rank_twice(x, (uint32_t)g) - mean;
    xx += (__int128)a * a * (x->start[g + 1] - x->start[g]);
  }
  for (size_t g = 0; g < y->distinct; g++) {
    int64_t b = (int64_t)nsw_rank_twice(y, (uint32_t)g) - mean;
    yy += (__int128)b * b * (y->start[g + 1] - y->start[g]);
  }
  /* The root of a square is exact, so that a column agrees with itself by exactly 1. */
  double rho = (double)((long double)xy / sqrtl((long double)xx * (long double)yy));
  return fmax(-1, fmin(1, rho));
}

/* Scale that keeps squares from overflowing or vanishing; 0 where the column is constant, NaN where not finite. */
static double centre(const double *x, size_t n, double *mean) {
  long double sum = 0;
  double largest = 0;
  int constant = 1;
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(x[i])) return NAN;
    sum += x[i];
    constant &= x[i] == x[0];
  }
  if (constant) return 0;
  *mean = (double)(sum / (long double)n);
  for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(x[i] - *mean));
  return largest;
}

double nsw_pearson(const double *x, const double *y, size_t n) {
  double mx = 0, my = 0, sx, sy;
  if (n < 2) return NAN;
  sx = centre(x, n, &mx);
  sy = centre(y, n, &my);
  if (!(sx > 0) || !(sy > 0)) return NAN;
  long double xx = 0, yy = 0, xy = 0, a = 0, b = 0;
  for (size_t i = 0; i < n; i++) {
    double u = (x[i] - mx) / sx, v = (y[i] - my) / sy;
    xx += (long double)u * u;
    yy += (long double)v * v;
    xy += (long double)u * v;
    a += u;
    b += v;
  }
  /* What rounding left in the means is taken out again. */
  xx -= a * a / n;
  yy -= b * b / n;
  xy -= a * b / n;
  double r = (double)(xy / sqrtl(xx * yy));
  return fmax(-1, fmin(1, r));
}

double nsw_partial(double xy, double xz, double yz) {
  double rest = (1 - xz * xz) * (1 - yz * yz);
  if (!(rest > 1e-14)) return NAN; /* what rounding leaves of 0 */
  return fmax(-1, fmin(1, (xy - xz * yz) / sqrt(rest)));
}
