/* Pooling over 3x3 (stride 1, a border of what is not there) and 2x2 (stride 2). */
#include "base/vec.h"
#include "net/pixel.h"

NSW_INLINE float *pixel(struct nsw_plane x, int h, int w) { return x.p + h * x.row + (ptrdiff_t)w * x.col; }

/* First and last offset of a 3-wide window at place i that stay inside 0..size-1. */
NSW_INLINE int low(int i) { return i > 0 ? -1 : 0; }
NSW_INLINE int high(int i, int size) { return i + 1 < size ? 1 : 0; }

/* 1 / number of places of the window at i that are there; a window's share is that of its row times its column's. */
NSW_INLINE float share(int i, int size) { return 1.0f / (float)(high(i, size) - low(i) + 1); }

/* A row and its two neighbours, each with a weight; a neighbour that is not there is the row itself with weight 0. */
struct three_rows {
  const float *p[3];
  float weight[3];
};

NSW_INLINE struct three_rows rows_around(struct nsw_plane x, int h) {
  return (struct three_rows){{pixel(x, h + low(h), 0), pixel(x, h, 0), pixel(x, h + high(h, x.size), 0)},
                             {h > 0 ? 1.0f : 0.0f, 1.0f, h + 1 < x.size ? 1.0f : 0.0f}};
}

NSW_INLINE vf column(const struct three_rows *r, ptrdiff_t at) {
  return vload(r->p[0] + at) * r->weight[0] + vload(r->p[1] + at) * r->weight[1] + vload(r->p[2] + at) * r->weight[2];
}

/* Window by window along a row, each the sum of three columns of which two are known already. */
void NSW_FN(nsw_avgpool3)(struct nsw_plane x, struct nsw_plane y, uint8_t *which) {
  (void)which;
  for (int h = 0; h < y.size; h++) {
    const struct three_rows r = rows_around(x, h);
    const float inner = share(h, y.size) * (1.0f / 3), first = share(h, y.size) * share(0, y.size);
    for (int c = 0; c < y.col; c += NSW_LANES) {
      float *d = pixel(y, h, 0) + c;
      vf left = {0}, middle = column(&r, c);
      for (int w = 0; w + 1 < y.size; w++, d += y.col) {
        vf right = column(&r, (ptrdiff_t)(w + 1) * x.col + c);
        vstore(d, (left + middle + right) * (w ? inner : first));
        left = middle;
        middle = right;
      }
      vstore(d, (left + middle) * first);
    }
  }
}

/* Likewise, with what each window at the border hands out. */
void NSW_FN(nsw_avgpool3_backward)(struct nsw_plane dy, struct nsw_plane dx, const uint8_t *which, bool add) {
  (void)which;
  const int size = dx.size;
  const float edge = share(0, size);
  for (int h = 0; h < size; h++) {
    struct three_rows r = rows_around(dy, h);
    for (int a = low(h); a <= high(h, size); a++) r.weight[a + 1] = share(h + a, size);
    for (int c = 0; c < dx.col; c += NSW_LANES) {
      float *d = pixel(dx, h, 0) + c;
      vf left = {0}, middle = column(&r, c) * edge;
      for (int w = 0; w < size; w++, d += dx.col) {
        vf right = {0};
        if (w + 1 < size) right = column(&r, (ptrdiff_t)(w + 1) * dy.col + c) * (w + 2 < size ? 1.0f / 3 : edge);
        vf sum = left + middle + right;
        vstore(d, add ? vload(d) + sum : sum);
        left = middle;
        middle = right;
      }
    }
  }
}

NSW_INLINE void store_which(uint8_t *which, vi place) {
  vb bytes = __builtin_convertvector(place, vb);
  memcpy(which, &bytes, sizeof bytes);
}

NSW_INLINE vi load_which(const uint8_t *which) {
  vb bytes;
  memcpy(&bytes, which, sizeof bytes);
  return __builtin_convertvector(bytes, vi);
}

/* Keeps the larger of best and v; equal ones leave the earlier, as PyTorch's do. */
NSW_INLINE void keep_max(vf v, int place, vf *best, vi *where, bool first) {
  vi better = first ? ~(vi){0} : v > *best;
  *best = vselect(better, v, *best);
  *where = (better & (place - (vi){0})) | (~better & *where);
}

void NSW_FN(nsw_maxpool3)(struct nsw_plane x, struct nsw_plane y, uint8_t *which) {
  for (int h = 0; h < y.size; h++)
    for (int w = 0; w < y.size; w++)
      for (int c = 0; c < y.col; c += NSW_LANES) {
        vf best = {0};
        vi where = {0};
        bool first = true;
        for (int a = low(h); a <= high(h, x.size); a++)
          for (int b = low(w); b <= high(w, x.size); b++) {
            keep_max(vload(pixel(x, h + a, w + b) + c), (a + 1) * 3 + b + 1, &best, &where, first);
            first = false;
          }
        vstore(pixel(y, h, w) + c, best);
        store_which(which + ((ptrdiff_t)h * y.size + w) * y.col + c, where);
      }
}

