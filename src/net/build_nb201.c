/* NAS-Bench-201's network: stem, three stages of cells with residual blocks between, and head (Dong and Yang, 2020).
 * The cells are built from their folded form, so that all members of a unit give the very same program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/fold.h"
#include "net/net.h"

enum { STAGES = 3, EDGES = 6, VERTICES = 4, SLOTS = 64, DEAD_SLOT = 8, BLOCK_SLOT = 16 };

/* What the cells of a network are built from. */
struct plan {
  struct nsw_net *net;
  const struct nsw_cell *cell;
  struct nsw_fold fold;
  int param[EDGES]; /* of the cell at hand: the weight of each edge's convolution */
  int section;      /* running number of cells and residual blocks: part of the keys of weights */
};

static bool is_conv(int op) { return op == NSW_OP_CONV1 || op == NSW_OP_CONV3; }
static int kernel_of(int op) { return op == NSW_OP_CONV3 ? 3 : 1; }

/* Adds convolution weight, gamma and beta; returns the place of the weight. The key is the section and a slot in it:
 * for live convolutions their canonical place, which is what makes a unit's members equal. */
static int add_conv_params(struct plan *p, const char *name, int out, int in, int kernel, int slot) {
  char full[56];
  uint64_t key = ((uint64_t)p->section * SLOTS + (uint64_t)slot) * 4;
  snprintf(full, sizeof full, "%s.conv", name);
  int param = nsw_net_add_param(p->net, full, NSW_PARAM_CONV, out, in, kernel, key);
  snprintf(full, sizeof full, "%s.bn.weight", name);
  nsw_net_add_param(p->net, full, NSW_PARAM_GAMMA, out, 1, 1, key + 1);
  snprintf(full, sizeof full, "%s.bn.bias", name);
  nsw_net_add_param(p->net, full, NSW_PARAM_BETA, out, 1, 1, key + 2);
  return param;
}

/* A convolution followed by its normalisation. */
static int add_conv_norm(struct plan *p, int src, int channels, int kernel, int stride, int param) {
  int y = nsw_net_add_conv(p->net, src, channels, kernel, stride, param);
  nsw_net_add_norm(p->net, y, param + 1, false);
  return y;
}

/* The place of an edge's convolution in the folded form; -1: it is dead. */
static int live_place(const struct plan *p, int edge) {
  for (int i = 0; i < p->fold.convs; i++)
    if (p->fold.edge[i] == edge) return i;
  return -1;
}

/* Parameters of one cell in the benchmark's order. */
static void add_cell_params(struct plan *p, int channels) {
  static const char *const edges[] = {"0->1", "0->2", "1->2", "0->3", "1->3", "2->3"};
  for (int e = 0; e < EDGES; e++) {
    int op = p->cell->edge_op[e], live = live_place(p, e);
    if (!is_conv(op)) continue;
    char name[40];
    snprintf(name, sizeof name, "cells.%d.%s", p->section - 1, edges[e]);
    p->param[e] = add_conv_params(p, name, channels, channels, kernel_of(op), live >= 0 ? live : DEAD_SLOT + e);
  }
}

/* The tensor of a folded value: term[t] are the tensors of its terms. */
static int add_value(struct plan *p, const struct nsw_fold_value *value, const int *term, int channels) {
  int list[NSW_MAX_TERMS], n = 0;
  for (int t = 0; t < NSW_FOLD_TERMS; t++)
    for (int k = 0; k < value->count[t] && n < NSW_MAX_TERMS; k++) list[n++] = term[t];
  if (n == 0) return NSW_NO_TENSOR;
  if (n == 1 && list[0] >= 0) return nsw_net_plain(p->net, list[0]);
  return nsw_net_add_sum(p->net, list, n, channels);
}

/* A value that was made before, or made now: equal values are one tensor. */
struct made {
  struct nsw_fold_value value[NSW_FOLD_TERMS];
  int tensor[NSW_FOLD_TERMS];
  int count;
};

static int value_tensor(struct plan *p, struct made *made, int *term, const struct nsw_fold_value *v, int channels);

/* Makes every term that a value reads and that is not there yet. */
static void make_terms(struct plan *p, struct made *made, int *term, const struct nsw_fold_value *v, int channels) {
  for (int t = 1; t < NSW_FOLD_TERMS; t++) {
    if (!v->count[t] || term[t] >= 0) continue;
    int i = t - 1, q = t - 1 - NSW_FOLD_CONVS;
    int src = value_tensor(p, made, term, i < NSW_FOLD_CONVS ? &p->fold.conv[i] : &p->fold.pool[q], channels);
    if (i < NSW_FOLD_CONVS)
      term[t] = add_conv_norm(p, nsw_net_relu_of(p->net, src), channels, kernel_of(p->fold.op[i]), 1,
                              p->param[p->fold.edge[i]]);
    else
      term[t] = nsw_net_add_pool(p->net, NSW_LAYER_AVGPOOL3, src);
  }
}

