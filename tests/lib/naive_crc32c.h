/* CRC-32C bit by bit, its definition: what the fast ones are held to. */
#ifndef NSW_TESTS_NAIVE_CRC32C_H
#define NSW_TESTS_NAIVE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t nsw_crc32c_shift(uint32_t crc) { return crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0); }

static inline uint32_t nsw_crc32c_naive(const void *bytes, size_t count) {
  const uint8_t *at = bytes;
  uint32_t crc = ~UINT32_C(0);
  while (count--) {
    crc ^= *at++;
    for (int bit = 0; bit < 8; bit++) crc = nsw_crc32c_shift(crc);
  }
  return ~crc;
}

#endif
