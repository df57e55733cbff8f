/* Small things that everything stands on: lists that grow, hashes, clocks, the message of a malloc that failed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/hash.h"
#include "nasweep/error.h"
#include "unit.h"

static void lists_grow_and_keep_their_items(void **state) {
  (void)state;
  uint32_t *list = NULL;
  for (uint32_t n = 0; n < 1000; n++) {
    uint32_t *before = list;
    assert_true(NSW_GROW(list, n));
    if (n & (n - 1)) assert_ptr_equal(list, before); /* only at powers of two */
    list[n] = n * n;
  }
  for (uint32_t i = 0; i < 1000; i++) assert_int_equal(list[i], i * i);
  free(list);
}

static void room_is_doubled_or_what_is_needed(void **state) {
  (void)state;
  char *text = NULL;
  size_t room = 0;
  assert_true(NSW_RESERVE(text, room, 10));
  assert_int_equal(room, 10);
  memset(text, 'x', 10);
  assert_true(NSW_RESERVE(text, room, 11));
  assert_int_equal(room, 20);
  assert_true(NSW_RESERVE(text, room, 20));
  assert_int_equal(room, 20);
  assert_true(NSW_RESERVE(text, room, 1000));
  assert_int_equal(room, 1000);
  assert_memory_equal(text, "xxxxxxxxxx", 10);
  free(text);
}

static void what_no_memory_holds_is_refused(void **state) {
  (void)state;
  double one = 1, *list = &one;
  size_t room = 1;
  assert_false(nsw_array_grow(&list, SIZE_MAX / 2 + 1, sizeof *list));
  assert_false(nsw_array_grow(&list, (SIZE_MAX >> 3) + 1, sizeof *list));
  assert_false(NSW_RESERVE(list, room, SIZE_MAX / 8 + 2));
  assert_ptr_equal(list, &one);
  assert_int_equal(room, 1);
  struct nsw_error err = {""};
  assert_int_equal(nsw_no_memory(&err, "%d ranks", 12), NSW_FAILED);
  assert_string_equal(err.text, "out of memory for 12 ranks");
}

static void hashes_tell_texts_apart(void **state) {
  (void)state;
  static uint64_t seen[4096];
  for (int i = 0; i < 4096; i++) {
    char text[40];
    int n = snprintf(text, sizeof text, "%d|%d", i / 64, i % 64);
    seen[i] = nsw_hash(text, (size_t)n);
    for (int j = 0; j < i; j++) assert_true(seen[i] != seen[j]);
  }
  assert_true(nsw_hash("a", 1) != nsw_hash("a", 2)); /* the end counts, also where zeros fill it up */
  /* SplitMix64's first number from the seed 0, as published. */
  assert_true(nsw_hash_word(1, UINT64_C(0xffffffffffffffff)) == UINT64_C(0xe220a8397b1dcdaf));
}

static void clocks_run(void **state) {
  (void)state;
  double start = nsw_now(), cpu = nsw_thread_seconds(), all = nsw_process_seconds();
  nsw_sleep_all(0.02);
  double lasted = nsw_now() - start;
  assert_true(lasted >= 0.02);
  assert_true(nsw_thread_seconds() >= cpu && nsw_thread_seconds() - cpu < lasted);
  assert_true(nsw_process_seconds() >= all);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(lists_grow_and_keep_their_items),
                                     cmocka_unit_test(room_is_doubled_or_what_is_needed),
                                     cmocka_unit_test(what_no_memory_holds_is_refused),
                                     cmocka_unit_test(hashes_tell_texts_apart), cmocka_unit_test(clocks_run)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
