/* A graph convolution network over cells: each layer sees a node, the mean of what leads to it and the mean of what it
 * leads to; the graph's value is read from the mean of its nodes and from its output, by one hidden layer. */
#ifndef NSW_SEARCH_GCN_H
#define NSW_SEARCH_GCN_H

#include "search/adam.h"
#include "search/graphs.h"

enum { NSW_GCN_LAYERS = 8 };

/* Owned, but for graphs and extra. */
struct nsw_gcn {
  size_t layers, width, extras;
  const struct nsw_graphs *graphs; /* borrowed: what candidates are of */
  const float *extra;              /* [graphs][extras] more inputs of the hidden layer, borrowed; NULL with none */
  size_t at[NSW_GCN_LAYERS + 2];   /* weights of each layer, of the hidden one, and of the last, in adam.w */
  struct nsw_adam adam;
  size_t node_room, row_room;
  size_t *first;               /* [rows+1] nodes of a batch */
  float *seen[NSW_GCN_LAYERS]; /* [nodes][3 in] node, before, after */
  float *node[NSW_GCN_LAYERS]; /* [nodes][width] what layers give */
  float *dnode, *dseen;        /* [nodes][width], [nodes][3 width] */
  float *read, *dread;         /* [rows][2 width + extras] */
  float *hidden, *dhidden;     /* [rows][width] */
  float *value, *dvalue;       /* [rows] */
};

/* False for lack of memory or too many layers. Free with nsw_gcn_free in any case. */
bool nsw_gcn_make(struct nsw_gcn *gcn, size_t layers, size_t width, size_t extras);
void nsw_gcn_free(struct nsw_gcn *gcn);

/* New weights from dice. */
void nsw_gcn_begin(struct nsw_gcn *gcn, struct nsw_dice *dice);

/* Values of the graphs candidate[rows], good until the next call; NULL for lack of memory. */
const float *nsw_gcn_forward(struct nsw_gcn *gcn, const uint32_t *candidate, size_t rows);

/* The mean square error against target[rows]; adds its gradient to adam.g. NaN for lack of memory. */
double nsw_gcn_loss(struct nsw_gcn *gcn, const uint32_t *candidate, const float *target, size_t rows);

/* Predictions of graphs first..end-1 into value; false for lack of memory. */
bool nsw_gcn_predict(struct nsw_gcn *gcn, size_t first, size_t end, double *value);

/* How a network is fitted to a whole space. */
struct nsw_gcn_plan {
  size_t layers, width, epochs, batch;
  float rate, decay;
};

/* A score for one space from a network fitted to another: fits to a sample of `train` (its look as target, normal
 * scores), applies it to `apply` untouched, value[apply->n]. Random numbers from (seed). *fit: the last epoch's mean
 * square error. */
int nsw_gcn_transfer(const struct nsw_ground *train, const struct nsw_ground *apply, const struct nsw_gcn_plan *plan,
                     size_t sample, uint64_t seed, double *value, double *fit, struct nsw_error *err);

#endif
