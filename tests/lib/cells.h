/* Counts over published cells, written apart from the walks over graphs that they check. */
#ifndef NSW_TESTS_CELLS_H
#define NSW_TESTS_CELLS_H

#include <string.h>

#include "space/cell.h"

/* Number of edge or vertex operations of each kind in the cell, into counts[NSW_OPS]. */
static inline void cell_count_ops(const struct nsw_cell *cell, int counts[NSW_OPS]) {
  memset(counts, 0, NSW_OPS * sizeof counts[0]);
  int edges = nsw_edge(0, cell->vertices);
  for (int e = 0; e < edges; e++) counts[cell->edge_op[e]]++;
  for (int v = 0; v < cell->vertices; v++) counts[cell->vertex_op[v]]++;
}

/* Whether data can pass from input to output. */
static inline bool cell_has_path(const struct nsw_cell *cell) {
  uint32_t reached = 1;
  for (int to = 1; to < cell->vertices; to++) {
    uint32_t in = cell->edges >> nsw_edge(0, to) & ((1u << to) - 1);
    if (in & reached) reached |= 1u << to;
  }
  return reached >> (cell->vertices - 1) & 1;
}

#endif
