/* Random numbers: Philox's published answers, addressing, distributions. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "unit.h"

enum { N = 200000 };

/* Random123's known answer for Philox 4x32-10 with counter and key zero. */
static void test_known_answer(void **state) {
  (void)state;
  uint32_t words[4];
  nsw_random_block((struct nsw_stream){.seed = 0, .which = 0, .purpose = 0}, 0, words);
  const uint32_t published[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  assert_memory_equal(words, published, sizeof words);
}

static void test_streams_differ(void **state) {
  (void)state;
  struct nsw_stream a = {.seed = 1, .which = 2, .purpose = NSW_FOR_WEIGHTS}, b = a, c = a, d = a;
  b.seed = 2;
  c.which = 3;
  d.purpose = NSW_FOR_IMAGES;
  uint64_t first = nsw_random_bits(a, 5);
  assert_true(first == nsw_random_bits(a, 5));
  assert_true(first != nsw_random_bits(b, 5) && first != nsw_random_bits(c, 5) && first != nsw_random_bits(d, 5));
  assert_true(first != nsw_random_bits(a, 4));
}

/* A shorter draw is the beginning of a longer one: positions are addresses. */
static void test_prefix(void **state) {
  (void)state;
  static float all[101], part[7];
  struct nsw_stream s = {.seed = 3, .which = 1, .purpose = NSW_FOR_NOISE};
  nsw_random_normal(s, 2, 0, all, 101);
  nsw_random_normal(s, 2, 0, part, 7);
  assert_memory_equal(all, part, sizeof part);
}

static double moment(const float *x, int power) {
  double sum = 0;
  for (int i = 0; i < N; i++) sum += pow(x[i], power);
  return sum / N;
}

static void test_distributions(void **state) {
  (void)state;
  static float x[N];
  struct nsw_stream s = {.seed = 4, .which = 9, .purpose = NSW_FOR_NOISE};
  nsw_random_uniform(s, 3, x, N);
  assert_true(fabs(moment(x, 1)) < 0.02 && fabs(moment(x, 2) - 3) < 0.03);
  nsw_random_normal(s, 1, 0, x, N);
  assert_true(fabs(moment(x, 1)) < 0.01 && fabs(moment(x, 2) - 1) < 0.02 && fabs(moment(x, 4) - 3) < 0.15);
  nsw_random_normal(s, 1, 2, x, N); /* cut at two: deviation 0.87962566, nothing beyond */
  assert_true(fabs(sqrt(moment(x, 2)) - 0.87962566) < 0.005);
  for (int i = 0; i < N; i++) assert_true(fabsf(x[i]) <= 2.0f);
}

/* The quantile function against the error function of the C library, at the numbers it gives. */
static void test_quantile(void **state) {
  (void)state;
  static float x[4096];
  struct nsw_stream s = {.seed = 8, .which = 1, .purpose = NSW_FOR_NOISE};
  nsw_random_normal(s, 1, 0, x, 4096);
  for (int i = 0; i < 4096; i++) {
    uint32_t words[4];
    nsw_random_block(s, (uint64_t)i / 4, words);
    double p = ((double)words[i % 4] + 0.5) * 0x1p-32;
    assert_true(fabs(0.5 * erfc(-(double)x[i] * M_SQRT1_2) - p) < 1e-7);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_answer), cmocka_unit_test(test_streams_differ),
                                     cmocka_unit_test(test_prefix), cmocka_unit_test(test_distributions),
                                     cmocka_unit_test(test_quantile)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
