#include "search/dense.h"

#include <cblas.h>
#include <string.h>

void nsw_dense_forward(const float *x, const float *w, size_t rows, size_t in, size_t out, bool relu, float *y) {
  const float *b = w + in * out;
  for (size_t i = 0; i < rows; i++) memcpy(y + i * out, b, out * sizeof *y);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)out, (int)in, 1, x, (int)in, w, (int)out, 1, y,
              (int)out);
  if (relu)
    for (size_t i = 0; i < rows * out; i++) y[i] = y[i] > 0 ? y[i] : 0;
}

void nsw_dense_backward(const float *x, const float *w, const float *y, size_t rows, size_t in, size_t out, bool relu,
                        float *dy, float *dw, float *dx) {
  float *db = dw + in * out;
  if (relu)
    for (size_t i = 0; i < rows * out; i++) dy[i] = y[i] > 0 ? dy[i] : 0;
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < out; j++) db[j] += dy[i * out + j];
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)in, (int)out, (int)rows, 1, x, (int)in, dy, (int)out, 1, dw,
              (int)out);
  if (dx)
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)in, (int)out, 1, dy, (int)out, w, (int)out, 0,
                dx, (int)in);
}
