#include "space/nb101.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "space/table.h"

/* The state: graphs[NSW_NB101_COUNT], ascending. */
static int open_nb101(void **state, struct nsw_error *err) {
  uint32_t *graphs = malloc(NSW_NB101_COUNT * sizeof *graphs);
  if (!graphs) return nsw_no_memory(err, "the graphs of nb101");
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

static void graph(const void *state, uint32_t index, struct nsw_graph *graph) {
  nsw_nb101_graph(((const uint32_t *)state)[index], graph);
}

static void describe(const void *state, uint32_t index, const struct nsw_macro *macro, struct nsw_arch *arch) {
  nsw_nb101_describe(((const uint32_t *)state)[index], macro, arch);
}

static void keys(const void *state, uint32_t first, uint32_t end, uint8_t *keys) {
  nsw_nb101_hash((const uint32_t *)state + first, end - first, keys);
}

static void id(const void *state, const uint8_t *key, uint32_t index, char *id) {
  static const char digits[] = "0123456789abcdef";
  (void)state, (void)index;
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
  if (!strpbrk(text, "|[({ ") && (strlen(text) < 12 || strspn(text, "0123456789") != strlen(text)))
    return nsw_usage(
        err,
        "nb101: '%s' is no index, no hash of 32 hexadecimal digits and no cell: 'adjacency ops' with rows "
        "joined by '|' and names by ',', lists as Python or JSON print them, or NASLib's n x n + n numbers",
        nsw_quote(quoted, text));
  uint32_t graph;
  int status = nsw_nb101_parse(text, &graph, err);
  if (status) return status;
  /* The table has every class, so a cell that was accepted is in it. */
  if (find_graph(state, nsw_nb101_canonical(graph), index))
    return nsw_fail(err, "nb101: '%s' has no class in the table", nsw_quote(quoted, text));
  return NSW_OK;
}

/* ---- words: the 21 possible edges of seven vertices, 0 or 1, then the labels of the five inner ones ---- */

enum { GENES = NSW_MAX_EDGES + NSW_MAX_VERTICES - 2, LAST = NSW_MAX_VERTICES - 1 };

static int gene_choices(int gene) { return gene < NSW_MAX_EDGES ? 2 : 3; }

/* A smaller cell's output is vertex 6; the vertices between that it lacks have no edges and the label 0. */
static void genes_of(const void *state, uint32_t index, uint8_t *genes) {
  uint32_t graph = ((const uint32_t *)state)[index], bits = nsw_nb101_bits(graph), labels = nsw_nb101_labels(graph);
  int last = nsw_nb101_vertices(graph) - 1;
  memset(genes, 0, GENES);
  for (int to = 1; to <= last; to++)
    for (int from = 0; from < to; from++)
      if (bits >> nsw_edge(from, to) & 1) genes[nsw_edge(from, to == last ? LAST : to)] = 1;
  for (int v = last - 1; v >= 1; v--, labels /= 3) genes[NSW_MAX_EDGES + v - 1] = (uint8_t)(labels % 3);
}

/* Vertices on a path from input to output. */
static uint32_t on_path(const uint8_t *genes) {
  uint32_t down = 1, up = 1u << LAST;
  for (int to = 1; to <= LAST; to++)
    for (int from = 0; from < to; from++)
      if (genes[nsw_edge(from, to)] && down >> from & 1) down |= 1u << to;
  for (int from = LAST - 1; from >= 0; from--)
    for (int to = from + 1; to <= LAST; to++)
      if (genes[nsw_edge(from, to)] && up >> to & 1) up |= 1u << from;
  return down & up;
}

/* Drops what lies on no path, as the benchmark does, and looks the class of the rest up. */
static bool from_genes(const void *state, const uint8_t *genes, uint32_t *index) {
  uint32_t keep = on_path(genes), bits = 0, labels = 0;
  int place[NSW_MAX_VERTICES], vertices = 0, edges = 0;
  if (!(keep & 1) || !(keep >> LAST & 1)) return false;
  for (int v = 0; v <= LAST; v++)
    if (keep >> v & 1) {
      if (v > 0 && v < LAST) labels = labels * 3 + genes[NSW_MAX_EDGES + v - 1];
      place[v] = vertices++;
    }
  for (int to = 1; to <= LAST; to++)
    for (int from = 0; from < to; from++)
      if (genes[nsw_edge(from, to)] && keep >> from & 1 && keep >> to & 1) {
        bits |= 1u << nsw_edge(place[from], place[to]);
        edges++;
      }
  if (edges > NSW_NB101_MAX_EDGES) return false;
  return find_graph(state, nsw_nb101_canonical(nsw_nb101_pack(vertices, bits, labels)), index) == NSW_OK;
}

/* ---- spellings ---- */

static void vertices_text(const void *state, uint32_t index, char text[NSW_SPACE_TEXT]) {
  sprintf(text, "%d", nsw_nb101_vertices(((const uint32_t *)state)[index]));
}

static void adjacency_text(const void *state, uint32_t index, char text[NSW_SPACE_TEXT]) {
  struct nsw_cell c;
  cell(state, index, &c);
  for (int x = 0; x < c.vertices; x++) {
    if (x) *text++ = '|';
    for (int y = 0; y < c.vertices; y++) *text++ = x < y && c.edges >> nsw_edge(x, y) & 1 ? '1' : '0';
  }
  *text = '\0';
}

static void ops_text(const void *state, uint32_t index, char text[NSW_SPACE_TEXT]) {
  struct nsw_cell c;
  cell(state, index, &c);
  for (int v = 0; v < c.vertices; v++) text += sprintf(text, "%s%s", v ? "," : "", nsw_op_facts[c.vertex_op[v]].name);
}

/* NAS-Bench-Suite-Zero's key: a Python tuple of the matrix, row by row, and NASLib's numbers of the operations. */
static void suite_zero_text(const void *state, uint32_t index, char text[NSW_SPACE_TEXT]) {
  static const int numbers[NSW_OPS] = {
      [NSW_OP_INPUT] = 0, [NSW_OP_OUTPUT] = 1, [NSW_OP_MAXPOOL3] = 2, [NSW_OP_CONV1] = 3, [NSW_OP_CONV3] = 4};
  struct nsw_cell c;
  cell(state, index, &c);
  for (int x = 0; x < c.vertices; x++)
    for (int y = 0; y < c.vertices; y++)
      text += sprintf(text, "%s%d", x + y ? ", " : "(", x < y && c.edges >> nsw_edge(x, y) & 1);
  for (int v = 0; v < c.vertices; v++) text += sprintf(text, ", %d", numbers[c.vertex_op[v]]);
  strcpy(text, ")");
}

static const struct nsw_space_text texts[] = {{"vertices", true, vertices_text},
                                              {"adjacency", false, adjacency_text},
                                              {"ops", false, ops_text},
                                              {"suite_zero", false, suite_zero_text},
                                              {0}};

const struct nsw_space_kind nsw_nb101 = {
    .name = "nb101",
    .long_name = "NAS-Bench-101",
    .source = "Ying et al., NAS-Bench-101, ICML 2019; order: its enumeration, first graph of every module hash",
    .count = NSW_NB101_COUNT,
    .id_size = 2 * NSW_NB101_KEY_SIZE,
    .key_size = NSW_NB101_KEY_SIZE,
    .cell_alone = true,
    .fewest_channels = NSW_MAX_VERTICES - 2, /* one for every vertex that may feed the output */
    .macro = {.classes = 10, .resolution = 32, .channels = 128, .cells = 3},
    .open = open_nb101,
    .close = free,
    .cell = cell,
    .texts = texts,
    .class_of = class_of,
    .describe = describe,
    .graph = graph,
    .keys = keys,
    .id = id,
    .find = find,
    .genes = GENES,
    .gene_choices = gene_choices,
    .genes_of = genes_of,
    .from_genes = from_genes,
};
