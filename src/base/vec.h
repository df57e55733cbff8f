/* Vectors for the kernels that are compiled once for each instruction set of base/isa.h (files ending in _simd.c), in
 * the compilers' own vector types, so that one source serves all of them. A register holds NSW_LANES values of 32 bits;
 * kernels whose results must not depend on that count in lanes of their own, and name a NSW_VECTOR of as many. */
#ifndef NSW_BASE_VEC_H
#define NSW_BASE_VEC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/isa.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define NSW_PASTE2(a, b) a##_##b
#define NSW_PASTE(a, b) NSW_PASTE2(a, b)
#define NSW_FN(name) NSW_PASTE(name, NSW_ISA) /* name_avx512 and so on */

enum {
  NSW_LANES = NSW_PASTE(NSW_BYTES, NSW_ISA) / 4,   /* values of 32 bits in a register */
  NSW_SUMS = NSW_PASTE(NSW_REGISTERS, NSW_ISA) / 2 /* registers for sums that go on side by side: half of them */
};

/* In a typedef: a vector of so many values, of one register or of several. */
#define NSW_VECTOR(type, lanes) type __attribute__((vector_size((lanes) * sizeof(type))))

typedef NSW_VECTOR(float, NSW_LANES) vf;
typedef NSW_VECTOR(int32_t, NSW_LANES) vi;
typedef NSW_VECTOR(uint8_t, NSW_LANES) vb; /* a byte for each lane of the others */
/* Words, and their bytes, may lie in arrays of another type. */
typedef NSW_VECTOR(uint32_t, NSW_LANES) __attribute__((may_alias)) vw;
typedef NSW_VECTOR(int8_t, NSW_LANES * 4) __attribute__((may_alias)) vc;

#define NSW_INLINE static inline __attribute__((always_inline))
/* A loop over i = 0..n-1, n few and constant: all turns written out, so that arrays it fills can live in registers. (To
 * clang, any number but the loop's own means some later time, too late for that.) */
#if defined(__clang__)
#define NSW_EACH(i, n) _Pragma("clang loop unroll(full)") for (int i = 0; i < (n); i++)
#else
#define NSW_EACH(i, n) _Pragma("GCC unroll 36") for (int i = 0; i < (n); i++)
#endif

/* In files whose values are the same, bit for bit, on all instruction sets: no fused multiply-adds. gcc's -std=c11 has
 * none already. */
#if defined(__clang__)
#define NSW_EXACT _Pragma("STDC FP_CONTRACT OFF")
#else
#define NSW_EXACT
#endif

/* A vector of any type from memory of any alignment. */
#define NSW_LOAD(type, at)        \
  ({                              \
    type v_;                      \
    memcpy(&v_, (at), sizeof v_); \
    v_;                           \
  })

NSW_INLINE vf vload(const float *p) { return NSW_LOAD(vf, p); }

/* Rows of pixels that kernels fetch ahead: of a large batch they come from memory, and planes of small images are too
 * short for the processor to see what comes next. */
enum { NSW_AHEAD = 10 };

NSW_INLINE void vstore(float *p, vf v) { memcpy(p, &v, sizeof v); }

/* The first n lanes (0 < n <= NSW_LANES); the others are zero, and not touched in memory. */
NSW_INLINE vf vload_part(const float *p, int n) {
#if defined(NSW_ISA_avx512)
  return (vf)_mm512_maskz_loadu_ps((__mmask16)(0xffff >> (16 - n)), p);
#else
  float lanes[NSW_LANES] = {0};
  for (int i = 0; i < n; i++) lanes[i] = p[i];
  return vload(lanes);
#endif
}

NSW_INLINE void vstore_part(float *p, vf v, int n) {
#if defined(NSW_ISA_avx512)
  _mm512_mask_storeu_ps(p, (__mmask16)(0xffff >> (16 - n)), (__m512)v);
#else
  float lanes[NSW_LANES];
  vstore(lanes, v);
  for (int i = 0; i < n; i++) p[i] = lanes[i];
#endif
}

NSW_INLINE vf vset(float s) { return s - (vf){0}; }

/* Lane i of the result is lane place[i] of v, of its lowest bits. */
NSW_INLINE vf vpick(vf v, vi place) {
#if defined(NSW_ISA_avx512)
  return (vf)_mm512_permutexvar_ps((__m512i)place, (__m512)v);
#else
  vf picked;
  for (int i = 0; i < NSW_LANES; i++) picked[i] = v[place[i] % NSW_LANES];
  return picked;
#endif
}

/* from[i / 4] in lane i. */
NSW_INLINE vi vplaces(const ptrdiff_t *from) {
#if defined(NSW_ISA_avx512)
  const __m512i low = _mm512_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2, 4, 4, 4, 4, 6, 6, 6, 6);
  return (vi)_mm512_permutexvar_epi32(low, _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)from)));
#else
  vi places;
  for (int i = 0; i < NSW_LANES; i++) places[i] = (int32_t)from[i / 4];
  return places;
#endif
}

/* Four lanes each of x[from[0]], x[from[1]] and so on. */
NSW_INLINE vf vquads(const float *x, const ptrdiff_t *from) {
#if defined(NSW_ISA_avx512)
  __m512 v = _mm512_set1_ps(x[from[0]]);
  v = _mm512_mask_broadcastss_ps(v, 0x00f0, _mm_load_ss(x + from[1]));
  v = _mm512_mask_broadcastss_ps(v, 0x0f00, _mm_load_ss(x + from[2]));
  return (vf)_mm512_mask_broadcastss_ps(v, 0xf000, _mm_load_ss(x + from[3]));
#elif defined(NSW_ISA_avx2)
  return (vf)_mm256_set_m128(_mm_broadcast_ss(x + from[1]), _mm_broadcast_ss(x + from[0]));
#else
  return vset(x[from[0]]);
#endif
}

/* a * b + c in one instruction where there is one, whatever -ffp-contract says. */
NSW_INLINE vf vfma(vf a, vf b, vf c) {
#if defined(NSW_ISA_avx512)
  return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(NSW_ISA_avx2)
  return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
  return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
  return a * b + c;
#endif
}

NSW_INLINE vf vselect(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }

NSW_INLINE vf vrelu(vf v) { return vselect(v > (vf){0}, v, (vf){0}); }

/* A bit for each lane that is above zero, from lane 0 up. */
NSW_INLINE uint32_t vpositive(vf v) {
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

#endif
