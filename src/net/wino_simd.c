/* A chunk of tiles at a time: their inputs are transformed into a buffer that stays in the second cache, then one block
 * of output channels after the other takes the products of all places from it, a group of tiles at a time. What a group
 * gave is transformed back tile by tile between the products of the next one: the additions of the one and the
 * multiplications of the other go on side by side. */
#include "net/tiles.h"

enum {
  GROUP = 8, /* tiles that go through a product together */
  SQUARE = NSW_SQUARE,
  PART = NSW_BLOCK_SUMS < GROUP ? NSW_BLOCK_SUMS : GROUP /* tiles in registers at once */
};

/* Tiles of a chunk: as many as leave the transformed input in the second cache. */
static int chunk_tiles(int m, int blocks) {
  int tiles = 512 / blocks / GROUP * GROUP;
  return tiles < 2 * GROUP ? 2 * GROUP : least(tiles, nsw_wino_chunk(m));
}

/* Zeros in the tiles that fill up the last group of a chunk. */
static void clear_rest(int places, struct buffer v, int blocks, int from) {
  int to = (from + GROUP - 1) / GROUP * GROUP;
  for (int p = 0; p < places && from < to; p++)
    for (int b = 0; b < blocks; b++)
      memset(v.p + p * v.place + b * v.block + from * NSW_BLOCK, 0, (size_t)(to - from) * NSW_BLOCK * sizeof(float));
}

/* m[tile][16] = sum over channels of v[tile][c] * u[c][16], for PART tiles. */
NSW_INLINE void product_part(const float *v, ptrdiff_t block, const float *u, int cin, float *m) {
  vf acc[PART * NSW_BLOCK_VECS];
  NSW_EACH (i, PART * NSW_BLOCK_VECS) acc[i] = (vf){0};
  for (; cin > 0; cin -= NSW_BLOCK, v += block) {
    int n = cin < NSW_BLOCK ? cin : NSW_BLOCK;
    for (int c = 0; c < n; c++, u += NSW_BLOCK) {
      vf wv[NSW_BLOCK_VECS];
      NSW_EACH (l, NSW_BLOCK_VECS) wv[l] = vload(u + l * NSW_LANES);
      NSW_EACH (i, PART)
        NSW_EACH (l, NSW_BLOCK_VECS) acc[i * NSW_BLOCK_VECS + l] += v[i * NSW_BLOCK + c] * wv[l];
    }
  }
  NSW_EACH (i, PART * NSW_BLOCK_VECS) vstore(m + i * NSW_LANES, acc[i]);
}

static void product(const float *v, ptrdiff_t block, const float *u, int cin, float *m) {
  for (int i = 0; i < GROUP; i += PART) product_part(v + i * NSW_BLOCK, block, u, cin, m + i * NSW_BLOCK);
}

/* A' m of F(2, 3) and F(4, 3): outputs from places. */
NSW_INLINE void output_of_2(const vf m[4], vf y[2]) {
  y[0] = m[0] + m[1] + m[2];
  y[1] = m[1] - m[2] - m[3];
}

NSW_INLINE void output_of_4(const vf m[6], vf y[4]) {
  const vf half = vset(0.5f), root = vset(NSW_ROOT_HALF);
  vf near = m[1] + m[2], far = m[3] + m[4];
  y[0] = m[0] + near + far;
  y[2] = half * near + twice(far);
  near = m[1] - m[2];
  far = twice(m[3] - m[4]);
  y[1] = root * (near + far);
  y[3] = root * (half * near + twice(far)) + m[5];
}

/* A' m A of one vector of channels: a tile of m x 2 outputs. */
NSW_INLINE void transform_output(const int m, const float *from, ptrdiff_t place, float *y, ptrdiff_t row,
                                 ptrdiff_t col, bool add) {
  vf t[4][4], line[6], out[4];
  NSW_EACH (j, 4) {
    NSW_EACH (i, m + 2) line[i] = vload(from + (4 * i + j) * place);
    if (m == 2)
      output_of_2(line, out);
    else
      output_of_4(line, out);
    NSW_EACH (i, m) t[i][j] = out[i];
  }
  NSW_EACH (i, m) {
    output_of_2(t[i], out);
    if (add) {
      out[0] += vload(y + i * row);
      out[1] += vload(y + i * row + col);
    }
    vstore(y + i * row, out[0]);
    vstore(y + i * row + col, out[1]);
  }
}

/* A group's products on their way to y. */
struct output {
  float *m; /* [place][tile][16] */
  struct place at;
  int tile, count; /* next one, how many */
  float *y;        /* first pixels of the block */
};

NSW_INLINE void put_tile(const int m, const struct nsw_wino_pass *p, struct output *o) {
  if (o->tile == o->count) return;
  float *to = o->y + o->at.image * p->y_image + m * o->at.row * p->y_row + 2 * o->at.col * p->y_col;
  for (int l = 0; l < NSW_BLOCK; l += NSW_LANES)
    transform_output(m, o->m + o->tile * NSW_BLOCK + l, GROUP * NSW_BLOCK, to + l, p->y_row, p->y_col, p->add);
  next_place(p, m, 2, &o->at);
  o->tile++;
}

