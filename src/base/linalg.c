#include "base/linalg.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

/* LAPACK, which OpenBLAS carries; Fortran's way of calling. */
void dsyevd_(const char *job, const char *triangle, const int *n, double *a, const int *lda, double *w, double *work,
             const int *lwork, int *iwork, const int *liwork, int *info);
void dgetrf_(const int *m, const int *n, double *a, const int *lda, int *pivot, int *info);
void dpotrf_(const char *triangle, const int *n, double *a, const int *lda, int *info);
void dpotrs_(const char *triangle, const int *n, const int *columns, const double *a, const int *lda, double *b,
             const int *ldb, int *info);
void dpotri_(const char *triangle, const int *n, double *a, const int *lda, int *info);

bool nsw_eigenvalues(double *a, int n, double *value) {
  int lwork = 2 * n + 1, liwork = 1, info = 1, iwork[1];
  double *work = malloc((size_t)lwork * sizeof *work);
  for (int i = 0; i < n * n; i++)
    if (!isfinite(a[i])) n = 0; /* LAPACK may not come back from those */
  if (work && n > 0) dsyevd_("N", "U", &n, a, &n, value, work, &lwork, iwork, &liwork, &info);
  free(work);
  return info == 0;
}

double nsw_log_determinant(double *a, int n) {
  int info, *pivot = malloc((size_t)n * sizeof *pivot);
  double sum = 0;
  if (!pivot) return NAN;
  for (int i = 0; i < n * n; i++)
    if (!isfinite(a[i])) sum = NAN;
  if (!isnan(sum)) dgetrf_(&n, &n, a, &n, pivot, &info);
  free(pivot);
  for (int i = 0; i < n; i++) sum += log(fabs(a[(size_t)i * (size_t)n + (size_t)i]));
  return sum;
}

double nsw_largest_singular(const double *a, int rows, int cols) {
  /* The root of the largest eigenvalue of the smaller of a a' and a' a: only the largest is wanted, and it keeps its
   * digits. */
  bool by_row = rows <= cols;
  int n = by_row ? rows : cols, m = by_row ? cols : rows;
  double *gram = malloc((size_t)n * (size_t)n * sizeof *gram), *value = malloc((size_t)n * sizeof *value), top = NAN;
  if (gram && value) {
    cblas_dsyrk(CblasRowMajor, CblasUpper, by_row ? CblasNoTrans : CblasTrans, n, m, 1.0, a, cols, 0.0, gram, n);
    for (int i = 0; i < n; i++)
      for (int j = 0; j < i; j++) gram[i * n + j] = gram[j * n + i];
    if (nsw_eigenvalues(gram, n, value)) top = sqrt(fmax(0, value[n - 1]));
  }
  free(gram);
  free(value);
  return top;
}

/* Row after row the lower triangle is what Fortran calls the upper one. */
bool nsw_cholesky(double *a, int n) {
  int info = 0;
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= i; j++)
      if (!isfinite(a[(size_t)i * (size_t)n + (size_t)j])) return false;
  if (n > 0) dpotrf_("U", &n, a, &n, &info);
  return info == 0;
}

void nsw_cholesky_solve(const double *factor, int n, double *b) {
  int one = 1, info;
  if (n > 0) dpotrs_("U", &n, &one, factor, &n, b, &n, &info);
}

bool nsw_cholesky_invert(double *factor, int n) {
  int info = 0;
  if (n > 0) dpotri_("U", &n, factor, &n, &info);
  return info == 0;
}
