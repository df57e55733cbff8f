/* libFuzzer target: tables of accuracies and scores, as text, JSON, packed, and those that come with the program, into
 * a small table. The first byte chooses the format and what the user named. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "truth/csv.h"
#include "truth/scores.h"
#include "truth/shipped.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct nsw_table *make_table(void) {
  struct nsw_table *table = NULL;
  if (nsw_table_create("nb201", 16, 4, &table, NULL) != NSW_OK) return NULL;
  for (uint32_t i = 0; i < 16; i++) {
    table->index[i] = i;
    table->id[i * 4] = (char)('a' + i);
  }
  return table;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size) return 0;
  int fd = memfd_create("csv", 0);
  if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1)) return 0;
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  const char *paths[] = {path}, *columns[] = {"x=cifar10/test", "y"}, *space;
  struct nsw_truth_request request = {.paths = paths, .path_count = 1, .space = data[0] & 1 ? "nb101" : "nb201"};
  if (data[0] & 2) request.key = "k";
  if (data[0] & 4) request.columns = columns, request.column_count = 2;
  if (data[0] & 8) request.unit = "fraction";
  if (data[0] & 16) request.dataset = "cifar10";
  const struct nsw_truth_format *format = data[0] & 64   ? &nsw_truth_packed
                                          : data[0] & 32 ? &nsw_truth_scores
                                                         : &nsw_truth_csv;
  struct nsw_truth_report report;
  struct nsw_error err = {{0}};
  format->guess(&request, &space, &err);
  struct nsw_table *table = make_table();
  if (table) nsw_truth_read(format, &request, table, 0.5, &report, &err);
  nsw_table_free(&table);
  close(fd);
  return 0;
}
