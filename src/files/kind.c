#include "files/kind.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD = 512 };

static bool starts(const char *head, size_t size, const char *with, size_t length) {
  return size >= length && !memcmp(head, with, length);
}

/* A page, whatever stands before its first tag. */
static bool is_html(const char *head, size_t size) {
  size_t at = starts(head, size, "\xef\xbb\xbf", 3) ? 3 : 0;
  while (at < size && isspace((unsigned char)head[at])) at++;
  return size - at >= 5 && (!strncasecmp(head + at, "<!doc", 5) || !strncasecmp(head + at, "<html", 5) ||
                            !strncasecmp(head + at, "<head", 5));
}

static enum nsw_file_kind kind_of_bytes(const char *head, size_t size) {
  if (!size) return NSW_KIND_EMPTY;
  if (starts(head, size, "\x1f\x8b", 2)) return NSW_KIND_GZIP;
  if (starts(head, size, "BZh", 3)) return NSW_KIND_BZIP2;
  if (starts(head, size,
             "\xfd"
             "7zXZ",
             6))
    return NSW_KIND_XZ;
  if (starts(head, size, "PK\3\4", 4) || starts(head, size, "PK\5\6", 4)) return NSW_KIND_ZIP;
  if (starts(head, size, "\x89HDF\r\n\x1a\n", 8)) return NSW_KIND_HDF5;
  if (size >= 262 && !memcmp(head + 257, "ustar", 5)) return NSW_KIND_TAR;
  if (size >= 2 && head[0] == '\x80' && head[1] >= 1 && head[1] <= 5) return NSW_KIND_PICKLE;
  if (starts(head, size, "version https://git-lfs", 23)) return NSW_KIND_LFS;
  return is_html(head, size) ? NSW_KIND_HTML : NSW_KIND_OTHER;
}

int nsw_kind_of(const char *path, enum nsw_file_kind *kind, struct nsw_error *err) {
  char head[HEAD];
  struct stat about;
  *kind = NSW_KIND_OTHER;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || fstat(file, &about)) {
    int why = errno;
    if (file >= 0) close(file);
    if (why == EACCES) return nsw_fail(err, "%s: may not be read by this user (%s)", path, strerror(why));
    return nsw_fail(err, "%s: %s", path, strerror(why));
  }
  ssize_t got = S_ISDIR(about.st_mode) ? 0 : pread(file, head, sizeof head, 0);
  int why = errno;
  close(file);
  if (got < 0) return nsw_fail(err, "%s: %s", path, strerror(why));
  *kind = S_ISDIR(about.st_mode) ? NSW_KIND_FOLDER : kind_of_bytes(head, (size_t)got);
  return NSW_OK;
}

const char *nsw_kind_useless(enum nsw_file_kind kind) {
  if (kind == NSW_KIND_EMPTY) return "is empty";
  if (kind == NSW_KIND_LFS)
    return "is a Git LFS pointer, not the file itself: fetch that with `git lfs pull` in its repository";
  if (kind == NSW_KIND_HTML)
    return "is a web page (HTML), not the file itself: download it by the link to the raw file";
  return NULL;
}

const char *nsw_kind_name(enum nsw_file_kind kind) {
  static const char *const names[] = {
      [NSW_KIND_OTHER] = "a text or unknown file",
      [NSW_KIND_EMPTY] = "an empty file",
      [NSW_KIND_FOLDER] = "a folder",
      [NSW_KIND_GZIP] = "a gzip file",
      [NSW_KIND_BZIP2] = "a bzip2 file",
      [NSW_KIND_XZ] = "an xz file",
      [NSW_KIND_ZIP] = "a zip archive",
      [NSW_KIND_TAR] = "a tar archive",
      [NSW_KIND_HDF5] = "an HDF5 file",
      [NSW_KIND_PICKLE] = "a Python pickle",
      [NSW_KIND_LFS] = "a Git LFS pointer",
      [NSW_KIND_HTML] = "a web page (HTML)",
  };
  return names[kind];
}
