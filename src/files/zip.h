/* Finds one stored (not compressed) member of a zip archive, zip64 included (PKWARE APPNOTE 6.3): what torch.save
 * makes. */
#ifndef NSW_FILES_ZIP_H
#define NSW_FILES_ZIP_H

#include "files/input.h"

/* Where the bytes are of the first member whose name ends in `suffix`. NSW_FAILED names archive and reason: no zip
 * archive, damaged, compressed, no such member. */
int nsw_zip_find(const char *path, const char *suffix, uint64_t *offset, uint64_t *size, struct nsw_error *err);

#endif
