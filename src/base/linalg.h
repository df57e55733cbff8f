/* The few pieces of LAPACK that scores need, in double precision. Matrices are symmetric or square, row after row, and
 * are destroyed. */
#ifndef NSW_BASE_LINALG_H
#define NSW_BASE_LINALG_H

#include <stdbool.h>

/* Eigenvalues of the symmetric a[n][n], ascending, into value[n]. False: no memory, or no convergence (not a number).
 */
bool nsw_eigenvalues(double *a, int n, double *value);

/* log |det a|; minus infinity for a singular matrix, not a number for one that has such or for lack of memory. */
double nsw_log_determinant(double *a, int n);

/* The largest singular value of a[rows][cols]; not a number where it has no convergence. */
double nsw_largest_singular(const double *a, int rows, int cols);

/* Cholesky's factor of the symmetric positive definite a[n][n] (its lower triangle is read), in place in the lower
 * triangle. False where it is not positive definite, or not a number. */
bool nsw_cholesky(double *a, int n);

/* Solves a x = b for the factor of a; b[n] becomes x. */
void nsw_cholesky_solve(const double *factor, int n, double *b);

/* The inverse of a from its factor, in place in the lower triangle. False where it is singular. */
bool nsw_cholesky_invert(double *factor, int n);

#endif
