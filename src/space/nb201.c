/* NAS-Bench-201 (Dong and Yang, 2020): six edges among four nodes, five operations, 15,625 cells. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/quote.h"
#include "space/cell.h"
#include "space/mt19937.h"
#include "space/nats.h"
#include "space/table.h"

/* A cell's code is a number of six digits to the base five, one an edge, in the official edge order (0->1, 0->2, 1->2,
 * 0->3, 1->3, 2->3), the first the most significant: the order of the benchmark's nested products. */
enum { EDGES = NSW_NATS_EDGES, OPS = 5, COUNT = 15625 };

static const char *const op_names[OPS] = {"none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"};
static const uint8_t op_kinds[OPS] = {NSW_OP_NONE, NSW_OP_SKIP, NSW_OP_CONV1, NSW_OP_CONV3, NSW_OP_AVGPOOL3};
static const int sources[EDGES] = {0, 0, 1, 0, 1, 2};
static const bool ends_node[EDGES] = {true, false, true, false, false, true};

struct nb201 {
  uint16_t code[COUNT];     /* of every index */
  uint16_t index[COUNT];    /* of every code */
  uint16_t class_of[COUNT]; /* of every index */
  uint32_t ops[COUNT]; /* of every index: enum nsw_op of the edges, four bits each, and above them how many are there */
};

static void digits_of(uint32_t code, int digit[EDGES]) {
  for (int e = EDGES; e-- > 0; code /= OPS) digit[e] = (int)(code % OPS);
}

/* ---- classes ----
 * The published 6,466 classes come from texts: the input is "0"; an edge is "#" if its operation is none or its
 * source's whole text is "#", the source's text if it is a skip, and "(source)@op" otherwise; a node is its edges'
 * texts, sorted and joined by "+" ("#" included). Two cells with equal output texts compute the same function. (Sums
 * flattened and zeros dropped throughout would leave 4,930; the benchmark counts 6,466.) One letter stands for an
 * operation's name: a, b, c sort as the names do. */
enum { TEXT_SIZE = 48 }; /* the longest has 35 characters */
struct text {
  char at[TEXT_SIZE];
};

static struct text edge_text(int op, const struct text *source) {
  static const char letters[OPS] = {0, 0, 'b', 'c', 'a'};
  struct text out = {"#"};
  if (op == 0 || !strcmp(source->at, "#")) return out;
  if (op == 1) return *source;
  size_t n = strlen(source->at);
  out.at[0] = '(';
  memcpy(out.at + 1, source->at, n);
  memcpy(out.at + 1 + n, (char[]){')', '@', letters[op], 0}, 4);
  return out;
}

static struct text node_text(struct text *edges, int n) {
  for (int i = 1; i < n; i++)
    for (int j = i; j > 0 && strcmp(edges[j].at, edges[j - 1].at) < 0; j--) {
      struct text t = edges[j];
      edges[j] = edges[j - 1];
      edges[j - 1] = t;
    }
  struct text out = edges[0];
  size_t length = strlen(out.at);
  for (int i = 1; i < n; i++) {
    size_t more = strlen(edges[i].at);
    out.at[length++] = '+';
    memcpy(out.at + length, edges[i].at, more + 1);
    length += more;
  }
  return out;
}

static struct text cell_text(uint32_t code) {
  int op[EDGES];
  digits_of(code, op);
  struct text node[4] = {{"0"}}, in[3];
  for (int e = 0, n = 0, to = 1; e < EDGES; e++) {
    in[n++] = edge_text(op[e], &node[sources[e]]);
    if (ends_node[e]) node[to++] = node_text(in, n), n = 0;
  }
  return node[3];
}

