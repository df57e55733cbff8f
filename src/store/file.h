/* Result files, format 1: HDF5 as the README lists it. Written aside, flushed and renamed, so that a file under its
 * final name is always whole. One file holds at most one table per space. */
#ifndef NSW_STORE_FILE_H
#define NSW_STORE_FILE_H

#include <stdbool.h>

#include "store/table.h"

/* Writes the tables (one per space) over path, atomically. The root attributes are those of the first table.
 * compress: chunk, shuffle and deflate (the final write); contiguous otherwise (checkpoints). */
int nsw_file_write(const char *path, struct nsw_table *const *tables, size_t count, bool compress,
                   struct nsw_error *err);

/* Reads one space's table; space NULL: the only one there is, or NSW_USAGE naming those there are. NSW_FAILED with the
 * reason for anything that is no such file, is damaged, or of a later format version. */
int nsw_file_read(const char *path, const char *space, struct nsw_table **table, struct nsw_error *err);

/* Whether path exists and is a result file of this format; *spaces (malloc'd, comma-separated) may be NULL. */
int nsw_file_probe(const char *path, char **spaces, struct nsw_error *err);

#endif
