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
  l.place = vplaces(from);
  return l;
}

/* Channel c of the lanes of vector v at a pixel. */
NSW_INLINE vf input(const bool near, const struct lanes *l, const float *x, int c, int v) {
  if (near) return vpick(vload(x), l->place + (int32_t)c);
  return vquads(x + c, l->from + v * (NSW_LANES / 4));
}

/* Whether taps come in threes that lie side by side, an output's next to the next one's, as those of a 3x3 convolution
 * do: they are then taken three at a time, and the lanes of a pixel found once for all three. */
static bool in_threes(const struct nsw_conv_pass *p) {
  bool yes = p->taps % 3 == 0 && p->cols >= 2;
  for (int t = 0; t < p->taps && yes; t++) yes = t % 3 == 0 || p->tap_x[t] == p->tap_x[t - 1] + p->x_col;
  return yes;
}

/* f(taps at a time, near, ...) with the first two as constants, for which its loops are compiled each by itself. */
#define WITH_CONSTANTS(f, threes, near, ...) \
  do {                                       \
    if ((near) && (threes))                  \
      f(3, true, __VA_ARGS__);               \
    else if (near)                           \
      f(1, true, __VA_ARGS__);               \
    else if (threes)                         \
      f(3, false, __VA_ARGS__);              \
    else                                     \
      f(1, false, __VA_ARGS__);              \
  } while (0)

/* R rows by P pixels, T taps at a time; all are constants where this is inlined. */
NSW_INLINE void tile(const int T, const int R, const int P, const bool near, const struct nsw_conv_pass *p,
                     const struct lanes *l, const float *x, const float *w, float *y) {
  vf acc[TILE * NSW_BLOCK_VECS];
  NSW_EACH (i, R * P)
    NSW_EACH (v, NSW_BLOCK_VECS)
      acc[i * NSW_BLOCK_VECS + v] = p->add ? vload(y + i / P * p->y_row + i % P * p->y_col + v * NSW_LANES) : (vf){0};
  for (int t = 0; t < p->taps; t += T)
    for (int c = 0; c < p->cin; c++) {
      const float *xt = x + p->tap_x[t];
      vf wv[3 * NSW_BLOCK_VECS];
      NSW_EACH (k, T)
        NSW_EACH (v, NSW_BLOCK_VECS)
          wv[k * NSW_BLOCK_VECS + v] = vload(w + ((ptrdiff_t)p->tap_w[t + k] * p->cin + c) * NSW_BLOCK + v * NSW_LANES);
      NSW_EACH (r, R)
        NSW_EACH (j, P + T - 1)
          NSW_EACH (v, NSW_BLOCK_VECS) {
            vf in = input(near, l, xt + r * p->x_row + j * p->x_col, c, v);
            NSW_EACH (k, T)
              if (j >= k && j - k < P) acc[(r * P + j - k) * NSW_BLOCK_VECS + v] += in * wv[k * NSW_BLOCK_VECS + v];
          }
    }
  NSW_EACH (i, R * P)
    NSW_EACH (v, NSW_BLOCK_VECS)
      vstore(y + i / P * p->y_row + i % P * p->y_col + v * NSW_LANES, acc[i * NSW_BLOCK_VECS + v]);
}

NSW_INLINE void row(const int T, const bool near, const struct nsw_conv_pass *p, const struct lanes *l, const float *x,
                    const float *w, float *y) {
  int i = 0;
  for (; i + TILE <= p->cols; i += TILE) tile(T, 1, TILE, near, p, l, x + i * p->x_col, w, y + i * p->y_col);
  for (; SMALL_TILE > 1 && i + SMALL_TILE <= p->cols; i += SMALL_TILE)
    tile(T, 1, SMALL_TILE, near, p, l, x + i * p->x_col, w, y + i * p->y_col);
  for (; i < p->cols; i++) tile(T, 1, 1, near, p, l, x + i * p->x_col, w, y + i * p->y_col);
}

