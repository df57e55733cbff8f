#include "net/placement.h"

#include <stdlib.h>
#include <string.h>

#include "net/arena.h"

/* Spans of the arena while it is laid out: values, gradients, places of maxima, gradients of raw outputs. */
struct layout {
  const struct nsw_net *net;
  struct nsw_placement_wish wish;
  struct nsw_placement *place;
  struct nsw_span *value, *grad; /* [tensors] */
  struct nsw_span *which, *dy;   /* [layers] */
  int *root;                     /* [tensors]: the tensor whose gradient it shares; itself mostly */
  bool *written;                 /* [tensors]: by root, while flags are set */
  int *joined;                   /* [tensors]: the last convolution that others may join; -1: none */
};

static bool is_max(enum nsw_layer_kind kind) { return kind == NSW_LAYER_MAXPOOL3 || kind == NSW_LAYER_MAXPOOL2; }

static int back_step(const struct nsw_net *net, int layer) { return 2 * net->layers - layer; }

/* ---- images side by side ---- */

/* Largest images that are laid side by side. Of larger ones a call of a kernel is long, and Winograd's ways pay. */
enum { SMALL_IMAGE = 8, LEAST_LANES = 4 };

/* Images of so many channels in a block: their lanes are 4, 8 or 16. */
static int abreast_of(int channels) {
  int lanes = LEAST_LANES;
  while (lanes < channels && lanes < NSW_BLOCK) lanes *= 2;
  return NSW_BLOCK / lanes;
}

/* Whether images may lie so through a layer: a sum must be of whole tensors, all alike. */
static bool layer_allows(const struct nsw_net *net, const struct nsw_layer *l) {
  if (l->kind != NSW_LAYER_COMBINE) return l->kind != NSW_LAYER_SCALE;
  int channels = net->tensor[l->dst >= 0 ? l->dst : l->relu_dst].channels;
  bool alike = l->first == 0 && l->count == channels;
  for (int k = 0; k < l->terms; k++) alike = alike && net->tensor[l->term[k]].channels == channels;
  return alike;
}

/* Whether the images of a program lie side by side: they may, and anything gains by it. */
static bool lies_abreast(const struct layout *o) {
  const struct nsw_net *net = o->net;
  bool narrow = false, allowed = net->resolution <= SMALL_IMAGE;
  for (int i = 0; i < net->layers; i++) allowed = allowed && layer_allows(net, &net->layer[i]);
  for (int t = 1; t < net->tensors; t++) narrow = narrow || abreast_of(net->tensor[t].channels) > 1;
  return allowed && narrow && o->wish.abreast;
}

/* ---- shapes ---- */

static void set_shapes(struct layout *o) {
  const struct nsw_net *net = o->net;
  for (int t = 0; t < net->tensors; t++) {
    struct nsw_tensor_place *p = &o->place->tensor[t];
    p->abreast = o->place->abreast ? abreast_of(net->tensor[t].channels) : 1;
    p->planes = o->place->abreast ? o->wish.abreast / p->abreast : 1;
    p->col = t == 0 && !o->place->abreast ? NSW_IMAGE_COL : NSW_BLOCK * nsw_conv_blocks(net->tensor[t].channels);
    p->grad_col = t == 0 ? NSW_BLOCK : p->col;
    if (p->col > o->place->widest) o->place->widest = p->col;
  }
  for (int i = 0; i < net->layers; i++)
    if (net->layer[i].kind == NSW_LAYER_CONV && net->layer[i].kernel == 3)
      o->place->tensor[net->layer[i].src].frame = 1;
  for (int t = 0; t < net->tensors; t++) {
    struct nsw_tensor_place *p = &o->place->tensor[t];
    p->row = (ptrdiff_t)(net->tensor[t].size + 2 * p->frame) * p->col;
  }
}

/* ---- sharing of gradients ---- */

/* A tensor that one sum alone reads, whole and as it is, has that sum's gradient: no copy. Not where its own maker
 * will write into the gradient (a sum that also feeds its rectified form, or one with a post). */
static bool can_share(const struct nsw_net *net, const struct nsw_layer *sum, int t) {
  const struct nsw_tensor *x = &net->tensor[t];
  int made = sum->dst >= 0 ? sum->dst : sum->relu_dst;
  if (x->readers != 1 || t == net->features || x->producer < 0) return false;
  if (sum->first != 0 || sum->count != x->channels || net->tensor[made].channels != x->channels) return false;
  const struct nsw_layer *maker = &net->layer[x->producer];
  if (maker->kind != NSW_LAYER_COMBINE) return true;
  return maker->relu_dst < 0 && !x->norm && !x->relu && maker->count == x->channels;
}

