#include "space/nb101.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"

/* The state: graphs[NSW_NB101_COUNT], ascending. */
static int open_nb101(void **state, struct nsw_error *err) {
  uint32_t *graphs = malloc(NSW_NB101_COUNT * sizeof *graphs);
  if (!graphs) return nsw_fail(err, "nb101: out of memory");
  int status = nsw_nb101_enumerate(graphs, err);
  if (status) {
    free(graphs);
    return status;
  }
  *state = graphs;
  return NSW_OK;
}

void nsw_nb101_cell(uint32_t graph, struct nsw_cell *cell) {
  static const uint8_t ops[3] = {NSW_OP_CONV3, NSW_OP_CONV1, NSW_OP_MAXPOOL3};
  uint32_t bits = nsw_nb101_bits(graph), labels = nsw_nb101_labels(graph);
  cell->vertices = nsw_nb101_vertices(graph);
  cell->edges = bits;
  for (int e = 0; e < NSW_MAX_EDGES; e++) cell->edge_op[e] = bits >> e & 1 ? NSW_OP_SKIP : NSW_OP_NONE;
  memset(cell->vertex_op, NSW_OP_NONE, sizeof cell->vertex_op);
  cell->vertex_op[0] = NSW_OP_INPUT;
  cell->vertex_op[cell->vertices - 1] = NSW_OP_OUTPUT;
  for (int v = cell->vertices - 2; v >= 1; v--, labels /= 3) cell->vertex_op[v] = ops[labels % 3];
}

static void cell(const void *state, uint32_t index, struct nsw_cell *cell) {
  nsw_nb101_cell(((const uint32_t *)state)[index], cell);
}

static uint32_t class_of(const void *state, uint32_t index) {
  (void)state;
  return index;
}

static uint64_t params(const void *state, uint32_t index, const struct nsw_macro *macro) {
  struct nsw_cell c;
  cell(state, index, &c);
  return nsw_nb101_params(&c, macro);
}

static uint64_t macs(const void *state, uint32_t index, const struct nsw_macro *macro) {
  struct nsw_cell c;
  cell(state, index, &c);
  return nsw_nb101_macs(&c, macro);
}

static void keys(const void *state, uint32_t first, uint32_t end, uint8_t *keys) {
  nsw_nb101_hash((const uint32_t *)state + first, end - first, keys);
}

static void id(const void *state, const uint8_t *keys, uint32_t index, char *id) {
  static const char digits[] = "0123456789abcdef";
  const uint8_t *key = keys + (size_t)index * NSW_NB101_KEY_SIZE;
  (void)state;
  for (int i = 0; i < NSW_NB101_KEY_SIZE; i++) {
    id[2 * i] = digits[key[i] >> 4];
    id[2 * i + 1] = digits[key[i] & 15];
  }
  id[2 * NSW_NB101_KEY_SIZE] = 0;
}

/* Reads 32 hexadecimal digits; false where the text is anything else. */
static bool read_key(const char *text, uint8_t key[NSW_NB101_KEY_SIZE]) {
  if (strspn(text, "0123456789abcdefABCDEF") != 2 * NSW_NB101_KEY_SIZE || text[2 * NSW_NB101_KEY_SIZE]) return false;
  for (int i = 0; i < 2 * NSW_NB101_KEY_SIZE; i++) {
    int c = tolower((unsigned char)text[i]), digit = c <= '9' ? c - '0' : c - 'a' + 10;
    key[i / 2] = (uint8_t)(i % 2 ? key[i / 2] << 4 | digit : digit);
  }
  return true;
}

static int find_key(const uint8_t *keys, const uint32_t *by_key, const uint8_t key[NSW_NB101_KEY_SIZE],
                    uint32_t *index) {
  uint32_t low = 0, high = NSW_NB101_COUNT;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    int order = memcmp(keys + (size_t)by_key[middle] * NSW_NB101_KEY_SIZE, key, NSW_NB101_KEY_SIZE);
    if (order == 0) {
      *index = by_key[middle];
      return NSW_OK;
    }
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NSW_USAGE;
}

static int find_graph(const uint32_t *graphs, uint32_t graph, uint32_t *index) {
  uint32_t low = 0, high = NSW_NB101_COUNT;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (graphs[middle] < graph)
      low = middle + 1;
    else
      high = middle;
  }
  *index = low;
  return low < NSW_NB101_COUNT && graphs[low] == graph ? NSW_OK : NSW_USAGE;
}

static int find(const void *state, const uint8_t *keys, const uint32_t *by_key, const char *text, uint32_t *index,
                struct nsw_error *err) {
  uint8_t key[NSW_NB101_KEY_SIZE];
  char quoted[NSW_QUOTE_SIZE];
  if (read_key(text, key)) {
    if (!keys) return nsw_fail(err, "nb101: %s: the hashes have not been made yet", text);
    return find_key(keys, by_key, key, index) ? nsw_usage(err, "nb101: no architecture has the hash %s", text) : NSW_OK;
  }
  if (!strchr(text, '|'))
    return nsw_usage(err, "nb101: '%s' is no index, no hash of 32 hexadecimal digits and no 'adjacency ops'",
                     nsw_quote(quoted, text));
  uint32_t graph;
  int status = nsw_nb101_parse(text, &graph, err);
  if (status) return status;
  /* The table has every class, so a cell that was accepted is in it. */
  if (find_graph(state, nsw_nb101_canonical(graph), index))
    return nsw_fail(err, "nb101: '%s' has no class in the table", nsw_quote(quoted, text));
  return NSW_OK;
}

const struct nsw_space_kind nsw_nb101 = {
    .name = "nb101",
    .long_name = "NAS-Bench-101",
    .source = "Ying et al., NAS-Bench-101, ICML 2019; order: its enumeration, first graph of every module hash",
    .count = NSW_NB101_COUNT,
    .id_size = 2 * NSW_NB101_KEY_SIZE,
    .key_size = NSW_NB101_KEY_SIZE,
    .ops_on_vertices = true,
    .macro = {.classes = 10, .resolution = 32, .channels = 128, .cells = 3},
    .open = open_nb101,
    .close = free,
    .cell = cell,
    .class_of = class_of,
    .params = params,
    .macs = macs,
    .keys = keys,
    .id = id,
    .find = find,
};