NSW_INLINE void image(const int T, const bool near, const struct nsw_conv_pass *p, const struct lanes *l,
                      const float *x, const float *w, float *y) {
  int h = 0;
  if (TILE == 8 && p->cols == 4) /* small images: two rows a tile */
    for (; h + 2 <= p->rows; h += 2) tile(T, 2, 4, near, p, l, x + h * p->x_row, w, y + h * p->y_row);
  for (; h < p->rows; h++) row(T, near, p, l, x + h * p->x_row, w, y + h * p->y_row);
}

void NSW_FN(nsw_abreast_conv)(const struct nsw_conv_pass *pass, const ptrdiff_t from[NSW_QUADS], const float *x,
                              const float *w, float *y) {
  const struct nsw_conv_pass p = *pass;
  const struct lanes l = lanes_of(from);
  WITH_CONSTANTS(image, in_threes(&p), l.near, &p, &l, x, w, y);
}

/* Input channels of a tile of the weight gradient: the narrowest image's. */
enum { DEPTH = 4 };

/* Input pixel j of a row, times the outputs j - k that see it by taps k from `first` to before `last`. */
NSW_INLINE void wgrad_pixel(const int first, const int last, const bool near, const struct nsw_conv_pass *p,
                            const struct lanes *l, const float *x, int c, int v, const float *dy, int j, vf *acc) {
  vf in[DEPTH];
  NSW_EACH (d, DEPTH) in[d] = input(near, l, x + j * p->x_col, c + d, v);
  NSW_EACH (k, 3)
    if (k >= first && k < last) {
      vf dv = vload(dy + (j - k) * p->y_col + v * NSW_LANES);
      NSW_EACH (d, DEPTH) acc[k * DEPTH + d] += in[d] * dv;
    }
}

/* Vector v of taps t to t + T - 1, DEPTH input channels of each. */
NSW_INLINE void wgrad_tile(const int T, const bool near, const struct nsw_conv_pass *p, const struct lanes *l, int t,
                           const float *x, int c, int v, const float *dy, float *dw) {
  const int depth = nsw_conv_depth(p->cin);
  vf acc[3 * DEPTH];
  float *to[3 * DEPTH];
  NSW_EACH (i, T * DEPTH) {
    to[i] = dw + ((ptrdiff_t)p->tap_w[t + i / DEPTH] * depth + c + i % DEPTH) * NSW_BLOCK + v * NSW_LANES;
    acc[i] = vload(to[i]);
  }
  for (int h = 0; h < p->rows; h++) {
    const float *xp = x + p->tap_x[t] + h * p->x_row, *dp = dy + h * p->y_row;
    if (t + c + v == 0)
      for (int j = 0; j < p->cols + T - 1; j++) __builtin_prefetch(xp + j * p->x_col + NSW_AHEAD * p->x_row);
    if (T == 3) wgrad_pixel(0, 1, near, p, l, xp, c, v, dp, 0, acc);
    if (T == 3) wgrad_pixel(0, 2, near, p, l, xp, c, v, dp, 1, acc);
    for (int j = T - 1; j < p->cols; j++) wgrad_pixel(0, T, near, p, l, xp, c, v, dp, j, acc);
    if (T == 3) wgrad_pixel(1, 3, near, p, l, xp, c, v, dp, p->cols, acc);
    if (T == 3) wgrad_pixel(2, 3, near, p, l, xp, c, v, dp, p->cols + 1, acc);
  }
  NSW_EACH (i, T * DEPTH) vstore(to[i], acc[i]);
}

NSW_INLINE void wgrad(const int T, const bool near, const struct nsw_conv_pass *p, const struct lanes *l,
                      const float *x, const float *dy, float *dw) {
  for (int t = 0; t < p->taps; t += T)
    for (int c = 0; c < p->cin; c += DEPTH)
      for (int v = 0; v < NSW_BLOCK_VECS; v++) wgrad_tile(T, near, p, l, t, x, c, v, dy, dw);
}

void NSW_FN(nsw_abreast_wgrad)(const struct nsw_conv_pass *pass, const ptrdiff_t from[NSW_QUADS], const float *x,
                               const float *dy, float *dw) {
  const struct nsw_conv_pass p = *pass;
  const struct lanes l = lanes_of(from);
  WITH_CONSTANTS(wgrad, in_threes(&p), l.near, &p, &l, x, dy, dw);
}
