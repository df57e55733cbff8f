/* Statistics against their naive versions, and the bootstrap against drawing rows one by one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "naive_study.h"
#include "study/bootstrap.h"
#include "study/correlation.h"
#include "study/kendall.h"
#include "study/pvalue.h"
#include "study/select.h"
#include "study/subset.h"
#include "unit.h"

enum { MOST = 160 };

static struct nsw_stream numbers = {.seed = 11, .purpose = NSW_FOR_SAMPLING};

/* Columns of n rows with about `values` distinct values, y leaning on x, infinities here and there. */
static void make_columns(double *x, double *y, size_t n, uint64_t values, int infinities) {
  for (size_t i = 0; i < n; i++) {
    uint64_t at = 3 * i;
    x[i] = (double)nsw_random_below(numbers, at, values);
    y[i] = (double)nsw_random_below(numbers, at + 1, values) + (numbers.which % 2 ? x[i] : -0.5 * x[i]);
    if (infinities && nsw_random_below(numbers, at + 2, 12) == 0) x[i] = -INFINITY;
    if (infinities && nsw_random_below(numbers, at + 2, 19) == 0) y[i] = INFINITY;
  }
  numbers.which++;
}

static void assert_same(double a, double b, double tolerance) {
  if (isnan(a) || isnan(b)) {
    assert_true(isnan(a) && isnan(b));
    return;
  }
  if (fabs(a - b) > tolerance) fail_msg("%.17g is not %.17g", a, b);
}

static void test_ranks(void **state) {
  (void)state;
  double x[MOST], y[MOST], naive[MOST];
  for (int trial = 0; trial < 200; trial++) {
    size_t n = (size_t)trial % MOST;
    make_columns(x, y, n, 1 + (uint64_t)trial % 30, 1);
    if (n > 2) x[0] = -0.0, x[1] = 0.0, x[2] = -1e-300;
    struct nsw_ranks ranks;
    assert_int_equal(nsw_ranks_make(x, n, &ranks, NULL), NSW_OK);
    nsw_ranks_naive(x, n, naive);
    for (size_t i = 0; i < n; i++) assert_true((double)nsw_rank_twice(&ranks, ranks.code[i]) == 2 * naive[i]);
    for (size_t i = 1; i < n; i++) {
      assert_true(x[ranks.order[i - 1]] <= x[ranks.order[i]]);
      if (x[ranks.order[i - 1]] == x[ranks.order[i]]) assert_true(ranks.order[i - 1] < ranks.order[i]);
    }
    nsw_ranks_free(&ranks);
    nsw_ranks_free(&ranks);
  }
}

static void test_nan_has_no_rank(void **state) {
  (void)state;
  double x[] = {1, NAN, 2};
  struct nsw_ranks ranks;
  struct nsw_error err;
  assert_int_equal(nsw_ranks_make(x, 3, &ranks, &err), NSW_FAILED);
  assert_string_equal(err.text, "row 1 is not a number and has no rank");
}

static void test_kendall(void **state) {
  (void)state;
  double x[MOST], y[MOST];
  for (int trial = 0; trial < 600; trial++) {
    size_t n = (size_t)trial % MOST;
    make_columns(x, y, n, 1 + (uint64_t)trial % 90, trial % 3 == 0);
    struct nsw_ranks rx, ry;
    struct nsw_kendall fast, naive;
    nsw_ranks_make(x, n, &rx, NULL);
    nsw_ranks_make(y, n, &ry, NULL);
    assert_int_equal(nsw_kendall(&rx, &ry, &fast, NULL), NSW_OK);
    nsw_kendall_naive(x, y, n, &naive);
    assert_int_equal(fast.pairs, n < 2 ? 0 : naive.pairs);
    assert_int_equal(fast.tied_x, naive.tied_x);
    assert_int_equal(fast.tied_y, naive.tied_y);
    assert_int_equal(fast.tied_both, naive.tied_both);
    assert_int_equal(fast.discordant, naive.discordant);
    assert_same(fast.tau_b, naive.tau_b, 1e-15); /* of the same counts, in other steps */
    double weighted;
    assert_int_equal(nsw_weighted_tau(&rx, &ry, &weighted, NULL), NSW_OK);
    assert_same(weighted, nsw_weighted_tau_naive(x, y, n), 1e-13);
    nsw_ranks_free(&rx);
    nsw_ranks_free(&ry);
  }
}

