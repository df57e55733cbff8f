/* The closed pickle reader: what it builds, what it refuses, and what hostile bytes cannot make it do. That it builds
 * what Python builds is tested against Python, in files.t. */
#include <bzlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/pickle.h"
#include "unit.h"

/* Protocol 2, by Python: {'a': [1, -2, 2**40, 1.5, None, True], 'b': (b'xy', 'é'), 'n': numpy.float64(0.25)}; NumPy's
 * bytes come as _codecs.encode, as Python 3 writes them in that protocol (0.25 ends in d0 3f, and d0 is c3 90 in
 * UTF-8). */
#define PICKLE                                                                                                         \
  "\x80\x02}q\x00(X\x01\x00\x00\x00"                                                                                   \
  "aq\x01]q\x02(K\x01J\xfe\xff\xff\xff\x8a\x06\x00\x00\x00\x00\x00\x01G?\xf8\x00\x00\x00\x00\x00\x00N\x88"             \
  "eX\x01\x00\x00\x00"                                                                                                 \
  "bq\x03"                                                                                                             \
  "c_"                                                                                                                 \
  "codecs\nencode\nq\x04X\x02\x00\x00\x00xyq\x05X\x06\x00\x00\x00latin1q\x06\x86q\x07Rq\x08X\x02\x00\x00\x00\xc3\xa9q" \
  "\x09"                                                                                                               \
  "\x86q\x0aX\x01\x00\x00\x00nq\x0b"                                                                                   \
  "cnumpy.core.multiarray\nscalar\nq\x0c"                                                                              \
  "cnumpy\ndtype\nq\x0dX\x02\x00\x00\x00"                                                                              \
  "f8q\x0e\x89\x88\x87q\x0fRq\x10(K\x03X\x01\x00\x00\x00<q\x11NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x12"        \
  "bh\x04X\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\xc3\x90?h\x06\x86R\x86Ru."

static int read_bytes(const void *bytes, size_t size, const struct nsw_pickle_options *options,
                      struct nsw_pickle **pickle, struct nsw_error *err) {
  struct nsw_input *input;
  err->text[0] = 0;
  assert_int_equal(nsw_input_memory(bytes, size, "test", &input, err), NSW_OK);
  int status = nsw_pickle_read(input, options, pickle, err);
  nsw_input_close(&input);
  return status;
}

static void expect_error(const void *bytes, size_t size, const char *part) {
  static const struct nsw_pickle_options options = {.memory = 1 << 20};
  struct nsw_pickle *pickle;
  struct nsw_error err;
  int status = read_bytes(bytes, size, &options, &pickle, &err);
  if (status != NSW_FAILED || !strstr(err.text, part)) print_message("%d '%s' has no '%s'\n", status, err.text, part);
  assert_int_equal(status, NSW_FAILED);
  assert_non_null(strstr(err.text, part));
  assert_null(pickle);
}
#define REFUSED(text, part) expect_error(text, sizeof text - 1, part)

static void builds_numbers_texts_and_containers(void **state) {
  (void)state;
  static const struct nsw_pickle_options options = {0};
  struct nsw_pickle *pickle;
  struct nsw_error err;
  int64_t integer;
  double real;
  static const char bytes[] = PICKLE;
  assert_int_equal(read_bytes(bytes, sizeof bytes - 1, &options, &pickle, &err), NSW_OK);
  assert_int_equal(nsw_pickle_bytes(pickle), sizeof bytes - 1);
  const struct nsw_value *root = nsw_pickle_root(pickle), *list = nsw_value_get(root, "a");
  assert_int_equal(nsw_value_count(root), 3);
  assert_int_equal(nsw_value_count(list), 6);
  assert_true(nsw_value_integer(nsw_value_item(list, 1), &integer) && integer == -2);
  assert_true(nsw_value_integer(nsw_value_item(list, 2), &integer) && integer == INT64_C(1) << 40);
  assert_true(nsw_value_real(nsw_value_item(list, 3), &real) && real == 1.5);
  assert_int_equal(nsw_value_item(list, 4)->kind, NSW_PICKLE_NONE);
  assert_int_equal(nsw_value_item(list, 5)->kind, NSW_PICKLE_BOOL);
  assert_null(nsw_value_item(list, 6));
  assert_null(nsw_value_key(list, 0));
  assert_true(nsw_value_is(nsw_value_item(nsw_value_get(root, "b"), 0), "xy"));
  assert_string_equal(nsw_value_text(nsw_value_item(nsw_value_get(root, "b"), 1)), "\xc3\xa9");
  assert_true(nsw_value_real(nsw_value_get(root, "n"), &real) && real == 0.25);
  assert_null(nsw_value_get(root, "x"));
  nsw_pickle_free(&pickle);
  nsw_pickle_free(&pickle);
}

