/* Large batches, normalised over all their images. Layer by layer every one of them would come from memory and go back
 * to it; so as many layers as need no new statistics are run with a few images at a time, which stay in the cache. The
 * statistics of what these layers make, and on the way back the sums that the next normalisation needs, are gathered on
 * the way. Every image sees its layers in the same order as when all go through together, and sums go in the order of
 * the images: the results are the same. */
#include "net/engine_state.h"

/* ---- forward ---- */

/* Whether a layer finishes a normalised tensor. */
static bool makes_norm(const struct nsw_net *net, int i) {
  const struct nsw_layer *l = &net->layer[i];
  if (l->dst < 0 || !net->tensor[l->dst].norm) return false;
  return l->kind != NSW_LAYER_COMBINE || l->first + l->count == net->tensor[l->dst].channels;
}

/* Whether a layer reads a normalised tensor made by layer `first` or later. */
static bool waits(const struct nsw_net *net, int i, int first) {
  const struct nsw_layer *l = &net->layer[i];
  bool wait = l->src >= 0 && net->tensor[l->src].norm && net->tensor[l->src].producer >= first;
  for (int k = 0; k < l->terms; k++)
    wait = wait || (net->tensor[l->term[k]].norm && net->tensor[l->term[k]].producer >= first);
  return wait;
}

static void forward_layers(struct nsw_engine *e, int first, int end, int slot, int count) {
  for (int i = first; i < end; i++) {
    nsw_forward_layer(e, i, slot, slot, count);
    double since = e->timed ? nsw_thread_seconds() : 0;
    if (makes_norm(e->net, i)) nsw_norm_piece(e, e->net->layer[i].dst, slot, count);
    nsw_engine_account(e, NSW_WORK_NORM, &since);
  }
}

void nsw_forward_pieces(struct nsw_engine *e) {
  const struct nsw_net *net = e->net;
  for (int first = 0, end; first < net->layers; first = end) {
    for (end = first + 1; end < net->layers && !waits(net, end, first);) end++;
    for (int s = 0; s < e->images; s += NSW_PIECE)
      forward_layers(e, first, end, s, e->images - s < NSW_PIECE ? e->images - s : NSW_PIECE);
    for (int i = first; i < end; i++)
      if (makes_norm(net, i)) nsw_norm_whole(e, net->layer[i].dst);
  }
  double since = e->timed ? nsw_thread_seconds() : 0;
  for (int s = 0; s < e->images; s++) nsw_forward_head(e, s, s);
  nsw_engine_account(e, NSW_WORK_HEAD, &since);
}

/* ---- backward ---- */

/* Whether a layer's way back starts with sums over all images. */
static bool needs_sums(const struct nsw_net *net, int i) {
  int dst = net->layer[i].dst;
  return dst >= 0 && net->tensor[dst].norm;
}

static void conv_back(struct nsw_engine *e, int i, int slot, int count, const float *mean, bool weights) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_conv_place *c = &e->place.layer[i].conv;
  struct nsw_slots at = {.first = slot, .x = slot, .dy = c->dy_is_grad ? slot : 0};
  double since = e->timed ? nsw_thread_seconds() : 0;
  if (!c->dy_is_grad) nsw_norm_back(e, l->dst, slot, count, mean, nsw_dy_of, 0);
  nsw_engine_account(e, NSW_WORK_NORM, &since);
  for (int s = 0; s < count && c->dy_frame; s++) nsw_clear_frame(dy_plane(e, l, c, at.dy + s));
  if (weights) nsw_backward_weights(e, i, at, count);
  nsw_backward_input(e, i, at, count, false);
  nsw_engine_account(e, l->kernel == 3 ? NSW_WORK_CONV3 : NSW_WORK_CONV1, &since);
}

/* The way back of a piece through one layer; mean: of its normalisation. */
static void layer_back(struct nsw_engine *e, int i, int slot, int count, const float *mean, bool weights) {
  const struct nsw_layer *l = &e->net->layer[i];
  double since = e->timed ? nsw_thread_seconds() : 0;
  if (l->kind == NSW_LAYER_CONV) {
    conv_back(e, i, slot, count, mean, weights);
    return;
  }
  bool combine = l->kind == NSW_LAYER_COMBINE;
  if (combine && l->dst >= 0 && (e->net->tensor[l->dst].norm || e->net->tensor[l->dst].relu)) {
    nsw_norm_back(e, l->dst, slot, count, mean, grad_plane, slot);
    nsw_engine_account(e, NSW_WORK_NORM, &since);
  }
  for (int s = slot; s < slot + count; s++)
    if (combine)
      nsw_backward_sum(e, i, s, s);
    else
      nsw_backward_pool(e, i, s, s);
  nsw_engine_account(e, combine ? NSW_WORK_COMBINE : NSW_WORK_POOL, &since);
}

/* Layers from..to+1 back, from the last one, whose normalisation has its means; then the sums of layer `to`. */
static void back_piece(struct nsw_engine *e, int from, int to, int slot, int count, const float *mean, float *next,
                       bool weights) {
  for (int i = from; i > to; i--) layer_back(e, i, slot, count, mean, weights);
  double since = e->timed ? nsw_thread_seconds() : 0;
  if (to >= 0) nsw_norm_sums(e, e->net->layer[to].dst, slot, count, next);
  nsw_engine_account(e, NSW_WORK_NORM, &since);
}

void nsw_backward_pieces(struct nsw_engine *e, bool weights) {
  const struct nsw_net *net = e->net;
  size_t width = 2 * (size_t)e->place.widest;
  float *mean = e->scratch.p, *next = mean + width;
  e->pieces = true;
  for (int s = 0; s < e->images; s++) nsw_backward_features(e, s, s);
  for (int from = net->layers, to; from >= 0; from = to) {
    for (to = from - 1; to >= 0 && !needs_sums(net, to);) to--;
    memset(next, 0, width * sizeof *next);
    for (int s = 0; s < e->images; s += NSW_PIECE)
      back_piece(e, from < net->layers ? from : net->layers - 1, to, s,
                 e->images - s < NSW_PIECE ? e->images - s : NSW_PIECE, mean, next, weights);
    if (to >= 0) nsw_norm_means(e, net->layer[to].dst, e->images, next);
    float *was = mean;
    mean = next;
    next = was;
  }
  e->pieces = false;
}
