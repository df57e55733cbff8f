/* Random123's Philox for a chunk of blocks, word by word of the block, so that the compiler turns the rounds into
 * vectors of blocks. The transforms are plain loops for it too; no fused multiply-adds, which -std=c11 forbids, so that
 * all instruction sets give the same bits. */
#include "base/random_simd.h"

#include <Random123/philox.h>

#include "base/vec.h"

NSW_EXACT

enum { BLOCKS = NSW_RANDOM_CHUNK / 4 };

void NSW_FN(nsw_random_words)(const uint32_t key[2], uint64_t which, uint64_t first, size_t n,
                              uint32_t *restrict word) {
  uint32_t made[4][BLOCKS];
  const philox4x32_key_t k = {{key[0], key[1]}};
  for (size_t i = 0; i < (n + 3) / 4; i++) {
    uint64_t at = first + i;
    philox4x32_ctr_t c = {{(uint32_t)at, (uint32_t)(at >> 32), (uint32_t)which, (uint32_t)(which >> 32)}};
    c = philox4x32(c, k);
    for (int w = 0; w < 4; w++) made[w][i] = c.v[w];
  }
  for (size_t i = 0; i < (n + 3) / 4; i++)
    for (size_t w = 0; w < 4; w++) word[4 * i + w] = made[w][i];
}

void NSW_FN(nsw_random_uniforms)(const uint32_t *restrict word, size_t n, float bound, float *restrict out) {
  for (size_t i = 0; i < n; i++) out[i] = nsw_random_uniform_of(word[i]) * bound;
}

void NSW_FN(nsw_random_normals)(const uint32_t *restrict word, size_t n, double low, double deviation,
                                float *restrict out) {
  for (size_t i = 0; i < n; i++)
    out[i] = (float)(nsw_random_central_quantile(nsw_random_probability(word[i], low)) * deviation);
}
