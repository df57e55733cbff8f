/* What the networks of NATS-Bench's two spaces share (Dong et al., 2021): stem, residual block, tail; and the graph of
 * a cell of four nodes with an operation on each of its six edges. */
#ifndef NSW_SPACE_NATS_H
#define NSW_SPACE_NATS_H

#include "nasweep/space.h"

enum { NSW_NATS_EDGES = 6, NSW_NATS_SLOTS = 64 };

/* The graphs of a description. */
enum {
  NSW_NATS_STEM,
  NSW_NATS_CELL,
  NSW_NATS_RESIDUAL,
  NSW_NATS_TAIL,
  NSW_NATS_GRAPHS,
  NSW_NATS_FIRST = NSW_NATS_GRAPHS /* only where widths change: the first cell of a stage that gets another width */
};

/* Node of edge e (0->1, 0->2, 1->2, 0->3, 1->3, 2->3) in the cell's graph. */
extern const uint8_t nsw_nats_edge_node[NSW_NATS_EDGES];

/* The cell with skips on all edges. */
extern const struct nsw_graph nsw_nats_cell;

/* Copies a graph, used nodes only. */
void nsw_graph_copy(struct nsw_graph *to, const struct nsw_graph *from);

/* Fills in everything but the cell's graph: `cells` cells at each of width[0], width[2], width[4], residual blocks to
 * width[1] and width[3] between them. Where width[2] is not width[1], or width[4] not width[3], the first cell is
 * graph NSW_NATS_FIRST, to be filled in too. */
void nsw_nats_describe(const char *space, const struct nsw_macro *macro, const int width[5], struct nsw_arch *arch);

#endif
