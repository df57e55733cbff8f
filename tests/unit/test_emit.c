/* Rows as CSV and JSON: quoting, numbers that are none, numbers that come back the same. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cli/emit.h"
#include "unit.h"

static const char *const names[] = {"text", "count", "real"};

/* What two rows become; malloc'd. */
static char *rows(const char *format, bool header, const char *text, double real) {
  struct nsw_emit *emit;
  struct nsw_error err = {{0}};
  char *out = NULL;
  size_t size;
  FILE *f = open_memstream(&out, &size);
  assert_int_equal(nsw_emit_begin(f, format, names, 3, header, &emit, &err), NSW_OK);
  for (int i = 0; i < 2; i++) {
    nsw_emit_text(emit, text);
    nsw_emit_integer(emit, i ? UINT64_MAX >> 1 : 0);
    nsw_emit_real(emit, real);
  }
  assert_int_equal(nsw_emit_end(&emit, &err), NSW_OK);
  assert_null(emit);
  fclose(f);
  return out;
}

static void gives(const char *format, bool header, const char *text, double real, const char *wanted) {
  char *out = rows(format, header, text, real);
  assert_string_equal(out, wanted);
  free(out);
}

static void csv(void **state) {
  (void)state;
  gives("csv", true, "a|b~0", 0.1, "text,count,real\na|b~0,0,0.1\na|b~0,9223372036854775807,0.1\n");
  gives("csv", false, "a,\"b\"", NAN, "\"a,\"\"b\"\"\",0,nan\n\"a,\"\"b\"\"\",9223372036854775807,nan\n");
  gives("csv", false, "two\nlines", -INFINITY, "\"two\nlines\",0,-inf\n\"two\nlines\",9223372036854775807,-inf\n");
}

static void json(void **state) {
  (void)state;
  gives("json", true, "a\"b", 0.5,
        "[\n{\"text\":\"a\\\"b\",\"count\":0,\"real\":0.5},\n"
        "{\"text\":\"a\\\"b\",\"count\":9223372036854775807,\"real\":0.5}\n]\n");
  gives("json", true, "", NAN,
        "[\n{\"text\":\"\",\"count\":0,\"real\":null},\n{\"text\":\"\",\"count\":9223372036854775807,\"real\":null}\n]"
        "\n");
  gives("json", true, "", INFINITY,
        "[\n{\"text\":\"\",\"count\":0,\"real\":\"inf\"},\n"
        "{\"text\":\"\",\"count\":9223372036854775807,\"real\":\"inf\"}\n]\n");
}

static void numbers_come_back(void **state) {
  (void)state;
  struct nsw_stream stream = {.seed = 5, .purpose = NSW_FOR_NOISE};
  for (uint64_t i = 0; i < 3000; i++) {
    uint64_t bits = nsw_random_bits(stream, i);
    double x;
    memcpy(&x, &bits, sizeof x);
    if (!isfinite(x)) continue;
    char *csv_rows = rows("csv", false, "x", x), *json_rows = rows("json", false, "x", x);
    json_t *parsed = json_loads(json_rows, 0, NULL);
    assert_true(strtod(csv_rows + 4, NULL) == x);
    assert_true(json_real_value(json_object_get(json_array_get(parsed, 1), "real")) == x);
    json_decref(parsed);
    free(csv_rows);
    free(json_rows);
  }
}

static void no_rows(void **state) {
  (void)state;
  static const char *const formats[] = {"csv", "json"}, *const wanted[] = {"text,count,real\n", "[]\n"};
  for (int i = 0; i < 2; i++) {
    struct nsw_emit *emit;
    struct nsw_error err = {{0}};
    char *out = NULL;
    size_t size;
    FILE *f = open_memstream(&out, &size);
    assert_int_equal(nsw_emit_begin(f, formats[i], names, 3, true, &emit, &err), NSW_OK);
    assert_int_equal(nsw_emit_end(&emit, &err), NSW_OK);
    fclose(f);
    assert_string_equal(out, wanted[i]);
    free(out);
  }
}

static void wrong_ends(void **state) {
  (void)state;
  struct nsw_emit *emit;
  struct nsw_error err = {{0}};
  assert_int_equal(nsw_emit_begin(stdout, "xml", names, 3, true, &emit, &err), NSW_USAGE);
  assert_null(emit);
  FILE *full = fopen("/dev/full", "w");
  if (!full) skip();
  assert_int_equal(nsw_emit_begin(full, "csv", names, 3, true, &emit, &err), NSW_OK);
  assert_int_equal(nsw_emit_end(&emit, &err), NSW_FAILED);
  assert_non_null(strstr(err.text, "No space left on device"));
  fclose(full);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(csv), cmocka_unit_test(json), cmocka_unit_test(numbers_come_back),
                                     cmocka_unit_test(no_rows), cmocka_unit_test(wrong_ends)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
