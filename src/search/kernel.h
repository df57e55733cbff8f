/* Ridge regression and Gaussian processes over a ground's inputs. */
#ifndef NSW_SEARCH_KERNEL_H
#define NSW_SEARCH_KERNEL_H

#include "search/search.h"

struct nsw_kernel;

/* Makes a model of inputs of these kinds (search/inputs.h). gaussian: exp(-distance^2 / (2 length)); else the inner
 * product over the number of inputs. Free with nsw_kernel_free in any case. */
int nsw_kernel_make(const struct nsw_ground *ground, unsigned kinds, bool gaussian, struct nsw_kernel **kernel,
                    struct nsw_error *err);
void nsw_kernel_free(struct nsw_kernel *kernel);

/* Fits to m candidates with targets y[m]: noise (and length) from a grid, by the mean square error of leaving one out,
 * or by the likelihood of a Gaussian process whose scale is free. */
int nsw_kernel_fit(struct nsw_kernel *kernel, const uint32_t *candidate, const double *y, size_t m,
                   struct nsw_error *err);

/* Predictions of all candidates. */
void nsw_kernel_predict(struct nsw_kernel *kernel, double *value);

/* What the last fit chose: variance of the noise as a share of the kernel's, and the length. */
double nsw_kernel_noise(const struct nsw_kernel *kernel);
double nsw_kernel_length(const struct nsw_kernel *kernel);

#endif
