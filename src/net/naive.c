#include "net/naive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A tensor's arrays, each [n][C][S][S]. */
struct node {
  double *raw;        /* as the layer made it */
  double *out;        /* as readers see it; the same array where the tensor has no post */
  double *grad;       /* of out; after the post's backward step, of raw */
  double *mean, *inv; /* [n][C], where it is normalised */
};

struct state {
  const struct nsw_net *net;
  const struct nsw_naive_run *run;
  struct node *node;
};

static size_t volume(const struct state *s, int t) {
  const struct nsw_tensor *x = &s->net->tensor[t];
  return (size_t)s->run->images * (size_t)x->channels * (size_t)x->size * (size_t)x->size;
}

/* Place of (image, channel, row, column) in a tensor. */
static size_t at(const struct nsw_tensor *x, int n, int c, int h, int w) {
  return (((size_t)n * (size_t)x->channels + (size_t)c) * (size_t)x->size + (size_t)h) * (size_t)x->size + (size_t)w;
}

/* ---- the post of a tensor ---- */

/* Mean and 1/sqrt(var + eps) of channel c over images first..end-1. */
static void statistics(const struct state *s, int t, int c, int first, int end, double *mean, double *inv) {
  const struct nsw_tensor *x = &s->net->tensor[t];
  double count = (double)(end - first) * x->size * x->size, sum = 0, square = 0;
  for (int pass = 0; pass < 2; pass++)
    for (int n = first; n < end; n++)
      for (int i = 0; i < x->size * x->size; i++) {
        double v = s->node[t].raw[at(x, n, c, 0, 0) + (size_t)i];
        if (pass == 0)
          sum += v;
        else
          square += (v - sum / count) * (v - sum / count);
      }
  *mean = sum / count;
  *inv = 1 / sqrt(square / count + NSW_NORM_EPS);
}

/* Mean and 1/sqrt(var + eps) that image n sees: its own, the whole batch's, or those that run along. */
static void seen(const struct state *s, int t, int c, int n, double *mean, double *inv) {
  const struct nsw_naive_run *run = s->run;
  int gamma = s->net->tensor[t].gamma, whole = run->mode == NSW_NORM_BATCH;
  if (run->mode == NSW_NORM_NONE) return;
  if (run->mode == NSW_NORM_RUNNING) {
    *mean = run->mean[gamma][c];
    *inv = 1 / sqrt(run->variance[gamma][c] + NSW_NORM_EPS);
    return;
  }
  if (whole && n > 0) {
    *mean = s->node[t].mean[c]; /* as the first image saw them */
    *inv = s->node[t].inv[c];
    return;
  }
  statistics(s, t, c, n, whole ? run->images : n + 1, mean, inv);
  if (!whole || !run->mean) return;
  double count = (double)run->images * s->net->tensor[t].size * s->net->tensor[t].size;
  run->mean[gamma][c] = *mean;
  run->variance[gamma][c] = (1 / (*inv * *inv) - NSW_NORM_EPS) * count / (count - 1);
}

static void post_forward(const struct state *s, int t) {
  const struct nsw_tensor *x = &s->net->tensor[t];
  struct node *node = &s->node[t];
  int images = s->run->images;
  bool affine = x->norm && s->run->mode != NSW_NORM_NONE;
  if (!x->norm && !x->relu) return;
  for (int n = 0; n < images; n++)
    for (int c = 0; c < x->channels; c++) {
      double mean = 0, inv = 1, gamma = affine ? s->run->param[x->gamma][c] : 1;
      double beta = affine ? s->run->param[x->gamma + 1][c] : 0;
      if (x->norm) seen(s, t, c, n, &mean, &inv);
      node->mean[n * x->channels + c] = mean;
      node->inv[n * x->channels + c] = inv;
      for (int i = 0; i < x->size * x->size; i++) {
        size_t p = at(x, n, c, 0, 0) + (size_t)i;
        double v = (node->raw[p] - mean) * inv * gamma + beta;
        node->out[p] = x->relu && v < 0 ? 0 : v;
      }
    }
}

/* Sums of g and g*xhat of one channel over images first..end-1. */
static void gradient_sums(const struct state *s, int t, int c, int first, int end, double sums[2]) {
  const struct nsw_tensor *x = &s->net->tensor[t];
  const struct node *node = &s->node[t];
  sums[0] = sums[1] = 0;
  for (int n = first; n < end; n++)
    for (int i = 0; i < x->size * x->size; i++) {
      size_t p = at(x, n, c, 0, 0) + (size_t)i;
      double xhat = (node->raw[p] - node->mean[n * x->channels + c]) * node->inv[n * x->channels + c];
      sums[0] += node->grad[p];
      sums[1] += node->grad[p] * xhat;
    }
}

