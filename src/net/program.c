/* The builder of networks: from a description to a program of layers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/fold.h"
#include "arch/trace.h"
#include "net/net.h"

/* Deviation of a normal that has deviation 1 once it is cut off at two: what NAS-Bench-101 divides by. */
#define CUT_DEVIATION 0.87962566103423978

enum { SIDE = 2 }; /* of what a graph gets, in its trace: what is halved has 1 */

/* What a network is built from. */
struct plan {
  const struct nsw_arch *arch;
  struct nsw_net *net;
  struct nsw_fold fold[NSW_MAX_GRAPHS]; /* of every graph */
  int section;                          /* running number of numbered cells: part of the keys of weights */
};

/* One graph in its place, while it is built. Nodes of the graph as given are `whole`, those of its fold `folded`. */
struct place {
  struct plan *plan;
  const struct nsw_graph *whole;
  const struct nsw_fold *fold;
  const struct nsw_stage *stage;
  struct nsw_trace trace[NSW_MAX_NODES]; /* [whole] */
  int param[NSW_MAX_NODES];              /* [whole] the first of the node's parameters */
  int tensor[NSW_MAX_NODES];             /* [folded] what it gives; NSW_NO_TENSOR: nothing, or not there yet */
};

/* ---- parameters ---- */

static void add_param(struct place *p, const char *prefix, const char *what, enum nsw_param_kind kind, int out, int in,
                      int kernel, uint64_t key) {
  char name[56];
  snprintf(name, sizeof name, "%s.%s", prefix, what);
  int param = nsw_net_add_param(p->plan->net, name, kind, out, in, kernel, key);
  if (p->plan->net->failed || kind != NSW_PARAM_CONV || p->plan->arch->rule != NSW_RULE_NB101) return;
  p->plan->net->param[param].init = NSW_INIT_TRUNCATED_NORMAL;
  p->plan->net->param[param].scale = (float)(sqrt(1.0 / ((double)in * kernel * kernel)) / CUT_DEVIATION);
}

/* Parameters of a graph in the benchmark's order: by its nodes, dead ones too. The key is the section and a place in
 * it; where the graph is folded, live convolutions have their canonical one, which makes a unit's members equal. */
static void add_params(struct place *p) {
  const struct nsw_arch *arch = p->plan->arch;
  for (int n = 1; n < p->whole->nodes; n++) {
    const struct nsw_node *node = &p->whole->node[n];
    int kernel = nsw_op_facts[node->op].kernel, makes = p->trace[n].makes;
    bool norm = node->around & NSW_NORM && (kernel || node->op == NSW_OP_SUM);
    uint64_t key = ((uint64_t)p->plan->section * (uint64_t)arch->slots + p->fold->slot[n]) * 4;
    char prefix[40];
    if (!kernel && !norm) continue;
    p->param[n] = p->plan->net->params;
    if (p->stage->numbered)
      snprintf(prefix, sizeof prefix, "cells.%d.%s", p->plan->section - 1, p->whole->names[node->place]);
    else
      snprintf(prefix, sizeof prefix, "%s", p->whole->names[node->place]);
    if (kernel) add_param(p, prefix, "conv", NSW_PARAM_CONV, makes, p->trace[n].reads, kernel, key++);
    if (!norm) continue;
    add_param(p, prefix, "bn.weight", NSW_PARAM_GAMMA, makes, 1, 1, key);
    add_param(p, prefix, "bn.bias", NSW_PARAM_BETA, makes, 1, 1, key + 1);
  }
}

/* ---- layers ---- */

/* The sum of tensors, cut to `channels`: the only one itself where it is that already. */
static int add_join(struct nsw_net *net, const int *term, int terms, int channels) {
  if (net->failed || !terms) return NSW_NO_TENSOR;
  if (terms == 1 && net->tensor[term[0]].channels == channels) return nsw_net_plain(net, term[0]);
  return nsw_net_add_sum(net, term, terms, channels);
}

/* Tensors side by side; the only one itself. */
static int add_concat(struct nsw_net *net, const int *term, int terms, int channels) {
  if (net->failed || !terms) return NSW_NO_TENSOR;
  if (terms == 1) return nsw_net_plain(net, term[0]);
  int dst = nsw_net_add_tensor(net, channels, net->tensor[term[0]].size);
  for (int i = 0, first = 0; i < terms && !net->failed; i++) {
    int count = net->tensor[term[i]].channels;
    nsw_net_add_slice(net, dst, first, count, &term[i], 1);
    first += count;
  }
  return dst;
}

/* A convolution with what stands around it; origin: its node in the graph as given. */
static int add_conv(struct place *p, const struct nsw_node *node, int origin, int src) {
  struct nsw_net *net = p->plan->net;
  if (node->around & NSW_RELU_FIRST) src = nsw_net_relu_of(net, src);
  int y = nsw_net_add_conv(net, src, p->trace[origin].makes, nsw_op_facts[node->op].kernel,
                           node->stride ? node->stride : 1, p->param[origin]);
  if (net->failed) return 0;
  if (node->around & NSW_NORM)
    nsw_net_add_norm(net, y, p->param[origin] + 1, node->around & NSW_RELU_LAST);
  else
    net->tensor[y].relu = node->around & NSW_RELU_LAST;
  return y;
}

