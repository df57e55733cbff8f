/* Large batches, normalised over all their images. Layer by layer every one of them would come from memory and go back
 * to it; so as many layers as need no new statistics are run with a few images at a time, which stay in the cache. The
 * statistics of what these layers make, and on the way back the sums that the next normalisations need, are gathered on
 * the way; back, the convolutions that feed one sum need their sums at the same time and go in one stretch. Every image
 * sees its layers in the same order as when all go through together, and sums go in the order of the images: the
 * results are the same. */
#include "net/engine_state.h"

/* ---- forward ---- */

/* Whether a layer finishes a normalised tensor. */
static bool makes_norm(const struct nsw_net *net, int i) {
  const struct nsw_layer *l = &net->layer[i];
  if (l->dst < 0 || !net->tensor[l->dst].norm) return false;
  return l->kind != NSW_LAYER_COMBINE || l->first + l->count == net->tensor[l->dst].channels;
}

/* The layer at whose step a layer is done: its own, or that of its lead (net/together.c). */
static int done_at(const struct nsw_engine *e, int i) {
  int lead = e->place.layer[i].conv.lead;
  return lead >= 0 ? lead : i;
}

/* Whether a layer reads a normalised tensor made at the step of layer `first` or later. */
static bool waits(const struct nsw_engine *e, int i, int first) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_tensor *x = e->net->tensor;
  bool wait = l->src >= 0 && x[l->src].norm && done_at(e, x[l->src].producer) >= first;
  for (int k = 0; k < l->terms; k++) wait = wait || (x[l->term[k]].norm && done_at(e, x[l->term[k]].producer) >= first);
  return wait;
}

/* The normalised tensors made at the step of layer i: a piece is added to their statistics; they become whole. */
static void norm_pieces(struct nsw_engine *e, int i, int slot, int count) {
  double since = e->timed ? nsw_thread_seconds() : 0;
  for (int k = e->place.layer[i].conv.last; k >= 0; k = e->place.layer[k].conv.before)
    if (makes_norm(e->net, k)) nsw_norm_piece(e, e->net->layer[k].dst, slot, count);
  nsw_engine_account(e, NSW_WORK_NORM, &since);
}

static void norm_wholes(struct nsw_engine *e, int i) {
  for (int k = e->place.layer[i].conv.last; k >= 0; k = e->place.layer[k].conv.before)
    if (makes_norm(e->net, k)) nsw_norm_whole(e, e->net->layer[k].dst);
}

static void forward_layers(struct nsw_engine *e, int first, int end, int slot, int count) {
  if (first == 0 && e->place.abreast) nsw_abreast_images(e, slot, count);
  for (int i = first; i < end; i++) {
    if (done_at(e, i) != i) continue;
    if (e->place.layer[i].conv.last != i)
      nsw_forward_together(e, i, slot, count);
    else
      nsw_forward_layer(e, i, slot, slot, count);
    norm_pieces(e, i, slot, count);
  }
}

