/* Vectors of floats for the kernels that are compiled once for each instruction set (files ending in _simd.c):
 * NSW_LANES floats, in the compilers' own vector types, so that one source serves AVX-512, AVX2 and anything else. */
#ifndef NSW_NET_VEC_H
#define NSW_NET_VEC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "net/conv.h"

#if defined(NSW_ISA_avx512)
#include <immintrin.h>
#endif

#if defined(NSW_ISA_avx512)
#define NSW_LANES 16
#elif defined(NSW_ISA_avx2)
#define NSW_LANES 8
#else
#define NSW_LANES 4
#endif

enum { NSW_BLOCK_VECS = NSW_BLOCK / NSW_LANES }; /* vectors in a block of channels */

typedef float vf __attribute__((vector_size(NSW_LANES * 4)));
typedef int32_t vi __attribute__((vector_size(NSW_LANES * 4)));

#define NSW_INLINE static inline __attribute__((always_inline))
/* A loop over i = 0..n-1, n few and constant: all turns written out, so that arrays it fills can live in registers. (To
 * clang, any number but the loop's own means some later time, too late for that.) */
#if defined(__clang__)
#define NSW_EACH(i, n) _Pragma("clang loop unroll(full)") for (int i = 0; i < (n); i++)
#else
#define NSW_EACH(i, n) _Pragma("GCC unroll 36") for (int i = 0; i < (n); i++)
#endif

#define NSW_NAME2(name, isa) name##_##isa
#define NSW_NAME1(name, isa) NSW_NAME2(name, isa)
#define NSW_FN(name) NSW_NAME1(name, NSW_ISA) /* NAME_avx512 and so on */

NSW_INLINE vf vload(const float *p) {
  vf v;
  memcpy(&v, p, sizeof v);
  return v;
}

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

NSW_INLINE vf vselect(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }

NSW_INLINE vf vrelu(vf v) { return vselect(v > (vf){0}, v, (vf){0}); }

#endif
