/* NAS-Bench-101 (Ying et al., 2019): DAGs of 2..7 vertices and at most 9 edges, operations on vertices, one
 * architecture for each of the 423,624 isomorphism classes.
 *
 * A labelled graph is (vertices, edge bits, labels). Bit x + y(y-1)/2 of the edge bits is the edge x->y, x < y. The
 * labels of the inner vertices (conv3x3 0, conv1x1 1, maxpool3x3 2) are read as one number to the base three, vertex 1
 * the most significant. The official enumeration is ascending in (vertices, bits, labels) and keeps the first of every
 * class, so a graph is in the table exactly if no isomorphic one is smaller. */
#ifndef NSW_SPACE_NB101_H
#define NSW_SPACE_NB101_H

#include "space/cell.h"

enum {
  NSW_NB101_COUNT = 423624,
  NSW_NB101_MAX_EDGES = 9,
  NSW_NB101_KEY_SIZE = 16,     /* md5 */
  NSW_NB101_MAX_LABELLED = 243 /* labellings of five inner vertices */
};

/* A labelled graph in one word that sorts as the enumeration does. */
static inline uint32_t nsw_nb101_pack(int vertices, uint32_t bits, uint32_t labels) {
  return (uint32_t)vertices << 29 | bits << 8 | labels;
}
static inline int nsw_nb101_vertices(uint32_t graph) { return (int)(graph >> 29); }
static inline uint32_t nsw_nb101_bits(uint32_t graph) { return graph >> 8 & 0x1fffff; }
static inline uint32_t nsw_nb101_labels(uint32_t graph) { return graph & 0xff; }

/* Writes the first graph of every class into graphs[NSW_NB101_COUNT], ascending. NSW_FAILED if their number is not
 * the published one, for all vertices together or for any one number of them. */
int nsw_nb101_enumerate(uint32_t *graphs, struct nsw_error *err);

/* The smallest graph isomorphic to this one. */
uint32_t nsw_nb101_canonical(uint32_t graph);

/* Reads "adjacency ops" and drops what lies on no path from input to output, as the benchmark does. The graph keeps the
 * order of vertices given; nsw_nb101_canonical brings it to its class. (Isomorphic graphs can differ by a few
 * parameters, as the remainder of a concatenation goes to the first vertices: published counts belong to the graph as
 * published.) Adjacency: rows of 0 and 1 joined by '|'. Operations: names (input, output, conv3x3, conv1x1, maxpool3x3,
 * also conv3x3-bn-relu and conv1x1-bn-relu) or numbers (-1, -2, 0, 1, 2) joined by ','. Any acyclic order of the
 * vertices will do as long as the input is first and the output last. NSW_USAGE with the reason where it is no cell. */
int nsw_nb101_parse(const char *text, uint32_t *graph, struct nsw_error *err);

/* The cell of a graph. */
void nsw_nb101_cell(uint32_t graph, struct nsw_cell *cell);

/* The cell as a graph of nodes, and the network with it (see struct nsw_space_kind). */
void nsw_nb101_graph(uint32_t graph, struct nsw_graph *to);
void nsw_nb101_describe(uint32_t graph, const struct nsw_macro *macro, struct nsw_arch *arch);

/* The published module hash of every graph of graphs[n], into keys[n][16]. Fastest where neighbours in graphs differ
 * in labels only. */
void nsw_nb101_hash(const uint32_t *graphs, uint32_t n, uint8_t *keys);

#endif
