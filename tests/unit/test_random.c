/* Random numbers: Philox's published answers, addressing, distributions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/isa.h"
#include "base/random.h"
#include "base/random_simd.h"
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

/* Many at a time against one at a time, on every instruction set that this machine has: the same bits, also where the
 * last vector and the last chunk are not full, and beside numbers that must not be touched. */
static void test_many_are_single_ones(void **state) {
  (void)state;
  static float out[5003];
  const size_t lengths[] = {0, 1, 3, 4, 31, 33, 1024, 1027, 5000};
  enum nsw_isa best = nsw_cpu_isa();
  struct nsw_stream s = {.seed = UINT64_C(0xfedcba9876543210), .which = UINT64_C(0x123456789abcdef), .purpose = 1};
  for (enum nsw_isa isa = NSW_PLAIN; isa <= best; isa++) {
    setenv("NASWEEP_ISA", nsw_isa_name(isa), 1);
    static uint32_t some[2051];
    nsw_random_words(s, UINT64_C(0xfffffffe), some, 2051); /* the counter's second word comes in */
    for (size_t i = 0; i < 2051; i++) {
      uint32_t words[4];
      nsw_random_block(s, UINT64_C(0xfffffffe) + i / 4, words);
      assert_int_equal(some[i], words[i % 4]);
    }
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
      for (int kind = 0; kind < 4; kind++) { /* uniform; normal, cut at so many deviations */
        size_t n = lengths[l];
        double low = kind > 1 ? 0.5 * erfc(kind * M_SQRT1_2) : 0;
        for (size_t i = 0; i < 5003; i++) out[i] = 77;
        if (kind)
          nsw_random_normal(s, 0.3f, kind > 1 ? (float)kind : 0.0f, out, n);
        else
          nsw_random_uniform(s, 0.3f, out, n);
        for (size_t i = 0; i < n; i++) {
          uint32_t words[4];
          nsw_random_block(s, i / 4, words);
          float one = kind ? nsw_random_normal_of(words[i % 4], low, 0.3f) : nsw_random_uniform_of(words[i % 4]) * 0.3f;
          assert_memory_equal(out + i, &one, sizeof one);
        }
        for (size_t i = n; i < n + 3; i++) assert_true(out[i] == 77);
      }
  }
  unsetenv("NASWEEP_ISA");
}

/* Numbers drawn before there were vectors: they must stay what they are. */
static void test_numbers_stay(void **state) {
  (void)state;
  float x[3];
  struct nsw_stream s = {.seed = 777, .which = 5, .purpose = NSW_FOR_WEIGHTS};
  const float uniform[3] = {0x1.ce91p-5f, -0x1.294d3p-4f, -0x1.fdc546p-1f},
              normal[3] = {0x1.221d04p-4f, -0x1.752098p-4f, -0x1.6cf6cep+1f},
              cut[3] = {0x1.14e47ap-4f, -0x1.641b28p-4f, -0x1.f6815cp+0f};
  nsw_random_uniform(s, 1, x, 3);
  assert_memory_equal(x, uniform, sizeof x);
  nsw_random_normal(s, 1, 0, x, 3);
  assert_memory_equal(x, normal, sizeof x);
  nsw_random_normal(s, 1, 2, x, 3);
  assert_memory_equal(x, cut, sizeof x);
}

/* Where the tails of the quantile begin, to the word, and the words at both ends. */
static void test_tails(void **state) {
  (void)state;
  const double at[] = {0, NSW_RANDOM_TAIL, 0.5, 1 - NSW_RANDOM_TAIL, 1};
  for (int k = 0; k < 5; k++)
    for (int64_t d = -3; d <= 3; d++) {
      int64_t word = (int64_t)(at[k] * 4294967296.0) + d;
      if (word < 0 || word > UINT32_MAX) continue;
      double p = ((double)word + 0.5) * 0x1p-32, x = nsw_random_normal_of((uint32_t)word, 0, 1);
      assert_true(fabs(0.5 * erfc(-x * M_SQRT1_2) - p) < 1e-7 * fmin(p, 1 - p) + 1e-8);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_answer), cmocka_unit_test(test_streams_differ),
                                     cmocka_unit_test(test_prefix),       cmocka_unit_test(test_distributions),
                                     cmocka_unit_test(test_quantile),     cmocka_unit_test(test_many_are_single_ones),
                                     cmocka_unit_test(test_numbers_stay), cmocka_unit_test(test_tails)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