static void norm_backward(const struct state *s, int t) {
  const struct nsw_tensor *x = &s->net->tensor[t];
  struct node *node = &s->node[t];
  int images = s->run->images, step = s->run->mode == NSW_NORM_BATCH ? images : 1;
  bool fixed = s->run->mode == NSW_NORM_NONE || s->run->mode == NSW_NORM_RUNNING, none = s->run->mode == NSW_NORM_NONE;
  for (int c = 0; c < x->channels; c++)
    for (int first = 0; first < images; first += step) {
      double sums[2], count = (double)step * x->size * x->size, gamma = none ? 1 : s->run->param[x->gamma][c];
      gradient_sums(s, t, c, first, first + step, sums);
      s->run->grad[x->gamma][c] += sums[1];
      s->run->grad[x->gamma + 1][c] += sums[0];
      if (fixed) sums[0] = sums[1] = 0;
      for (int n = first; n < first + step; n++)
        for (int i = 0; i < x->size * x->size; i++) {
          size_t p = at(x, n, c, 0, 0) + (size_t)i;
          double inv = node->inv[n * x->channels + c];
          double xhat = (node->raw[p] - node->mean[n * x->channels + c]) * inv;
          node->grad[p] = gamma * inv * (node->grad[p] - sums[0] / count - xhat * sums[1] / count);
        }
    }
}

static void post_backward(const struct state *s, int t) {
  const struct nsw_tensor *x = &s->net->tensor[t];
  struct node *node = &s->node[t];
  if (x->relu)
    for (size_t i = 0; i < volume(s, t); i++)
      if (!(node->out[i] > 0)) node->grad[i] = 0;
  if (x->norm) norm_backward(s, t);
}

/* ---- layers ---- */

/* One tap over a row of n outputs, its inputs `stride` apart. */
static void row_forward(const double *x, int stride, double w, double *y, int n) {
  for (int v = 0; v < n; v++) y[v] += x[(ptrdiff_t)v * stride] * w;
}

/* The same on the way back; returns what the row adds to the tap's slope, on top of dw. */
static double row_backward(const double *x, double *dx, int stride, double w, const double *dy, int n, double dw) {
  for (int v = 0; v < n; v++) dx[(ptrdiff_t)v * stride] += dy[v] * w;
  for (int v = 0; v < n; v++) dw += x[(ptrdiff_t)v * stride] * dy[v];
  return dw;
}

/* First and one past the last of `outputs` whose input at tap t is one of `inputs`, not beside them. */
static void inside(const struct nsw_layer *l, int t, int inputs, int outputs, int *first, int *end) {
  int shift = t - (l->kernel - 1) / 2;
  for (*first = 0; *first * l->stride + shift < 0;) ++*first;
  for (*end = outputs; (*end - 1) * l->stride + shift >= inputs;) --*end;
}

/* The loop nest of a convolution: forward (y += x w) or backward (dx += dy w, dw += dy x). */
static void convolve(const struct state *s, const struct nsw_layer *l, int backward) {
  const struct nsw_tensor *x = &s->net->tensor[l->src], *y = &s->net->tensor[l->dst];
  const struct node *in = &s->node[l->src], *out = &s->node[l->dst];
  int k = l->kernel, pad = (k - 1) / 2, top, bottom, left, right;
  for (int n = 0; n < s->run->images; n++)
    for (int o = 0; o < y->channels; o++)
      for (int i = 0; i < x->channels; i++)
        for (int a = 0; a < k; a++)
          for (int b = 0; b < k; b++) {
            size_t w = (((size_t)o * (size_t)x->channels + (size_t)i) * (size_t)k + (size_t)a) * (size_t)k + (size_t)b;
            double weight = s->run->param[l->param][w], dw = 0;
            inside(l, a, x->size, y->size, &top, &bottom);
            inside(l, b, x->size, y->size, &left, &right);
            for (int h = top; h < bottom; h++) {
              size_t from = at(x, n, i, h * l->stride + a - pad, left * l->stride + b - pad), to = at(y, n, o, h, left);
              if (backward)
                dw = row_backward(in->out + from, in->grad + from, l->stride, weight, out->grad + to, right - left, dw);
              else
                row_forward(in->out + from, l->stride, weight, out->raw + to, right - left);
            }
            if (backward) s->run->grad[l->param][w] += dw;
          }
}