void nsw_forward_pieces(struct nsw_engine *e) {
  const struct nsw_net *net = e->net;
  for (int first = 0, end; first < net->layers; first = end) {
    for (end = first + 1; end < net->layers && !waits(e, end, first);) end++;
    for (int s = 0; s < e->images; s += e->piece)
      forward_layers(e, first, end, s, e->images - s < e->piece ? e->images - s : e->piece);
    for (int i = first; i < end; i++)
      if (done_at(e, i) == i) norm_wholes(e, i);
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

/* A normalised tensor's two sums over pixels, [2][col], which become means once they are whole. */
static float *sums_of(const struct nsw_engine *e, int t) { return e->sums.p + e->place.tensor[t].stats; }

static void conv_back(struct nsw_engine *e, int i, int slot, int count, bool weights) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_conv_place *c = &e->place.layer[i].conv;
  struct nsw_slots at = {.first = slot, .x = slot, .dy = c->dy_is_grad ? slot : 0};
  double since = e->timed ? nsw_thread_seconds() : 0;
  if (!c->dy_is_grad) nsw_norm_back(e, l->dst, slot, count, sums_of(e, l->dst), nsw_dy_of, 0);
  nsw_engine_account(e, NSW_WORK_NORM, &since);
  const int abreast = abreast_of(e, l->dst);
  for (int s = 0; s < count / abreast && c->dy_frame; s++) nsw_clear_frame(dy_plane(e, l, c, at.dy / abreast + s));
  if (weights) nsw_backward_weights(e, i, at, count);
  nsw_backward_input(e, i, at, count, false);
  nsw_engine_account(e, l->kernel == 3 ? NSW_WORK_CONV3 : NSW_WORK_CONV1, &since);
}

/* The way back of a piece through one layer, whose normalisation has its means. */
static void layer_back(struct nsw_engine *e, int i, int slot, int count, bool weights) {
  const struct nsw_layer *l = &e->net->layer[i];
  double since = e->timed ? nsw_thread_seconds() : 0;
  if (l->kind == NSW_LAYER_CONV) {
    conv_back(e, i, slot, count, weights);
    return;
  }
  bool combine = l->kind == NSW_LAYER_COMBINE;
  if (combine && l->dst >= 0 && (e->net->tensor[l->dst].norm || e->net->tensor[l->dst].relu)) {
    nsw_norm_back(e, l->dst, slot, count, sums_of(e, l->dst), grad_plane, slot);
    nsw_engine_account(e, NSW_WORK_NORM, &since);
  }
  const int abreast = abreast_of(e, l->dst >= 0 ? l->dst : l->relu_dst);
  for (int s = slot / abreast; s < (slot + count) / abreast; s++)
    if (combine)
      nsw_backward_sum(e, i, s, s);
    else
      nsw_backward_pool(e, i, s, s);
  nsw_engine_account(e, combine ? NSW_WORK_COMBINE : NSW_WORK_POOL, &since);
}

/* The layer on whose way back the gradient of a layer's tensor is whole: the first that reads it. */
static int made_whole(const struct nsw_net *net, int i) {
  int dst = net->layer[i].dst, reader = i + 1;
  for (; reader < net->layers; reader++) {
    const struct nsw_layer *l = &net->layer[reader];
    if (l->kind != NSW_LAYER_COMBINE && l->src == dst) break;
    int k = 0;
    while (k < l->terms && l->term[k] != dst) k++;
    if (k < l->terms) break;
  }
  return reader;
}

/* A stretch of the way back: layers from..to+1, the last one first. The sums they start with are there; those of some
 * layers from `to` down to `oldest` can be taken when it has gone back. */
struct stretch {
  int from, to, oldest;
};

/* Whether a layer's sums can be taken once a stretch has gone back, and not before. */
static bool sums_now(const struct nsw_net *net, const struct stretch *s, int i) {
  if (!needs_sums(net, i)) return false;
  int whole = made_whole(net, i);
  return s->to < whole && whole <= s->from;
}

static struct stretch next_stretch(const struct nsw_net *net, int from) {
  struct stretch s = {.from = from, .to = from - 1};
  while (s.to >= 0 && (!needs_sums(net, s.to) || made_whole(net, s.to) > from)) s.to--;
  s.oldest = s.to + 1;
  for (int i = s.to; i >= 0; i--)
    if (sums_now(net, &s, i)) s.oldest = i;
  return s;
}

/* A stretch back, of a piece; then what it adds to sums. */
static void back_piece(struct nsw_engine *e, const struct stretch *stretch, int slot, int count, bool weights) {
  const struct nsw_net *net = e->net;
  for (int i = stretch->from; i > stretch->to; i--)
    if (i < net->layers) layer_back(e, i, slot, count, weights);
  double since = e->timed ? nsw_thread_seconds() : 0;
  for (int i = stretch->to; i >= stretch->oldest; i--)
    if (sums_now(net, stretch, i)) nsw_norm_sums(e, net->layer[i].dst, slot, count, sums_of(e, net->layer[i].dst));
  nsw_engine_account(e, NSW_WORK_NORM, &since);
}

void nsw_backward_pieces(struct nsw_engine *e, bool weights) {
  const struct nsw_net *net = e->net;
  e->pieces = true;
  memset(e->sums.p, 0, e->place.stats * sizeof(float));
  for (int s = 0; s < e->images; s++) nsw_backward_features(e, s, s);
  for (struct stretch stretch = {.to = net->layers}; stretch.to >= 0;) {
    stretch = next_stretch(net, stretch.to);
    for (int s = 0; s < e->images; s += e->piece)
      back_piece(e, &stretch, s, e->images - s < e->piece ? e->images - s : e->piece, weights);
    for (int i = stretch.to; i >= stretch.oldest; i--)
      if (sums_now(net, &stretch, i)) nsw_norm_means(e, net->layer[i].dst, e->images, sums_of(e, net->layer[i].dst));
  }
  e->pieces = false;
}
