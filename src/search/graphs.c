#include "search/graphs.h"

#include <stdlib.h>
#include <string.h>

const float nsw_graph_properties[NSW_OPS][NSW_GRAPH_PROPERTIES] = {
    [NSW_OP_INPUT] = {1, 0, 0, 0, 0, 0},
    [NSW_OP_OUTPUT] = {0, 1, 0, 0, 0, 0},
    [NSW_OP_CONV1] = {0, 0, 1, 0, 1.f / 9, 1.f / 9},
    [NSW_OP_CONV3] = {0, 0, 1, 0, 1, 1},
    [NSW_OP_AVGPOOL3] = {0, 0, 0, 1, 1, 0},
    [NSW_OP_MAXPOOL3] = {0, 0, 0, 1, 1, 0},
};

struct graph {
  int nodes;
  uint8_t op[NSW_GRAPH_NODES];
  uint32_t from[NSW_GRAPH_NODES];
};

/* Operations become nodes; what sums, skips and projections give is the nodes that are joined there. */
static void read_graph(const struct nsw_graph *given, struct graph *g) {
  const uint32_t counted = NSW_COUNTED_OPS;
  uint32_t joined[NSW_MAX_NODES] = {1}; /* nodes whose values meet in each node of the graph given */
  g->nodes = 1;
  g->op[0] = NSW_OP_INPUT;
  g->from[0] = 0;
  for (int n = 1; n < given->nodes; n++) {
    const struct nsw_node *node = &given->node[n];
    for (int i = 0; i < node->inputs && node->op != NSW_OP_NONE; i++) joined[n] |= joined[node->input[i]];
    if (!(counted >> node->op & 1) || !joined[n] || g->nodes >= NSW_GRAPH_NODES - 1) continue;
    g->op[g->nodes] = node->op;
    g->from[g->nodes] = joined[n];
    joined[n] = 1u << g->nodes++;
  }
  g->op[g->nodes] = NSW_OP_OUTPUT;
  g->from[g->nodes++] = joined[given->nodes - 1];
}

int nsw_graphs_make(const struct nsw_ground *ground, struct nsw_graphs *graphs, struct nsw_error *err) {
  *graphs = (struct nsw_graphs){.n = ground->n};
  if (nsw_space_kind(ground->space)->one_cell)
    return nsw_usage(err, "%s: all its architectures have the same cell: graphs would not tell them apart",
                     nsw_space_kind(ground->space)->name);
  graphs->first = malloc((ground->n + 1) * sizeof *graphs->first);
  if (!graphs->first) return nsw_no_memory(err, "%zu graphs", ground->n);
  struct nsw_graph cell = {.shape = 0};
  for (int fill = 0; fill < 2; fill++) { /* count, then fill */
    size_t nodes = 0;
    for (size_t i = 0; i < ground->n; i++) {
      struct graph g;
      nsw_space_graph(ground->space, ground->index[i], &cell);
      read_graph(&cell, &g);
      if (fill) {
        memcpy(graphs->op + nodes, g.op, (size_t)g.nodes * sizeof *g.op);
        memcpy(graphs->from + nodes, g.from, (size_t)g.nodes * sizeof *g.from);
      }
      graphs->first[i] = nodes;
      nodes += (size_t)g.nodes;
    }
    graphs->first[ground->n] = nodes;
    if (fill) break;
    graphs->op = malloc(nodes + 1);
    graphs->from = malloc((nodes + 1) * sizeof *graphs->from);
    if (!graphs->op || !graphs->from) return nsw_no_memory(err, "%zu nodes", nodes);
  }
  return NSW_OK;
}

void nsw_graphs_free(struct nsw_graphs *graphs) {
  free(graphs->first);
  free(graphs->op);
  free(graphs->from);
  *graphs = (struct nsw_graphs){0};
}
