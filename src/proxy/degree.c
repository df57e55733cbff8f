/* The average degree of NASGraph (Huang et al., arXiv 2405.01306), as its released program computes it.
 *
 * The cell is put into a thin network without normalisation. Its layers ("blocks": convolutions with the ReLU behind
 * them, pools, identities; `none` too) become groups of graph nodes, one a channel. A block is fed with ones in one
 * input channel and zeros in the others, for each of the channels in turn, once for every block that precedes it:
 * channel i of the preceding block and channel j of this one are joined where output channel j is not all zero. Nodes
 * that nothing joins are not in the graph. The score is 2 E / V.
 *
 * With standard normal weights a convolution joins (i, j) where, at some pixel, the taps that lie inside the image sum
 * to more than zero. That depends on the weights alone, so no network is run, and a convolution's joins are kept: they
 * serve all architectures that have the same one (same place, kernel and channels). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "base/random.h"
#include "proxy/table.h"
#include "space/nb101.h"

enum { STACKS = 3, IMAGE_CHANNELS = 3, PARENTS = NSW_MAX_EDGES, TABLE = 4096 };

enum { OPTION_CHANNELS, OPTION_CELLS, OPTIONS };
static const struct nsw_proxy_option options[] = {
    [OPTION_CHANNELS] = {"channels", "16", "channels of the first stack of the thin network"},
    [OPTION_CELLS] = {"cells", "1", "cells of a stack"},
    [OPTIONS] = {0}};

/* A convolution's place in the network and its shape: what its weights depend on. */
struct place {
  int stack, cell; /* cell -1: the stem, and what stands before a stack */
  int slot;        /* which convolution there */
  int kernel, stride, cin, cout;
  int side; /* of its input, pixels */
};

/* Which channels a convolution joins. */
struct joins {
  struct joins *next;
  uint64_t key;
  uint64_t count; /* pairs (i, j) */
  uint8_t *from;  /* [cin] some output channel is joined to it */
  uint8_t *to;    /* [cout] */
};

/* A block of the graph. */
struct block {
  int channels;
  uint8_t *joined; /* [channels] whether the node is in the graph */
};

struct degree {
  const struct nsw_context *context;
  int channels, cells;
  struct joins *table[TABLE]; /* by key, of one seed */
  uint64_t seed;
  bool seeded;
  float *weights; /* [4 channels][4 channels][9] */
  struct block *block;
  int blocks;
  uint8_t *pool; /* of the blocks' joined[] */
  size_t used;
  uint64_t edges;
};

/* ---- what a convolution joins ---- */

/* Ranges of taps inside the image, first | last << 4, one for each kind of output row; returns how many. */
static int tap_ranges(const struct place *p, int range[4]) {
  int pad = (p->kernel - 1) / 2, n = 0;
  for (int h = 0; h * p->stride < p->side; h++) {
    int top = h * p->stride - pad, first = top < 0 ? -top : 0, last = p->kernel - 1;
    if (top + last >= p->side) last = p->side - 1 - top;
    int code = first | last << 4, known = 0;
    while (known < n && range[known] != code) known++;
    if (known == n) range[n++] = code;
  }
  return n;
}

/* Whether some output pixel is positive where the input channel is one everywhere. w[kernel][kernel]. */
static bool joins_pair(const float *w, int kernel, const int *range, int ranges) {
  for (int r = 0; r < ranges; r++)
    for (int c = 0; c < ranges; c++) {
      float sum = 0;
      for (int y = range[r] & 15; y <= range[r] >> 4; y++)
        for (int x = range[c] & 15; x <= range[c] >> 4; x++) sum += w[y * kernel + x];
      if (sum > 0) return true;
    }
  return false;
}

static void fill_joins(struct degree *s, const struct place *p, struct joins *j) {
  size_t taps = (size_t)(p->kernel * p->kernel);
  struct nsw_stream stream = {.seed = s->seed, .which = j->key, .purpose = NSW_FOR_GRAPH};
  int range[4], ranges = tap_ranges(p, range);
  nsw_random_normal(stream, 1, 0, s->weights, (size_t)p->cout * (size_t)p->cin * taps);
  for (int o = 0; o < p->cout; o++)
    for (int i = 0; i < p->cin; i++)
      if (joins_pair(s->weights + ((size_t)o * (size_t)p->cin + (size_t)i) * taps, p->kernel, range, ranges)) {
        j->from[i] = j->to[o] = 1;
        j->count++;
      }
}

