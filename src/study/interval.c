/* Bootstrap intervals and the exact jackknife: see study/bootstrap.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/bootstrap.h"
#include "study/correlation.h"
#include "study/kendall.h"
#include "study/pvalue.h"

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Quantile of sorted values, linear between neighbours. */
static double quantile(const double *sorted, uint64_t n, double q) {
  double at = q * (double)(n - 1);
  uint64_t i = (uint64_t)at;
  if (i + 1 >= n) return sorted[n - 1];
  return sorted[i] + (sorted[i + 1] - sorted[i]) * (at - (double)i);
}

static double deviation(const double *values, uint64_t n) {
  double mean = 0, sum = 0;
  for (uint64_t i = 0; i < n; i++) mean += values[i] / (double)n;
  for (uint64_t i = 0; i < n; i++) sum += (values[i] - mean) * (values[i] - mean);
  return n > 1 ? sqrt(sum / (double)(n - 1)) : NAN;
}

struct nsw_interval nsw_interval(double *values, uint64_t resamples, double estimate, double acceleration,
                                 double level) {
  struct nsw_interval out = {NAN, NAN, NAN, NAN, NAN, 0};
  uint64_t n = 0, below = 0, equal = 0;
  for (uint64_t i = 0; i < resamples; i++)
    if (!isnan(values[i])) values[n++] = values[i];
  out.defined = n;
  if (!n || isnan(estimate)) return out;
  qsort(values, n, sizeof *values, compare);
  for (uint64_t i = 0; i < n; i++) {
    below += values[i] < estimate;
    equal += values[i] == estimate;
  }
  double tail = (1 - level) / 2;
  out.error = deviation(values, n);
  out.low = quantile(values, n, tail);
  out.high = quantile(values, n, 1 - tail);
  double bias = nsw_normal_quantile(((double)below + 0.5 * (double)equal) / (double)n);
  if (isnan(acceleration) || !isfinite(bias)) return out;
  double z = nsw_normal_quantile(tail), a = acceleration;
  out.bca_low = quantile(values, n, nsw_normal_cdf(bias + (bias + z) / (1 - a * (bias + z))));
  out.bca_high = quantile(values, n, nsw_normal_cdf(bias + (bias - z) / (1 - a * (bias - z))));
  return out;
}

/* How each row stands to all others: how many are below it in x and how it is split by y. */
struct standing {
  uint32_t below_below; /* x less, y less */
  uint32_t below_equal; /* x less, y equal */
  uint32_t equal_below; /* x equal, y less */
  uint32_t equal_equal; /* both equal, itself not counted */
};

/* Fills standing[n] by data row: a walk up x with a Fenwick tree over y. */
static int stand(const struct nsw_ranks *x, const struct nsw_ranks *y, struct standing *standing,
                 struct nsw_error *err) {
  size_t n = x->n, d = y->distinct;
  uint32_t *codes = malloc(2 * n * sizeof *codes), *rows = codes + n, *tree = calloc(d + 1, sizeof *tree);
  uint32_t *seen = calloc(d + 1, sizeof *seen);
  uint64_t both;
  int status = codes && tree && seen ? NSW_OK : nsw_no_memory(err, "a jackknife of %zu rows", n);
  if (!status) status = nsw_kendall_sequence(x, y, codes, rows, &both, err);
  for (size_t g = 0; g < x->distinct && !status; g++) {
    uint32_t first = x->start[g], end = x->start[g + 1];
    for (uint32_t k = first, run = first; k < end; k++) {
      if (codes[k] != codes[run]) run = k;
      uint32_t last = k + 1;
      while (last < end && codes[last] == codes[k]) last++;
      uint32_t less = 0;
      for (size_t i = codes[k]; i; i -= i & -i) less += tree[i];
      struct standing s = {less, seen[codes[k]], run - first, last - run - 1};
      for (; k < last; k++) standing[rows[k]] = s;
      k--;
    }
    for (uint32_t k = first; k < end; k++) {
      seen[codes[k]]++;
      for (size_t i = codes[k] + 1; i <= d; i += i & -i) tree[i]++;
    }
  }
  free(codes);
  free(tree);
  free(seen);
  return status;
}

