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

#include "arch/trace.h"
#include "base/array.h"
#include "base/quote.h"
#include "base/random.h"
#include "proxy/table.h"

enum { IMAGE_CHANNELS = 3, PARENTS = 32, TABLE = 4096 };

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
  size_t first; /* of its channels in struct degree's joined */
};

struct degree {
  const struct nsw_context *context;
  int channels, cells;
  struct joins *table[TABLE]; /* by key, of one seed */
  uint64_t seed;
  bool seeded;
  float *weights; /* [cout][cin][kernel][kernel] of one convolution */
  size_t weights_room;
  struct block *block;
  size_t blocks, blocks_room;
  uint8_t *joined; /* [channels of all blocks] whether the node is in the graph */
  size_t used, joined_room;
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

static bool fill_joins(struct degree *s, const struct place *p, struct joins *j) {
  size_t taps = (size_t)(p->kernel * p->kernel), weights = (size_t)p->cout * (size_t)p->cin * taps;
  struct nsw_stream stream = {.seed = s->seed, .which = j->key, .purpose = NSW_FOR_GRAPH};
  int range[4], ranges = tap_ranges(p, range);
  if (!NSW_RESERVE(s->weights, s->weights_room, weights)) return false;
  nsw_random_normal(stream, 1, 0, s->weights, weights);
  for (int o = 0; o < p->cout; o++)
    for (int i = 0; i < p->cin; i++)
      if (joins_pair(s->weights + ((size_t)o * (size_t)p->cin + (size_t)i) * taps, p->kernel, range, ranges)) {
        j->from[i] = j->to[o] = 1;
        j->count++;
      }
  return true;
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
  if (!fill_joins(s, p, j)) {
    free(j);
    return NULL;
  }
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
  if (!NSW_RESERVE(s->block, s->blocks_room, s->blocks + 1) ||
      !NSW_RESERVE(s->joined, s->joined_room, s->used + (size_t)channels))
    return -1;
  s->block[s->blocks] = (struct block){.channels = channels, .first = s->used};
  memset(s->joined + s->used, 0, (size_t)channels);
  s->used += (size_t)channels;
  return (int)s->blocks++;
}

/* Joins every channel of a block to the same one of another, from channel `shift` on, as far as both go. */
static void join_alike(struct degree *s, int from, int to, int shift) {
  struct block *a = &s->block[from], *b = &s->block[to];
  int n = a->channels < b->channels - shift ? a->channels : b->channels - shift;
  for (int i = 0; i < n; i++) s->joined[a->first + (size_t)i] = s->joined[b->first + (size_t)(i + shift)] = 1;
  s->edges += (uint64_t)(n > 0 ? n : 0);
}

/* A pool or identity behind all of `before`; -1 for lack of memory. */
static int add_alike(struct degree *s, const struct ends *before, int channels) {
  int block = add_block(s, channels);
  for (int k = 0; k < before->count && block >= 0; k++) join_alike(s, before->block[k], block, 0);
  return block;
}

/* A convolution behind all of `before`, whose channels beyond cin it does not see; -1 for lack of memory. */
static int add_conv(struct degree *s, const struct ends *before, const struct place *p) {
  int block = add_block(s, p->cout);
  const struct joins *j = find_joins(s, p);
  if (!j || block < 0) return -1;
  for (int k = 0; k < before->count; k++) {
    uint8_t *parent = s->joined + s->block[before->block[k]].first;
    for (int i = 0; i < p->cin; i++) parent[i] |= j->from[i];
    s->edges += j->count;
  }
  uint8_t *own = s->joined + s->block[block].first;
  for (int o = 0; o < p->cout && before->count; o++) own[o] |= j->to[o];
  return block;
}

static struct ends one_end(int block) { return (struct ends){.block = {block}, .count = 1}; }

/* The blocks that lie side by side in a concatenation. */
static int add_concat(struct degree *s, const struct ends *before, int channels) {
  int block = add_block(s, channels), shift = 0;
  for (int k = 0; k < before->count && block >= 0; k++) {
    join_alike(s, before->block[k], block, shift);
    shift += s->block[before->block[k]].channels;
  }
  return block;
}

/* Where an instance of a graph stands in the network. */
struct site {
  int stack, cell; /* as in struct place */
  int in, out;     /* channels */
  int side;
};

/* The block of a node behind `before`; -1 for lack of memory. */
static int add_node(struct degree *s, const struct nsw_node *node, const struct nsw_trace *trace,
                    const struct site *site, const struct ends *before) {
  if (node->op == NSW_OP_CONCAT) return add_concat(s, before, trace->makes);
  if (node->op == NSW_OP_NONE)
    return add_block(s, trace->makes); /* read as any other, though nothing comes out of it */
  if (!nsw_op_is_conv(node->op)) return add_alike(s, before, trace->makes);
  struct place place = {.stack = site->stack,
                        .cell = site->cell,
                        .slot = node->thin,
                        .kernel = nsw_op_facts[node->op].kernel,
                        .stride = node->stride ? node->stride : 1,
                        .cin = trace->reads,
                        .cout = trace->makes,
                        .side = trace->from};
  return add_conv(s, before, &place);
}

/* A graph whose input are the ends *io, which become those of its output; false for lack of memory. A sum is no block
 * but the list of those it adds up, one with a normalisation excepted; nor is the average of a residual block's
 * shortcut. */
static bool add_graph(struct degree *s, const struct nsw_graph *graph, struct site *site, struct ends *io) {
  struct ends ends[NSW_MAX_NODES];
  struct nsw_trace trace[NSW_MAX_NODES];
  nsw_graph_trace(graph, site->in, site->out, site->side, trace);
  ends[0] = *io;
  for (int n = 1; n < graph->nodes; n++) {
    const struct nsw_node *node = &graph->node[n];
    bool passes = (node->op == NSW_OP_SUM && !(node->around & NSW_NORM)) || node->op == NSW_OP_AVGPOOL2;
    struct ends before;
    before.count = 0;
    for (int i = 0; i < node->inputs; i++) {
      const struct ends *source = &ends[node->input[i]];
      for (int k = 0; k < source->count && before.count < PARENTS; k++) before.block[before.count++] = source->block[k];
    }
    if (passes) {
      ends[n] = before;
      continue;
    }
    ends[n] = one_end(add_node(s, node, &trace[n], site, &before));
    if (ends[n].block[0] < 0) return false;
  }
  *io = ends[graph->nodes - 1];
  site->side = trace[graph->nodes - 1].side;
  return true;
}

/* ---- the score ---- */

/* 2 E / V of an architecture; negative for lack of memory. */
static double average_degree(struct degree *s, uint32_t index) {
  struct nsw_arch arch;
  struct nsw_macro thin = s->context->macro;
  thin.channels = s->channels;
  thin.cells = s->cells;
  nsw_space_describe(s->context->space, index, &thin, &arch);
  struct site site = {.in = IMAGE_CHANNELS, .side = arch.resolution};
  int cell = 0;
  s->blocks = s->used = 0;
  s->edges = 0;
  struct ends io = one_end(add_block(s, IMAGE_CHANNELS));
  if (io.block[0] < 0) return -1;
  for (int k = 0; k < arch.stages; k++) {
    const struct nsw_stage *stage = &arch.stage[k];
    if (stage->reduction) site.stack++, cell = 0;
    site.out = stage->channels;
    for (int i = 0; i < stage->repeat; i++) {
      site.cell = stage->numbered && !stage->reduction ? cell++ : -1;
      if (!add_graph(s, &arch.graph[stage->graph], &site, &io)) return -1;
      site.in = stage->channels;
    }
  }
  size_t nodes = 0;
  for (size_t i = 0; i < s->used; i++) nodes += s->joined[i];
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
    if (values[i] < 0) return nsw_no_memory(err, "avg_degree");
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
  free(s->joined);
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
  if (!s) return nsw_no_memory(err, "avg_degree");
  s->context = context;
  int status = read_option(values, OPTION_CHANNELS, 1024, &s->channels, err);
  if (!status) status = read_option(values, OPTION_CELLS, 100, &s->cells, err);
  if (!status)
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
