/* NAS-Bench-Suite-Zero's published scores and validation accuracies: zc_nasbench101.json and zc_nasbench201.json. */
#ifndef NSW_TRUTH_SUITE_ZERO_H
#define NSW_TRUTH_SUITE_ZERO_H

#include "truth/truth.h"

extern const struct nsw_truth_format nsw_truth_suite_zero;

/* The architecture of a key, as text that nsw_space_find reads: six operation codes (nb201, told by its edges 0-1, 0-2,
 * 0-3, 1-2, 1-3, 2-3), or the n x n digits of an adjacency and n operation codes (nb101). Six numbers may be either:
 * space tells, or NULL for nb201. Returns the space's name, or NULL where the key is neither. */
const char *nsw_suite_zero_cell(const char *key, const char *space, char text[256]);

#endif
