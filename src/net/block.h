/* How the kernels of convolutions (the _simd.c files) hold blocks of 16 channels in registers. */
#ifndef NSW_NET_BLOCK_H
#define NSW_NET_BLOCK_H

#include "base/vec.h"
#include "net/conv.h"

enum {
  NSW_BLOCK_VECS = NSW_BLOCK / NSW_LANES,     /* vectors in a block of channels */
  NSW_BLOCK_SUMS = NSW_SUMS / NSW_BLOCK_VECS, /* blocks of sums that stay in registers: 2 (plain), 4, 4 (NEON), 16 */
};

#endif
