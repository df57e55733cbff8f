/* TFRecord framing, its checksum, and NAS-Bench-101's records: values, and every kind of damage. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/crc32c.h"
#include "files/tfrecord.h"
#include "naive_crc32c.h"
#include "space/cell.h"
#include "truth/nb101_record.h"
#include "unit.h"

/* The metrics of a two-operation cell, by hand: evaluations at 0, 54 and 108, 8,555,530 parameters. */
static size_t make_metrics(uint8_t *to) {
  uint8_t *start = to;
  for (int e = 0; e < 3; e++) {
    double values[5] = {54.0 * e, 900.5 * e, 0.25 * e, 0.2 * e, 0.1 * e};
    *to++ = 0x0a;
    *to++ = 45;
    for (int i = 0; i < 5; i++) {
      *to++ = (uint8_t)((i + 1) << 3 | 1);
      memcpy(to, &values[i], 8);
      to += 8;
    }
  }
  memcpy(to, "\x10\x8a\x98\x8a\x04\x19", 6);
  double total = 2000;
  memcpy(to + 6, &total, 8);
  return (size_t)(to + 14 - start);
}

static size_t encode(const uint8_t *bytes, size_t size, char *text) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t n = 0;
  for (size_t i = 0; i < size; i += 3) {
    uint32_t b =
        (uint32_t)bytes[i] << 16 | (i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0) | (i + 2 < size ? bytes[i + 2] : 0);
    for (int k = 0; k < 4; k++) text[n++] = i + (size_t)k > size ? '=' : digits[b >> (18 - 6 * k) & 63];
  }
  text[n] = 0;
  return n;
}

static size_t make_json(char *json) {
  uint8_t metrics[256];
  char text[400];
  encode(metrics, make_metrics(metrics), text);
  return (size_t)sprintf(json,
                         "[\"0123456789abcdef0123456789abcdef\", 108, \"0110001100010000\", "
                         "\"input,conv3x3-bn-relu,maxpool3x3,output\", \"%s\"]",
                         text);
}

static void put_word(char *at, uint32_t word) {
  for (int i = 0; i < 4; i++) at[i] = (char)(word >> 8 * i);
}

static size_t frame(const char *data, size_t size, char *to) {
  put_word(to, (uint32_t)size);
  put_word(to + 4, (uint32_t)((uint64_t)size >> 32));
  put_word(to + 8, nsw_crc32c_masked(nsw_crc32c_naive(to, 8)));
  memmove(to + 12, data, size);
  put_word(to + 12 + size, nsw_crc32c_masked(nsw_crc32c_naive(data, size)));
  return size + 16;
}

/* Reads all records; the number of them, or -1 with the error. */
static int read_all(const char *bytes, size_t size, struct nsw_error *err) {
  struct nsw_input *input;
  struct nsw_tfrecord *file;
  bool end = false;
  char *data;
  size_t length;
  int n = 0, status = NSW_OK;
  assert_int_equal(nsw_input_memory(bytes, size, "test", &input, err), NSW_OK);
  assert_int_equal(nsw_tfrecord_open(input, &file, err), NSW_OK);
  while (!(status = nsw_tfrecord_next(file, &data, &length, &end, err)) && !end) n++;
  nsw_tfrecord_close(&file);
  nsw_input_close(&input);
  return status ? -1 : n;
}

static void crc_is_castagnolis(void **state) {
  (void)state;
  uint8_t bytes[300];
  assert_int_equal(nsw_crc32c_naive("123456789", 9), 0xe3069283u); /* the check value of every catalogue of CRCs */
  memset(bytes, 0, 32);
  assert_int_equal(nsw_crc32c_best()(bytes, 32), 0x8a9136aau); /* RFC 3720, B.4 */
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 37 + 11);
  for (size_t from = 0; from < 9; from++)
    for (size_t size = 0; from + size <= sizeof bytes; size++) {
      uint32_t crc = nsw_crc32c_naive(bytes + from, size);
      assert_int_equal(nsw_crc32c_table(bytes + from, size), crc);
      assert_int_equal(nsw_crc32c_best()(bytes + from, size), crc);
    }
}

static void records_are_parsed(void **state) {
  (void)state;
  char json[600];
  struct nsw_nb101_record record;
  size_t size = make_json(json);
  assert_null(nsw_nb101_record_parse(json, size, &record));
  assert_memory_equal(record.hash, "0123456789abcdef0123456789abcdef", 32);
  assert_int_equal(record.epochs, 108);
  assert_int_equal(record.cell.vertices, 4);
  assert_int_equal(record.cell.edges, 1 << nsw_edge(0, 1) | 1 << nsw_edge(0, 2) | 1 << nsw_edge(1, 2) |
                                          1 << nsw_edge(1, 3) | 1 << nsw_edge(2, 3));
  assert_int_equal(record.cell.vertex_op[1], NSW_OP_CONV3);
  assert_int_equal(record.cell.vertex_op[2], NSW_OP_MAXPOOL3);
  assert_int_equal(record.parameters, 8555530);
  assert_true(record.evaluation[2].epoch == 108 && record.evaluation[1].seconds == 900.5);
  assert_true(record.evaluation[2].train == 0.5 && record.evaluation[2].valid == 0.4 &&
              record.evaluation[2].test == 0.2);
  assert_true(record.seconds == 2000);
}

