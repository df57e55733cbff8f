#include "search/inputs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/rank.h"

/* ---- paths ---- */

enum { SYMBOLS = 6, LONGEST = 5 };

/* Operations that can be on a path, as digits 1.. of its number; 0: none of its own. */
static int symbol_of(int op) {
  switch (op) {
    case NSW_OP_SKIP:
      return 1;
    case NSW_OP_CONV1:
      return 2;
    case NSW_OP_CONV3:
      return 3;
    case NSW_OP_AVGPOOL3:
      return 4;
    case NSW_OP_MAXPOOL3:
      return 5;
    default:
      return 0;
  }
}

enum { PATHS = 7776 }; /* SYMBOLS to the power of LONGEST: every number of at most LONGEST digits */

/* The raw columns of one candidate: a few of thousands are not 0. */
struct row {
  float *value;     /* [raw], 0 but where `column` says */
  uint32_t *column; /* those that are not 0, in the order in which they were met */
  size_t count;
};

static void add(struct row *row, size_t column, float by) {
  if (by == 0) return;
  if (row->value[column] == 0) row->column[row->count++] = (uint32_t)column;
  row->value[column] += by;
}

static void clear(struct row *row) {
  for (size_t i = 0; i < row->count; i++) row->value[row->column[i]] = 0;
  row->count = 0;
}

/* Counts the paths from a node on, in the columns from `first`; number: what lies on the way to it. */
static void count_paths(const struct nsw_graph *cell, int from, int number, struct row *row, size_t first) {
  if (from == cell->nodes - 1) {
    add(row, first + (size_t)number, 1);
    return;
  }
  for (int to = from + 1; to < cell->nodes; to++) {
    const struct nsw_node *node = &cell->node[to];
    int op = symbol_of(node->op), next = op ? number * SYMBOLS + op : number;
    for (int i = 0; i < node->inputs && node->op != NSW_OP_NONE && next < PATHS; i++)
      if (node->input[i] == from) count_paths(cell, to, next, row, first);
  }
}

/* ---- columns ---- */

static size_t word_width(const struct nsw_ground *ground) {
  size_t width = 0;
  for (int g = 0; g < ground->length; g++) width += (size_t)nsw_space_gene_choices(ground->space, g);
  return width;
}

static void word_of(const struct nsw_ground *ground, size_t candidate, struct row *row) {
  size_t first = 0;
  for (int g = 0; g < ground->length; g++) {
    add(row, first + nsw_word(ground, (uint32_t)candidate)[g], 1);
    first += (size_t)nsw_space_gene_choices(ground->space, g);
  }
}

static void paths_of(const struct nsw_ground *ground, size_t candidate, struct row *row, size_t first) {
  struct nsw_graph cell = {.shape = 0};
  int counts[NSW_OPS];
  nsw_space_graph(ground->space, ground->index[candidate], &cell);
  nsw_graph_count_ops(&cell, counts);
  for (int op = 0; op <= NSW_OP_MAXPOOL3; op++) add(row, first + (size_t)op, (float)counts[op]);
  count_paths(&cell, 0, 0, row, first + NSW_OPS);
}

/* Which of the raw columns differ between candidates: their sums and sums of squares tell. */
struct columns {
  size_t raw, kept;
  double *sum, *square; /* [raw]; then sum holds the means */
  double scale;         /* of all columns: to scale each by itself would make much of the rare paths */
  int32_t *place;       /* [raw] column it becomes, -1: constant */
  float *zero;          /* [raw] the first `kept`: what a 0 becomes there */
};

static void row_of(const struct nsw_ground *ground, unsigned kinds, size_t candidate, struct row *row) {
  clear(row);
  if (kinds & NSW_INPUTS_WORD) word_of(ground, candidate, row);
  if (kinds & NSW_INPUTS_PATHS) paths_of(ground, candidate, row, kinds & NSW_INPUTS_WORD ? word_width(ground) : 0);
}

static float scaled(const struct columns *c, size_t column, float value) {
  return (float)((value - c->sum[column]) * c->scale);
}

static void choose_columns(const struct nsw_ground *ground, unsigned kinds, struct columns *c, struct row *row) {
  for (size_t i = 0; i < ground->n; i++) {
    row_of(ground, kinds, i, row);
    for (size_t j = 0; j < row->count; j++) {
      size_t k = row->column[j];
      c->sum[k] += row->value[k];
      c->square[k] += (double)row->value[k] * row->value[k];
    }
  }
  double total = 0;
  for (size_t k = 0; k < c->raw; k++) {
    double n = (double)ground->n, mean = c->sum[k] / n, variance = c->square[k] / n - mean * mean;
    c->place[k] = variance > 1e-9 ? (int32_t)c->kept++ : -1;
    c->sum[k] = mean;
    total += variance;
  }
  if (total > 0) c->scale = sqrt((double)c->kept / total);
  for (size_t k = 0; k < c->raw; k++)
    if (c->place[k] >= 0) c->zero[c->place[k]] = scaled(c, k, 0);
}

