/* The engine's way back. */
#include <cblas.h>
#include <math.h>

#include "net/engine_state.h"

/* ---- head ---- */

void nsw_backward_features(struct nsw_engine *e, int image, int slot) {
  const struct nsw_net *net = e->net;
  if (net->features < 0) return;
  const int abreast = abreast_of(e, net->features), lanes = NSW_BLOCK / abreast;
  struct nsw_plane g = grad_plane(e, net->features, slot / abreast);
  if (e->features_grad) {
    size_t one = (size_t)g.size * (size_t)g.size * (size_t)net->feature_channels;
    nsw_engine_set_gradient(e, net->features, slot, e->features_grad + (size_t)image * one);
    return;
  }
  float *feature = e->scratch.p;
  memset(feature, 0, (size_t)g.col * sizeof *feature);
  cblas_sgemv(CblasRowMajor, CblasTrans, net->classes, net->feature_channels, 1.0f / (float)(g.size * g.size),
              e->head.p, net->feature_channels, e->slopes.p + (size_t)image * (size_t)net->classes, 1, 0.0f, feature,
              1);
  for (int i = 0; i < g.size * g.size; i++)
    memcpy(g.p + (ptrdiff_t)i * g.col + slot % abreast * lanes, feature,
           (size_t)(abreast > 1 ? lanes : g.col) * sizeof *feature);
}

/* The classifier's gradient of all images at once: slopes' x features. */
void nsw_backward_head(struct nsw_engine *e) {
  const struct nsw_net *net = e->net;
  float *grad = head_grad(e), *bias = grad + (size_t)net->classes * (size_t)net->feature_channels;
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, net->classes, net->feature_channels, e->images, 1.0f,
              e->slopes.p, net->classes, e->features.p, net->feature_channels, 1.0f, grad, net->feature_channels);
  for (int i = 0; i < e->images; i++)
    for (int k = 0; k < net->classes; k++) bias[k] += e->slopes.p[i * net->classes + k];
}

/* ---- probes: first gradient entries of single images ---- */

static float *probe_of(const struct nsw_engine *e, int param, int image) {
  for (int k = 0; k < e->probe.count; k++)
    if (e->probe.param[k] == param)
      return e->probe.out + ((size_t)image * (size_t)e->probe.count + (size_t)k) * (size_t)e->probe.elements;
  return NULL;
}

void nsw_probe_vector(const struct nsw_engine *e, int param, int image, const float *values) {
  float *out = probe_of(e, param, image);
  int n = e->net->param[param].shape[0];
  if (out) memcpy(out, values, (size_t)(n < e->probe.elements ? n : e->probe.elements) * sizeof *out);
}

/* Entries of a convolution's weight, in PyTorch's order: output channel, input channel, tap. */
static void probe_conv(const struct nsw_engine *e, int i, int image, const float *x, const float *dy) {
  const struct nsw_conv_place *c = &e->place.layer[i].conv;
  const struct nsw_param *param = &e->net->param[e->net->layer[i].param];
  float *out = probe_of(e, e->net->layer[i].param, image), part[NSW_MAX_TAPS * NSW_BLOCK];
  int in = param->shape[1], taps = c->weights.w_taps, row = in * taps;
  if (!out) return;
  for (int o = 0; o < param->shape[0] && o * row < e->probe.elements; o++)
    for (int b = 0; b < in; b += NSW_BLOCK) {
      if (o * row + b * taps >= e->probe.elements) break;
      e->conv_probe(&c->weights, x + b, dy + o, part);
      for (int k = b; k < b + NSW_BLOCK && k < in; k++)
        for (int t = 0; t < taps; t++)
          if (o * row + k * taps + t < e->probe.elements) out[o * row + k * taps + t] = part[t * NSW_BLOCK + k - b];
    }
}

static void probe_head(const struct nsw_engine *e, int image) {
  const struct nsw_net *net = e->net;
  const float *slope = e->slopes.p + (size_t)image * (size_t)net->classes;
  const float *feature = e->features.p + (size_t)image * (size_t)net->feature_channels;
  float *out = probe_of(e, net->head_weight, image);
  nsw_probe_vector(e, net->head_bias, image, slope);
  for (int k = 0; out && k < e->probe.elements && k < net->classes * net->feature_channels; k++)
    out[k] = slope[k / net->feature_channels] * feature[k % net->feature_channels];
}

/* ---- backward ---- */

struct nsw_plane nsw_dy_of(const struct nsw_engine *e, int t, int slot) {
  int producer = e->net->tensor[t].producer;
  return dy_plane(e, &e->net->layer[producer], &e->place.layer[producer].conv, slot);
}