/* Sums of leave-one-out values' deviations to the powers 2 and 3, gathered in two passes over them. */
static double acceleration_of(const double *left_out, size_t n) {
  long double mean = 0, two = 0, three = 0;
  for (size_t i = 0; i < n; i++) {
    if (isnan(left_out[i])) return NAN;
    mean += left_out[i];
  }
  mean /= n;
  for (size_t i = 0; i < n; i++) {
    long double u = mean - left_out[i];
    two += u * u;
    three += u * u * u;
  }
  return two > 0 ? (double)(three / (6 * two * sqrtl(two))) : NAN;
}

static void kendall_left_out(const struct nsw_ranks *x, const struct nsw_ranks *y, const struct standing *s,
                             double *value) {
  size_t n = x->n;
  int64_t total = 0;
  uint64_t tx = nsw_ranks_tied_pairs(x), ty = nsw_ranks_tied_pairs(y), pairs = (uint64_t)(n - 1) * (n - 2) / 2;
  /* What row i adds: concordant minus discordant pairs with all others. */
  for (int pass = 0; pass < 2; pass++) {
    for (size_t i = 0; i < n; i++) {
      uint32_t a = x->code[i], b = y->code[i];
      int64_t less_x = x->start[a], less_y = y->start[b], same_x = x->start[a + 1] - x->start[a] - 1;
      int64_t same_y = y->start[b + 1] - y->start[b] - 1, more_x = (int64_t)n - 1 - less_x - same_x;
      int64_t ll = s[i].below_below, lm = less_x - ll - s[i].below_equal;
      int64_t ml = less_y - ll - s[i].equal_below, me = same_y - s[i].below_equal - s[i].equal_equal;
      int64_t own = ll - lm - ml + (more_x - ml - me);
      if (!pass) {
        total += own;
        continue;
      }
      uint64_t tied_x = tx - (uint64_t)same_x, tied_y = ty - (uint64_t)same_y;
      value[i] = tied_x == pairs || tied_y == pairs
                     ? NAN
                     : (double)(total - own) / sqrt((double)(pairs - tied_x)) / sqrt((double)(pairs - tied_y));
    }
    total /= 2; /* every pair was added by both its rows */
  }
}

/* Sum of the other column's doubled ranks over the rows above each value of `by` (and half of those equal), by code. */
static double *sums_above(const struct nsw_ranks *by, const struct nsw_ranks *of) {
  double *sum = calloc(by->distinct + 1, sizeof *sum);
  if (!sum) return NULL;
  double above = 0, mean = (double)by->n + 1;
  for (size_t g = by->distinct; g-- > 0;) {
    double group = 0;
    for (uint32_t k = by->start[g]; k < by->start[g + 1]; k++)
      group += (double)nsw_rank_twice(of, of->code[by->order[k]]) - mean;
    sum[g] = above + group / 2;
    above += group;
  }
  return sum;
}

/* Removing row i lowers the rank of every row above it by 1 and of every row equal to it by 1/2. */
static int spearman_left_out(const struct nsw_ranks *x, const struct nsw_ranks *y, const struct standing *s,
                             double *value, struct nsw_error *err) {
  size_t n = x->n;
  double *above_x = sums_above(x, y), *above_y = sums_above(y, x), mean = (double)n + 1;
  const struct nsw_ranks *both[2] = {x, y};
  double *square[2];
  for (int c = 0; c < 2; c++) {
    /* n^3 - n - sum of t^3 - t: 3 times the sum of squared doubled ranks about their mean */
    square[c] = malloc(sizeof **square);
    if (!square[c]) continue;
    double sum = 0;
    for (size_t g = 0; g < both[c]->distinct; g++) {
      double t = both[c]->start[g + 1] - both[c]->start[g];
      sum += t * t * t - t;
    }
    *square[c] = sum;
  }
  int status = above_x && above_y && square[0] && square[1] ? NSW_OK : nsw_no_memory(err, "a jackknife");
  double xy = 0;
  for (size_t i = 0; i < n && !status; i++)
    xy += ((double)nsw_rank_twice(x, x->code[i]) - mean) * ((double)nsw_rank_twice(y, y->code[i]) - mean);
  for (size_t i = 0; i < n && !status; i++) {
    uint32_t a = x->code[i], b = y->code[i];
    double less_x = x->start[a], less_y = y->start[b], tx = x->start[a + 1] - x->start[a];
    double ty = y->start[b + 1] - y->start[b], ll = s[i].below_below, le = s[i].below_equal, el = s[i].equal_below;
    double ee = s[i].equal_equal, me = ty - 1 - le - ee, em = tx - 1 - el - ee, ml = less_y - ll - el;
    double more_x = (double)n - less_x - tx, mm = more_x - ml - me;
    double own_x = (double)nsw_rank_twice(x, a) - mean, own_y = (double)nsw_rank_twice(y, b) - mean;
    /* Ranks doubled: those above fall by 2, those equal by 1. Row i itself is in the sums of its own group: taken out.
     */
    double fall_x = 2 * above_x[a] - own_y, fall_y = 2 * above_y[b] - own_x;
    double both_fall = 4 * mm + 2 * me + 2 * em + ee;
    double fallen = xy - own_x * own_y - fall_x - fall_y + both_fall;
    /* The sum of the remaining ranks about the old mean is what centring about their own mean takes out. */
    double sum_x = -own_x - (2 * more_x + (tx - 1)), sum_y = -own_y - (2 * ((double)n - less_y - ty) + (ty - 1));
    double m = (double)n - 1, cube = m * m * m - m;
    double xx = (cube - (*square[0] - (tx * tx * tx - tx) + ((tx - 1) * (tx - 1) * (tx - 1) - (tx - 1)))) / 3;
    double yy = (cube - (*square[1] - (ty * ty * ty - ty) + ((ty - 1) * (ty - 1) * (ty - 1) - (ty - 1)))) / 3;
    value[i] = xx > 0 && yy > 0 ? (fallen - sum_x * sum_y / m) / sqrt(xx) / sqrt(yy) : NAN;
  }
  free(above_x);
  free(above_y);
  free(square[0]);
  free(square[1]);
  return status;
}