static void combine_forward(const struct state *s, const struct nsw_layer *l) {
  int made = l->dst >= 0 ? l->dst : l->relu_dst;
  const struct nsw_tensor *y = &s->net->tensor[made];
  for (int n = 0; n < s->run->images; n++)
    for (int c = 0; c < l->count; c++)
      for (int i = 0; i < y->size * y->size; i++) {
        double sum = 0;
        for (int k = 0; k < l->terms; k++)
          sum += s->node[l->term[k]].out[at(&s->net->tensor[l->term[k]], n, c, 0, 0) + (size_t)i];
        size_t to = at(y, n, l->first + c, 0, 0) + (size_t)i;
        if (l->dst >= 0) s->node[l->dst].raw[to] = sum;
        if (l->relu_dst >= 0) s->node[l->relu_dst].raw[to] = sum > 0 ? sum : 0;
      }
}

static void combine_backward(const struct state *s, const struct nsw_layer *l) {
  int made = l->dst >= 0 ? l->dst : l->relu_dst;
  const struct nsw_tensor *y = &s->net->tensor[made];
  for (int n = 0; n < s->run->images; n++)
    for (int c = 0; c < l->count; c++)
      for (int i = 0; i < y->size * y->size; i++) {
        size_t from = at(y, n, l->first + c, 0, 0) + (size_t)i;
        double g = l->dst >= 0 ? s->node[l->dst].grad[from] : 0;
        if (l->relu_dst >= 0 && s->node[l->relu_dst].raw[from] > 0) g += s->node[l->relu_dst].grad[from];
        for (int k = 0; k < l->terms; k++)
          s->node[l->term[k]].grad[at(&s->net->tensor[l->term[k]], n, c, 0, 0) + (size_t)i] += g;
      }
}

/* One pooled output at (h, w) of image n, channel c: forward sets it, backward spreads its gradient. */
static void pool_one(const struct state *s, const struct nsw_layer *l, int n, int c, int h, int w, int backward) {
  const struct nsw_tensor *x = &s->net->tensor[l->src], *y = &s->net->tensor[l->dst];
  const struct node *in = &s->node[l->src], *out = &s->node[l->dst];
  int three = l->kind == NSW_LAYER_AVGPOOL3 || l->kind == NSW_LAYER_MAXPOOL3;
  int max = l->kind == NSW_LAYER_MAXPOOL3 || l->kind == NSW_LAYER_MAXPOOL2;
  size_t to = at(y, n, c, h, w), list[9], best = 0;
  int count = 0;
  for (int a = 0; a < (three ? 3 : 2); a++)
    for (int b = 0; b < (three ? 3 : 2); b++) {
      int r = three ? h + a - 1 : 2 * h + a, q = three ? w + b - 1 : 2 * w + b;
      if (r < 0 || q < 0 || r >= x->size || q >= x->size) continue;
      list[count] = at(x, n, c, r, q);
      if (count == 0 || in->out[list[count]] > in->out[best]) best = list[count];
      count++;
    }
  if (max && !backward) out->raw[to] = in->out[best];
  if (max && backward) in->grad[best] += out->grad[to];
  for (int k = 0; k < count && !max; k++)
    if (backward)
      in->grad[list[k]] += out->grad[to] / count;
    else
      out->raw[to] += in->out[list[k]] / count;
}

static void pool(const struct state *s, const struct nsw_layer *l, int backward) {
  const struct nsw_tensor *y = &s->net->tensor[l->dst];
  for (int n = 0; n < s->run->images; n++)
    for (int c = 0; c < y->channels; c++)
      for (int h = 0; h < y->size; h++)
        for (int w = 0; w < y->size; w++) pool_one(s, l, n, c, h, w, backward);
}

static void scale(const struct state *s, const struct nsw_layer *l, int backward) {
  struct node *in = &s->node[l->src], *out = &s->node[l->dst];
  for (size_t i = 0; i < volume(s, l->src); i++)
    if (backward) {
      in->grad[i] += l->factor * out->grad[i];
      s->run->coefficients[l->coefficient] += in->out[i] * out->grad[i];
    } else {
      out->raw[i] = l->factor * in->out[i];
    }
}

/* ---- head: average, linear, cross-entropy; writes logits, losses and, going back, the features' gradient ---- */

static void head_image(const struct state *s, int n, double *feature, double *slope) {
  const struct nsw_net *net = s->net;
  const double *w = s->run->param[net->head_weight], *b = s->run->param[net->head_bias];
  double *logit = s->run->logits + (size_t)n * (size_t)net->classes, top = -INFINITY, sum = 0;
  int pixels = net->features >= 0 ? net->tensor[net->features].size * net->tensor[net->features].size : 1;
  for (int c = 0; c < net->feature_channels; c++) {
    feature[c] = 0;
    for (int i = 0; net->features >= 0 && i < pixels; i++)
      feature[c] += s->node[net->features].out[at(&net->tensor[net->features], n, c, 0, 0) + (size_t)i] / pixels;
  }
  for (int k = 0; k < net->classes; k++) {
    logit[k] = b[k];
    for (int c = 0; c < net->feature_channels; c++) logit[k] += w[k * net->feature_channels + c] * feature[c];
    top = fmax(top, logit[k]);
  }
  for (int k = 0; k < net->classes; k++) sum += exp(logit[k] - top);
  s->run->loss[n] = log(sum) + top - logit[s->run->labels[n]];
  for (int k = 0; k < net->classes; k++) slope[k] = exp(logit[k] - top) / sum - (k == s->run->labels[n]);
}

