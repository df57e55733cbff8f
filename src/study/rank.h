/* Ranks with ties, by radix sort: the ground all rank correlations stand on. n = rows, d = distinct values. */
#ifndef NSW_STUDY_RANK_H
#define NSW_STUDY_RANK_H

#include <stddef.h>
#include <stdint.h>

#include "nasweep/error.h"

/* A column reduced to what a rank statistic can see. Owns its arrays. */
struct nsw_ranks {
  size_t n;        /* rows, below 2^31 */
  size_t distinct; /* d */
  uint32_t *order; /* [n] rows by ascending value, equal ones in ascending row */
  uint32_t *code;  /* [n] dense rank of each row, 0..d-1 */
  uint32_t *start; /* [d+1] place in order where each value begins; start[d] = n */
};

/* Ranks x[n], which may hold infinities but no NaN; -0 equals 0. O(n). Free with nsw_ranks_free. */
int nsw_ranks_make(const double *x, size_t n, struct nsw_ranks *ranks, struct nsw_error *err);

/* Frees the arrays and zeroes the struct; may be called twice. */
void nsw_ranks_free(struct nsw_ranks *ranks);

/* Twice the average rank (from 1) of the rows of one value: an integer, so that sums of ranks are exact. */
static inline uint64_t nsw_rank_twice(const struct nsw_ranks *ranks, uint32_t code) {
  return (uint64_t)ranks->start[code] + ranks->start[code + 1] + 1;
}

/* Pairs of rows with equal values. */
uint64_t nsw_ranks_tied_pairs(const struct nsw_ranks *ranks);

/* Rows that share their value with another row. */
uint64_t nsw_ranks_tied_rows(const struct nsw_ranks *ranks);

#endif
