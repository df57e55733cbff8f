/* Images side by side (struct nsw_tensor_place: abreast): what is done of each lane, sums, normalisations, ReLUs and
 * pools, needs not know. Here is what does: the images' own pixels, parameters and sums over lanes, and convolutions,
 * whose tensors may differ in how many images a plane holds. Where the side that is written has one, the kernels for
 * single images serve, which find their input channels anywhere; else nsw_abreast_conv. */
#include "net/engine_state.h"

static int lanes_of(const struct nsw_engine *e, int t) { return NSW_BLOCK / abreast_of(e, t); }

void nsw_abreast_fold(const struct nsw_engine *e, int t, float *sum) {
  int abreast = abreast_of(e, t), lanes = lanes_of(e, t);
  for (int c = 0; c < lanes && abreast > 1; c++)
    for (int k = 1; k < abreast; k++) sum[c] += sum[k * lanes + c];
  nsw_abreast_repeat(e, t, sum);
}

void nsw_abreast_repeat(const struct nsw_engine *e, int t, float *values) {
  int lanes = lanes_of(e, t);
  for (int k = 1; k < abreast_of(e, t); k++) memcpy(values + k * lanes, values, (size_t)lanes * sizeof *values);
}

void nsw_abreast_images(struct nsw_engine *e, int first, int count) {
  int abreast = abreast_of(e, 0), lanes = lanes_of(e, 0), size = e->batch->size;
  const ptrdiff_t row = (ptrdiff_t)(size + 2) * NSW_IMAGE_COL;
  for (int s = first; s < first + count; s++) {
    struct nsw_plane to = value_plane(e, 0, s / abreast);
    const float *from = image_pixels(e, s);
    for (int h = 0; h < size; h++)
      for (int i = 0; i < size; i++)
        memcpy(to.p + h * to.row + i * to.col + s % abreast * lanes, from + h * row + (ptrdiff_t)i * NSW_IMAGE_COL,
               NSW_IMAGE_COL * sizeof *from);
    if (s % abreast == 0) nsw_clear_frame(to);
  }
}

/* Planes of a piece of images. */
struct planes {
  float *p;       /* first pixel of the first */
  ptrdiff_t step; /* to the next plane */
  int abreast;
};

static struct planes values_of(const struct nsw_engine *e, int t, int first) {
  int abreast = abreast_of(e, t);
  return (struct planes){value_plane(e, t, first / abreast).p, value_step(e, t), abreast};
}
static struct planes grads_of(const struct nsw_engine *e, int t, int first) {
  int abreast = abreast_of(e, t);
  return (struct planes){grad_plane(e, t, first / abreast).p, grad_step(e, t), abreast};
}
static struct planes dy_of(const struct nsw_engine *e, int i, int first) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_conv_place *c = &e->place.layer[i].conv;
  int abreast = abreast_of(e, l->dst);
  return (struct planes){dy_plane(e, l, c, first / abreast).p, dy_step(e, l, c), abreast};
}

static float *plane_at(struct planes x, int image) { return x.p + image / x.abreast * x.step; }

/* An image's channel 0, from its plane. */
static ptrdiff_t lane_at(struct planes x, int image) { return image % x.abreast * (NSW_BLOCK / x.abreast); }

/* Where a plane of images from `image` on, `abreast` of them, has its input. */
static const float *input_at(struct planes x, int image, int abreast, ptrdiff_t from[NSW_QUADS]) {
  const float *base = plane_at(x, image);
  for (int q = 0; q < NSW_QUADS; q++) {
    int k = image + q * abreast / NSW_QUADS;
    from[q] = plane_at(x, k) - base + lane_at(x, k);
  }
  return base;
}

static void convolve(struct nsw_engine *e, const struct nsw_conv_pass *pass, struct planes x, const float *w,
                     struct planes y, int count) {
  ptrdiff_t from[NSW_QUADS];
  for (int k = 0; k < count; k += y.abreast) {
    const float *in = input_at(x, k, y.abreast, from);
    if (y.abreast == 1)
      e->conv(pass, in + from[0], w, plane_at(y, k));
    else
      e->abreast_conv(pass, from, in, w, plane_at(y, k));
  }
}

void nsw_abreast_forward(struct nsw_engine *e, int i, int first, int count) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_conv_place *c = &e->place.layer[i].conv;
  convolve(e, &c->forward, values_of(e, l->src, first), e->packed.p + c->w, values_of(e, l->dst, first), count);
}

void nsw_abreast_input(struct nsw_engine *e, int i, int first, int dy, int count) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_conv_place *c = &e->place.layer[i].conv;
  for (int k = 0; k < c->backs; k++) {
    struct planes dx = grads_of(e, l->src, first);
    dx.p += c->back_y[k];
    convolve(e, &c->back[k], dy_of(e, i, dy), e->packed.p + c->wb, dx, count);
  }
}

void nsw_abreast_weights(struct nsw_engine *e, int i, int first, int dy, int count) {
  const struct nsw_conv_place *c = &e->place.layer[i].conv;
  struct planes x = values_of(e, e->net->layer[i].src, first), slope = dy_of(e, i, dy);
  float *dw = e->grads.p + c->dw;
  ptrdiff_t from[NSW_QUADS];
  for (int k = 0; k < count; k += slope.abreast) {
    const float *in = input_at(x, k, slope.abreast, from), *d = plane_at(slope, k);
    if (slope.abreast == 1) /* beyond its channels others' are read, into rows of dw that nobody reads */
      e->wgrad(&c->weights, in + from[0], d, dw);
    else
      e->abreast_wgrad(&c->weights, from, in, d, dw);
  }
}
