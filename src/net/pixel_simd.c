#include "net/pixel.h"
#include "net/view.h"

/* One vector of channels (n lanes from c) of one row of pixels; K inputs, a constant where this is inlined. */
NSW_INLINE void combine_row(const struct nsw_combine *m, const int K, int h, int c, int n) {
  vf scale[NSW_MAX_INPUTS], shift[NSW_MAX_INPUTS];
  vi keep[NSW_MAX_INPUTS];
  const float *from[NSW_MAX_INPUTS];
  const int size = m->dst.p ? m->dst.size : m->relu.size;
  float *d = m->dst.p ? m->dst.p + h * m->dst.row + m->first + c : NULL;
  float *r = m->relu.p ? m->relu.p + h * m->relu.row + m->first + c : NULL;
  for (int k = 0; k < K; k++) {
    const struct nsw_view *x = &m->input[k];
    scale[k] = scale_of(x, c, n);
    shift[k] = shift_of(x, c, n);
    keep[k] = negatives(x->relu);
    from[k] = x->plane.p + h * x->plane.row + c;
  }
  for (int i = 0; i < size; i++) {
    vf sum = {0};
    for (int k = 0; k < K; k++) {
      const float *p = from[k] + i * m->input[k].plane.col;
      sum += view(n == NSW_LANES ? vload(p) : vload_part(p, n), scale[k], shift[k], keep[k]);
    }
    if (d) vstore_part(d + i * m->dst.col, sum, n);
    if (r) vstore_part(r + i * m->relu.col, vrelu(sum), n);
  }
}

/* Zeros behind the channels that were filled. */
static void clear_behind(struct nsw_plane plane, int from, int pad) {
  if (!plane.p || !pad) return;
  for (int h = 0; h < plane.size; h++)
    for (int i = 0; i < plane.size; i++)
      for (int c = 0; c < pad; c++) plane.p[h * plane.row + i * plane.col + from + c] = 0;
}

NSW_INLINE void combine_rows(const struct nsw_combine *m, const int K, int c, const int n) {
  const int size = m->dst.p ? m->dst.size : m->relu.size;
  for (int h = 0; h < size; h++) combine_row(m, K, h, c, n);
}

static void combine(const struct nsw_combine *m) {
  for (int c = 0; c < m->count; c += NSW_LANES) {
    int left = m->count - c;
    if (left < NSW_LANES)
      combine_rows(m, m->inputs, c, left);
    else if (m->inputs == 1)
      combine_rows(m, 1, c, NSW_LANES);
    else if (m->inputs == 2)
      combine_rows(m, 2, c, NSW_LANES);
    else if (m->inputs == 3)
      combine_rows(m, 3, c, NSW_LANES);
    else
      combine_rows(m, m->inputs, c, NSW_LANES);
  }
  clear_behind(m->dst, m->first + m->count, m->pad);
  clear_behind(m->relu, m->first + m->count, m->pad);
}

/* Sums go row by row into a total, which keeps float's rounding small over a thousand pixels; and a row goes in four
 * sums side by side, so that one addition need not wait for another. */
enum { SIDE = 4 };

NSW_INLINE vf side_total(const vf part[SIDE]) { return (part[0] + part[1]) + (part[2] + part[3]); }

static void sum(struct nsw_plane x, float *total) {
  for (int c = 0; c < x.col; c += NSW_LANES) {
    vf all = vload(total + c);
    for (int h = 0; h < x.size; h++) {
      vf row[SIDE] = {{0}};
      const float *p = x.p + h * x.row + c;
      int i = 0;
      for (; i + SIDE <= x.size; i += SIDE)
        NSW_EACH (k, SIDE) row[k] += vload(p + (i + k) * x.col);
      for (; i < x.size; i++) row[0] += vload(p + i * x.col);
      all += side_total(row);
    }
    vstore(total + c, all);
  }
}

NSW_INLINE void add_square(const float *p, vf mean, vf *sum) {
  vf d = vload(p) - mean;
  *sum += d * d;
}

static void square(struct nsw_plane x, const float *mean, float *total) {
  for (int c = 0; c < x.col; c += NSW_LANES) {
    vf all = vload(total + c), m = vload(mean + c);
    for (int h = 0; h < x.size; h++) {
      vf row[SIDE] = {{0}};
      const float *p = x.p + h * x.row + c;
      int i = 0;
      for (; i + SIDE <= x.size; i += SIDE)
        NSW_EACH (k, SIDE) add_square(p + (i + k) * x.col, m, &row[k]);
      for (; i < x.size; i++) add_square(p + i * x.col, m, &row[0]);
      all += side_total(row);
    }
    vstore(total + c, all);
  }
}

