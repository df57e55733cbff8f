/* Looking inside: values and gradients of tensors, of a run or at an observer's moment. */
#include "net/engine_state.h"

struct nsw_view nsw_engine_value(const struct nsw_engine *e, int tensor, int image) {
  return input_of(e, tensor, image);
}

void nsw_engine_values(const struct nsw_engine *e, int tensor, int image, float *out) {
  struct nsw_view x = input_of(e, tensor, image);
  int channels = e->net->tensor[tensor].channels;
  for (int h = 0; h < x.plane.size; h++)
    for (int w = 0; w < x.plane.size; w++, out += channels) {
      const float *p = x.plane.p + h * x.plane.row + w * x.plane.col;
      for (int c = 0; c < channels; c++) out[c] = x.scale ? p[c] * x.scale[c] + x.shift[c] : p[c];
      for (int c = 0; c < channels && x.relu; c++) out[c] = !(out[c] > 0) ? 0.0f : out[c];
    }
}

struct nsw_plane nsw_engine_slope(const struct nsw_engine *e, int layer, int image) {
  return dy_plane(e, &e->net->layer[layer], &e->place.layer[layer].conv, image);
}

void nsw_engine_input_gradient(const struct nsw_engine *e, int image, float *out) {
  size_t side = (size_t)e->batch->size;
  if (!e->net->layers) {
    memset(out, 0, 3 * side * side * sizeof *out);
    return;
  }
  struct nsw_plane g = grad_plane(e, 0, image);
  for (int c = 0; c < 3; c++)
    for (int h = 0; h < g.size; h++)
      for (int w = 0; w < g.size; w++) *out++ = g.p[h * g.row + w * g.col + c];
}

/* ---- gradients of kept tensors ---- */

/* The twin of a sum that holds its rectified form; -1: none. */
static int twin_of(const struct nsw_net *net, int tensor) {
  int producer = net->tensor[tensor].producer;
  return producer >= 0 && net->layer[producer].relu_dst != tensor ? net->layer[producer].relu_dst : -1;
}

void nsw_engine_set_gradient(struct nsw_engine *e, int tensor, int image, const float *g) {
  struct nsw_plane to = grad_plane(e, tensor, image);
  int channels = e->net->tensor[tensor].channels, twin = twin_of(e->net, tensor);
  size_t pixels = (size_t)to.size * (size_t)to.size;
  memset(to.p, 0, pixels * (size_t)to.col * sizeof *to.p);
  for (size_t i = 0; i < pixels; i++)
    memcpy(to.p + i * (size_t)to.col, g + i * (size_t)channels, (size_t)channels * sizeof *g);
  if (twin >= 0) memset(grad_plane(e, twin, image).p, 0, pixels * (size_t)to.col * sizeof *to.p);
}

void nsw_engine_tensor_gradient(const struct nsw_engine *e, int tensor, int image, float *g) {
  const struct nsw_tensor *x = &e->net->tensor[tensor];
  struct nsw_plane from = grad_plane(e, tensor, image), other = {0}, open = {0};
  int twin = twin_of(e->net, tensor);
  bool own = x->readers > x->kept;
  if (twin >= 0) {
    other = grad_plane(e, twin, image);
    open = value_plane(e, twin, image);
  }
  for (int h = 0; h < x->size; h++)
    for (int w = 0; w < x->size; w++, g += x->channels) {
      memset(g, 0, (size_t)x->channels * sizeof *g);
      if (own) memcpy(g, from.p + h * from.row + w * from.col, (size_t)x->channels * sizeof *g);
      if (twin < 0) continue;
      const float *gate = open.p + h * open.row + w * open.col, *more = other.p + h * other.row + w * other.col;
      for (int c = 0; c < x->channels; c++) g[c] = gate[c] > 0 ? g[c] + more[c] : g[c];
    }
}
