#include "net/tangent.h"

#include <cblas.h>
#include <math.h>

#include "net/engine_state.h"

/* The slot of an image's tangents. */
static int dot_of(const struct nsw_engine *e, int slot) { return e->images + slot; }

static struct nsw_dual dual_of(const struct nsw_engine *e, int t, int slot) {
  return (struct nsw_dual){.x = input_of(e, t, slot), .dot = value_plane(e, t, dot_of(e, slot))};
}

/* Minus the relative tangent of a normalisation's scale; for a convolution's, that of t times the scale. Kept where
 * the first tangent's scale would be. */
static float *scale_tangent(const struct nsw_engine *e, int t) { return stats_of(e, t, dot_of(e, 0)); }

static bool is_conv(const struct nsw_engine *e, int t) {
  return e->net->layer[e->net->tensor[t].producer].kind == NSW_LAYER_CONV;
}

/* ---- forward ---- */

/* xhatdot in place of ydot: s (ydot - mean ydot - xhat mean(xhat ydot)). A convolution's own output y, left out of
 * ydot, would add (1 - (1 - eps s^2)) xhat: eps s^2 xhat. */
static void normalise_tangent(struct nsw_engine *e, int t) {
  int n = e->images, col = e->place.tensor[t].col, size = e->net->tensor[t].size;
  float *mean = e->scratch.p, *along = mean + col, pixels = (float)n * (float)(size * size);
  float *c = scale_tangent(e, t), own = is_conv(e, t) ? (float)NSW_NORM_EPS : 0.0f;
  memset(mean, 0, 2 * (size_t)col * sizeof *mean);
  for (int s = 0; s < n; s++) {
    struct nsw_dual x = dual_of(e, t, s);
    x.x.relu = false;
    e->pixel->norm_sums(&x.x, x.dot, mean, along);
  }
  const float *scale = stats_of(e, t, 0);
  for (int k = 0; k < col; k++) {
    mean[k] /= pixels;
    along[k] = along[k] / pixels - own * scale[k];
    c[k] = scale[k] * along[k];
  }
  for (int s = 0; s < n; s++) {
    struct nsw_dual x = dual_of(e, t, s);
    x.x.relu = false;
    e->pixel->norm_backward(&x.x, x.dot, mean, along, x.dot);
  }
}

/* ydot = W xdot, and y where no normalisation follows. The images' tangent is zero. */
static void conv_tangent(struct nsw_engine *e, int i) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_tensor *y = &e->net->tensor[l->dst];
  int n = e->images, col = e->place.tensor[l->dst].col;
  nsw_forward_conv(e, i, 0, 0, l->src == 0 ? n : 2 * n);
  for (int s = 0; s < n; s++) {
    struct nsw_plane dot = value_plane(e, l->dst, dot_of(e, s));
    for (int h = 0; h < y->size && l->src == 0; h++)
      memset(dot.p + h * dot.row, 0, (size_t)y->size * (size_t)dot.col * sizeof *dot.p);
    if (!y->norm) e->pixel->spread(value_plane(e, l->dst, s), 0, col, dot, true);
  }
}

static void combine_tangent(struct nsw_engine *e, int i, int slot) {
  const struct nsw_layer *l = &e->net->layer[i];
  int made = l->dst >= 0 ? l->dst : l->relu_dst, channels = e->net->tensor[made].channels;
  struct nsw_tangent_combine m = {.inputs = l->terms,
                                  .dst = value_plane(e, made, dot_of(e, slot)),
                                  .first = l->first,
                                  .count = l->count,
                                  .pad = l->first + l->count == channels ? e->place.tensor[made].col - channels : 0};
  for (int k = 0; k < l->terms; k++) m.input[k] = dual_of(e, l->term[k], slot);
  e->tangent->combine(&m);
  if (e->place.tensor[made].frame && l->first == 0) nsw_clear_frame(m.dst);
  if (l->relu_dst < 0) return;
  struct nsw_plane open = value_plane(e, l->relu_dst, slot), relu = value_plane(e, l->relu_dst, dot_of(e, slot));
  e->pixel->relu_backward((struct nsw_plane){0}, open, m.dst, relu);
  if (e->place.tensor[l->relu_dst].frame) nsw_clear_frame(relu);
}

