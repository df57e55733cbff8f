/* A throw-away space of ten cells, here and nowhere else: it is scored by every score, built and run against the naive
 * kernels, with parts of channels, a concatenation, a branch that leads nowhere and a cell without a path. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/images.h"
#include "nasweep/proxy.h"
#include "net/net.h"
#include "proxy/joint.h"
#include "unit.h"

/* ---- the space ---- */

enum { CHOICES = 5, CELLS = 2 * CHOICES, NO_PATH = CELLS - 1, CONV = NSW_RELU_FIRST | NSW_NORM };

static int open_toy(void **state, struct nsw_error *err) {
  (void)err;
  *state = NULL;
  return NSW_OK;
}

static uint32_t class_of(const void *state, uint32_t index) {
  (void)state;
  return index;
}

static const char *const cell_names[] = {"project", "left", "right", "wide", "dead"}, *const names[] = {"stem", "tail"};

/* The first five: an operation on half the channels beside a convolution to the other half. The others: an operation on
 * all of them, and a convolution of its output that nothing reads. */
static void graph(const void *state, uint32_t index, struct nsw_graph *g) {
  static const uint8_t left[] = {NSW_OP_CONV1, NSW_OP_CONV3, NSW_OP_MAXPOOL3, NSW_OP_AVGPOOL3, NSW_OP_SKIP},
                       wide[] = {NSW_OP_CONV1, NSW_OP_CONV3, NSW_OP_MAXPOOL3, NSW_OP_SKIP, NSW_OP_NONE};
  (void)state;
  *g = (struct nsw_graph){.names = cell_names, .edges = 2, .nodes = 1, .node = {{.op = NSW_OP_INPUT}}};
  struct nsw_node half = {.around = CONV, .parts = 2, .inputs = 1};
  if (index < CHOICES) {
    half.op = NSW_OP_PROJECT;
    nsw_graph_add(g, half);
    half = (struct nsw_node){
        .op = left[index], .around = CONV, .parts = 2, .place = 1, .thin = 1, .inputs = 1, .input = {1}};
    nsw_graph_add(g, half);
    half = (struct nsw_node){
        .op = NSW_OP_CONV3, .around = CONV, .part = 1, .parts = 2, .place = 2, .thin = 2, .inputs = 1};
    nsw_graph_add(g, half);
    nsw_graph_add(g, (struct nsw_node){.op = NSW_OP_CONCAT, .inputs = 2, .input = {2, 3}});
  } else {
    struct nsw_node op = {.op = NSW_OP_PROJECT, .around = NSW_NORM | NSW_RELU_LAST, .place = 0, .inputs = 1};
    nsw_graph_add(g, op);
    op = (struct nsw_node){
        .op = wide[index - CHOICES], .around = CONV, .place = 3, .thin = 3, .inputs = 1, .input = {1}};
    nsw_graph_add(g, op);
    op = (struct nsw_node){.op = NSW_OP_CONV1, .around = CONV, .place = 4, .thin = 4, .inputs = 1, .input = {2}};
    nsw_graph_add(g, op);
    nsw_graph_add(g, (struct nsw_node){.op = NSW_OP_SUM, .inputs = 2, .input = {2, 2}});
  }
}

static void describe(const void *state, uint32_t index, const struct nsw_macro *macro, struct nsw_arch *arch) {
  int c = macro->channels;
  *arch = (struct nsw_arch){.space = "toy",
                            .graphs = 4,
                            .cell = 1,
                            .resolution = macro->resolution,
                            .classes = macro->classes,
                            .slots = 8,
                            .classifier_slot = 2,
                            .stages = 5,
                            .stage = {{.graph = 0, .repeat = 1, .channels = c},
                                      {.graph = 1, .numbered = true, .repeat = macro->cells, .channels = c},
                                      {.graph = 2, .reduction = true, .repeat = 1, .channels = c},
                                      {.graph = 1, .numbered = true, .repeat = macro->cells, .channels = 2 * c},
                                      {.graph = 3, .repeat = 1, .channels = 2 * c}}};
  arch->graph[0] = (struct nsw_graph){.names = names, .nodes = 1, .node = {{.op = NSW_OP_INPUT}}};
  nsw_graph_add(&arch->graph[0],
                (struct nsw_node){.op = NSW_OP_CONV3, .around = NSW_NORM | NSW_RELU_LAST, .inputs = 1});
  graph(state, index, &arch->graph[1]);
  arch->graph[2] = (struct nsw_graph){.names = names, .nodes = 1, .node = {{.op = NSW_OP_INPUT}}};
  nsw_graph_add(&arch->graph[2], (struct nsw_node){.op = NSW_OP_AVGPOOL2, .inputs = 1});
  arch->graph[3] = (struct nsw_graph){.names = names, .nodes = 1, .node = {{.op = NSW_OP_INPUT}}};
  nsw_graph_add(&arch->graph[3],
                (struct nsw_node){.op = NSW_OP_SUM, .around = NSW_NORM | NSW_RELU_LAST, .place = 1, .inputs = 1});
}

