/* One score column against one accuracy column over one subset of rows: everything `correlate` says of the pair. */
#ifndef NSW_STUDY_COMPARE_H
#define NSW_STUDY_COMPARE_H

#include "study/bootstrap.h"
#include "study/column.h"

/* Work spread over ranks: this process does every size-th part, and sum() adds its arrays up over all of them (each
 * element is nonzero on one rank alone, so the sum is the same for any number). One process: {0, 1, NULL, NULL}. */
struct nsw_share {
  int rank, size;
  int (*sum)(double *values, size_t count, void *state, struct nsw_error *err);
  void *state;
};

/* Makes a failure on one rank one on all, so that none waits in a sum for a rank that has left. Returns status, or
 * NSW_FAILED where another rank failed. Every rank calls it at the same places. */
int nsw_share_agree(const struct nsw_share *share, int status, struct nsw_error *err);

/* What is wanted beyond the coefficients. */
struct nsw_compare_options {
  uint64_t resamples; /* of the bootstrap; 0: no intervals */
  double level;       /* confidence, 0..1 */
  uint64_t seed;
  bool weighted_interval; /* also of the weighted tau: as slow as its evaluation times the resamples */
  struct nsw_share share;
};

/* The outcome. Counts are of rows in the subset. */
struct nsw_comparison {
  uint64_t n;             /* rows compared */
  uint64_t no_path;       /* of those, taking part with the lowest rank because they have no path */
  uint64_t pending;       /* left out: not scored yet */
  uint64_t failed;        /* left out: scoring failed */
  uint64_t unknown;       /* left out: no accuracy */
  uint64_t ties_proxy;    /* rows compared that share their score with another */
  uint64_t ties_accuracy; /* the same of accuracies */
  uint64_t pearson_n;     /* rows with a finite score: what Pearson is taken over */
  double spearman, spearman_p;
  double kendall, kendall_p;
  double weighted; /* hyperbolic weighted tau */
  double pearson, pearson_p;
  double partial_params; /* Spearman given parameters */
  double partial_macs;   /* Spearman given multiply-adds */
  const char *undefined; /* why there are no coefficients, or NULL */
  bool has_intervals;
  struct nsw_interval interval[NSW_COEFFICIENTS];
};

struct nsw_compare_cache; /* ranks of the columns that many comparisons share */

/* An empty cache; free with nsw_compare_cache_free. */
int nsw_compare_cache_create(const struct nsw_table *table, struct nsw_compare_cache **cache, struct nsw_error *err);
void nsw_compare_cache_free(struct nsw_compare_cache **cache);

/* Compares over the rows with in[row] set. accuracy[rows], NaN where unknown. With several ranks all must call. */
int nsw_compare(struct nsw_compare_cache *cache, const struct nsw_column *column, const double *accuracy,
                const uint8_t *in, const struct nsw_compare_options *options, struct nsw_comparison *result,
                struct nsw_error *err);

/* Two score columns against each other, over rows that take part in both. */
struct nsw_agreement {
  uint64_t n;
  double spearman, kendall;
};
int nsw_agree(const struct nsw_column *a, const struct nsw_column *b, const uint8_t *in, size_t rows,
              struct nsw_agreement *result, struct nsw_error *err);

/* Agreement of a column with itself over its seeds, and the spread of its correlation with accuracy. */
struct nsw_stability {
  size_t seeds;
  uint64_t n;                         /* rows compared */
  double spearman_mean, spearman_min; /* over pairs of seeds */
  double kendall_mean, kendall_min;
  double accuracy_mean, accuracy_deviation; /* Spearman with accuracy, over seeds; NaN without accuracies */
};
int nsw_seed_stability(const struct nsw_column *column, const double *accuracy, const uint8_t *in, size_t rows,
                       struct nsw_stability *result, struct nsw_error *err);

/* Whether a ranks better than b: Spearman of each with accuracy over the rows both and the accuracy share, and a paired
 * permutation test: in each of `permutations`, every row's ranks in a and b change places with probability 1/2. */
struct nsw_contest {
  uint64_t n;
  uint64_t permutations;
  double spearman_a, spearman_b;
  double difference; /* a less b */
  double p;          /* two-sided, (1 + as extreme) / (1 + permutations) */
};
int nsw_contest(const struct nsw_column *a, const struct nsw_column *b, const double *accuracy, const uint8_t *in,
                size_t rows, uint64_t permutations, uint64_t seed, const struct nsw_share *share,
                struct nsw_contest *result, struct nsw_error *err);

#endif
