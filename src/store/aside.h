/* Files that are always whole: written aside in the same folder, flushed to disk, then renamed over the old one. */
#ifndef NSW_STORE_ASIDE_H
#define NSW_STORE_ASIDE_H

#include <stddef.h>

#include "nasweep/error.h"

/* Makes path hold these bytes. A reader sees the old file or the new one, never a part; after any error, a full disk
 * too, the old one is as it was. Keeps the old file's permissions; follows a symbolic link. */
int nsw_aside_write(const char *path, const void *bytes, size_t size, struct nsw_error *err);

/* Whether nsw_aside_write could work: the folder is there and takes files, path is a plain file or nothing. */
int nsw_aside_check(const char *path, struct nsw_error *err);

#endif
