/* A cell as the tables of NAS-Bench-101 and NAS-Bench-201 print it: a matrix of edges, with operations on its edges or
 * on its vertices. For what reads and writes such tables; scores look at graphs (nasweep/arch.h). */
#ifndef NSW_SPACE_CELL_H
#define NSW_SPACE_CELL_H

#include "nasweep/space.h"

enum { NSW_MAX_VERTICES = 7, NSW_MAX_EDGES = 21 };

/* A DAG whose vertices are in topological order. The edge x->y (x < y) has the number x + y(y-1)/2 in both arrays and
 * bit masks: the official edge order of both benchmarks. */
struct nsw_cell {
  int vertices;                        /* 2..7, vertex 0 the input, the last the output */
  uint32_t edges;                      /* bit e: edge e is there (its operation is not NONE) */
  uint8_t edge_op[NSW_MAX_EDGES];      /* enum nsw_op of every edge; SKIP where operations sit on vertices */
  uint8_t vertex_op[NSW_MAX_VERTICES]; /* enum nsw_op of every vertex; SUM where operations sit on edges */
};

static inline int nsw_edge(int from, int to) { return from + to * (to - 1) / 2; }

/* The cell of an architecture; the space's kind must have cells. */
void nsw_space_cell(const struct nsw_space *space, uint32_t index, struct nsw_cell *cell);

#endif
