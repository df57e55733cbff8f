#include "study/lanes.h"

#include <string.h>

#include "base/isa.h"

struct nsw_lane_kernels nsw_lane_kernels(void) {
  enum nsw_isa isa = nsw_cpu_isa();
  return (struct nsw_lane_kernels){
      .draw = NSW_DISPATCH(isa, nsw_draw),
      .interleave = NSW_DISPATCH(isa, nsw_interleave),
      .discordant = NSW_DISPATCH(isa, nsw_discordant),
      .ranks = NSW_DISPATCH(isa, nsw_lane_ranks),
      .product = NSW_DISPATCH(isa, nsw_lane_product),
      .moments = NSW_DISPATCH(isa, nsw_lane_moments),
  };
}

static int levels_of(size_t d) {
  int levels = 0;
  while (((size_t)1 << levels) < d) levels++;
  return levels;
}

static size_t words_of(size_t n) { return (n + 63) / 64; }

size_t nsw_lane_bits_size(size_t n, size_t d) { return (size_t)levels_of(d) * words_of(n) + 1; }

void nsw_lane_bits(uint32_t *codes, uint32_t *scratch, const uint32_t *start, size_t n, size_t d, uint64_t *bits) {
  memset(bits, 0, nsw_lane_bits_size(n, d) * sizeof *bits);
  for (int level = levels_of(d) - 1; level >= 0; level--, bits += words_of(n)) {
    size_t half = (size_t)1 << level;
    for (size_t first = 0; first < d; first += 2 * half) {
      size_t end = first + 2 * half < d ? first + 2 * half : d, middle = first + half < d ? first + half : d;
      uint32_t zeros = start[first], ones = start[middle], last = start[end];
      for (uint32_t k = zeros; k < last; k++) {
        uint32_t one = codes[k] >= middle;
        bits[k / 64] |= (uint64_t)one << k % 64;
        scratch[one ? ones++ : zeros++] = codes[k];
      }
    }
    uint32_t *t = codes;
    codes = scratch;
    scratch = t;
  }
}
