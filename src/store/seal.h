/* A checksum of the whole file behind the end of its HDF5: what HDF5 itself does not check, texts of variable length
 * and plain columns, cannot be damaged unseen, nor make the library stumble. Readers of HDF5 ignore what stands there,
 * and who changes the file by HDF5 cuts it off. */
#ifndef NSW_STORE_SEAL_H
#define NSW_STORE_SEAL_H

#include <stddef.h>

#include "nasweep/error.h"

enum { NSW_SEAL_SIZE = 25 };

/* The seal of these bytes into seal[NSW_SEAL_SIZE]. */
void nsw_seal_make(const void *bytes, size_t size, char *seal);

/* NSW_FAILED where a plain file has a seal that is not right, or cannot be read; files without one pass. */
int nsw_seal_check(const char *path, struct nsw_error *err);

#endif
