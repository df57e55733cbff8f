/* Inside the engine: its state, and where everything lies. Shared by the engine's own files alone: engine.c (binding
 * and running), pack.c (weights and gradients in the kernels' order), forward.c, backward.c, norm.c, look.c,
 * pieces.c, tangent.c.
 */
#ifndef NSW_NET_ENGINE_STATE_H
#define NSW_NET_ENGINE_STATE_H

#include <string.h>

#include "base/clock.h"
#include "net/engine.h"
#include "net/pixel.h"
#include "net/placement.h"
#include "net/tangent_pixel.h"

/* Images of a batch that go through several layers together, while they are in cache. */
enum { NSW_PIECE = 6, NSW_PIECE_ABREAST = 16 /* where they lie side by side */ };

/* First gradient entries kept for every image. */
struct probe {
  const int *param;
  int count, elements;
  float *out; /* [images][count][elements] */
};

struct nsw_engine {
  enum nsw_isa isa;
  nsw_conv_fn *conv;
  nsw_conv_wgrad_fn *wgrad;
  nsw_conv_probe_fn *conv_probe;
  nsw_abreast_conv_fn *abreast_conv;
  nsw_abreast_wgrad_fn *abreast_wgrad;
  nsw_wino_weights_fn *wino_weights;
  nsw_wino_conv_fn *wino_conv;
  nsw_wino_wgrad_fn *wino_wgrad;
  nsw_wino_gradient_fn *wino_gradient;
  const struct nsw_pixel_kernels *pixel;
  const struct nsw_tangent_kernels *tangent;

  /* What is bound. */
  const struct nsw_net *net;
  const struct nsw_weights *weights;
  struct nsw_batch *batch;
  struct nsw_run run;

  int images; /* n, of the batch */
  struct nsw_placement place;
  bool affine;                        /* gammas other than 1 or betas other than 0 */
  int slots;                          /* images in a group */
  size_t stats_step;                  /* floats from a slot's statistics to the next one's; 0: the same for all */
  struct nsw_floats arena, stats;     /* [slots][place.slot], [slots or fewer][place.stats] */
  struct nsw_floats packed, grads;    /* weights and their gradients; see struct nsw_conv_place */
  struct nsw_floats norm_grads;       /* [place.stats]: gradients of every gamma and beta, where scale and shift are */
  struct nsw_floats affines, moments; /* likewise gammas and betas; means and variances over pixels */
  struct nsw_floats sums;             /* likewise the two sums of a normalisation's way back: pieces.c */
  bool pieces;                        /* images go through in pieces: pieces.c */
  int piece;                          /* images of one */
  struct nsw_floats dy;               /* [piece][place.dy]: then, gradients of raw outputs */
  struct nsw_floats head;             /* weight [classes][features], bias, their gradients */
  struct nsw_floats tiles;            /* scratch memory of Winograd's kernels */
  struct nsw_floats scratch;          /* sums over channels, four vectors; parameters while they are packed */
  struct nsw_floats features, slopes, logits; /* [images][...]: seen by the classifier, gradient of the logits, logits;
                                               * with tangents, as many rows of those behind */
  const float *features_grad;                 /* [images][H][W][C] where it is given; NULL: by the slopes */
  double *losses;                             /* [images] */
  int losses_room;
  struct probe probe;
  nsw_observe_fn *observe; /* NULL: nobody */
  void *with;
  int exponent; /* NSW_NORM_NONE: powers of two taken out on the way forward */
  int *taken;   /* [net cells] power taken out at each */
  int taken_room;
  double *coefficients; /* [net coefficients] their gradients */
  int coefficients_room;
  bool timed;
  double seconds[NSW_WORKS];
};

/* Adds the time since *since to a kind of work, and moves *since on. */
static inline void nsw_engine_account(struct nsw_engine *e, enum nsw_work work, double *since) {
  if (!e->timed) return;
  double t = nsw_thread_seconds();
  e->seconds[work] += t - *since;
  *since = t;
}

/* ---- where things are; image is counted from the start, slot within the group ----
 *
 * A plane is an image of a slot, or several side by side: of images first..first+count-1, planes
 * first/abreast..(first+count)/abreast-1. */

static inline int abreast_of(const struct nsw_engine *e, int t) { return e->place.tensor[t].abreast; }

/* A plane's part of something that lies at `at` in slots, for a tensor's planes `step` apart. */
static inline float *plane_part(const struct nsw_engine *e, int t, int plane, size_t at, size_t step) {
  int planes = e->place.tensor[t].planes;
  return e->arena.p + (size_t)(plane / planes) * e->place.slot + (size_t)(plane % planes) * step + at;
}

static inline struct nsw_plane value_plane(const struct nsw_engine *e, int t, int plane) {
  const struct nsw_tensor_place *p = &e->place.tensor[t];
  return (struct nsw_plane){plane_part(e, t, plane, p->value, p->value_step), p->row, p->col, e->net->tensor[t].size};
}

