/* Comma-separated files: records, keys, columns, and what is wrong with bad ones. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "truth/csv.h"
#include "truth/records.h"
#include "unit.h"

static char path[] = "/tmp/nasweep_csv_XXXXXX";

static void write_file(const char *text, size_t size) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(text, 1, size, f), size);
  fclose(f);
}

/* Five rows with ids "a0".."a4" and indexes 0, 10, .. 40. */
static struct nsw_table *make_table(void) {
  struct nsw_table *table;
  assert_int_equal(nsw_table_create("nb201", 5, 4, &table, NULL), NSW_OK);
  for (uint32_t i = 0; i < 5; i++) {
    table->index[i] = 10 * i;
    table->id[i * 4] = 'a';
    table->id[i * 4 + 1] = (char)('0' + i);
  }
  return table;
}

static struct nsw_truth_request request;
static struct nsw_truth_report report;
static struct nsw_error err;

static int read_text(const char *text, struct nsw_table **table) {
  static const char *paths[1];
  paths[0] = path;
  write_file(text, strlen(text));
  request.paths = paths;
  request.path_count = 1;
  request.space = "nb201";
  *table = make_table();
  return nsw_truth_read(&nsw_truth_csv, &request, *table, 0.5, &report, &err);
}

static void test_by_id(void **state) {
  (void)state;
  struct nsw_table *table;
  const char *text =
      "\xef\xbb\xbf"
      "arch,note,\"cifar10_test\"\r\na3,\"x, \"\"y\"\"\",93.5\r\n\r\n a0 ,,  1e1 \nzz,,5\na4,,nan\n";
  assert_int_equal(read_text(text, &table), NSW_OK);
  struct nsw_accuracy *accuracy = nsw_table_accuracy(table, "cifar10", "test");
  assert_non_null(accuracy);
  assert_true(accuracy->value[3] == 93.5 && accuracy->value[0] == 10 && isnan(accuracy->value[4]));
  assert_int_equal(report.records, 4);
  assert_int_equal(report.matched, 3);
  assert_int_equal(report.unmatched, 1);
  assert_int_equal(report.unknown, 1);
  assert_string_equal(report.example, "zz");
  nsw_table_free(&table);
}

static void test_by_index_and_fractions(void **state) {
  (void)state;
  struct nsw_table *table;
  assert_int_equal(read_text("index,cifar100_valid_acc,cifar10_test\n40,0.5,90\n10,0.25,91\n", &table), NSW_OK);
  struct nsw_accuracy *accuracy = nsw_table_accuracy(table, "cifar100", "valid");
  assert_true(accuracy->value[4] == 50 && accuracy->value[1] == 25 && isnan(accuracy->value[0]));
  assert_true(nsw_table_accuracy(table, "cifar10", "test")->value[4] == 90);
  assert_non_null(strstr(report.said, "cifar100/valid are fractions"));
  nsw_table_free(&table);
}

static void test_named_columns(void **state) {
  (void)state;
  struct nsw_table *table;
  const char *columns[] = {"mystery=mnist/test"};
  request.key = "name";
  request.columns = columns;
  request.column_count = 1;
  assert_int_equal(read_text("mystery,name\n12.25,a2\n", &table), NSW_OK);
  assert_true(nsw_table_accuracy(table, "mnist", "test")->value[2] == 12.25);
  request = (struct nsw_truth_request){0};
  nsw_table_free(&table);
}

static void test_dataset_of_the_record(void **state) {
  (void)state;
  struct nsw_table *table;
  assert_int_equal(read_text("dataset,arch,valid_accuracy\ncifar10,a0,1\nImageNet16-120,a0,2\ncifar10,a1,3\n", &table),
                   NSW_OK);
  assert_true(nsw_table_accuracy(table, "cifar10", "valid")->value[1] == 3);
  assert_true(nsw_table_accuracy(table, "ImageNet16-120", "valid")->value[0] == 2);
  nsw_table_free(&table);
}