static int value_tensor(struct plan *p, struct made *made, int *term, const struct nsw_fold_value *v, int channels) {
  for (int i = 0; i < made->count; i++)
    if (!memcmp(&made->value[i], v, sizeof *v)) return made->tensor[i];
  make_terms(p, made, term, v, channels);
  int tensor = add_value(p, v, term, channels);
  if (made->count < NSW_FOLD_TERMS) {
    made->value[made->count] = *v;
    made->tensor[made->count++] = tensor;
  }
  return tensor;
}

/* A cell as it stands, while its dead branches are made. */
struct branches {
  const int *live;      /* tensors of the folded form's terms */
  int vertex[VERTICES]; /* tensors of the vertices' values; NSW_NO_TENSOR: zero, or not made yet */
  int conv[EDGES];      /* tensors of the edges' convolutions; NSW_NO_TENSOR: not made yet */
};

/* The output of an edge's convolution, which reads src: the live one, or a dead one that is kept. */
static int branch_conv(struct plan *p, struct branches *b, int edge, int src, int channels) {
  int live = live_place(p, edge);
  if (live >= 0) return b->live[1 + live];
  if (b->conv[edge] == NSW_NO_TENSOR) {
    int kernel = kernel_of(p->cell->edge_op[edge]);
    b->conv[edge] = add_conv_norm(p, nsw_net_relu_of(p->net, src), channels, kernel, 1, p->param[edge]);
    if (!p->net->failed) p->net->tensor[b->conv[edge]].kept = true;
  }
  return b->conv[edge];
}

/* A vertex's value; NSW_NO_TENSOR: zero. */
static int vertex_tensor(struct plan *p, struct branches *b, int vertex, int channels) {
  int list[VERTICES], n = 0;
  if (b->vertex[vertex] != NSW_NO_TENSOR) return b->vertex[vertex];
  for (int from = 0; from < vertex; from++) {
    int e = nsw_edge(from, vertex), op = p->cell->edge_op[e];
    int src = op == NSW_OP_NONE ? NSW_NO_TENSOR : vertex_tensor(p, b, from, channels);
    if (src == NSW_NO_TENSOR) continue;
    if (is_conv(op))
      list[n++] = branch_conv(p, b, e, src, channels);
    else
      list[n++] = op == NSW_OP_SKIP ? src : nsw_net_add_pool(p->net, NSW_LAYER_AVGPOOL3, src);
  }
  if (n) b->vertex[vertex] = nsw_net_add_sum(p->net, list, n, channels);
  return b->vertex[vertex];
}

/* The dead convolutions of a cell with input x, but those that see zeros. */
static void add_dead(struct plan *p, int x, const int *live, int channels) {
  struct branches b = {.live = live, .vertex = {x, NSW_NO_TENSOR, NSW_NO_TENSOR, NSW_NO_TENSOR}};
  for (int e = 0; e < EDGES; e++) b.conv[e] = NSW_NO_TENSOR;
  for (int to = 1; to < VERTICES; to++)
    for (int from = 0; from < to; from++) {
      int e = nsw_edge(from, to);
      if (!is_conv(p->cell->edge_op[e]) || live_place(p, e) >= 0) continue;
      int src = vertex_tensor(p, &b, from, channels);
      if (src != NSW_NO_TENSOR) branch_conv(p, &b, e, src, channels);
    }
}

/* One cell: x to its output; NSW_NO_TENSOR where nothing comes out. */
static int add_cell(struct plan *p, int x, int channels) {
  int term[NSW_FOLD_TERMS];
  struct made made = {.count = 0};
  add_cell_params(p, channels);
  p->section++;
  static const struct nsw_fold_value zero;
  if (x == NSW_NO_TENSOR || !memcmp(&p->fold.output, &zero, sizeof zero)) return NSW_NO_TENSOR;
  for (int t = 0; t < NSW_FOLD_TERMS; t++) term[t] = -1;
  term[0] = nsw_net_plain(p->net, x);
  int output = value_tensor(p, &made, term, &p->fold.output, channels);
  if (p->net->keep_dead) add_dead(p, term[0], term, channels);
  return output;
}

