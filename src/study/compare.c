#include "study/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/correlation.h"
#include "study/kendall.h"
#include "study/pvalue.h"

/* Ranks of one shared column over one selection of rows. */
struct shared {
  const double *column; /* which one, by address; NULL: nothing is here */
  uint8_t *taken;       /* [rows] the selection */
  struct nsw_ranks ranks;
};

struct nsw_compare_cache {
  size_t rows;
  double *params, *macs;   /* [rows], as doubles */
  struct shared shared[3]; /* accuracy, params, macs */
  uint8_t *taken;          /* [rows] the present selection */
  double *x, *y, *z;       /* [rows] selected values */
};

int nsw_compare_cache_create(const struct nsw_table *table, struct nsw_compare_cache **cache, struct nsw_error *err) {
  struct nsw_compare_cache *c = calloc(1, sizeof *c);
  size_t rows = table->rows;
  *cache = c;
  if (!c) return nsw_no_memory(err, "%s", table->space);
  c->rows = rows;
  double **wanted[] = {&c->params, &c->macs, &c->x, &c->y, &c->z};
  int missing = !(c->taken = malloc(rows + 1));
  for (int i = 0; i < 3; i++) missing |= !(c->shared[i].taken = malloc(rows + 1));
  for (int i = 0; i < 5; i++) missing |= !(*wanted[i] = malloc((rows + 1) * sizeof **wanted[i]));
  if (missing) {
    nsw_compare_cache_free(cache);
    return nsw_no_memory(err, "%s", table->space);
  }
  for (size_t i = 0; i < rows; i++) {
    c->params[i] = (double)table->params[i];
    c->macs[i] = (double)table->macs[i];
  }
  return NSW_OK;
}

void nsw_compare_cache_free(struct nsw_compare_cache **cache) {
  struct nsw_compare_cache *c = *cache;
  if (!c) return;
  for (int i = 0; i < 3; i++) {
    nsw_ranks_free(&c->shared[i].ranks);
    free(c->shared[i].taken);
  }
  void *owned[] = {c->params, c->macs, c->taken, c->x, c->y, c->z};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
  free(c);
  *cache = NULL;
}

static size_t select_values(const uint8_t *taken, const double *column, size_t rows, double *out) {
  size_t n = 0;
  for (size_t i = 0; i < rows; i++)
    if (taken[i]) out[n++] = column[i];
  return n;
}

/* Ranks of a column over the present selection, made or found. */
static int shared_ranks(struct nsw_compare_cache *c, int which, const double *column, const struct nsw_ranks **ranks,
                        struct nsw_error *err) {
  struct shared *s = &c->shared[which];
  *ranks = &s->ranks;
  if (s->column == column && !memcmp(s->taken, c->taken, c->rows)) return NSW_OK;
  nsw_ranks_free(&s->ranks);
  s->column = NULL;
  size_t n = select_values(c->taken, column, c->rows, c->z);
  int status = nsw_ranks_make(c->z, n, &s->ranks, err);
  if (status) return status;
  memcpy(s->taken, c->taken, c->rows);
  s->column = column;
  return NSW_OK;
}

/* Counts who takes part and who does not, and why. */
static void take(struct nsw_compare_cache *c, const struct nsw_column *column, const double *accuracy,
                 const uint8_t *in, struct nsw_comparison *r) {
  for (size_t i = 0; i < c->rows; i++) {
    c->taken[i] = 0;
    if (!in[i] || column->standing[i] == NSW_ABSENT) continue;
    if (column->standing[i] == NSW_PENDING) {
      r->pending++;
    } else if (column->standing[i] == NSW_BROKEN) {
      r->failed++;
    } else if (isnan(accuracy[i])) {
      r->unknown++;
    } else {
      c->taken[i] = 1;
      r->n++;
      r->no_path += column->standing[i] == NSW_LOWEST;
    }
  }
}

/* Pearson over the rows with finite scores. */
static void pearson(struct nsw_compare_cache *c, const double *accuracy, struct nsw_comparison *r, double *u,
                    double *v) {
  size_t n = 0;
  for (size_t i = 0, k = 0; i < c->rows; i++) {
    if (!c->taken[i]) continue;
    if (isfinite(c->x[k])) {
      u[n] = c->x[k];
      v[n++] = accuracy[i];
    }
    k++;
  }
  r->pearson_n = n;
  r->pearson = nsw_pearson(u, v, n);
  r->pearson_p = nsw_p_of_r(r->pearson, n);
}