static void share_gradients(struct layout *o) {
  const struct nsw_net *net = o->net;
  for (int t = 0; t < net->tensors; t++) o->root[t] = t;
  /* Backwards, so that the sum's own gradient has found its root already. */
  for (int i = net->layers - 1; i >= 0; i--) {
    const struct nsw_layer *l = &net->layer[i];
    for (int k = 0; k < l->terms; k++) {
      o->place->layer[i].shared[k] = can_share(net, l, l->term[k]);
      if (o->place->layer[i].shared[k]) o->root[l->term[k]] = o->root[l->dst >= 0 ? l->dst : l->relu_dst];
    }
  }
}

/* ---- convolutions done together ---- */

/* 1x1 convolutions that read the same tensor take it from the first caches one after the other (net/together.c). Only
 * where nobody else reads it between them, so that the order of what is added to its gradient stays that of the layers.
 */
static bool can_join(const struct layout *o, const struct nsw_layer *l) {
  if (o->place->abreast) return false; /* small enough to stay there anyway */
  return l->kind == NSW_LAYER_CONV && l->kernel == 1 && l->stride == 1 && l->src != 0;
}

static void join_convs(struct layout *o) {
  const struct nsw_net *net = o->net;
  for (int t = 0; t < net->tensors; t++) o->joined[t] = -1;
  for (int i = 0; i < net->layers; i++) {
    const struct nsw_layer *l = &net->layer[i];
    struct nsw_conv_place *c = &o->place->layer[i].conv;
    c->lead = can_join(o, l) ? i : -1;
    c->last = i;
    c->before = -1;
    for (int k = 0; k < l->terms; k++) o->joined[l->term[k]] = -1;
    if (l->kind == NSW_LAYER_COMBINE) continue;
    if (can_join(o, l) && o->joined[l->src] >= 0) {
      c->before = o->joined[l->src];
      c->lead = o->place->layer[c->before].conv.lead;
      o->place->layer[c->lead].conv.last = i;
    }
    o->joined[l->src] = can_join(o, l) ? i : -1;
  }
}

/* ---- lifetimes ---- */

static void live_until(struct nsw_span *s, int step) {
  if (step > s->to) s->to = step;
}

static void live_from(struct nsw_span *s, int step) {
  if (step < s->from) s->from = step;
}

/* A layer reads tensor t: forward now, and its gradient is written on the way back. */
static void note_read(struct layout *o, int t, int layer) {
  live_until(&o->value[t], layer);
  if (o->wish.back) live_from(&o->grad[o->root[t]], back_step(o->net, layer));
}

static void note_made(struct layout *o, int t, int layer) {
  if (t < 0) return;
  live_from(&o->value[t], layer);
  live_until(&o->value[t], layer);
  if (o->wish.back) live_until(&o->grad[o->root[t]], back_step(o->net, layer));
}

/* It is done at the steps of its lead, which come before its own on the way forward and after it on the way back. */
static void note_conv(struct layout *o, int i) {
  const struct nsw_layer *l = &o->net->layer[i];
  const struct nsw_tensor *y = &o->net->tensor[l->dst];
  int lead = o->place->layer[i].conv.lead >= 0 ? o->place->layer[i].conv.lead : i, back = back_step(o->net, lead);
  live_from(&o->value[l->dst], lead);
  if (!o->wish.back) return;
  if (o->wish.weights) live_until(&o->value[l->src], back);
  live_until(&o->value[l->dst], back_step(o->net, i));                   /* for observers */
  if (!y->norm && !y->relu) live_until(&o->grad[o->root[l->dst]], back); /* it may be dy */
}

static void note_layer(struct layout *o, int i) {
  const struct nsw_net *net = o->net;
  const struct nsw_layer *l = &net->layer[i];
  int back = back_step(net, i);
  note_made(o, l->dst, i);
  note_made(o, l->relu_dst, i);
  for (int k = 0; k < l->terms; k++) note_read(o, l->term[k], i);
  if (l->src >= 0) note_read(o, l->src, i);
  if (l->kind == NSW_LAYER_CONV) note_conv(o, i);
  if (!o->wish.back) return;
  if (l->relu_dst >= 0) live_until(&o->value[l->relu_dst], back);      /* where it was shut */
  if (l->kind == NSW_LAYER_SCALE) live_until(&o->value[l->src], back); /* the coefficient's gradient wants it */
  if (l->dst >= 0 && (net->tensor[l->dst].norm || net->tensor[l->dst].relu)) live_until(&o->value[l->dst], back);
}

