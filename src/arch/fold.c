#include "arch/fold.h"

#include <stdlib.h>
#include <string.h>

#include "arch/trace.h"

enum { NODES = NSW_FOLD_NODES, OPS = NSW_FOLD_OPS, TEXT = NSW_FOLD_FORM, TERM = 128, TERMS = 16 };

/* A value: how often each term is added. Term 0 is the graph's input, term n what operation node n gives. */
struct value {
  uint8_t count[NODES];
};

/* The graph as it stands. */
struct raw {
  const struct nsw_graph *graph;
  struct value in[NODES];  /* sum of each node's inputs */
  struct value out[NODES]; /* what each node gives */
  int live[OPS], lives;    /* convolutions that the output depends on, by node */
  uint32_t seen;           /* a bit for each node that find_live has been at */
};

static int is_conv(int op) { return op == NSW_OP_CONV1 || op == NSW_OP_CONV3; }
static int is_pool(int op) { return op == NSW_OP_AVGPOOL3 || op == NSW_OP_MAXPOOL3; }
static int op_of(const struct raw *r, int node) { return r->graph->node[node].op; }

static bool is_zero(const struct value *v) {
  static const struct value zero;
  return !memcmp(v, &zero, sizeof zero);
}

static int same(const struct value *a, const struct value *b) { return !memcmp(a, b, sizeof *a); }

/* Whether a node is a convolution that sees nothing but zeros and is in the graph for its normalisation's shift. */
static bool is_shift(const struct raw *r, int node) {
  return is_conv(op_of(r, node)) && is_zero(&r->in[node]) && !is_zero(&r->out[node]);
}

/* Pools of equal values are one term: the first such node names it. */
static int pool_term(const struct raw *r, int node) {
  for (int n = 1; n < node; n++)
    if (op_of(r, n) == op_of(r, node) && same(&r->in[n], &r->in[node])) return n;
  return node;
}

/* trained: with shifts. What they give to a convolution that sees nothing else is nothing, too: at the ReLU before it
 * they are 0 at first, and get no gradient that would change that. */
static void read_graph(const struct nsw_graph *graph, bool trained, struct raw *r) {
  static const struct value zeros;
  uint64_t fed = nsw_graph_fed(graph);
  memset(r, 0, sizeof *r);
  r->graph = graph;
  r->out[0].count[0] = 1;
  for (int n = 1; n < graph->nodes; n++) {
    const struct nsw_node *node = &graph->node[n];
    for (int i = 0; i < node->inputs && node->op != NSW_OP_NONE; i++)
      for (int t = 0; t < NODES; t++) r->in[n].count[t] += r->out[node->input[i]].count[t];
    bool shift = trained && !(fed >> n & 1) && nsw_gives_shift(node);
    if (shift) r->in[n] = zeros;
    if (is_zero(&r->in[n]) && !shift) continue;
    if (is_conv(node->op))
      r->out[n].count[n] = 1;
    else if (is_pool(node->op))
      r->out[n].count[pool_term(r, n)] = 1;
    else
      r->out[n] = r->in[n];
  }
}

/* Lists the convolutions that a value depends on. */
static void find_live(struct raw *r, const struct value *value) {
  for (int n = 1; n < r->graph->nodes; n++) {
    if (!value->count[n] || r->seen >> n & 1) continue;
    r->seen |= 1u << n;
    if (is_conv(op_of(r, n))) r->live[r->lives++] = n;
    find_live(r, &r->in[n]);
  }
}

/* ---- texts: they end where their buffer does, which no cell of a benchmark comes near. Whole spaces are folded at a
 * program's start, where printf would be most of the time. ---- */

/* Puts a character behind what ends at `at`; `end` is the buffer's last byte. Returns the new end, a NUL. */
static char *put(char *at, const char *end, char c) {
  if (at < end) *at++ = c;
  *at = 0;
  return at;
}

static char *put_text(char *at, const char *end, const char *text) {
  while (*text && at < end) *at++ = *text++;
  *at = 0;
  return at;
}

/* An operation and what stands in its brackets: at most `most` characters. */
static char *put_call(const struct raw *r, const struct value *value, const char *name, char op, size_t most, char *at,
                      const char *end);

/* A term as text: see put_value. */
static char *put_term(const struct raw *r, int term, const char *name, char *at, const char *end) {
  int op = term ? op_of(r, term) : NSW_OP_INPUT;
  if (op == NSW_OP_INPUT) return put(at, end, 'x');
  if (is_shift(r, term)) return put(put(at, end, 's'), end, (char)('0' + r->graph->node[term].place));
  if (is_conv(op) && name) return put(at, end, name[term]);
  char letter = is_conv(op) ? (char)('0' + op) : op == NSW_OP_AVGPOOL3 ? 'p' : 'q';
  return put_call(r, &r->in[term], name, letter, 100, at, end);
}

/* The value as text: its terms sorted. name[n] is the letter of the convolution at node n; NULL: the convolution's own
 * expression, which does not depend on any naming. Returns where it ends. */