static void test_undefined(void **state) {
  (void)state;
  double constant[4] = {2, 2, 2, 2}, rising[4] = {1, 2, 3, 4}, open[4] = {1, 2, INFINITY, 4};
  struct nsw_ranks c, r;
  struct nsw_kendall kendall;
  double weighted;
  for (size_t n = 0; n <= 4; n++) {
    nsw_ranks_make(constant, n, &c, NULL);
    nsw_ranks_make(rising, n, &r, NULL);
    nsw_kendall(&c, &r, &kendall, NULL);
    nsw_weighted_tau(&c, &r, &weighted, NULL);
    assert_true(isnan(kendall.tau_b) && isnan(kendall.p) && isnan(weighted));
    assert_true(isnan(nsw_spearman(&c, &r)) && isnan(nsw_pearson(constant, rising, n)));
    if (n >= 2) assert_true(nsw_spearman(&r, &r) == 1 && nsw_pearson(rising, rising, n) == 1);
    nsw_ranks_free(&c);
    nsw_ranks_free(&r);
  }
  assert_true(isnan(nsw_pearson(open, rising, 4)));
  assert_true(isnan(nsw_partial(0.5, 1, 0.5)));
}

static void test_bootstrap(void **state) {
  (void)state;
  double x[MOST], y[MOST];
  for (int trial = 0; trial < 60; trial++) {
    size_t n = 2 + (size_t)trial * 5 % (MOST - 2);
    make_columns(x, y, n, 2 + (uint64_t)trial % 60, 0);
    struct nsw_ranks rx, ry;
    struct nsw_bootstrap *bootstrap;
    nsw_ranks_make(x, n, &rx, NULL);
    nsw_ranks_make(y, n, &ry, NULL);
    assert_int_equal(
        nsw_bootstrap_create(&rx, &ry, x, y, NSW_WANT_RANKS | NSW_WANT_PEARSON | NSW_WANT_WEIGHTED, &bootstrap, NULL),
        NSW_OK);
    double lanes[NSW_COEFFICIENTS][NSW_RESAMPLE_LANES], naive[NSW_COEFFICIENTS];
    uint64_t batch = (uint64_t)trial;
    assert_int_equal(nsw_bootstrap_batch(bootstrap, 5, batch, lanes, NULL), NSW_OK);
    for (int l = 0; l < NSW_RESAMPLE_LANES; l++) {
      assert_int_equal(nsw_bootstrap_naive(x, y, n, 5, batch * NSW_RESAMPLE_LANES + (uint64_t)l, naive, NULL), NSW_OK);
      for (int k = 0; k < NSW_COEFFICIENTS; k++) assert_same(lanes[k][l], naive[k], 1e-12);
    }
    nsw_bootstrap_free(&bootstrap);
    nsw_bootstrap_free(&bootstrap);
    nsw_ranks_free(&rx);
    nsw_ranks_free(&ry);
  }
}