/* Fills class_of by a table of the texts seen so far (open addressing). */
static int make_classes(struct nb201 *s, struct nsw_error *err) {
  enum { SLOTS = 1 << 15 };
  struct text *texts = malloc(COUNT * sizeof *texts);
  uint16_t *slots = malloc(SLOTS * sizeof *slots);
  if (!texts || !slots) {
    free(texts);
    free(slots);
    return nsw_no_memory(err, "the cells of nb201");
  }
  memset(slots, 0xff, SLOTS * sizeof *slots);
  for (uint32_t i = 0; i < COUNT; i++) {
    texts[i] = cell_text(s->code[i]);
    uint32_t h = nsw_hash_text(texts[i].at);
    h ^= h >> 15;
    while (slots[h % SLOTS] != UINT16_MAX && strcmp(texts[slots[h % SLOTS]].at, texts[i].at)) h++;
    if (slots[h % SLOTS] == UINT16_MAX) slots[h % SLOTS] = (uint16_t)i;
    s->class_of[i] = slots[h % SLOTS];
  }
  free(texts);
  free(slots);
  return NSW_OK;
}

/* ---- the kind's functions ---- */

static int open_nb201(void **state, struct nsw_error *err) {
  struct nb201 *s = malloc(sizeof *s);
  if (!s) return nsw_no_memory(err, "the cells of nb201");
  for (uint32_t i = 0; i < COUNT; i++) s->code[i] = (uint16_t)i;
  struct nsw_mt19937 mt;
  nsw_mt19937_seed(&mt, 88);
  nsw_mt19937_shuffle(&mt, s->code, COUNT);
  for (uint32_t i = 0; i < COUNT; i++) {
    int digit[EDGES];
    s->index[s->code[i]] = (uint16_t)i;
    digits_of(s->code[i], digit);
    s->ops[i] = 0;
    for (int e = 0; e < EDGES; e++) s->ops[i] += (uint32_t)op_kinds[digit[e]] << 4 * e | (uint32_t)(digit[e] > 0) << 24;
  }
  int status = make_classes(s, err);
  if (status) {
    free(s);
    return status;
  }
  *state = s;
  return NSW_OK;
}

static void cell(const void *state, uint32_t index, struct nsw_cell *cell) {
  const struct nb201 *s = state;
  int digit[EDGES];
  digits_of(s->code[index], digit);
  *cell = (struct nsw_cell){.vertices = 4, .vertex_op = {NSW_OP_INPUT, NSW_OP_SUM, NSW_OP_SUM, NSW_OP_OUTPUT}};
  for (int e = 0; e < EDGES; e++) {
    cell->edge_op[e] = op_kinds[digit[e]];
    cell->edges |= (uint32_t)(digit[e] != 0) << e;
  }
}

static uint32_t class_of(const void *state, uint32_t index) { return ((const struct nb201 *)state)->class_of[index]; }

static void graph(const void *state, uint32_t index, struct nsw_graph *graph) {
  uint32_t ops = ((const struct nb201 *)state)->ops[index];
  if (!graph->shape) nsw_graph_copy(graph, &nsw_nats_cell);
  for (int e = 0; e < EDGES; e++) graph->node[nsw_nats_edge_node[e]].op = ops >> 4 * e & 15;
  graph->edges = (uint8_t)(ops >> 24);
}

#define EDGE_NAMES(edge) \
  edge ".none", edge ".skip_connect", edge ".nor_conv_1x1", edge ".nor_conv_3x3", edge ".avg_pool_3x3"

static const char *const supernet_names[EDGES * OPS] = {EDGE_NAMES("0->1"), EDGE_NAMES("0->2"), EDGE_NAMES("1->2"),
                                                        EDGE_NAMES("0->3"), EDGE_NAMES("1->3"), EDGE_NAMES("2->3")};

/* All operations on all edges; an operation's place, and so the keys of its weights, is the coefficient's number. */
static void supernet(const struct nsw_macro *macro, float scale, struct nsw_arch *arch) {
  int c = macro->channels;
  nsw_nats_describe("nb201", macro, (const int[]){c, 2 * c, 2 * c, 4 * c, 4 * c}, arch);
  struct nsw_graph *g = &arch->graph[NSW_NATS_CELL];
  struct nsw_node sum = {.op = NSW_OP_SUM};
  uint8_t vertex[EDGES] = {0};
  *g = (struct nsw_graph){.names = supernet_names, .nodes = 1, .edges = EDGES, .node = {{.op = NSW_OP_INPUT}}};
  for (int e = 0, to = 1; e < EDGES; e++) {
    for (int op = 1; op < OPS; op++) {
      struct nsw_node node = {.op = op_kinds[op],
                              .around = NSW_RELU_FIRST | NSW_NORM,
                              .place = (uint8_t)(e * OPS + op),
                              .inputs = 1,
                              .input = {vertex[sources[e]]},
                              .scale = scale,
                              .coefficient = (uint8_t)(e * OPS + op)};
      sum.input[sum.inputs++] = (uint8_t)nsw_graph_add(g, node);
    }
    if (!ends_node[e]) continue;
    vertex[to++] = (uint8_t)nsw_graph_add(g, sum);
    sum.inputs = 0;
  }
}

