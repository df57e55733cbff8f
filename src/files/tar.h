/* Members of a tar archive (POSIX ustar, GNU and pax long names), found in place: nothing is unpacked. */
#ifndef NSW_FILES_TAR_H
#define NSW_FILES_TAR_H

#include <stdbool.h>

#include "files/input.h"

enum { NSW_TAR_NAME = 512 };

struct nsw_tar;

/* One regular file in the archive. */
struct nsw_tar_member {
  char name[NSW_TAR_NAME]; /* path; longer ones are cut */
  uint64_t offset;         /* of its first byte in the archive */
  uint64_t size;           /* bytes */
};

int nsw_tar_open(const char *path, struct nsw_tar **tar, struct nsw_error *err);

/* The next regular file; *end true after the last. Errors name archive and byte: damaged header, cut short. */
int nsw_tar_next(struct nsw_tar *tar, struct nsw_tar_member *member, bool *end, struct nsw_error *err);

/* Frees and sets to NULL; may be called twice. */
void nsw_tar_close(struct nsw_tar **tar);

#endif