/* All instruction sets give the same bits, on counts large enough for 32-bit sums to be flushed. */
static void test_lanes_agree(void **state) {
  (void)state;
  enum { N = 3000 };
  static uint8_t counts[NSW_RESAMPLE_LANES * N], a[NSW_RESAMPLE_LANES * N], b[NSW_RESAMPLE_LANES * N],
      scratch[NSW_RESAMPLE_LANES * N], first[NSW_RESAMPLE_LANES * N];
  static uint8_t before[NSW_RESAMPLE_LANES * N];
  static double x[N], y[N];
  for (size_t i = 0; i < N; i++) {
    x[i] = (double)nsw_random_below(numbers, i, 900);
    y[i] = (double)nsw_random_below(numbers, N + i, 2000) - x[i];
  }
  struct nsw_ranks rx, ry;
  nsw_ranks_make(x, N, &rx, NULL);
  nsw_ranks_make(y, N, &ry, NULL);
  static uint32_t codes[N], spare[N];
  uint64_t tied, *bits = malloc(nsw_lane_bits_size(N, ry.distinct) * sizeof *bits), expected[NSW_RESAMPLE_LANES] = {0};
  nsw_kendall_sequence(&rx, &ry, codes, NULL, &tied, NULL);
  for (size_t i = 0; i < NSW_RESAMPLE_LANES * N; i++)
    first[i] = (uint8_t)(i % NSW_RESAMPLE_LANES == 3 ? 255 : nsw_random_below(numbers, i, 256));
  for (size_t i = 0; i < N; i++)
    for (size_t j = i + 1; j < N; j++)
      for (int l = 0; l < NSW_RESAMPLE_LANES && codes[i] > codes[j]; l++)
        expected[l] += (uint64_t)first[i * NSW_RESAMPLE_LANES + (size_t)l] * first[j * NSW_RESAMPLE_LANES + (size_t)l];
  nsw_lane_bits(codes, spare, ry.start, N, ry.distinct, bits);
  for (int i = 0; i < NSW_ISAS; i++) {
    setenv("NASWEEP_ISA", nsw_isa_name((enum nsw_isa)i), 1);
    struct nsw_lane_kernels kernels = nsw_lane_kernels();
    uint64_t found[NSW_RESAMPLE_LANES];
    memcpy(a, first, sizeof a);
    kernels.discordant(a, scratch, bits, ry.start, N, ry.distinct, found);
    assert_memory_equal(found, expected, sizeof found);
    for (uint64_t l = 0; l < NSW_RESAMPLE_LANES; l++) kernels.draw(9, l, N, counts + l * N);
    kernels.interleave(counts, N, b);
    for (size_t k = 0; k < N; k++)
      for (size_t l = 0; l < NSW_RESAMPLE_LANES; l++)
        assert_int_equal(b[k * NSW_RESAMPLE_LANES + l], counts[l * N + k]);
    if (i) assert_memory_equal(counts, before, sizeof counts);
    memcpy(before, counts, sizeof counts);
  }
  unsetenv("NASWEEP_ISA");
  free(bits);
  nsw_ranks_free(&rx);
  nsw_ranks_free(&ry);
}

/* Acceleration from n leave-one-out values, each computed from scratch. */
static double slow_acceleration(const double *x, const double *y, size_t n, int coefficient) {
  double u[MOST], v[MOST], value[MOST], mean = 0, two = 0, three = 0;
  for (size_t out = 0; out < n; out++) {
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
      if (i != out) u[m] = x[i], v[m++] = y[i];
    struct nsw_ranks ru, rv;
    struct nsw_kendall kendall;
    nsw_ranks_make(u, m, &ru, NULL);
    nsw_ranks_make(v, m, &rv, NULL);
    nsw_kendall(&ru, &rv, &kendall, NULL);
    value[out] = coefficient == NSW_KENDALL    ? kendall.tau_b
                 : coefficient == NSW_SPEARMAN ? nsw_spearman(&ru, &rv)
                 : coefficient == NSW_WEIGHTED ? nsw_weighted_tau_naive(u, v, m)
                                               : nsw_pearson(u, v, m);
    mean += value[out] / (double)n;
    nsw_ranks_free(&ru);
    nsw_ranks_free(&rv);
  }
  for (size_t i = 0; i < n; i++) {
    two += pow(mean - value[i], 2);
    three += pow(mean - value[i], 3);
  }
  return three / 6 / pow(two, 1.5);
}

