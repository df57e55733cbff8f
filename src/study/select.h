/* What a search by a score finds: best of the top k, precision, against random search; Pareto fronts; the two-step
 * search. Accuracies are in percent, scores turned so that larger is better; all arrays hold the n candidates alone.
 *
 * Equal scores are broken at random, and every number is the exact expectation over that: a score that ties a thousand
 * architectures at the top gets no luck from their order. */
#ifndef NSW_STUDY_SELECT_H
#define NSW_STUDY_SELECT_H

#include <stdbool.h>

#include "study/rank.h"

/* The outcome of taking k candidates. */
struct nsw_pick {
  uint64_t k;
  double best;      /* expected best accuracy among them */
  double mean;      /* expected mean accuracy */
  double precision; /* expected share that is among the k most accurate (those as accurate as the k-th count) */
};

/* Fills ks with 1, 2, 5, 10, 20, 50 ... up to n and n itself; at most room of them. Returns how many. */
size_t nsw_budgets(uint64_t n, uint64_t *ks, size_t room);

/* The k best by score, for ascending ks[count], each at most n. */
int nsw_pick_top(const double *score, const double *accuracy, size_t n, const uint64_t *ks, size_t count,
                 struct nsw_pick *picks, struct nsw_error *err);

/* k candidates at random, without replacement. */
int nsw_pick_random(const double *accuracy, size_t n, const uint64_t *ks, size_t count, struct nsw_pick *picks,
                    struct nsw_error *err);

/* Expected maximum of `take` of the values drawn without replacement, values[n] ascending, and of `floor`:
 * P(all <= values[i]) = C(i+1, take) / C(n, take). take 0: floor. */
double nsw_expected_best(const double *ascending, size_t n, size_t take, double floor);

/* The candidates that no other beats in both cost (less is better) and value (more is better): front[*count] in
 * ascending cost; front has room for n. Of equals the first stays. NaN values take no part. */
int nsw_pareto(const double *cost, const double *value, size_t n, uint32_t *front, size_t *count,
               struct nsw_error *err);

/* Step one draws `candidates` of the n at random, step two takes the k best by score of those (equal ones in the order
 * drawn) and of these the one with the best `valid`. Repeated `runs` times. */
struct nsw_two_step {
  uint64_t runs;
  double mean, deviation; /* of the test accuracy found; deviation over runs (n - 1) */
  double lowest, highest;
};
int nsw_two_step(const double *score, const double *valid, const double *test, size_t n, uint64_t candidates,
                 uint64_t k, uint64_t runs, uint64_t seed, struct nsw_two_step *result, struct nsw_error *err);

#endif
