/* libFuzzer target: whole importers, into tables of a few architectures. The first byte chooses the format; the rest is
 * the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "truth/truth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_row(struct nsw_table *table, size_t row, const char *id) {
  table->index[row] = (uint32_t)row;
  memcpy(table->id + row * table->id_size, id, strlen(id));
}

/* The first architectures of nb201, or made-up ones of nb101. */
static struct nsw_table *make_table(bool nb201) {
  struct nsw_table *table;
  struct nsw_error err;
  if (nsw_table_create(nb201 ? "nb201" : "nb101", 2, nb201 ? 100 : 32, &table, &err)) abort();
  if (nb201) {
    add_row(table, 0,
            "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|");
    add_row(table, 1, "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|");
  } else {
    add_row(table, 0, "0123456789abcdef0123456789abcdef");
    add_row(table, 1, "00000000000000000000000000000000");
  }
  return table;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const names[4] = {"nb101-tfrecord", "nats", "nb201-pth", "suite-zero"};
  struct nsw_lookup *lookup = NULL;
  struct nsw_truth_report report = {0};
  struct nsw_error err;
  char path[64];
  if (!size) return 0;
  const struct nsw_truth_format *format = nsw_truth_find(names[data[0] % 4]);
  struct nsw_table *table = make_table(data[0] % 4 != 0);
  int file = memfd_create("fuzz", 0);
  if (file < 0 || write(file, data + 1, size - 1) != (ssize_t)(size - 1)) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  const char *paths[1] = {path};
  struct nsw_truth_request request = {.paths = paths, .path_count = 1, .space = table->space};
  if (nsw_lookup_create(table, &lookup, &err)) abort();
  err.text[0] = 0;
  int status = format->read(&request, table, lookup, &report, &err);
  if (status && !err.text[0]) abort(); /* every failure says why */
  if (report.matched > report.records) abort();
  nsw_lookup_free(&lookup);
  nsw_table_free(&table);
  close(file);
  return 0;
}
