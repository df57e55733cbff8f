/* Convolutions of images that lie side by side in a block (struct nsw_tensor_place: abreast): every lane is multiplied
 * with the input channel of its own image, which `from` finds (net/conv.h). Within one block that is a permutation,
 * where there is an instruction for it; else, or from several planes, one broadcast for each four lanes. */
#include "net/block.h"

/* Pixels of a tile, as of a direct convolution (conv_simd.c). */
enum { TILE = NSW_BLOCK_SUMS < 8 ? NSW_BLOCK_SUMS : 8, SMALL_TILE = TILE > 4 ? 4 : 1 };

/* Where lanes find their input. */
struct lanes {
  bool near; /* all of them in the block at x: permute it */
  vi place;  /* then: the lanes' places in it */
  const ptrdiff_t *from;
};

static struct lanes lanes_of(const ptrdiff_t from[NSW_QUADS]) {
  struct lanes l = {.from = from, .near = (int)NSW_LANES == NSW_BLOCK};
  for (int q = 0; q < NSW_QUADS; q++) l.near = l.near && from[q] < NSW_BLOCK;
  for (int i = 0; i < NSW_LANES && l.near; i++) l.place[i] = (int32_t)from[i / 4];
  return l;
}

/* Channel c of the lanes of vector v at a pixel. */
NSW_INLINE vf input(const bool near, const struct lanes *l, const float *x, int c, int v) {
  if (near) return vpick(vload(x), l->place + (int32_t)c);
  return vquads(x + c, l->from + v * (NSW_LANES / 4));
}

/* R rows by P pixels, which are constants where this is inlined. */
NSW_INLINE void tile(const int R, const int P, const bool near, const struct nsw_conv_pass *p, const struct lanes *l,
                     const float *x, const float *w, float *y) {
  vf acc[TILE * NSW_BLOCK_VECS];
  NSW_EACH (i, R * P)
    NSW_EACH (v, NSW_BLOCK_VECS)
      acc[i * NSW_BLOCK_VECS + v] = p->add ? vload(y + i / P * p->y_row + i % P * p->y_col + v * NSW_LANES) : (vf){0};
  for (int t = 0; t < p->taps; t++) {
    const float *xt = x + p->tap_x[t], *wt = w + (ptrdiff_t)p->tap_w[t] * p->cin * NSW_BLOCK;
    for (int c = 0; c < p->cin; c++, wt += NSW_BLOCK) {
      vf wv[NSW_BLOCK_VECS];
      NSW_EACH (v, NSW_BLOCK_VECS) wv[v] = vload(wt + v * NSW_LANES);
      NSW_EACH (i, R * P)
        NSW_EACH (v, NSW_BLOCK_VECS)
          acc[i * NSW_BLOCK_VECS + v] += input(near, l, xt + i / P * p->x_row + i % P * p->x_col, c, v) * wv[v];
    }
  }
  NSW_EACH (i, R * P)
    NSW_EACH (v, NSW_BLOCK_VECS)
      vstore(y + i / P * p->y_row + i % P * p->y_col + v * NSW_LANES, acc[i * NSW_BLOCK_VECS + v]);
}

NSW_INLINE void row(const bool near, const struct nsw_conv_pass *p, const struct lanes *l, const float *x,
                    const float *w, float *y) {
  int i = 0;
  for (; i + TILE <= p->cols; i += TILE) tile(1, TILE, near, p, l, x + i * p->x_col, w, y + i * p->y_col);
  for (; SMALL_TILE > 1 && i + SMALL_TILE <= p->cols; i += SMALL_TILE)
    tile(1, SMALL_TILE, near, p, l, x + i * p->x_col, w, y + i * p->y_col);
  for (; i < p->cols; i++) tile(1, 1, near, p, l, x + i * p->x_col, w, y + i * p->y_col);
}

NSW_INLINE void image(const bool near, const struct nsw_conv_pass *p, const struct lanes *l, const float *x,
                      const float *w, float *y) {
  int h = 0;
  if (TILE == 8 && p->cols == 4) /* small images: two rows a tile */
    for (; h + 2 <= p->rows; h += 2) tile(2, 4, near, p, l, x + h * p->x_row, w, y + h * p->y_row);
  for (; h < p->rows; h++) row(near, p, l, x + h * p->x_row, w, y + h * p->y_row);
}

void NSW_FN(nsw_abreast_conv)(const struct nsw_conv_pass *pass, const ptrdiff_t from[NSW_QUADS], const float *x,
                              const float *w, float *y) {
  const struct nsw_conv_pass p = *pass;
  const struct lanes l = lanes_of(from);
  if (l.near)
    image(true, &p, &l, x, w, y);
  else
    image(false, &p, &l, x, w, y);
}

/* Input channels of a tile of the weight gradient: the narrowest image's. */
enum { DEPTH = 4 };

NSW_INLINE void wgrad_tile(const bool near, const struct nsw_conv_pass *p, const struct lanes *l, const float *x, int c,
                           const float *dy, float *dw) {
  vf acc[DEPTH * NSW_BLOCK_VECS];
  NSW_EACH (i, DEPTH * NSW_BLOCK_VECS) acc[i] = vload(dw + i * NSW_LANES);
  for (int h = 0; h < p->rows; h++) {
    const float *xp = x + h * p->x_row, *dp = dy + h * p->y_row;
    for (int i = 0; i < p->cols; i++, xp += p->x_col, dp += p->y_col)
      NSW_EACH (v, NSW_BLOCK_VECS) {
        vf dv = vload(dp + v * NSW_LANES);
        NSW_EACH (k, DEPTH) acc[k * NSW_BLOCK_VECS + v] += input(near, l, xp, c + k, v) * dv;
      }
  }
  NSW_EACH (i, DEPTH * NSW_BLOCK_VECS) vstore(dw + i * NSW_LANES, acc[i]);
}

NSW_INLINE void wgrad(const bool near, const struct nsw_conv_pass *p, const struct lanes *l, const float *x,
                      const float *dy, float *dw) {
  const int depth = nsw_conv_depth(p->cin), used = (p->cin + DEPTH - 1) / DEPTH * DEPTH;
  for (int t = 0; t < p->taps; t++)
    for (int c = 0; c < used; c += DEPTH)
      wgrad_tile(near, p, l, x + p->tap_x[t], c, dy, dw + ((ptrdiff_t)p->tap_w[t] * depth + c) * NSW_BLOCK);
}

void NSW_FN(nsw_abreast_wgrad)(const struct nsw_conv_pass *pass, const ptrdiff_t from[NSW_QUADS], const float *x,
                               const float *dy, float *dw) {
  const struct nsw_conv_pass p = *pass;
  const struct lanes l = lanes_of(from);
  if (l.near)
    wgrad(true, &p, &l, x, dy, dw);
  else
    wgrad(false, &p, &l, x, dy, dw);
}
