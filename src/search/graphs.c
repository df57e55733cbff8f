#include "search/graphs.h"

#include <stdlib.h>
#include <string.h>

const float nsw_graph_properties[NSW_OPS][NSW_GRAPH_PROPERTIES] = {
    [NSW_OP_INPUT] = {1, 0, 0, 0, 0, 0},          [NSW_OP_OUTPUT] = {0, 1, 0, 0, 0, 0},
    [NSW_OP_CONV1] = {0, 0, 1, 0, 1.f / 9, 1.f / 9}, [NSW_OP_CONV3] = {0, 0, 1, 0, 1, 1},
    [NSW_OP_AVGPOOL3] = {0, 0, 0, 1, 1, 0},       [NSW_OP_MAXPOOL3] = {0, 0, 0, 1, 1, 0},
};

struct graph {
  int nodes;
  uint8_t op[NSW_GRAPH_NODES];
  uint32_t from[NSW_GRAPH_NODES];
};

/* A vertex's value as the nodes that are joined there; an edge with an operation becomes a node, and so does a vertex
 * that has one. */
static void read_cell(const struct nsw_cell *cell, struct graph *g) {
  uint32_t joined[NSW_MAX_VERTICES] = {0}; /* nodes whose values meet in each vertex */
  g->nodes = 1;
  g->op[0] = NSW_OP_INPUT;
  g->from[0] = 0;
  joined[0] = 1;
  for (int to = 1; to < cell->vertices; to++) {
    for (int from = 0; from < to; from++) {
      int e = nsw_edge(from, to);
      if (!(cell->edges >> e & 1) || !joined[from]) continue;
      if (cell->edge_op[e] == NSW_OP_SKIP) {
        joined[to] |= joined[from];
      } else if (g->nodes < NSW_GRAPH_NODES - 1) {
        g->op[g->nodes] = cell->edge_op[e];
        g->from[g->nodes] = joined[from];
        joined[to] |= 1u << g->nodes++;
      }
    }
    bool own = to < cell->vertices - 1 && cell->vertex_op[to] != NSW_OP_SUM;
    if (own && joined[to] && g->nodes < NSW_GRAPH_NODES - 1) {
      g->op[g->nodes] = cell->vertex_op[to];
      g->from[g->nodes] = joined[to];
      joined[to] = 1u << g->nodes++;
    }
  }
  g->op[g->nodes] = NSW_OP_OUTPUT;
  g->from[g->nodes++] = joined[cell->vertices - 1];
}

int nsw_graphs_make(const struct nsw_ground *ground, struct nsw_graphs *graphs, struct nsw_error *err) {
  *graphs = (struct nsw_graphs){.n = ground->n};
  if (!nsw_space_kind(ground->space)->cell)
    return nsw_usage(err, "%s: its architectures have no cells that a graph could be made of",
                     nsw_space_kind(ground->space)->name);
  graphs->first = malloc((ground->n + 1) * sizeof *graphs->first);
  if (!graphs->first) return nsw_fail(err, "out of memory for %zu graphs", ground->n);
  for (int fill = 0; fill < 2; fill++) { /* count, then fill */
    size_t nodes = 0;
    for (size_t i = 0; i < ground->n; i++) {
      struct nsw_cell cell;
      struct graph g;
      nsw_space_cell(ground->space, ground->index[i], &cell);
      read_cell(&cell, &g);
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
    if (!graphs->op || !graphs->from) return nsw_fail(err, "out of memory for %zu nodes", nodes);
  }
  return NSW_OK;
}

void nsw_graphs_free(struct nsw_graphs *graphs) {
  free(graphs->first);
  free(graphs->op);
  free(graphs->from);
  *graphs = (struct nsw_graphs){0};
}
