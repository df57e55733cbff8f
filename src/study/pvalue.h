/* Two-sided p-values of correlations under independence. */
#ifndef NSW_STUDY_PVALUE_H
#define NSW_STUDY_PVALUE_H

#include <stdint.h>

/* Of Pearson's r (or Spearman's rho, approximately) over n rows: Student's t with n-2 degrees of freedom.
 * NaN where r is NaN or n < 2; 1 for n = 2. */
double nsw_p_of_r(double r, uint64_t n);

/* Of a standard normal deviate. */
double nsw_p_of_z(double z);

/* Of Kendall's tau without ties, exactly: n rows with `discordant` of n(n-1)/2 pairs discordant, by counting
 * permutations with so many inversions. For n <= 170 or so and few pairs; O(n c), c = min(discordant, concordant). */
double nsw_p_of_kendall_exact(uint64_t n, uint64_t discordant);

/* The standard normal distribution function and its inverse (for 0 < p < 1; infinite at 0 and 1). */
double nsw_normal_cdf(double x);
double nsw_normal_quantile(double p);

#endif
