#include <string.h>

#include "arch/trace.h"

const struct nsw_op_facts nsw_op_facts[NSW_OPS] = {
    [NSW_OP_NONE] = {"none", 0, false},
    [NSW_OP_SKIP] = {"skip", 0, false},
    [NSW_OP_CONV1] = {"conv1x1", 1, false},
    [NSW_OP_CONV3] = {"conv3x3", 3, false},
    [NSW_OP_AVGPOOL3] = {"avgpool3x3", 0, true},
    [NSW_OP_MAXPOOL3] = {"maxpool3x3", 0, true},
    [NSW_OP_INPUT] = {"input", 0, false},
    [NSW_OP_OUTPUT] = {"output", 0, false},
    [NSW_OP_SUM] = {"sum", 0, false},
    [NSW_OP_CONCAT] = {"concat", 0, false},
    [NSW_OP_PROJECT] = {"project", 1, false},
    [NSW_OP_AVGPOOL2] = {"avgpool2x2", 0, true},
    [NSW_OP_MAXPOOL2] = {"maxpool2x2", 0, true},
};

int nsw_graph_add(struct nsw_graph *graph, struct nsw_node node) {
  graph->node[graph->nodes] = node;
  return graph->nodes++;
}

void nsw_graph_trace(const struct nsw_graph *graph, int channels_in, int channels_out, int side,
                     struct nsw_trace trace[NSW_MAX_NODES]) {
  trace[0] = (struct nsw_trace){.reads = channels_in, .makes = channels_in, .from = side, .side = side};
  for (int n = 1; n < graph->nodes; n++) trace[n] = nsw_node_trace(&graph->node[n], channels_out, trace);
}

uint64_t nsw_graph_fed(const struct nsw_graph *graph) {
  uint64_t fed = 1;
  for (int n = 1; n < graph->nodes; n++) {
    const struct nsw_node *node = &graph->node[n];
    for (int i = 0; i < node->inputs && node->op != NSW_OP_NONE; i++)
      if (fed >> node->input[i] & 1) fed |= UINT64_C(1) << n;
  }
  return fed;
}

bool nsw_graph_has_path(const struct nsw_graph *graph) { return nsw_graph_fed(graph) >> (graph->nodes - 1) & 1; }

/* Those that data reaches, from the input or from a shift. */
static uint64_t given(const struct nsw_graph *graph) {
  uint64_t given = 1;
  for (int n = 1; n < graph->nodes; n++) {
    const struct nsw_node *node = &graph->node[n];
    bool gives = nsw_gives_shift(node);
    for (int i = 0; i < node->inputs && node->op != NSW_OP_NONE; i++) gives |= given >> node->input[i] & 1;
    if (gives) given |= UINT64_C(1) << n;
  }
  return given;
}

uint64_t nsw_graph_live(const struct nsw_graph *graph, bool trained) {
  uint64_t fed = nsw_graph_fed(graph), live = fed & UINT64_C(1) << (graph->nodes - 1);
  uint64_t known = trained ? given(graph) : fed;
  for (int n = graph->nodes - 1; n > 0; n--) {
    bool reads = live >> n & 1 && (fed >> n & 1 || !nsw_gives_shift(&graph->node[n]));
    for (int i = 0; i < graph->node[n].inputs && reads; i++) live |= known & UINT64_C(1) << graph->node[n].input[i];
  }
  return live;
}

/* Nodes of `ops` on the longest way from node `from` to every node, itself not counted; -1: no way. */
static void longest_from(const struct nsw_graph *graph, int from, uint32_t ops, int longest[NSW_MAX_NODES]) {
  for (int n = 0; n <= from; n++) longest[n] = n == from ? 0 : -1;
  for (int n = from + 1; n < graph->nodes; n++) {
    const struct nsw_node *node = &graph->node[n];
    longest[n] = -1;
    for (int i = 0; i < node->inputs && node->op != NSW_OP_NONE; i++)
      if (longest[node->input[i]] > longest[n]) longest[n] = longest[node->input[i]];
    if (longest[n] >= 0) longest[n] += ops >> node->op & 1;
  }
}

int nsw_graph_longest(const struct nsw_graph *graph, uint32_t ops) {
  int longest[NSW_MAX_NODES];
  longest_from(graph, 0, ops, longest);
  return longest[graph->nodes - 1];
}

void nsw_graph_count_ops(const struct nsw_graph *graph, int counts[NSW_OPS]) {
  memset(counts, 0, NSW_OPS * sizeof counts[0]);
  for (int n = 0; n < graph->nodes; n++) counts[graph->node[n].op]++;
}

/* An edge without an operation leads from the input, an operation or a skip to an operation, a skip or the output,
 * through sums, concatenations and projections. */
int nsw_graph_skips(const struct nsw_graph *graph) {
  enum { ENDS = 1 << NSW_OP_SKIP | NSW_COUNTED_OPS | 1 << NSW_OP_OUTPUT };
  int skips = 0, longest[NSW_MAX_NODES];
  for (int from = 0; from < graph->nodes; from++) {
    if (from > 0 && !(ENDS >> graph->node[from].op & 1)) continue;
    skips += graph->node[from].op == NSW_OP_SKIP;
    longest_from(graph, from, ENDS, longest);
    uint64_t next = UINT64_C(1) << from; /* reached without passing an end */
    for (int n = from + 1; n < graph->nodes; n++) {
      const struct nsw_node *node = &graph->node[n];
      bool end = ENDS >> node->op & 1;
      for (int i = 0; i < node->inputs && node->op != NSW_OP_NONE; i++) {
        if (!(next >> node->input[i] & 1)) continue;
        if (!end)
          next |= UINT64_C(1) << n;
        else if (longest[n] > 1) {
          skips++;
          break;
        }
      }
    }
  }
  return skips;
}
