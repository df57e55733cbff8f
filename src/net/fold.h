/* Folding of a cell with operations on edges: what it computes, with skips and zeros resolved and dead edges gone.
 *
 * Two cells have the same folded form exactly where renaming their convolutions makes one the other. That is finer
 * than comparing expressions: a convolution read twice is one set of weights, two equal convolutions are two. It is
 * also coarser: sums are flattened. NAS-Bench-201's 15,625 cells have 5,260 folded forms. */
#ifndef NSW_NET_FOLD_H
#define NSW_NET_FOLD_H

#include "nasweep/space.h"

enum { NSW_FOLD_CONVS = 6, NSW_FOLD_POOLS = 6, NSW_FOLD_TERMS = 1 + NSW_FOLD_CONVS + NSW_FOLD_POOLS };

/* A value: how often each term is added. Term 0 is the cell's input, 1.. the convolutions, 7.. the pools. */
struct nsw_fold_value {
  uint8_t count[NSW_FOLD_TERMS];
};

/* A folded cell. Convolutions are in canonical order, pools after what they read. */
struct nsw_fold {
  int convs;                                  /* live convolutions */
  uint8_t op[NSW_FOLD_CONVS];                 /* NSW_OP_CONV1 or NSW_OP_CONV3 */
  uint8_t edge[NSW_FOLD_CONVS];               /* the edge of the given cell that it came from; not part of the form */
  struct nsw_fold_value conv[NSW_FOLD_CONVS]; /* what each reads */
  int pools;                                  /* different pools */
  struct nsw_fold_value pool[NSW_FOLD_POOLS]; /* what each reads */
  struct nsw_fold_value output;               /* all zero: no path */
  char form[512];                             /* the folded form as text: equal text, equal form */
};

/* Folds a cell of at most four vertices whose operations sit on edges. */
void nsw_fold_cell(const struct nsw_cell *cell, struct nsw_fold *fold);

#endif
