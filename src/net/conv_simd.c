/* Direct convolution: a tile of pixels by one block of 16 output channels is kept in registers while taps and input
 * channels go by; the input value is broadcast from memory. Nothing is packed or copied but the weights. One block at
 * a time wins over two: the broadcast is then part of the multiply-add instruction (see src/net/NOTES.md). */
#include "net/block.h"

/* Pixels of a tile: enough accumulators to hide the latency of the multiply-add. Eight is the fastest for AVX-512:
 * with 12, 14 or 16 the compiler moves registers about. */
enum { TILE = NSW_BLOCK_SUMS < 8 ? NSW_BLOCK_SUMS : 8, SMALL_TILE = TILE > 4 ? 4 : 1 };

/* R rows of P pixels by one block. R and P are constants where this is inlined, so that acc lives in registers. */
NSW_INLINE void tile(const int R, const int P, const struct nsw_conv_pass *p, const float *x, const float *w,
                     float *y) {
  vf acc[TILE * NSW_BLOCK_VECS];
  NSW_EACH (i, R * P)
    NSW_EACH (v, NSW_BLOCK_VECS)
      acc[i * NSW_BLOCK_VECS + v] = p->add ? vload(y + i / P * p->y_row + i % P * p->y_col + v * NSW_LANES) : (vf){0};
  for (int t = 0; t < p->taps; t++) {
    const float *xt = x + p->tap_x[t];
    const float *wt = w + (ptrdiff_t)p->tap_w[t] * p->cin * NSW_BLOCK;
    for (int c = 0; c < p->cin; c++, wt += NSW_BLOCK) {
      vf wv[NSW_BLOCK_VECS];
      NSW_EACH (v, NSW_BLOCK_VECS) wv[v] = vload(wt + v * NSW_LANES);
      NSW_EACH (i, R * P)
        NSW_EACH (v, NSW_BLOCK_VECS) acc[i * NSW_BLOCK_VECS + v] += xt[i / P * p->x_row + i % P * p->x_col + c] * wv[v];
    }
  }
  NSW_EACH (i, R * P)
    NSW_EACH (v, NSW_BLOCK_VECS)
      vstore(y + i / P * p->y_row + i % P * p->y_col + v * NSW_LANES, acc[i * NSW_BLOCK_VECS + v]);
}

/* One row: whole tiles, then what is left in smaller ones. */
static void row(const struct nsw_conv_pass *p, const float *x, const float *w, float *y) {
  int i = 0;
  for (; i + TILE <= p->cols; i += TILE) tile(1, TILE, p, x + i * p->x_col, w, y + i * p->y_col);
  for (; SMALL_TILE > 1 && i + SMALL_TILE <= p->cols; i += SMALL_TILE)
    tile(1, SMALL_TILE, p, x + i * p->x_col, w, y + i * p->y_col);
  for (; i < p->cols; i++) tile(1, 1, p, x + i * p->x_col, w, y + i * p->y_col);
}

/* Rows of one block; those of small images two at a time, as one alone would wait for its own sums. */
static void rows(const struct nsw_conv_pass *p, int count, const float *x, const float *w, float *y) {
  int h = 0;
  if (TILE >= 8 && p->cols == 4)
    for (; h + 2 <= count; h += 2) tile(2, 4, p, x + h * p->x_row, w, y + h * p->y_row);
  if (TILE >= 4 && p->cols == 2)
    for (; h + 2 <= count; h += 2) tile(2, 2, p, x + h * p->x_row, w, y + h * p->y_row);
  for (; h < count; h++) row(p, x + h * p->x_row, w, y + h * p->y_row);
}

void NSW_FN(nsw_conv)(const struct nsw_conv_pass *pass, const float *x, const float *w, float *y) {
  const struct nsw_conv_pass p = *pass;
  const ptrdiff_t block = (ptrdiff_t)p.w_taps * p.cin * NSW_BLOCK;
  const int strip = nsw_conv_strip(p.cols);
  for (int first = 0; first < p.rows; first += strip)
    for (int b = 0; b < p.blocks; b++)
      rows(&p, p.rows - first < strip ? p.rows - first : strip, x + first * p.x_row, w + b * block,
           y + first * p.y_row + b * NSW_BLOCK);
}

/* Input channels of one tile of the weight gradient. */
enum { DEPTH = NSW_BLOCK_SUMS, SMALL_DEPTH = DEPTH < 4 ? DEPTH : 4 /* the stem has 4 */ };

/* C input channels by one block of output channels in registers, pixels inside. */
NSW_INLINE void wgrad_tile(const int C, const struct nsw_conv_pass *p, const float *x, const float *dy, float *dw) {
  vf acc[DEPTH * NSW_BLOCK_VECS];
  NSW_EACH (i, C * NSW_BLOCK_VECS) acc[i] = vload(dw + i * NSW_LANES);
  for (int h = 0; h < p->rows; h++) {
    const float *xp = x + h * p->x_row;
    const float *dp = dy + h * p->y_row;
    for (int i = 0; i < p->cols; i++, xp += p->x_col, dp += p->y_col) {
      vf dv[NSW_BLOCK_VECS];
      NSW_EACH (v, NSW_BLOCK_VECS) dv[v] = vload(dp + v * NSW_LANES);
      NSW_EACH (c, C)
        NSW_EACH (v, NSW_BLOCK_VECS) acc[c * NSW_BLOCK_VECS + v] += xp[c] * dv[v];
    }
  }
  NSW_EACH (i, C * NSW_BLOCK_VECS) vstore(dw + i * NSW_LANES, acc[i]);
}

/* One strip: p's rows. */
static void wgrad_strip(const struct nsw_conv_pass *p, const float *x, const float *dy, float *dw) {
  const int cin = nsw_conv_depth(p->cin);
  for (int b = 0; b < p->blocks; b++)
    for (int t = 0; t < p->taps; t++) {
      float *d = dw + (ptrdiff_t)(b * p->w_taps + p->tap_w[t]) * cin * NSW_BLOCK;
      const float *xt = x + p->tap_x[t], *dyb = dy + b * NSW_BLOCK;
      int c = 0;
      for (; c + DEPTH <= cin; c += DEPTH) wgrad_tile(DEPTH, p, xt + c, dyb, d + c * NSW_BLOCK);
      for (; SMALL_DEPTH < DEPTH && c + SMALL_DEPTH <= cin; c += SMALL_DEPTH)
        wgrad_tile(SMALL_DEPTH, p, xt + c, dyb, d + c * NSW_BLOCK);
    }
}

void NSW_FN(nsw_conv_wgrad)(const struct nsw_conv_pass *pass, const float *x, const float *dy, float *dw) {
  struct nsw_conv_pass p = *pass;
  const int strip = nsw_conv_strip(pass->cols);
  for (int first = 0; first < pass->rows; first += strip) {
    p.rows = pass->rows - first < strip ? pass->rows - first : strip;
    wgrad_strip(&p, x + first * p.x_row, dy + first * p.y_row, dw);
  }
}

void NSW_FN(nsw_conv_probe)(const struct nsw_conv_pass *pass, const float *x, const float *dy, float *out) {
  const struct nsw_conv_pass p = *pass;
  for (int t = 0; t < p.taps; t++)
    for (int v = 0; v < NSW_BLOCK; v += NSW_LANES) {
      vf sum = {0};
      for (int h = 0; h < p.rows; h++)
        for (int i = 0; i < p.cols; i++)
          sum += vload(x + p.tap_x[t] + h * p.x_row + i * p.x_col + v) * dy[h * p.y_row + i * p.y_col];
      vstore(out + t * NSW_BLOCK + v, sum);
    }
}