/* What a convolution that sees nothing but zeros gives: its normalisation's shift. */
static int add_shift(struct place *p, const struct nsw_node *node, int origin) {
  struct nsw_net *net = p->plan->net;
  int size = (net->tensor[p->tensor[0]].size * p->trace[origin].side + SIDE - 1) / SIDE;
  int y = nsw_net_add_zeros(net, p->trace[origin].makes, size);
  nsw_net_add_norm(net, y, p->param[origin] + 1, node->around & NSW_RELU_LAST);
  return y;
}

static int add_pool(struct nsw_net *net, int op, int src) {
  static const enum nsw_layer_kind kinds[NSW_OPS] = {[NSW_OP_AVGPOOL3] = NSW_LAYER_AVGPOOL3,
                                                     [NSW_OP_MAXPOOL3] = NSW_LAYER_MAXPOOL3,
                                                     [NSW_OP_AVGPOOL2] = NSW_LAYER_AVGPOOL2,
                                                     [NSW_OP_MAXPOOL2] = NSW_LAYER_MAXPOOL2};
  return nsw_net_add_pool(net, kinds[op], src);
}

/* A sum that has a normalisation of its own. */
static int add_normed_sum(struct place *p, const struct nsw_node *node, int origin, const int *term, int terms) {
  struct nsw_net *net = p->plan->net;
  int y = nsw_net_add_sum(net, term, terms, p->trace[origin].makes);
  nsw_net_add_norm(net, y, p->param[origin], node->around & NSW_RELU_LAST);
  return y;
}

/* A node's tensor times its coefficient. */
static int add_scale(struct place *p, const struct nsw_node *node, int tensor) {
  if (node->scale == 0 || tensor == NSW_NO_TENSOR || p->plan->net->failed) return tensor;
  return nsw_net_add_scale(p->plan->net, tensor, node->scale, node->coefficient);
}

static int add_operation(struct place *p, const struct nsw_node *node, int origin) {
  struct nsw_net *net = p->plan->net;
  int term[NSW_NODE_INPUTS], terms = 0;
  for (int i = 0; i < node->inputs; i++)
    if (p->tensor[node->input[i]] != NSW_NO_TENSOR) term[terms++] = p->tensor[node->input[i]];
  if (!node->inputs && nsw_op_is_conv(node->op)) return add_shift(p, node, origin);
  if (node->op == NSW_OP_CONCAT) return add_concat(net, term, terms, p->stage->channels);
  if (node->op == NSW_OP_SUM && node->around & NSW_NORM) return add_normed_sum(p, node, origin, term, terms);
  /* A sum that folding made has no origin, and reads what it gives. */
  int channels = terms && !origin ? net->tensor[term[0]].channels : p->trace[origin].reads;
  int src = add_join(net, term, terms, channels);
  if (src == NSW_NO_TENSOR || net->failed) return src;
  if (nsw_op_is_conv(node->op)) return add_conv(p, node, origin, src);
  return nsw_op_facts[node->op].pool ? add_pool(net, node->op, src) : src;
}

static int add_node(struct place *p, const struct nsw_node *node, int origin) {
  return add_scale(p, node, add_operation(p, node, origin));
}

/* ---- dead branches, of the graph as given ---- */

/* What a node gives while dead branches are made; NSW_NO_TENSOR: zeros. made[whole]: what is there already. */
static int dead_tensor(struct place *p, int *made, int n) {
  const struct nsw_node *node = &p->whole->node[n];
  struct nsw_net *net = p->plan->net;
  int term[NSW_NODE_INPUTS], terms = 0;
  if (made[n] != NSW_NO_TENSOR || node->op == NSW_OP_NONE) return made[n];
  for (int i = 0; i < node->inputs; i++) {
    int tensor = dead_tensor(p, made, node->input[i]);
    if (tensor != NSW_NO_TENSOR) term[terms++] = tensor;
  }
  if (!terms || net->failed) return NSW_NO_TENSOR;
  int src = node->op == NSW_OP_SUM || terms > 1 ? nsw_net_add_sum(net, term, terms, p->trace[n].reads) : term[0];
  if (nsw_op_is_conv(node->op)) {
    made[n] = add_conv(p, node, n, src);
    if (!net->failed) net->tensor[made[n]].kept = true;
  } else {
    made[n] = nsw_op_facts[node->op].pool ? add_pool(net, node->op, src) : src;
  }
  return made[n];
}

