/* What a file is by its first bytes, so that a wrong one is refused with what it is and what to do. */
#ifndef NSW_FILES_KIND_H
#define NSW_FILES_KIND_H

#include "nasweep/error.h"

enum nsw_file_kind {
  NSW_KIND_OTHER, /* text, or nothing known */
  NSW_KIND_EMPTY,
  NSW_KIND_FOLDER,
  NSW_KIND_GZIP,
  NSW_KIND_BZIP2,
  NSW_KIND_XZ,
  NSW_KIND_ZIP,
  NSW_KIND_TAR,
  NSW_KIND_HDF5,
  NSW_KIND_PICKLE,
  NSW_KIND_LFS,  /* the text that Git keeps in place of a large file */
  NSW_KIND_HTML, /* a page of a site, saved in place of the file */
};

/* The kind of a file or folder. NSW_FAILED where it cannot be read, with the reason. */
int nsw_kind_of(const char *path, enum nsw_file_kind *kind, struct nsw_error *err);

/* "a Git LFS pointer, ..." with the remedy, for kinds that no reader of published files takes (empty, LFS pointer, HTML
 * page); NULL for the others. */
const char *nsw_kind_useless(enum nsw_file_kind kind);

/* What the kind is called: "an HDF5 file". */
const char *nsw_kind_name(enum nsw_file_kind kind);

#endif
