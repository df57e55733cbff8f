/* Result files, format 1: HDF5 as the README lists it. Written aside, flushed and renamed, so that a file under its
 * final name is always whole. One file holds at most one table per space. */
#ifndef NSW_STORE_FILE_H
#define NSW_STORE_FILE_H

#include <stdbool.h>

#include "store/table.h"

/* Attributes written as 64-bit integers where their text is one: ranks, repeats, epochs, seed and direction. All others
 * are text of variable length (UTF-8). Read back, both are text again.
 *
 * Columns a reader may miss: class (then the index), params and macs (then 0), status (then scored where the value is a
 * number, else failed) and seconds (then 0), so that files made by hand can be correlated. index and id must be there,
 * and everything of one length and plain: links, external and virtual storage, foreign filters and variable-length
 * columns are refused. */

/* Writes the tables (one per space) over path, atomically. The root attributes are those of the first table.
 * compress: chunk, shuffle and deflate (the final write); contiguous otherwise (checkpoints). */
int nsw_file_write(const char *path, struct nsw_table *const *tables, size_t count, bool compress,
                   struct nsw_error *err);

/* Whether path can be written, to be asked before hours of work: its folder exists and takes new files, and what is
 * there under that name is a plain file or nothing. */
int nsw_file_writable(const char *path, struct nsw_error *err);

/* Reads one space's table; space NULL: the only one there is, or NSW_USAGE naming those there are. NSW_FAILED with the
 * reason for anything that is no such file, is damaged, or of a later format version. */
int nsw_file_read(const char *path, const char *space, struct nsw_table **table, struct nsw_error *err);

/* Version of the HDF5 library that is loaded, as "1.10.8". */
enum { NSW_HDF5_VERSION_SIZE = 48 };
void nsw_file_hdf5_version(char text[NSW_HDF5_VERSION_SIZE]);

/* Whether path exists and is a result file of this format; *spaces (malloc'd, comma-separated) may be NULL. */
int nsw_file_probe(const char *path, char **spaces, struct nsw_error *err);

#endif
