/* How fast published files are read, run by bench_files.py, which makes the files and times Python and bzip2 on the
 * same: bench_files FORMAT PATH   CPU seconds to read PATH into columns, median of three, without the table and its
 * file bench_files crc           CRC-32C of 64 MB, each way */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "files/crc32c.h"
#include "naive_crc32c.h"
#include "truth/truth.h"

static int compare(const void *a, const void *b) { return *(const double *)a < *(const double *)b ? -1 : 1; }

static int read_once(const struct nsw_truth_format *format, const char *path, const struct nsw_space *space,
                     double *seconds, struct nsw_error *err) {
  struct nsw_table *table = NULL;
  struct nsw_lookup *lookup = NULL;
  struct nsw_truth_report report = {0};
  struct nsw_truth_request request = {.paths = &path, .path_count = 1, .opened = space};
  int status = nsw_truth_base(space, &table, err);
  if (!status) status = nsw_lookup_create(table, &lookup, err);
  double start = nsw_process_seconds();
  if (!status) status = format->read(&request, table, lookup, &report, err);
  *seconds = nsw_process_seconds() - start;
  nsw_lookup_free(&lookup);
  nsw_table_free(&table);
  return status;
}

static int bench_format(const char *name, const char *path) {
  const struct nsw_truth_format *format = nsw_truth_find(name);
  struct nsw_space *space = NULL;
  struct nsw_error err = {""};
  double seconds[3];
  struct rusage usage;
  if (!format || !format->space) return 2;
  int status = nsw_space_open(format->space, &space, &err);
  if (!status) status = nsw_space_make_keys(space, &err);
  for (int i = 0; !status && i < 3; i++) status = read_once(format, path, space, &seconds[i], &err);
  nsw_space_close(&space);
  if (status) {
    fprintf(stderr, "bench_files: %s\n", err.text);
    return status;
  }
  qsort(seconds, 3, sizeof *seconds, compare);
  getrusage(RUSAGE_SELF, &usage);
  printf("%.6f %ld\n", seconds[1], usage.ru_maxrss);
  return 0;
}

static int bench_crc(void) {
  enum { BYTES = 64 << 20 };
  nsw_crc32c_function *const ways[3] = {nsw_crc32c_naive, nsw_crc32c_table, nsw_crc32c_best()};
  static const char *const names[3] = {"bit by bit", "table", "this CPU's best"};
  uint8_t *bytes = malloc(BYTES);
  if (!bytes) return 1;
  for (size_t i = 0; i < BYTES; i++) bytes[i] = (uint8_t)(i * 2654435761u >> 24);
  for (int i = 0; i < 3; i++) {
    double start = nsw_process_seconds();
    uint32_t crc = ways[i](bytes, BYTES);
    printf("crc32c, %-15s %8.0f MB/s (%08x)\n", names[i], BYTES / 1e6 / (nsw_process_seconds() - start), crc);
  }
  free(bytes);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 2 && !strcmp(argv[1], "crc")) return bench_crc();
  if (argc == 3) return bench_format(argv[1], argv[2]);
  printf("bench_files is run by bench_files.py\n");
  return 0;
}
