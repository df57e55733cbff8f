#include "net/wino.h"

#include "net/conv.h"

size_t nsw_wino_scratch(int cin, int blocks) {
  size_t depth = (size_t)(cin + NSW_BLOCK - 1) / NSW_BLOCK, tiles = (depth + (size_t)blocks) * NSW_WINO_CHUNK;
  return NSW_WINO_PLACES * NSW_BLOCK * (tiles + NSW_WINO_GROUP + 2); /* 2: a line behind each place of two buffers */
}
