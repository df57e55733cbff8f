#include <string.h>

#include "arch/fold.h"
#include "arch/trace.h"

static int check_graph(const struct nsw_arch *arch, const struct nsw_graph *graph, struct nsw_error *err) {
  if (graph->nodes < 2 || graph->nodes > NSW_MAX_NODES)
    return nsw_fail(err, "%s: a graph of %d nodes", arch->space, graph->nodes);
  for (int n = 1; n < graph->nodes; n++) {
    const struct nsw_node *node = &graph->node[n];
    bool sound = node->op < NSW_OPS && node->op != NSW_OP_INPUT && node->stride <= 2 &&
                 node->inputs <= NSW_NODE_INPUTS && node->place < arch->slots &&
                 node->part < (node->parts ? node->parts : 1);
    if (!node->inputs) sound = sound && (node->op == NSW_OP_NONE || node->op == NSW_OP_CONCAT);
    for (int i = 0; i < node->inputs && sound; i++) sound = node->input[i] < n;
    if (!sound)
      return nsw_fail(err, "%s: node %d of a graph (%s) is damaged", arch->space, n,
                      node->op < NSW_OPS ? nsw_op_facts[node->op].name : "?");
  }
  uint64_t fed = nsw_graph_fed(graph);
  for (int n = 1; n < graph->nodes; n++) {
    int there = 0;
    for (int i = 0; i < graph->node[n].inputs; i++) there += fed >> graph->node[n].input[i] & 1;
    if (graph->node[n].op == NSW_OP_CONCAT && there && there < graph->node[n].inputs)
      return nsw_fail(err, "%s: node %d concatenates something with nothing", arch->space, n);
  }
  return NSW_OK;
}

/* How often the image is halved. */
static int halvings(const struct nsw_arch *arch) {
  int times = 0;
  for (int s = 0; s < arch->stages; s++) {
    struct nsw_trace trace[NSW_MAX_NODES];
    const struct nsw_graph *graph = &arch->graph[arch->stage[s].graph];
    nsw_graph_trace(graph, arch->stage[s].channels, arch->stage[s].channels, 2, trace);
    times += trace[graph->nodes - 1].side < 2 ? arch->stage[s].repeat : 0;
  }
  return times;
}

int nsw_arch_check(const struct nsw_arch *arch, struct nsw_error *err) {
  if (arch->graphs < 1 || arch->graphs > NSW_MAX_GRAPHS || arch->stages < 1 || arch->stages > NSW_MAX_STAGES ||
      arch->cell < 0 || arch->cell >= arch->graphs)
    return nsw_fail(err, "%s: an architecture of %d graphs in %d stages", arch->space, arch->graphs, arch->stages);
  for (int g = 0; g < arch->graphs; g++) {
    int status = check_graph(arch, &arch->graph[g], err);
    if (status) return status;
  }
  for (int s = 0; s < arch->stages; s++) {
    const struct nsw_stage *stage = &arch->stage[s];
    if (stage->graph >= arch->graphs || stage->repeat < 0 || stage->channels < 1)
      return nsw_fail(err, "%s: stage %d is damaged", arch->space, s);
    const struct nsw_graph *graph = &arch->graph[stage->graph];
    for (int n = 1; n < graph->nodes; n++)
      if (graph->node[n].parts > stage->channels)
        return nsw_usage(err, "%d vertices cannot share out %d channels", graph->node[n].parts, stage->channels);
  }
  if (arch->fold && !nsw_fold_takes(&arch->graph[arch->cell]))
    return nsw_fail(err, "%s: the cell is none that can be folded", arch->space);
  int times = halvings(arch);
  if (times > 16 || arch->resolution % (1 << times))
    return nsw_usage(err, "%s halves its images %d times: a resolution of %d will not do", arch->space, times,
                     arch->resolution);
  return NSW_OK;
}

/* Adds what the nodes of a graph that stands `same` times in a row are worth. */
static void add_graph(const struct nsw_graph *graph, const struct nsw_trace *trace, uint64_t same,
                      struct nsw_node_size *node) {
  for (int n = 1; n < graph->nodes; n++) {
    uint64_t makes = same * (uint64_t)trace[n].makes, pixels = (uint64_t)trace[n].side;
    node[n].pairs += makes * (uint64_t)trace[n].reads;
    node[n].work += makes * (uint64_t)trace[n].reads * pixels * pixels;
    if (graph->node[n].around & NSW_NORM) node[n].norms += 2 * makes;
  }
}

/* Adds what a graph with these operations has. */
static void add_nodes(const struct nsw_graph *graph, const struct nsw_node_size *node, uint64_t *params,
                      uint64_t *macs) {
  for (int n = 1; n < graph->nodes; n++) {
    uint64_t kernel = (uint64_t)nsw_op_facts[graph->node[n].op].kernel;
    *params += kernel * kernel * node[n].pairs;
    *macs += kernel * kernel * node[n].work;
    if (kernel || graph->node[n].op == NSW_OP_SUM) *params += node[n].norms;
  }
}

void nsw_sizes_make(struct nsw_sizes *sizes, const struct nsw_arch *arch) {
  struct nsw_node_size node[NSW_MAX_GRAPHS][NSW_MAX_NODES];
  int channels = 3, side = arch->resolution;
  for (int g = 0; g < arch->graphs; g++) memset(node[g], 0, (size_t)arch->graph[g].nodes * sizeof node[g][0]);
  for (int s = 0; s < arch->stages; s++) {
    const struct nsw_stage *stage = &arch->stage[s];
    int left = stage->repeat;
    for (int i = 0; i < 2 && left; i++, channels = stage->channels) {
      const struct nsw_graph *graph = &arch->graph[stage->graph];
      struct nsw_trace trace[NSW_MAX_NODES];
      nsw_graph_trace(graph, channels, stage->channels, side, trace);
      /* From the second on all of a stage are alike, none halves; so is the first where it gets as many channels. */
      bool alike = i || (channels == stage->channels && side == trace[graph->nodes - 1].side);
      uint64_t same = alike ? (uint64_t)left : 1;
      left -= (int)same;
      add_graph(graph, trace, same, node[stage->graph]);
      side = trace[graph->nodes - 1].side;
    }
  }
  sizes->shape = arch->graph[arch->cell].shape;
  sizes->params = (uint64_t)(channels + 1) * (uint64_t)arch->classes;
  sizes->macs = (uint64_t)channels * (uint64_t)arch->classes;
  for (int g = 0; g < arch->graphs; g++)
    if (g != arch->cell) add_nodes(&arch->graph[g], node[g], &sizes->params, &sizes->macs);
  memcpy(sizes->node, node[arch->cell], (size_t)arch->graph[arch->cell].nodes * sizeof sizes->node[0]);
}

void nsw_sizes_count(const struct nsw_sizes *sizes, const struct nsw_graph *cell, uint64_t *params, uint64_t *macs) {
  *params = sizes->params;
  *macs = sizes->macs;
  add_nodes(cell, sizes->node, params, macs);
}

void nsw_arch_count(const struct nsw_arch *arch, uint64_t *params, uint64_t *macs) {
  struct nsw_sizes sizes;
  nsw_sizes_make(&sizes, arch);
  nsw_sizes_count(&sizes, &arch->graph[arch->cell], params, macs);
}

uint64_t nsw_arch_params(const struct nsw_arch *arch) {
  uint64_t params, macs;
  nsw_arch_count(arch, &params, &macs);
  return params;
}

uint64_t nsw_arch_macs(const struct nsw_arch *arch) {
  uint64_t params, macs;
  nsw_arch_count(arch, &params, &macs);
  return macs;
}
