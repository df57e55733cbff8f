#include "net/tangent_pixel.h"
#include "net/view.h"

/* v where xhat is above 0, or where there is no ReLU; else 0. */
NSW_INLINE vf cut(vf v, vf xhat, vi keep) { return (vf)((vi)v & ((xhat > (vf){0}) | keep)); }

NSW_INLINE const float *at(struct nsw_plane x, int h, int i, int c) { return x.p + h * x.row + i * x.col + c; }

NSW_INLINE vf load_lanes(const float *p, int n) { return n == NSW_LANES ? vload(p) : vload_part(p, n); }

/* n lanes from channel c of one row of one input, added to what is in the row. */
NSW_INLINE void add_row(const struct nsw_dual *x, int h, int c, int n, bool first, float *to, int to_col) {
  vf scale = scale_of(&x->x, c, n), shift = shift_of(&x->x, c, n);
  for (int i = 0; i < x->dot.size; i++) {
    vf v = load_lanes(at(x->dot, h, i, c), n);
    if (x->x.relu) v = cut(v, load_lanes(at(x->x.plane, h, i, c), n) * scale + shift, (vi){0});
    if (!first) v += load_lanes(to + i * to_col, n);
    vstore_part(to + i * to_col, v, n);
  }
}

static void combine(const struct nsw_tangent_combine *m) {
  struct nsw_plane dst = m->dst;
  for (int h = 0; h < dst.size; h++) {
    float *row = dst.p + h * dst.row + m->first;
    for (int c = 0; c < m->count; c += NSW_LANES) {
      int n = m->count - c < NSW_LANES ? m->count - c : NSW_LANES;
      for (int k = 0; k < m->inputs; k++) add_row(&m->input[k], h, c, n, k == 0, row + c, dst.col);
    }
    for (int i = 0; i < dst.size && m->pad; i++) memset(row + i * dst.col + m->count, 0, (size_t)m->pad * sizeof *row);
  }
}

static void average(const struct nsw_dual *x, float *feature) {
  struct nsw_plane p = x->dot;
  vi keep = negatives(x->x.relu);
  for (int c = 0; c < p.col; c += NSW_LANES) {
    vf all = {0}, scale = scale_of(&x->x, c, NSW_LANES), shift = shift_of(&x->x, c, NSW_LANES);
    for (int h = 0; h < p.size; h++)
      for (int i = 0; i < p.size; i++)
        all += cut(vload(at(p, h, i, c)), vload(at(x->x.plane, h, i, c)) * scale + shift, keep);
    vstore(feature + c, all * vset(1.0f / (float)(p.size * p.size)));
  }
}

static void sums(const struct nsw_dual *x, struct nsw_plane g, struct nsw_plane gdot, float *total) {
  vi keep = negatives(x->x.relu);
  for (int c = 0; c < g.col; c += NSW_LANES) {
    vf all[4], scale = scale_of(&x->x, c, NSW_LANES), shift = shift_of(&x->x, c, NSW_LANES);
    for (int k = 0; k < 4; k++) all[k] = vload(total + k * g.col + c);
    for (int h = 0; h < g.size; h++) { /* row by row, which keeps rounding small */
      vf row[4] = {{0}, {0}, {0}, {0}};
      for (int i = 0; i < g.size; i++) {
        vf xhat = vload(at(x->x.plane, h, i, c)) * scale + shift;
        vf v = cut(vload(at(g, h, i, c)), xhat, keep), vdot = cut(vload(at(gdot, h, i, c)), xhat, keep);
        row[0] += v;
        row[1] += v * xhat;
        row[2] += vdot;
        row[3] += vdot * xhat + v * vload(at(x->dot, h, i, c));
      }
      for (int k = 0; k < 4; k++) all[k] += row[k];
    }
    for (int k = 0; k < 4; k++) vstore(total + k * g.col + c, all[k]);
  }
}

static void cut_only(const struct nsw_dual *x, struct nsw_plane g, struct nsw_plane gdot, struct nsw_plane d,
                     struct nsw_plane ddot) {
  vi keep = negatives(x->x.relu);
  for (int h = 0; h < g.size; h++)
    for (int i = 0; i < g.size; i++)
      for (int c = 0; c < g.col; c += NSW_LANES) {
        vf raw = vload(at(x->x.plane, h, i, c));
        vstore(d.p + h * d.row + i * d.col + c, cut(vload(at(g, h, i, c)), raw, keep));
        vstore(ddot.p + h * ddot.row + i * ddot.col + c, cut(vload(at(gdot, h, i, c)), raw, keep));
      }
}

static void backward(const struct nsw_dual *x, struct nsw_plane g, struct nsw_plane gdot, const float *means,
                     const float *c_of, struct nsw_plane d, struct nsw_plane ddot) {
  vi keep = negatives(x->x.relu);
  if (!x->x.scale) {
    cut_only(x, g, gdot, d, ddot);
    return;
  }
  for (int c = 0; c < g.col; c += NSW_LANES) {
    vf m[4], minus = vload(c_of + c), scale = vload(x->x.scale + c), shift = vload(x->x.shift + c);
    for (int k = 0; k < 4; k++) m[k] = vload(means + k * g.col + c);
    for (int h = 0; h < g.size; h++)
      for (int i = 0; i < g.size; i++) {
        vf xhat = vload(at(x->x.plane, h, i, c)) * scale + shift;
        vf v = cut(vload(at(g, h, i, c)), xhat, keep), vdot = cut(vload(at(gdot, h, i, c)), xhat, keep);
        vf back = scale * (v - m[0] - xhat * m[1]);
        vf dot = scale * (vdot - m[2] - vload(at(x->dot, h, i, c)) * m[1] - xhat * m[3]);
        vstore(d.p + h * d.row + i * d.col + c, back);
        vstore(ddot.p + h * ddot.row + i * ddot.col + c, dot - minus * back);
      }
  }
}

const struct nsw_tangent_kernels NSW_FN(nsw_tangent) = {
    .combine = combine,
    .average = average,
    .sums = sums,
    .backward = backward,
};