static void forget_joins(struct degree *s) {
  for (int k = 0; k < TABLE; k++)
    while (s->table[k]) {
      struct joins *j = s->table[k];
      s->table[k] = j->next;
      free(j);
    }
}

/* The joins of a convolution with the weights of the seed; NULL for lack of memory. The side follows from the stack. */
static const struct joins *find_joins(struct degree *s, const struct place *p) {
  uint64_t key = (uint64_t)p->stack | (uint64_t)(p->cell + 1) << 2 | (uint64_t)p->slot << 10 |
                 (uint64_t)p->kernel << 16 | (uint64_t)p->stride << 20 | (uint64_t)p->cin << 24 |
                 (uint64_t)p->cout << 40;
  struct joins **bucket = &s->table[key * UINT64_C(0x9E3779B97F4A7C15) >> 52];
  for (struct joins *j = *bucket; j; j = j->next)
    if (j->key == key) return j;
  struct joins *j = calloc(1, sizeof *j + (size_t)p->cin + (size_t)p->cout);
  if (!j) return NULL;
  j->key = key;
  j->from = (uint8_t *)(j + 1);
  j->to = j->from + p->cin;
  fill_joins(s, p, j);
  j->next = *bucket;
  return *bucket = j;
}

/* ---- the graph ---- */

/* The blocks that precede one: all that end in a vertex. */
struct ends {
  int block[PARENTS];
  int count;
};

static int add_block(struct degree *s, int channels) {
  struct block *b = &s->block[s->blocks];
  *b = (struct block){.channels = channels, .joined = s->pool + s->used};
  memset(b->joined, 0, (size_t)channels);
  s->used += (size_t)channels;
  return s->blocks++;
}

/* Joins every channel of a block to the same one of another, from channel `shift` on, as far as both go. */
static void join_alike(struct degree *s, int from, int to, int shift) {
  struct block *a = &s->block[from], *b = &s->block[to];
  int n = a->channels < b->channels - shift ? a->channels : b->channels - shift;
  for (int i = 0; i < n; i++) a->joined[i] = b->joined[i + shift] = 1;
  s->edges += (uint64_t)n;
}

/* A pool or identity behind all of `before`. */
static int add_alike(struct degree *s, const struct ends *before, int channels) {
  int block = add_block(s, channels);
  for (int k = 0; k < before->count; k++) join_alike(s, before->block[k], block, 0);
  return block;
}

/* A convolution behind all of `before`, whose channels beyond cin it does not see; -1 for lack of memory. */
static int add_conv(struct degree *s, const struct ends *before, const struct place *p) {
  int block = add_block(s, p->cout);
  const struct joins *j = find_joins(s, p);
  if (!j) return -1;
  for (int k = 0; k < before->count; k++) {
    struct block *parent = &s->block[before->block[k]];
    for (int i = 0; i < p->cin; i++) parent->joined[i] |= j->from[i];
    s->edges += j->count;
  }
  for (int o = 0; o < p->cout && before->count; o++) s->block[block].joined[o] |= j->to[o];
  return block;
}

static struct ends one_end(int block) { return (struct ends){.block = {block}, .count = 1}; }

/* ---- nb201: a block an operation, read by all that read its vertex ---- */

static bool add_cell_on_edges(struct degree *s, const struct nsw_cell *cell, struct place at, struct ends *io) {
  struct ends of[NSW_MAX_VERTICES] = {*io};
  bool ok = true;
  at.stride = 1;
  at.cin = at.cout;
  for (int v = 1, e = 0; v < cell->vertices; v++)
    for (int from = 0; from < v; from++, e++) {
      int op = cell->edge_op[e], block;
      at.slot = e;
      at.kernel = op == NSW_OP_CONV3 ? 3 : 1;
      if (op == NSW_OP_NONE)
        block = add_block(s, at.cout); /* read as any other, though nothing comes out of it */
      else if (op == NSW_OP_CONV1 || op == NSW_OP_CONV3)
        block = add_conv(s, &of[from], &at);
      else
        block = add_alike(s, &of[from], at.cout);
      ok = ok && block >= 0;
      of[v].block[of[v].count++] = block;
    }
  *io = of[cell->vertices - 1];
  return ok;
}

