#include "study/pvalue.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* ln of Gamma(a+1/2) / (Gamma(a) Gamma(1/2)) = -ln B(a, 1/2). lgamma of large a would lose digits in the difference,
 * so from 20 on the quotient's asymptotic series is used (Abramowitz and Stegun 6.1.47). */
static double minus_log_beta_half(double a) {
  double half_log_pi = 0.5 * log(M_PI);
  if (a < 20) return lgamma(a + 0.5) - lgamma(a) - half_log_pi;
  double z = 1 / (8 * a), z2 = z * z;
  /* Gamma(a+1/2)/Gamma(a) = sqrt(a) (1 - z + z^2/2 + 5 z^3/2 - 21 z^4/8 - 399 z^5/8 + 869 z^6/16 + 39325 z^7/16) */
  double series =
      1 - z + z2 * (0.5 + 2.5 * z) - z2 * z2 * (2.625 + 49.875 * z) + z2 * z2 * z2 * (54.3125 + 2457.8125 * z);
  return 0.5 * log(a) + log(series) - half_log_pi;
}

/* Continued fraction of the incomplete beta function I_x(a, b), by Lentz's method (DLMF 8.17.22). */
static double beta_fraction(double a, double b, double x) {
  const double tiny = 1e-300;
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (fabs(d) < tiny ? tiny : d);
  double f = d;
  for (int m = 1; m < 10000; m++) {
    double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 + even * d;
    c = 1 + even / c;
    d = 1 / (fabs(d) < tiny ? tiny : d);
    if (fabs(c) < tiny) c = tiny;
    f *= d * c;
    double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 + odd * d;
    c = 1 + odd / c;
    d = 1 / (fabs(d) < tiny ? tiny : d);
    if (fabs(c) < tiny) c = tiny;
    f *= d * c;
    if (fabs(d * c - 1) < DBL_EPSILON) break;
  }
  return f;
}

/* P(|T| > t) = I_x(dof/2, 1/2) with x = dof/(dof + t^2) = 1 - r^2 and y = r^2. */
double nsw_p_of_r(double r, uint64_t n) {
  if (isnan(r) || n < 2) return NAN;
  if (n == 2) return 1;
  double a = (double)(n - 2) / 2, b = 0.5;
  double y = r * r, x = (1 - r) * (1 + r);
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  double front = exp(minus_log_beta_half(a) + a * log(x) + b * log(y));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, y) / b;
}

double nsw_normal_cdf(double x) { return 0.5 * erfc(-x * M_SQRT1_2); }

double nsw_p_of_z(double z) { return erfc(fabs(z) * M_SQRT1_2); }

/* Bisection on the distribution function, then Newton: called a few times a table, exactness matters more. */
double nsw_normal_quantile(double p) {
  if (!(p > 0)) return -INFINITY;
  if (!(p < 1)) return INFINITY;
  double low = -39, high = 39;
  for (int i = 0; i < 60; i++) {
    double middle = 0.5 * (low + high);
    if (nsw_normal_cdf(middle) < p)
      low = middle;
    else
      high = middle;
  }
  double x = 0.5 * (low + high);
  double slope = exp(-x * x / 2) / sqrt(2 * M_PI);
  return slope > 0 ? x - (nsw_normal_cdf(x) - p) / slope : x;
}

/* Kendall's recursion on the number of permutations of j with c inversions, divided by j as it goes. */
double nsw_p_of_kendall_exact(uint64_t n, uint64_t discordant) {
  uint64_t pairs = n * (n - 1) / 2, c = discordant < pairs - discordant ? discordant : pairs - discordant;
  if (n == 0) return NAN;
  if (n <= 2) return 1;
  if (2 * c == pairs) return 1;
  if (c == 0) return n < 171 ? 2 / tgamma((double)n + 1) : 0;
  if (c == 1) return n < 172 ? 2 / tgamma((double)n) : 0;
  double *share = calloc(c + 1, sizeof *share), *next = calloc(c + 1, sizeof *next), p = 0;
  if (share && next) {
    share[0] = 1;
    for (uint64_t j = 2; j <= n; j++) {
      double window = 0;
      for (uint64_t k = 0; k <= c; k++) {
        window += share[k];
        if (k >= j) window -= share[k - j];
        next[k] = window / (double)j;
      }
      double *t = share;
      share = next;
      next = t;
    }
    for (uint64_t k = 0; k <= c; k++) p += share[k];
    p *= 2;
  }
  int failed = !share || !next;
  free(share);
  free(next);
  return failed ? NAN : fmin(p, 1);
}
