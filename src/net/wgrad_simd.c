/* Weight gradients of 3x3 convolutions by Winograd's F(3x3, mxm): a chunk of tiles of the input and of the output's
 * gradient is transformed, then every place is a product over tiles, added to du. */
#include "net/tiles.h"

/* A y of F(3, 2), but for the sign of the last. */
NSW_INLINE void slope_of_2(const vf y[2], vf w[4]) {
  w[0] = y[0];
  w[1] = y[0] + y[1];
  w[2] = y[0] - y[1];
  w[3] = y[1];
}

/* A y of F(3, 4), those at +-sqrt(1/2) twice as large. */
NSW_INLINE void slope_of_4(const vf y[4], vf w[6]) {
  vf even = twice(y[0]) + y[2], odd = vset(NSW_ROOT_HALF) * (twice(y[1]) + y[3]);
  w[0] = y[0];
  w[1] = even + odd;
  w[2] = even - odd;
  even = y[0] + twice(y[2]);
  odd = vset(NSW_ROOT_TWO) * (y[1] + twice(y[3]));
  w[3] = even + odd;
  w[4] = even - odd;
  w[5] = y[3];
}

/* A dy A' of one vector of channels of a tile of m x m. */
NSW_INLINE void transform_slope(const int m, const float *d, ptrdiff_t row, ptrdiff_t col, float *w, ptrdiff_t place) {
  vf t[6][4], line[4], out[6];
  NSW_EACH (j, m) {
    NSW_EACH (i, m) line[i] = vload(d + i * row + j * col);
    if (m == 2)
      slope_of_2(line, out);
    else
      slope_of_4(line, out);
    NSW_EACH (i, m + 2) t[i][j] = out[i];
  }
  NSW_EACH (i, m + 2) {
    if (m == 2)
      slope_of_2(t[i], out);
    else
      slope_of_4(t[i], out);
    NSW_EACH (j, m + 2) vstore(w + ((m + 2) * i + j) * place, out[j]);
  }
}

NSW_INLINE void gather_slope(const int m, const struct nsw_wino_pass *p, const float *dy, int first, int count,
                             struct buffer w) {
  struct place at = place_of(p, m, m, first);
  for (int t = 0; t < count; t++, next_place(p, m, m, &at)) {
    const float *d = dy + at.image * p->y_image + m * at.row * p->y_row + m * at.col * p->y_col;
    for (int b = 0; b < p->blocks; b++)
      for (int l = 0; l < NSW_BLOCK; l += NSW_LANES)
        transform_slope(m, d + b * NSW_BLOCK + l, p->y_row, p->y_col, w.p + b * w.block + t * NSW_BLOCK + l, w.place);
  }
}

/* Input channels of one product. */
enum { DEPTH = NSW_BLOCK_SUMS };

/* du[c][16] += sum over tiles of v[tile][c] * w[tile][16], for DEPTH channels. */
NSW_INLINE void product(const float *v, const float *w, int tiles, float *du) {
  vf acc[DEPTH * NSW_BLOCK_VECS];
  NSW_EACH (i, DEPTH * NSW_BLOCK_VECS) acc[i] = vload(du + i * NSW_LANES);
  for (int t = 0; t < tiles; t++, v += NSW_BLOCK, w += NSW_BLOCK) {
    vf wv[NSW_BLOCK_VECS];
    NSW_EACH (l, NSW_BLOCK_VECS) wv[l] = vload(w + l * NSW_LANES);
    NSW_EACH (c, DEPTH)
      NSW_EACH (l, NSW_BLOCK_VECS) acc[c * NSW_BLOCK_VECS + l] += v[c] * wv[l];
  }
  NSW_EACH (i, DEPTH * NSW_BLOCK_VECS) vstore(du + i * NSW_LANES, acc[i]);
}

