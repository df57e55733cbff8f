#include "proxy/correlation.h"

#include <math.h>

static double mean_of(const float *x, size_t size) {
  double sum = 0;
  for (size_t k = 0; k < size; k++) sum += x[k];
  return sum / (double)size;
}

static double covariance(const float *x, const float *y, double mx, double my, size_t size) {
  double sum = 0;
  for (size_t k = 0; k < size; k++) sum += (x[k] - mx) * (y[k] - my);
  return sum;
}

void nsw_correlations(const float *x, int n, size_t size, double *corr) {
  for (int i = 0; i < n; i++) {
    const float *a = x + (size_t)i * size;
    double ma = mean_of(a, size);
    for (int j = 0; j <= i; j++) {
      const float *b = x + (size_t)j * size;
      corr[i * n + j] = covariance(a, b, ma, j == i ? ma : mean_of(b, size), size);
    }
  }
  for (int i = 0; i < n; i++)
    for (int j = 0; j < i; j++)
      corr[i * n + j] = corr[j * n + i] = corr[i * n + j] / sqrt(corr[i * n + i] * corr[j * n + j]);
  for (int i = 0; i < n; i++) corr[i * n + i] = corr[i * n + i] > 0 ? 1 : NAN;
}
