/* Many md5 streams in vector registers. An md5 step depends on the one before, so one stream leaves most of a core
 * idle; GROUP registers of streams run interleaved to fill the time. */
#include "base/vec.h"
#include "space/md5.h"
#include "space/md5_sines.h"

#if defined(NSW_ISA_avx512)
/* Any function of three bits in one instruction: bit (4x + 2y + z) of the table is its value. */
#define TERNARY(x, y, z, table) ((vw)_mm512_ternarylogic_epi32((__m512i)(x), (__m512i)(y), (__m512i)(z), table))
#define ROUND_F(b, c, d) TERNARY(b, c, d, 0xca)
#define ROUND_G(b, c, d) TERNARY(b, c, d, 0xe4)
#define ROUND_H(b, c, d) TERNARY(b, c, d, 0x96)
#define ROUND_I(b, c, d) TERNARY(b, c, d, 0x39)
#else
/* b comes last: little is left to do once it is there. The two halves of G have no bit in common. */
#define ROUND_F(b, c, d) ((d) ^ ((b) & ((c) ^ (d))))
#define ROUND_G(b, c, d) (((d) & (b)) + (~(d) & (c)))
#define ROUND_H(b, c, d) ((b) ^ ((c) ^ (d)))
#define ROUND_I(b, c, d) ((c) ^ ((b) | ~(d)))
#endif

enum { GROUP = 2, GROUPS = NSW_MD5_STREAMS / (GROUP * NSW_LANES) };

/* The part of a row that group g works on. */
#define AT(row, g) ((const vw *)(row) + (g)*GROUP)

/* Keeps the compiler from adding in another order: what does not need b must be summed before b is there. */
#if defined(__x86_64__)
#define KEEP(x) __asm__("" : "+v"(x))
#elif defined(__aarch64__)
#define KEEP(x) __asm__("" : "+w"(x))
#else
#define KEEP(x) (void)(x)
#endif

#define STEP(F, a, b, c, d, word, turn, i)         \
  for (int u = 0; u < GROUP; u++) {                \
    vw t = a[u] + AT(block[word], g)[u] + sine[i]; \
    KEEP(t);                                       \
    t += ROUND_##F(b[u], c[u], d[u]);              \
    a[u] = (t << turn | t >> (32 - turn)) + b[u];  \
  }

