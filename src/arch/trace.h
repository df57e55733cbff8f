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

/* One node's, from those of the nodes before it. Inline: whole spaces are counted by it. */
static inline struct nsw_trace nsw_node_trace(const struct nsw_node *node, int channels_out,
                                              const struct nsw_trace *trace) {
  int own = nsw_node_channels(node, channels_out);
  const struct nsw_trace *first = &trace[node->inputs ? node->input[0] : 0];
  bool halves = node->stride == 2 || node->op == NSW_OP_AVGPOOL2 || node->op == NSW_OP_MAXPOOL2;
  bool own_channels = nsw_op_is_conv(node->op) || node->op == NSW_OP_CONCAT || node->op == NSW_OP_NONE;
  int reads = node->around & NSW_CUT ? own : first->makes;
  return (struct nsw_trace){.reads = reads,
                            .makes = own_channels ? own : reads,
                            .from = first->side,
                            .side = halves ? (first->side + 1) / 2 : first->side};
}

/* Follows channels and sides through a graph of a stage with channels_out channels. */
void nsw_graph_trace(const struct nsw_graph *graph, int channels_in, int channels_out, int side,
                     struct nsw_trace trace[NSW_MAX_NODES]);

/* A bit for every node that data from the input reaches. */
uint64_t nsw_graph_fed(const struct nsw_graph *graph);

/* Whether a node gives something also where it sees nothing but zeros, once it is trained: its normalisation's shift.
 */
static inline bool nsw_gives_shift(const struct nsw_node *node) {
  return nsw_op_is_conv(node->op) && node->around & NSW_NORM;
}

/* A bit for every node that lies on a path from the input to the output. trained: where there is one, also for those on
 * a path from a shift. */
uint64_t nsw_graph_live(const struct nsw_graph *graph, bool trained);

#endif