NSW_INLINE void add_slope(const float *x, const float *g, vf scale, vf shift, vi keep, vf *sum_g, vf *sum_gx) {
  vf xhat = vload(x) * scale + shift;
  vf v = (vf)((vi)vload(g) & ((xhat > (vf){0}) | keep));
  *sum_g += v;
  *sum_gx += v * xhat;
}

static void norm_sums(const struct nsw_view *x, struct nsw_plane g, float *sum_g, float *sum_gx) {
  vi keep = negatives(x->relu);
  for (int c = 0; c < g.col; c += NSW_LANES) {
    vf all_g = vload(sum_g + c), all_gx = vload(sum_gx + c);
    vf scale = vload(x->scale + c), shift = vload(x->shift + c);
    for (int h = 0; h < g.size; h++) {
      vf row_g[SIDE] = {{0}}, row_gx[SIDE] = {{0}};
      const float *px = x->plane.p + h * x->plane.row + c, *pg = g.p + h * g.row + c;
      int i = 0;
      for (; i + SIDE <= g.size; i += SIDE)
        NSW_EACH (k, SIDE)
          add_slope(px + (i + k) * x->plane.col, pg + (i + k) * g.col, scale, shift, keep, &row_g[k], &row_gx[k]);
      for (; i < g.size; i++)
        add_slope(px + i * x->plane.col, pg + i * g.col, scale, shift, keep, &row_g[0], &row_gx[0]);
      all_g += side_total(row_g);
      all_gx += side_total(row_gx);
    }
    vstore(sum_g + c, all_g);
    vstore(sum_gx + c, all_gx);
  }
}

static void norm_backward(const struct nsw_view *x, struct nsw_plane g, const float *mean_g, const float *mean_gx,
                          struct nsw_plane d) {
  vi keep = negatives(x->relu);
  bool norm = x->scale != NULL;
  for (int c = 0; c < g.col; c += NSW_LANES) {
    vf scale = norm ? vload(x->scale + c) : vset(1), shift = norm ? vload(x->shift + c) : (vf){0};
    vf mg = norm ? vload(mean_g + c) : (vf){0}, mgx = norm ? vload(mean_gx + c) : (vf){0};
    for (int h = 0; h < g.size; h++)
      for (int i = 0; i < g.size; i++) {
        vf xhat = vload(x->plane.p + h * x->plane.row + i * x->plane.col + c) * scale + shift;
        vf v = vload(g.p + h * g.row + i * g.col + c);
        v = (vf)((vi)v & ((xhat > (vf){0}) | keep));
        vstore(d.p + h * d.row + i * d.col + c, scale * (v - mg - xhat * mgx));
      }
  }
}

/* ---- with gamma and beta ---- */

NSW_INLINE void add_affine_slope(const float *x, const float *g, const vf look[4], vi keep, vf *sum_g, vf *sum_gx) {
  vf raw = vload(x), y = raw * look[0] + look[1];
  vf v = (vf)((vi)vload(g) & ((y > (vf){0}) | keep));
  *sum_g += v;
  *sum_gx += v * (raw * look[2] + look[3]);
}

/* Scale and shift as read, and of xhat, of the channels from c on. */
NSW_INLINE void load_looks(const struct nsw_view *x, const float *hat, int col, int c, vf look[4]) {
  look[0] = vload(x->scale + c);
  look[1] = vload(x->shift + c);
  look[2] = vload(hat + c);
  look[3] = vload(hat + col + c);
}

static void affine_sums(const struct nsw_view *x, const float *hat, struct nsw_plane g, float *sum_g, float *sum_gx) {
  vi keep = negatives(x->relu);
  for (int c = 0; c < g.col; c += NSW_LANES) {
    vf all_g = vload(sum_g + c), all_gx = vload(sum_gx + c), look[4];
    load_looks(x, hat, g.col, c, look);
    for (int h = 0; h < g.size; h++) {
      vf row_g[SIDE] = {{0}}, row_gx[SIDE] = {{0}};
      const float *px = x->plane.p + h * x->plane.row + c, *pg = g.p + h * g.row + c;
      int i = 0;
      for (; i + SIDE <= g.size; i += SIDE)
        NSW_EACH (k, SIDE) {
          __builtin_prefetch(px + (i + k) * x->plane.col + NSW_AHEAD * x->plane.row);
          add_affine_slope(px + (i + k) * x->plane.col, pg + (i + k) * g.col, look, keep, &row_g[k], &row_gx[k]);
        }
      for (; i < g.size; i++)
        add_affine_slope(px + i * x->plane.col, pg + i * g.col, look, keep, &row_g[0], &row_gx[0]);
      all_g += side_total(row_g);
      all_gx += side_total(row_gx);
    }
    vstore(sum_g + c, all_g);
    vstore(sum_gx + c, all_gx);
  }
}

