/* The description of an architecture: what the network is, without weights.
 *
 * A network is a list of stages, each a graph that is put in so many times one after the other: the stem, cells, what
 * halves the image between them (a residual block, a pool), and what stands before the classifier. Behind the last one
 * come the average over pixels and the classifier. A space describes its architectures (struct nsw_space_kind); all
 * else is a walk over the description: counts of parameters and multiply-adds, SED, degree, depth, and the one builder
 * of networks (net/program.h). */
#ifndef NASWEEP_ARCH_H
#define NASWEEP_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nasweep/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Operations, of all spaces together. Those of a graph's nodes work on the sum of the node's inputs. */
enum nsw_op {
  NSW_OP_NONE,     /* gives zeros */
  NSW_OP_SKIP,     /* identity, as an operation that was chosen */
  NSW_OP_CONV1,    /* 1x1 convolution */
  NSW_OP_CONV3,    /* 3x3 convolution, same padding */
  NSW_OP_AVGPOOL3, /* 3x3 average, stride 1, padding not counted */
  NSW_OP_MAXPOOL3, /* 3x3 maximum, stride 1, same padding */
  NSW_OP_INPUT,    /* what the graph gets */
  NSW_OP_OUTPUT,   /* the sum of what the output vertex of a cell gets */
  NSW_OP_SUM,      /* a sum and nothing more */
  NSW_OP_CONCAT,   /* the inputs side by side, in their order */
  NSW_OP_PROJECT,  /* 1x1 convolution that brings a tensor to other channels: no operation of the cell's own */
  NSW_OP_AVGPOOL2, /* 2x2 average, stride 2 */
  NSW_OP_MAXPOOL2, /* 2x2 maximum, stride 2 */
  NSW_OPS
};

/* What kind of operation each is. */
struct nsw_op_facts {
  const char *name; /* "conv3x3" */
  int kernel;       /* of a convolution, square; 0: it has no weights */
  bool pool;        /* a pool */
};
extern const struct nsw_op_facts nsw_op_facts[NSW_OPS];

/* The convolutions and pools that cells are chosen by, a bit 1 << op each: no skips, no projections. */
enum {
  NSW_COUNTED_OPS = 1 << NSW_OP_CONV1 | 1 << NSW_OP_CONV3 | 1 << NSW_OP_AVGPOOL3 | 1 << NSW_OP_MAXPOOL3 |
                    1 << NSW_OP_AVGPOOL2 | 1 << NSW_OP_MAXPOOL2
};

static inline bool nsw_op_is_conv(int op) { return op == NSW_OP_CONV1 || op == NSW_OP_CONV3 || op == NSW_OP_PROJECT; }

enum {
  NSW_NODE_INPUTS = 12, /* of one node, the same one possibly more than once */
  NSW_MAX_NODES = 40,   /* of one graph; nb201's supernet takes 28 */
  NSW_MAX_GRAPHS = 6,   /* of one architecture */
  NSW_MAX_STAGES = 12
};

/* What stands around a convolution, and how a node reads its inputs. */
enum nsw_around {
  NSW_RELU_FIRST = 1, /* ReLU before */
  NSW_NORM = 2,       /* batch normalisation after */
  NSW_RELU_LAST = 4,  /* ReLU after that */
  NSW_CUT = 8         /* inputs may have more channels than the node: it reads as many as it has */
};

/* A node: an operation on the sum of its inputs (CONCAT: on them side by side).
 * Its channels are those of the stage, shared out: with `parts` > 1 part number `part` of so many (nsw_node_channels).
 * A pool, SKIP and SUM have the channels of what they get. */
struct nsw_node {
  uint8_t op;                     /* enum nsw_op */
  uint8_t around;                 /* enum nsw_around, ORed; SUM: a normalisation and ReLU of its own */
  uint8_t stride;                 /* of a convolution; 0 is 1 */
  uint8_t part, parts;            /* its share of the stage's channels; parts 0 is 1 */
  uint8_t place;                  /* its number in the graph's names, and in the keys of its weights */
  uint8_t thin;                   /* its number in the keys of NASGraph's thin network (proxy/degree.c) */
  uint8_t inputs;                 /* how many */
  uint8_t input[NSW_NODE_INPUTS]; /* earlier nodes; 0 is the graph's input */
  float scale;                    /* its output times this coefficient, a supernet's; 0: it has none. Not in a fold */
  uint8_t coefficient;            /* which one: the gradients of nodes of the same number are added up */
};

/* A graph: node 0 is the input, every node reads earlier ones, the last is the output. */
struct nsw_graph {
  const char *const *names; /* by place: "0->1", "2.projection"; how its weights are called */
  uint32_t shape;           /* graphs of one space with the same shape differ in operations alone; 0: nothing known */
  uint8_t edges;            /* edges of the published cell (those with NONE are not there) */
  uint8_t nodes;            /* how many */
  struct nsw_node node[NSW_MAX_NODES];
};