/* The residual block before a stack: two convolutions, and a convolution behind a 2x2 pool. */
static bool add_residual(struct degree *s, struct place at, struct ends *io) {
  at.cell = -1;
  at.kernel = 3;
  at.stride = 2;
  at.slot = 0;
  int a = add_conv(s, io, &at);
  struct ends behind = one_end(a);
  struct place second = at, shortcut = at;
  second.slot = 1;
  second.stride = 1;
  second.cin = at.cout;
  second.side = (at.side + 1) / 2;
  int b = a < 0 ? -1 : add_conv(s, &behind, &second);
  shortcut.slot = 2;
  shortcut.kernel = shortcut.stride = 1;
  int c = add_conv(s, io, &shortcut);
  *io = (struct ends){.block = {c, b}, .count = 2};
  return a >= 0 && b >= 0 && c >= 0;
}

static bool build_on_edges(struct degree *s, const struct nsw_cell *cell, struct ends io, int side) {
  struct place at = {.cout = s->channels, .side = side};
  for (int stack = 0; stack < STACKS; stack++) {
    at.stack = stack;
    if (stack) {
      at.cin = at.cout;
      at.cout *= 2;
      if (!add_residual(s, at, &io)) return false;
      at.side = (at.side + 1) / 2;
    }
    for (at.cell = 0; at.cell < s->cells; at.cell++)
      if (!add_cell_on_edges(s, cell, at, &io)) return false;
  }
  add_alike(s, &io, at.cout); /* where the last normalisation was */
  return true;
}

/* ---- nb101: a block a vertex and a projection, then one for the concatenation and one for the cell's output ---- */

static bool add_cell_on_vertices(struct degree *s, const struct nsw_cell *cell, struct place at, struct ends *io) {
  int channels[NSW_MAX_VERTICES], projection[NSW_MAX_VERTICES], vertex[NSW_MAX_VERTICES];
  int last = cell->vertices - 1, shift = 0;
  bool ok = true;
  struct place p = at;
  nsw_nb101_channels(cell, at.cin, at.cout, channels);
  p.stride = 1;
  for (int v = 1; v <= last && ok; v++) {
    projection[v] = -1;
    if (!(cell->edges >> nsw_edge(0, v) & 1)) continue;
    p.slot = v;
    p.kernel = 1;
    p.cout = channels[v];
    projection[v] = add_conv(s, io, &p);
    ok = projection[v] >= 0;
  }
  for (int v = 1; v < last && ok; v++) {
    struct ends before = {.count = 0};
    if (projection[v] >= 0) before.block[before.count++] = projection[v];
    for (int from = 1; from < v; from++)
      if (cell->edges >> nsw_edge(from, v) & 1) before.block[before.count++] = vertex[from];
    p.slot = NSW_MAX_VERTICES + v;
    p.kernel = cell->vertex_op[v] == NSW_OP_CONV3 ? 3 : 1;
    p.cin = p.cout = channels[v];
    vertex[v] = cell->vertex_op[v] == NSW_OP_MAXPOOL3 ? add_alike(s, &before, channels[v]) : add_conv(s, &before, &p);
    ok = vertex[v] >= 0;
  }
  if (!ok) return false;
  int concat = add_block(s, at.cout), output = add_block(s, at.cout);
  for (int v = 1; v < last; v++)
    if (cell->edges >> nsw_edge(v, last) & 1) {
      join_alike(s, vertex[v], concat, shift);
      shift += channels[v];
    }
  if (projection[last] >= 0) join_alike(s, projection[last], output, 0);
  join_alike(s, concat, output, 0); /* also where nothing is concatenated */
  *io = one_end(output);
  return true;
}

static bool build_on_vertices(struct degree *s, const struct nsw_cell *cell, struct ends io, int side) {
  struct place at = {.cin = s->channels, .cout = s->channels, .side = side};
  for (int stack = 0; stack < STACKS; stack++) {
    at.stack = stack;
    if (stack) {
      io = one_end(add_alike(s, &io, at.cin)); /* the maximum pool */
      at.cout *= 2;
      at.side /= 2;
    }
    for (at.cell = 0; at.cell < s->cells; at.cell++, at.cin = at.cout)
      if (!add_cell_on_vertices(s, cell, at, &io)) return false;
  }
  return true;
}

