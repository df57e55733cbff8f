/* Cells of a ground as graphs whose nodes are operations, the same way for every space, so that a model fitted to one
 * space can be applied to another: an edge without operation joins nodes, a skip is such an edge, none is no edge. Sums
 * and concatenations are the joining itself. */
#ifndef NSW_SEARCH_GRAPHS_H
#define NSW_SEARCH_GRAPHS_H

#include "search/search.h"

enum { NSW_GRAPH_NODES = 24, NSW_GRAPH_PROPERTIES = 6 };

/* All graphs, node after node. Owned. */
struct nsw_graphs {
  size_t n;
  size_t *first;  /* [n+1] of each graph's nodes; the input's is the first, the output's the last */
  uint8_t *op;    /* [nodes] enum nsw_op */
  uint32_t *from; /* [nodes] bit k: an edge from the graph's node k */
};

/* NSW_USAGE where the space has no cells. Free with nsw_graphs_free in any case. */
int nsw_graphs_make(const struct nsw_ground *ground, struct nsw_graphs *graphs, struct nsw_error *err);
void nsw_graphs_free(struct nsw_graphs *graphs);

/* Properties of an operation, which stand for its name: input, output, convolution, pooling, window / 9, weights per
 * pair of channels / 9. Maximum and average pooling are alike, so that one space's can stand for the other's. */
extern const float nsw_graph_properties[NSW_OPS][NSW_GRAPH_PROPERTIES];

#endif
