#include <stdio.h>
#include <string.h>

#include "base/isa.h"
#include "space/md5.h"
#include "space/nb101.h"
#include "space/nb101_lanes.h"

/* ---- many at once ---- */

/* The first digest of a vertex, md5 of "(out, in, label)", for every degree and label. */
struct first_digests {
  uint32_t word[NSW_MAX_VERTICES][NSW_MAX_VERTICES][5][4]; /* [out][in][label + 2] */
};

static void make_first_digests(struct first_digests *first) {
  for (int out = 0; out < NSW_MAX_VERTICES; out++)
    for (int in = 0; in < NSW_MAX_VERTICES; in++)
      for (int label = -2; label <= 2; label++) {
        char text[32];
        uint8_t digest[16];
        int n = snprintf(text, sizeof text, "(%d, %d, %d)", out, in, label);
        nsw_md5(text, (size_t)n, digest);
        for (int w = 0; w < 4; w++)
          first->word[out][in][label + 2][w] = (uint32_t)digest[4 * w] | (uint32_t)digest[4 * w + 1] << 8 |
                                               (uint32_t)digest[4 * w + 2] << 16 | (uint32_t)digest[4 * w + 3] << 24;
      }
}

/* Puts the first digests of graphs[count] into the lanes; lanes left over repeat the last graph. */
static void fill_lanes(const struct first_digests *first, const uint32_t *graphs, uint32_t count,
                       struct nsw_nb101_digest digest[NSW_MAX_VERTICES]) {
  int vertices = nsw_nb101_vertices(graphs[0]);
  uint32_t bits = nsw_nb101_bits(graphs[0]);
  int in[NSW_MAX_VERTICES] = {0}, out[NSW_MAX_VERTICES] = {0};
  for (int y = 1; y < vertices; y++)
    for (int x = 0; x < y; x++) in[y] += bits >> nsw_edge(x, y) & 1, out[x] += bits >> nsw_edge(x, y) & 1;
  for (uint32_t lane = 0; lane < NSW_MD5_STREAMS; lane++) {
    uint32_t labels = nsw_nb101_labels(graphs[lane < count ? lane : count - 1]);
    for (int v = vertices - 1; v >= 0; v--) {
      int label = v == 0 ? -1 : v == vertices - 1 ? -2 : (int)(labels % 3);
      if (label >= 0) labels /= 3;
      const uint32_t *word = first->word[out[v]][in[v]][label + 2];
      for (int w = 0; w < 4; w++) digest[v].word[w][lane] = word[w];
    }
  }
}

static void store_keys(const struct nsw_nb101_digest *hash, uint32_t count, uint8_t *keys) {
  for (uint32_t lane = 0; lane < count; lane++)
    for (uint32_t i = 0; i < NSW_NB101_KEY_SIZE; i++)
      keys[lane * NSW_NB101_KEY_SIZE + i] = (uint8_t)(hash->word[i / 4][lane] >> 8 * (i % 4));
}

void nsw_nb101_hash(const uint32_t *graphs, uint32_t n, uint8_t *keys) {
  nsw_nb101_lanes_fn *hash_lanes = NSW_DISPATCH(nsw_cpu_isa(), nsw_nb101_lanes);
  struct nsw_nb101_digest digest[NSW_MAX_VERTICES], hash;
  struct nsw_nb101_scratch scratch;
  struct first_digests first;
  make_first_digests(&first);
  for (uint32_t i = 0, count; i < n; i += count) {
    /* As many neighbours as fit that have the same edges. */
    for (count = 1; count < NSW_MD5_STREAMS && i + count < n && graphs[i + count] >> 8 == graphs[i] >> 8;) count++;
    fill_lanes(&first, graphs + i, count, digest);
    hash_lanes(nsw_nb101_vertices(graphs[i]), nsw_nb101_bits(graphs[i]), digest, &scratch, &hash);
    store_keys(&hash, count, keys + (size_t)i * NSW_NB101_KEY_SIZE);
  }
}
