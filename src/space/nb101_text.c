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

/* ---- other spellings ---- */

enum { TOKENS = ROWS * ROWS + ROWS, SPELLED = (ROWS + 1) * ROWS + ROWS * 20 };

/* What a text in brackets has in it, whatever the brackets, commas, blanks and quotes between. */
struct words {
  char digit[TOKENS]; /* '0'..'9', and 'i', 'o' for the labels -1 and -2 of the generator */
  int digits;
  int label[ROWS]; /* of operations by name */
  int labels;
};

/* Python's names around the values. */
static bool is_filler(const char *word, size_t length) {
  static const char *const known[] = {"array",
                                      "np",
                                      "numpy",
                                      "dtype",
                                      "int8",
                                      "int32",
                                      "int64",
                                      "uint8",
                                      "bool",
                                      "matrix",
                                      "ops",
                                      "adjacency",
                                      "labels",
                                      "operations",
                                      "ModelSpec",
                                      "module_adjacency",
                                      "module_operations",
                                      "module_ops"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strlen(known[i]) == length && !memcmp(known[i], word, length)) return true;
  return false;
}

static int bad_word(const char *at, struct nsw_error *err) {
  char quoted[NSW_QUOTE_SIZE];
  return nsw_usage(err, "'%s' is no part of a cell in any of the spellings that are read", nsw_quote(quoted, at));
}

/* Takes the token at *text. */
static int take_word(const char **text, struct words *w, struct nsw_error *err) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  static const char inside[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  const char *at = *text;
  if (strchr(letters, *at)) {
    size_t length = strspn(at, inside);
    int label = label_of(at, length);
    *text += length;
    if (is_filler(at, length)) return NSW_OK;
    if (label == -3 || w->labels == ROWS) return bad_word(at, err);
    w->label[w->labels++] = label;
    return NSW_OK;
  }
  if (*at == '-' && (at[1] == '1' || at[1] == '2') && w->digits < TOKENS) {
    w->digit[w->digits++] = at[1] == '1' ? 'i' : 'o';
    *text += 2;
    return NSW_OK;
  }
  size_t length = strspn(at, "0123456789");
  if (!length || w->digits + (int)length > TOKENS) return bad_word(at, err);
  for (size_t i = 0; i < length; i++) w->digit[w->digits++] = at[i];
  *text += length;
  if (**text == '.') *text += 1 + strspn(*text + 1, "0"); /* NumPy's 0. and 1. */
  return NSW_OK;
}

/* Labels written as numbers behind the matrix: NASLib's codes, or the generator's labels between -1 and -2. */
static void number_labels(struct words *w, int vertices) {
  static const int codes[5] = {-1, -2, 2, 1, 0}; /* input, output, maxpool3x3, conv1x1, conv3x3 */
  const char *from = w->digit + vertices * vertices;
  for (int v = 0; v < vertices; v++) {
    int code = from[v] - '0';
    w->label[v] = from[v] == 'i' ? -1 : from[v] == 'o' ? -2 : from[0] == 'i' ? code : code < 5 ? codes[code] : -3;
  }
  w->labels = vertices;
  w->digits = vertices * vertices;
}

/* A cell in brackets, or in digits alone, as rows joined by '|' and operations joined by ','. */
static int respell(const char *text, char out[SPELLED], struct nsw_error *err) {
  static const char *const names[5] = {"output", "input", "conv3x3", "conv1x1", "maxpool3x3"}; /* label + 2 */
  struct words w = {.digits = 0};
  for (text += strspn(text, "[](){},:;|='\"\\ \t\r\n"); *text; text += strspn(text, "[](){},:;|='\"\\ \t\r\n")) {
    int status = take_word(&text, &w, err);
    if (status) return status;
  }
  int n = w.labels;
  if (!n)
    for (n = 2; n < ROWS && n * n + n < w.digits; n++) continue;
  if (!w.labels && n * n + n == w.digits) number_labels(&w, n);
  if (w.labels != n || n < 2 || w.digits != n * n)
    return nsw_usage(err, "%d numbers and %d operations are no cell: n x n of 0 and 1, and n operations, are", w.digits,
                     w.labels);
  for (int v = 0; v < n; v++) {
    if (v) *out++ = '|';
    memcpy(out, w.digit + v * n, (size_t)n);
    out += n;
  }
  for (int v = 0; v < n; v++) {
    if (w.label[v] < -2 || w.label[v] > 2) return nsw_usage(err, "operation %d of %d is none of the space", v + 1, n);
    *out++ = v ? ',' : ' ';
    out = stpcpy(out, names[w.label[v] + 2]);
  }
  return NSW_OK;
}

/* Whether the text is our own form: rows of 0 and 1 joined by '|', a blank, then operations. */
static bool is_barred(const char *text) { return strchr(text, '|') && !strpbrk(text, "[({'\""); }

int nsw_nb101_parse(const char *text, uint32_t *graph, struct nsw_error *err) {
  char quoted[NSW_QUOTE_SIZE], spelled[SPELLED];
  int status = is_barred(text) ? NSW_OK : respell(text, spelled, err);
  if (!status) status = parse(is_barred(text) ? text : spelled, graph, err);
  return status ? nsw_error_prefix(err, status, "nb101: '%s'", nsw_quote(quoted, text)) : NSW_OK;
}
