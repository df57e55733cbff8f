/* What fitted models see of an architecture: numbers, one row a candidate. */
#ifndef NSW_SEARCH_INPUTS_H
#define NSW_SEARCH_INPUTS_H

#include "search/search.h"

enum nsw_inputs_kind {
  NSW_INPUTS_WORD = 1,  /* one column for every choice of every gene: 1 where it is taken */
  NSW_INPUTS_PATHS = 2, /* counts of operations, and of paths from input to output by the operations on them; a space
                         * without cells gives its word instead */
  NSW_INPUTS_SCORES = 4 /* the ground's scores by normal scores of their ranks */
};

/* Columns that differ between candidates, each with mean 0; the variance is 1 for each score, and in the mean over all
 * other columns. Owned. */
struct nsw_inputs {
  size_t n, width;
  float *x; /* [n][width] */
};

/* Makes the columns of all kinds asked for (enum nsw_inputs_kind, ORed). Free with nsw_inputs_free in any case. */
int nsw_inputs_make(const struct nsw_ground *ground, unsigned kinds, struct nsw_inputs *inputs, struct nsw_error *err);
void nsw_inputs_free(struct nsw_inputs *inputs);

/* The scores alone, [n][ground->scores], as above; malloc'd into *x. */
int nsw_inputs_scores(const struct nsw_ground *ground, float **x, struct nsw_error *err);

/* Normal scores: the normal distribution's quantiles at the (average) ranks of value[n], scaled to variance 1; all 0
 * where the values are all alike. Infinities have ranks, NaN is an error. */
int nsw_normal_scores(const double *value, size_t n, double *out, struct nsw_error *err);

#endif