static void id(const void *state, const uint8_t *key, uint32_t index, char *id) {
  (void)state, (void)key;
  id[0] = (char)('a' + index);
  id[1] = 0;
}

static int find(const void *state, const uint8_t *keys, const uint32_t *by_key, const char *text, uint32_t *index,
                struct nsw_error *err) {
  (void)state, (void)keys, (void)by_key;
  if (text[0] < 'a' || text[0] >= 'a' + CELLS || text[1]) return nsw_usage(err, "toy: no cell of this name");
  *index = (uint32_t)(text[0] - 'a');
  return NSW_OK;
}

static const struct nsw_space_kind toy = {.name = "toy",
                                          .long_name = "ten cells",
                                          .source = "this test",
                                          .count = CELLS,
                                          .id_size = 1,
                                          .fewest_channels = 2,
                                          .macro = {.classes = 10, .resolution = 8, .channels = 10, .cells = 2},
                                          .open = open_toy,
                                          .close = free,
                                          .class_of = class_of,
                                          .describe = describe,
                                          .graph = graph,
                                          .id = id,
                                          .find = find};

/* ---- what it is held to ---- */

enum { SAMPLES = 12, MOST_COLUMNS = 64 };

struct fixture {
  struct nsw_space *space;
  struct nsw_images *images;
  struct nsw_context context;
};

static int set_up(void **state) {
  static struct fixture f;
  struct nsw_error err;
  if (nsw_space_open_kind(&toy, &f.space, &err) || nsw_images_synthetic(1, 10, 8, 64, &f.images, &err)) return 1;
  f.context = (struct nsw_context){.space = f.space,
                                   .macro = nsw_space_macro(f.space, (struct nsw_macro){0}),
                                   .images = f.images,
                                   .samples = SAMPLES};
  *state = &f;
  return 0;
}

static int tear_down(void **state) {
  struct fixture *f = *state;
  nsw_images_free(&f->images);
  nsw_space_close(&f->space);
  return 0;
}

static void counts_and_finds(void **state) {
  const struct fixture *f = *state;
  uint32_t index;
  struct nsw_macro own = {0};
  assert_int_equal(nsw_space_find(f->space, "d", &index, NULL), NSW_OK);
  assert_int_equal(index, 3);
  assert_int_equal(nsw_space_find(f->space, "11", &index, NULL), NSW_USAGE);
  /* Stem 270 + 20, tail 40; a cell of c channels with c' coming in: projection c'c/2 + c, left conv1x1 c/2 c/2 + c,
   * right 9 c'c/2 + c. */
  int expected = 290, widths[] = {10, 10, 20, 20};
  for (int i = 0; i < 4; i++) {
    int c = widths[i], in = i ? widths[i - 1] : 10;
    expected += in * c / 2 + c + c * c / 4 + c + 9 * in * c / 2 + c;
  }
  assert_int_equal(nsw_space_params(f->space, 0, &own), expected + 40 + 210);
}

/* Scores all ten by a proxy that is no measure. */
static void score_alone(const struct fixture *f, const struct nsw_proxy *proxy, double *values, uint8_t *status) {
  struct nsw_error err;
  const char *value[16];
  void *evaluator = proxy->own;
  int columns = nsw_proxy_columns(proxy);
  for (int o = 0; o < nsw_proxy_options(proxy); o++) value[o] = proxy->options[o].value;
  if (proxy->open(&f->context, value, &evaluator, &err)) fail_msg("%s: %s", proxy->name, err.text);
  for (uint32_t i = 0; i < CELLS; i++)
    assert_int_equal(proxy->score(evaluator, 5, &i, 1, values + i * (size_t)columns, &status[i], &err), NSW_OK);
  proxy->close(evaluator);
}

