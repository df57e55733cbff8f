#include "space/mt19937.h"

enum { WORDS = 624, MIDDLE = 397 };

void nsw_mt19937_seed(struct nsw_mt19937 *mt, uint32_t seed) {
  uint32_t *w = mt->word;
  w[0] = 19650218;
  for (int i = 1; i < WORDS; i++) w[i] = 1812433253u * (w[i - 1] ^ w[i - 1] >> 30) + (uint32_t)i;
  /* init_by_array with the one-word key {seed}. */
  int i = 1;
  for (int k = 0; k < WORDS; k++) {
    w[i] = (w[i] ^ (w[i - 1] ^ w[i - 1] >> 30) * 1664525u) + seed;
    if (++i == WORDS) w[0] = w[WORDS - 1], i = 1;
  }
  for (int k = 0; k < WORDS - 1; k++) {
    w[i] = (w[i] ^ (w[i - 1] ^ w[i - 1] >> 30) * 1566083941u) - (uint32_t)i;
    if (++i == WORDS) w[0] = w[WORDS - 1], i = 1;
  }
  w[0] = 0x80000000u;
  mt->used = WORDS;
}

static void twist(uint32_t *w) {
  for (int i = 0; i < WORDS; i++) {
    uint32_t y = (w[i] & 0x80000000u) | (w[(i + 1) % WORDS] & 0x7fffffffu);
    w[i] = w[(i + MIDDLE) % WORDS] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
  }
}

uint32_t nsw_mt19937_next(struct nsw_mt19937 *mt) {
  if (mt->used == WORDS) {
    twist(mt->word);
    mt->used = 0;
  }
  uint32_t y = mt->word[mt->used++];
  y ^= y >> 11;
  y ^= y << 7 & 0x9d2c5680u;
  y ^= y << 15 & 0xefc60000u;
  return y ^ y >> 18;
}

uint32_t nsw_mt19937_below(struct nsw_mt19937 *mt, uint32_t n) {
  int bits = 32 - __builtin_clz(n);
  uint32_t r;
  do r = nsw_mt19937_next(mt) >> (32 - bits);
  while (r >= n);
  return r;
}

void nsw_mt19937_shuffle(struct nsw_mt19937 *mt, uint16_t *items, uint32_t n) {
  for (uint32_t i = n; i-- > 1;) {
    uint32_t j = nsw_mt19937_below(mt, i + 1);
    uint16_t t = items[i];
    items[i] = items[j];
    items[j] = t;
  }
}
