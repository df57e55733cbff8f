/* Bootstrap of correlations: resamples of rows with replacement, percentile and BCa intervals.
 *
 * Resample b of n rows is decided by (seed, b, n) alone, so any share of the resamples can be done anywhere, in any
 * order. Work goes in batches of NSW_RESAMPLE_LANES. */
#ifndef NSW_STUDY_BOOTSTRAP_H
#define NSW_STUDY_BOOTSTRAP_H

#include <stdint.h>

#include "study/lanes.h"
#include "study/rank.h"

/* The coefficients that are resampled. */
enum nsw_coefficient { NSW_SPEARMAN, NSW_KENDALL, NSW_PEARSON, NSW_WEIGHTED, NSW_COEFFICIENTS };

struct nsw_bootstrap; /* a pair of columns made ready; owns what it needs of them */

/* What of them is wanted, ORed; the rest is NaN. The weighted tau costs many times what all others do. */
enum nsw_wanted { NSW_WANT_RANKS = 1, NSW_WANT_PEARSON = 2, NSW_WANT_WEIGHTED = 4 };

/* Makes a pair ready. x, y: values for Pearson, else unused; where they hold infinities Pearson is NaN. Free with
 * nsw_bootstrap_free. */
int nsw_bootstrap_create(const struct nsw_ranks *rx, const struct nsw_ranks *ry, const double *x, const double *y,
                         unsigned wanted, struct nsw_bootstrap **bootstrap, struct nsw_error *err);

/* Frees and sets to NULL; may be called twice. */
void nsw_bootstrap_free(struct nsw_bootstrap **bootstrap);

/* Batch `batch`: resamples batch*L .. batch*L + L - 1 of seed, values[coefficient][lane]; NaN where undefined. */
int nsw_bootstrap_batch(struct nsw_bootstrap *bootstrap, uint64_t seed, uint64_t batch,
                        double values[NSW_COEFFICIENTS][NSW_RESAMPLE_LANES], struct nsw_error *err);

/* Number of batches that hold `resamples` resamples. */
static inline uint64_t nsw_bootstrap_batches(uint64_t resamples) {
  return (resamples + NSW_RESAMPLE_LANES - 1) / NSW_RESAMPLE_LANES;
}

/* Two-sided intervals. */
struct nsw_interval {
  double low, high;         /* percentile */
  double bca_low, bca_high; /* bias-corrected and accelerated; NaN where it is undefined */
  double error;             /* standard deviation over resamples */
  uint64_t defined;         /* resamples in which the coefficient was defined */
};

/* Intervals of confidence `level` (0..1) from the values of all resamples, which are sorted in place, NaN left out.
 * acceleration is that of nsw_jackknife; NaN: no BCa. (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
 * chapters 13 and 14; quantiles interpolated as NumPy does.) */
struct nsw_interval nsw_interval(double *values, uint64_t resamples, double estimate, double acceleration,
                                 double level);

/* Acceleration of each wanted coefficient (enum nsw_wanted; the others' is NaN) from the exact jackknife: all n
 * leave-one-out values from one pass of counts, O(n log n). x, y: values for Pearson, else unused. */
int nsw_jackknife(const struct nsw_ranks *rx, const struct nsw_ranks *ry, const double *x, const double *y,
                  unsigned wanted, double acceleration[NSW_COEFFICIENTS], struct nsw_error *err);

#endif
