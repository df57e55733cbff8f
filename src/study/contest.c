/* Paired permutation test of two scores: see study/compare.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "study/compare.h"
#include "study/correlation.h"

/* Rows as the test sees them: ranks about their means, scaled so that sums of products are correlations. */
struct contest {
  size_t n;
  double *a, *b; /* [n] normalised rank of each score times that of the accuracy */
  double *gap;   /* [n] a less b: what changes sign when the row's ranks change places */
};

static void normalise(const struct nsw_ranks *ranks, double *out) {
  double square = 0, mean = (double)ranks->n + 1;
  for (size_t i = 0; i < ranks->n; i++) {
    out[i] = (double)nsw_rank_twice(ranks, ranks->code[i]) - mean;
    square += out[i] * out[i];
  }
  for (size_t i = 0; i < ranks->n; i++) out[i] /= sqrt(square);
}

static size_t select_three(const double *const *columns, const uint8_t *in, size_t rows, double *const *out) {
  size_t n = 0;
  for (size_t i = 0; i < rows; i++) {
    if (!in[i] || isnan(columns[0][i]) || isnan(columns[1][i]) || isnan(columns[2][i])) continue;
    for (int c = 0; c < 3; c++) out[c][n] = columns[c][i];
    n++;
  }
  return n;
}

/* The difference under one permutation: a coin for every row, 64 rows to a draw. */
static double permuted(const double *gap, size_t n, struct nsw_stream stream) {
  double sum = 0;
  for (size_t i = 0; i < n; i += 64) {
    uint64_t coins = nsw_random_bits(stream, i / 64);
    size_t end = n - i < 64 ? n - i : 64;
    double part = 0;
    for (size_t k = 0; k < end; k++) part += (coins >> k & 1) ? -gap[i + k] : gap[i + k];
    sum += part;
  }
  return sum;
}

int nsw_contest(const struct nsw_column *a, const struct nsw_column *b, const double *accuracy, const uint8_t *in,
                size_t rows, uint64_t permutations, uint64_t seed, const struct nsw_share *share, struct nsw_contest *r,
                struct nsw_error *err) {
  *r = (struct nsw_contest){
      .permutations = permutations, .spearman_a = NAN, .spearman_b = NAN, .difference = NAN, .p = NAN};
  const double *columns[3] = {a->value, b->value, accuracy};
  struct nsw_ranks ranks[3] = {{0}, {0}, {0}};
  double *values = malloc((3 * rows + 1) * sizeof *values), extreme = 0;
  double *out[3] = {values, values + rows, values + 2 * rows};
  int status = values ? NSW_OK : nsw_no_memory(err, "comparing %s and %s", a->name, b->name);
  size_t n = r->n = values ? select_three(columns, in, rows, out) : 0;
  for (int c = 0; c < 3 && !status; c++) status = nsw_ranks_make(out[c], n, &ranks[c], err);
  if (!status) {
    r->spearman_a = nsw_spearman(&ranks[0], &ranks[2]);
    r->spearman_b = nsw_spearman(&ranks[1], &ranks[2]);
    r->difference = r->spearman_a - r->spearman_b;
  }
  if (permutations) status = nsw_share_agree(share, status, err);
  if (!status && !isnan(r->difference) && permutations) {
    for (int c = 0; c < 3; c++) normalise(&ranks[c], out[c]);
    double *gap = out[0], observed = 0;
    for (size_t i = 0; i < n; i++) {
      gap[i] = (out[0][i] - out[1][i]) * out[2][i];
      observed += gap[i];
    }
    /* The sum in another order than the permuted ones' may differ in the last bits: compared with a margin. */
    double border = fabs(observed) * (1 - 1e-12);
    for (uint64_t p = (uint64_t)share->rank; p < permutations; p += (uint64_t)share->size) {
      struct nsw_stream stream = {.seed = seed, .which = p, .purpose = NSW_FOR_PERMUTATION};
      extreme += fabs(permuted(gap, n, stream)) >= border;
    }
    if (share->sum) status = share->sum(&extreme, 1, share->state, err);
    r->p = (1 + extreme) / (1 + (double)permutations);
  }
  for (int c = 0; c < 3; c++) nsw_ranks_free(&ranks[c]);
  free(values);
  return status;
}
