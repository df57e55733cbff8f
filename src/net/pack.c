/* Weights in the kernels' order, and gradients out of it. */
#include "net/engine_state.h"

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* From PyTorch's [out][in][k][k] to the packed form of the way forward, [out / 16][k k][in][16]; padding is zero.
 * Square by square of 16 channels, which stays in the first cache. */
static void pack_forward(const float *from, size_t out, size_t in, size_t taps, float *w) {
  for (size_t first = 0; first < out; first += NSW_BLOCK, w += taps * in * NSW_BLOCK) {
    size_t n = least(out - first, NSW_BLOCK);
    if (n < NSW_BLOCK) memset(w, 0, taps * in * NSW_BLOCK * sizeof *w);
    for (size_t b = 0; b < in; b += NSW_BLOCK)
      for (size_t o = 0; o < n; o++)
        for (size_t i = b; i < least(in, b + NSW_BLOCK); i++)
          for (size_t t = 0; t < taps; t++) w[(t * in + i) * NSW_BLOCK + o] = from[((first + o) * in + i) * taps + t];
  }
}

/* To that of the way back, [in / 16][k k][out][16]. */
static void pack_back(const float *from, size_t out, size_t in, size_t taps, float *w) {
  for (size_t first = 0; first < in; first += NSW_BLOCK, w += taps * out * NSW_BLOCK) {
    size_t n = least(in - first, NSW_BLOCK);
    if (n < NSW_BLOCK) memset(w, 0, taps * out * NSW_BLOCK * sizeof *w);
    for (size_t o = 0; o < out; o++)
      for (size_t t = 0; t < taps; t++)
        for (size_t i = 0; i < n; i++) w[(t * out + o) * NSW_BLOCK + i] = from[(o * in + first + i) * taps + t];
  }
}

static bool is_live_conv(const struct nsw_param *param) { return param->kind == NSW_PARAM_CONV && param->live; }

/* ---- weights ---- */

/* A parameter's values: where they are held, or drawn into scratch. */
static const float *values_of(struct nsw_engine *e, int param) {
  const float *held = nsw_weights_at(e->weights, param);
  if (!held) nsw_weights_get(e->weights, param, e->scratch.p);
  return held ? held : e->scratch.p;
}

static void pack_conv(struct nsw_engine *e, int param) {
  const struct nsw_param *p = &e->net->param[param];
  const struct nsw_conv_place *c = &e->place.layer[p->layer].conv;
  const float *from = values_of(e, param);
  int out = p->shape[0], in = p->shape[1], taps = c->forward.w_taps;
  float *w = e->packed.p + c->w, *back = c->backs ? e->packed.p + c->wb : NULL;
  if (c->wino) {
    e->wino_weights(from, out, in, c->tile[0], w, c->tile[1], back);
    return;
  }
  const struct nsw_layer *l = &e->net->layer[p->layer];
  pack_forward(from, (size_t)out, (size_t)in, (size_t)taps, w);
  if (back) pack_back(from, (size_t)out, (size_t)in, (size_t)taps, back);
  for (int k = 0; k < taps * in && abreast_of(e, l->dst) > 1; k++) nsw_abreast_repeat(e, l->dst, w + k * NSW_BLOCK);
  for (int k = 0; k < taps * out && back && abreast_of(e, l->src) > 1; k++)
    nsw_abreast_repeat(e, l->src, back + k * NSW_BLOCK);
}

