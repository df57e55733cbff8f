/* MD5 (RFC 1321), as the published hashes of NAS-Bench-101 need it: no use for it where safety matters. */
#ifndef NSW_SPACE_MD5_H
#define NSW_SPACE_MD5_H

#include <stddef.h>
#include <stdint.h>

/* The digest of data[n], one block after the other: the reference. */
void nsw_md5(const void *data, size_t n, uint8_t digest[16]);

#endif