static void pearson_left_out(const double *x, const double *y, size_t n, double *value) {
  long double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
  for (size_t i = 0; i < n; i++) {
    mx += x[i];
    my += y[i];
  }
  mx /= n;
  my /= n;
  for (size_t i = 0; i < n; i++) {
    xx += (x[i] - mx) * (x[i] - mx);
    yy += (y[i] - my) * (y[i] - my);
    xy += (x[i] - mx) * (y[i] - my);
  }
  long double scale = (long double)n / (n - 1);
  for (size_t i = 0; i < n; i++) {
    long double u = x[i] - mx, v = y[i] - my;
    long double a = xx - scale * u * u, b = yy - scale * v * v;
    value[i] = a > 0 && b > 0 ? (double)((xy - scale * u * v) / (sqrtl(a) * sqrtl(b))) : NAN;
  }
}

static int ranks_left_out(const struct nsw_ranks *x, const struct nsw_ranks *y, double *value,
                          double acceleration[NSW_COEFFICIENTS], struct nsw_error *err) {
  size_t n = x->n;
  struct standing *standing = malloc(n * sizeof *standing);
  int status = standing ? NSW_OK : nsw_no_memory(err, "a jackknife of %zu rows", n);
  if (!status) status = stand(x, y, standing, err);
  if (!status) {
    kendall_left_out(x, y, standing, value);
    acceleration[NSW_KENDALL] = acceleration_of(value, n);
    status = spearman_left_out(x, y, standing, value, err);
  }
  if (!status) acceleration[NSW_SPEARMAN] = acceleration_of(value, n);
  free(standing);
  return status;
}

int nsw_jackknife(const struct nsw_ranks *x, const struct nsw_ranks *y, const double *vx, const double *vy,
                  unsigned wanted, double acceleration[NSW_COEFFICIENTS], struct nsw_error *err) {
  size_t n = x->n;
  for (int c = 0; c < NSW_COEFFICIENTS; c++) acceleration[c] = NAN;
  if (n < 3 || y->n != n) return NSW_OK;
  double *value = malloc(n * sizeof *value);
  int status = value ? NSW_OK : nsw_no_memory(err, "a jackknife of %zu rows", n);
  if (!status && wanted & NSW_WANT_RANKS) status = ranks_left_out(x, y, value, acceleration, err);
  if (!status && wanted & NSW_WANT_PEARSON) {
    pearson_left_out(vx, vy, n, value);
    acceleration[NSW_PEARSON] = acceleration_of(value, n);
  }
  if (!status && wanted & NSW_WANT_WEIGHTED) {
    status = nsw_weighted_left_out(x, y, value, err);
    if (!status) acceleration[NSW_WEIGHTED] = acceleration_of(value, n);
  }
  free(value);
  return status;
}
