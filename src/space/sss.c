/* NATS-Bench's size space (Dong et al., 2021): one cell, 32,768 choices of five widths. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "space/nats.h"
#include "space/table.h"

/* Widths are 8, 16, ..., 64: cell, residual block, cell, residual block, cell. An index is a number of five digits to
 * the base eight, the first width the most significant: the order of the plain product. */
enum { WIDTHS = 5, CHOICES = 8, STEP = 8, WIDEST = CHOICES * STEP, COUNT = 32768 };

static int choice(uint32_t index, int place) { return (int)(index >> 3 * (WIDTHS - 1 - place) & 7); }

static int open_sss(void **state, struct nsw_error *err) {
  (void)err;
  *state = NULL;
  return NSW_OK;
}

static uint32_t class_of(const void *state, uint32_t index) {
  (void)state;
  return index;
}

/* |nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|. The skip is a 1x1
 * convolution with its normalisation where the widths of input and cell differ. */
static void fill_cell(struct nsw_graph *graph, bool differ) {
  enum { SKIP = 3 };
  nsw_graph_copy(graph, &nsw_nats_cell);
  graph->edges = NSW_NATS_EDGES;
  for (int e = 0; e < NSW_NATS_EDGES; e++)
    graph->node[nsw_nats_edge_node[e]].op = e == SKIP ? NSW_OP_SKIP : NSW_OP_CONV3;
  if (!differ) return;
  struct nsw_node *skip = &graph->node[nsw_nats_edge_node[SKIP]];
  skip->op = NSW_OP_PROJECT;
  skip->around = NSW_NORM;
}

static void graph(const void *state, uint32_t index, struct nsw_graph *graph) {
  (void)state, (void)index;
  if (!graph->shape) fill_cell(graph, false);
}

/* Channels of the skeleton stand for the widest, 64: with fewer all widths shrink in proportion. */
static void describe(const void *state, uint32_t index, const struct nsw_macro *macro, struct nsw_arch *arch) {
  int width[WIDTHS];
  (void)state;
  for (int i = 0; i < WIDTHS; i++) {
    width[i] = (int)((int64_t)(choice(index, i) + 1) * STEP * macro->channels / WIDEST);
    if (width[i] < 1) width[i] = 1;
  }
  nsw_nats_describe("sss", macro, width, arch);
  fill_cell(&arch->graph[NSW_NATS_CELL], false);
  fill_cell(&arch->graph[NSW_NATS_FIRST], true);
}

static void id(const void *state, const uint8_t *key, uint32_t index, char *id) {
  (void)state, (void)key;
  for (int i = 0; i < WIDTHS; i++) id += sprintf(id, "%s%d", i ? ":" : "", (choice(index, i) + 1) * STEP);
}

static int find(const void *state, const uint8_t *keys, const uint32_t *by_key, const char *text, uint32_t *index,
                struct nsw_error *err) {
  (void)state, (void)keys, (void)by_key;
  char quoted[NSW_QUOTE_SIZE];
  const char *at = text;
  uint32_t found = 0;
  for (int i = 0; i < WIDTHS; i++) {
    int width = 0, digits = 0;
    if (i && *at++ != ':')
      return nsw_usage(err, "sss: '%s': wanted five widths joined by ':', as in 8:8:40:32:40", nsw_quote(quoted, text));
    for (; digits < 3 && *at >= '0' && *at <= '9'; digits++) width = 10 * width + (*at++ - '0');
    if (!digits || text[0] == '0' || width % STEP || width < STEP || width > WIDEST)
      return nsw_usage(err, "sss: '%s': width %d is none of 8, 16, 24, 32, 40, 48, 56, 64", nsw_quote(quoted, text),
                       i + 1);
    found = found * CHOICES + (uint32_t)(width / STEP - 1);
  }
  if (*at) return nsw_usage(err, "sss: '%s': text goes on after the fifth width", nsw_quote(quoted, text));
  *index = found;
  return NSW_OK;
}

/* A gene is a width. */
static int gene_choices(int gene) {
  (void)gene;
  return CHOICES;
}

static void genes_of(const void *state, uint32_t index, uint8_t *genes) {
  (void)state;
  for (int i = 0; i < WIDTHS; i++) genes[i] = (uint8_t)choice(index, i);
}

static bool from_genes(const void *state, const uint8_t *genes, uint32_t *index) {
  (void)state;
  *index = 0;
  for (int i = 0; i < WIDTHS; i++) *index = *index * CHOICES + genes[i];
  return true;
}

const struct nsw_space_kind nsw_sss = {
    .name = "sss",
    .long_name = "NATS-Bench's size space",
    .source = "Dong et al., NATS-Bench, TPAMI 2021; order: the plain product of five widths, the last one fastest",
    .count = COUNT,
    .id_size = WIDTHS * 2 + WIDTHS - 1,
    .one_cell = true,
    .fewest_channels = CHOICES,
    .macro = {.classes = 10, .resolution = 32, .channels = WIDEST, .cells = 1},
    .open = open_sss,
    .close = free,
    .class_of = class_of,
    .describe = describe,
    .graph = graph,
    .id = id,
    .find = find,
    .genes = WIDTHS,
    .gene_choices = gene_choices,
    .genes_of = genes_of,
    .from_genes = from_genes,
};
