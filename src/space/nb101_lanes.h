/* The module hash of many labelled graphs with the same edges at once: between nb101_hash.c and nb101_simd.c. */
#ifndef NSW_SPACE_NB101_LANES_H
#define NSW_SPACE_NB101_LANES_H

#include "space/cell.h"
#include "space/md5.h"

/* The digests of one vertex in all lanes: digest[4] as nsw_md5_streams_fn gives them. */
struct nsw_nb101_digest {
  nsw_md5_row word[4];
};

/* Working memory of a hash, some 40 KiB. */
struct nsw_nb101_scratch {
  nsw_md5_row order[NSW_MAX_VERTICES][4];      /* digests as big-endian words, which compare as their texts do */
  nsw_md5_row hex[NSW_MAX_VERTICES][8];        /* digests as 32 lower-case hexadecimal characters */
  nsw_md5_row sort_order[NSW_MAX_VERTICES][4]; /* neighbours being sorted */
  nsw_md5_row sort_hex[NSW_MAX_VERTICES][8];
  nsw_md5_row message[16 * 5]; /* seven digests in Python's text of a list; neighbours and own are shorter */
  struct nsw_nb101_digest next[NSW_MAX_VERTICES];
};

/* Brings the vertices' first digests (of the text "(out, in, label)") in digest[vertices], one lane a graph, to the
 * module hashes in hash. bits: the edges of all lanes. */
typedef void nsw_nb101_lanes_fn(int vertices, uint32_t bits, const struct nsw_nb101_digest *digest,
                                struct nsw_nb101_scratch *scratch, struct nsw_nb101_digest *hash);
NSW_KERNEL(nsw_nb101_lanes_fn, nsw_nb101_lanes);

#endif
