/* libFuzzer target: tar and zip archives and bzip2 streams. The first byte chooses which. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files/tar.h"
#include "files/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file in memory with a name to open it by. */
static int make_file(const uint8_t *data, size_t size, char path[64]) {
  int file = memfd_create("fuzz", 0);
  if (file < 0 || write(file, data, size) != (ssize_t)size) abort();
  snprintf(path, 64, "/proc/self/fd/%d", file);
  return file;
}

static void read_tar(const char *path) {
  struct nsw_tar *tar;
  struct nsw_tar_member member;
  struct nsw_error err;
  bool end = false;
  volatile size_t sum = 0;
  if (nsw_tar_open(path, &tar, &err)) return;
  while (!nsw_tar_next(tar, &member, &end, &err) && !end)
    for (const char *c = member.name; *c; c++) sum += (uint8_t)*c;
  (void)sum;
  nsw_tar_close(&tar);
}

static void read_bzip2(const uint8_t *data, size_t size) {
  struct nsw_input *packed, *input;
  struct nsw_error err;
  char bytes[4096];
  size_t got = 1;
  if (nsw_input_memory(data, size, "fuzz", &packed, &err)) return;
  if (nsw_input_unpack(NSW_BZIP2, packed, 1 << 16, &input, &err)) return;
  while (got && !nsw_input_read(input, bytes, sizeof bytes, &got, &err)) continue;
  nsw_input_close(&input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[64];
  uint64_t offset, length;
  struct nsw_error err;
  if (!size) return 0;
  if (data[0] % 3 == 1) {
    read_bzip2(data + 1, size - 1);
    return 0;
  }
  int file = make_file(data + 1, size - 1, path);
  if (data[0] % 3 == 0)
    read_tar(path);
  else if (!nsw_zip_find(path, "/data.pkl", &offset, &length, &err) && (offset > size || length > size))
    abort();
  close(file);
  return 0;
}