static void runs_nothing_and_names_what_it_refuses(void **state) {
  (void)state;
  REFUSED("\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.", "wants os.system, which is not data; refused");
  REFUSED("cposix\nsystem\n(Vtrue\ntR.", "wants posix.system");
  REFUSED("cbuiltins\neval\n.", "wants builtins.eval");
  REFUSED("(ios\nsystem\n.", "opcode 0x69");
  REFUSED("ctorch._utils\n_rebuild_tensor_v2\n.", "wants torch._utils._rebuild_tensor_v2");
  REFUSED("K\x01\x85Q.", "a persistent id");
  REFUSED("K\x01)R.", "REDUCE of what is no known name");
  REFUSED(
      "]K\x01"
      "b.",
      "BUILD of what is neither");
  REFUSED("cnumpy\nndarray\n)R.", "REDUCE of a class that has no such form");
  REFUSED("cnumpy\ndtype\n(X\x02\0\0\0O8tR.", "a NumPy type other than");
  REFUSED("c\x1b[2J\nx\n.", "wants ?[2J.x");
  static const struct nsw_pickle_options tensors = {.tensors = true};
  struct nsw_pickle *pickle;
  struct nsw_error err;
  static const char tensor[] =
      "\x80\x02"
      "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0"
      "0X\x03\0\0\0cpuK\x06tQK\0K\x02K\x03\x86tR.";
  assert_int_equal(read_bytes(tensor, sizeof tensor - 1, &tensors, &pickle, &err), NSW_OK);
  assert_int_equal(nsw_pickle_root(pickle)->kind, NSW_PICKLE_OPAQUE);
  nsw_pickle_free(&pickle);
}

static void damage_is_an_error_wherever_it_is(void **state) {
  (void)state;
  static const char bytes[] = PICKLE;
  static const struct nsw_pickle_options options = {.memory = 1 << 20};
  for (size_t size = 0; size < sizeof bytes - 1; size++) {
    char *cut = malloc(size + 1); /* of its own, so that reading beyond it is found */
    memcpy(cut, bytes, size);
    expect_error(cut, size, "the input ends in the middle");
    free(cut);
  }
  for (size_t bit = 0; bit < 8 * (sizeof bytes - 1); bit++) {
    char flipped[sizeof bytes];
    struct nsw_pickle *pickle;
    struct nsw_error err;
    memcpy(flipped, bytes, sizeof bytes);
    flipped[bit / 8] = (char)(flipped[bit / 8] ^ 1 << bit % 8);
    int status = read_bytes(flipped, sizeof bytes - 1, &options, &pickle, &err);
    assert_true(status == NSW_OK || (status == NSW_FAILED && err.text[0]));
    nsw_pickle_free(&pickle);
  }
}

