#include "base/random.h"

#include <Random123/philox.h>
#include <math.h>

void nsw_random_block(struct nsw_stream stream, uint64_t at, uint32_t words[4]) {
  philox4x32_ctr_t counter = {
      {(uint32_t)at, (uint32_t)(at >> 32), (uint32_t)stream.which, (uint32_t)(stream.which >> 32)}};
  /* The purpose is mixed into the seed by an odd constant, so that neighbouring seeds do not meet. */
  uint64_t seed = stream.seed + stream.purpose * UINT64_C(0x9E3779B97F4A7C15);
  philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
  philox4x32_ctr_t block = philox4x32(counter, key);
  for (int i = 0; i < 4; i++) words[i] = block.v[i];
}

uint64_t nsw_random_bits(struct nsw_stream stream, uint64_t at) {
  uint32_t words[4];
  nsw_random_block(stream, at / 2, words);
  int half = (int)(at % 2) * 2;
  return (uint64_t)words[half + 1] << 32 | words[half];
}

double nsw_random_double(struct nsw_stream stream, uint64_t at) {
  return (double)(nsw_random_bits(stream, at) >> 11) * 0x1p-53;
}

uint64_t nsw_random_below(struct nsw_stream stream, uint64_t at, uint64_t n) {
  return (uint64_t)((unsigned __int128)nsw_random_bits(stream, at) * n >> 64);
}

/* A float in (0, 1) with 24 bits, symmetric about 1/2. */
static float open_unit(uint32_t word) { return ((float)(word >> 8) + 0.5f) * 0x1p-24f; }

void nsw_random_uniform(struct nsw_stream stream, float bound, float *out, size_t n) {
  uint32_t words[4];
  for (size_t i = 0; i < n; i++) {
    if (i % 4 == 0) nsw_random_block(stream, i / 4, words);
    out[i] = (2.0f * open_unit(words[i % 4]) - 1.0f) * bound;
  }
}

/* The inverse of the standard normal distribution function, by Acklam's rational approximation: off by 1.2e-9 relative,
 * a fiftieth of a float's rounding. One number from one word, so that positions stay addressable. */
static double normal_quantile(double p) {
  static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                             1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                             6.680131188771972e+01, -1.328068155288572e+01};
  static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                             -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                             3.754408661907416e+00};
  double tail = p < 0.5 ? p : 1 - p, x;
  if (tail < 0.02425) {
    double q = sqrt(-2 * log(tail));
    x = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
        ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
    if (p > 0.5) x = -x;
  } else {
    double q = p - 0.5, r = q * q;
    x = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
        (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
  }
  return x;
}

void nsw_random_normal(struct nsw_stream stream, float deviation, float cut, float *out, size_t n) {
  double low = cut > 0 ? 0.5 * erfc(cut * M_SQRT1_2) : 0;
  uint32_t words[4];
  for (size_t i = 0; i < n; i++) {
    if (i % 4 == 0) nsw_random_block(stream, i / 4, words);
    double p = low + (1 - 2 * low) * (((double)words[i % 4] + 0.5) * 0x1p-32);
    out[i] = (float)(normal_quantile(p) * deviation);
  }
}