/* All places' products of a chunk. */
static void products(int places, int depth, int blocks, int count, struct buffer v, struct buffer w, float *du) {
  for (int k = 0; k < places; k++)
    for (int b = 0; b < blocks; b++)
      for (int d = 0; d < depth; d++)
        for (int c = 0; c < NSW_BLOCK; c += DEPTH)
          product(v.p + k * v.place + d * v.block + c, w.p + k * w.place + b * w.block, count,
                  du + ((ptrdiff_t)(b * places + k) * depth + d) * NSW_SQUARE + c * NSW_BLOCK);
}

NSW_INLINE void wgrad(const int m, const struct nsw_wino_pass *p, const float *x, const float *dy, float *du,
                      float *scratch) {
  const int depth = nsw_conv_blocks(p->cin), tiles = all_tiles(p, m, m), chunk = nsw_wino_chunk(m);
  struct buffer v = buffer_at(scratch, depth, chunk),
                w = buffer_at(scratch + nsw_wino_square(m) * v.place, p->blocks, chunk);
  for (int first = 0; first < tiles; first += chunk) {
    int count = least(chunk, tiles - first);
    gather_input(m, m, p, x, first, count, depth, v);
    gather_slope(m, p, dy, first, count, w);
    products(nsw_wino_square(m), depth, p->blocks, count, v, w, du);
  }
}

void NSW_FN(nsw_wino_wgrad)(const struct nsw_wino_pass *pass, int m, const float *x, const float *dy, float *du,
                            float *scratch) {
  const struct nsw_wino_pass p = *pass;
  if (m == 4)
    wgrad(4, &p, x, dy, du, scratch);
  else
    wgrad(2, &p, x, dy, du, scratch);
}

/* G' u of F(3, 2), with the sign that slope_of_2 left out. */
NSW_INLINE void back_of_2(const vf u[4], vf g[3]) {
  vf d1 = u[1] * vset(0.5f), d2 = u[2] * vset(0.5f);
  g[0] = u[0] + (d1 + d2);
  g[1] = d1 - d2;
  g[2] = (d1 + d2) - u[3];
}

/* G' u of F(3, 4), with the halves that slope_of_4 and input_of_4 left out. */
NSW_INLINE void back_of_4(const vf u[6], vf g[3]) {
  const vf near = vset(-1.0f / 3), far = vset(1.0f / 12);
  vf d1 = near * (u[1] + u[2]), d2 = far * (u[3] + u[4]);
  g[0] = u[0] + (d1 + d2);
  g[1] = vset(NSW_ROOT_HALF) * near * (u[1] - u[2]) + vset(NSW_ROOT_TWO) * far * (u[3] - u[4]);
  g[2] = vset(0.5f) * d1 + vset(2) * d2 + u[5];
}

/* dg = G' du G of one vector; `place` floats between places of du. */
NSW_INLINE void transform_back(const int m, const float *du, ptrdiff_t place, float *dw) {
  vf t[3][6], line[6], out[3];
  NSW_EACH (j, m + 2) {
    NSW_EACH (i, m + 2) line[i] = vload(du + ((m + 2) * i + j) * place);
    if (m == 2)
      back_of_2(line, out);
    else
      back_of_4(line, out);
    NSW_EACH (i, 3) t[i][j] = out[i];
  }
  NSW_EACH (i, 3) {
    if (m == 2)
      back_of_2(t[i], out);
    else
      back_of_4(t[i], out);
    NSW_EACH (j, 3) vstore(dw + (3 * i + j) * NSW_SQUARE, out[j]);
  }
}

void NSW_FN(nsw_wino_gradient)(int m, const float *du, int depth, float *dw) {
  for (int i = 0; i < NSW_SQUARE; i += NSW_LANES)
    if (m == 4)
      transform_back(4, du + i, (ptrdiff_t)depth * NSW_SQUARE, dw + i);
    else
      transform_back(2, du + i, (ptrdiff_t)depth * NSW_SQUARE, dw + i);
}
