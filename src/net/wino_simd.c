/* A chunk of tiles at a time: their inputs are transformed into a buffer that stays in the second cache, then one block
 * of output channels after the other takes sixteen products from it and is transformed back. */
#include "net/tiles.h"
#include "net/vec.h"

enum {
  PLACES = 16, /* of a transformed tile */
  GROUP = 8,   /* tiles that go through a product together */
  SQUARE = NSW_SQUARE,
  PART = NSW_LANES == 16  ? 8
         : NSW_LANES == 8 ? 4
                          : 2 /* tiles in registers at once */
};

/* Tiles of a chunk: as many as leave the transformed input in the second cache. */
static int chunk_tiles(int blocks) {
  int tiles = 512 / blocks / GROUP * GROUP;
  return tiles < 2 * GROUP ? 2 * GROUP : least(tiles, nsw_wino_chunk(2));
}

/* Zeros in the tiles that fill up the last group of a chunk. */
static void clear_rest(struct buffer v, int blocks, int from) {
  int to = (from + GROUP - 1) / GROUP * GROUP;
  for (int p = 0; p < PLACES && from < to; p++)
    for (int b = 0; b < blocks; b++)
      memset(v.p + p * v.place + b * v.block + from * NSW_BLOCK, 0, (size_t)(to - from) * NSW_BLOCK * sizeof(float));
}

/* m[tile][16] = sum over channels of v[tile][c] * u[c][16], for PART tiles. */
NSW_INLINE void product_part(const float *v, ptrdiff_t block, const float *u, int cin, float *m) {
  vf acc[PART * NSW_BLOCK_VECS];
#pragma GCC unroll 32
  for (int i = 0; i < PART * NSW_BLOCK_VECS; i++) acc[i] = (vf){0};
  for (; cin > 0; cin -= NSW_BLOCK, v += block) {
    int n = cin < NSW_BLOCK ? cin : NSW_BLOCK;
    for (int c = 0; c < n; c++, u += NSW_BLOCK) {
      vf wv[NSW_BLOCK_VECS];
#pragma GCC unroll 8
      for (int l = 0; l < NSW_BLOCK_VECS; l++) wv[l] = vload(u + l * NSW_LANES);
#pragma GCC unroll 32
      for (int i = 0; i < PART; i++)
#pragma GCC unroll 8
        for (int l = 0; l < NSW_BLOCK_VECS; l++) acc[i * NSW_BLOCK_VECS + l] += v[i * NSW_BLOCK + c] * wv[l];
    }
  }
#pragma GCC unroll 32
  for (int i = 0; i < PART * NSW_BLOCK_VECS; i++) vstore(m + i * NSW_LANES, acc[i]);
}

static void product(const float *v, ptrdiff_t block, const float *u, int cin, float *m) {
  for (int i = 0; i < GROUP; i += PART) product_part(v + i * NSW_BLOCK, block, u, cin, m + i * NSW_BLOCK);
}

/* A' m A of one vector of channels: a tile of 2x2 outputs. */
NSW_INLINE void transform_output(const float *m, ptrdiff_t place, float *y, ptrdiff_t row, ptrdiff_t col, bool add) {
  vf t[2][4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++) {
    vf m0 = vload(m + j * place), m1 = vload(m + (4 + j) * place);
    vf m2 = vload(m + (8 + j) * place), m3 = vload(m + (12 + j) * place);
    t[0][j] = m0 + m1 + m2;
    t[1][j] = m1 - m2 - m3;
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; i++) {
    vf left = t[i][0] + t[i][1] + t[i][2], right = t[i][1] - t[i][2] - t[i][3];
    if (add) {
      left += vload(y + i * row);
      right += vload(y + i * row + col);
    }
    vstore(y + i * row, left);
    vstore(y + i * row + col, right);
  }
}

static void scatter_output(const struct nsw_wino_pass *p, const float *m, int first, int count, float *y) {
  struct place at = place_of(p, 2, first);
  for (int t = 0; t < count; t++, next_place(p, 2, &at)) {
    float *to = y + at.image * p->y_image + 2 * at.row * p->y_row + 2 * at.col * p->y_col;
#pragma GCC unroll 8
    for (int l = 0; l < NSW_BLOCK; l += NSW_LANES)
      transform_output(m + t * NSW_BLOCK + l, GROUP * NSW_BLOCK, to + l, p->y_row, p->y_col, p->add);
  }
}