static void affine_backward(const struct nsw_view *x, const float *hat, struct nsw_plane g, const float *mean_g,
                            const float *mean_gx, struct nsw_plane d) {
  vi keep = negatives(x->relu);
  for (int c = 0; c < g.col; c += NSW_LANES) {
    vf look[4], mg = vload(mean_g + c), mgx = vload(mean_gx + c);
    load_looks(x, hat, g.col, c, look);
    for (int h = 0; h < g.size; h++)
      for (int i = 0; i < g.size; i++) {
        vf raw = vload(x->plane.p + h * x->plane.row + i * x->plane.col + c);
        vf y = raw * look[0] + look[1], v = vload(g.p + h * g.row + i * g.col + c);
        v = (vf)((vi)v & ((y > (vf){0}) | keep));
        vstore(d.p + h * d.row + i * d.col + c, look[0] * (v - mg - (raw * look[2] + look[3]) * mgx));
      }
  }
}

static void relu_backward(struct nsw_plane g, struct nsw_plane r, struct nsw_plane gr, struct nsw_plane d) {
  for (int h = 0; h < d.size; h++)
    for (int i = 0; i < d.size; i++)
      for (int c = 0; c < d.col; c += NSW_LANES) {
        vf open = vload(r.p + h * r.row + i * r.col + c);
        vf v = (vf)((vi)vload(gr.p + h * gr.row + i * gr.col + c) & (open > (vf){0}));
        if (g.p) v += vload(g.p + h * g.row + i * g.col + c);
        vstore(d.p + h * d.row + i * d.col + c, v);
      }
}

static void spread(struct nsw_plane src, int first, int count, struct nsw_plane dst, bool add) {
  for (int h = 0; h < dst.size; h++)
    for (int i = 0; i < dst.size; i++) {
      const float *s = src.p + h * src.row + i * src.col + first;
      float *d = dst.p + h * dst.row + i * dst.col;
      for (int c = 0; c < count; c += NSW_LANES) {
        int n = count - c < NSW_LANES ? count - c : NSW_LANES;
        vf v = n == NSW_LANES ? vload(s + c) : vload_part(s + c, n);
        if (add) v += vload_part(d + c, n);
        vstore_part(d + c, v, n);
      }
      for (int c = count; c < dst.col && !add; c++) d[c] = 0;
    }
}

static void average(const struct nsw_view *x, float *feature) {
  struct nsw_plane p = x->plane;
  vi keep = negatives(x->relu);
  for (int c = 0; c < p.col; c += NSW_LANES) {
    vf all = {0}, scale = scale_of(x, c, NSW_LANES), shift = shift_of(x, c, NSW_LANES);
    for (int h = 0; h < p.size; h++)
      for (int i = 0; i < p.size; i++) all += view(vload(p.p + h * p.row + i * p.col + c), scale, shift, keep);
    vstore(feature + c, all * vset(1.0f / (float)(p.size * p.size)));
  }
}

const struct nsw_pixel_kernels NSW_FN(nsw_pixel) = {
    .combine = combine,
    .sum = sum,
    .square = square,
    .norm_sums = norm_sums,
    .norm_backward = norm_backward,
    .affine_sums = affine_sums,
    .affine_backward = affine_backward,
    .relu_backward = relu_backward,
    .spread = spread,
    .avgpool3 = NSW_FN(nsw_avgpool3),
    .maxpool3 = NSW_FN(nsw_maxpool3),
    .avgpool2 = NSW_FN(nsw_avgpool2),
    .maxpool2 = NSW_FN(nsw_maxpool2),
    .avgpool3_backward = NSW_FN(nsw_avgpool3_backward),
    .maxpool3_backward = NSW_FN(nsw_maxpool3_backward),
    .avgpool2_backward = NSW_FN(nsw_avgpool2_backward),
    .maxpool2_backward = NSW_FN(nsw_maxpool2_backward),
    .pick3 = NSW_FN(nsw_pick3),
    .pick2 = NSW_FN(nsw_pick2),
    .average = average,
};
