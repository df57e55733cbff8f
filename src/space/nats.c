#include "space/nats.h"

#include <string.h>

enum { CONV = NSW_RELU_FIRST | NSW_NORM }; /* their order: ReLU, convolution, normalisation */

const uint8_t nsw_nats_edge_node[NSW_NATS_EDGES] = {1, 3, 4, 6, 7, 8};

/* An edge: its number and the node it comes from. */
#define EDGE(e, from)                                                                        \
  {                                                                                          \
    .op = NSW_OP_SKIP, .around = CONV, .place = e, .thin = e, .inputs = 1, .input = { from } \
  }

static const char *const edge_names[] = {"0->1", "0->2", "1->2", "0->3", "1->3", "2->3"};
const struct nsw_graph nsw_nats_cell = {.names = edge_names,
                                        .shape = 1,
                                        .nodes = 10,
                                        .node = {{.op = NSW_OP_INPUT},
                                                 EDGE(0, 0),
                                                 {.op = NSW_OP_SUM, .inputs = 1, .input = {1}},
                                                 EDGE(1, 0),
                                                 EDGE(2, 2),
                                                 {.op = NSW_OP_SUM, .inputs = 2, .input = {3, 4}},
                                                 EDGE(3, 0),
                                                 EDGE(4, 2),
                                                 EDGE(5, 5),
                                                 {.op = NSW_OP_SUM, .inputs = 3, .input = {6, 7, 8}}}};

static const char *const stem_names[] = {"stem"};
static const struct nsw_graph stem = {
    .names = stem_names,
    .nodes = 2,
    .node = {{.op = NSW_OP_INPUT}, {.op = NSW_OP_CONV3, .around = NSW_NORM, .thin = 3, .inputs = 1, .input = {0}}}};

/* Two convolutions, the first with stride 2, beside an average and a convolution. */
enum { A = 16, B, SHORTCUT };
static const char *const residual_names[] = {[A] = "a", [B] = "b", [SHORTCUT] = "shortcut"};
static const struct nsw_graph residual = {
    .names = residual_names,
    .nodes = 6,
    .node = {{.op = NSW_OP_INPUT},
             {.op = NSW_OP_CONV3, .around = CONV, .stride = 2, .place = A, .thin = 0, .inputs = 1, .input = {0}},
             {.op = NSW_OP_CONV3, .around = CONV, .place = B, .thin = 1, .inputs = 1, .input = {1}},
             {.op = NSW_OP_AVGPOOL2, .inputs = 1, .input = {0}},
             {.op = NSW_OP_PROJECT, .place = SHORTCUT, .thin = 2, .inputs = 1, .input = {3}},
             {.op = NSW_OP_SUM, .inputs = 2, .input = {2, 4}}}};

static const char *const tail_names[] = {"lastact"};
static const struct nsw_graph tail = {
    .names = tail_names,
    .nodes = 2,
    .node = {{.op = NSW_OP_INPUT}, {.op = NSW_OP_SUM, .around = NSW_NORM | NSW_RELU_LAST, .inputs = 1, .input = {0}}}};

void nsw_graph_copy(struct nsw_graph *to, const struct nsw_graph *from) {
  memcpy(to, from, offsetof(struct nsw_graph, node) + from->nodes * sizeof from->node[0]);
}

void nsw_nats_describe(const char *space, const struct nsw_macro *macro, const int width[5], struct nsw_arch *arch) {
  arch->space = space;
  arch->graphs = NSW_NATS_GRAPHS;
  arch->cell = NSW_NATS_CELL;
  arch->resolution = macro->resolution;
  arch->classes = macro->classes;
  arch->rule = NSW_RULE_PYTORCH;
  arch->slots = NSW_NATS_SLOTS;
  arch->classifier_slot = 1;
  arch->fold = false;
  nsw_graph_copy(&arch->graph[NSW_NATS_STEM], &stem);
  nsw_graph_copy(&arch->graph[NSW_NATS_RESIDUAL], &residual);
  nsw_graph_copy(&arch->graph[NSW_NATS_TAIL], &tail);
  struct nsw_stage *stage = arch->stage;
  *stage++ = (struct nsw_stage){.graph = NSW_NATS_STEM, .repeat = 1, .channels = width[0]};
  for (int i = 0; i < 5; i++) {
    struct nsw_stage next = {.graph = NSW_NATS_CELL, .numbered = true, .repeat = macro->cells, .channels = width[i]};
    if (i % 2) {
      next.graph = NSW_NATS_RESIDUAL;
      next.reduction = true;
      next.repeat = 1;
    } else if (i && width[i] != width[i - 1]) {
      arch->graphs = NSW_NATS_FIRST + 1;
      *stage++ = (struct nsw_stage){.graph = NSW_NATS_FIRST, .numbered = true, .repeat = 1, .channels = width[i]};
      next.repeat--;
    }
    if (next.repeat) *stage++ = next;
  }
  *stage++ = (struct nsw_stage){.graph = NSW_NATS_TAIL, .repeat = 1, .channels = width[4]};
  arch->stages = (int)(stage - arch->stage);
}
