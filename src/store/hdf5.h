/* The little of HDF5 that result files need, with its errors as ours.
 *
 * Files are made in memory and written by store/aside: HDF5 never touches the disk, so a full disk, a kill or a file
 * system without locks cannot leave half a file. Reading trusts nothing in the file. */
#ifndef NSW_STORE_HDF5_H
#define NSW_STORE_HDF5_H

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include "nasweep/error.h"

/* HDF5 prints its errors by itself; this keeps it quiet between begin and end. Fields are for _end only. */
struct nsw_h5_quiet {
  H5E_auto2_t print;
  void *data;
};
void nsw_h5_quiet_begin(struct nsw_h5_quiet *quiet);
void nsw_h5_quiet_end(struct nsw_h5_quiet *quiet);

/* "WHERE: what: HDF5's innermost reason" into err; returns NSW_FAILED. */
int nsw_h5_fail(struct nsw_error *err, const char *where, const char *what);

/* ---- writing ---- */

/* The bytes of a file in memory; free(bytes) when the file has been closed. */
struct nsw_h5_image {
  void *bytes; /* NULL until something was made */
  size_t size;
};

/* A new file in memory, which grows by `step` bytes at a time; negative on failure. */
hid_t nsw_h5_create(struct nsw_h5_image *image, size_t step);

/* Closes that file, in any case; image then holds it whole. Negative on failure. */
int nsw_h5_finish(hid_t file, struct nsw_h5_image *image);

/* The same, and writes it to `path` in one step (store/aside.h), where `status`, of what was put into it, is NSW_OK.
 * Frees the image; file may be negative. */
int nsw_h5_put(const char *path, hid_t file, struct nsw_h5_image *image, int status, struct nsw_error *err);

/* A new group; its members are remembered in the order they are made. Negative on failure. */
hid_t nsw_h5_group(hid_t parent, const char *name);

/* A data set of rows (by width, where width > 1) elements. deflate: chunked, shuffled and deflated; contiguous
 * otherwise. Negative on failure. */
int nsw_h5_write(hid_t parent, const char *name, hid_t type, size_t rows, size_t width, bool deflate, const void *data);

/* A contiguous data set of any number of dimensions. Negative on failure. */
int nsw_h5_write_array(hid_t parent, const char *name, hid_t type, int rank, const size_t *shape, const void *data);

/* A scalar attribute: text of variable length in UTF-8, which Python's h5py gives as `str`, a 64-bit integer, or a
 * double. Negative on failure. */
int nsw_h5_write_text(hid_t object, const char *name, const char *text);
int nsw_h5_write_integer(hid_t object, const char *name, int64_t value);
int nsw_h5_write_real(hid_t object, const char *name, double value);

/* A fixed-length ASCII type, padded with NULs. Close with H5Tclose. */
hid_t nsw_h5_text_type(size_t size);

/* ---- reading ---- */

/* Opens a plain file read-only, without locks. Negative with err's message (not prefixed by path otherwise). */
hid_t nsw_h5_open(const char *path, struct nsw_error *err);

/* Whether parent has a hard link of that name to an object of that type (H5O_TYPE_GROUP, H5O_TYPE_DATASET). */
bool nsw_h5_has(hid_t parent, const char *name, H5O_type_t type);

/* Names of the hard links in a group to objects of that type, in the order they were made where the file tells, else
 * by name; at most `limit`. *names malloc'd with its texts; free with nsw_h5_names_free. */
int nsw_h5_names(hid_t group, H5O_type_t type, size_t limit, char ***names, size_t *count, struct nsw_error *err);
void nsw_h5_names_free(char **names, size_t count);

/* What a data set is. */
struct nsw_h5_shape {
  hsize_t rows, width; /* width 1 for one dimension */
  int dimensions;      /* 1 or 2 */
  H5T_class_t kind;    /* H5T_INTEGER, H5T_FLOAT or H5T_STRING (fixed length) */
  size_t size;         /* bytes of an element in the file */
};

/* Opens a data set that is safe to read: see the top of store/file.h. Negative with err's message. */
hid_t nsw_h5_open_data(hid_t parent, const char *name, struct nsw_h5_shape *shape, struct nsw_error *err);

/* A scalar attribute as text (malloc'd); NULL where there is none or it is neither text nor a number. */
char *nsw_h5_read_text(hid_t object, const char *name);

/* Calls visit with name and text of every attribute that nsw_h5_read_text can read; stops where it does not give
 * NSW_OK. */
int nsw_h5_each_attribute(hid_t object, int (*visit)(const char *name, const char *text, void *data), void *data);

#endif
