/* What Winograd's kernels share (the _simd.c files only): where tiles lie, and buffers of transformed ones. */
#ifndef NSW_NET_TILES_H
#define NSW_NET_TILES_H

#include "net/block.h"
#include "net/wino.h"

enum { NSW_SQUARE = NSW_BLOCK * NSW_BLOCK };

/* Transformed tiles of a chunk: [place][channel block][tile][16], with a cache line between places, so that the stores
 * of one tile do not all fall on the same set of the first cache. */
struct buffer {
  float *p;
  ptrdiff_t place, block; /* strides */
};

NSW_INLINE struct buffer buffer_at(float *p, int blocks, int tiles) {
  return (struct buffer){p, (ptrdiff_t)blocks * tiles * NSW_BLOCK + NSW_BLOCK, (ptrdiff_t)tiles * NSW_BLOCK};
}

/* Where a tile lies: image of the group, row and column of tiles. */
struct place {
  int image, row, col;
};

/* Tile number t of a pass, in tiles of m x n outputs. */
NSW_INLINE struct place place_of(const struct nsw_wino_pass *p, int m, int n, int t) {
  int across = p->cols / n, each = p->rows / m * across;
  return (struct place){t / each, t % each / across, t % across};
}

NSW_INLINE void next_place(const struct nsw_wino_pass *p, int m, int n, struct place *at) {
  if (++at->col < p->cols / n) return;
  at->col = 0;
  if (++at->row < p->rows / m) return;
  at->row = 0;
  at->image++;
}

NSW_INLINE int all_tiles(const struct nsw_wino_pass *p, int m, int n) {
  return p->images * (p->rows / m) * (p->cols / n);
}

NSW_INLINE int least(int a, int b) { return a < b ? a : b; }

/* B' d of F(2, 3): four values from four. */
NSW_INLINE void input_of_2(const vf d[4], vf v[4]) {
  v[0] = d[0] - d[2];
  v[1] = d[1] + d[2];
  v[2] = d[2] - d[1];
  v[3] = d[1] - d[3];
}

/* B' d of F(4, 3) at the points 0, +-sqrt(1/2), +-sqrt(2), which lose the fewest digits: six values from six, those at
 * +-sqrt(2) twice as large, which the weights make good. Twice is said as a sum: additions have units of their own in
 * some cores, beside those that the products keep busy. */
#define NSW_ROOT_HALF 0.70710678f
#define NSW_ROOT_TWO 1.41421356f
NSW_INLINE vf twice(vf x) { return x + x; }

NSW_INLINE void input_of_4(const vf d[6], vf v[6]) {
  vf even = d[4] - twice(d[2]), odd = vset(NSW_ROOT_HALF) * (d[3] - twice(d[1]));
  v[0] = d[0] + d[4] - vset(2.5f) * d[2];
  v[1] = even + odd;
  v[2] = even - odd;
  even = twice(d[4]) - d[2];
  odd = vset(NSW_ROOT_TWO) * (twice(d[3]) - d[1]);
  v[3] = even + odd;
  v[4] = even - odd;
  v[5] = d[1] + d[5] - vset(2.5f) * d[3];
}

NSW_INLINE void input_of(const int m, const vf *d, vf *v) {
  if (m == 2)
    input_of_2(d, v);
  else
    input_of_4(d, v);
}

/* B' d B of one vector of channels of a tile of m x n outputs; m and n are constants where this is inlined. */
NSW_INLINE void transform_input(const int m, const int n, const float *d, ptrdiff_t row, ptrdiff_t col, float *v,
                                ptrdiff_t place) {
  vf t[6][6], line[6], out[6];
  NSW_EACH (j, n + 2) {
    NSW_EACH (i, m + 2) line[i] = vload(d + i * row + j * col);
    input_of(m, line, out);
    NSW_EACH (i, m + 2) t[i][j] = out[i];
  }
  NSW_EACH (i, m + 2) {
    input_of(n, t[i], out);
    NSW_EACH (j, n + 2) vstore(v + ((n + 2) * i + j) * place, out[j]);
  }
}

/* Transforms count tiles of x, from tile `first`. */
NSW_INLINE void gather_input(const int m, const int n, const struct nsw_wino_pass *p, const float *x, int first,
                             int count, int blocks, struct buffer v) {
  struct place at = place_of(p, m, n, first);
  for (int t = 0; t < count; t++, next_place(p, m, n, &at)) {
    const float *d = x + at.image * p->x_image + (m * at.row - 1) * p->x_row + (n * at.col - 1) * p->x_col;
    for (int b = 0; b < blocks; b++)
      for (int l = 0; l < NSW_BLOCK; l += NSW_LANES)
        transform_input(m, n, d + b * NSW_BLOCK + l, p->x_row, p->x_col, v.p + b * v.block + t * NSW_BLOCK + l,
                        v.place);
  }
}

#endif
