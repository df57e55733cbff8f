/* The geometry of kernel calls. */
#include "net/placement.h"

static void forward_pass(const struct nsw_net *net, const struct nsw_placement *place, const struct nsw_layer *l,
                         struct nsw_conv_pass *p) {
  const struct nsw_tensor *x = &net->tensor[l->src], *y = &net->tensor[l->dst];
  const struct nsw_tensor_place *xp = &place->tensor[l->src], *yp = &place->tensor[l->dst];
  int k = l->kernel, pad = (k - 1) / 2;
  *p = (struct nsw_conv_pass){.rows = y->size,
                              .cols = y->size,
                              .x_row = xp->row * l->stride,
                              .x_col = (ptrdiff_t)xp->col * l->stride,
                              .y_row = yp->row,
                              .y_col = yp->col,
                              .cin = x->channels,
                              .blocks = yp->col / NSW_BLOCK,
                              .taps = k * k,
                              .w_taps = k * k};
  for (int t = 0; t < k * k; t++) {
    p->tap_x[t] = (t / k - pad) * xp->row + (t % k - pad) * xp->col;
    p->tap_w[t] = t;
  }
}

/* The way back of stride 1: a convolution of dy with the weights turned around. Of stride 2: dx's pixels of each parity
 * see their own taps, so four passes do no work on zeros. Output o reads input o * stride + tap - pad. */
static void back_passes(const struct nsw_net *net, const struct nsw_placement *place, const struct nsw_layer *l,
                        struct nsw_conv_place *c) {
  const struct nsw_tensor *x = &net->tensor[l->src], *y = &net->tensor[l->dst];
  const struct nsw_tensor_place *xp = &place->tensor[l->src], *yp = &place->tensor[l->dst];
  int k = l->kernel, pad = (k - 1) / 2, s = l->stride;
  ptrdiff_t dx_row = (ptrdiff_t)x->size * xp->grad_col;
  for (int b = 0; b < s * s; b++) {
    int py = b / s, px = b % s;
    struct nsw_conv_pass *p = &c->back[b];
    *p = (struct nsw_conv_pass){.rows = x->size / s,
                                .cols = x->size / s,
                                .x_row = c->dy_row,
                                .x_col = yp->col,
                                .y_row = dx_row * s,
                                .y_col = (ptrdiff_t)xp->grad_col * s,
                                .cin = y->channels,
                                .blocks = xp->grad_col / NSW_BLOCK,
                                .w_taps = k * k};
    c->back_y[b] = py * dx_row + px * xp->grad_col;
    for (int t = 0; t < k * k; t++) {
      int up = py + pad - t / k, left = px + pad - t % k; /* (input + pad - tap) must be a multiple of the stride */
      if (up % s || left % s) continue;
      p->tap_x[p->taps] = up / s * c->dy_row + left / s * yp->col;
      p->tap_w[p->taps++] = t;
    }
  }
}

/* Enough for either way. */
static void set_scratch(struct nsw_placement *place, int in, int out) {
  size_t there = nsw_wino_scratch(in, nsw_conv_blocks(out)), back = nsw_wino_scratch(out, nsw_conv_blocks(in));
  size_t most = there > back ? there : back;
  if (most > place->wino) place->wino = most;
}

void nsw_place_conv(const struct nsw_net *net, int layer, bool back, bool weights, struct nsw_placement *place) {
  const struct nsw_layer *l = &net->layer[layer];
  struct nsw_conv_place *c = &place->layer[layer].conv;
  const struct nsw_tensor *x = &net->tensor[l->src], *y = &net->tensor[l->dst];
  const struct nsw_tensor_place *xp = &place->tensor[l->src], *yp = &place->tensor[l->dst];
  /* Winograd's weight gradients are stored in whole blocks of input channels. */
  size_t kernel = (size_t)l->kernel, depth = (size_t)nsw_conv_depth(x->channels);
  size_t w_taps = kernel * kernel, wb_taps = w_taps, dw_taps = w_taps;
  c->wino = l->kernel == 3 && l->stride == 1 && l->src != 0 && depth % NSW_BLOCK == 0 &&
            xp->abreast * yp->abreast == 1 && nsw_wino_fits(y->size, y->size);
  if (c->wino) {
    w_taps = (size_t)nsw_wino_places(c->tile[0] = nsw_wino_rows(y->size, x->channels));
    wb_taps = (size_t)nsw_wino_places(c->tile[1] = nsw_wino_rows(y->size, y->channels));
    dw_taps = (size_t)nsw_wino_square(c->tile[2] = nsw_wino_tile(y->size, y->size, x->channels, y->channels));
    set_scratch(place, x->channels, y->channels);
  }
  forward_pass(net, place, l, &c->forward);
  c->weights = c->forward;
  c->weights.y_row = c->dy_row;
  c->backs = back ? l->stride * l->stride : 0;
  if (back) back_passes(net, place, l, c);
  c->w_size = w_taps * (size_t)x->channels * (size_t)yp->col;
  c->wb_size = c->backs ? wb_taps * (size_t)y->channels * (size_t)xp->grad_col : 0;
  c->dw_size = weights ? dw_taps * depth * (size_t)yp->col : 0;
  c->w = place->weights;
  c->wb = c->w + c->w_size;
  c->dw = place->grads;
  place->weights = c->wb + c->wb_size;
  place->grads += c->dw_size;
}
