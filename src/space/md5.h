/* MD5 (RFC 1321), as the published hashes of NAS-Bench-101 need it: no use for it where safety matters. */
#ifndef NSW_SPACE_MD5_H
#define NSW_SPACE_MD5_H

#include <stddef.h>
#include <stdint.h>

#include "base/isa.h"

/* The digest of data[n], one block after the other: the reference. */
void nsw_md5(const void *data, size_t n, uint8_t digest[16]);

/* Streams that run side by side, whatever the vector width. */
enum { NSW_MD5_STREAMS = 32 };

/* One 32-bit word of every stream, aligned for all instruction sets. */
typedef uint32_t nsw_md5_row[NSW_MD5_STREAMS] __attribute__((aligned(64)));

/* Digests of NSW_MD5_STREAMS messages of the same length at once. message[16 * blocks] holds word w (little endian) of
 * all of them in row w, padding and length included; digest[4] gets the digests' words, little endian likewise. */
typedef void nsw_md5_streams_fn(const nsw_md5_row *message, int blocks, nsw_md5_row digest[4]);
NSW_KERNEL(nsw_md5_streams_fn, nsw_md5_streams);

#endif
