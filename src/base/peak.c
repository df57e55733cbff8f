#include "base/peak.h"

#include <time.h>

#include "base/isa.h"

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double nsw_peak(double seconds) {
  nsw_peak_fn *rounds = NSW_DISPATCH(nsw_cpu_isa(), nsw_peak_rounds);
  double best = 0, begin = now();
  volatile float kept = 0; /* the loop's result counts as used */
  for (int run = 0; run < 3 || now() - begin < seconds; run++) {
    double flops, start = now();
    kept = rounds(1000000, &flops);
    double rate = flops / (now() - start) * 1e-9;
    if (rate > best) best = rate;
  }
  (void)kept;
  return best;
}