/* The dead convolutions of a graph with input x, but those that see zeros. */
static void add_dead(struct place *p, int x) {
  int made[NSW_MAX_NODES];
  const struct nsw_graph *folded = &p->fold->graph;
  for (int n = 0; n < p->whole->nodes; n++) made[n] = n ? NSW_NO_TENSOR : x;
  for (int n = 1; n < folded->nodes; n++)
    if (nsw_op_is_conv(folded->node[n].op)) made[p->fold->origin[n]] = p->tensor[n];
  for (int n = 1; n < p->whole->nodes; n++)
    if (nsw_op_is_conv(p->whole->node[n].op)) dead_tensor(p, made, n);
}

/* ---- the network ---- */

/* A graph with the input x (NSW_NO_TENSOR: nothing comes in, parameters alone are added) and `channels` of it; returns
 * its output. */
static int add_graph(struct plan *plan, const struct nsw_stage *stage, int x, int channels) {
  struct place p = {
      .plan = plan, .whole = &plan->arch->graph[stage->graph], .fold = &plan->fold[stage->graph], .stage = stage};
  const struct nsw_graph *folded = &p.fold->graph;
  nsw_graph_trace(p.whole, channels, stage->channels, SIDE, p.trace);
  add_params(&p);
  if (x == NSW_NO_TENSOR || !folded->nodes) return NSW_NO_TENSOR;
  p.tensor[0] = x = nsw_net_plain(plan->net, x);
  for (int n = 1; n < folded->nodes && !plan->net->failed; n++)
    p.tensor[n] = folded->node[n].op == NSW_OP_NONE ? NSW_NO_TENSOR : add_node(&p, &folded->node[n], p.fold->origin[n]);
  if (plan->net->failed) return NSW_NO_TENSOR;
  if (plan->net->keep_dead) add_dead(&p, x);
  return p.tensor[folded->nodes - 1];
}

/* The classifier in its section, with what it sees. */
static void add_head(struct plan *plan, int x, int channels) {
  struct nsw_net *net = plan->net;
  uint64_t key = ((uint64_t)plan->section * (uint64_t)plan->arch->slots + (uint64_t)plan->arch->classifier_slot) * 4;
  nsw_net_add_head(net, x, channels, key);
  if (net->failed) return;
  net->param[net->head_weight].live = x != NSW_NO_TENSOR;
  if (plan->arch->rule != NSW_RULE_NB101) return;
  net->param[net->head_weight].scale = (float)sqrt(6.0 / (channels + net->classes)); /* Glorot */
  net->param[net->head_bias].init = NSW_INIT_ZEROS;
}

static void build(struct plan *plan) {
  const struct nsw_arch *arch = plan->arch;
  int x = 0, channels = 3;
  for (int s = 0; s < arch->stages; s++)
    if (!plan->fold[arch->stage[s].graph].graph.nodes) x = NSW_NO_TENSOR; /* nothing gets through: no layers */
  for (int s = 0; s < arch->stages; s++) {
    const struct nsw_stage *stage = &arch->stage[s];
    for (int i = 0; i < stage->repeat; i++) {
      x = add_graph(plan, stage, x, channels);
      channels = stage->channels;
      if (s == 0 || stage->numbered) {
        x = nsw_net_add_cell(plan->net, x);
        plan->section++;
      }
    }
  }
  add_head(plan, x, channels);
}

int nsw_program_make(const struct nsw_arch *arch, enum nsw_keep keep, struct nsw_net **net, struct nsw_error *err) {
  int status = nsw_arch_check(arch, err);
  if (status) return status;
  for (int g = 0; g < arch->graphs; g++)
    for (int n = 0; n < arch->graph[g].nodes; n++)
      if (arch->graph[g].node[n].scale != 0 && (keep == NSW_KEEP_DEAD || (arch->fold && g == arch->cell)))
        return nsw_usage(err,
                         "%s: a cell whose operations have coefficients is neither folded nor run with its dead "
                         "branches",
                         arch->space);
  struct nsw_net *made = calloc(1, sizeof *made);
  struct plan *plan = calloc(1, sizeof *plan);
  if (!made || !plan) {
    free(made);
    free(plan);
    return nsw_no_memory(err, "a network");
  }
  *plan = (struct plan){.arch = arch, .net = made};
  for (int g = 0; g < arch->graphs; g++)
    (arch->fold && g == arch->cell ? nsw_fold_graph : nsw_fold_nothing)(&arch->graph[g], keep == NSW_KEEP_SHIFTS,
                                                                        &plan->fold[g]);
  made->classes = arch->classes;
  made->resolution = arch->resolution;
  made->features = NSW_NO_TENSOR;
  made->keep_cells = keep == NSW_KEEP_CELLS;
  made->keep_dead = keep == NSW_KEEP_DEAD;
  nsw_net_add_tensor(made, 3, arch->resolution);
  build(plan);
  free(plan);
  status = nsw_net_finish(made, err);
  if (!status)
    *net = made;
  else
    nsw_net_free(&made);
  return status;
}
