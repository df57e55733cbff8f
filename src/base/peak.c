#include "base/peak.h"

#include "base/clock.h"
#include "base/isa.h"

double nsw_peak(double seconds) {
  nsw_peak_fn *rounds = NSW_DISPATCH(nsw_cpu_isa(), nsw_peak_rounds);
  double best = 0, begin = nsw_now();
  volatile float kept = 0; /* the loop's result counts as used */
  for (int run = 0; run < 3 || nsw_now() - begin < seconds; run++) {
    double flops, start = nsw_now();
    kept = rounds(1000000, &flops);
    double rate = flops / (nsw_now() - start) * 1e-9;
    if (rate > best) best = rate;
  }
  (void)kept;
  return best;
}
