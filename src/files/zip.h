/* Finds members of a zip archive, zip64 included (PKWARE APPNOTE 6.3): the one that torch.save stores, and the only one
 * of an archive that was made to pack a file. */
#ifndef NSW_FILES_ZIP_H
#define NSW_FILES_ZIP_H

#include <stdbool.h>

#include "files/input.h"

/* Where the bytes are of the first member whose name ends in `suffix`. NSW_FAILED names archive and reason: no zip
 * archive, damaged, compressed, no such member. */
int nsw_zip_find(const char *path, const char *suffix, uint64_t *offset, uint64_t *size, struct nsw_error *err);

/* Where a member's bytes are, and what they are. */
struct nsw_zip_member {
  uint64_t offset, packed, size; /* size: once unpacked */
  bool stored;                   /* not compressed; otherwise by deflate */
};

/* The only file in an archive; folders, and what macOS adds, do not count. NSW_FAILED where there are several (names
 * the first two) or none. */
int nsw_zip_only(const char *path, struct nsw_zip_member *member, struct nsw_error *err);

#endif