void NSW_FN(nsw_wino_conv)(const struct nsw_wino_pass *pass, const float *x, const float *u, float *y, float *scratch) {
  const struct nsw_wino_pass p = *pass;
  const int depth = nsw_conv_blocks(p.cin), tiles = all_tiles(&p, 2), chunk = chunk_tiles(depth);
  const ptrdiff_t place = (ptrdiff_t)p.cin * NSW_BLOCK;
  float *m = scratch;
  struct buffer v = buffer_at(scratch + PLACES * GROUP * NSW_BLOCK, depth, chunk);
  for (int first = 0; first < tiles; first += chunk) {
    int count = least(chunk, tiles - first);
    gather_input(2, &p, x, first, count, depth, v);
    clear_rest(v, depth, count);
    for (int b = 0; b < p.blocks; b++)
      for (int g = 0; g < count; g += GROUP) {
        for (int k = 0; k < PLACES; k++)
          product(v.p + k * v.place + g * NSW_BLOCK, v.block, u + (b * PLACES + k) * place, p.cin,
                  m + k * GROUP * NSW_BLOCK);
        scatter_output(&p, m, first + g, least(GROUP, count - g), y + b * NSW_BLOCK);
      }
  }
}

/* u = G g G' of one vector; g is SQUARE floats from tap to tap. */
NSW_INLINE void transform_weights(const float *g, float *u, ptrdiff_t place, const int *order) {
  const vf half = vset(0.5f);
  vf t[4][3];
#pragma GCC unroll 3
  for (int j = 0; j < 3; j++) {
    vf g0 = vload(g + j * SQUARE), g1 = vload(g + (3 + j) * SQUARE), g2 = vload(g + (6 + j) * SQUARE);
    t[0][j] = g0;
    t[1][j] = half * (g0 + g2 + g1);
    t[2][j] = half * (g0 + g2 - g1);
    t[3][j] = g2;
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    vstore(u + order[4 * i] * place, t[i][0]);
    vstore(u + order[4 * i + 1] * place, half * (t[i][0] + t[i][2] + t[i][1]));
    vstore(u + order[4 * i + 2] * place, half * (t[i][0] + t[i][2] - t[i][1]));
    vstore(u + order[4 * i + 3] * place, t[i][2]);
  }
}

/* Where each place goes: as it is, or for a filter turned by half a turn, whose first and last rows and columns change
 * places while the middle ones stay. */
static const int straight[PLACES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const int turned[PLACES] = {15, 13, 14, 12, 7, 5, 6, 4, 11, 9, 10, 8, 3, 1, 2, 0};

/* Transforms rows of 16 channels: g[9][rows of 16] to u[places][..rows][16]. */
static void transform_rows(const float *g, int rows, float *u, ptrdiff_t place, const int *order) {
  for (int i = 0; i < rows * NSW_BLOCK; i += NSW_LANES) transform_weights(g + i, u + i, place, order);
}

void NSW_FN(nsw_wino_weights)(const float *w, int out, int in, float *u, float *back) {
  float by_out[NSW_MAX_TAPS * SQUARE], by_in[NSW_MAX_TAPS * SQUARE]; /* [tap][in][out] and [tap][out][in] */
  const ptrdiff_t place = (ptrdiff_t)in * NSW_BLOCK, back_place = (ptrdiff_t)out * NSW_BLOCK;
  for (int o = 0; o < out; o += NSW_BLOCK)
    for (int i = 0; i < in; i += NSW_BLOCK) {
      int outs = least(NSW_BLOCK, out - o), ins = least(NSW_BLOCK, in - i);
      if (outs < NSW_BLOCK) memset(by_out, 0, sizeof by_out);
      if (ins < NSW_BLOCK) memset(by_in, 0, sizeof by_in);
      for (int a = 0; a < outs; a++)
        for (int b = 0; b < ins; b++)
          for (int t = 0; t < NSW_MAX_TAPS; t++) {
            float v = w[((size_t)(o + a) * (size_t)in + (size_t)(i + b)) * NSW_MAX_TAPS + (size_t)t];
            by_out[t * SQUARE + b * NSW_BLOCK + a] = v;
            by_in[t * SQUARE + a * NSW_BLOCK + b] = v;
          }
      transform_rows(by_out, ins, u + o / NSW_BLOCK * PLACES * place + i * NSW_BLOCK, place, straight);
      if (back)
        transform_rows(by_in, outs, back + i / NSW_BLOCK * PLACES * back_place + o * NSW_BLOCK, back_place, turned);
    }
}
