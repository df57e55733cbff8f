#include "net/net.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

size_t nsw_param_size(const struct nsw_param *p) {
  return (size_t)p->shape[0] * (size_t)p->shape[1] * (size_t)p->shape[2] * (size_t)p->shape[3];
}

/* Whether there is room; where there is not, the network has failed from then on. */
static bool room(struct nsw_net *net, bool there) {
  net->failed |= !there;
  return !net->failed;
}

int nsw_net_add_tensor(struct nsw_net *net, int channels, int size) {
  if (!room(net, NSW_GROW(net->tensor, net->tensors))) return 0;
  net->tensor[net->tensors] = (struct nsw_tensor){.channels = channels, .size = size, .gamma = -1, .producer = -1};
  return net->tensors++;
}

static struct nsw_layer *add_layer(struct nsw_net *net, enum nsw_layer_kind kind) {
  if (!room(net, NSW_GROW(net->layer, net->layers))) return NULL;
  net->layer[net->layers] = (struct nsw_layer){.kind = kind, .src = -1, .dst = -1, .relu_dst = -1, .param = -1};
  return &net->layer[net->layers++];
}

int nsw_net_add_param(struct nsw_net *net, const char *name, enum nsw_param_kind kind, int out, int in, int kernel,
                      uint64_t key) {
  if (!room(net, NSW_GROW(net->param, net->params))) return 0;
  struct nsw_param *p = &net->param[net->params];
  *p = (struct nsw_param){.kind = kind, .shape = {out, in, kernel, kernel}, .layer = -1, .key = key};
  snprintf(p->name, sizeof p->name, "%s", name);
  p->rank = kind == NSW_PARAM_CONV ? 4 : kind == NSW_PARAM_LINEAR ? 2 : 1;
  p->init = kind == NSW_PARAM_GAMMA ? NSW_INIT_ONES : kind == NSW_PARAM_BETA ? NSW_INIT_ZEROS : NSW_INIT_UNIFORM;
  p->scale = (float)(1.0 / sqrt((double)in * kernel * kernel));
  return net->params++;
}

/* Marks parameters as live parts of a layer. */
static void attach(struct nsw_net *net, int param, int params, int layer) {
  if (net->failed) return;
  for (int i = param; i < param + params; i++) {
    net->param[i].layer = layer;
    net->param[i].live = true;
  }
}

void nsw_net_add_norm(struct nsw_net *net, int tensor, int gamma, bool relu) {
  if (net->failed) return;
  net->tensor[tensor].norm = true;
  net->tensor[tensor].relu = relu;
  net->tensor[tensor].gamma = gamma;
  attach(net, gamma, 2, net->tensor[tensor].producer);
}

int nsw_net_plain(struct nsw_net *net, int tensor) {
  if (net->failed || !(net->tensor[tensor].norm || net->tensor[tensor].relu)) return tensor;
  return nsw_net_add_sum(net, &tensor, 1, net->tensor[tensor].channels);
}

int nsw_net_add_conv(struct nsw_net *net, int src, int channels, int kernel, int stride, int param) {
  src = nsw_net_plain(net, src);
  if (net->failed) return 0;
  int size = (net->tensor[src].size + stride - 1) / stride;
  int dst = nsw_net_add_tensor(net, channels, size);
  struct nsw_layer *layer = add_layer(net, NSW_LAYER_CONV);
  if (!layer) return 0;
  layer->src = src;
  layer->dst = dst;
  layer->kernel = kernel;
  layer->stride = stride;
  layer->param = param;
  net->tensor[dst].producer = net->layers - 1;
  attach(net, param, 1, net->layers - 1);
  return dst;
}

int nsw_net_add_pool(struct nsw_net *net, enum nsw_layer_kind kind, int src) {
  src = nsw_net_plain(net, src);
  if (net->failed) return 0;
  int half = kind == NSW_LAYER_AVGPOOL2 || kind == NSW_LAYER_MAXPOOL2;
  int dst = nsw_net_add_tensor(net, net->tensor[src].channels, net->tensor[src].size / (half ? 2 : 1));
  struct nsw_layer *layer = add_layer(net, kind);
  if (!layer) return 0;
  layer->src = src;
  layer->dst = dst;
  net->tensor[dst].producer = net->layers - 1;
  return dst;
}

int nsw_net_add_scale(struct nsw_net *net, int src, float factor, int coefficient) {
  src = nsw_net_plain(net, src);
  if (net->failed) return 0;
  int dst = nsw_net_add_tensor(net, net->tensor[src].channels, net->tensor[src].size);
  struct nsw_layer *layer = add_layer(net, NSW_LAYER_SCALE);
  if (!layer) return 0;
  layer->src = src;
  layer->dst = dst;
  layer->factor = factor;
  layer->coefficient = coefficient;
  net->tensor[dst].producer = net->layers - 1;
  if (coefficient >= net->coefficients) net->coefficients = coefficient + 1;
  return dst;
}

void nsw_net_add_slice(struct nsw_net *net, int dst, int first, int count, const int *term, int terms) {
  struct nsw_layer *layer = add_layer(net, NSW_LAYER_COMBINE);
  if (!layer) return;
  layer->dst = dst;
  layer->first = first;
  layer->count = count;
  layer->terms = terms;
  memcpy(layer->term, term, (size_t)terms * sizeof *term);
  net->tensor[dst].producer = net->layers - 1;
}

int nsw_net_add_sum(struct nsw_net *net, const int *term, int terms, int channels) {
  if (net->failed) return 0;
  int dst = nsw_net_add_tensor(net, channels, net->tensor[term[0]].size);
  if (!net->failed) nsw_net_add_slice(net, dst, 0, channels, term, terms);
  return dst;
}