static inline void add_block(const nsw_md5_row *block, int g, const uint32_t *sine, vw state[4][GROUP]) {
  vw a[GROUP], b[GROUP], c[GROUP], d[GROUP];
  for (int u = 0; u < GROUP; u++) a[u] = state[0][u], b[u] = state[1][u], c[u] = state[2][u], d[u] = state[3][u];
  /* clang-format off */
  STEP(F, a, b, c, d, 0, 7, 0)
  STEP(F, d, a, b, c, 1, 12, 1)
  STEP(F, c, d, a, b, 2, 17, 2)
  STEP(F, b, c, d, a, 3, 22, 3)
  STEP(F, a, b, c, d, 4, 7, 4)
  STEP(F, d, a, b, c, 5, 12, 5)
  STEP(F, c, d, a, b, 6, 17, 6)
  STEP(F, b, c, d, a, 7, 22, 7)
  STEP(F, a, b, c, d, 8, 7, 8)
  STEP(F, d, a, b, c, 9, 12, 9)
  STEP(F, c, d, a, b, 10, 17, 10)
  STEP(F, b, c, d, a, 11, 22, 11)
  STEP(F, a, b, c, d, 12, 7, 12)
  STEP(F, d, a, b, c, 13, 12, 13)
  STEP(F, c, d, a, b, 14, 17, 14)
  STEP(F, b, c, d, a, 15, 22, 15)
  STEP(G, a, b, c, d, 1, 5, 16)
  STEP(G, d, a, b, c, 6, 9, 17)
  STEP(G, c, d, a, b, 11, 14, 18)
  STEP(G, b, c, d, a, 0, 20, 19)
  STEP(G, a, b, c, d, 5, 5, 20)
  STEP(G, d, a, b, c, 10, 9, 21)
  STEP(G, c, d, a, b, 15, 14, 22)
  STEP(G, b, c, d, a, 4, 20, 23)
  STEP(G, a, b, c, d, 9, 5, 24)
  STEP(G, d, a, b, c, 14, 9, 25)
  STEP(G, c, d, a, b, 3, 14, 26)
  STEP(G, b, c, d, a, 8, 20, 27)
  STEP(G, a, b, c, d, 13, 5, 28)
  STEP(G, d, a, b, c, 2, 9, 29)
  STEP(G, c, d, a, b, 7, 14, 30)
  STEP(G, b, c, d, a, 12, 20, 31)
  STEP(H, a, b, c, d, 5, 4, 32)
  STEP(H, d, a, b, c, 8, 11, 33)
  STEP(H, c, d, a, b, 11, 16, 34)
  STEP(H, b, c, d, a, 14, 23, 35)
  STEP(H, a, b, c, d, 1, 4, 36)
  STEP(H, d, a, b, c, 4, 11, 37)
  STEP(H, c, d, a, b, 7, 16, 38)
  STEP(H, b, c, d, a, 10, 23, 39)
  STEP(H, a, b, c, d, 13, 4, 40)
  STEP(H, d, a, b, c, 0, 11, 41)
  STEP(H, c, d, a, b, 3, 16, 42)
  STEP(H, b, c, d, a, 6, 23, 43)
  STEP(H, a, b, c, d, 9, 4, 44)
  STEP(H, d, a, b, c, 12, 11, 45)
  STEP(H, c, d, a, b, 15, 16, 46)
  STEP(H, b, c, d, a, 2, 23, 47)
  STEP(I, a, b, c, d, 0, 6, 48)
  STEP(I, d, a, b, c, 7, 10, 49)
  STEP(I, c, d, a, b, 14, 15, 50)
  STEP(I, b, c, d, a, 5, 21, 51)
  STEP(I, a, b, c, d, 12, 6, 52)
  STEP(I, d, a, b, c, 3, 10, 53)
  STEP(I, c, d, a, b, 10, 15, 54)
  STEP(I, b, c, d, a, 1, 21, 55)
  STEP(I, a, b, c, d, 8, 6, 56)
  STEP(I, d, a, b, c, 15, 10, 57)
  STEP(I, c, d, a, b, 6, 15, 58)
  STEP(I, b, c, d, a, 13, 21, 59)
  STEP(I, a, b, c, d, 4, 6, 60)
  STEP(I, d, a, b, c, 11, 10, 61)
  STEP(I, c, d, a, b, 2, 15, 62)
  STEP(I, b, c, d, a, 9, 21, 63)
  /* clang-format on */
  for (int u = 0; u < GROUP; u++) state[0][u] += a[u], state[1][u] += b[u], state[2][u] += c[u], state[3][u] += d[u];
}

void NSW_FN(nsw_md5_streams)(const nsw_md5_row *message, int blocks, nsw_md5_row digest[4]) {
  static const uint32_t start[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  const uint32_t *sine = sines;
#if defined(NSW_ISA_avx512)
  /* This one broadcasts a word from memory in the addition itself: better than a vector of every constant. */
  __asm__("" : "+r"(sine));
#endif
  for (int g = 0; g < GROUPS; g++) {
    vw state[4][GROUP];
    for (int i = 0; i < 4; i++)
      for (int u = 0; u < GROUP; u++) state[i][u] = (vw){0} + start[i];
    for (int k = 0; k < blocks; k++) add_block(message + 16 * k, g, sine, state);
    for (int i = 0; i < 4; i++)
      for (int u = 0; u < GROUP; u++) ((vw *)digest[i])[g * GROUP + u] = state[i][u];
  }
}