static void malformed_stacks_are_errors(void **state) {
  (void)state;
  REFUSED(".", "ends with 0 values");
  REFUSED("K\x01K\x02.", "ends with 2 values");
  REFUSED("(.", "ends with 1 values");
  REFUSED("t.", "no mark is open");
  REFUSED("0.", "empty stack");
  REFUSED("K\x01(\x86.", "takes 2 values from a stack of 0");
  REFUSED("}K\x01s.", "nothing is there to add to");
  REFUSED("}(K\x01u.", "a key without a value");
  REFUSED("]K\x01K\x02s.", "adds to what is no dict");
  REFUSED("h\x05.", "memo entry 5 was never put");
  REFUSED("\x80\x09N.", "protocol 9");
  REFUSED("Fabc\n.", "a badly written number");
  REFUSED("X\x02\0\0\0\xc3\x28.", "a text that is not UTF-8");
  REFUSED("X\x03\0\0\0\xed\xa0\x80.", "a text that is not UTF-8");
  REFUSED(
      "\x8a\x09"
      "123456789.",
      "an integer of 9 bytes");
}

static void bombs_are_bounded(void **state) {
  (void)state;
  static const struct nsw_pickle_options options = {.memory = 1 << 24};
  struct nsw_pickle *pickle;
  struct nsw_error err;
  size_t n = 1 << 20;
  char *bytes = malloc(n + 64);
  REFUSED("\x8e\xff\xff\xff\xff\xff\xff\xff\x7f", "a text of 9223372036854775807 bytes");
  REFUSED("\x8d\0\0\0\0\0\0\0\x80", "a text of 9223372036854775808 bytes");
  REFUSED("Nr\xff\xff\xff\x7f.", "out of order");
  REFUSED("\x96\xff\xff\x0f\0\0\0\0\0", "would hold more than");
  memset(bytes, '(', n);
  expect_error(bytes, n, "more than 64 containers nested");
  memset(bytes, '}', n); /* containers without end */
  expect_error(bytes, n, "would hold more than 1048576 bytes");
  /* Nested ten thousand deep without a mark: allowed, and freed without recursion. */
  bytes[0] = ')';
  memset(bytes + 1, '\x85', 10000);
  bytes[10001] = '.';
  assert_int_equal(read_bytes(bytes, 10002, &options, &pickle, &err), NSW_OK);
  nsw_pickle_free(&pickle);
  bytes[10001] = '0'; /* popped: freed while reading */
  memcpy(bytes + 10002, "N.", 2);
  assert_int_equal(read_bytes(bytes, 10004, &options, &pickle, &err), NSW_OK);
  nsw_pickle_free(&pickle);
  /* Lists of ten references to the list before, forty deep: 10^40 leaves in 900 bytes. */
  size_t size = 3;
  memcpy(bytes, "]q\0", 3);
  for (int level = 1; level <= 40; level++) {
    memcpy(bytes + size, "](", 2);
    size += 2;
    for (int i = 0; i < 10; i++) {
      bytes[size++] = 'h';
      bytes[size++] = (char)(level - 1);
    }
    memcpy(bytes + size, "eq", 2);
    bytes[size + 2] = (char)level;
    size += 3;
  }
  bytes[size++] = '.';
  expect_error(bytes, size, "ends with 41 values");
  /* A list that holds itself. */
  assert_int_equal(read_bytes("]q\0h\0a.", 7, &options, &pickle, &err), NSW_OK);
  nsw_pickle_free(&pickle);
  free(bytes);
}