static void score_measure(const struct fixture *f, const struct nsw_proxy *proxy, double *values, uint8_t *status) {
  struct nsw_error err;
  const char *value[16];
  const char *const *lists[] = {value};
  bool wanted[MOST_COLUMNS];
  void *joint;
  int columns = nsw_proxy_columns(proxy);
  for (int o = 0; o < nsw_proxy_options(proxy); o++) value[o] = proxy->options[o].value;
  for (int c = 0; c < columns; c++) wanted[c] = true;
  if (nsw_joint_open(&f->context, &proxy, lists, 1, wanted, &joint, &err)) fail_msg("%s: %s", proxy->name, err.text);
  for (uint32_t i = 0; i < CELLS; i++)
    assert_int_equal(nsw_joint_score(joint, 5, &i, 1, values + i * (size_t)columns, &status[i], &err), NSW_OK);
  nsw_joint_close(joint);
}

static void is_scored_by_every_score(void **state) {
  const struct fixture *f = *state;
  int scored = 0;
  for (int p = 0; nsw_proxies[p]; p++) {
    const struct nsw_proxy *proxy = nsw_proxies[p];
    double values[CELLS * MOST_COLUMNS];
    uint8_t status[CELLS];
    int columns = nsw_proxy_columns(proxy), different = 0;
    if (!nsw_proxy_in(proxy, "all") && strcmp(proxy->group, "control")) continue; /* a training */
    if (proxy->needs & NSW_NEEDS_SUPERNET) continue;                              /* which toy does not describe */
    (proxy->measure ? score_measure : score_alone)(f, proxy, values, status);
    for (uint32_t i = 0; i < CELLS; i++) {
      if (i == NO_PATH) {
        if (proxy->needs & NSW_NEEDS_NETWORK && status[i] == NSW_ROW_SCORED) /* the weights are there all the same */
          assert_true(!strcmp(proxy->name, "l2_norm") || !strcmp(proxy->name, "knas") || !strcmp(proxy->name, "swap"));
        continue;
      }
      if (status[i] != NSW_ROW_SCORED) fail_msg("%s of cell %u: status %d", proxy->name, (unsigned)i, status[i]);
      for (int c = 0; c < columns; c++) {
        double value = values[i * (size_t)columns + (size_t)c];
        if (!isfinite(value)) fail_msg("%s of cell %u: %g", proxy->columns[c].name, (unsigned)i, value);
        different += i > 0 && value != values[c];
      }
    }
    if (!different && strcmp(proxy->name, "regions")) /* every piece of an image has its own pattern here */
      fail_msg("%s is the same for all cells", proxy->name);
    scored++;
  }
  assert_in_range(scored, 20, 100);
}

/* The branch that nothing reads has parameters that take no part; they are run where they are asked for. */
static void keeps_what_leads_nowhere(void **state) {
  const struct fixture *f = *state;
  struct nsw_error err;
  struct nsw_net *net = NULL, *whole = NULL;
  int dead = 0, kept = 0;
  assert_int_equal(nsw_net_build(f->space, 5, &f->context.macro, &net, &err), NSW_OK);
  assert_int_equal(nsw_net_build_whole(f->space, 5, &f->context.macro, &whole, &err), NSW_OK);
  for (int i = 0; i < net->params; i++) dead += !net->param[i].live;
  for (int i = 0; i < whole->params; i++) assert_true(whole->param[i].live);
  for (int t = 0; t < whole->tensors; t++) kept += whole->tensor[t].kept;
  assert_int_equal(dead, 4 * 3);
  assert_int_equal(kept, 4);
  assert_string_equal(net->param[3].name, "cells.0.project.conv");
  assert_string_equal(net->param[9].name, "cells.0.dead.conv");
  nsw_net_free(&net);
  nsw_net_free(&whole);
  assert_int_equal(nsw_net_build(f->space, NO_PATH, &f->context.macro, &net, &err), NSW_OK);
  assert_int_equal(net->layers, 0);
  nsw_net_free(&net);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(counts_and_finds), cmocka_unit_test(is_scored_by_every_score),
                                     cmocka_unit_test(keeps_what_leads_nowhere)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
