#include "base/cpu.h"
#include "base/peak.h"

#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)

#if defined(NSW_ISA_avx512)
#include <immintrin.h>
typedef __m512 vector;
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#elif defined(NSW_ISA_avx2)
#include <immintrin.h>
typedef __m256 vector;
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#else
typedef float vector __attribute__((vector_size(16)));
#define FMA(a, b, c) ((a) * (b) + (c))
#endif

enum { LANES = sizeof(vector) / sizeof(float), CHAINS = 12 }; /* two units times a latency of 4 or 5, and some */

/* Chains have names of their own: an array of them would be kept in memory. */
#define EACH(DO) DO(a) DO(b) DO(c) DO(d) DO(e) DO(f) DO(g) DO(h) DO(i) DO(j) DO(k) DO(l)
#define START(x)  \
  vector x = add; \
  __asm__ volatile("" : "+m"(x)); /* the compiler must not see that all chains are the same */
#define STEP(x) x = FMA(x, shrink, add);
#define COLLECT(x) sum += x;

float JOIN(nsw_peak_rounds, NSW_ISA)(size_t rounds, double *flops) {
  vector shrink, add, sum;
  for (int lane = 0; lane < LANES; lane++) shrink[lane] = 0.5f, add[lane] = 1.0f, sum[lane] = 0.0f;
  EACH(START)
  for (size_t r = 0; r < rounds; r++) {
    EACH(STEP)
  }
  EACH(COLLECT)
  float total = 0;
  for (int lane = 0; lane < LANES; lane++) total += sum[lane];
  *flops = 2.0 * CHAINS * LANES * (double)rounds;
  return total;
}
