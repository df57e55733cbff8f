/* Pooling over 3x3 (stride 1, a border of what is not there) and 2x2 (stride 2). */
#include "net/pixel.h"
#include "net/vec.h"

typedef uint8_t vb __attribute__((vector_size(NSW_LANES)));

NSW_INLINE float *pixel(struct nsw_plane x, int h, int w) { return x.p + h * x.row + (ptrdiff_t)w * x.col; }

/* First and last offset of a 3-wide window at place i that stay inside 0..size-1. */
NSW_INLINE int low(int i) { return i > 0 ? -1 : 0; }
NSW_INLINE int high(int i, int size) { return i + 1 < size ? 1 : 0; }

/* 1 / number of pixels of the window at (h, w) that are there. */
NSW_INLINE float share(int h, int w, int size) {
  return 1.0f / (float)((high(h, size) - low(h) + 1) * (high(w, size) - low(w) + 1));
}

void NSW_FN(nsw_avgpool3)(struct nsw_plane x, struct nsw_plane y, uint8_t *which) {
  (void)which;
  for (int h = 0; h < y.size; h++)
    for (int w = 0; w < y.size; w++)
      for (int c = 0; c < y.col; c += NSW_LANES) {
        vf sum = {0};
        for (int a = low(h); a <= high(h, x.size); a++)
          for (int b = low(w); b <= high(w, x.size); b++) sum += vload(pixel(x, h + a, w + b) + c);
        vstore(pixel(y, h, w) + c, sum * share(h, w, y.size));
      }
}

void NSW_FN(nsw_avgpool3_backward)(struct nsw_plane dy, struct nsw_plane dx, const uint8_t *which, bool add) {
  (void)which;
  for (int h = 0; h < dx.size; h++)
    for (int w = 0; w < dx.size; w++)
      for (int c = 0; c < dx.col; c += NSW_LANES) {
        float *d = pixel(dx, h, w) + c;
        vf sum = add ? vload(d) : (vf){0};
        for (int a = low(h); a <= high(h, dx.size); a++)
          for (int b = low(w); b <= high(w, dx.size); b++)
            sum += vload(pixel(dy, h + a, w + b) + c) * share(h + a, w + b, dx.size);
        vstore(d, sum);
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