static inline struct nsw_plane grad_plane(const struct nsw_engine *e, int t, int plane) {
  const struct nsw_tensor_place *p = &e->place.tensor[t];
  int size = e->net->tensor[t].size;
  return (struct nsw_plane){plane_part(e, t, plane, p->grad, p->grad_step), (ptrdiff_t)size * p->grad_col, p->grad_col,
                            size};
}

static inline struct nsw_plane dy_plane(const struct nsw_engine *e, const struct nsw_layer *l,
                                        const struct nsw_conv_place *c, int plane) {
  if (e->pieces && !c->dy_is_grad)
    return (struct nsw_plane){
        e->dy.p + (size_t)plane * e->place.dy + (size_t)(c->dy_frame * (c->dy_row + e->place.tensor[l->dst].col)),
        c->dy_row, e->place.tensor[l->dst].col, e->net->tensor[l->dst].size};
  return (struct nsw_plane){plane_part(e, l->dst, plane, c->dy, e->place.tensor[l->dst].grad_step), c->dy_row,
                            e->place.tensor[l->dst].col, e->net->tensor[l->dst].size};
}

/* Floats from a plane to the next one, of a slot or of the next slot. */
static inline ptrdiff_t value_step(const struct nsw_engine *e, int t) {
  return value_plane(e, t, 1).p - value_plane(e, t, 0).p;
}
static inline ptrdiff_t grad_step(const struct nsw_engine *e, int t) {
  return grad_plane(e, t, 1).p - grad_plane(e, t, 0).p;
}
static inline ptrdiff_t dy_step(const struct nsw_engine *e, const struct nsw_layer *l, const struct nsw_conv_place *c) {
  return dy_plane(e, l, c, 1).p - dy_plane(e, l, c, 0).p;
}

static inline float *stats_of(const struct nsw_engine *e, int t, int slot) {
  return e->stats.p + (size_t)slot * e->stats_step + e->place.tensor[t].stats;
}

/* Scale and shift of the normalised value before gamma and beta. */
static inline const float *hat_of(const struct nsw_engine *e, int t, int slot) {
  return stats_of(e, t, slot) + (e->affine ? 2 * e->place.tensor[t].col : 0);
}

static inline struct nsw_view input_of(const struct nsw_engine *e, int t, int plane) {
  const struct nsw_tensor *x = &e->net->tensor[t];
  struct nsw_view in = {.plane = value_plane(e, t, plane), .relu = x->relu};
  if (x->norm) {
    in.scale = stats_of(e, t, plane);
    in.shift = in.scale + e->place.tensor[t].col;
  }
  return in;
}

static inline const float *image_pixels(const struct nsw_engine *e, int image) {
  return e->batch->pixels.p + (size_t)image * nsw_batch_image(e->batch->size) +
         ((size_t)e->batch->size + 3) * NSW_IMAGE_COL;
}

static inline uint8_t *which_of(const struct nsw_engine *e, int layer, int plane) {
  const struct nsw_layer_place *p = &e->place.layer[layer];
  return (uint8_t *)plane_part(e, e->net->layer[layer].dst, plane, p->which, p->which_step);
}

/* Where the classifier's four arrays lie in its block. */
static inline size_t head_size(const struct nsw_net *net) {
  return (size_t)net->classes * ((size_t)net->feature_channels + 1);
}
static inline float *head_bias(const struct nsw_engine *e) {
  return e->head.p + (size_t)e->net->classes * (size_t)e->net->feature_channels;
}
static inline float *head_grad(const struct nsw_engine *e) { return e->head.p + head_size(e->net); }

/* A pass of Winograd's kernels over `count` images, so many floats apart. */
static inline struct nsw_wino_pass nsw_wino_pass_of(const struct nsw_conv_pass *p, int count, ptrdiff_t x_image,
                                                    ptrdiff_t y_image) {
  return (struct nsw_wino_pass){.images = count,
                                .x_image = x_image,
                                .y_image = y_image,
                                .rows = p->rows,
                                .cols = p->cols,
                                .x_row = p->x_row,
                                .x_col = p->x_col,
                                .y_row = p->y_row,
                                .y_col = p->y_col,
                                .cin = p->cin,
                                .blocks = p->blocks,
                                .add = p->add};
}

/* Every value of a plane times a factor. */
static inline void nsw_plane_scale(struct nsw_plane x, float factor) {
  for (int h = 0; h < x.size; h++)
    for (int i = 0; i < x.size * x.col; i++) x.p[h * x.row + i] *= factor;
}

/* ---- across the engine's files ---- */

/* pack.c: the bound weights as the kernels read them. */
void nsw_engine_pack(struct nsw_engine *e);

