#include "study/rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIGIT = 11, DIGITS = 6, RADIX = 1 << DIGIT };

struct record {
  uint64_t key;
  uint64_t row;
};

/* Doubles in ascending order are these integers in ascending order. */
static uint64_t sortable(double x) {
  uint64_t bits;
  x += 0.0; /* -0 becomes 0 */
  memcpy(&bits, &x, sizeof bits);
  return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static unsigned digit(uint64_t key, int d) { return (unsigned)(key >> (DIGIT * d)) & (RADIX - 1); }

/* Least significant digit first; digits that all keys share are passed over (integers held in doubles have many).
 * Returns which of the two arrays holds the result. */
static struct record *radix_sort(struct record *a, struct record *b, size_t n, uint32_t (*count)[RADIX]) {
  memset(count, 0, DIGITS * sizeof *count);
  for (size_t i = 0; i < n; i++)
    for (int d = 0; d < DIGITS; d++) count[d][digit(a[i].key, d)]++;
  for (int d = 0; d < DIGITS; d++) {
    if (n && count[d][digit(a[0].key, d)] == n) continue;
    uint32_t sum = 0;
    for (int v = 0; v < RADIX; v++) {
      uint32_t c = count[d][v];
      count[d][v] = sum;
      sum += c;
    }
    for (size_t i = 0; i < n; i++) b[count[d][digit(a[i].key, d)]++] = a[i];
    struct record *t = a;
    a = b;
    b = t;
  }
  return a;
}

/* Numbers the distinct keys of the sorted records. */
static void number_values(const struct record *sorted, struct nsw_ranks *ranks) {
  size_t n = ranks->n, d = 0;
  for (size_t i = 0; i < n; i++) {
    if (i == 0 || sorted[i].key != sorted[i - 1].key) ranks->start[d++] = (uint32_t)i;
    ranks->order[i] = (uint32_t)sorted[i].row;
    ranks->code[sorted[i].row] = (uint32_t)(d - 1);
  }
  ranks->start[d] = (uint32_t)n;
  ranks->distinct = d;
}

int nsw_ranks_make(const double *x, size_t n, struct nsw_ranks *ranks, struct nsw_error *err) {
  *ranks = (struct nsw_ranks){.n = n};
  if (n > INT32_MAX) return nsw_fail(err, "%zu rows are more than can be ranked", n);
  for (size_t i = 0; i < n; i++)
    if (isnan(x[i])) return nsw_fail(err, "row %zu is not a number and has no rank", i);
  struct record *a = malloc((2 * n + 1) * sizeof *a);
  uint32_t(*count)[RADIX] = malloc(DIGITS * sizeof *count);
  ranks->order = malloc((n + 1) * sizeof *ranks->order);
  ranks->code = malloc((n + 1) * sizeof *ranks->code);
  ranks->start = malloc((n + 1) * sizeof *ranks->start);
  int status = NSW_OK;
  if (a && count && ranks->order && ranks->code && ranks->start) {
    for (size_t i = 0; i < n; i++) a[i] = (struct record){sortable(x[i]), i};
    number_values(radix_sort(a, a + n, n, count), ranks);
  } else {
    nsw_ranks_free(ranks);
    status = nsw_no_memory(err, "ranking %zu rows", n);
  }
  free(a);
  free(count);
  return status;
}

void nsw_ranks_free(struct nsw_ranks *ranks) {
  free(ranks->order);
  free(ranks->code);
  free(ranks->start);
  *ranks = (struct nsw_ranks){0};
}

uint64_t nsw_ranks_tied_pairs(const struct nsw_ranks *ranks) {
  uint64_t pairs = 0;
  for (size_t g = 0; g < ranks->distinct; g++) {
    uint64_t rows = ranks->start[g + 1] - ranks->start[g];
    pairs += rows * (rows - 1) / 2;
  }
  return pairs;
}

uint64_t nsw_ranks_tied_rows(const struct nsw_ranks *ranks) {
  uint64_t tied = 0;
  for (size_t g = 0; g < ranks->distinct; g++) {
    uint64_t rows = ranks->start[g + 1] - ranks->start[g];
    if (rows > 1) tied += rows;
  }
  return tied;
}