static void direct_weights(struct nsw_engine *e, const struct nsw_layer *l, const struct nsw_conv_place *c,
                           struct nsw_slots at, int count) {
  for (int s = 0; s < count; s++) {
    const float *x = l->src == 0 ? image_pixels(e, at.first + s) : value_plane(e, l->src, at.x + s).p;
    e->wgrad(&c->weights, x, dy_plane(e, l, c, at.dy + s).p, e->grads.p + c->dw);
  }
}

void nsw_backward_weights(struct nsw_engine *e, int i, struct nsw_slots at, int count) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_conv_place *c = &e->place.layer[i].conv;
  if (!c->wino) {
    if (e->place.abreast)
      nsw_abreast_weights(e, i, at.x, at.dy, count);
    else
      direct_weights(e, l, c, at, count);
    return;
  }
  struct nsw_wino_pass pass = nsw_wino_pass_of(&c->weights, count, value_step(e, l->src), dy_step(e, l, c));
  e->wino_wgrad(&pass, c->tile[2], value_plane(e, l->src, at.x).p, dy_plane(e, l, c, at.dy).p, e->grads.p + c->dw,
                e->tiles.p);
}

static void direct_input(struct nsw_engine *e, const struct nsw_layer *l, const struct nsw_conv_place *c,
                         struct nsw_slots at, int count, bool add) {
  for (int k = 0; k < c->backs; k++) {
    struct nsw_conv_pass pass = c->back[k];
    pass.add |= add;
    for (int s = 0; s < count; s++)
      e->conv(&pass, dy_plane(e, l, c, at.dy + s).p, e->packed.p + c->wb,
              grad_plane(e, l->src, at.x + s).p + c->back_y[k]);
  }
}

void nsw_backward_input(struct nsw_engine *e, int i, struct nsw_slots at, int count, bool add) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_conv_place *c = &e->place.layer[i].conv;
  if (!c->wino) {
    if (e->place.abreast)
      nsw_abreast_input(e, i, at.x, at.dy, count);
    else
      direct_input(e, l, c, at, count, add);
    return;
  }
  struct nsw_wino_pass pass = nsw_wino_pass_of(&c->back[0], count, dy_step(e, l, c), grad_step(e, l->src));
  pass.add |= add;
  e->wino_conv(&pass, c->tile[1], dy_plane(e, l, c, at.dy).p, e->packed.p + c->wb, grad_plane(e, l->src, at.x).p,
               e->tiles.p);
}

static void conv_backward(struct nsw_engine *e, int i, int first, int count, bool weights) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_conv_place *c = &e->place.layer[i].conv;
  double since = e->timed ? nsw_thread_seconds() : 0;
  if (!c->dy_is_grad) nsw_backward_norm(e, l->dst, first, count, nsw_dy_of);
  nsw_engine_account(e, NSW_WORK_NORM, &since);
  for (int s = 0; s < count; s++) {
    const float *x = l->src == 0 ? image_pixels(e, first + s) : value_plane(e, l->src, s).p;
    struct nsw_plane dy = dy_plane(e, l, c, s);
    if (c->dy_frame) nsw_clear_frame(dy);
    if (e->probe.count) probe_conv(e, i, first + s, x, dy.p);
  }
  if (e->observe) e->observe(e->with, e, i, NSW_AFTER_SLOPE);
  if (c->lead < 0 && weights) nsw_backward_weights(e, i, (struct nsw_slots){.first = first}, count);
  if (c->lead < 0) nsw_backward_input(e, i, (struct nsw_slots){.first = first}, count, false);
  if (c->lead == i) nsw_backward_together(e, i, count, weights);
  nsw_engine_account(e, l->kernel == 3 ? NSW_WORK_CONV3 : NSW_WORK_CONV1, &since);
}

void nsw_backward_sum(struct nsw_engine *e, int i, int slot, int values) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_layer_place *p = &e->place.layer[i];
  int made = l->dst >= 0 ? l->dst : l->relu_dst;
  int count = abreast_of(e, made) > 1 ? NSW_BLOCK : l->count; /* else tensors may differ in channels */
  struct nsw_plane g = {0};
  if (l->dst >= 0) g = grad_plane(e, l->dst, slot);
  if (l->relu_dst >= 0) {
    struct nsw_plane gr = grad_plane(e, l->relu_dst, slot), d = l->dst >= 0 ? g : gr;
    e->pixel->relu_backward(g, value_plane(e, l->relu_dst, values), gr, d);
    g = d;
  }
  for (int k = 0; k < l->terms; k++)
    if (!p->shared[k]) e->pixel->spread(g, l->first, count, grad_plane(e, l->term[k], slot), p->add[k]);
}