static int partials(struct nsw_compare_cache *c, const struct nsw_ranks *rx, const struct nsw_ranks *ry,
                    struct nsw_comparison *r, struct nsw_error *err) {
  const double *by[2] = {c->params, c->macs};
  double *out[2] = {&r->partial_params, &r->partial_macs};
  for (int k = 0; k < 2; k++) {
    const struct nsw_ranks *rz;
    int status = shared_ranks(c, 1 + k, by[k], &rz, err);
    if (status) return status;
    *out[k] = nsw_partial(r->spearman, nsw_spearman(rx, rz), nsw_spearman(ry, rz));
  }
  return NSW_OK;
}

int nsw_share_agree(const struct nsw_share *share, int status, struct nsw_error *err) {
  double failed = status ? 1 : 0;
  if (!share->sum) return status;
  int summed = share->sum(&failed, 1, share->state, !status ? err : NULL);
  if (status || summed != NSW_OK) return status ? status : summed;
  return failed > 0 ? nsw_fail(err, "another rank failed") : NSW_OK;
}

/* All resamples of one pair; each rank does its batches. values[coefficient][batches * L]. */
static int resample(struct nsw_bootstrap *bootstrap, const struct nsw_compare_options *o, double *values,
                    struct nsw_error *err) {
  uint64_t batches = nsw_bootstrap_batches(o->resamples), span = batches * NSW_RESAMPLE_LANES;
  int status = NSW_OK;
  memset(values, 0, NSW_COEFFICIENTS * span * sizeof *values);
  for (uint64_t b = (uint64_t)o->share.rank; b < batches && !status; b += (uint64_t)o->share.size) {
    double lanes[NSW_COEFFICIENTS][NSW_RESAMPLE_LANES];
    status = nsw_bootstrap_batch(bootstrap, o->seed, b, lanes, err);
    for (int k = 0; k < NSW_COEFFICIENTS; k++)
      memcpy(values + k * span + b * NSW_RESAMPLE_LANES, lanes[k], sizeof lanes[k]);
  }
  status = nsw_share_agree(&o->share, status, err);
  if (!status && o->share.sum) status = o->share.sum(values, NSW_COEFFICIENTS * span, o->share.state, err);
  return status;
}

/* Resamples of one pair of columns, for the coefficients of `wanted`; x and y hold the n rows of rx and ry. */
static int intervals(const struct nsw_ranks *rx, const struct nsw_ranks *ry, const double *x, const double *y,
                     unsigned wanted, const struct nsw_compare_options *o, struct nsw_comparison *r,
                     struct nsw_error *err) {
  const double estimate[NSW_COEFFICIENTS] = {r->spearman, r->kendall, r->pearson, r->weighted};
  static const unsigned part[NSW_COEFFICIENTS] = {NSW_WANT_RANKS, NSW_WANT_RANKS, NSW_WANT_PEARSON, NSW_WANT_WEIGHTED};
  uint64_t span = nsw_bootstrap_batches(o->resamples) * NSW_RESAMPLE_LANES;
  double acceleration[NSW_COEFFICIENTS], *values = malloc(NSW_COEFFICIENTS * span * sizeof *values);
  struct nsw_bootstrap *bootstrap = NULL;
  int status = values ? NSW_OK : nsw_no_memory(err, "%llu resamples", (unsigned long long)o->resamples);
  if (!status) status = nsw_bootstrap_create(rx, ry, x, y, wanted, &bootstrap, err);
  status = nsw_share_agree(&o->share, status, err);
  if (!status) status = resample(bootstrap, o, values, err);
  if (!status) status = nsw_jackknife(rx, ry, x, y, wanted, acceleration, err);
  status = nsw_share_agree(&o->share, status, err);
  for (int k = 0; k < NSW_COEFFICIENTS && !status; k++)
    if (wanted & part[k])
      r->interval[k] = nsw_interval(values + k * span, o->resamples, estimate[k], acceleration[k], o->level);
  r->has_intervals = !status;
  nsw_bootstrap_free(&bootstrap);
  free(values);
  return status;
}

