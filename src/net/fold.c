#include "net/fold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EDGES = 6, VERTICES = 4, TEXT = 512 };

/* The cell as it stands: terms are named by edges, 1 + e a convolution, 7 + e a pool. */
struct raw {
  const struct nsw_cell *cell;
  struct nsw_fold_value vertex[VERTICES]; /* value of each vertex */
  int from[EDGES];                        /* source vertex of each edge */
  int live[EDGES], lives;                 /* live convolutions by edge */
};

static int is_conv(int op) { return op == NSW_OP_CONV1 || op == NSW_OP_CONV3; }

static int is_zero(const struct nsw_fold_value *v) {
  static const struct nsw_fold_value zero;
  return !memcmp(v, &zero, sizeof zero);
}

static int same(const struct nsw_fold_value *a, const struct nsw_fold_value *b) { return !memcmp(a, b, sizeof *a); }

/* Pools of equal values are one term: the first such edge names it. */
static int pool_term(const struct raw *r, int edge) {
  for (int e = 0; e < edge; e++)
    if (r->cell->edge_op[e] == NSW_OP_AVGPOOL3 && same(&r->vertex[r->from[e]], &r->vertex[r->from[edge]]))
      return 1 + NSW_FOLD_CONVS + e;
  return 1 + NSW_FOLD_CONVS + edge;
}

static void read_cell(const struct nsw_cell *cell, struct raw *r) {
  memset(r, 0, sizeof *r);
  r->cell = cell;
  r->vertex[0].count[0] = 1;
  for (int to = 1; to < cell->vertices; to++)
    for (int from = 0; from < to; from++) {
      int e = nsw_edge(from, to), op = cell->edge_op[e];
      r->from[e] = from;
      const struct nsw_fold_value *source = &r->vertex[from];
      if (op == NSW_OP_NONE || is_zero(source)) continue;
      if (op == NSW_OP_SKIP)
        for (int t = 0; t < NSW_FOLD_TERMS; t++) r->vertex[to].count[t] += source->count[t];
      else
        r->vertex[to].count[is_conv(op) ? 1 + e : pool_term(r, e)]++;
    }
}

/* Lists the convolutions that a value depends on. */
static void find_live(struct raw *r, const struct nsw_fold_value *value) {
  for (int e = 0; e < EDGES; e++) {
    if (value->count[1 + NSW_FOLD_CONVS + e]) find_live(r, &r->vertex[r->from[e]]);
    if (!value->count[1 + e]) continue;
    int known = 0;
    for (int i = 0; i < r->lives; i++) known |= r->live[i] == e;
    if (known) continue;
    r->live[r->lives++] = e;
    find_live(r, &r->vertex[r->from[e]]);
  }
}

static int by_text(const void *a, const void *b) { return strcmp(a, b); }

/* The value as text: its terms sorted. name[e] is the letter of the convolution on edge e; NULL: the convolution's
 * own expression, which does not depend on any naming. */
static void write_value(const struct raw *r, const struct nsw_fold_value *value, const char *name, char text[TEXT]) {
  char term[16][TEXT / 4];
  int terms = 0;
  for (int t = 0; t < NSW_FOLD_TERMS; t++)
    for (int k = 0; k < value->count[t] && terms < 16; k++) {
      char inner[TEXT] = "";
      int e = t == 0 ? 0 : t <= NSW_FOLD_CONVS ? t - 1 : t - 1 - NSW_FOLD_CONVS;
      if (t > NSW_FOLD_CONVS || (t > 0 && !name)) write_value(r, &r->vertex[r->from[e]], name, inner);
      if (t == 0)
        snprintf(term[terms], sizeof term[terms], "x");
      else if (t > NSW_FOLD_CONVS)
        snprintf(term[terms], sizeof term[terms], "p(%.100s)", inner);
      else if (name)
        snprintf(term[terms], sizeof term[terms], "%c", name[e]);
      else
        snprintf(term[terms], sizeof term[terms], "%c(%.100s)", '0' + r->cell->edge_op[e], inner);
      terms++;
    }
  qsort(term, (size_t)terms, sizeof term[0], by_text);
  size_t n = 0;
  text[0] = 0;
  for (int i = 0; i < terms; i++)
    n += (size_t)snprintf(text + n, n < TEXT ? TEXT - n : 0, "%s%s", i ? "+" : "", term[i]);
}

/* The whole form under one order of the convolutions. */
static void write_form(const struct raw *r, const int *order, char form[TEXT]) {
  char name[EDGES] = {0}, value[TEXT];
  for (int i = 0; i < r->lives; i++) name[order[i]] = (char)('a' + i);
  size_t n = 0;
  for (int i = 0; i <= r->lives; i++) {
    int last = i == r->lives;
    write_value(r, &r->vertex[last ? r->cell->vertices - 1 : r->from[order[i]]], name, value);
    if (last)
      n += (size_t)snprintf(form + n, n < TEXT ? TEXT - n : 0, "=%s", value);
    else
      n += (size_t)snprintf(form + n, n < TEXT ? TEXT - n : 0, "%c%d(%s);", 'a' + i, r->cell->edge_op[order[i]], value);
  }
}

