#include "study/kendall.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/pvalue.h"

enum { LEAF = 16 };

/* Inversions of a few codes (below 2^32 - 1): every code against the one s places on, for all s, in a loop of fixed
 * length that compilers turn into vector compares. */
static uint64_t count_leaf(const uint32_t *codes, uint32_t n) {
  uint32_t padded[2 * LEAF], inversions = 0;
  memset(padded, 0xff, sizeof padded); /* larger than any code: the second of no inversion */
  memcpy(padded, codes, n * sizeof *codes);
  for (uint32_t s = 1; s < n; s++)
    for (uint32_t k = 0; k < LEAF; k++) inversions += padded[k] != UINT32_MAX && padded[k] > padded[k + s];
  return inversions;
}

/* Counts inversions bit by bit from the top: the rows of codes first .. first + 2^bits - 1 stand together, in their
 * original order; a pair of them is an inversion of the highest bit if a one comes before a zero. A stable partition by
 * the bit makes the groups of the next bit. No comparison is there for the CPU to guess wrong, where each half begins
 * is known from the cumulative counts, and small groups stay in cache on their way down. */
static uint64_t count_group(uint32_t *from, uint32_t *to, const uint32_t *start, size_t distinct, size_t first,
                            int bits) {
  size_t half = (size_t)1 << bits >> 1;
  size_t end = first + 2 * half < distinct ? first + 2 * half : distinct;
  size_t middle = first + half < distinct ? first + half : distinct;
  uint32_t zeros = start[first], ones = start[middle], boundary = ones, last = start[end];
  if (bits == 0 || last - zeros < 2) return 0;
  if (last - zeros <= LEAF) return count_leaf(from + zeros, last - zeros);
  if (boundary == last) return count_group(from, to, start, distinct, first, bits - 1);
  uint64_t inversions = 0;
  for (uint32_t k = zeros; k < last; k++) {
    uint32_t code = from[k], one = (uint32_t)(code >= middle);
    inversions += (ones - boundary) & (one - 1);
    to[one ? ones : zeros] = code;
    ones += one;
    zeros += 1 - one;
  }
  inversions += count_group(to, from, start, distinct, first, bits - 1);
  return inversions + count_group(to, from, start, distinct, middle, bits - 1);
}

uint64_t nsw_inversions(uint32_t *codes, uint32_t *scratch, const uint32_t *start, size_t distinct) {
  int bits = 0;
  while (((size_t)1 << bits) < distinct) bits++;
  return count_group(codes, scratch, start, distinct, 0, bits);
}

int nsw_kendall_sequence(const struct nsw_ranks *x, const struct nsw_ranks *y, uint32_t *codes, uint32_t *rows,
                         uint64_t *tied_both, struct nsw_error *err) {
  uint32_t *next = malloc((x->distinct + 1) * sizeof *next);
  if (!next) return nsw_no_memory(err, "ordering %zu rows", x->n);
  memcpy(next, x->start, (x->distinct + 1) * sizeof *next);
  for (size_t k = 0; k < y->n; k++) {
    uint32_t row = y->order[k], place = next[x->code[row]]++;
    codes[place] = y->code[row];
    if (rows) rows[place] = row;
  }
  free(next);
  *tied_both = 0;
  for (size_t g = 0; g < x->distinct; g++) {
    uint64_t run = 0;
    for (uint32_t k = x->start[g] + 1; k < x->start[g + 1]; k++) {
      run = codes[k] == codes[k - 1] ? run + 1 : 0;
      *tied_both += run;
    }
  }
  return NSW_OK;
}

/* SciPy's variance of concordant minus discordant pairs under independence, ties corrected (Kendall 1970). */
static double variance(const struct nsw_ranks *x, const struct nsw_ranks *y, double n) {
  const struct nsw_ranks *both[2] = {x, y};
  double once[2], twice[2], rest[2], m = n * (n - 1);
  for (int c = 0; c < 2; c++) {
    double s1 = 0, s2 = 0, s5 = 0;
    for (size_t g = 0; g < both[c]->distinct; g++) {
      double t = both[c]->start[g + 1] - both[c]->start[g];
      s1 += t * (t - 1) / 2;
      s2 += t * (t - 1) * (t - 2);
      s5 += t * (t - 1) * (2 * t + 5);
    }
    once[c] = s1;
    twice[c] = s2;
    rest[c] = s5;
  }
  return (m * (2 * n + 5) - rest[0] - rest[1]) / 18 + 2 * once[0] * once[1] / m +
         twice[0] * twice[1] / (9 * m * (n - 2));
}

static double tau_of(const struct nsw_kendall *k) {
  if (k->n < 2 || k->tied_x == k->pairs || k->tied_y == k->pairs) return NAN;
  /* pairs = concordant + discordant + tied_x + tied_y - tied_both */
  double difference = (double)((int64_t)(k->pairs - k->tied_x - k->tied_y + k->tied_both) - 2 * (int64_t)k->discordant);
  long double untied = (long double)(k->pairs - k->tied_x) * (long double)(k->pairs - k->tied_y);
  double tau = (double)(difference / sqrtl(untied));
  return fmax(-1, fmin(1, tau));
}

static double p_of(const struct nsw_kendall *k, const struct nsw_ranks *x, const struct nsw_ranks *y) {
  if (isnan(k->tau_b)) return NAN;
  uint64_t concordant = k->pairs - k->discordant;
  uint64_t few = k->discordant < concordant ? k->discordant : concordant;
  if (!k->tied_x && !k->tied_y && (k->n <= 33 || few <= 1)) return nsw_p_of_kendall_exact(k->n, k->discordant);
  double difference = (double)((int64_t)(k->pairs - k->tied_x - k->tied_y + k->tied_both) - 2 * (int64_t)k->discordant);
  return nsw_p_of_z(difference / sqrt(variance(x, y, (double)k->n)));
}

int nsw_kendall_begin(const struct nsw_ranks *x, const struct nsw_ranks *y, struct nsw_kendall *result,
                      struct nsw_error *err) {
  size_t n = x->n;
  *result = (struct nsw_kendall){.n = n, .tau_b = NAN, .p = NAN};
  if (y->n != n) return nsw_fail(err, "columns of %zu and %zu rows cannot be compared", n, y->n);
  if (n < 2) return NSW_OK;
  result->pairs = (uint64_t)n * (n - 1) / 2;
  result->tied_x = nsw_ranks_tied_pairs(x);
  result->tied_y = nsw_ranks_tied_pairs(y);
  return NSW_OK;
}

void nsw_kendall_finish(const struct nsw_ranks *x, const struct nsw_ranks *y, struct nsw_kendall *result) {
  result->tau_b = tau_of(result);
  result->p = p_of(result, x, y);
}

int nsw_kendall(const struct nsw_ranks *x, const struct nsw_ranks *y, struct nsw_kendall *result,
                struct nsw_error *err) {
  size_t n = x->n;
  int status = nsw_kendall_begin(x, y, result, err);
  if (status || n < 2) return status;
  uint32_t *codes = malloc(2 * n * sizeof *codes);
  if (!codes) return nsw_no_memory(err, "comparing %zu rows", n);
  status = nsw_kendall_sequence(x, y, codes, NULL, &result->tied_both, err);
  if (!status) {
    result->discordant = nsw_inversions(codes, codes + n, y->start, y->distinct);
    nsw_kendall_finish(x, y, result);
  }
  free(codes);
  return status;
}