static void test_jackknife(void **state) {
  (void)state;
  const unsigned all = NSW_WANT_RANKS | NSW_WANT_PEARSON | NSW_WANT_WEIGHTED;
  double x[MOST], y[MOST], left_out[MOST], acceleration[NSW_COEFFICIENTS];
  for (int trial = 0; trial < 40; trial++) {
    size_t n = 4 + (size_t)trial * 3;
    make_columns(x, y, n, 3 + (uint64_t)trial % 40, 0);
    struct nsw_ranks rx, ry;
    nsw_ranks_make(x, n, &rx, NULL);
    nsw_ranks_make(y, n, &ry, NULL);
    assert_int_equal(nsw_jackknife(&rx, &ry, x, y, all, acceleration, NULL), NSW_OK);
    for (int k = 0; k < NSW_COEFFICIENTS; k++) assert_same(acceleration[k], slow_acceleration(x, y, n, k), 1e-9);
    assert_int_equal(nsw_weighted_left_out(&rx, &ry, left_out, NULL), NSW_OK);
    for (size_t out = 0; out < n; out++) {
      double u[MOST], v[MOST];
      size_t m = 0;
      for (size_t i = 0; i < n; i++)
        if (i != out) u[m] = x[i], v[m++] = y[i];
      assert_same(left_out[out], nsw_weighted_tau_naive(u, v, m), 1e-12);
    }
    assert_int_equal(nsw_jackknife(&rx, &ry, x, y, NSW_WANT_RANKS, acceleration, NULL), NSW_OK);
    assert_true(isnan(acceleration[NSW_WEIGHTED]) && isnan(acceleration[NSW_PEARSON]));
    nsw_ranks_free(&rx);
    nsw_ranks_free(&ry);
  }
}

static void test_p_values(void **state) {
  (void)state;
  /* Student's t with 1 and 2 degrees of freedom has elementary distribution functions. */
  for (double r = -0.95; r < 1; r += 0.1) {
    double t1 = r / sqrt(1 - r * r), t2 = r * sqrt(2 / (1 - r * r));
    assert_same(nsw_p_of_r(r, 3), 1 - 2 / M_PI * atan(fabs(t1)), 1e-14);
    assert_same(nsw_p_of_r(r, 4), 1 - fabs(t2) / sqrt(2 + t2 * t2), 1e-14);
  }
  /* Of the 24 permutations of 4, 1, 3, 5 have 0, 1, 2 inversions. */
  assert_same(nsw_p_of_kendall_exact(4, 0), 2.0 / 24, 1e-15);
  assert_same(nsw_p_of_kendall_exact(4, 1), 8.0 / 24, 1e-15);
  assert_same(nsw_p_of_kendall_exact(4, 2), 18.0 / 24, 1e-15);
  assert_same(nsw_p_of_kendall_exact(4, 3), 1, 1e-15);
  assert_same(nsw_normal_quantile(0.975), 1.959963984540054, 1e-14);
}

/* Expected best over all subsets, one by one. */
static void test_selection(void **state) {
  (void)state;
  double score[12], accuracy[12];
  for (int trial = 0; trial < 60; trial++) {
    uint32_t n = 3 + (uint32_t)trial % 10;
    make_columns(score, accuracy, n, 2 + (uint64_t)trial % 5, 0);
    for (uint64_t k = 1; k <= n; k++) {
      double best = 0, mean = 0, sets = 0, best_top = 0, sets_top = 0;
      for (uint32_t set = 0; set < 1u << n; set++) {
        if ((uint64_t)__builtin_popcount(set) != k) continue;
        double most = -INFINITY, sum = 0, worst_in = INFINITY, best_out = -INFINITY;
        for (uint32_t i = 0; i < n; i++) {
          if (set >> i & 1) {
            most = fmax(most, accuracy[i]);
            sum += accuracy[i];
            worst_in = fmin(worst_in, score[i]);
          } else {
            best_out = fmax(best_out, score[i]);
          }
        }
        sets++;
        best += most;
        mean += sum / (double)k;
        if (worst_in < best_out) continue; /* not a top k in any order of equal scores */
        sets_top++;
        best_top += most;
      }
      struct nsw_pick random, top;
      assert_int_equal(nsw_pick_random(accuracy, n, &k, 1, &random, NULL), NSW_OK);
      assert_int_equal(nsw_pick_top(score, accuracy, n, &k, 1, &top, NULL), NSW_OK);
      assert_same(random.best, best / sets, 1e-12);
      assert_same(random.mean, mean / sets, 1e-12);
      assert_same(top.best, best_top / sets_top, 1e-12);
    }
  }
}