static void pool_tangent(struct nsw_engine *e, int i) {
  const struct nsw_layer *l = &e->net->layer[i];
  nsw_pick_fn *pick = l->kind == NSW_LAYER_MAXPOOL3   ? e->pixel->pick3
                      : l->kind == NSW_LAYER_MAXPOOL2 ? e->pixel->pick2
                                                      : NULL;
  nsw_forward_pool(e, i, 0, pick ? e->images : 2 * e->images);
  for (int s = 0; s < e->images && pick; s++) {
    struct nsw_plane dot = value_plane(e, l->dst, dot_of(e, s));
    pick(value_plane(e, l->src, dot_of(e, s)), dot, which_of(e, i, s));
    if (e->place.tensor[l->dst].frame) nsw_clear_frame(dot);
  }
}

static void layer_tangent(struct nsw_engine *e, int i) {
  const struct nsw_layer *l = &e->net->layer[i];
  if (l->kind == NSW_LAYER_CONV) {
    conv_tangent(e, i);
  } else if (l->kind == NSW_LAYER_COMBINE) {
    nsw_forward_combine(e, i, 0, e->images);
    for (int s = 0; s < e->images; s++) combine_tangent(e, i, s);
  } else {
    pool_tangent(e, i);
  }
  nsw_forward_norm(e, l->dst, e->images);
  if (l->dst >= 0 && e->net->tensor[l->dst].norm) normalise_tangent(e, l->dst);
}

/* ---- head ---- */

/* With p the softmax and zdot = W fdot + W f: the row of slopes behind the images' becomes the tangent of t times the
 * slope, (diag p - p p') zdot + p - onehot. */
static void head_tangent(struct nsw_engine *e, int image) {
  const struct nsw_net *net = e->net;
  size_t n = (size_t)image, dot = (size_t)dot_of(e, image), classes = (size_t)net->classes;
  size_t channels = (size_t)net->feature_channels;
  const float *f = e->features.p + n * channels, *z = e->logits.p + n * classes, *slope = e->slopes.p + n * classes;
  float *fdot = e->features.p + dot * channels, *zdot = e->logits.p + dot * classes;
  struct nsw_dual x = dual_of(e, net->features, image);
  e->tangent->average(&x, e->scratch.p);
  memcpy(fdot, e->scratch.p, channels * sizeof *fdot);
  cblas_sgemv(CblasRowMajor, CblasNoTrans, net->classes, net->feature_channels, 1.0f, e->head.p, net->feature_channels,
              f, 1, 0.0f, zdot, 1);
  cblas_sgemv(CblasRowMajor, CblasNoTrans, net->classes, net->feature_channels, 1.0f, e->head.p, net->feature_channels,
              fdot, 1, 1.0f, zdot, 1);
  double top = z[0], sum = 0, mean = 0;
  for (size_t k = 1; k < classes; k++) top = z[k] > top ? z[k] : top;
  for (size_t k = 0; k < classes; k++) sum += exp(z[k] - top);
  for (size_t k = 0; k < classes; k++) mean += exp(z[k] - top) / sum * zdot[k];
  for (size_t k = 0; k < classes; k++)
    e->slopes.p[dot * classes + k] = (float)(exp(z[k] - top) / sum * (zdot[k] - mean) + slope[k]);
}

/* The tangent of t times the classifier's gradient: its slopes' times f, and slopes times fdot. */
static void head_gradient(struct nsw_engine *e) {
  const struct nsw_net *net = e->net;
  size_t n = (size_t)e->images, rows[2] = {0, n * (size_t)net->feature_channels},
         slopes[2] = {n * (size_t)net->classes, 0};
  for (int k = 0; k < 2; k++)
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, net->classes, net->feature_channels, e->images, 1.0f,
                e->slopes.p + slopes[k], net->classes, e->features.p + rows[k], net->feature_channels, 1.0f,
                head_grad(e), net->feature_channels);
}

