/* What the walks over a graph share. */
#ifndef NSW_ARCH_TRACE_H
#define NSW_ARCH_TRACE_H

#include "nasweep/arch.h"

/* A node's tensors. */
struct nsw_trace {
  int reads, makes; /* channels */
  int from,
      side; /* height and width of what it reads and of what it makes, pixels; half of an odd side is rounded up */
};

/* Follows channels and sides through a graph of a stage with channels_out channels. */
void nsw_graph_trace(const struct nsw_graph *graph, int channels_in, int channels_out, int side,
                     struct nsw_trace trace[NSW_MAX_NODES]);

/* A bit for every node that data from the input reaches. */
uint64_t nsw_graph_fed(const struct nsw_graph *graph);

/* A bit for every node that lies on a path from the input to the output. */
uint64_t nsw_graph_live(const struct nsw_graph *graph);

#endif
