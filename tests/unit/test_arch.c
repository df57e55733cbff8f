/* Descriptions of architectures: counts against closed forms, walks against plain recursions over the published cells,
 * and what a description must not be. */
#include <stdlib.h>

#include "arch/fold.h"
#include "arch/trace.h"
#include "cells.h"
#include "closed_forms.h"
#include "nasweep/arch.h"
#include "net/net.h"
#include "unit.h"

static struct nsw_space *nb101, *nb201;

static int open_spaces(void **state) {
  (void)state;
  return nsw_space_open("nb101", &nb101, NULL) || nsw_space_open("nb201", &nb201, NULL);
}

static int close_spaces(void **state) {
  (void)state;
  nsw_space_close(&nb101);
  nsw_space_close(&nb201);
  return 0;
}

static const struct nsw_macro wishes[] = {{.classes = 0},
                                          {.classes = 120, .resolution = 16, .channels = 9, .cells = 1},
                                          {.classes = 3, .resolution = 20, .channels = 40, .cells = 2}};

static void counts_as_the_closed_forms(void **state) {
  (void)state;
  for (size_t w = 0; w < sizeof wishes / sizeof *wishes; w++) {
    struct nsw_cell cell;
    struct nsw_macro macro = nsw_space_macro(nb201, wishes[w]);
    for (uint32_t i = 0; i < nsw_space_count(nb201); i++) {
      nsw_space_cell(nb201, i, &cell);
      assert_int_equal(nsw_space_params(nb201, i, &wishes[w]), nb201_params(&cell, &macro));
      assert_int_equal(nsw_space_macs(nb201, i, &wishes[w]), nb201_macs(&cell, &macro));
    }
    macro = nsw_space_macro(nb101, wishes[w]);
    for (uint32_t i = 0; i < nsw_space_count(nb101); i += w ? 37 : 1) {
      uint64_t params, macs;
      nsw_space_cell(nb101, i, &cell);
      nb101_count(&cell, &macro, &params, &macs);
      assert_int_equal(nsw_space_params(nb101, i, &wishes[w]), params);
      assert_int_equal(nsw_space_macs(nb101, i, &wishes[w]), macs);
    }
  }
}

/* In any order, whatever was counted before. */
static void counts_many_as_each_by_itself(void **state) {
  (void)state;
  for (const struct nsw_space_kind *const *kind = nsw_space_kinds; *kind; kind++) {
    struct nsw_space *space;
    struct nsw_space_counter counter = {.sizes = {0}};
    struct nsw_error err;
    assert_int_equal(nsw_space_open((*kind)->name, &space, &err), NSW_OK);
    for (uint64_t k = 0; k < 4000; k++) {
      uint32_t index = (uint32_t)((k < 2000 ? k : k * k * 7919) % (*kind)->count);
      uint64_t params, macs;
      nsw_space_counter_next(&counter, space, index, &wishes[1], &params, &macs);
      assert_int_equal(params, nsw_space_params(space, index, &wishes[1]));
      assert_int_equal(macs, nsw_space_macs(space, index, &wishes[1]));
    }
    nsw_space_close(&space);
  }
}

/* Longest path from input to output in edges that are there; -1: none. */
static int longest_edges(const struct nsw_cell *cell, int from, int to) {
  int longest = from == to ? 0 : -1;
  for (int mid = from; mid < to; mid++) {
    if (!(cell->edges >> nsw_edge(mid, to) & 1)) continue;
    int before = longest_edges(cell, from, mid);
    if (before >= 0 && before + 1 > longest) longest = before + 1;
  }
  return longest;
}