/* Gamma and beta, running mean and variance of a tensor; channels that fill up a block see 1 and 0, 0 and 1. */
static void pack_norm(struct nsw_engine *e, int t) {
  const struct nsw_tensor *x = &e->net->tensor[t];
  const struct nsw_tensor_place *p = &e->place.tensor[t];
  for (int c = x->channels; e->affine && c < p->col; c++) {
    e->affines.p[p->stats + (size_t)c] = 1;
    e->affines.p[p->stats + (size_t)(p->col + c)] = 0;
  }
  if (e->affine) {
    nsw_weights_get(e->weights, x->gamma, e->affines.p + p->stats);
    nsw_weights_get(e->weights, x->gamma + 1, e->affines.p + p->stats + p->col);
    nsw_abreast_repeat(e, t, e->affines.p + p->stats);
    nsw_abreast_repeat(e, t, e->affines.p + p->stats + p->col);
  }
  if (e->run.norm != NSW_NORM_RUNNING) return;
  float *mean = e->moments.p + p->stats, *variance = mean + p->col;
  for (int c = x->channels; c < p->col; c++) {
    mean[c] = 0;
    variance[c] = 1;
  }
  nsw_weights_running(e->weights, x->gamma, mean, variance);
}

void nsw_engine_pack(struct nsw_engine *e) {
  const struct nsw_net *net = e->net;
  for (int p = 0; p < net->params; p++)
    if (is_live_conv(&net->param[p])) pack_conv(e, p);
  for (int t = 0; t < net->tensors && (e->affine || e->run.norm == NSW_NORM_RUNNING); t++)
    if (net->tensor[t].norm) pack_norm(e, t);
  nsw_weights_get(e->weights, net->head_weight, e->head.p);
  nsw_weights_get(e->weights, net->head_bias, head_bias(e));
}

/* ---- gradients ---- */

/* The summed gradient of a gamma or beta; NULL for other and dead parameters. */
static const float *norm_gradient(const struct nsw_engine *e, int param) {
  const struct nsw_param *p = &e->net->param[param];
  bool beta = p->kind == NSW_PARAM_BETA;
  if (!p->live || (p->kind != NSW_PARAM_GAMMA && !beta)) return NULL;
  for (int t = 0; t < e->net->tensors; t++)
    if (e->net->tensor[t].gamma == param - beta)
      return e->norm_grads.p + e->place.tensor[t].stats + (beta ? e->place.tensor[t].col : 0);
  return NULL;
}

/* The gradient of input channels from i and output channels from o, 16 each, of a convolution by Winograd's kernels. */
static void wino_part(const struct nsw_engine *e, int param, int o, int i,
                      float part[NSW_MAX_TAPS * NSW_BLOCK * NSW_BLOCK]) {
  const struct nsw_param *p = &e->net->param[param];
  int depth = nsw_conv_blocks(p->shape[1]);
  const struct nsw_conv_place *c = &e->place.layer[p->layer].conv;
  size_t at = (size_t)(o / NSW_BLOCK * nsw_wino_square(c->tile[2]) * depth + i / NSW_BLOCK) * NSW_BLOCK * NSW_BLOCK;
  e->wino_gradient(c->tile[2], e->grads.p + c->dw + at, depth, part);
}

static void wino_whole(const struct nsw_engine *e, int param, float *out) {
  const struct nsw_param *p = &e->net->param[param];
  float part[NSW_MAX_TAPS * NSW_BLOCK * NSW_BLOCK];
  for (int o = 0; o < p->shape[0]; o += NSW_BLOCK)
    for (int i = 0; i < p->shape[1]; i += NSW_BLOCK) {
      wino_part(e, param, o, i, part);
      for (int a = 0; a < NSW_BLOCK && o + a < p->shape[0]; a++)
        for (int b = 0; b < NSW_BLOCK && i + b < p->shape[1]; b++)
          for (int t = 0; t < NSW_MAX_TAPS; t++)
            out[((size_t)(o + a) * (size_t)p->shape[1] + (size_t)(i + b)) * NSW_MAX_TAPS + (size_t)t] =
                part[(t * NSW_BLOCK + b) * NSW_BLOCK + a];
    }
}

static double wino_square(const struct nsw_engine *e, int param) {
  const struct nsw_param *p = &e->net->param[param];
  float part[NSW_MAX_TAPS * NSW_BLOCK * NSW_BLOCK];
  double sum = 0;
  for (int o = 0; o < p->shape[0]; o += NSW_BLOCK)
    for (int i = 0; i < p->shape[1]; i += NSW_BLOCK) {
      wino_part(e, param, o, i, part);
      for (int k = 0; k < NSW_MAX_TAPS * NSW_BLOCK * NSW_BLOCK; k++) sum += (double)part[k] * part[k];
    }
  return sum;
}