/* Replaces the first `from` in a fresh record by `to`, and gives what parsing says. */
static const char *changed(const char *from, const char *to) {
  static char json[1200];
  char fresh[600];
  struct nsw_nb101_record record;
  make_json(fresh);
  char *at = strstr(fresh, from);
  assert_non_null(at);
  int size = sprintf(json, "%.*s%s%s", (int)(at - fresh), fresh, to, at + strlen(from));
  const char *what = nsw_nb101_record_parse(json, (size_t)size, &record);
  return what ? what : "";
}

static void bad_records_are_told_apart(void **state) {
  (void)state;
  assert_string_equal(changed("108", "108"), "");
  assert_string_equal(changed("0110", "\\u00301\\u00310"), ""); /* escapes are read */
  assert_string_equal(changed("108", "NaN"), "its epochs are no whole number");
  assert_string_equal(changed("108", "Infinity"), "its epochs are no whole number");
  assert_string_equal(changed("108", "1e400"),
                      "it is no JSON array of hash, epochs, adjacency, operations and metrics");
  assert_string_equal(changed("0123", "012"), "its hash is not 32 hexadecimal digits");
  assert_string_equal(changed("0123",
                              "\xff\xfe"
                              "23"),
                      "its hash is not 32 hexadecimal digits");
  assert_string_equal(changed("\"0110", "\"1110"), "its adjacency is no upper triangular matrix of 0 and 1");
  assert_string_equal(changed("\"0110", "\"110"), "its adjacency is no upper triangular matrix of 0 and 1");
  assert_string_equal(changed("maxpool3x3", "maxpool5x5"), "its operations do not fit its adjacency");
  assert_string_equal(changed("conv3x3-bn-relu,", ""), "its operations do not fit its adjacency");
  assert_string_equal(changed("Ci0J", "Ci0"), "its metrics are not base64");
  assert_string_equal(changed("Ci0J", "C=0J"), "its metrics are not base64");
  assert_string_equal(changed("Ci0J", "Ci0K"), "an evaluation in its metrics is damaged");
  assert_string_equal(changed("Ci0J", "Cv8J"), "its metrics are no protocol-buffer message");
  assert_string_equal(changed("\"]", "\"] x"), "something follows its JSON array");
  assert_string_equal(changed("\"]", ""), "it is no JSON array of hash, epochs, adjacency, operations and metrics");
}

static void cut_records_are_never_read_beyond(void **state) {
  (void)state;
  char json[600];
  struct nsw_nb101_record record;
  uint8_t metrics[256];
  size_t size = make_json(json), bytes = make_metrics(metrics);
  for (size_t cut = 0; cut < size; cut++) {
    char *part = malloc(cut + 1);
    make_json(json);
    memcpy(part, json, cut);
    part = realloc(part, cut ? cut : 1);
    assert_non_null(nsw_nb101_record_parse(part, cut, &record));
    free(part);
  }
  for (size_t cut = 0; cut < bytes; cut++) {
    uint8_t *part = malloc(cut ? cut : 1);
    memcpy(part, metrics, cut);
    const char *what = nsw_nb101_record_metrics(part, cut, &record);
    assert_true(what || cut == 3 * 47 || cut == 3 * 47 + 5); /* where a field ends it is whole */
    free(part);
  }
}

static void damage_names_record_and_byte(void **state) {
  (void)state;
  char json[600], file[2000], damaged[2000];
  struct nsw_error err;
  size_t one = frame(json, make_json(json), file), size = one + frame(json, make_json(json), file + one);
  assert_int_equal(read_all(file, size, &err), 2);
  assert_int_equal(read_all(file, 0, &err), 0);
  for (size_t cut = 1; cut < size; cut++) {
    if (cut == one) continue;
    assert_int_equal(read_all(file, cut, &err), -1);
    assert_non_null(strstr(err.text, cut < one ? "test: record 0, at byte 0: the file ends in" : "the file ends in"));
  }
  char second[64];
  snprintf(second, sizeof second, "test: record 1, at byte %zu: checksum of its ", one);
  for (size_t bit = 0; bit < 8 * size; bit++) {
    memcpy(damaged, file, size);
    damaged[bit / 8] = (char)(damaged[bit / 8] ^ 1 << bit % 8);
    assert_int_equal(read_all(damaged, size, &err), -1);
    assert_non_null(strstr(err.text, bit / 8 < one ? "test: record 0, at byte 0: checksum of its " : second));
  }
}

static void huge_lengths_are_refused(void **state) {
  (void)state;
  char header[32] = {0};
  struct nsw_error err;
  for (int bit = 21; bit < 64; bit++) {
    memset(header, 0, 8);
    header[bit / 8] = (char)(1 << bit % 8);
    put_word(header + 8, nsw_crc32c_masked(nsw_crc32c_naive(header, 8)));
    assert_int_equal(read_all(header, sizeof header, &err), -1);
    assert_non_null(strstr(err.text, "longer than 1 MiB"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(crc_is_castagnolis),           cmocka_unit_test(records_are_parsed),
      cmocka_unit_test(bad_records_are_told_apart),   cmocka_unit_test(cut_records_are_never_read_beyond),
      cmocka_unit_test(damage_names_record_and_byte), cmocka_unit_test(huge_lengths_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