static void set_lifetimes(struct layout *o) {
  const struct nsw_net *net = o->net;
  int end = 2 * net->layers;
  for (int t = 0; t < net->tensors; t++) {
    o->value[t].from = o->grad[t].from = end + 1;
    o->value[t].to = o->grad[t].to = -1;
  }
  o->value[0].from = 0;
  for (int i = 0; i < net->layers; i++) note_layer(o, i);
  if (net->features >= 0) note_read(o, net->features, net->layers);
  for (int t = 0; t < net->tensors; t++) {
    if (net->tensor[t].kept) {
      int made = net->tensor[t].producer;
      live_until(&o->value[t], made); /* to be looked at, also where only its rectified form is read */
      if (o->wish.back)
        live_from(&o->grad[o->root[t]], back_step(net, made) - 1); /* may be written before its readers would */
    }
    if (o->wish.again && o->value[t].to >= 0) o->value[t].to = end;
  }
}

/* ---- sizes ---- */

static size_t image_floats(const struct layout *o, int t, int frame) {
  size_t side = (size_t)(o->net->tensor[t].size + 2 * frame);
  return side * side * (size_t)o->place->tensor[t].col;
}

static size_t grad_floats(const struct layout *o, int t) {
  size_t side = (size_t)o->net->tensor[t].size;
  return side * side * (size_t)o->place->tensor[t].grad_col;
}

/* Whether a convolution's source wants its gradient. */
static bool wanted(const struct layout *o, const struct nsw_layer *l) {
  return o->wish.back && (l->src != 0 || o->wish.images);
}

static void set_sizes(struct layout *o) {
  const struct nsw_net *net = o->net;
  int end = 2 * net->layers;
  for (int t = 0; t < net->tensors; t++) {
    struct nsw_tensor_place *p = &o->place->tensor[t];
    p->value_step = image_floats(o, t, p->frame);
    p->grad_step = grad_floats(o, t);
    if ((t > 0 || o->place->abreast) && o->value[t].to >= 0) o->value[t].size = (size_t)p->planes * p->value_step;
    if (t > 0 && o->root[t] == t && o->grad[t].to >= 0) o->grad[t].size = (size_t)p->planes * p->grad_step;
  }
  if (o->wish.images && net->layers && o->wish.back)
    o->grad[0] = (struct nsw_span){grad_floats(o, 0), net->layers, end, 0};
  for (int i = 0; i < net->layers; i++) {
    const struct nsw_layer *l = &net->layer[i];
    struct nsw_conv_place *c = &o->place->layer[i].conv;
    int back = back_step(net, i), last = o->wish.again ? end : o->wish.back ? back : i;
    o->place->layer[i].which_step = l->dst >= 0 ? (image_floats(o, l->dst, 0) + 3) / 4 : 0;
    if (is_max(l->kind))
      o->which[i] =
          (struct nsw_span){(size_t)o->place->tensor[l->dst].planes * o->place->layer[i].which_step, i, last, 0};
    if (l->kind != NSW_LAYER_CONV || !o->wish.back) continue;
    c->dy_frame = l->kernel == 3 && wanted(o, l);
    c->dy_is_grad = !c->dy_frame && !net->tensor[l->dst].norm && !net->tensor[l->dst].relu;
    if (c->dy_is_grad) continue;
    c->dy_size = image_floats(o, l->dst, c->dy_frame);
    if (c->dy_size > o->place->dy) o->place->dy = c->dy_size;
    if (!o->place->abreast) /* else it has no place of its own: images go through in pieces */
      o->dy[i] = (struct nsw_span){c->dy_size, back, c->lead < 0 ? back : back_step(net, c->lead), 0};
  }
}

/* Places every span in the slot, and turns places into first pixels. */
static int place_all(struct layout *o, struct nsw_error *err) {
  const struct nsw_net *net = o->net;
  int most = 2 * net->tensors + 2 * net->layers;
  struct nsw_span *all = calloc((size_t)most, sizeof *all);
  struct nsw_span **owner = calloc((size_t)most, sizeof *owner);
  int *order = calloc((size_t)most, sizeof *order), count = 0;
  if (all && owner && order) {
    struct nsw_span *groups[] = {o->value, o->grad, o->which, o->dy};
    int sizes[] = {net->tensors, net->tensors, net->layers, net->layers};
    for (int g = 0; g < 4; g++)
      for (int i = 0; i < sizes[g]; i++)
        if (groups[g][i].size) {
          all[count] = groups[g][i];
          owner[count++] = &groups[g][i];
        }
    o->place->slot = (nsw_arena_place(all, count, order) + NSW_BLOCK - 1) / NSW_BLOCK * NSW_BLOCK;
    for (int i = 0; i < count; i++) owner[i]->at = all[i].at;
  }
  bool ok = all && owner && order;
  free(all);
  free(owner);
  free(order);
  return ok ? NSW_OK : nsw_no_memory(err, "the placement of a network");
}