static void decompression_is_bounded(void **state) {
  (void)state;
  unsigned size = 1 << 22, packed_size = size / 10;
  char *zeros = calloc(size, 1), *packed = malloc(packed_size);
  assert_int_equal(BZ2_bzBuffToBuffCompress(packed, &packed_size, zeros, size, 9, 0, 0), BZ_OK);
  struct nsw_input *inner, *input;
  struct nsw_error err;
  size_t got = 1, all = 0;
  assert_int_equal(nsw_input_memory(packed, packed_size, "bomb", &inner, &err), NSW_OK);
  assert_int_equal(nsw_input_unpack(NSW_BZIP2, inner, 1 << 20, &input, &err), NSW_OK);
  int status = NSW_OK;
  while (!status && got) {
    status = nsw_input_read(input, zeros, 65536, &got, &err);
    all += got;
  }
  assert_int_equal(status, NSW_FAILED);
  assert_non_null(strstr(err.text, "bomb: more than can be in such a file"));
  assert_true(all <= (1 << 20) + 65536);
  nsw_input_close(&input);
  for (unsigned cut = 0; cut < packed_size; cut++) {
    assert_int_equal(nsw_input_memory(packed, cut, "cut", &inner, &err), NSW_OK);
    assert_int_equal(nsw_input_unpack(NSW_BZIP2, inner, 1 << 23, &input, &err), NSW_OK);
    status = NSW_OK;
    for (got = 1; !status && got;) status = nsw_input_read(input, zeros, size, &got, &err);
    assert_int_equal(status, NSW_FAILED);
    nsw_input_close(&input);
  }
  free(zeros);
  free(packed);
}

static bool odd(void *context, const struct nsw_value *key) {
  (void)context;
  return key->u.integer % 2;
}

static int count_pairs(void *context, struct nsw_pickle_reader *reader, const struct nsw_value *key,
                       struct nsw_value *value, bool *keep, struct nsw_error *err) {
  (void)err;
  ++*(int *)context;
  if (nsw_value_is(key, "drop")) *keep = false;
  if (nsw_value_is(key, "thin")) nsw_value_filter(reader, value, odd, NULL);
  return NSW_OK;
}

/* {'drop': [..], 'thin': {0: m, 1: m, 2: m, 3: m}, 'm': m}, where m is memo entry 3 and what is dropped holds entry 2.
 */
static const char for_filters[] =
    "}q\x00(X\x04\0\0\0dropq\x01](X\x06\0\0\0sharedq\x02X\x03\0\0\0memq\x03"
    "eX\x04\0\0\0thin}(K\0h\x03K\x01h\x03K\x02h\x03K\x03h\x03uX\x01\0\0\0mh\x03X\x01\0\0\0sh\x02u.";

static void pairs_can_be_dropped_while_reading(void **state) {
  (void)state;
  struct nsw_pickle_used *used = NULL;
  for (int passes = 1; passes <= 2; passes++) {
    int pairs = 0;
    struct nsw_pickle *pickle;
    struct nsw_error err;
    struct nsw_input *input;
    if (passes == 2) {
      assert_int_equal(nsw_input_memory(for_filters, sizeof for_filters - 1, "test", &input, &err), NSW_OK);
      assert_int_equal(nsw_pickle_scan(input, &used, &err), NSW_OK);
      nsw_input_close(&input);
    }
    struct nsw_pickle_options options = {.used = used, .pair = count_pairs, .context = &pairs};
    assert_int_equal(read_bytes(for_filters, sizeof for_filters - 1, &options, &pickle, &err), NSW_OK);
    const struct nsw_value *root = nsw_pickle_root(pickle), *thin = nsw_value_get(root, "thin");
    assert_int_equal(pairs, 8);
    assert_int_equal(nsw_value_count(root), 3);
    assert_null(nsw_value_get(root, "drop"));
    assert_int_equal(nsw_value_count(thin), 2);
    assert_int_equal(nsw_value_key(thin, 1)->u.integer, 3);
    assert_string_equal(nsw_value_text(nsw_value_at(thin, 1)), "mem");
    assert_string_equal(nsw_value_text(nsw_value_get(root, "s")), "shared");
    nsw_pickle_free(&pickle);
  }
  nsw_pickle_used_free(&used);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(builds_numbers_texts_and_containers),
      cmocka_unit_test(runs_nothing_and_names_what_it_refuses),
      cmocka_unit_test(damage_is_an_error_wherever_it_is),
      cmocka_unit_test(malformed_stacks_are_errors),
      cmocka_unit_test(bombs_are_bounded),
      cmocka_unit_test(decompression_is_bounded),
      cmocka_unit_test(pairs_can_be_dropped_while_reading),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
