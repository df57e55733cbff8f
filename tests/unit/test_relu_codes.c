/* The codes of ReLUs against a bit at a time, on every instruction set of this machine. */
#include <stdlib.h>
#include <string.h>

#include "base/isa.h"
#include "base/random.h"
#include "proxy/relu_codes.h"
#include "unit.h"

enum { SIZE = 3, MOST = 128, PIXELS = SIZE * SIZE, WORDS = (PIXELS * MOST + 63) / 64 };

struct numbers {
  float plane[PIXELS * MOST], scale[MOST], shift[MOST];
};

/* Numbers on both sides of zero; some are zero itself, and some not numbers. */
static void make(struct numbers *x) {
  struct nsw_stream stream = {.seed = 9, .purpose = NSW_FOR_NOISE};
  nsw_random_normal(stream, 1, 0, x->plane, PIXELS * MOST);
  nsw_random_uniform(stream, 2, x->scale, MOST);
  nsw_random_uniform(stream, 1, x->shift, MOST);
  for (int i = 0; i < PIXELS * MOST; i += 7) x->plane[i] = i % 2 ? 0.0f : -0.0f;
  for (int i = 0; i < PIXELS * MOST; i += 101) x->plane[i] = __builtin_nanf("");
}

static bool bit_at(const struct nsw_view *x, int channels, int at) {
  int pixel = at / channels, c = at % channels;
  float v = x->plane.p[pixel / SIZE * x->plane.row + pixel % SIZE * x->plane.col + c];
  if (x->scale) v = v * x->scale[c] + x->shift[c];
  return v > 0;
}

static void test_bits(void **state) {
  (void)state;
  static struct numbers n;
  static uint64_t words[WORDS + 1];
  const int counts[] = {1, 5, 15, 16, 17, 43, 64, 100, 128};
  make(&n);
  for (enum nsw_isa isa = NSW_PLAIN; isa <= nsw_cpu_isa(); isa++)
    for (size_t k = 0; k < 2 * sizeof counts / sizeof *counts; k++) {
      int channels = counts[k / 2], col = (channels + 15) / 16 * 16, bits = PIXELS * channels,
          length = (bits + 63) / 64;
      struct nsw_view x = {.plane = {n.plane, SIZE * col, col, SIZE}, .relu = true};
      if (k % 2) x.scale = n.scale, x.shift = n.shift;
      memset(words, 0xa5, sizeof words);
      NSW_DISPATCH(isa, nsw_codes_pack)(&x, channels, words);
      for (int at = 0; at < length * 64; at++)
        assert_int_equal(words[at / 64] >> (at % 64) & 1, at < bits && bit_at(&x, channels, at));
      assert_true(words[length] == UINT64_C(0xa5a5a5a5a5a5a5a5));
    }
}

static void test_apart(void **state) {
  (void)state;
  uint64_t a[37], b[37];
  size_t all = 0;
  for (int k = 0; k < 37; k++) {
    a[k] = nsw_random_bits((struct nsw_stream){.seed = 1, .purpose = NSW_FOR_NOISE}, (uint64_t)k);
    b[k] = nsw_random_bits((struct nsw_stream){.seed = 2, .purpose = NSW_FOR_NOISE}, (uint64_t)k);
    for (int i = 0; i < 64; i++) all += (a[k] >> i & 1) != (b[k] >> i & 1);
  }
  for (enum nsw_isa isa = NSW_PLAIN; isa <= nsw_cpu_isa(); isa++) {
    assert_int_equal(NSW_DISPATCH(isa, nsw_codes_apart)(a, b, 37), all);
    assert_int_equal(NSW_DISPATCH(isa, nsw_codes_apart)(a, a, 37), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_bits), cmocka_unit_test(test_apart)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
