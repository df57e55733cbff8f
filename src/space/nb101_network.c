/* NAS-Bench-101's cell as a graph of nodes and its network: stem, three stacks of cells with pools between (Ying et
 * al., 2019, as its TensorFlow model builds it). */
#include <string.h>

#include "space/nats.h"
#include "space/nb101.h"

enum {
  STACKS = 3,
  SLOTS = 32,
  OUTPUT_SLOT = 30,
  CONV = NSW_NORM | NSW_RELU_LAST /* their order: convolution, normalisation, ReLU */
};

/* A vertex has the place 2v for its projection of the input and 2v + 1 for its operation. */
static const char *const names[SLOTS] = {[2] = "1.projection",
                                         [3] = "1.op",
                                         [4] = "2.projection",
                                         [5] = "2.op",
                                         [6] = "3.projection",
                                         [7] = "3.op",
                                         [8] = "4.projection",
                                         [9] = "4.op",
                                         [10] = "5.projection",
                                         [11] = "5.op",
                                         [OUTPUT_SLOT] = "output.projection"};
static const uint8_t ops[3] = {NSW_OP_CONV3, NSW_OP_CONV1, NSW_OP_MAXPOOL3};

static const char *const stem_names[] = {"stem"};
static const struct nsw_graph stem = {
    .names = stem_names,
    .nodes = 2,
    .node = {{.op = NSW_OP_INPUT}, {.op = NSW_OP_CONV3, .around = CONV, .thin = 3, .inputs = 1, .input = {0}}}};
static const struct nsw_graph pool = {
    .names = stem_names,
    .nodes = 2,
    .node = {{.op = NSW_OP_INPUT}, {.op = NSW_OP_MAXPOOL2, .inputs = 1, .input = {0}}}};

/* Which part of the output's channels every inner vertex has: those that feed the output share them out in their order;
 * any other takes the largest part, which is the first, of those it feeds. Returns the number of parts. */
static int share_out(uint32_t bits, int last, uint8_t part[NSW_MAX_VERTICES]) {
  uint32_t feeding = bits >> nsw_edge(0, last);
  int parts = 0;
  for (int v = 1; v < last; v++)
    if (feeding >> v & 1) part[v] = (uint8_t)parts++;
  for (int v = last - 1; v >= 1; v--) {
    if (feeding >> v & 1) continue;
    part[v] = UINT8_MAX;
    for (int to = v + 1; to < last; to++)
      if (bits >> nsw_edge(v, to) & 1 && part[to] < part[v]) part[v] = part[to];
  }
  return parts;
}

/* A convolution of the cell's input to the channels of a vertex. */
static int add_projection(struct nsw_graph *g, int vertex, int place, int part, int parts) {
  return nsw_graph_add(g, (struct nsw_node){.op = NSW_OP_PROJECT,
                                            .around = CONV,
                                            .part = (uint8_t)part,
                                            .parts = (uint8_t)parts,
                                            .place = (uint8_t)place,
                                            .thin = (uint8_t)vertex,
                                            .inputs = 1});
}

static void build(uint32_t bits, int last, struct nsw_graph *g) {
  uint8_t part[NSW_MAX_VERTICES];
  int node[NSW_MAX_VERTICES], parts = share_out(bits, last, part);
  struct nsw_node concat = {.op = NSW_OP_CONCAT}, output = {.op = NSW_OP_OUTPUT};
  g->names = names;
  g->nodes = 1;
  g->node[0] = (struct nsw_node){.op = NSW_OP_INPUT};
  for (int v = 1; v < last; v++) {
    uint32_t in = bits >> nsw_edge(0, v);
    struct nsw_node op = {.around = CONV | NSW_CUT,
                          .part = part[v],
                          .parts = (uint8_t)parts,
                          .place = (uint8_t)(2 * v + 1),
                          .thin = (uint8_t)(NSW_MAX_VERTICES + v)};
    if (in & 1) op.input[op.inputs++] = (uint8_t)add_projection(g, v, 2 * v, part[v], parts);
    for (int from = 1; from < v; from++)
      if (in >> from & 1) op.input[op.inputs++] = (uint8_t)node[from];
    node[v] = nsw_graph_add(g, op);
    if (bits >> nsw_edge(v, last) & 1) concat.input[concat.inputs++] = (uint8_t)node[v];
  }
  output.input[output.inputs++] = (uint8_t)nsw_graph_add(g, concat);
  if (bits >> nsw_edge(0, last) & 1)
    output.input[output.inputs++] = (uint8_t)add_projection(g, last, OUTPUT_SLOT, 0, 1);
  nsw_graph_add(g, output);
}

void nsw_nb101_graph(uint32_t graph, struct nsw_graph *to) {
  uint32_t shape = graph >> 8, labels = nsw_nb101_labels(graph);
  int last = nsw_nb101_vertices(graph) - 1;
  if (to->shape != shape) {
    build(nsw_nb101_bits(graph), last, to);
    to->shape = shape;
    to->edges = (uint8_t)__builtin_popcount(nsw_nb101_bits(graph));
  }
  /* Operations are the nodes that cut their inputs, vertex 1 first. */
  for (int n = to->nodes - 2, v = last - 1; v >= 1; n--) {
    if (!(to->node[n].around & NSW_CUT)) continue;
    to->node[n].op = ops[labels % 3];
    labels /= 3;
    v--;
  }
}

void nsw_nb101_describe(uint32_t graph, const struct nsw_macro *macro, struct nsw_arch *arch) {
  enum { STEM, CELL, POOL, GRAPHS };
  arch->space = "nb101";
  arch->graphs = GRAPHS;
  arch->cell = CELL;
  arch->resolution = macro->resolution;
  arch->classes = macro->classes;
  arch->rule = NSW_RULE_NB101;
  arch->slots = SLOTS;
  arch->classifier_slot = 0;
  arch->fold = false;
  nsw_graph_copy(&arch->graph[STEM], &stem);
  nsw_graph_copy(&arch->graph[POOL], &pool);
  arch->graph[CELL].shape = 0;
  nsw_nb101_graph(graph, &arch->graph[CELL]);
  int channels = macro->channels;
  struct nsw_stage *stage = arch->stage;
  *stage++ = (struct nsw_stage){.graph = STEM, .repeat = 1, .channels = channels};
  for (int stack = 0; stack < STACKS; stack++) {
    if (stack) {
      *stage++ = (struct nsw_stage){.graph = POOL, .reduction = true, .repeat = 1, .channels = channels};
      channels *= 2;
    }
    *stage++ = (struct nsw_stage){.graph = CELL, .numbered = true, .repeat = macro->cells, .channels = channels};
  }
  arch->stages = (int)(stage - arch->stage);
}