/* abreast.c: convolutions that read or make tensors whose images lie side by side, of images from `first` on; and the
 * batch's images brought so. */
void nsw_abreast_images(struct nsw_engine *e, int first, int count);
void nsw_abreast_forward(struct nsw_engine *e, int layer, int first, int count);
void nsw_abreast_weights(struct nsw_engine *e, int layer, int first, int dy, int count);
void nsw_abreast_input(struct nsw_engine *e, int layer, int first, int dy, int count);
/* Sums over the lanes of every image, to all of them; a parameter's values [channels] again for every image. */
void nsw_abreast_fold(const struct nsw_engine *e, int tensor, float *sum);
void nsw_abreast_repeat(const struct nsw_engine *e, int tensor, float *values);

/* Layers and head of images first..first+count-1, in slots 0..count-1. stem: whether the kept stem may serve. */
void nsw_forward_group(struct nsw_engine *e, int first, int count, bool stem);

/* Whether this run's stem can be kept at all; makes room for it, and finds out whether it is there already. */
bool nsw_forward_stem(struct nsw_engine *e);

/* Their parts: a layer of the first slots (conv: image `first` in slot 0), the head of an image. */
void nsw_forward_conv(struct nsw_engine *e, int layer, int first, int slot, int count);
void nsw_forward_combine(struct nsw_engine *e, int layer, int slot, int count);
void nsw_forward_pool(struct nsw_engine *e, int layer, int slot, int count);
void nsw_forward_layer(struct nsw_engine *e, int layer, int first, int slot, int count); /* any of them */
void nsw_forward_head(struct nsw_engine *e, int image, int slot);

/* norm.c: scale and shift of a tensor in the first slots; and the way back through its normalisation and ReLU, from the
 * tensor's gradient to d, one plane a slot. group: the image in slot 0. */
typedef struct nsw_plane nsw_target_fn(const struct nsw_engine *e, int tensor, int slot);
void nsw_forward_norm(struct nsw_engine *e, int tensor, int count);
void nsw_backward_norm(struct nsw_engine *e, int tensor, int group, int count, nsw_target_fn *target);

/* Their parts, for images that go through in pieces. Forward: a piece of slots first..first+count-1 is added to the
 * statistics, which with the last one become scale and shift. Back: a piece is added to the sums over pixels of g and
 * g xhat, sum[2][col] (zero at first), which with the last one become gradients of beta and gamma, and means; with
 * these the gradients of a piece go through normalisation and ReLU, into target's slots from `to` on. */
void nsw_norm_piece(struct nsw_engine *e, int tensor, int first, int count);
void nsw_norm_whole(struct nsw_engine *e, int tensor);
void nsw_norm_sums(struct nsw_engine *e, int tensor, int first, int count, float *sum);
void nsw_norm_means(struct nsw_engine *e, int tensor, int images, float *sum);
void nsw_norm_back(struct nsw_engine *e, int tensor, int first, int count, const float *mean, nsw_target_fn *target,
                   int to);

/* together.c: the convolutions done together with their lead, forward and back (weights: their gradients too). */
void nsw_forward_together(struct nsw_engine *e, int lead, int slot, int count);
void nsw_backward_together(struct nsw_engine *e, int lead, int count, bool weights);

/* pieces.c: all layers and the head, and the way back, of a batch whose images need not be seen layer by layer. */
void nsw_forward_pieces(struct nsw_engine *e);
void nsw_backward_pieces(struct nsw_engine *e, bool weights);

/* The way back of a group, through all layers; then, once for all images, the classifier's gradient. */
void nsw_backward_group(struct nsw_engine *e, int first, int count, bool weights);
void nsw_backward_head(struct nsw_engine *e);

/* Keeps the first entries of a vector parameter's gradient where they are asked for. */
void nsw_probe_vector(const struct nsw_engine *e, int param, int image, const float *values);

/* Slots that a convolution's way back starts at. */
struct nsw_slots {
  int first; /* image in the first slot of x, where x are the images */
  int x, dy; /* slots of x, or of its gradient, and of dy */
};

/* Its parts: a convolution's weight gradient, and its input's (add: to what is there in any case); a sum; a pool; the
 * features' gradient from a row of slopes. values: the slot whose values say where ReLUs were open and maxima lay. */
void nsw_backward_weights(struct nsw_engine *e, int layer, struct nsw_slots at, int count);
void nsw_backward_input(struct nsw_engine *e, int layer, struct nsw_slots at, int count, bool add);
struct nsw_plane nsw_dy_of(const struct nsw_engine *e, int tensor, int slot); /* dy of the convolution that makes it */
void nsw_backward_sum(struct nsw_engine *e, int layer, int slot, int values);
void nsw_backward_pool(struct nsw_engine *e, int layer, int slot, int values);
void nsw_backward_features(struct nsw_engine *e, int row, int slot);

#endif
