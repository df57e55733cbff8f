/* Spearman's rho, Pearson's r, partial rank correlation, weighted Kendall's tau. NaN wherever a coefficient is
 * undefined: fewer than two rows, or a constant column. */
#ifndef NSW_STUDY_CORRELATION_H
#define NSW_STUDY_CORRELATION_H

#include "study/crossing.h"
#include "study/kendall.h"
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

/* Tau-b and the weighted tau from one walk over the discordant pairs, as nsw_kendall and nsw_weighted_tau. */
int nsw_both_taus(const struct nsw_ranks *x, const struct nsw_ranks *y, struct nsw_kendall *kendall, double *weighted,
                  struct nsw_error *err);

/* The weighted tau of a sequence whose crossings and places in y's order are known; NaN where it is undefined. */
double nsw_weighted_tau_of(const struct nsw_sequence *s, const uint32_t *crossed, const uint32_t *place_y);

/* Each row's leave-one-out value of the weighted tau, into value[n] by row: exact, O(n log n). NaN where it is
 * undefined. */
int nsw_weighted_left_out(const struct nsw_ranks *x, const struct nsw_ranks *y, double *value, struct nsw_error *err);

#endif
