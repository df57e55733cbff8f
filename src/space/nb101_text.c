#include <string.h>

#include "base/quote.h"
#include "space/nb101.h"

/* Before pruning a cell may have more vertices than the space allows; this many are read. */
enum { ROWS = 32 };

/* A graph as given: out[v] bit w is the edge v->w. */
struct given {
  int vertices;
  uint32_t out[ROWS];
  int8_t label[ROWS]; /* -1 input, -2 output, 0..2 */
};

static const char separators[] = " \t";

/* Reads the rows up to the first blank; *text goes past them. */
static int read_rows(const char **text, struct given *g, struct nsw_error *err) {
  size_t length = strcspn(*text, separators), width = strcspn(*text, "| \t");
  if (width < 2 || width > ROWS)
    return nsw_usage(err, "the adjacency's first row has %zu characters; 2 to %d are read", width, ROWS);
  g->vertices = (int)width;
  if (length != width * (width + 1) - 1)
    return nsw_usage(err, "the adjacency is not %zu rows of %zu characters joined by '|'", width, width);
  memset(g->out, 0, sizeof g->out);
  for (size_t i = 0; i < length; i++) {
    size_t row = i / (width + 1), column = i % (width + 1);
    char c = (*text)[i];
    if (column == width ? c != '|' : c != '0' && c != '1')
      return nsw_usage(err, "row %zu of the adjacency is not %zu characters of 0 and 1", row + 1, width);
    if (c == '1') g->out[row] |= 1u << column;
  }
  *text += length;
  return NSW_OK;
}

/* The label an operation's name stands for, or -3. */
static int label_of(const char *name, size_t length) {
  static const struct {
    const char *name;
    int label;
  } known[] = {{"input", -1},     {"output", -2},
               {"conv3x3", 0},    {"conv3x3-bn-relu", 0},
               {"conv1x1", 1},    {"conv1x1-bn-relu", 1},
               {"maxpool3x3", 2}, {"-1", -1},
               {"-2", -2},        {"0", 0},
               {"1", 1},          {"2", 2}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strlen(known[i].name) == length && !memcmp(known[i].name, name, length)) return known[i].label;
  return -3;
}

static int read_ops(const char *text, struct given *g, struct nsw_error *err) {
  char quoted[NSW_QUOTE_SIZE];
  for (int v = 0; v < g->vertices; v++) {
    size_t length = strcspn(text, ", \t");
    int label = label_of(text, length);
    if (label == -3)
      return nsw_usage(err, "operation %d of %d, '%s', is none of input, output, conv3x3, conv1x1, maxpool3x3", v + 1,
                       g->vertices, nsw_quote(quoted, text));
    if ((label == -1) != (v == 0) || (label == -2) != (v == g->vertices - 1))
      return nsw_usage(err, "operation %d of %d: the first is the input, the last the output, and no other", v + 1,
                       g->vertices);
    g->label[v] = (int8_t)label;
    text += length;
    if (v < g->vertices - 1 && *text++ != ',')
      return nsw_usage(err, "%d operations for %d vertices", v + 1, g->vertices);
  }
  text += strspn(text, separators);
  if (*text) return nsw_usage(err, "text goes on after operation %d: '%s'", g->vertices, nsw_quote(quoted, text));
  return NSW_OK;
}

/* Writes the vertices in an order that keeps edges forward, stable; false if there is a cycle. */
static bool sort_vertices(const struct given *g, int order[ROWS]) {
  uint32_t left = g->vertices == 32 ? UINT32_MAX : (1u << g->vertices) - 1;
  for (int n = 0; left; n++) {
    uint32_t targets = 0;
    for (int v = 0; v < g->vertices; v++)
      if (left >> v & 1) targets |= g->out[v];
    uint32_t ready = left & ~targets;
    if (!ready) return false;
    order[n] = __builtin_ctz(ready);
    left &= ~(1u << order[n]);
  }
  return true;
}

/* The vertices on a path from the first to the last, or 0 where there is no path. */
static uint32_t on_path(const struct given *g, const int order[ROWS]) {
  uint32_t from_input = 1, to_output = 1u << (g->vertices - 1);
  for (int i = 0; i < g->vertices; i++)
    if (from_input >> order[i] & 1) from_input |= g->out[order[i]];
  for (int i = g->vertices - 1; i >= 0; i--)
    if (g->out[order[i]] & to_output) to_output |= 1u << order[i];
  uint32_t both = from_input & to_output;
  return both & 1 ? both : 0;
}

/* Numbers the kept vertices in the sorted order and packs them. */
static int pack(const struct given *g, const int order[ROWS], uint32_t keep, uint32_t *graph, struct nsw_error *err) {
  int kept[ROWS], n = 0, edges = 0;
  for (int i = 0; i < g->vertices; i++)
    if (keep >> order[i] & 1) kept[n++] = order[i];
  for (int i = 0; i < n; i++) edges += __builtin_popcount(g->out[kept[i]] & keep);
  if (n > NSW_MAX_VERTICES)
    return nsw_usage(err, "%d vertices lie on paths from input to output; the space has at most %d", n,
                     NSW_MAX_VERTICES);
  if (edges > NSW_NB101_MAX_EDGES)
    return nsw_usage(err, "%d edges lie on paths from input to output; the space has at most %d", edges,
                     NSW_NB101_MAX_EDGES);
  uint32_t bits = 0, labels = 0;
  for (int y = 1; y < n; y++) {
    if (y < n - 1) labels = labels * 3 + (uint32_t)g->label[kept[y]];
    for (int x = 0; x < y; x++) bits |= (g->out[kept[x]] >> kept[y] & 1) << nsw_edge(x, y);
  }
  *graph = nsw_nb101_pack(n, bits, labels);
  return NSW_OK;
}

static int parse(const char *text, uint32_t *graph, struct nsw_error *err) {
  struct given g;
  int order[ROWS], status;
  text += strspn(text, separators);
  if ((status = read_rows(&text, &g, err))) return status;
  text += strspn(text, separators);
  if (!*text) return nsw_usage(err, "the operations are missing after the adjacency");
  if ((status = read_ops(text, &g, err))) return status;
  if (!sort_vertices(&g, order)) return nsw_usage(err, "the edges form a cycle");
  uint32_t keep = on_path(&g, order);
  if (!keep) return nsw_usage(err, "no path leads from input to output");
  return pack(&g, order, keep, graph, err);
}

int nsw_nb101_parse(const char *text, uint32_t *graph, struct nsw_error *err) {
  char quoted[NSW_QUOTE_SIZE];
  int status = parse(text, graph, err);
  return status ? nsw_error_prefix(err, status, "nb101: '%s'", nsw_quote(quoted, text)) : NSW_OK;
}