static void combine_backward(struct nsw_engine *e, int i, int first, int count) {
  const struct nsw_layer *l = &e->net->layer[i];
  double since = e->timed ? nsw_thread_seconds() : 0;
  if (l->dst >= 0 && (e->net->tensor[l->dst].norm || e->net->tensor[l->dst].relu))
    nsw_backward_norm(e, l->dst, first, count, grad_plane);
  nsw_engine_account(e, NSW_WORK_NORM, &since);
  for (int s = 0; s < count; s++) nsw_backward_sum(e, i, s, s);
  nsw_engine_account(e, NSW_WORK_COMBINE, &since);
}

/* The coefficient's gradient is the sum over the tensor of what comes in times the gradient of what goes out. */
static void scale_backward(struct nsw_engine *e, int i, int slot, int values) {
  const struct nsw_layer *l = &e->net->layer[i];
  struct nsw_plane x = value_plane(e, l->src, values), g = grad_plane(e, l->dst, slot), d = grad_plane(e, l->src, slot);
  bool add = e->place.layer[i].add[0];
  int channels = e->net->tensor[l->src].channels;
  double sum = 0;
  for (int h = 0; h < x.size; h++)
    for (int w = 0; w < x.size; w++) {
      const float *xp = x.p + h * x.row + (ptrdiff_t)w * x.col, *gp = g.p + h * g.row + (ptrdiff_t)w * g.col;
      float *dp = d.p + h * d.row + (ptrdiff_t)w * d.col;
      for (int c = 0; c < channels; c++) sum += (double)xp[c] * gp[c];
      for (int c = 0; c < d.col; c++) dp[c] = (add ? dp[c] : 0) + l->factor * gp[c];
    }
  e->coefficients[l->coefficient] += sum;
}

void nsw_backward_pool(struct nsw_engine *e, int i, int slot, int values) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_pixel_kernels *k = e->pixel;
  nsw_pool_backward_fn *pool[NSW_LAYER_KINDS] = {
      NULL, NULL, k->avgpool3_backward, k->maxpool3_backward, k->avgpool2_backward, k->maxpool2_backward, NULL};
  if (l->kind == NSW_LAYER_SCALE) {
    scale_backward(e, i, slot, values);
    return;
  }
  pool[l->kind](grad_plane(e, l->dst, slot), grad_plane(e, l->src, slot), which_of(e, i, values),
                e->place.layer[i].add[0]);
}

static void pool_backward(struct nsw_engine *e, int i, int count) {
  double since = e->timed ? nsw_thread_seconds() : 0;
  for (int s = 0; s < count; s++) nsw_backward_pool(e, i, s, s);
  nsw_engine_account(e, NSW_WORK_POOL, &since);
}

/* The power of two taken out of a cell's output on the way forward goes out of its gradient on the way back. */
static void take_out_again(struct nsw_engine *e, int layer, int count) {
  const struct nsw_net *net = e->net;
  const struct nsw_layer *l = &net->layer[layer];
  int power = 0, made[2] = {l->dst, l->relu_dst};
  for (int i = net->cells - 1; i >= 0; i--)
    if (net->tensor[net->cell[i]].producer == layer) power = e->taken[i];
  for (int k = 0; k < 2 && power; k++)
    for (int s = 0; s < count && made[k] >= 0; s++) nsw_plane_scale(grad_plane(e, made[k], s), ldexpf(1.0f, -power));
}

static void layer_backward(struct nsw_engine *e, int i, int first, int count, bool weights) {
  const struct nsw_layer *l = &e->net->layer[i];
  if (e->run.norm == NSW_NORM_NONE) take_out_again(e, i, count);
  if (l->kind == NSW_LAYER_CONV)
    conv_backward(e, i, first, count, weights);
  else if (l->kind == NSW_LAYER_COMBINE)
    combine_backward(e, i, first, count);
  else
    pool_backward(e, i, count);
}

void nsw_backward_group(struct nsw_engine *e, int first, int count, bool weights) {
  double since = e->timed ? nsw_thread_seconds() : 0;
  for (int s = 0; s < count; s++) {
    nsw_backward_features(e, first + s, s);
    if (e->probe.count) probe_head(e, first + s);
  }
  nsw_engine_account(e, NSW_WORK_HEAD, &since);
  for (int i = e->net->layers - 1; i >= 0; i--) layer_backward(e, i, first, count, weights);
}

void nsw_engine_backward_layers(struct nsw_engine *e, int first, int last) {
  for (int i = last; i >= first; i--) layer_backward(e, i, 0, e->images, false);
}
