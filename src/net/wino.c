#include "net/wino.h"

#include "net/conv.h"

/* Two buffers of transformed tiles, or one and two groups of products; see tiles.h. */
static size_t buffers(int m, size_t blocks) {
  return (size_t)nsw_wino_square(m) * NSW_BLOCK * (blocks * (size_t)nsw_wino_chunk(m) + 2 + 16);
}

size_t nsw_wino_scratch(int cin, int blocks) {
  size_t all = (size_t)nsw_conv_blocks(cin) + (size_t)blocks, two = buffers(2, all), four = buffers(4, all);
  return two > four ? two : four;
}
