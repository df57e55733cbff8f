/* Hashes of keys that do not come from outside: for tables and for telling patterns apart, not for safety. */
#ifndef NSW_BASE_HASH_H
#define NSW_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Mixes a word into a hash (the finaliser of SplitMix64): two of a million different sequences of words give the same
 * hash with a chance of 1 in 10^7. Start with 0. */
static inline uint64_t nsw_hash_word(uint64_t hash, uint64_t word) {
  uint64_t z = hash * UINT64_C(0x9e3779b97f4a7c15) + word + 1;
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* Of a text, 32 bits (Fowler, Noll and Vo's 1a). */
static inline uint32_t nsw_hash_text(const char *text) {
  uint32_t hash = 2166136261u;
  for (; *text; text++) hash = (hash ^ (uint8_t)*text) * 16777619u;
  return hash;
}

/* Of data[size]. */
static inline uint64_t nsw_hash(const void *data, size_t size) {
  const char *p = data;
  uint64_t hash = size;
  for (size_t i = 0; i < size; i += 8) {
    uint64_t word = 0;
    memcpy(&word, p + i, size - i < 8 ? size - i : 8);
    hash = nsw_hash_word(hash, word);
  }
  return hash;
}

#endif
