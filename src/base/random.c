#include "base/random.h"

#include <Random123/philox.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/isa.h"
#include "base/random_simd.h"

/* The key of a stream. The purpose is mixed into the seed by an odd constant, so that neighbouring seeds do not meet.
 */
static void key_of(struct nsw_stream stream, uint32_t key[2]) {
  uint64_t seed = stream.seed + stream.purpose * UINT64_C(0x9E3779B97F4A7C15);
  key[0] = (uint32_t)seed;
  key[1] = (uint32_t)(seed >> 32);
}

void nsw_random_block(struct nsw_stream stream, uint64_t at, uint32_t words[4]) {
  philox4x32_ctr_t counter = {
      {(uint32_t)at, (uint32_t)(at >> 32), (uint32_t)stream.which, (uint32_t)(stream.which >> 32)}};
  philox4x32_key_t key;
  key_of(stream, key.v);
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

/* ---- many at a time ---- */

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

void nsw_random_words(struct nsw_stream stream, uint64_t first, uint32_t *words, size_t n) {
  nsw_random_words_fn *make = NSW_DISPATCH(nsw_cpu_isa(), nsw_random_words);
  uint32_t key[2], chunk[NSW_RANDOM_CHUNK];
  key_of(stream, key);
  for (size_t i = 0; i < n; i += NSW_RANDOM_CHUNK) {
    size_t count = least(n - i, NSW_RANDOM_CHUNK);
    make(key, stream.which, first + i / 4, count, chunk);
    memcpy(words + i, chunk, count * sizeof *words);
  }
}

void nsw_random_uniform(struct nsw_stream stream, float bound, float *out, size_t n) {
  enum nsw_isa isa = nsw_cpu_isa();
  nsw_random_words_fn *words = NSW_DISPATCH(isa, nsw_random_words);
  nsw_random_uniforms_fn *uniforms = NSW_DISPATCH(isa, nsw_random_uniforms);
  uint32_t key[2], word[NSW_RANDOM_CHUNK];
  key_of(stream, key);
  for (size_t i = 0; i < n; i += NSW_RANDOM_CHUNK) {
    size_t count = least(n - i, NSW_RANDOM_CHUNK);
    words(key, stream.which, i / 4, count, word);
    uniforms(word, count, bound, out + i);
  }
}

static bool is_tail(double p) { return (p < 0.5 ? p : 1 - p) < NSW_RANDOM_TAIL; }

static double tail_quantile(double p) {
  static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                             -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                             3.754408661907416e+00};
  double q = sqrt(-2 * log(p < 0.5 ? p : 1 - p));
  double x = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
             ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
  return p > 0.5 ? -x : x;
}

float nsw_random_normal_of(uint32_t word, double low, double deviation) {
  double p = nsw_random_probability(word, low);
  return (float)((is_tail(p) ? tail_quantile(p) : nsw_random_central_quantile(p)) * deviation);
}

/* The words whose numbers are not in a tail lie between two bounds, as probabilities grow with words: [0] the least,
 * [1] how many follow. */
static void central_words(double low, uint32_t central[2]) {
  uint32_t end[2];
  for (int side = 0; side < 2; side++) {
    uint32_t in = UINT32_C(1) << 31, out = side ? UINT32_MAX : 0;
    while (is_tail(nsw_random_probability(out, low)) && (side ? out - in : in - out) > 1) {
      uint32_t middle = in / 2 + out / 2 + (in % 2 + out % 2) / 2;
      if (is_tail(nsw_random_probability(middle, low)))
        out = middle;
      else
        in = middle;
    }
    end[side] = is_tail(nsw_random_probability(out, low)) ? in : out;
  }
  central[0] = end[0];
  central[1] = end[1] - end[0];
}

/* Puts the tails' numbers right. They are few: pieces of words are passed over that have none. */
static void mend_tails(const uint32_t *word, size_t n, const uint32_t central[2], double low, double deviation,
                       float *out) {
  enum { PIECE = 32 };
  for (size_t first = 0; first < n; first += PIECE) {
    size_t end = least(n, first + PIECE);
    uint32_t any = 0;
    for (size_t i = first; i < end; i++) any |= word[i] - central[0] > central[1];
    for (size_t i = first; i < end && any; i++)
      if (word[i] - central[0] > central[1]) out[i] = nsw_random_normal_of(word[i], low, deviation);
  }
}

void nsw_random_normal(struct nsw_stream stream, float deviation, float cut, float *out, size_t n) {
  enum nsw_isa isa = nsw_cpu_isa();
  nsw_random_words_fn *words = NSW_DISPATCH(isa, nsw_random_words);
  nsw_random_normals_fn *normals = NSW_DISPATCH(isa, nsw_random_normals);
  double low = cut > 0 ? 0.5 * erfc(cut * M_SQRT1_2) : 0;
  uint32_t key[2], central[2], word[NSW_RANDOM_CHUNK];
  key_of(stream, key);
  central_words(low, central);
  for (size_t i = 0; i < n; i += NSW_RANDOM_CHUNK) {
    size_t count = least(n - i, NSW_RANDOM_CHUNK);
    words(key, stream.which, i / 4, count, word);
    normals(word, count, low, deviation, out + i);
    mend_tails(word, count, central, low, deviation, out + i);
  }
}