static void set_places(struct layout *o) {
  const struct nsw_net *net = o->net;
  for (int t = 0; t < net->tensors; t++) {
    struct nsw_tensor_place *p = &o->place->tensor[t];
    p->value = o->value[t].at + (size_t)(p->frame * (p->row + p->col));
    p->grad = o->grad[o->root[t]].at;
    if (!net->tensor[t].norm) continue;
    p->stats = o->place->stats;
    o->place->stats += (o->wish.affine ? 4 : 2) * (size_t)p->col;
  }
  for (int i = 0; i < net->layers; i++) {
    struct nsw_conv_place *c = &o->place->layer[i].conv;
    const struct nsw_layer *l = &net->layer[i];
    o->place->layer[i].which = o->which[i].at;
    if (l->kind != NSW_LAYER_CONV) continue;
    const struct nsw_tensor_place *y = &o->place->tensor[l->dst];
    int size = net->tensor[l->dst].size + 2 * c->dy_frame;
    c->dy_row = (ptrdiff_t)size * y->col;
    c->dy = c->dy_is_grad ? y->grad : o->dy[i].at + (size_t)(c->dy_frame * (c->dy_row + y->col));
  }
}

/* ---- the order of the way back ---- */

/* Who writes a gradient first sets it, the others add. In the order of the way back. */
static void set_adds(struct layout *o) {
  const struct nsw_net *net = o->net;
  if (net->features >= 0) o->written[o->root[net->features]] = true;
  for (int i = net->layers - 1; i >= 0; i--) {
    const struct nsw_layer *l = &net->layer[i];
    struct nsw_layer_place *p = &o->place->layer[i];
    if (l->kind == NSW_LAYER_CONV) nsw_place_conv(net, i, wanted(o, l), o->wish.weights, o->place);
    if (l->src >= 0) {
      bool *written = &o->written[o->root[l->src]];
      p->add[0] = *written;
      *written = true;
      for (int b = 0; b < p->conv.backs; b++) p->conv.back[b].add = p->add[0];
    }
    for (int k = 0; k < l->terms; k++) {
      bool *written = &o->written[o->root[l->term[k]]];
      if (p->shared[k]) continue;
      p->add[k] = *written;
      *written = true;
    }
  }
}

static int make(struct layout *o, struct nsw_error *err) {
  o->place->abreast = lies_abreast(o);
  set_shapes(o);
  share_gradients(o);
  join_convs(o);
  set_lifetimes(o);
  set_sizes(o);
  int status = place_all(o, err);
  if (status) return status;
  set_places(o);
  set_adds(o);
  return NSW_OK;
}

int nsw_placement_make(const struct nsw_net *net, struct nsw_placement_wish wish, struct nsw_placement *place,
                       struct nsw_error *err) {
  size_t tensors = (size_t)net->tensors, layers = (size_t)net->layers + 1;
  *place = (struct nsw_placement){.tensor = calloc(tensors, sizeof *place->tensor),
                                  .layer = calloc(layers, sizeof *place->layer)};
  struct layout o = {.net = net,
                     .wish = wish,
                     .place = place,
                     .value = calloc(tensors, sizeof *o.value),
                     .grad = calloc(tensors, sizeof *o.grad),
                     .which = calloc(layers, sizeof *o.which),
                     .dy = calloc(layers, sizeof *o.dy),
                     .root = calloc(tensors, sizeof *o.root),
                     .written = calloc(tensors, sizeof *o.written),
                     .joined = calloc(tensors, sizeof *o.joined)};
  bool ok = place->tensor && place->layer && o.value && o.grad && o.which && o.dy && o.root && o.written && o.joined;
  int status = ok ? make(&o, err) : nsw_no_memory(err, "the placement of a network");
  free(o.value);
  free(o.grad);
  free(o.which);
  free(o.dy);
  free(o.root);
  free(o.written);
  free(o.joined);
  return status;
}

void nsw_placement_free(struct nsw_placement *place) {
  free(place->tensor);
  free(place->layer);
  *place = (struct nsw_placement){0};
}
