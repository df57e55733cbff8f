/* 1x1 convolutions that read the same tensor (struct nsw_conv_place: lead), strip by strip: a strip of its pixels, or
 * of its gradient, comes into the first caches once for all of them, and dy once for both ways back. What is summed in
 * which order is the same as one convolution after the other. */
#include "net/engine_state.h"

/* A pass over a strip's rows only. */
static struct nsw_conv_pass strip_of(const struct nsw_conv_pass *pass, int first, int rows) {
  struct nsw_conv_pass p = *pass;
  p.rows = pass->rows - first < rows ? pass->rows - first : rows;
  return p;
}

static void forward_strip(struct nsw_engine *e, int i, int s, int h, int rows) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_conv_place *c = &e->place.layer[i].conv;
  struct nsw_conv_pass p = strip_of(&c->forward, h, rows);
  e->conv(&p, value_plane(e, l->src, s).p + h * p.x_row, e->packed.p + c->w, value_plane(e, l->dst, s).p + h * p.y_row);
}

void nsw_forward_together(struct nsw_engine *e, int lead, int slot, int count) {
  double since = e->timed ? nsw_thread_seconds() : 0;
  const struct nsw_layer_place *place = e->place.layer;
  const struct nsw_conv_pass *shape = &place[lead].conv.forward;
  int rows = nsw_conv_strip(shape->cols);
  for (int s = slot; s < slot + count; s++) {
    for (int h = 0; h < shape->rows; h += rows)
      for (int i = place[lead].conv.last; i >= 0; i = place[i].conv.before) forward_strip(e, i, s, h, rows);
  }
  nsw_engine_account(e, NSW_WORK_CONV1, &since);
}

static void back_strip(struct nsw_engine *e, int i, int s, int h, int rows, bool weights) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_conv_place *c = &e->place.layer[i].conv;
  struct nsw_conv_pass p = strip_of(&c->weights, h, rows);
  const float *dy = dy_plane(e, l, c, s).p + h * p.y_row;
  if (weights) e->wgrad(&p, value_plane(e, l->src, s).p + h * p.x_row, dy, e->grads.p + c->dw);
  if (!c->backs) return;
  p = strip_of(&c->back[0], h, rows);
  e->conv(&p, dy, e->packed.p + c->wb, grad_plane(e, l->src, s).p + h * p.y_row);
}

void nsw_backward_together(struct nsw_engine *e, int lead, int count, bool weights) {
  const struct nsw_layer_place *place = e->place.layer;
  int all = place[lead].conv.weights.rows, rows = nsw_conv_strip(place[lead].conv.weights.cols);
  for (int s = 0; s < count; s++)
    for (int h = 0; h < all; h += rows)
      for (int i = place[lead].conv.last; i >= 0; i = place[i].conv.before) back_strip(e, i, s, h, rows, weights);
}
