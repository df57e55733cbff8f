/* Kernels behind base/random.h for many numbers at a time; the same bits as one at a time, on every instruction set. */
#ifndef NSW_BASE_RANDOM_SIMD_H
#define NSW_BASE_RANDOM_SIMD_H

#include <stddef.h>
#include <stdint.h>

#include "base/isa.h"

/* Numbers are made a chunk at a time, so that their words stay in the first cache. A multiple of four, the words of a
 * block. */
enum { NSW_RANDOM_CHUNK = 1024 };

/* Philox 4x32-10 of blocks first, first + 1, ...: at least n words, four a block, and NSW_RANDOM_CHUNK at most. key,
 * which: the two words of the key, and the upper two of the counter. */
typedef void nsw_random_words_fn(const uint32_t key[2], uint64_t which, uint64_t first, size_t n, uint32_t *word);

/* out[n] uniform in (-bound, bound), one of each word. */
typedef void nsw_random_uniforms_fn(const uint32_t *word, size_t n, float bound, float *out);

/* out[n] normal with a deviation, one of each word, where low is the probability cut off below; right only for words
 * that nsw_random_is_central. */
typedef void nsw_random_normals_fn(const uint32_t *word, size_t n, double low, double deviation, float *out);

NSW_KERNEL(nsw_random_words_fn, nsw_random_words);
NSW_KERNEL(nsw_random_uniforms_fn, nsw_random_uniforms);
NSW_KERNEL(nsw_random_normals_fn, nsw_random_normals);

/* The number of a word, tails included, as one at a time. */
float nsw_random_normal_of(uint32_t word, double low, double deviation);

/* A float in (-1, 1), of a word's upper 24 bits, symmetric about 0. */
static inline float nsw_random_uniform_of(uint32_t word) {
  return 2.0f * (((float)(int32_t)(word >> 8) + 0.5f) * 0x1p-24f) - 1.0f;
}

/* A probability in (low, 1 - low), of a word. */
static inline double nsw_random_probability(uint32_t word, double low) {
  return low + (1 - 2 * low) * (((double)word + 0.5) * 0x1p-32);
}

/* The inverse of the standard normal distribution function, by Acklam's rational approximation: off by 1.2e-9 relative,
 * a fiftieth of a float's rounding. One number from one word, so that positions stay addressable. Here for
 * probabilities that are at least this far from 0 and 1; the tails take a logarithm, and are in random.c. */
#define NSW_RANDOM_TAIL 0.02425

static inline double nsw_random_central_quantile(double p) {
  double q = p - 0.5, r = q * q;
  double above = -3.969683028665376e+01 * r + 2.209460984245205e+02;
  above = above * r + -2.759285104469687e+02;
  above = above * r + 1.383577518672690e+02;
  above = above * r + -3.066479806614716e+01;
  above = above * r + 2.506628277459239e+00;
  double below = -5.447609879822406e+01 * r + 1.615858368580409e+02;
  below = below * r + -1.556989798598866e+02;
  below = below * r + 6.680131188771972e+01;
  below = below * r + -1.328068155288572e+01;
  return above * q / (below * r + 1);
}

#endif
