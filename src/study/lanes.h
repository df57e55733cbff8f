/* Kernels of the bootstrap: NSW_RESAMPLE_LANES resamples at once, one to a vector lane. A resample of n rows is held as
 * how often each row was drawn, so that nothing is sorted again: the order of the rows stays that of the data.
 *
 * n = rows, d = distinct values of a column, L = NSW_RESAMPLE_LANES. Each function is built once for every instruction
 * set and chosen at run time; all give the same numbers, bit for bit. */
#ifndef NSW_STUDY_LANES_H
#define NSW_STUDY_LANES_H

#include <stddef.h>
#include <stdint.h>

#include "base/isa.h"

enum { NSW_RESAMPLE_LANES = 16 };

/* Counts are bytes: n of at least 256 makes a row drawn 256 times impossible in practice, and the drawing stops
 * there (saturates); with n of at most 2^24 all sums below are exact. */
enum { NSW_RESAMPLE_ROWS = 1 << 24 };

/* Draws n of n rows with replacement into count[n]. The draws are the 32-bit words of the stream (seed, bootstrap,
 * resample), four to a block, each times n over 2^32. */
typedef void nsw_draw_kernel(uint64_t seed, uint64_t resample, uint32_t n, uint8_t *count);

/* Puts the counts of L resamples side by side: lanes[n][L] from count[L][n]. */
typedef void nsw_interleave_kernel(const uint8_t *count, size_t n, uint8_t *lanes);

/* Weighted discordant pairs of each lane: the sum over inversions i < j of count_i count_j. lanes[n][L] in the order
 * of x (ties by y) and scratch[n][L] are overwritten; codes[n] are y's in that order, start[d+1] as in nsw_ranks; bits
 * is a bit for every row of every level (see lanes_simd.c), made by nsw_lane_bits. */
typedef void nsw_discordant_kernel(uint8_t *lanes, uint8_t *scratch, const uint64_t *bits, const uint32_t *start,
                                   size_t n, size_t d, uint64_t discordant[NSW_RESAMPLE_LANES]);

/* Twice the average rank less its mean, of each distinct value in each lane: rank[d][L] from lanes[n][L] in the
 * column's own order. tied[L] is the number of tied pairs, square[L] the sum over rows of squared ranks. */
typedef void nsw_rank_kernel(const uint8_t *lanes, const uint32_t *start, size_t n, size_t d, int32_t *rank,
                             uint64_t tied[NSW_RESAMPLE_LANES], double square[NSW_RESAMPLE_LANES]);

/* Sum over rows of count times the product of both ranks: lanes[n][L], rx[dx][L] at cx[n], ry[dy][L] at cy[n]. */
typedef void nsw_product_kernel(const uint8_t *lanes, const uint32_t *cx, const uint32_t *cy, const int32_t *rx,
                                const int32_t *ry, size_t n, double product[NSW_RESAMPLE_LANES]);

/* Weighted sums of u, v, uu, vv, uv over rows: lanes[n][L] in the order of u[n] and v[n]; sums[5][L]. */
typedef void nsw_moment_kernel(const uint8_t *lanes, const double *u, const double *v, size_t n,
                               double sums[5][NSW_RESAMPLE_LANES]);

NSW_KERNEL(nsw_draw_kernel, nsw_draw);
NSW_KERNEL(nsw_interleave_kernel, nsw_interleave);
NSW_KERNEL(nsw_discordant_kernel, nsw_discordant);
NSW_KERNEL(nsw_rank_kernel, nsw_lane_ranks);
NSW_KERNEL(nsw_product_kernel, nsw_lane_product);
NSW_KERNEL(nsw_moment_kernel, nsw_lane_moments);

/* The kernels of this CPU. */
struct nsw_lane_kernels {
  nsw_draw_kernel *draw;
  nsw_interleave_kernel *interleave;
  nsw_discordant_kernel *discordant;
  nsw_rank_kernel *ranks;
  nsw_product_kernel *product;
  nsw_moment_kernel *moments;
};

struct nsw_lane_kernels nsw_lane_kernels(void);

/* The path of every row through the partitions: level by level from the top bit, a bit for every place: whether the row
 * there goes to the upper half. bits must hold nsw_lane_bits_size(n, d) words; codes and scratch are overwritten. */
size_t nsw_lane_bits_size(size_t n, size_t d);
void nsw_lane_bits(uint32_t *codes, uint32_t *scratch, const uint32_t *start, size_t n, size_t d, uint64_t *bits);

#endif
