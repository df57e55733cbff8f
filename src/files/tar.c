#include "files/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 512, LONGEST_EXTRA = 1 << 16 };

/* A header block (POSIX.1-1988 ustar). */
struct header {
  char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6], version[2],
      user[32], group[32], major[8], minor[8], prefix[155], unused[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a tar header is one block");

struct nsw_tar {
  char *path;
  int file;
  uint64_t at;                  /* of the next header */
  uint64_t size;                /* of the archive */
  char long_name[NSW_TAR_NAME]; /* from a member before that only names the next; empty where there was none */
};

int nsw_tar_open(const char *path, struct nsw_tar **tar, struct nsw_error *err) {
  struct stat state;
  *tar = calloc(1, sizeof **tar);
  if (*tar) (*tar)->path = strdup(path);
  if (!*tar || !(*tar)->path) {
    free(*tar);
    *tar = NULL;
    return nsw_fail(err, "%s: not enough memory", path);
  }
  (*tar)->file = open(path, O_RDONLY | O_CLOEXEC);
  if ((*tar)->file >= 0 && !fstat((*tar)->file, &state)) {
    (*tar)->size = (uint64_t)state.st_size;
    return NSW_OK;
  }
  int status = nsw_fail(err, "%s: %s", path, strerror(errno));
  nsw_tar_close(tar);
  return status;
}

static int bad(const struct nsw_tar *tar, const char *what, struct nsw_error *err) {
  return nsw_fail(err, "%s: tar header at byte %llu: %s", tar->path, (unsigned long long)tar->at, what);
}

static int read_at(const struct nsw_tar *tar, void *bytes, size_t count, uint64_t offset, struct nsw_error *err) {
  size_t have = 0;
  while (have < count) {
    ssize_t n = pread(tar->file, (char *)bytes + have, count - have, (off_t)(offset + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return nsw_fail(err, "%s: byte %llu: %s", tar->path, (unsigned long long)offset, strerror(errno));
    if (!n) return bad(tar, "the archive ends in it", err);
    have += (size_t)n;
  }
  return NSW_OK;
}

/* An octal number, or GNU's big-endian one where the top bit is set; UINT64_MAX for neither. */
static uint64_t number(const char *field, size_t width) {
  uint64_t value = 0;
  size_t i = 0;
  if ((uint8_t)field[0] == 0x80) {
    for (i = 1; i < width; i++) {
      if (value >> 56) return UINT64_MAX;
      value = value << 8 | (uint8_t)field[i];
    }
    return value;
  }
  while (i < width && field[i] == ' ') i++;
  size_t first = i;
  for (; i < width && field[i] >= '0' && field[i] <= '7'; i++) value = value << 3 | (uint64_t)(field[i] - '0');
  return i == first || (i < width && field[i] && field[i] != ' ') ? UINT64_MAX : value;
}

static bool checksum_fits(const struct header *header) {
  const uint8_t *bytes = (const uint8_t *)header;
  size_t from = offsetof(struct header, checksum), to = from + sizeof header->checksum;
  uint64_t sum = 0;
  for (size_t i = 0; i < BLOCK; i++) sum += i >= from && i < to ? ' ' : bytes[i];
  return number(header->checksum, sizeof header->checksum) == sum;
}

static bool is_zero(const struct header *header) {
  const char *bytes = (const char *)header;
  for (size_t i = 0; i < BLOCK; i++)
    if (bytes[i]) return false;
  return true;
}

/* The name of a member from its header: prefix/name. */
static void join_name(const struct header *header, char name[NSW_TAR_NAME]) {
  size_t prefix = !memcmp(header->magic, "ustar\0", 6) ? strnlen(header->prefix, sizeof header->prefix) : 0;
  memcpy(name, header->prefix, prefix);
  if (prefix) name[prefix++] = '/';
  size_t length = strnlen(header->name, sizeof header->name);
  memcpy(name + prefix, header->name, length);
  name[prefix + length] = 0;
}

/* A member that gives the name of the next: GNU's 'L', or a pax record "LENGTH path=NAME\n". */
static int take_long_name(struct nsw_tar *tar, char type, uint64_t offset, uint64_t size, struct nsw_error *err) {
  char *text = NULL;
  if (size > LONGEST_EXTRA) return bad(tar, "a name of more than 64 KiB", err);
  text = malloc((size_t)size + 1);
  if (!text) return bad(tar, "not enough memory", err);
  int status = read_at(tar, text, (size_t)size, offset, err);
  text[size] = 0;
  const char *from = type == 'L' ? text : NULL;
  for (size_t at = 0; !status && type == 'x' && at < size;) {
    char *end;
    unsigned long length = strtoul(text + at, &end, 10);
    if (*end != ' ' || !length || length > size - at)
      status = bad(tar, "a damaged pax record", err);
    else if (!strncmp(end, " path=", 6))
      from = end + 6, text[at + length - 1] = 0;
    at += length;
  }
  if (!status && from) {
    size_t length = strnlen(from, NSW_TAR_NAME - 1);
    memcpy(tar->long_name, from, length);
    tar->long_name[length] = 0;
  }
  free(text);
  return status;
}

int nsw_tar_next(struct nsw_tar *tar, struct nsw_tar_member *member, bool *end, struct nsw_error *err) {
  struct header header;
  *end = false;
  for (;;) {
    if (tar->at == tar->size) return bad(tar, "the archive ends without the two empty blocks that close it", err);
    int status = read_at(tar, &header, BLOCK, tar->at, err);
    if (status) return status;
    if ((*end = is_zero(&header))) return NSW_OK;
    if (!checksum_fits(&header)) return bad(tar, "its checksum is wrong", err);
    uint64_t size = number(header.size, sizeof header.size), offset = tar->at + BLOCK;
    if (size == UINT64_MAX || size > tar->size - offset) return bad(tar, "a member larger than the archive", err);
    if (header.type == 'L' || header.type == 'x') status = take_long_name(tar, header.type, offset, size, err);
    if (status) return status;
    uint64_t padded = (size + BLOCK - 1) / BLOCK * BLOCK;
    tar->at = padded > tar->size - offset ? tar->size : offset + padded;
    if (header.type == 'L' || header.type == 'x') continue;
    if (header.type == '0' || header.type == 0) {
      if (*tar->long_name)
        memcpy(member->name, tar->long_name, NSW_TAR_NAME);
      else
        join_name(&header, member->name);
      member->offset = offset;
      member->size = size;
    }
    *tar->long_name = 0;
    if (header.type == '0' || header.type == 0) return NSW_OK;
  }
}

void nsw_tar_close(struct nsw_tar **tar) {
  if (!*tar) return;
  if ((*tar)->file >= 0) close((*tar)->file);
  free((*tar)->path);
  free(*tar);
  *tar = NULL;
}
