/* NAS-Bench-101's network: stem, three stacks of cells, head (Ying et al., 2019, as its TensorFlow model builds it). */
#include <math.h>
#include <stdio.h>

#include "net/net.h"
#include "space/nb101.h"

enum { STACKS = 3, SLOTS = 32, OUTPUT_SLOT = 30 };

/* Deviation of a normal that has deviation 1 once it is cut off at two: what the benchmark divides by. */
#define CUT_DEVIATION 0.87962566103423978

/* Convolution, normalisation and ReLU with new parameters; slot is its place in the section, part of the keys. */
static int add_conv(struct nsw_net *net, const char *name, int section, int slot, int src, int channels, int kernel) {
  char full[56];
  uint64_t key = ((uint64_t)section * SLOTS + (uint64_t)slot) * 4;
  if (net->failed) return 0;
  int in = net->tensor[src].channels;
  snprintf(full, sizeof full, "%s.conv", name);
  int param = nsw_net_add_param(net, full, NSW_PARAM_CONV, channels, in, kernel, key);
  snprintf(full, sizeof full, "%s.bn.weight", name);
  nsw_net_add_param(net, full, NSW_PARAM_GAMMA, channels, 1, 1, key + 1);
  snprintf(full, sizeof full, "%s.bn.bias", name);
  nsw_net_add_param(net, full, NSW_PARAM_BETA, channels, 1, 1, key + 2);
  int y = nsw_net_add_conv(net, src, channels, kernel, 1, param);
  if (net->failed) return 0;
  net->param[param].init = NSW_INIT_TRUNCATED_NORMAL;
  net->param[param].scale = (float)(sqrt(1.0 / ((double)in * kernel * kernel)) / CUT_DEVIATION);
  nsw_net_add_norm(net, y, param + 1, true);
  return y;
}

/* One inner vertex: its projection of the input, the sum, its operation. */
static int add_vertex(struct nsw_net *net, const struct nsw_cell *cell, int v, const int *tensor, int x, int section,
                      int channels) {
  int term[NSW_MAX_VERTICES], terms = 0;
  char name[40];
  if (cell->edges >> nsw_edge(0, v) & 1) {
    snprintf(name, sizeof name, "cells.%d.%d.projection", section - 1, v);
    term[terms++] = add_conv(net, name, section, 2 * v, x, channels, 1);
  }
  for (int u = 1; u < v; u++)
    if (cell->edges >> nsw_edge(u, v) & 1) term[terms++] = tensor[u];
  if (net->failed) return 0;
  const struct nsw_tensor *only = &net->tensor[term[0]];
  bool ready = terms == 1 && only->channels == channels && !only->norm && !only->relu;
  int in = ready ? term[0] : nsw_net_add_sum(net, term, terms, channels);
  if (cell->vertex_op[v] == NSW_OP_MAXPOOL3) return nsw_net_add_pool(net, NSW_LAYER_MAXPOOL3, in);
  snprintf(name, sizeof name, "cells.%d.%d.op", section - 1, v);
  return add_conv(net, name, section, 2 * v + 1, in, channels, cell->vertex_op[v] == NSW_OP_CONV3 ? 3 : 1);
}

/* The inner vertices that feed the output, side by side; -1 where there are none. */
static int add_concat(struct nsw_net *net, const struct nsw_cell *cell, const int *tensor, const int *channels,
                      int out) {
  int last = cell->vertices - 1, feeders = 0, first = 0, dst = -1;
  for (int v = 1; v < last; v++) feeders += cell->edges >> nsw_edge(v, last) & 1;
  for (int v = 1; v < last && !net->failed; v++) {
    if (!(cell->edges >> nsw_edge(v, last) & 1)) continue;
    if (feeders == 1) return nsw_net_plain(net, tensor[v]);
    if (dst < 0) dst = nsw_net_add_tensor(net, out, net->tensor[tensor[v]].size);
    nsw_net_add_slice(net, dst, first, channels[v], &tensor[v], 1);
    first += channels[v];
  }
  return dst;
}

static int add_cell(struct nsw_net *net, const struct nsw_cell *cell, int x, int section, int out) {
  int tensor[NSW_MAX_VERTICES], channels[NSW_MAX_VERTICES], last = cell->vertices - 1;
  x = nsw_net_plain(net, x);
  if (net->failed) return 0;
  nsw_nb101_channels(cell, net->tensor[x].channels, out, channels);
  for (int v = 1; v < last; v++) tensor[v] = add_vertex(net, cell, v, tensor, x, section, channels[v]);
  int y = add_concat(net, cell, tensor, channels, out);
  if (!(cell->edges >> nsw_edge(0, last) & 1)) return y;
  char name[40];
  snprintf(name, sizeof name, "cells.%d.output.projection", section - 1);
  int projection = add_conv(net, name, section, OUTPUT_SLOT, x, out, 1);
  return y < 0 ? nsw_net_plain(net, projection) : nsw_net_add_sum(net, (int[]){y, projection}, 2, out);
}

static int build(const struct nsw_space *space, uint32_t index, const struct nsw_macro *macro, struct nsw_net *net,
                 struct nsw_error *err) {
  struct nsw_cell cell;
  nsw_space_cell(space, index, &cell);
  if (macro->resolution % 4)
    return nsw_usage(err, "nb101 halves its images twice: a resolution of %d will not do", macro->resolution);
  int channels = macro->channels, section = 1, feeders = 0;
  for (int v = 1; v < cell.vertices - 1; v++) feeders += cell.edges >> nsw_edge(v, cell.vertices - 1) & 1;
  if (channels < feeders) return nsw_usage(err, "%d vertices cannot share out %d channels", feeders, channels);
  int x = nsw_net_add_cell(net, add_conv(net, "stem", 0, 0, 0, channels, 3));
  for (int stack = 0; stack < STACKS; stack++) {
    if (stack > 0) {
      x = nsw_net_add_pool(net, NSW_LAYER_MAXPOOL2, x);
      channels *= 2;
    }
    for (int i = 0; i < macro->cells; i++) x = nsw_net_add_cell(net, add_cell(net, &cell, x, section++, channels));
  }
  nsw_net_add_head(net, x, channels, (uint64_t)section * SLOTS * 4);
  if (net->failed) return NSW_OK; /* told by nsw_net_finish */
  struct nsw_param *weight = &net->param[net->head_weight], *bias = &net->param[net->head_bias];
  weight->scale = (float)sqrt(6.0 / (channels + net->classes)); /* Glorot */
  bias->init = NSW_INIT_ZEROS;
  return NSW_OK;
}

const struct nsw_net_builder nsw_nb101_builder = {.space = "nb101", .build = build};