/* ---- backward ---- */

/* The gradients of a tensor's raw value, and its tangent, from those of what its readers see. */
static void post_tangent(struct nsw_engine *e, int t, const struct nsw_conv_place *conv) {
  int n = e->images, col = e->place.tensor[t].col, size = e->net->tensor[t].size;
  const struct nsw_layer *l = &e->net->layer[e->net->tensor[t].producer];
  float *means = e->scratch.p, pixels = (float)n * (float)(size * size);
  bool norm = e->net->tensor[t].norm;
  memset(means, 0, 4 * (size_t)col * sizeof *means);
  for (int s = 0; s < n && norm; s++) {
    struct nsw_dual x = dual_of(e, t, s);
    e->tangent->sums(&x, grad_plane(e, t, s), grad_plane(e, t, dot_of(e, s)), means);
  }
  for (int k = 0; k < 4 * col; k++) means[k] /= pixels;
  for (int s = 0; s < n; s++) {
    struct nsw_dual x = dual_of(e, t, s);
    struct nsw_plane g = grad_plane(e, t, s), gdot = grad_plane(e, t, dot_of(e, s));
    struct nsw_plane d = conv ? dy_plane(e, l, conv, s) : g, ddot = conv ? dy_plane(e, l, conv, dot_of(e, s)) : gdot;
    e->tangent->backward(&x, g, gdot, means, scale_tangent(e, t), d, ddot);
  }
}

/* dy's tangent times x, and dy times x's; then dx of both. Where nothing normalises, the tangent of t times dy has dy
 * itself still to come: linear, and so added to the two results. */
static void conv_tangent_backward(struct nsw_engine *e, int i) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_conv_place *c = &e->place.layer[i].conv;
  int n = e->images, images = l->src == 0;
  bool norm = e->net->tensor[l->dst].norm;
  if (!c->dy_is_grad) post_tangent(e, l->dst, c);
  for (int s = 0; s < 2 * n && c->dy_frame; s++) nsw_clear_frame(dy_plane(e, l, c, s));
  nsw_backward_weights(e, i, (struct nsw_slots){.dy = n}, n);
  if (!norm) nsw_backward_weights(e, i, (struct nsw_slots){0}, n);
  if (images) return; /* they have neither a tangent nor, here, a gradient */
  nsw_backward_weights(e, i, (struct nsw_slots){.x = n}, n);
  nsw_backward_input(e, i, (struct nsw_slots){0}, 2 * n, false);
  if (!norm) nsw_backward_input(e, i, (struct nsw_slots){.x = n}, n, true);
}

static void layer_tangent_backward(struct nsw_engine *e, int i) {
  const struct nsw_layer *l = &e->net->layer[i];
  int n = e->images;
  if (l->kind == NSW_LAYER_CONV) {
    conv_tangent_backward(e, i);
    return;
  }
  if (l->kind == NSW_LAYER_COMBINE && l->dst >= 0 && (e->net->tensor[l->dst].norm || e->net->tensor[l->dst].relu))
    post_tangent(e, l->dst, NULL);
  for (int s = 0; s < 2 * n; s++) {
    if (l->kind == NSW_LAYER_COMBINE)
      nsw_backward_sum(e, i, s, s % n);
    else
      nsw_backward_pool(e, i, s, s % n);
  }
}

void nsw_engine_tangent(struct nsw_engine *e) {
  if (e->net->features < 0) return; /* nothing depends on the weights */
  for (int i = 0; i < e->net->layers; i++) layer_tangent(e, i);
  for (int s = 0; s < e->images; s++) {
    nsw_forward_head(e, s, s);
    head_tangent(e, s);
  }
  head_gradient(e);
  for (int s = 0; s < 2 * e->images; s++) nsw_backward_features(e, s, s);
  for (int i = e->net->layers - 1; i >= 0; i--) layer_tangent_backward(e, i);
}