/* A graph in its place. */
struct nsw_stage {
  uint8_t graph; /* which of the architecture's */
  bool numbered; /* a cell in PyTorch's list `cells`, whose output is one that AZ-NAS looks at; else stem, pool, tail */
  bool reduction; /* what stands between two stacks: the second stack begins behind the first of them */
  int repeat;     /* how many of them in a row */
  int channels;   /* of each one's output */
};

/* How weights are drawn that the benchmark draws. */
enum nsw_init_rule {
  NSW_RULE_PYTORCH, /* uniform in +-1/sqrt(fan-in) */
  NSW_RULE_NB101    /* normal cut at two deviations, 1/sqrt(fan-in); classifier Glorot's uniform, its bias 0 */
};

/* An architecture. */
struct nsw_arch {
  const char *space; /* its name, for messages */
  int graphs, stages;
  int cell;                /* the graph that scores of the cell look at */
  int resolution, classes; /* height and width of the image in pixels; outputs of the classifier */
  enum nsw_init_rule rule;
  /* Weights are keyed by their place: (section * slots + place) * 4; sections are the stem, then every numbered cell,
   * and the classifier in the last. */
  int slots;           /* places of a section */
  int classifier_slot; /* the classifier's place */
  bool fold; /* cells that compute the same have the same weights: keys are those of the folded cell (arch/fold.h) */
  struct nsw_stage stage[NSW_MAX_STAGES];
  struct nsw_graph graph[NSW_MAX_GRAPHS];
};

/* The skeleton that is wanted. A zero field means the benchmark's own value (nsw_space_macro fills it). */
struct nsw_macro {
  int classes;    /* outputs of the classifier */
  int resolution; /* height and width of the input image, pixels */
  int channels;   /* channels of the first stage (nb201 16, nb101 128) */
  int cells;      /* cells per stage (nb201 5, nb101 3) */
};

/* Channels of a node where its stage has so many: the remainder goes to the first parts, one each. */
static inline int nsw_node_channels(const struct nsw_node *node, int channels) {
  return node->parts < 2 ? channels : channels / node->parts + (node->part < channels % node->parts);
}

/* Adds a node with its inputs and returns its number; for describe functions. */
int nsw_graph_add(struct nsw_graph *graph, struct nsw_node node);

/* NSW_USAGE with the reason where the network cannot be built: an image that is not halved evenly, fewer channels than
 * parts. NSW_FAILED where the description itself is wrong: numbers out of range, a node that reads a later one. */
int nsw_arch_check(const struct nsw_arch *arch, struct nsw_error *err);

/* Trainable parameters of the whole network, dead branches too, and multiply-adds of its convolutions and classifier
 * for one image. */
void nsw_arch_count(const struct nsw_arch *arch, uint64_t *params, uint64_t *macs);
uint64_t nsw_arch_params(const struct nsw_arch *arch);
uint64_t nsw_arch_macs(const struct nsw_arch *arch);

/* What a node is worth in the whole network, if it is a convolution of 1x1; one of kxk is worth k*k times as much. */
struct nsw_node_size {
  uint64_t pairs; /* channels read times channels made: weights */
  uint64_t work;  /* the same times pixels made: multiply-adds */
  uint64_t norms; /* weights of the normalisation behind it, if it has one */
};

/* What is left to count when a space's cells are counted one by one and only their operations change. */
struct nsw_sizes {
  uint32_t shape;                           /* of the cell's graph; 0: unknown, good for this architecture alone */
  uint64_t params, macs;                    /* of all but the cells */
  struct nsw_node_size node[NSW_MAX_NODES]; /* of the cell's graph, over all places it stands in */
};

/* Makes it from one architecture: it holds for all of its space with the cell's shape, on the same skeleton. */
void nsw_sizes_make(struct nsw_sizes *sizes, const struct nsw_arch *arch);

/* Parameters and multiply-adds with this graph, of the shape they were made for, as the cell. */
void nsw_sizes_count(const struct nsw_sizes *sizes, const struct nsw_graph *cell, uint64_t *params, uint64_t *macs);

/* ---- walks over a graph ---- */

/* Whether data can pass from input to output. */
bool nsw_graph_has_path(const struct nsw_graph *graph);

/* Nodes of the given operations (bit 1 << op) on the longest path from input to output; -1 where there is none. */
int nsw_graph_longest(const struct nsw_graph *graph, uint32_t ops);

/* Nodes of each kind, into counts[NSW_OPS]. */
void nsw_graph_count_ops(const struct nsw_graph *graph, int counts[NSW_OPS]);

/* Skip connections: nodes that are one, and edges that a longer path leads round. */
int nsw_graph_skips(const struct nsw_graph *graph);

#ifdef __cplusplus
}
#endif
#endif
