/* Kernels of proxy/relu_codes.h. */
#include <string.h>

#include "net/vec.h"
#include "proxy/relu_codes.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

/* A bit for each lane that is above zero. */
NSW_INLINE uint32_t positive(vf v) {
#if defined(NSW_ISA_avx512)
  return _mm512_cmp_ps_mask((__m512)v, _mm512_setzero_ps(), _CMP_GT_OQ);
#elif defined(NSW_ISA_avx2)
  return (uint32_t)_mm256_movemask_ps((__m256)(v > (vf){0}));
#elif defined(__x86_64__)
  return (uint32_t)_mm_movemask_ps((__m128)(v > (vf){0}));
#else
  uint32_t bits = 0;
  for (int l = 0; l < NSW_LANES; l++) bits |= (uint32_t)(v[l] > 0) << l;
  return bits;
#endif
}

/* Bits put one behind the other. */
struct stream {
  uint64_t *words, last; /* the word that is being filled */
  int filled;            /* its bits */
};

NSW_INLINE void append(struct stream *s, uint64_t bits, int n) {
  s->last |= bits << s->filled;
  s->filled += n;
  if (s->filled < 64) return;
  *s->words++ = s->last;
  s->filled -= 64;
  s->last = s->filled ? bits >> (n - s->filled) : 0;
}

void NSW_FN(nsw_codes_pack)(const struct nsw_input *input, int channels, uint64_t *words) {
  const struct nsw_input x = *input;
  struct stream s = {.words = words};
  for (int h = 0; h < x.plane.size; h++)
    for (int w = 0; w < x.plane.size; w++) {
      const float *p = x.plane.p + h * x.plane.row + w * x.plane.col;
      for (int c = 0; c < channels; c += NSW_LANES) {
        int n = channels - c < NSW_LANES ? channels - c : NSW_LANES;
        vf v = x.scale ? vload(p + c) * vload(x.scale + c) + vload(x.shift + c) : vload(p + c);
        append(&s, positive(v) & (UINT32_MAX >> (32 - n)), n);
      }
    }
  if (s.filled) *s.words = s.last;
}

size_t NSW_FN(nsw_codes_apart)(const uint64_t *a, const uint64_t *b, size_t length) {
  size_t bits = 0;
  for (size_t k = 0; k < length; k++) bits += (size_t)__builtin_popcountll(a[k] ^ b[k]);
  return bits;
}
