/* How fast one core of this machine can go: the rate of independent fused multiply-adds on float32 vectors. */
#ifndef NSW_BASE_PEAK_H
#define NSW_BASE_PEAK_H

#include <stddef.h>

#include "base/isa.h"

/* Does `rounds` rounds of multiply-adds in registers; *flops is how many floating-point operations that was (two for a
 * multiply-add). Returns a sum that must be used, so that nothing is left out. */
typedef float nsw_peak_fn(size_t rounds, double *flops);
NSW_KERNEL(nsw_peak_fn, nsw_peak_rounds);

/* GFLOP/s of one core with the widest vectors of this CPU and build: best of several runs within about `seconds`. */
double nsw_peak(double seconds);

#endif