int nsw_net_add_zeros(struct nsw_net *net, int channels, int size) {
  int dst = nsw_net_add_tensor(net, channels, size);
  if (!net->failed) nsw_net_add_slice(net, dst, 0, channels, &dst, 0);
  return dst;
}

int nsw_net_relu_of(struct nsw_net *net, int tensor) {
  if (net->failed) return 0;
  int producer = net->tensor[tensor].producer;
  bool plain = !net->tensor[tensor].norm && !net->tensor[tensor].relu;
  struct nsw_layer *layer = producer >= 0 && plain ? &net->layer[producer] : NULL;
  if (!layer || layer->kind != NSW_LAYER_COMBINE || layer->count != net->tensor[tensor].channels) {
    tensor = nsw_net_add_sum(net, &tensor, 1, net->tensor[tensor].channels);
    return nsw_net_relu_of(net, tensor);
  }
  if (layer->relu_dst >= 0) return layer->relu_dst;
  int relu = nsw_net_add_tensor(net, net->tensor[tensor].channels, net->tensor[tensor].size);
  if (net->failed) return 0;
  net->layer[producer].relu_dst = relu;
  net->tensor[relu].producer = producer;
  return relu;
}

int nsw_net_add_cell(struct nsw_net *net, int tensor) {
  if (tensor == NSW_NO_TENSOR) return tensor;
  if (net->keep_cells) tensor = nsw_net_plain(net, tensor);
  if (!room(net, NSW_GROW(net->cell, net->cells))) return tensor;
  net->tensor[tensor].kept = net->keep_cells;
  net->cell[net->cells++] = tensor;
  return tensor;
}

void nsw_net_add_head(struct nsw_net *net, int features, int channels, uint64_t key) {
  net->features = features;
  net->feature_channels = channels;
  net->head_weight = nsw_net_add_param(net, "classifier.weight", NSW_PARAM_LINEAR, net->classes, channels, 1, key);
  net->head_bias = nsw_net_add_param(net, "classifier.bias", NSW_PARAM_BIAS, net->classes, 1, 1, key + 1);
  if (net->failed) return;
  net->param[net->head_bias].scale = net->param[net->head_weight].scale;
  attach(net, net->head_weight, 2, -1);
}

static void count_readers(struct nsw_net *net) {
  for (int t = 0; t < net->tensors; t++) net->tensor[t].readers = net->tensor[t].kept;
  for (int i = 0; i < net->layers; i++) {
    const struct nsw_layer *layer = &net->layer[i];
    if (layer->kind != NSW_LAYER_COMBINE) net->tensor[layer->src].readers++;
    for (int k = 0; k < layer->terms; k++) net->tensor[layer->term[k]].readers++;
  }
  if (net->features >= 0) net->tensor[net->features].readers++;
}

int nsw_net_finish(struct nsw_net *net, struct nsw_error *err) {
  if (net->failed) return nsw_no_memory(err, "the layers of a network");
  count_readers(net);
  /* A sum of which only the rectified form is read need not be stored. */
  for (int i = 0; i < net->layers; i++) {
    struct nsw_layer *layer = &net->layer[i];
    if (layer->kind == NSW_LAYER_COMBINE && layer->relu_dst >= 0 && !net->tensor[layer->dst].readers) layer->dst = -1;
  }
  return NSW_OK;
}

static int build(const struct nsw_space *space, uint32_t index, const struct nsw_macro *macro, enum nsw_keep keep,
                 struct nsw_net **net, struct nsw_error *err) {
  struct nsw_arch arch;
  nsw_space_describe(space, index, macro, &arch);
  return nsw_program_make(&arch, keep, net, err);
}

int nsw_net_build(const struct nsw_space *space, uint32_t index, const struct nsw_macro *macro, struct nsw_net **net,
                  struct nsw_error *err) {
  return build(space, index, macro, NSW_KEEP_NOTHING, net, err);
}

int nsw_net_build_kept(const struct nsw_space *space, uint32_t index, const struct nsw_macro *macro,
                       struct nsw_net **net, struct nsw_error *err) {
  return build(space, index, macro, NSW_KEEP_CELLS, net, err);
}

int nsw_net_build_whole(const struct nsw_space *space, uint32_t index, const struct nsw_macro *macro,
                        struct nsw_net **net, struct nsw_error *err) {
  return build(space, index, macro, NSW_KEEP_DEAD, net, err);
}

int nsw_net_build_trained(const struct nsw_space *space, uint32_t index, const struct nsw_macro *macro,
                          struct nsw_net **net, struct nsw_error *err) {
  return build(space, index, macro, NSW_KEEP_SHIFTS, net, err);
}

void nsw_net_free(struct nsw_net **net) {
  if (!*net) return;
  free((*net)->tensor);
  free((*net)->layer);
  free((*net)->param);
  free((*net)->cell);
  free(*net);
  *net = NULL;
}

double nsw_net_macs(const struct nsw_net *net) {
  double macs = (double)net->classes * net->feature_channels;
  for (int i = 0; i < net->layers; i++) {
    const struct nsw_layer *layer = &net->layer[i];
    if (layer->kind != NSW_LAYER_CONV) continue;
    const struct nsw_tensor *x = &net->tensor[layer->src], *y = &net->tensor[layer->dst];
    macs += (double)y->size * y->size * x->channels * y->channels * layer->kernel * layer->kernel;
  }
  return macs;
}