static char *put_value(const struct raw *r, const struct value *value, const char *name, char *at, const char *end) {
  char term[TERMS][TERM];
  int sorted[TERMS], terms = 0;
  *at = 0;
  for (int t = 0; t < r->graph->nodes; t++)
    for (int k = 0; k < value->count[t] && terms < TERMS; k++) {
      int place = terms;
      put_term(r, t, name, term[terms], term[terms] + TERM - 1);
      for (; place > 0 && strcmp(term[terms], term[sorted[place - 1]]) < 0; place--) sorted[place] = sorted[place - 1];
      sorted[place] = terms++;
    }
  for (int i = 0; i < terms; i++) {
    if (i) at = put(at, end, '+');
    at = put_text(at, end, term[sorted[i]]);
  }
  return at;
}

static char *put_call(const struct raw *r, const struct value *value, const char *name, char op, size_t most, char *at,
                      const char *end) {
  at = put(put(at, end, op), end, '(');
  at = put_value(r, value, name, at, (size_t)(end - at) < most ? end : at + most);
  return put(at, end, ')');
}

static const struct value *output_of(const struct raw *r) { return &r->out[r->graph->nodes - 1]; }

/* The whole form under one order of the convolutions. */
static void write_form(const struct raw *r, const int *order, char form[TEXT]) {
  char name[NODES] = {0}, *at = form;
  const char *end = form + TEXT - 1;
  for (int i = 0; i < r->lives; i++) name[order[i]] = (char)('a' + i);
  for (int i = 0; i < r->lives; i++) {
    at = put(at, end, name[order[i]]);
    at = put_call(r, &r->in[order[i]], name, (char)('0' + op_of(r, order[i])), TEXT, at, end);
    at = put(at, end, ';');
  }
  put_value(r, output_of(r), name, put(at, end, '='), end);
}

/* Tries every order of convolutions i.. that keeps equal expressions together, and keeps the smallest form. */
static void try_orders(const struct raw *r, int i, int *order, const int *group, int used, int *best,
                       char best_form[TEXT]) {
  if (i == r->lives) {
    char form[TEXT];
    write_form(r, order, form);
    if (!best_form[0] || strcmp(form, best_form) < 0) {
      memcpy(best_form, form, TEXT);
      memcpy(best, order, OPS * sizeof *best);
    }
    return;
  }
  for (int k = 0; k < r->lives; k++) {
    if (used >> k & 1 || group[k] != group[i]) continue;
    order[i] = r->live[k];
    try_orders(r, i + 1, order, group, used | 1 << k, best, best_form);
  }
}

/* An operation and the expression that only depends on the folded form, to sort by. */
struct named {
  char text[TEXT];
  int node;
};

static int by_name(const void *a, const void *b) {
  const struct named *x = a, *y = b;
  int order = strcmp(x->text, y->text);
  return order ? order : x->node - y->node;
}

/* Sorts live convolutions by expression; group[i] is the first place with the same expression. */
static void sort_live(struct raw *r, int group[OPS]) {
  struct named named[OPS];
  for (int i = 0; i < r->lives; i++) {
    named[i].node = r->live[i];
    put_call(r, &r->in[r->live[i]], NULL, (char)('0' + op_of(r, r->live[i])), 400, named[i].text,
             named[i].text + TEXT - 1);
  }
  qsort(named, (size_t)r->lives, sizeof named[0], by_name);
  for (int i = 0; i < r->lives; i++) {
    r->live[i] = named[i].node;
    group[i] = i && !strcmp(named[i].text, named[i - 1].text) ? group[i - 1] : i;
  }
}

/* The pools that a value reads: the nodes that name them. */
static void find_pools(const struct raw *r, const struct value *value, const char *name, struct named *pool,
                       int *pools) {
  for (int n = 1; n < r->graph->nodes; n++) {
    if (!value->count[n] || !is_pool(op_of(r, n))) continue;
    int known = 0;
    for (int i = 0; i < *pools; i++) known |= pool[i].node == n;
    if (known) continue;
    pool[*pools].node = n;
    put_value(r, &r->in[n], name, pool[*pools].text, pool[*pools].text + TEXT - 1);
    ++*pools;
    find_pools(r, &r->in[n], name, pool, pools);
  }
}

/* Shorter first, so that a pool comes after those it reads, whose text is part of its own. */
static int by_length(const void *a, const void *b) {
  const struct named *x = a, *y = b;
  size_t m = strlen(x->text), n = strlen(y->text);
  return m != n ? (m < n ? -1 : 1) : strcmp(x->text, y->text);
}

/* The folded graph while it is written. */
struct writer {
  const struct raw *raw;
  struct nsw_fold *fold;
  int term[1 + 2 * OPS], terms; /* terms in the fold's order: the input, convolutions, pools, shifts */
  int node_of[NODES];           /* [term] its node in the folded graph; -1: not there yet */
  struct value value[NODES];    /* sums that are there */
  int sum[NODES], sums;
};

static int write_sum(struct writer *w, const struct value *value);