/* Members of a class that folds to the same cell share its weights (arch/fold.h). */
static void describe(const void *state, uint32_t index, const struct nsw_macro *macro, struct nsw_arch *arch) {
  int c = macro->channels;
  nsw_nats_describe("nb201", macro, (const int[]){c, 2 * c, 2 * c, 4 * c, 4 * c}, arch);
  arch->fold = true;
  arch->graph[NSW_NATS_CELL].shape = 0;
  graph(state, index, &arch->graph[NSW_NATS_CELL]);
}

static void id(const void *state, const uint8_t *key, uint32_t index, char *id) {
  (void)key;
  int digit[EDGES];
  digits_of(((const struct nb201 *)state)->code[index], digit);
  for (int e = 0; e < EDGES; e++) {
    size_t n = strlen(op_names[digit[e]]);
    if (e > 0 && ends_node[e - 1]) *id++ = '+';
    if (e == 0 || ends_node[e - 1]) *id++ = '|';
    memcpy(id, op_names[digit[e]], n);
    id += n;
    *id++ = '~';
    *id++ = (char)('0' + sources[e]);
    *id++ = '|';
  }
  *id = 0;
}

/* Goes past `word` at *text; false where it is not there. */
static bool take(const char **text, const char *word) {
  size_t n = strlen(word);
  if (strncmp(*text, word, n)) return false;
  *text += n;
  return true;
}

/* The digit of an operation's name at *at, which moves past it; -1 where there is none. */
static int take_name(const char **at) {
  for (int op = 0; op < OPS; op++)
    if (take(at, op_names[op])) return op;
  return -1;
}

/* A cell in brackets: six numbers as NASLib has them (edges 0-1, 0-2, 0-3, 1-2, 1-3, 2-3; 0 skip_connect, 1 none, 2
 * conv 3x3, 3 conv 1x1, 4 pool), or pairs of operation and source node in the official order, as the benchmark's API
 * gives them. False where it is neither. */
static bool read_brackets(const char *text, uint32_t *code) {
  static const int naslib_ops[5] = {1, 0, 3, 2, 4}, naslib_edge[EDGES] = {0, 1, 3, 2, 4, 5};
  int number[2 * EDGES], op[EDGES], numbers = 0, ops = 0;
  const char *at = text;
  for (at += strspn(at, "[](){},'\"\\ \t"); *at; at += strspn(at, "[](){},'\"\\ \t")) {
    int name = take_name(&at);
    if (name >= 0 ? ops == EDGES || ops != numbers : numbers == EDGES || *at < '0' || *at > '4') return false;
    if (name >= 0)
      op[ops++] = name;
    else
      number[numbers++] = *at++ - '0';
    if (name < 0 && ((*at >= '0' && *at <= '9') || *at == '.')) return false;
  }
  if (numbers != EDGES || (ops && ops != EDGES)) return false;
  *code = 0;
  for (int e = 0; e < EDGES; e++) {
    if (ops && number[e] != sources[e]) return false;
    *code = *code * OPS + (uint32_t)(ops ? op[e] : naslib_ops[number[naslib_edge[e]]]);
  }
  return true;
}