NSW_INLINE void conv(const int m, const struct nsw_wino_pass *p, const float *x, const float *u, float *y,
                     float *scratch) {
  const int depth = nsw_conv_blocks(p->cin), tiles = all_tiles(p, m, 2), chunk = chunk_tiles(m, depth);
  const int places = nsw_wino_places(m), turns = places / GROUP; /* products between two tiles put */
  const ptrdiff_t place = (ptrdiff_t)p->cin * NSW_BLOCK;
  struct buffer v = buffer_at(scratch + 2 * places * GROUP * NSW_BLOCK, depth, chunk);
  float *made = scratch, *next = scratch + places * GROUP * NSW_BLOCK;
  struct output out = {0};
  for (int first = 0; first < tiles; first += chunk) {
    int count = least(chunk, tiles - first);
    gather_input(m, 2, p, x, first, count, depth, v);
    clear_rest(places, v, depth, count);
    for (int b = 0; b < p->blocks; b++)
      for (int g = 0; g < count; g += GROUP) {
        for (int k = 0; k < places; k++) {
          product(v.p + k * v.place + g * NSW_BLOCK, v.block, u + (b * places + k) * place, p->cin,
                  made + k * GROUP * NSW_BLOCK);
          if (k % turns == 0) put_tile(m, p, &out);
        }
        out = (struct output){made, place_of(p, m, 2, first + g), 0, least(GROUP, count - g), y + b * NSW_BLOCK};
        made = next;
        next = out.m;
      }
  }
  while (out.tile < out.count) put_tile(m, p, &out);
}

void NSW_FN(nsw_wino_conv)(const struct nsw_wino_pass *pass, int m, const float *x, const float *u, float *y,
                           float *scratch) {
  const struct nsw_wino_pass p = *pass;
  if (m == 4)
    conv(4, &p, x, u, y, scratch);
  else
    conv(2, &p, x, u, y, scratch);
}

/* G g of F(2, 3) and F(4, 3). */
NSW_INLINE void weights_of_2(const vf g[3], vf u[4]) {
  const vf half = vset(0.5f);
  u[0] = g[0];
  u[1] = half * (g[0] + g[2] + g[1]);
  u[2] = half * (g[0] + g[2] - g[1]);
  u[3] = g[2];
}

NSW_INLINE void weights_of_4(const vf g[3], vf u[6]) {
  const vf near = vset(-2.0f / 3), far = vset(1.0f / 12);
  vf even = near * (g[0] + vset(0.5f) * g[2]), odd = near * vset(NSW_ROOT_HALF) * g[1];
  u[0] = g[0];
  u[1] = even + odd;
  u[2] = even - odd;
  even = far * (g[0] + vset(2) * g[2]);
  odd = far * vset(NSW_ROOT_TWO) * g[1];
  u[3] = even + odd;
  u[4] = even - odd;
  u[5] = g[2];
}

/* u = G g G' of one vector; g is SQUARE floats from tap to tap. */
NSW_INLINE void transform_weights(const int m, const float *g, float *u, ptrdiff_t place) {
  vf t[6][3], line[3], out[6];
  NSW_EACH (j, 3) {
    NSW_EACH (i, 3) line[i] = vload(g + (3 * i + j) * SQUARE);
    if (m == 2)
      weights_of_2(line, out);
    else
      weights_of_4(line, out);
    NSW_EACH (i, m + 2) t[i][j] = out[i];
  }
  NSW_EACH (i, m + 2) {
    weights_of_2(t[i], out);
    NSW_EACH (j, 4) vstore(u + (4 * i + j) * place, out[j]);
  }
}

/* Transforms rows of 16 channels: g[9][rows of 16] to u[places][..rows][16]. */
static void transform_rows(int m, const float *g, int rows, float *u, ptrdiff_t place) {
  for (int i = 0; i < rows * NSW_BLOCK; i += NSW_LANES)
    if (m == 4)
      transform_weights(4, g + i, u + i, place);
    else
      transform_weights(2, g + i, u + i, place);
}

void NSW_FN(nsw_wino_weights)(const float *w, int out, int in, int m, float *u, int back_m, float *back) {
  float by_out[NSW_MAX_TAPS * SQUARE], by_in[NSW_MAX_TAPS * SQUARE]; /* [tap][in][out]; turned: [tap][out][in] */
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
            by_in[(NSW_MAX_TAPS - 1 - t) * SQUARE + a * NSW_BLOCK + b] = v;
          }
      transform_rows(m, by_out, ins, u + o / NSW_BLOCK * nsw_wino_places(m) * place + i * NSW_BLOCK, place);
      if (back)
        transform_rows(back_m, by_in, outs, back + i / NSW_BLOCK * nsw_wino_places(back_m) * back_place + o * NSW_BLOCK,
                       back_place);
    }
}
