/* Weighted Kendall's tau: see study/correlation.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/correlation.h"
#include "study/kendall.h"

/* A row on its way through the partitions. */
struct item {
  double weight;
  uint32_t code;
};

enum { LEAF = 16 };

/* A few items: every one against the one s places on, for all s, in loops of fixed length. */
static double weigh_leaf(const struct item *items, uint32_t n) {
  uint32_t code[2 * LEAF];
  double weight[2 * LEAF] = {0}, sum[LEAF] = {0}, total = 0;
  memset(code, 0xff, sizeof code);
  for (uint32_t k = 0; k < n; k++) {
    code[k] = items[k].code;
    weight[k] = items[k].weight;
  }
  for (uint32_t s = 1; s < n; s++)
    for (uint32_t k = 0; k < LEAF; k++)
      sum[k] += code[k] != UINT32_MAX && code[k] > code[k + s] ? weight[k] + weight[k + s] : 0;
  for (uint32_t k = 0; k < LEAF; k++) total += sum[k];
  return total;
}

/* Sum over inversions of both weights; the same walk over bits as nsw_inversions. */
static double weigh_group(struct item *from, struct item *to, const uint32_t *start, size_t distinct, size_t first,
                          int bits) {
  size_t half = (size_t)1 << bits >> 1;
  size_t end = first + 2 * half < distinct ? first + 2 * half : distinct;
  size_t middle = first + half < distinct ? first + half : distinct;
  uint32_t zeros = start[first], ones = start[middle], boundary = ones, last = start[end];
  if (bits == 0 || last - zeros < 2) return 0;
  if (last - zeros <= LEAF) return weigh_leaf(from + zeros, last - zeros);
  if (boundary == last) return weigh_group(from, to, start, distinct, first, bits - 1);
  double total = 0, weight = 0; /* weight: of the ones so far */
  for (uint32_t k = zeros; k < last; k++) {
    struct item item = from[k];
    uint32_t one = item.code >= middle;
    double up = (double)one; /* factors in place of branches, which would be guessed wrong half the time */
    total += (weight + item.weight * (double)(ones - boundary)) * (1 - up);
    weight += item.weight * up;
    to[one ? ones : zeros] = item;
    ones += one;
    zeros += 1 - one;
  }
  total += weigh_group(to, from, start, distinct, first, bits - 1);
  return total + weigh_group(to, from, start, distinct, middle, bits - 1);
}

/* Weight of the pairs tied in a column: each row's weight times the number of rows it is tied with. */
static double tied_weight(const struct nsw_ranks *y, const double *by_code) {
  double sum = 0;
  for (size_t g = 0; g < y->distinct; g++) sum += by_code[g] * (double)(y->start[g + 1] - y->start[g] - 1);
  return sum;
}

/* Tau with the weights given by x's order, ties in x broken by y. */
static int one_way(const struct nsw_ranks *x, const struct nsw_ranks *y, double *tau, struct nsw_error *err) {
  size_t n = x->n;
  uint32_t *codes = malloc(n * sizeof *codes);
  struct item *items = malloc(2 * n * sizeof *items);
  double *by_code = calloc(y->distinct, sizeof *by_code);
  uint64_t tied_both;
  int status = codes && items && by_code ? NSW_OK : nsw_fail(err, "out of memory comparing %zu rows", n);
  if (status == NSW_OK) status = nsw_kendall_sequence(x, y, codes, NULL, &tied_both, err);
  if (status == NSW_OK) {
    double all = 0, in_x = 0, in_both = 0, exchanged = 0;
    for (size_t g = 0; g < x->distinct; g++) {
      double group = 0, run = 0;
      uint32_t first = x->start[g], end = x->start[g + 1], began = first;
      for (uint32_t k = first; k < end; k++) {
        double weight = 1 / (double)(n - k); /* the last has rank 0 */
        items[k] = (struct item){weight, codes[k]};
        by_code[codes[k]] += weight;
        if (k > first && codes[k] != codes[k - 1]) {
          in_both += run * (k - began - 1);
          run = 0;
          began = k;
        }
        run += weight;
        group += weight;
      }
      in_both += run * (end - began - 1);
      in_x += group * (end - first - 1);
      all += group;
    }
    double total = all * (double)(n - 1), in_y = tied_weight(y, by_code);
    int bits = 0;
    while (((size_t)1 << bits) < y->distinct) bits++;
    exchanged = weigh_group(items, items + n, y->start, y->distinct, 0, bits);
    *tau = ((total - (in_x + in_y - in_both)) - 2 * exchanged) / sqrt(total - in_x) / sqrt(total - in_y);
    *tau = fmax(-1, fmin(1, *tau));
  }
  free(codes);
  free(items);
  free(by_code);
  return status;
}

int nsw_weighted_tau(const struct nsw_ranks *x, const struct nsw_ranks *y, double *tau, struct nsw_error *err) {
  double by_x, by_y;
  *tau = NAN;
  if (x->n != y->n) return nsw_fail(err, "columns of %zu and %zu rows cannot be compared", x->n, y->n);
  if (x->n < 2 || x->distinct < 2 || y->distinct < 2) return NSW_OK;
  int status = one_way(x, y, &by_x, err);
  if (status == NSW_OK) status = one_way(y, x, &by_y, err);
  if (status == NSW_OK) *tau = (by_x + by_y) / 2;
  return status;
}

static double one_way_naive(const double *x, const double *y, size_t n) {
  double *weight = malloc((n + 1) * sizeof *weight), sum = 0, xx = 0, yy = 0;
  if (!weight) return NAN;
  for (size_t i = 0; i < n; i++) {
    size_t above = 0;
    for (size_t j = 0; j < n; j++) above += x[j] > x[i] || (x[j] == x[i] && (y[j] > y[i] || (y[j] == y[i] && j > i)));
    weight[i] = 1 / (double)(above + 1);
  }
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < i; j++) {
      double w = weight[i] + weight[j];
      int sx = (x[i] > x[j]) - (x[i] < x[j]), sy = (y[i] > y[j]) - (y[i] < y[j]);
      sum += w * (sx * sy);
      xx += sx ? w : 0;
      yy += sy ? w : 0;
    }
  free(weight);
  return xx > 0 && yy > 0 ? sum / sqrt(xx) / sqrt(yy) : NAN;
}

double nsw_weighted_tau_naive(const double *x, const double *y, size_t n) {
  return (one_way_naive(x, y, n) + one_way_naive(y, x, n)) / 2;
}
