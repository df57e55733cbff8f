#include "base/peak.h"
#include "base/vec.h"

enum { CHAINS = 12 }; /* two units times a latency of 4 or 5, and some */

/* Chains have names of their own: an array of them would be kept in memory. */
#define EACH(DO) DO(a) DO(b) DO(c) DO(d) DO(e) DO(f) DO(g) DO(h) DO(i) DO(j) DO(k) DO(l)
#define START(x) \
  vf x = add;    \
  __asm__ volatile("" : "+m"(x)); /* the compiler must not see that all chains are the same */
#define STEP(x) x = vfma(x, shrink, add);
#define COLLECT(x) sum += x;

float NSW_FN(nsw_peak_rounds)(size_t rounds, double *flops) {
  vf shrink = vset(0.5f), add = vset(1), sum = {0};
  EACH(START)
  for (size_t r = 0; r < rounds; r++) {
    EACH(STEP)
  }
  EACH(COLLECT)
  float total = 0;
  for (int lane = 0; lane < NSW_LANES; lane++) total += sum[lane];
  *flops = 2.0 * CHAINS * NSW_LANES * (double)rounds;
  return total;
}