static void walks_as_the_published_cells_do(void **state) {
  (void)state;
  const uint32_t all = NSW_COUNTED_OPS | 1 << NSW_OP_SKIP | 1 << NSW_OP_OUTPUT;
  for (int k = 0; k < 2; k++) {
    struct nsw_space *space = k ? nb201 : nb101;
    struct nsw_graph graph = {.shape = 0};
    for (uint32_t i = 0; i < nsw_space_count(space); i += k ? 1 : 53) {
      struct nsw_cell cell;
      int skips = 0, last, counts[NSW_OPS], ops[NSW_OPS];
      nsw_space_cell(space, i, &cell);
      nsw_space_graph(space, i, &graph);
      last = cell.vertices - 1;
      assert_int_equal(graph.edges, __builtin_popcount(cell.edges));
      assert_int_equal(nsw_graph_has_path(&graph), cell_has_path(&cell));
      assert_int_equal(nsw_graph_longest(&graph, all), longest_edges(&cell, 0, last));
      for (int to = 1; to <= last; to++)
        for (int from = 0; from < to; from++) {
          if (!(cell.edges >> nsw_edge(from, to) & 1)) continue;
          skips += k ? cell.edge_op[nsw_edge(from, to)] == NSW_OP_SKIP : longest_edges(&cell, from, to) > 1;
        }
      assert_int_equal(nsw_graph_skips(&graph), skips);
      nsw_graph_count_ops(&graph, counts);
      cell_count_ops(&cell, ops);
      for (int op = NSW_OP_CONV1; op <= NSW_OP_MAXPOOL3; op++) assert_int_equal(counts[op], ops[op]);
    }
  }
}

/* A graph that is filled again and again is as one filled afresh. */
static void keeps_shapes_apart(void **state) {
  (void)state;
  for (int k = 0; k < 2; k++) {
    struct nsw_space *space = k ? nb201 : nb101;
    struct nsw_graph kept = {.shape = 0};
    for (uint32_t i = 0; i < nsw_space_count(space); i += k ? 1 : 11) {
      struct nsw_graph fresh = {.shape = 0};
      nsw_space_graph(space, i, &kept);
      nsw_space_graph(space, i, &fresh);
      assert_int_equal(kept.nodes, fresh.nodes);
      assert_memory_equal(kept.node, fresh.node, fresh.nodes * sizeof fresh.node[0]);
    }
  }
}

static void refuses_what_cannot_be_built(void **state) {
  (void)state;
  struct nsw_error err;
  struct nsw_arch arch, damaged;
  nsw_space_describe(nb101, 400000, &(struct nsw_macro){.resolution = 32}, &arch);
  assert_int_equal(nsw_arch_check(&arch, &err), NSW_OK);
  nsw_space_describe(nb101, 400000, &(struct nsw_macro){.resolution = 34}, &damaged);
  assert_int_equal(nsw_arch_check(&damaged, &err), NSW_USAGE);
  assert_string_equal(err.text, "nb101 halves its images 2 times: a resolution of 34 will not do");
  nsw_space_describe(nb101, 400000, &(struct nsw_macro){.channels = 1}, &damaged);
  assert_int_equal(nsw_arch_check(&damaged, &err), NSW_USAGE);
  for (int kind = 0; kind < 5; kind++) {
    damaged = arch;
    struct nsw_node *node = &damaged.graph[damaged.cell].node[2];
    if (kind == 0) node->input[0] = 2;
    if (kind == 1) node->op = NSW_OPS;
    if (kind == 2) node->inputs = 0;
    if (kind == 3) damaged.stage[1].graph = 5;
    if (kind == 4) damaged.graph[damaged.cell].nodes = NSW_MAX_NODES + 1;
    assert_int_equal(nsw_arch_check(&damaged, &err), NSW_FAILED);
  }
}

/* nb201's supernet: every edge the weighted sum of its operations (none adds nothing). It is counted, walked and built;
 * what would fold it or run its dead branches is refused. */