/* Residual block to twice the channels at half the size: conv-conv with pre-activation, plus pooled shortcut. */
static int add_block(struct plan *p, int x, int channels) {
  char name[40];
  snprintf(name, sizeof name, "cells.%d.a", p->section - 1);
  int a = add_conv_params(p, name, channels, channels / 2, 3, BLOCK_SLOT);
  snprintf(name, sizeof name, "cells.%d.b", p->section - 1);
  int b = add_conv_params(p, name, channels, channels, 3, BLOCK_SLOT + 1);
  snprintf(name, sizeof name, "cells.%d.shortcut.conv", p->section - 1);
  uint64_t key = ((uint64_t)p->section * SLOTS + BLOCK_SLOT + 2) * 4;
  int shortcut = nsw_net_add_param(p->net, name, NSW_PARAM_CONV, channels, channels / 2, 1, key);
  p->section++;
  if (x == NSW_NO_TENSOR) return x;
  x = nsw_net_plain(p->net, x);
  int ya = add_conv_norm(p, nsw_net_relu_of(p->net, x), channels, 3, 2, a);
  int yb = add_conv_norm(p, nsw_net_relu_of(p->net, nsw_net_plain(p->net, ya)), channels, 3, 1, b);
  int half = nsw_net_add_pool(p->net, NSW_LAYER_AVGPOOL2, x);
  int ys = nsw_net_add_conv(p->net, half, channels, 1, 1, shortcut);
  return nsw_net_add_sum(p->net, (int[]){yb, ys}, 2, channels);
}

/* Last normalisation and ReLU, average and classifier. */
static void add_tail(struct plan *p, int x, int channels) {
  struct nsw_net *net = p->net;
  uint64_t key = (uint64_t)p->section * SLOTS * 4;
  int gamma = nsw_net_add_param(net, "lastact.bn.weight", NSW_PARAM_GAMMA, channels, 1, 1, key);
  nsw_net_add_param(net, "lastact.bn.bias", NSW_PARAM_BETA, channels, 1, 1, key + 1);
  int features = NSW_NO_TENSOR;
  if (x != NSW_NO_TENSOR) {
    features = nsw_net_add_sum(net, &x, 1, channels);
    nsw_net_add_norm(net, features, gamma, true);
  }
  nsw_net_add_head(net, features, channels, key + 4);
  if (!net->failed) net->param[net->head_weight].live = features != NSW_NO_TENSOR;
}

static int build(const struct nsw_space *space, uint32_t index, const struct nsw_macro *macro, struct nsw_net *net,
                 struct nsw_error *err) {
  struct nsw_cell cell;
  nsw_space_cell(space, index, &cell);
  struct plan p = {.net = net, .cell = &cell, .section = 0};
  nsw_fold_cell(&cell, &p.fold);
  static const struct nsw_fold_value zero;
  bool connected = memcmp(&p.fold.output, &zero, sizeof zero) != 0;
  if (macro->resolution % 4)
    return nsw_usage(err, "nb201 halves its images twice: a resolution of %d will not do", macro->resolution);

  int stem = add_conv_params(&p, "stem", macro->channels, 3, 3, 0);
  p.section++;
  int x = connected ? add_conv_norm(&p, 0, macro->channels, 3, 1, stem) : NSW_NO_TENSOR;
  x = nsw_net_add_cell(net, x);
  for (int stage = 0; stage < STAGES; stage++) {
    int channels = macro->channels << stage;
    if (stage > 0) x = nsw_net_add_cell(net, add_block(&p, x, channels));
    for (int i = 0; i < macro->cells; i++) x = nsw_net_add_cell(net, add_cell(&p, x, channels));
  }
  add_tail(&p, x, macro->channels << (STAGES - 1));
  return NSW_OK;
}

/* A form and who has it. */
struct entry {
  uint64_t hash; /* of the form: most comparisons end here */
  uint32_t index;
  char *form; /* points into one pool of texts */
};

static int by_form(const void *a, const void *b) {
  const struct entry *x = a, *y = b;
  if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
  int order = strcmp(x->form, y->form);
  return order ? order : (x->index > y->index) - (x->index < y->index);
}

static uint64_t hash_text(const char *text) {
  uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
  for (; *text; text++) h = (h ^ (uint8_t)*text) * UINT64_C(1099511628211);
  return h;
}

static int units(const struct nsw_space *space, uint32_t *unit, struct nsw_error *err) {
  uint32_t n = nsw_space_count(space);
  struct entry *entry = calloc(n, sizeof *entry);
  for (uint32_t i = 0; entry && i < n; i++) {
    struct nsw_cell cell;
    struct nsw_fold fold;
    nsw_space_cell(space, i, &cell);
    nsw_fold_cell(&cell, &fold);
    entry[i] = (struct entry){.hash = hash_text(fold.form), .index = i, .form = strdup(fold.form)};
    if (!entry[i].form) break;
  }
  bool ok = entry && entry[n - 1].form;
  if (ok) {
    qsort(entry, n, sizeof *entry, by_form);
    for (uint32_t i = 0; i < n; i++) {
      bool first = i == 0 || entry[i].hash != entry[i - 1].hash || strcmp(entry[i].form, entry[i - 1].form);
      unit[entry[i].index] = first ? entry[i].index : unit[entry[i - 1].index];
    }
  }
  for (uint32_t i = 0; entry && i < n; i++) free(entry[i].form);
  free(entry);
  return ok ? NSW_OK : nsw_fail(err, "out of memory for the folded forms of %u cells", (unsigned)n);
}

const struct nsw_net_builder nsw_nb201_builder = {.space = "nb201", .build = build, .units = units};