static int write_term(struct writer *w, int term) {
  if (w->node_of[term] >= 0) return w->node_of[term];
  struct nsw_node node = w->raw->graph->node[term];
  node.inputs = !is_shift(w->raw, term);
  if (node.inputs) node.input[0] = (uint8_t)write_sum(w, &w->raw->in[term]);
  w->node_of[term] = nsw_graph_add(&w->fold->graph, node);
  w->fold->origin[w->node_of[term]] = (uint8_t)term;
  return w->node_of[term];
}

/* The node that gives a value: equal values are one node. The terms come first. */
static int write_sum(struct writer *w, const struct value *value) {
  static const struct value input = {{1}};
  if (same(value, &input)) return 0;
  for (int i = 0; i < w->sums; i++)
    if (same(&w->value[i], value)) return w->sum[i];
  struct nsw_node node = {.op = NSW_OP_SUM};
  for (int i = 0; i < w->terms; i++)
    for (int k = 0; k < value->count[w->term[i]] && node.inputs < NSW_NODE_INPUTS; k++)
      node.input[node.inputs++] = (uint8_t)write_term(w, w->term[i]);
  w->value[w->sums] = *value;
  return w->sum[w->sums++] = nsw_graph_add(&w->fold->graph, node);
}

static void write_graph(const struct raw *r, const int *order, struct nsw_fold *fold) {
  struct writer w = {.raw = r, .fold = fold, .terms = 1};
  struct named pool[OPS];
  char name[NODES] = {0};
  int pools = 0;
  for (int i = 0; i < r->lives; i++) name[order[i]] = (char)('a' + i);
  find_pools(r, output_of(r), name, pool, &pools);
  for (int i = 0; i < r->lives; i++) find_pools(r, &r->in[order[i]], name, pool, &pools);
  qsort(pool, (size_t)pools, sizeof pool[0], by_length);
  for (int i = 0; i < r->lives; i++) w.term[w.terms++] = order[i];
  for (int i = 0; i < pools; i++) w.term[w.terms++] = pool[i].node;
  for (int n = 1; n < r->graph->nodes; n++)
    if (is_shift(r, n)) w.term[w.terms++] = n;
  for (int n = 0; n < NODES; n++) w.node_of[n] = n ? -1 : 0;
  fold->graph.names = r->graph->names;
  if (is_zero(output_of(r))) return;
  nsw_graph_add(&fold->graph, r->graph->node[0]);
  write_sum(&w, output_of(r));
}

bool nsw_fold_takes(const struct nsw_graph *graph) {
  int ops = 0;
  for (int n = 1; n < graph->nodes; n++) {
    int op = graph->node[n].op;
    ops += is_conv(op) || is_pool(op);
    if (op == NSW_OP_CONCAT || op == NSW_OP_PROJECT || op == NSW_OP_AVGPOOL2 || op == NSW_OP_MAXPOOL2) return false;
    if (graph->node[n].scale != 0 || graph->node[n].stride > 1) return false;
  }
  return graph->nodes <= NODES && ops <= OPS;
}

/* Reads a graph, and finds the order of its live convolutions that gives the smallest form. Shifts do not change it, so
 * that all weights keep their keys. */
static void find_form(const struct nsw_graph *graph, bool trained, struct raw *r, int best[OPS], char form[TEXT]) {
  int group[OPS], order[OPS] = {0};
  read_graph(graph, false, r);
  find_live(r, output_of(r));
  sort_live(r, group);
  form[0] = 0;
  try_orders(r, 0, order, group, 0, best, form);
  if (!trained || is_zero(output_of(r))) return;
  int lives = r->lives;
  read_graph(graph, true, r);
  r->lives = lives;
  write_form(r, best, form);
}

void nsw_fold_form(const struct nsw_graph *graph, bool trained, char form[NSW_FOLD_FORM]) {
  struct raw r;
  int best[OPS];
  find_form(graph, trained, &r, best, form);
}

void nsw_fold_graph(const struct nsw_graph *graph, bool trained, struct nsw_fold *fold) {
  struct raw r;
  int best[OPS];
  memset(fold, 0, sizeof *fold);
  find_form(graph, trained, &r, best, fold->form);
  for (int n = 0; n < graph->nodes; n++) fold->slot[n] = (uint8_t)(NSW_FOLD_DEAD + graph->node[n].place);
  for (int i = 0; i < r.lives; i++) fold->slot[best[i]] = (uint8_t)i;
  write_graph(&r, best, fold);
}

void nsw_fold_nothing(const struct nsw_graph *graph, bool trained, struct nsw_fold *fold) {
  uint64_t fed = nsw_graph_fed(graph), live = nsw_graph_live(graph, trained);
  memset(fold, 0, sizeof *fold);
  if (live) fold->graph = *graph;
  for (int n = 0; n < graph->nodes; n++) {
    fold->origin[n] = (uint8_t)n;
    fold->slot[n] = graph->node[n].place;
    if (n && !(live >> n & 1)) fold->graph.node[n] = (struct nsw_node){.op = NSW_OP_NONE};
    if (!(fed >> n & 1) && nsw_gives_shift(&fold->graph.node[n])) fold->graph.node[n].inputs = 0;
  }
}
