#include "store/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/crc32c.h"

static const char mark[] = "\nnasweep crc32c ";

void nsw_seal_make(const void *bytes, size_t size, char *seal) {
  char text[NSW_SEAL_SIZE + 1];
  snprintf(text, sizeof text, "%s%08" PRIx32 "\n", mark, nsw_crc32c_best()(bytes, size));
  memcpy(seal, text, NSW_SEAL_SIZE);
}

/* Whether the bytes end without a seal or with the right one; a seal that was cut off is a file that was. */
static bool right(const char *bytes, size_t size) {
  char seal[NSW_SEAL_SIZE];
  if (size < NSW_SEAL_SIZE) return true;
  const char *end = bytes + size - NSW_SEAL_SIZE;
  if (memcmp(end, mark, sizeof mark - 1)) return !memmem(end, NSW_SEAL_SIZE, mark, sizeof mark - 1);
  nsw_seal_make(bytes, size - NSW_SEAL_SIZE, seal);
  return !memcmp(end, seal, NSW_SEAL_SIZE);
}

int nsw_seal_check(const char *path, struct nsw_error *err) {
  struct stat s;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return nsw_fail(err, "%s: %s", path, strerror(errno));
  size_t size = fstat(file, &s) ? 0 : (size_t)s.st_size;
  void *bytes = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0) : NULL;
  int why = errno;
  close(file);
  if (!size) return NSW_OK; /* HDF5 says what is wrong with it */
  if (bytes == MAP_FAILED) return nsw_fail(err, "%s: %s", path, strerror(why));
  bool good = right(bytes, size);
  munmap(bytes, size);
  return good ? NSW_OK : nsw_fail(err, "%s: damaged: its checksum is not that of its contents", path);
}