void NSW_FN(nsw_maxpool3_backward)(struct nsw_plane dy, struct nsw_plane dx, const uint8_t *which, bool add) {
  for (int h = 0; h < dx.size; h++)
    for (int w = 0; w < dx.size; w++)
      for (int c = 0; c < dx.col; c += NSW_LANES) {
        float *d = pixel(dx, h, w) + c;
        vf sum = add ? vload(d) : (vf){0};
        for (int a = low(h); a <= high(h, dx.size); a++)
          for (int b = low(w); b <= high(w, dx.size); b++) {
            /* The window at (h + a, w + b) holds this pixel at the opposite place. */
            int place = (1 - a) * 3 + 1 - b;
            vi chosen = load_which(which + ((ptrdiff_t)(h + a) * dy.size + w + b) * dy.col + c) == place - (vi){0};
            sum += (vf)((vi)vload(pixel(dy, h + a, w + b) + c) & chosen);
          }
        vstore(d, sum);
      }
}

void NSW_FN(nsw_pick3)(struct nsw_plane x, struct nsw_plane y, const uint8_t *which) {
  for (int h = 0; h < y.size; h++)
    for (int w = 0; w < y.size; w++)
      for (int c = 0; c < y.col; c += NSW_LANES) {
        vi where = load_which(which + ((ptrdiff_t)h * y.size + w) * y.col + c);
        vf picked = {0};
        for (int a = low(h); a <= high(h, x.size); a++)
          for (int b = low(w); b <= high(w, x.size); b++) {
            int place = (a + 1) * 3 + b + 1;
            picked = vselect(where == place - (vi){0}, vload(pixel(x, h + a, w + b) + c), picked);
          }
        vstore(pixel(y, h, w) + c, picked);
      }
}

void NSW_FN(nsw_pick2)(struct nsw_plane x, struct nsw_plane y, const uint8_t *which) {
  for (int h = 0; h < y.size; h++)
    for (int w = 0; w < y.size; w++)
      for (int c = 0; c < y.col; c += NSW_LANES) {
        vi where = load_which(which + ((ptrdiff_t)h * y.size + w) * y.col + c);
        vf picked = {0};
        for (int k = 0; k < 4; k++)
          picked = vselect(where == k - (vi){0}, vload(pixel(x, 2 * h + k / 2, 2 * w + k % 2) + c), picked);
        vstore(pixel(y, h, w) + c, picked);
      }
}

void NSW_FN(nsw_avgpool2)(struct nsw_plane x, struct nsw_plane y, uint8_t *which) {
  (void)which;
  for (int h = 0; h < y.size; h++)
    for (int w = 0; w < y.size; w++)
      for (int c = 0; c < y.col; c += NSW_LANES) {
        vf top = vload(pixel(x, 2 * h, 2 * w) + c) + vload(pixel(x, 2 * h, 2 * w + 1) + c);
        vf bottom = vload(pixel(x, 2 * h + 1, 2 * w) + c) + vload(pixel(x, 2 * h + 1, 2 * w + 1) + c);
        vstore(pixel(y, h, w) + c, (top + bottom) * 0.25f);
      }
}

void NSW_FN(nsw_avgpool2_backward)(struct nsw_plane dy, struct nsw_plane dx, const uint8_t *which, bool add) {
  (void)which;
  for (int h = 0; h < dx.size; h++)
    for (int w = 0; w < dx.size; w++)
      for (int c = 0; c < dx.col; c += NSW_LANES) {
        float *d = pixel(dx, h, w) + c;
        vf v = vload(pixel(dy, h / 2, w / 2) + c) * 0.25f;
        vstore(d, add ? vload(d) + v : v);
      }
}

void NSW_FN(nsw_maxpool2)(struct nsw_plane x, struct nsw_plane y, uint8_t *which) {
  for (int h = 0; h < y.size; h++)
    for (int w = 0; w < y.size; w++)
      for (int c = 0; c < y.col; c += NSW_LANES) {
        vf best = {0};
        vi where = {0};
        for (int k = 0; k < 4; k++)
          keep_max(vload(pixel(x, 2 * h + k / 2, 2 * w + k % 2) + c), k, &best, &where, k == 0);
        vstore(pixel(y, h, w) + c, best);
        store_which(which + ((ptrdiff_t)h * y.size + w) * y.col + c, where);
      }
}

void NSW_FN(nsw_maxpool2_backward)(struct nsw_plane dy, struct nsw_plane dx, const uint8_t *which, bool add) {
  for (int h = 0; h < dx.size; h++)
    for (int w = 0; w < dx.size; w++)
      for (int c = 0; c < dx.col; c += NSW_LANES) {
        float *d = pixel(dx, h, w) + c;
        int place = h % 2 * 2 + w % 2;
        vi chosen = load_which(which + ((ptrdiff_t)(h / 2) * dy.size + w / 2) * dy.col + c) == place - (vi){0};
        vf v = (vf)((vi)vload(pixel(dy, h / 2, w / 2) + c) & chosen);
        vstore(d, add ? vload(d) + v : v);
      }
}