static void describes_a_supernet(void **state) {
  (void)state;
  struct nsw_arch arch;
  struct nsw_net *net = NULL;
  struct nsw_error err;
  struct nsw_macro macro = nsw_space_macro(nb201, (struct nsw_macro){0});
  nsw_space_kind(nb201)->supernet(&macro, 0.2f, &arch);
  const struct nsw_graph *g = &arch.graph[arch.cell];
  assert_int_equal(g->nodes, 28);
  if (nsw_arch_check(&arch, &err)) fail_msg("%s", err.text);
  assert_int_equal(nsw_graph_longest(g, NSW_COUNTED_OPS), 3);
  assert_int_equal(nsw_graph_skips(g) >= 6, true);
  struct nsw_cell cell = {.vertices = 4}, all = cell, none = cell;
  for (int e = 0; e < 6; e++) cell.edge_op[e] = NSW_OP_CONV1, all.edge_op[e] = NSW_OP_CONV3;
  assert_int_equal(nsw_arch_params(&arch),
                   nb201_params(&cell, &macro) + nb201_params(&all, &macro) - nb201_params(&none, &macro));
  assert_int_equal(nsw_program_make(&arch, NSW_KEEP_DEAD, &net, &err), NSW_USAGE);
  assert_int_equal(nsw_program_make(&arch, NSW_KEEP_NOTHING, &net, &err), NSW_OK);
  assert_int_equal(net->coefficients, 30);
  nsw_net_free(&net);
  arch.fold = true;
  assert_int_equal(nsw_program_make(&arch, NSW_KEEP_NOTHING, &net, &err), NSW_FAILED);
  assert_non_null(strstr(err.text, "none that can be folded"));
}

/* Two pools of one input are one term where they are alike, and only there. */
static void folds_unlike_pools_apart(void **state) {
  (void)state;
  struct nsw_graph g = {.nodes = 4,
                        .node = {{.op = NSW_OP_INPUT},
                                 {.op = NSW_OP_AVGPOOL3, .inputs = 1, .input = {0}},
                                 {.op = NSW_OP_MAXPOOL3, .inputs = 1, .input = {0}},
                                 {.op = NSW_OP_SUM, .inputs = 2, .input = {1, 2}}}};
  char unlike[NSW_FOLD_FORM], alike[NSW_FOLD_FORM];
  nsw_fold_form(&g, false, unlike);
  g.node[2].op = NSW_OP_AVGPOOL3;
  nsw_fold_form(&g, false, alike);
  assert_string_equal(unlike, "=p(x)+q(x)");
  assert_string_equal(alike, "=p(x)+p(x)");
}

/* A node is live where the input leads to it and it to the output, through nothing that is none. */
static void counts_no_dead_node_as_live(void **state) {
  (void)state;
  enum { CONV = NSW_OP_CONV3, NONE = NSW_OP_NONE };
  struct nsw_graph g = {.nodes = 8,
                        .node = {{.op = NSW_OP_INPUT},
                                 {.op = CONV, .inputs = 1, .input = {0}},
                                 {.op = CONV, .inputs = 1, .input = {0}}, /* leads nowhere */
                                 {.op = NONE, .inputs = 1, .input = {1}},
                                 {.op = CONV, .inputs = 1, .input = {3}}, /* gets nothing */
                                 {.op = NSW_OP_SKIP, .inputs = 2, .input = {1, 4}},
                                 {.op = CONV, .inputs = 2, .input = {2, 5}}, /* leads nowhere */
                                 {.op = NSW_OP_OUTPUT, .inputs = 3, .input = {3, 4, 5}}}};
  assert_int_equal(nsw_graph_live(&g, false), 1 << 0 | 1 << 1 | 1 << 5 | 1 << 7);
  assert_int_equal(nsw_graph_live(&g, true), nsw_graph_live(&g, false));
  g.node[4].around = NSW_NORM; /* whose shift gets there, once it is trained */
  assert_int_equal(nsw_graph_live(&g, false), 1 << 0 | 1 << 1 | 1 << 5 | 1 << 7);
  assert_int_equal(nsw_graph_live(&g, true), 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7);
  g.node[5].op = NONE; /* nothing leads to the output */
  assert_int_equal(nsw_graph_live(&g, false), 0);
  assert_int_equal(nsw_graph_live(&g, true), 0); /* a shift alone does not make a path */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_as_the_closed_forms),      cmocka_unit_test(counts_many_as_each_by_itself),
      cmocka_unit_test(walks_as_the_published_cells_do), cmocka_unit_test(keeps_shapes_apart),
      cmocka_unit_test(refuses_what_cannot_be_built),    cmocka_unit_test(describes_a_supernet),
      cmocka_unit_test(folds_unlike_pools_apart),        cmocka_unit_test(counts_no_dead_node_as_live)};
  return cmocka_run_group_tests(tests, open_spaces, close_spaces);
}