/* The gradient of a convolution by direct kernels, dw[out / 16][k k][depth][16], square by square; of images side by
 * side, their sum. */
static void unpack_direct(const struct nsw_conv_place *c, const struct nsw_param *p, int abreast, const float *dw,
                          float *out) {
  size_t outs = (size_t)p->shape[0], in = (size_t)p->shape[1], taps = (size_t)c->weights.w_taps;
  size_t depth = (size_t)nsw_conv_depth(p->shape[1]);
  for (size_t first = 0; first < outs; first += NSW_BLOCK, dw += taps * depth * NSW_BLOCK)
    for (size_t b = 0; b < in; b += NSW_BLOCK)
      for (size_t o = 0; o < least(outs - first, NSW_BLOCK); o++)
        for (size_t i = b; i < least(in, b + NSW_BLOCK); i++)
          for (size_t t = 0; t < taps; t++) {
            const float *lane = dw + (t * depth + i) * NSW_BLOCK + o;
            float sum = lane[0];
            for (int k = 1; k < abreast; k++) sum += lane[k * (NSW_BLOCK / abreast)];
            out[((first + o) * in + i) * taps + t] = sum;
          }
}

void nsw_engine_gradient(const struct nsw_engine *e, int param, float *out) {
  const struct nsw_param *p = &e->net->param[param];
  const float *norm = norm_gradient(e, param);
  size_t size = nsw_param_size(p);
  bool conv = is_live_conv(p);
  if (!conv) memset(out, 0, size * sizeof *out);
  if (norm) memcpy(out, norm, size * sizeof *out);
  if (p->kind == NSW_PARAM_LINEAR) memcpy(out, head_grad(e), size * sizeof *out);
  if (p->kind == NSW_PARAM_BIAS) memcpy(out, head_grad(e) + (head_size(e->net) - size), size * sizeof *out);
  if (!conv) return;
  const struct nsw_conv_place *c = &e->place.layer[p->layer].conv;
  if (c->wino) {
    wino_whole(e, param, out);
    return;
  }
  unpack_direct(c, p, abreast_of(e, e->net->layer[p->layer].dst), e->grads.p + c->dw, out);
}

double nsw_engine_gradient_square(const struct nsw_engine *e, int param) {
  const struct nsw_param *p = &e->net->param[param];
  const float *from = head_grad(e);
  size_t size = nsw_param_size(p);
  if (p->kind == NSW_PARAM_BIAS) from += head_size(e->net) - size;
  if (p->kind == NSW_PARAM_CONV && p->live && e->place.layer[p->layer].conv.wino) return wino_square(e, param);
  if (p->kind == NSW_PARAM_CONV && p->live) {
    from = e->grads.p + e->place.layer[p->layer].conv.dw;
    size = e->place.layer[p->layer].conv.dw_size; /* padding is zero */
  } else if (p->kind != NSW_PARAM_LINEAR && p->kind != NSW_PARAM_BIAS) {
    return 0;
  }
  double sum = 0;
  for (size_t i = 0; i < size; i++) sum += (double)from[i] * from[i];
  return sum;
}

int nsw_engine_gradients(const struct nsw_engine *e, float factor, struct nsw_weights *into, struct nsw_error *err) {
  for (int p = 0; p < e->net->params; p++) {
    if (!e->net->param[p].live) continue;
    float *out = nsw_weights_edit(into, p, err);
    if (!out) return NSW_FAILED;
    nsw_engine_gradient(e, p, out);
    for (size_t i = 0, n = nsw_param_size(&e->net->param[p]); i < n && factor != 1; i++) out[i] *= factor;
  }
  return NSW_OK;
}