/* Tries every order of convolutions i.. that keeps equal expressions together, and keeps the smallest form. */
static void try_orders(const struct raw *r, int i, int *order, const int *group, int used, int *best,
                       char best_form[TEXT]) {
  if (i == r->lives) {
    char form[TEXT];
    write_form(r, order, form);
    if (!best_form[0] || strcmp(form, best_form) < 0) {
      memcpy(best_form, form, TEXT);
      memcpy(best, order, EDGES * sizeof *best);
    }
    return;
  }
  for (int k = 0; k < r->lives; k++) {
    if (used >> k & 1 || group[k] != group[i]) continue;
    order[i] = r->live[k];
    try_orders(r, i + 1, order, group, used | 1 << k, best, best_form);
  }
}

/* A convolution and the expression that only depends on the folded form, to sort by. */
struct named {
  char text[TEXT];
  int edge;
};

static int by_name(const void *a, const void *b) {
  const struct named *x = a, *y = b;
  int order = strcmp(x->text, y->text);
  return order ? order : x->edge - y->edge;
}

/* Sorts live convolutions by expression; group[i] is the first place with the same expression. */
static void sort_live(struct raw *r, int group[EDGES]) {
  struct named named[EDGES];
  for (int i = 0; i < r->lives; i++) {
    char inner[TEXT];
    int e = r->live[i];
    write_value(r, &r->vertex[r->from[e]], NULL, inner);
    snprintf(named[i].text, sizeof named[i].text, "%d(%.400s)", r->cell->edge_op[e], inner);
    named[i].edge = e;
  }
  qsort(named, (size_t)r->lives, sizeof named[0], by_name);
  for (int i = 0; i < r->lives; i++) {
    r->live[i] = named[i].edge;
    group[i] = i && !strcmp(named[i].text, named[i - 1].text) ? group[i - 1] : i;
  }
}

/* A pool term of the cell: the edge that names it. */
static void find_pools(const struct raw *r, const struct nsw_fold_value *value, const char *name, struct named *pool,
                       int *pools) {
  for (int e = 0; e < EDGES; e++) {
    if (!value->count[1 + NSW_FOLD_CONVS + e]) continue;
    int known = 0;
    for (int i = 0; i < *pools; i++) known |= pool[i].edge == e;
    if (known) continue;
    pool[*pools].edge = e;
    write_value(r, &r->vertex[r->from[e]], name, pool[*pools].text);
    ++*pools;
    find_pools(r, &r->vertex[r->from[e]], name, pool, pools);
  }
}

/* Shorter first, so that a pool comes after those it reads, whose text is part of its own. */
static int by_length(const void *a, const void *b) {
  const struct named *x = a, *y = b;
  size_t m = strlen(x->text), n = strlen(y->text);
  return m != n ? (m < n ? -1 : 1) : strcmp(x->text, y->text);
}

/* Brings a value from edge names to the fold's names. */
static struct nsw_fold_value rename_value(const struct nsw_fold_value *value, const int *order, int convs,
                                          const struct named *pool, int pools) {
  struct nsw_fold_value renamed = {{value->count[0]}};
  for (int i = 0; i < convs; i++) renamed.count[1 + i] = value->count[1 + order[i]];
  for (int i = 0; i < pools; i++)
    renamed.count[1 + NSW_FOLD_CONVS + i] = value->count[1 + NSW_FOLD_CONVS + pool[i].edge];
  return renamed;
}

/* Writes the form out as numbers, in the names that `order` and the sorted pools give. */
static void fill_fold(const struct raw *r, const int *order, struct nsw_fold *fold) {
  struct named pool[NSW_FOLD_POOLS];
  char name[EDGES] = {0};
  const struct nsw_fold_value *output = &r->vertex[r->cell->vertices - 1];
  for (int i = 0; i < r->lives; i++) name[order[i]] = (char)('a' + i);
  find_pools(r, output, name, pool, &fold->pools);
  for (int i = 0; i < r->lives; i++) find_pools(r, &r->vertex[r->from[order[i]]], name, pool, &fold->pools);
  qsort(pool, (size_t)fold->pools, sizeof pool[0], by_length);
  fold->convs = r->lives;
  for (int i = 0; i < r->lives; i++) {
    fold->op[i] = r->cell->edge_op[order[i]];
    fold->edge[i] = (uint8_t)order[i];
    fold->conv[i] = rename_value(&r->vertex[r->from[order[i]]], order, r->lives, pool, fold->pools);
  }
  for (int i = 0; i < fold->pools; i++)
    fold->pool[i] = rename_value(&r->vertex[r->from[pool[i].edge]], order, r->lives, pool, fold->pools);
  fold->output = rename_value(output, order, r->lives, pool, fold->pools);
}

void nsw_fold_cell(const struct nsw_cell *cell, struct nsw_fold *fold) {
  struct raw r;
  int group[EDGES], order[EDGES] = {0}, best[EDGES] = {0};
  memset(fold, 0, sizeof *fold);
  read_cell(cell, &r);
  find_live(&r, &r.vertex[cell->vertices - 1]);
  sort_live(&r, group);
  try_orders(&r, 0, order, group, 0, best, fold->form);
  fill_fold(&r, best, fold);
}