/* Pearson alone, over the rows with finite scores: resamples of its own. */
static int finite_intervals(double *x, double *y, size_t n, const struct nsw_compare_options *o,
                            struct nsw_comparison *r, struct nsw_error *err) {
  struct nsw_ranks rx = {0}, ry = {0};
  size_t m = 0;
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(x[i])) continue;
    x[m] = x[i];
    y[m++] = y[i];
  }
  int status = nsw_ranks_make(x, m, &rx, err);
  if (!status) status = nsw_ranks_make(y, m, &ry, err);
  status = nsw_share_agree(&o->share, status, err);
  if (!status) status = intervals(&rx, &ry, x, y, NSW_WANT_PEARSON, o, r, err);
  nsw_ranks_free(&rx);
  nsw_ranks_free(&ry);
  return status;
}

/* All intervals of one pair; x and y are overwritten. */
static int all_intervals(const struct nsw_ranks *rx, const struct nsw_ranks *ry, double *x, double *y,
                         const struct nsw_compare_options *o, struct nsw_comparison *r, struct nsw_error *err) {
  bool finite = r->pearson_n == r->n;
  unsigned wanted = NSW_WANT_RANKS | (finite ? NSW_WANT_PEARSON : 0) | (o->weighted_interval ? NSW_WANT_WEIGHTED : 0);
  int status = intervals(rx, ry, x, y, wanted, o, r, err);
  if (!status && !finite && !isnan(r->pearson)) status = finite_intervals(x, y, r->n, o, r, err);
  return status;
}

static const char *why_undefined(const struct nsw_comparison *r, const struct nsw_ranks *rx,
                                 const struct nsw_ranks *ry) {
  if (r->n == 0) return "no common rows";
  if (r->n < 2) return "fewer than two rows";
  if (rx->distinct < 2) return "constant score";
  if (ry->distinct < 2) return "constant accuracy";
  return NULL;
}

int nsw_compare(struct nsw_compare_cache *c, const struct nsw_column *column, const double *accuracy, const uint8_t *in,
                const struct nsw_compare_options *options, struct nsw_comparison *r, struct nsw_error *err) {
  *r = (struct nsw_comparison){.spearman_p = NAN, .partial_params = NAN, .partial_macs = NAN};
  struct nsw_ranks rx = {0};
  const struct nsw_ranks *ry = NULL;
  struct nsw_kendall kendall;
  take(c, column, accuracy, in, r);
  select_values(c->taken, column->value, c->rows, c->x);
  int status = nsw_ranks_make(c->x, r->n, &rx, err);
  if (!status) status = shared_ranks(c, 0, accuracy, &ry, err);
  if (!status) status = nsw_both_taus(&rx, ry, &kendall, &r->weighted, err);
  if (!status) {
    r->undefined = why_undefined(r, &rx, ry);
    r->ties_proxy = nsw_ranks_tied_rows(&rx);
    r->ties_accuracy = nsw_ranks_tied_rows(ry);
    r->spearman = nsw_spearman(&rx, ry);
    r->spearman_p = nsw_p_of_r(r->spearman, r->n);
    r->kendall = kendall.tau_b;
    r->kendall_p = kendall.p;
    status = partials(c, &rx, ry, r, err);
  }
  if (options->resamples) status = nsw_share_agree(&options->share, status, err);
  if (!status) {
    pearson(c, accuracy, r, c->z, c->y);
    if (options->resamples && !r->undefined) {
      select_values(c->taken, accuracy, c->rows, c->y);
      status = all_intervals(&rx, ry, c->x, c->y, options, r, err);
    }
  }
  nsw_ranks_free(&rx);
  return status;
}

/* Ranks of two or three columns over the rows where all have a value: NULL columns are passed over. */
static int joint_ranks(const double *const *columns, int count, const uint8_t *in, size_t rows, struct nsw_ranks *ranks,
                       struct nsw_error *err) {
  double *value = malloc((rows + 1) * sizeof *value);
  if (!value) return nsw_no_memory(err, "comparing %zu rows", rows);
  int status = NSW_OK;
  for (int c = 0; c < count && !status; c++) {
    size_t n = 0;
    if (!columns[c]) continue;
    for (size_t i = 0; i < rows; i++) {
      bool all = in[i];
      for (int k = 0; k < count; k++) all = all && (!columns[k] || !isnan(columns[k][i]));
      if (all) value[n++] = columns[c][i];
    }
    status = nsw_ranks_make(value, n, &ranks[c], err);
  }
  free(value);
  return status;
}