static void test_bad_files(void **state) {
  (void)state;
  const struct {
    const char *text, *says;
  } bad[] = {
      {"", "empty"},
      {"arch,cifar10_test\n", "a header and no records"},
      {"arch,cifar10_test\na0,5\na1", "line 3: 1 fields where the header has 2"},
      {"arch,cifar10_test\na0,\"5\n", "line 2: the file ends inside a quoted field"},
      {"arch,cifar10_test\na0\n", "line 2: 1 fields where the header has 2"},
      {"arch,cifar10_test\na0,high\n", "line 2: column cifar10_test: high is not a number"},
      {"arch,cifar10_test\na0,inf\n", "line 2: column cifar10_test: inf is no accuracy"},
      {"arch,cifar10_test\na0,101\n", "line 2: column cifar10_test: 101 is no accuracy"},
      {"arch,cifar10_test\na0,5\na0,6\n", "line 3: the architecture is there twice"},
      {"arch,cifar10_test\nb0,5\n", "none of 1 records is an architecture of nb201"},
      {"arch,cifar10_test\na0,5\nb0,5\nb1,5\n", "2 of 3 records (66.7%) match no architecture"},
      {"arch,size\na0,5\n", "no column looks like an accuracy"},
      {"what,cifar10_test\na0,5\n", "no column looks like the key"},
      {"arch,test_acc\na0,5\n", "column test_acc: which data set?"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct nsw_table *table;
    err.text[0] = 0;
    assert_int_not_equal(read_text(bad[i].text, &table), NSW_OK);
    if (!strstr(err.text, bad[i].says)) fail_msg("'%s' does not say '%s'", err.text, bad[i].says);
    nsw_table_free(&table);
  }
}

static void test_gzip(void **state) {
  (void)state;
  static char text[400000];
  static unsigned char packed[400000];
  size_t size = (size_t)sprintf(text, "arch,cifar10_test\n");
  for (int i = 0; i < 20000; i++) size += (size_t)sprintf(text + size, "b%x,%d.%d\n", i * 7919, i % 100, i % 7);
  size += (size_t)sprintf(text + size, "a1,77\n");
  uLongf length = sizeof packed;
  z_stream z = {
      .next_in = (unsigned char *)text, .avail_in = (uInt)size, .next_out = packed, .avail_out = sizeof packed};
  assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  length = z.total_out;
  deflateEnd(&z);
  struct nsw_records *records;
  char **fields;
  for (int cut = 0; cut < 3; cut++) {
    size_t count, lines = 0;
    write_file((char *)packed, cut == 0 ? length : cut == 1 ? length / 2 : length - 4);
    int status = nsw_records_open(path, &records, &err);
    while (status == NSW_OK && (status = nsw_records_next(records, &fields, &count, &err)) == NSW_OK && count) lines++;
    if (cut == 0) {
      assert_int_equal(status, NSW_OK);
      assert_int_equal(lines, 20002);
    } else {
      assert_int_equal(status, NSW_FAILED);
      assert_non_null(strstr(err.text, "gzip data ends too early: the file is cut short"));
    }
    nsw_records_close(&records);
  }
  packed[length / 2] ^= 0x55;
  write_file((char *)packed, length);
  size_t count;
  int status = nsw_records_open(path, &records, &err);
  while (status == NSW_OK && (status = nsw_records_next(records, &fields, &count, &err)) == NSW_OK && count) continue;
  assert_int_equal(status, NSW_FAILED);
  nsw_records_close(&records);
}

static int make_path(void **state) {
  (void)state;
  int fd = mkstemp(path);
  return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state) {
  (void)state;
  return unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_by_id),         cmocka_unit_test(test_by_index_and_fractions),
      cmocka_unit_test(test_named_columns), cmocka_unit_test(test_dataset_of_the_record),
      cmocka_unit_test(test_bad_files),     cmocka_unit_test(test_gzip)};
  return cmocka_run_group_tests(tests, make_path, remove_path);
}
