/* Folding of a graph of sums and operations: what it computes, with skips and zeros resolved and dead nodes gone.
 *
 * Two graphs have the same folded form exactly where renaming their convolutions makes one the other. That is finer
 * than comparing expressions: a convolution read twice is one set of weights, two equal convolutions are two. It is
 * also coarser: sums are flattened. NAS-Bench-201's 15,625 cells have 5,260 folded forms, as they are trained
 * 5,538. */
#ifndef NSW_ARCH_FOLD_H
#define NSW_ARCH_FOLD_H

#include "nasweep/arch.h"

enum {
  NSW_FOLD_OPS = 6,    /* convolutions and pools of a graph that can be folded */
  NSW_FOLD_NODES = 16, /* nodes of such a graph: no concatenations, no projections */
  NSW_FOLD_FORM = 512  /* room for a form's text */
};

/* A folded graph. */
struct nsw_fold {
  struct nsw_graph graph;        /* live operations and sums, in an order that depends on the form alone; without nodes
                                  * where nothing comes out, the input alone where that is the output */
  uint8_t origin[NSW_MAX_NODES]; /* [node] node of the given graph that it came from; not part of the form */
  uint8_t slot[NSW_MAX_NODES];   /* [node of the given graph] its place in the keys of weights: live convolutions in
                                  * canonical order from 0, dead ones NSW_FOLD_DEAD + their own place */
  char form[NSW_FOLD_FORM];      /* the folded form as text: equal text, equal form */
};
enum { NSW_FOLD_DEAD = 8 };

/* Whether a graph is one that nsw_fold_graph takes. */
bool nsw_fold_takes(const struct nsw_graph *graph);

/* Folds a graph that nsw_fold_takes. trained: convolutions that see nothing but zeros are left in, without inputs,
 * where what their normalisation gives reaches the output beside what comes from the input: its shift, which is 0 until
 * it is trained. They keep the slots of dead ones, which are part of the form, and all else keeps the slots that it has
 * without them. */
void nsw_fold_graph(const struct nsw_graph *graph, bool trained, struct nsw_fold *fold);

/* The form alone, for a graph that nsw_fold_takes. */
void nsw_fold_form(const struct nsw_graph *graph, bool trained, char form[NSW_FOLD_FORM]);

/* The graph as it stands: live nodes by the same numbers (dead ones have the operation NONE and no inputs), each its
 * own origin and its place as its slot. trained: as above. */
void nsw_fold_nothing(const struct nsw_graph *graph, bool trained, struct nsw_fold *fold);

#endif
