/* Spearman's rho, Pearson's r, partial rank correlation, weighted Kendall's tau. NaN wherever a coefficient is
 * undefined: fewer than two rows, or a constant column. */
#ifndef NSW_STUDY_CORRELATION_H
#define NSW_STUDY_CORRELATION_H

#include "study/rank.h"

/* Spearman's rho: Pearson's r of the average ranks, from exact integer sums. Both over the same rows. */
double nsw_spearman(const struct nsw_ranks *x, const struct nsw_ranks *y);

/* Pearson's r of x[n], y[n]; NaN also where a value is not finite. */
double nsw_pearson(const double *x, const double *y, size_t n);

/* Correlation of x and y with what both share with z taken out, from the three plain ones. NaN where z explains
 * one of them wholly. */
double nsw_partial(double xy, double xz, double yz);

/* Vigna's weighted tau with additive hyperbolic weights: an exchange of the elements ranked r and s (from 0, the
 * largest value first) weighs 1/(r+1) + 1/(s+1); the average of ranking by x and by y. Equals SciPy's
 * weightedtau(x, y). (S. Vigna, A weighted correlation index for rankings with ties, WWW 2015.) */
int nsw_weighted_tau(const struct nsw_ranks *x, const struct nsw_ranks *y, double *tau, struct nsw_error *err);

/* The same by comparing all pairs, O(n^2): the reference. */
double nsw_weighted_tau_naive(const double *x, const double *y, size_t n);

#endif