int nsw_agree(const struct nsw_column *a, const struct nsw_column *b, const uint8_t *in, size_t rows,
              struct nsw_agreement *result, struct nsw_error *err) {
  const double *columns[2] = {a->value, b->value};
  struct nsw_ranks ranks[2] = {{0}, {0}};
  struct nsw_kendall kendall = {0};
  *result = (struct nsw_agreement){0, NAN, NAN};
  int status = joint_ranks(columns, 2, in, rows, ranks, err);
  if (!status) status = nsw_kendall(&ranks[0], &ranks[1], &kendall, err);
  if (!status) *result = (struct nsw_agreement){ranks[0].n, nsw_spearman(&ranks[0], &ranks[1]), kendall.tau_b};
  nsw_ranks_free(&ranks[0]);
  nsw_ranks_free(&ranks[1]);
  return status;
}

/* Row by row, the seeds' values as columns of their own. */
static double *one_seed(const struct nsw_column *column, size_t seed, size_t rows) {
  double *value = malloc((rows + 1) * sizeof *value);
  for (size_t i = 0; i < rows && value; i++)
    value[i] = column->standing[i] <= NSW_LOWEST ? column->by_seed[i * column->seeds + seed] : NAN;
  return value;
}

static int add_pair(struct nsw_ranks *ranks, size_t pairs, struct nsw_stability *r, struct nsw_error *err) {
  struct nsw_kendall kendall;
  int status = nsw_kendall(&ranks[0], &ranks[1], &kendall, err);
  if (status) return status;
  double rho = nsw_spearman(&ranks[0], &ranks[1]);
  r->n = ranks[0].n;
  r->spearman_mean += rho / (double)pairs;
  r->kendall_mean += kendall.tau_b / (double)pairs;
  r->spearman_min = fmin(r->spearman_min, rho);
  r->kendall_min = fmin(r->kendall_min, kendall.tau_b);
  return NSW_OK;
}

static int seed_pairs(const struct nsw_column *column, double *const *value, const uint8_t *in, size_t rows,
                      struct nsw_stability *r, struct nsw_error *err) {
  size_t pairs = column->seeds * (column->seeds - 1) / 2;
  int status = NSW_OK;
  for (size_t a = 0; a < column->seeds; a++)
    for (size_t b = 0; b < a && !status; b++) {
      const double *both[2] = {value[a], value[b]};
      struct nsw_ranks ranks[2] = {{0}, {0}};
      status = joint_ranks(both, 2, in, rows, ranks, err);
      if (!status) status = add_pair(ranks, pairs, r, err);
      nsw_ranks_free(&ranks[0]);
      nsw_ranks_free(&ranks[1]);
    }
  return status;
}

static int seed_accuracy(const struct nsw_column *column, double *const *value, const double *accuracy,
                         const uint8_t *in, size_t rows, struct nsw_stability *r, struct nsw_error *err) {
  double sum = 0, square = 0, k = (double)column->seeds;
  int status = NSW_OK;
  for (size_t a = 0; a < column->seeds && !status; a++) {
    const double *both[2] = {value[a], accuracy};
    struct nsw_ranks ranks[2] = {{0}, {0}};
    status = joint_ranks(both, 2, in, rows, ranks, err);
    double rho = !status ? nsw_spearman(&ranks[0], &ranks[1]) : NAN;
    sum += rho;
    square += rho * rho;
    nsw_ranks_free(&ranks[0]);
    nsw_ranks_free(&ranks[1]);
  }
  r->accuracy_mean = sum / k;
  r->accuracy_deviation = sqrt(fmax(0, (square - sum * sum / k) / (k - 1)));
  return status;
}

int nsw_seed_stability(const struct nsw_column *column, const double *accuracy, const uint8_t *in, size_t rows,
                       struct nsw_stability *r, struct nsw_error *err) {
  *r = (struct nsw_stability){
      .seeds = column->seeds, .spearman_min = 1, .kendall_min = 1, .accuracy_mean = NAN, .accuracy_deviation = NAN};
  if (!column->by_seed || column->seeds < 2) return nsw_usage(err, "score %s has one seed", column->name);
  double **value = calloc(column->seeds, sizeof *value);
  int status = value ? NSW_OK : nsw_no_memory(err, "the seeds of %s", column->name);
  for (size_t s = 0; s < column->seeds && !status; s++)
    if (!(value[s] = one_seed(column, s, rows))) status = nsw_no_memory(err, "the seeds of %s", column->name);
  if (!status) status = seed_pairs(column, value, in, rows, r, err);
  if (!status && accuracy) status = seed_accuracy(column, value, accuracy, in, rows, r, err);
  for (size_t s = 0; s < column->seeds && value; s++) free(value[s]);
  free(value);
  return status;
}
