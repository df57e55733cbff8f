#include "proxy/correlation.h"

#include <math.h>
#include <stdlib.h>

static double mean_of(const float *x, size_t size) {
  double sum = 0;
  for (size_t k = 0; k < size; k++) sum += x[k];
  return sum / (double)size;
}

/* Sum of (x - mx)(y - my), in eight chains that the compiler can keep in vectors. */
static double covariance(const float *x, const float *y, double mx, double my, size_t size) {
  double part[8] = {0}, sum = 0;
  size_t k = 0;
  for (; k + 8 <= size; k += 8)
    for (size_t l = 0; l < 8; l++) part[l] += (x[k + l] - mx) * (y[k + l] - my);
  for (; k < size; k++) sum += (x[k] - mx) * (y[k] - my);
  for (size_t l = 0; l < 8; l++) sum += part[l];
  return sum;
}

bool nsw_correlations(const float *x, int n, size_t size, double *corr) {
  double *mean = malloc((size_t)n * sizeof *mean);
  if (!mean) return false;
  for (int i = 0; i < n; i++) mean[i] = mean_of(x + (size_t)i * size, size);
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= i; j++)
      corr[i * n + j] = covariance(x + (size_t)i * size, x + (size_t)j * size, mean[i], mean[j], size);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < i; j++)
      corr[i * n + j] = corr[j * n + i] = corr[i * n + j] / sqrt(corr[i * n + i] * corr[j * n + j]);
  for (int i = 0; i < n; i++) corr[i * n + i] = corr[i * n + i] > 0 ? 1 : NAN;
  free(mean);
  return true;
}
