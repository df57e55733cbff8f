/* Philox for as many blocks at a time as there are 64-bit lanes: a lane holds one 32-bit word in its lower half; what
 * its upper half holds is never looked at, as the products take the lower halves alone. The transforms are plain loops
 * that compilers vectorise; no fused multiply-adds, which -std=c11 forbids, so that all
 * give the same bits. */
#include "base/random_simd.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

#define JOIN_(name, isa) name##_##isa
#define JOIN(name, isa) JOIN_(name, isa)
#define KERNEL(name) JOIN(name, NSW_ISA)

#if defined(NSW_ISA_avx512)
enum { LANES = 8 };
#elif defined(NSW_ISA_avx2)
enum { LANES = 4 };
#else
enum { LANES = 2 };
#endif

typedef uint64_t lanes __attribute__((vector_size(8 * LANES)));

static inline lanes every(uint64_t x) { return x - (lanes){0}; }

/* Products of the lower halves. */
static inline lanes product(lanes a, lanes b) {
#if defined(NSW_ISA_avx512)
  return (lanes)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(NSW_ISA_avx2)
  return (lanes)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__x86_64__)
  return (lanes)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return (a & 0xffffffff) * (b & 0xffffffff);
#endif
}

/* The blocks that the lanes hold, in an order that `store` undoes: those of even lanes, then those of odd ones. */
static inline lanes numbers(void) {
  lanes n;
  for (int l = 0; l < LANES; l++) n[l] = (uint64_t)(l / 2 + l % 2 * (LANES / 2));
  return n;
}

/* a's lanes and b's in turn, even or odd ones. */
static inline lanes even_ones(lanes a, lanes b) {
#if defined(NSW_ISA_avx512)
  return (lanes)_mm512_unpacklo_epi64((__m512i)a, (__m512i)b);
#elif defined(NSW_ISA_avx2)
  return (lanes)_mm256_unpacklo_epi64((__m256i)a, (__m256i)b);
#else
  return (lanes){a[0], b[0]};
#endif
}

static inline lanes odd_ones(lanes a, lanes b) {
#if defined(NSW_ISA_avx512)
  return (lanes)_mm512_unpackhi_epi64((__m512i)a, (__m512i)b);
#elif defined(NSW_ISA_avx2)
  return (lanes)_mm256_unpackhi_epi64((__m256i)a, (__m256i)b);
#else
  return (lanes){a[1], b[1]};
#endif
}

/* Two words of a block as they lie in memory. */
static inline lanes pair(lanes first, lanes second) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return (first & 0xffffffff) | second << 32;
#else
  return first << 32 | (second & 0xffffffff);
#endif
}

static inline void store(const lanes c[4], uint32_t *word) {
  lanes front = pair(c[0], c[1]), back = pair(c[2], c[3]);
  lanes low = even_ones(front, back), high = odd_ones(front, back);
  memcpy(word, &low, sizeof low);
  memcpy(word + 2 * LANES, &high, sizeof high);
}

void KERNEL(nsw_random_words)(const uint32_t key[2], uint64_t which, uint64_t first, size_t n, uint32_t *word) {
  const lanes m0 = every(0xD2511F53), m1 = every(0xCD9E8D57);
  lanes block = every(first) + numbers(), k0[10], k1[10];
  for (uint32_t r = 0; r < 10; r++) {
    k0[r] = every(key[0] + r * UINT32_C(0x9E3779B9));
    k1[r] = every(key[1] + r * UINT32_C(0xBB67AE85));
  }
  for (size_t i = 0; i < n; i += 4 * LANES, block += LANES) {
    lanes c[4] = {block, block >> 32, every(which), every(which >> 32)};
    for (int r = 0; r < 10; r++) {
      lanes p0 = product(c[0], m0), p1 = product(c[2], m1);
      c[0] = (p1 >> 32) ^ c[1] ^ k0[r];
      c[1] = p1;
      c[2] = (p0 >> 32) ^ c[3] ^ k1[r];
      c[3] = p0;
    }
    store(c, word + i);
  }
}

void KERNEL(nsw_random_uniforms)(const uint32_t *restrict word, size_t n, float bound, float *restrict out) {
  for (size_t i = 0; i < n; i++) out[i] = nsw_random_uniform_of(word[i]) * bound;
}

void KERNEL(nsw_random_normals)(const uint32_t *restrict word, size_t n, double low, double deviation,
                                float *restrict out) {
  for (size_t i = 0; i < n; i++)
    out[i] = (float)(nsw_random_central_quantile(nsw_random_probability(word[i], low)) * deviation);
}
