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

/* Weights of a graph: of convolutions, each used once a pixel, and of normalisations; and multiply-adds. */
struct count {
  uint64_t convs, norms, macs;
};

static struct count count_graph(const struct nsw_graph *graph, int in, int out, int *side) {
  struct nsw_trace trace[NSW_MAX_NODES];
  struct count count = {0};
  trace[0] = (struct nsw_trace){.reads = in, .makes = in, .from = *side, .side = *side};
  for (int n = 1; n < graph->nodes; n++) {
    const struct nsw_node *node = &graph->node[n];
    trace[n] = nsw_node_trace(node, out, trace);
    uint64_t kernel = (uint64_t)nsw_op_facts[node->op].kernel, makes = (uint64_t)trace[n].makes;
    uint64_t convs = kernel * kernel * (uint64_t)trace[n].reads * makes, pixels = (uint64_t)trace[n].side;
    count.convs += convs;
    count.macs += convs * pixels * pixels;
    if (node->around & NSW_NORM && (kernel || node->op == NSW_OP_SUM)) count.norms += 2 * makes;
  }
  *side = trace[graph->nodes - 1].side;
  return count;
}

void nsw_arch_count(const struct nsw_arch *arch, uint64_t *params, uint64_t *macs) {
  int channels = 3, side = arch->resolution;
  *params = *macs = 0;
  for (int s = 0; s < arch->stages; s++) {
    const struct nsw_stage *stage = &arch->stage[s];
    int left = stage->repeat;
    for (int i = 0; i < 2 && left; i++, channels = stage->channels) {
      int before = side;
      struct count count = count_graph(&arch->graph[stage->graph], channels, stage->channels, &side);
      /* From the second on all of a stage are alike, none halves; so is the first where it gets as many channels. */
      uint64_t same = i || (channels == stage->channels && side == before) ? (uint64_t)left : 1;
      left -= (int)same;
      *params += same * (count.convs + count.norms);
      *macs += same * count.macs;
    }
  }
  *params += (uint64_t)(channels + 1) * (uint64_t)arch->classes;
  *macs += (uint64_t)channels * (uint64_t)arch->classes;
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