static void head_backward(const struct state *s, int n, const double *feature, const double *slope) {
  const struct nsw_net *net = s->net;
  for (int k = 0; k < net->classes; k++) {
    s->run->grad[net->head_bias][k] += slope[k];
    for (int c = 0; c < net->feature_channels; c++) {
      size_t w = (size_t)k * (size_t)net->feature_channels + (size_t)c;
      s->run->grad[net->head_weight][w] += slope[k] * feature[c];
      if (net->features < 0) continue;
      const struct nsw_tensor *x = &net->tensor[net->features];
      for (int i = 0; i < x->size * x->size; i++)
        s->node[net->features].grad[at(x, n, c, 0, 0) + (size_t)i] +=
            slope[k] * s->run->param[net->head_weight][w] / (x->size * x->size);
    }
  }
}

static int head(const struct state *s) {
  double *feature = calloc((size_t)s->net->feature_channels + (size_t)s->net->classes, sizeof *feature);
  if (!feature) return 0;
  double *slope = feature + s->net->feature_channels;
  for (int n = 0; n < s->run->images; n++) {
    head_image(s, n, feature, slope);
    if (s->run->grad) head_backward(s, n, feature, slope);
  }
  free(feature);
  return 1;
}

/* ---- all of it ---- */

static int allocate(struct state *s) {
  s->node = calloc((size_t)s->net->tensors, sizeof *s->node);
  for (int t = 0; s->node && t < s->net->tensors; t++) {
    const struct nsw_tensor *x = &s->net->tensor[t];
    struct node *node = &s->node[t];
    size_t per_channel = (size_t)s->run->images * (size_t)x->channels;
    node->raw = calloc(volume(s, t), sizeof(double));
    node->out = x->norm || x->relu ? calloc(volume(s, t), sizeof(double)) : node->raw;
    node->grad = calloc(volume(s, t), sizeof(double));
    node->mean = calloc(per_channel, sizeof(double));
    node->inv = calloc(per_channel, sizeof(double));
    if (!node->raw || !node->out || !node->grad || !node->mean || !node->inv) return 0;
  }
  return s->node != NULL;
}

static void release(struct state *s) {
  for (int t = 0; s->node && t < s->net->tensors; t++) {
    struct node *node = &s->node[t];
    if (node->out != node->raw) free(node->out);
    free(node->raw);
    free(node->grad);
    free(node->mean);
    free(node->inv);
  }
  free(s->node);
}

static void forward_layer(const struct state *s, const struct nsw_layer *l) {
  if (l->kind == NSW_LAYER_CONV)
    convolve(s, l, 0);
  else if (l->kind == NSW_LAYER_COMBINE)
    combine_forward(s, l);
  else if (l->kind == NSW_LAYER_SCALE)
    scale(s, l, 0);
  else
    pool(s, l, 0);
  if (l->dst >= 0) post_forward(s, l->dst);
}

static void backward_layer(const struct state *s, const struct nsw_layer *l) {
  if (l->dst >= 0) post_backward(s, l->dst);
  if (l->kind == NSW_LAYER_CONV)
    convolve(s, l, 1);
  else if (l->kind == NSW_LAYER_COMBINE)
    combine_backward(s, l);
  else if (l->kind == NSW_LAYER_SCALE)
    scale(s, l, 1);
  else
    pool(s, l, 1);
}

int nsw_naive_run(const struct nsw_net *net, const struct nsw_naive_run *run, struct nsw_error *err) {
  struct state s = {.net = net, .run = run};
  int ok = allocate(&s);
  if (ok) {
    for (size_t i = 0; i < volume(&s, 0); i++) s.node[0].raw[i] = run->pixels[i];
    for (int i = 0; i < net->layers; i++) forward_layer(&s, &net->layer[i]);
    ok = head(&s);
    for (int i = net->layers - 1; ok && run->grad && i >= 0; i--) backward_layer(&s, &net->layer[i]);
  }
  release(&s);
  return ok ? NSW_OK : nsw_no_memory(err, "the reference network");
}