/* ---- the score ---- */

/* 2 E / V of an architecture; negative for lack of memory. */
static double average_degree(struct degree *s, uint32_t index) {
  struct nsw_cell cell;
  int side = s->context->macro.resolution;
  s->blocks = 0;
  s->used = 0;
  s->edges = 0;
  nsw_space_cell(s->context->space, index, &cell);
  struct ends io = one_end(add_block(s, IMAGE_CHANNELS));
  struct place stem = {
      .cell = -1, .slot = 3, .kernel = 3, .stride = 1, .cin = IMAGE_CHANNELS, .cout = s->channels, .side = side};
  io = one_end(add_conv(s, &io, &stem));
  if (io.block[0] < 0) return -1;
  bool on_vertices = nsw_space_kind(s->context->space)->ops_on_vertices;
  if (!(on_vertices ? build_on_vertices : build_on_edges)(s, &cell, io, side)) return -1;
  size_t nodes = 0;
  for (size_t i = 0; i < s->used; i++) nodes += s->pool[i];
  return 2.0 * (double)s->edges / (double)nodes;
}

static int score_degree(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                        struct nsw_error *err) {
  struct degree *s = state;
  if (!s->seeded || s->seed != seed) forget_joins(s);
  s->seed = seed;
  s->seeded = true;
  for (size_t i = 0; i < n; i++) {
    values[i] = average_degree(s, members[i]);
    if (values[i] < 0) return nsw_fail(err, "avg_degree: out of memory");
    status[i] = NSW_ROW_SCORED;
  }
  return NSW_OK;
}

/* ---- the evaluator ---- */

static void close_degree(void *state) {
  struct degree *s = state;
  if (!s) return;
  forget_joins(s);
  free(s->weights);
  free(s->block);
  free(s->pool);
  free(s);
}

static int read_option(const char *const *values, int option, int high, int *number, struct nsw_error *err) {
  char *end, quoted[NSW_QUOTE_SIZE];
  long n = strtol(values[option], &end, 10);
  if (end == values[option] || *end || n < 1 || n > high)
    return nsw_usage(err, "avg_degree.%s=%s: wanted a whole number from 1 to %d", options[option].key,
                     nsw_quote(quoted, values[option]), high);
  *number = (int)n;
  return NSW_OK;
}

static int open_degree(const struct nsw_context *context, const char *const *values, void **state,
                       struct nsw_error *err) {
  struct degree *s = calloc(1, sizeof *s);
  if (!s) return nsw_fail(err, "avg_degree: out of memory");
  s->context = context;
  int status = read_option(values, OPTION_CHANNELS, 1024, &s->channels, err);
  if (status == NSW_OK) status = read_option(values, OPTION_CELLS, 100, &s->cells, err);
  size_t most = (size_t)s->channels << (STACKS - 1),
         blocks = STACKS * ((size_t)s->cells * 2 * NSW_MAX_VERTICES + 3) + 3;
  if (status == NSW_OK) {
    s->weights = malloc(most * most * 9 * sizeof *s->weights + 27 * sizeof *s->weights);
    s->block = malloc(blocks * sizeof *s->block);
    s->pool = malloc(blocks * (most + IMAGE_CHANNELS));
    if (!s->weights || !s->block || !s->pool) status = nsw_fail(err, "avg_degree: out of memory");
  }
  if (status == NSW_OK)
    *state = s;
  else
    close_degree(s);
  return status;
}

static const struct nsw_proxy_column columns[] = {{"avg_degree", "average degree of NASGraph's graph of channels", +1},
                                                  {0}};

const struct nsw_proxy nsw_proxy_degree = {
    .name = "avg_degree",
    .group = "topology",
    .source =
        "Huang et al., NASGraph, arXiv 2405.01306, as its released program and scripts have it: thin network without "
        "normalisation, standard normal weights, nodes are channels of operations, 2 E / V",
    .note =
        "operations that are `none` are nodes where something reads them, and cells without a path have a value, as in "
        "the released program; the same convolution at the same place has the same weights in all architectures",
    .needs = NSW_NEEDS_TOPOLOGY | NSW_NEEDS_SEED,
    .columns = columns,
    .options = options,
    .open = open_degree,
    .close = close_degree,
    .score = score_degree,
};