static void test_pareto(void **state) {
  (void)state;
  double cost[60], value[60];
  uint32_t front[60];
  for (int trial = 0; trial < 100; trial++) {
    size_t n = (size_t)trial % 60, count;
    make_columns(cost, value, n, 4 + (uint64_t)trial, 0);
    assert_int_equal(nsw_pareto(cost, value, n, front, &count, NULL), NSW_OK);
    for (size_t f = 0; f < count; f++)
      for (size_t i = 0; i < n; i++)
        assert_false((cost[i] <= cost[front[f]] && value[i] > value[front[f]]) ||
                     (cost[i] < cost[front[f]] && value[i] >= value[front[f]]));
    for (size_t i = 0; i < n; i++) { /* whatever is not on it is beaten, or equalled, by one that is */
      int beaten = 0;
      for (size_t f = 0; f < count; f++) beaten |= cost[front[f]] <= cost[i] && value[front[f]] >= value[i];
      assert_true(beaten);
    }
  }
}

/* In a sample, a class is stood for by the first of its members that is there. */
static void unique_keeps_one_of_every_class_there(void **state) {
  (void)state;
  static const uint32_t index[] = {1, 2, 3, 9, 12}, class_of[] = {0, 0, 3, 0, 4};
  static const uint8_t expected[] = {1, 0, 1, 0, 1};
  struct nsw_table *table;
  struct nsw_error err;
  struct nsw_subset *subsets;
  size_t count;
  uint8_t in[5];
  assert_int_equal(nsw_table_create("nb201", 5, 4, &table, &err), NSW_OK);
  memcpy(table->index, index, sizeof index);
  memcpy(table->class_of, class_of, sizeof class_of);
  struct nsw_facts facts = {.table = table};
  assert_int_equal(nsw_subsets_parse("all,unique", &facts, &subsets, &count, &err), NSW_OK);
  assert_int_equal(count, 2);
  assert_int_equal(nsw_subset_rows(&subsets[1], &facts, NULL, in, &err), NSW_OK);
  assert_memory_equal(in, expected, sizeof expected);
  assert_int_equal(nsw_subsets_check("all,top:10,size", &err), NSW_OK);
  assert_int_equal(nsw_subsets_check("all,top", &err), NSW_USAGE);
  assert_int_equal(nsw_subsets_check("", &err), NSW_USAGE);
  free(subsets);
  nsw_facts_free(&facts);
  nsw_table_free(&table);
}

/* Efron's formula by hand: resamples that are an even grid over 0..1 with the estimate in their middle have no bias,
 * and the quantile at p is p. With acceleration 0.1 and 95 %, z = -1.959964: p = cdf(z / (1 - 0.1 z)) = cdf(-1.638771),
 * and above cdf(1.959964 / 0.8040036) = cdf(2.437755). A negative one mirrors that. */
static void acceleration_moves_both_ends_its_way(void **state) {
  enum { GRID = 2001 };
  (void)state;
  static double values[GRID];
  for (int sign = -1; sign <= 1; sign += 2) {
    for (int i = 0; i < GRID; i++) values[i] = (double)((i * 1237) % GRID) / (GRID - 1);
    struct nsw_interval got = nsw_interval(values, GRID, 0.5, 0.1 * sign, 0.95);
    assert_same(got.bca_low, sign > 0 ? 0.050630 : 1 - 0.992611, 2e-6);
    assert_same(got.bca_high, sign > 0 ? 0.992611 : 1 - 0.050630, 2e-6);
    assert_same(got.low, 0.025, 1e-12);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(acceleration_moves_both_ends_its_way),
                                     cmocka_unit_test(unique_keeps_one_of_every_class_there),
                                     cmocka_unit_test(test_ranks),
                                     cmocka_unit_test(test_nan_has_no_rank),
                                     cmocka_unit_test(test_kendall),
                                     cmocka_unit_test(test_undefined),
                                     cmocka_unit_test(test_bootstrap),
                                     cmocka_unit_test(test_lanes_agree),
                                     cmocka_unit_test(test_jackknife),
                                     cmocka_unit_test(test_p_values),
                                     cmocka_unit_test(test_selection),
                                     cmocka_unit_test(test_pareto)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
