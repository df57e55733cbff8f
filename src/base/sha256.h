/* SHA-256 (FIPS 180-4), for naming the images a run has used. */
#ifndef NSW_BASE_SHA256_H
#define NSW_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

/* A running hash; compare by what nsw_sha256_hex gives. */
struct nsw_sha256 {
  uint32_t state[8]; /* H0..H7 */
  uint64_t bytes;    /* hashed so far, those in block included */
  uint8_t block[64]; /* the bytes that do not fill a block yet */
};

void nsw_sha256_start(struct nsw_sha256 *hash);
void nsw_sha256_add(struct nsw_sha256 *hash, const void *data, size_t bytes);

/* Ends the hash and writes 64 lower-case hexadecimal digits and a NUL. */
void nsw_sha256_hex(struct nsw_sha256 *hash, char hex[65]);

#endif
