/* Correlations between rows of numbers. */
#ifndef NSW_PROXY_CORRELATION_H
#define NSW_PROXY_CORRELATION_H

#include <stdbool.h>
#include <stddef.h>

/* corr[n][n] of x[n][size] (Pearson, in double); not a number for rows without spread. False: no memory. */
bool nsw_correlations(const float *x, int n, size_t size, double *corr);

#endif
