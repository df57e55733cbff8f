/* A layer y = x w + b on rows, and its gradients. */
#ifndef NSW_SEARCH_DENSE_H
#define NSW_SEARCH_DENSE_H

#include <stdbool.h>
#include <stddef.h>

/* y[rows][out] = x[rows][in] w[in][out] + b[out], then max(0, y) where relu. b follows w in memory: w[(in + 1) * out].
 */
void nsw_dense_forward(const float *x, const float *w, size_t rows, size_t in, size_t out, bool relu, float *y);

/* From dy[rows][out], which is changed: adds to dw[(in + 1) * out], and sets dx[rows][in] where it is not NULL. y: what
 * forward gave; relu as there. */
void nsw_dense_backward(const float *x, const float *w, const float *y, size_t rows, size_t in, size_t out, bool relu,
                        float *dy, float *dw, float *dx);

#endif