static void fill_columns(const struct nsw_ground *ground, unsigned kinds, const struct columns *c, struct row *row,
                         struct nsw_inputs *inputs) {
  for (size_t i = 0; i < ground->n; i++) {
    float *x = inputs->x + i * inputs->width;
    row_of(ground, kinds, i, row);
    memcpy(x, c->zero, c->kept * sizeof *x);
    for (size_t j = 0; j < row->count; j++) {
      size_t k = row->column[j];
      if (c->place[k] >= 0) x[c->place[k]] = scaled(c, k, row->value[k]);
    }
  }
}

/* Inverse of the normal distribution by bisection on erfc: 60 halvings of [-9, 9]. */
static double normal_quantile(double p) {
  double low = -9, high = 9;
  for (int i = 0; i < 60; i++) {
    double middle = (low + high) / 2;
    if (.5 * erfc(-middle / M_SQRT2) < p)
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

int nsw_normal_scores(const double *value, size_t n, double *out, struct nsw_error *err) {
  struct nsw_ranks ranks;
  int status = nsw_ranks_make(value, n, &ranks, err);
  double square = 0;
  for (size_t g = 0; g < ranks.distinct && !status; g++) {
    double rank = (double)nsw_rank_twice(&ranks, (uint32_t)g) / 2, z = normal_quantile((rank - .5) / (double)n);
    for (uint32_t i = ranks.start[g]; i < ranks.start[g + 1]; i++) out[ranks.order[i]] = z;
    square += z * z * (ranks.start[g + 1] - ranks.start[g]);
  }
  double scale = ranks.distinct > 1 ? 1 / sqrt(square / (double)n) : 0;
  for (size_t i = 0; i < n && !status; i++) out[i] *= scale;
  nsw_ranks_free(&ranks);
  return status;
}

/* One score into x[.][width] at a column. */
static int score_column(const double *score, size_t n, float *x, size_t width, size_t column, struct nsw_error *err) {
  double *z = malloc((n + 1) * sizeof *z);
  int status = z ? nsw_normal_scores(score, n, z, err) : nsw_no_memory(err, "a score of %zu", n);
  for (size_t i = 0; i < n && !status; i++) x[i * width + column] = (float)z[i];
  free(z);
  return status;
}

int nsw_inputs_scores(const struct nsw_ground *ground, float **x, struct nsw_error *err) {
  *x = malloc((ground->n * ground->scores + 1) * sizeof **x);
  int status = *x ? NSW_OK : nsw_no_memory(err, "%zu scores", ground->scores);
  for (size_t s = 0; s < ground->scores && !status; s++)
    status = score_column(ground->score[s], ground->n, *x, ground->scores, s, err);
  return status;
}

int nsw_inputs_make(const struct nsw_ground *ground, unsigned kinds, struct nsw_inputs *inputs, struct nsw_error *err) {
  bool cells = nsw_space_kind(ground->space)->cell;
  if (kinds & NSW_INPUTS_PATHS && !cells) kinds = (kinds | NSW_INPUTS_WORD) & ~(unsigned)NSW_INPUTS_PATHS;
  struct columns c = {.raw = (kinds & NSW_INPUTS_WORD ? word_width(ground) : 0) +
                             (kinds & NSW_INPUTS_PATHS ? (size_t)NSW_OPS + PATHS : 0)};
  size_t scores = kinds & NSW_INPUTS_SCORES ? ground->scores : 0;
  *inputs = (struct nsw_inputs){.n = ground->n};
  c.sum = calloc(c.raw + 1, sizeof *c.sum);
  c.square = calloc(c.raw + 1, sizeof *c.square);
  c.place = calloc(c.raw + 1, sizeof *c.place);
  c.zero = calloc(c.raw + 1, sizeof *c.zero);
  struct row row = {calloc(c.raw + 1, sizeof *row.value), calloc(c.raw + 1, sizeof *row.column), 0};
  bool room = c.sum && c.square && c.place && c.zero && row.value && row.column;
  int status = room ? NSW_OK : nsw_no_memory(err, "inputs");
  if (!status) {
    choose_columns(ground, kinds, &c, &row);
    inputs->width = c.kept + scores;
    inputs->x = malloc((inputs->n * inputs->width + 1) * sizeof *inputs->x);
    if (!inputs->x) status = nsw_no_memory(err, "%zu inputs of %zu candidates", inputs->width, inputs->n);
  }
  if (!status) fill_columns(ground, kinds, &c, &row, inputs);
  for (size_t s = 0; s < scores && !status; s++)
    status = score_column(ground->score[s], ground->n, inputs->x, inputs->width, c.kept + s, err);
  free(c.sum);
  free(c.square);
  free(c.place);
  free(c.zero);
  free(row.value);
  free(row.column);
  return status;
}

void nsw_inputs_free(struct nsw_inputs *inputs) {
  free(inputs->x);
  *inputs = (struct nsw_inputs){0};
}
