#include "space/md5.h"

#include <string.h>

#include "space/md5_sines.h"

static const uint8_t turns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t load32(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void add_block(uint32_t state[4], const uint8_t *block) {
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  for (int i = 0; i < 64; i++) {
    uint32_t f;
    int word, round = i / 16;
    if (round == 0)
      f = (b & c) | (~b & d), word = i;
    else if (round == 1)
      f = (d & b) | (~d & c), word = (5 * i + 1) % 16;
    else if (round == 2)
      f = b ^ c ^ d, word = (3 * i + 5) % 16;
    else
      f = c ^ (b | ~d), word = 7 * i % 16;
    f += a + sines[i] + load32(block + 4 * word);
    int turn = turns[round][i % 4];
    a = d, d = c, c = b;
    b += f << turn | f >> (32 - turn);
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
}

void nsw_md5(const void *data, size_t n, uint8_t digest[16]) {
  const uint8_t *p = data;
  uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  size_t left = n;
  for (; left >= 64; left -= 64, p += 64) add_block(state, p);
  uint8_t end[128] = {0};
  size_t size = left < 56 ? 64 : 128;
  if (left) memcpy(end, p, left);
  end[left] = 0x80;
  for (int i = 0; i < 8; i++) end[size - 8 + (size_t)i] = (uint8_t)((uint64_t)n * 8 >> 8 * i);
  for (size_t at = 0; at < size; at += 64) add_block(state, end + at);
  for (int i = 0; i < 16; i++) digest[i] = (uint8_t)(state[i / 4] >> 8 * (i % 4));
}
