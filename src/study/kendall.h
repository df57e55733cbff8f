/* Kendall's tau-b, exactly and in O(n log n). */
#ifndef NSW_STUDY_KENDALL_H
#define NSW_STUDY_KENDALL_H

#include "study/rank.h"

/* Counts of pairs, and what follows from them. */
struct nsw_kendall {
  uint64_t n;
  uint64_t pairs;      /* n(n-1)/2 */
  uint64_t tied_x;     /* pairs equal in x (and perhaps in y) */
  uint64_t tied_y;     /* pairs equal in y (and perhaps in x) */
  uint64_t tied_both;  /* pairs equal in both */
  uint64_t discordant; /* pairs ordered one way by x and the other way by y */
  double tau_b;        /* NaN where n < 2 or a column is constant */
  double p;            /* two-sided; exact without ties up to 33 rows or nearly sorted, else normal; NaN as tau_b */
};

/* Tau-b of two columns over the same rows. */
int nsw_kendall(const struct nsw_ranks *x, const struct nsw_ranks *y, struct nsw_kendall *result,
                struct nsw_error *err);

/* Its two halves: the counts that each column has alone (pairs, tied_x, tied_y), NSW_FAILED where the columns differ in
 * length; and tau and p once tied_both and discordant are known too. */
int nsw_kendall_begin(const struct nsw_ranks *x, const struct nsw_ranks *y, struct nsw_kendall *result,
                      struct nsw_error *err);
void nsw_kendall_finish(const struct nsw_ranks *x, const struct nsw_ranks *y, struct nsw_kendall *result);

/* y's codes in the order of x, ties in x in ascending y, into codes[n]; *tied_both as above. rows[n] (may be NULL)
 * are the rows in that order. */
int nsw_kendall_sequence(const struct nsw_ranks *x, const struct nsw_ranks *y, uint32_t *codes, uint32_t *rows,
                         uint64_t *tied_both, struct nsw_error *err);

/* Pairs i < j with codes[i] > codes[j]; start[d+1] as in struct nsw_ranks of the codes. Sorts codes[n] by means of
 * scratch[n]; both are overwritten. */
uint64_t nsw_inversions(uint32_t *codes, uint32_t *scratch, const uint32_t *start, size_t distinct);

#endif