static int find(const void *state, const uint8_t *keys, const uint32_t *by_key, const char *text, uint32_t *index,
                struct nsw_error *err) {
  (void)keys, (void)by_key;
  char quoted[NSW_QUOTE_SIZE];
  const char *at = text;
  uint32_t code = 0;
  if (*text != '|') {
    if (!read_brackets(text, &code))
      return nsw_usage(
          err,
          "nb201: '%s' is no architecture: an index, the official string |op~0|+|op~0|op~1|+|op~0|op~1|op~2| "
          "(operations none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3), its pairs of operation "
          "and source in brackets, or NASLib's six numbers from 0 to 4, (4, 0, 3, 1, 4, 3), are",
          nsw_quote(quoted, text));
    *index = ((const struct nb201 *)state)->index[code];
    return NSW_OK;
  }
  for (int e = 0; e < EDGES; e++) {
    bool ok = (e == 0 || !ends_node[e - 1] || take(&at, "+")) && (e > 0 && !ends_node[e - 1] ? true : take(&at, "|"));
    if (!ok)
      return nsw_usage(err, "nb201: '%s': expected '%s|' at character %td", nsw_quote(quoted, text), e ? "+" : "",
                       at - text + 1);
    int op = 0;
    while (op < OPS && !take(&at, op_names[op])) op++;
    if (op == OPS)
      return nsw_usage(err, "nb201: '%s': no operation of this space at character %td (edge %d of 6)",
                       nsw_quote(quoted, text), at - text + 1, e + 1);
    if (!take(&at, (char[]){'~', (char)('0' + sources[e]), '|', 0}))
      return nsw_usage(err, "nb201: '%s': expected '~%d|' at character %td", nsw_quote(quoted, text), sources[e],
                       at - text + 1);
    code = code * OPS + (uint32_t)op;
  }
  if (*at)
    return nsw_usage(err, "nb201: '%s': text goes on after the end of the cell, at character %td",
                     nsw_quote(quoted, text), at - text + 1);
  *index = ((const struct nb201 *)state)->index[code];
  return NSW_OK;
}

/* A gene is an edge's operation. */
static int gene_choices(int gene) {
  (void)gene;
  return OPS;
}

static void genes_of(const void *state, uint32_t index, uint8_t *genes) {
  int digit[EDGES];
  digits_of(((const struct nb201 *)state)->code[index], digit);
  for (int e = 0; e < EDGES; e++) genes[e] = (uint8_t)digit[e];
}

static bool from_genes(const void *state, const uint8_t *genes, uint32_t *index) {
  uint32_t code = 0;
  for (int e = 0; e < EDGES; e++) code = code * OPS + genes[e];
  *index = ((const struct nb201 *)state)->index[code];
  return true;
}

/* NAS-Bench-Suite-Zero's key: a Python tuple of NASLib's numbers of the operations on the edges 0-1, 0-2, 0-3, 1-2,
 * 1-3, 2-3. */
static void suite_zero(const void *state, uint32_t index, char text[NSW_SPACE_TEXT]) {
  static const int order[EDGES] = {0, 1, 3, 2, 4, 5}, numbers[OPS] = {1, 0, 3, 2, 4};
  int digit[EDGES];
  digits_of(((const struct nb201 *)state)->code[index], digit);
  for (int e = 0; e < EDGES; e++) text += sprintf(text, "%s%d", e ? ", " : "(", numbers[digit[order[e]]]);
  strcpy(text, ")");
}

static const struct nsw_space_text texts[] = {{"suite_zero", false, suite_zero}, {0}};

const struct nsw_space_kind nsw_nb201 = {
    .name = "nb201",
    .long_name = "NAS-Bench-201 (NATS-Bench topology space)",
    .source = "Dong and Yang, NAS-Bench-201, ICLR 2020; order: random.seed(88), random.shuffle of the nested products",
    .count = COUNT,
    .id_size = 6 * (12 + 3) + 3 + 2, /* six operations with ~k|, three leading bars, two pluses */
    .cell_alone = true,
    .fewest_channels = 1,
    .macro = {.classes = 10, .resolution = 32, .channels = 16, .cells = 5},
    .open = open_nb201,
    .close = free,
    .cell = cell,
    .texts = texts,
    .class_of = class_of,
    .describe = describe,
    .graph = graph,
    .id = id,
    .find = find,
    .genes = EDGES,
    .gene_choices = gene_choices,
    .genes_of = genes_of,
    .from_genes = from_genes,
    .supernet = supernet,
};
