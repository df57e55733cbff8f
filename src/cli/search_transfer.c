/* A score for one space from a network fitted to another. */
#include "cli/search_transfer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "search/gcn.h"
#include "study/correlation.h"
#include "study/kendall.h"
#include "truth/truth.h"

int nsw_search_find_transfer(struct nsw_search_job *job, struct nsw_table *const *tables, size_t count,
                             struct nsw_error *err) {
  const char *text = nsw_args_text(job->args, "transfer");
  char name[64], quoted[NSW_QUOTE_SIZE];
  struct nsw_search_transfer *t = &job->transfer;
  if (!text) return NSW_OK;
  const char *colon = strchr(text, ':');
  snprintf(name, sizeof name, "%.*s", colon ? (int)(colon - text) : (int)strlen(text), text);
  for (size_t i = 0; i < count; i++)
    if (!strcmp(tables[i]->space, name)) t->table = tables[i];
  if (!t->table)
    return nsw_usage(err,
                     "--transfer %s: none of the operands is of that space; name it beside the one to search, as in "
                     "`nasweep search nb101 nb201 --transfer nb101`",
                     nsw_quote(quoted, text));
  if (count < 2) return nsw_usage(err, "--transfer %s: no other space to search", name);
  if (colon) return nsw_search_column("transfer", colon + 1, t->table, &t->column, err);
  for (size_t a = 0; a < t->table->accuracies; a++) {
    const struct nsw_accuracy *one = &t->table->accuracy[a];
    if (!nsw_truth_is_accuracy(one)) continue;
    if (!t->column || nsw_accuracy_epochs(one) > nsw_accuracy_epochs(t->column)) t->column = one;
  }
  return t->column ? NSW_OK : nsw_fail(err, "--transfer %s: there are no accuracies of it to fit to", name);
}

/* The ground of a table's rows with a value in the column; all rows where it is NULL. */
static int ground_of(const struct nsw_table *table, const struct nsw_accuracy *column, const struct nsw_space *space,
                     struct nsw_ground *ground, struct nsw_error *err) {
  *ground = (struct nsw_ground){.space = space};
  ground->index = malloc((table->rows + 1) * sizeof *ground->index);
  ground->look = malloc((table->rows + 1) * sizeof *ground->look);
  if (!ground->index || !ground->look) return nsw_no_memory(err, "%zu rows", table->rows);
  for (size_t i = 0; i < table->rows; i++) {
    if (column && !isfinite(column->value[i])) continue;
    ground->index[ground->n] = table->index[i];
    ground->look[ground->n++] = column ? column->value[i] : 0;
  }
  return nsw_ground_finish(ground, err);
}

/* Fits on this rank. */
static int fit(const struct nsw_search_job *job, const struct nsw_table *table, const struct nsw_space *space,
               double *value, struct nsw_error *err) {
  static const struct nsw_gcn_plan plan = {
      .layers = 3, .width = 32, .epochs = 12, .batch = 128, .rate = .003f, .decay = .001f};
  const struct nsw_search_transfer *t = &job->transfer;
  struct nsw_space *other = NULL;
  struct nsw_ground from = {0}, to = {0};
  double error = NAN;
  char n[32];
  int status = nsw_space_open(t->table->space, &other, err);
  if (!status) status = ground_of(t->table, t->column, other, &from, err);
  if (!status) status = ground_of(table, NULL, space, &to, err);
  if (!status) status = nsw_gcn_transfer(&from, &to, &plan, (size_t)t->sample, job->search.seed, value, &error, err);
  if (!status)
    fprintf(stderr, "%s: score gcn:%s from a network fitted to %s of %s's %s/%s (mean square error %.3f of 1)\n",
            table->space, t->table->space, nsw_grouped(t->sample && t->sample < from.n ? t->sample : from.n, n),
            t->table->space, t->column->dataset, t->column->split, error);
  nsw_ground_free(&from);
  nsw_ground_free(&to);
  nsw_space_close(&other);
  return status;
}

int nsw_search_add_transfer(const struct nsw_search_job *job, const struct nsw_table *table,
                            const struct nsw_space *space, struct nsw_columns *columns, struct nsw_error *err) {
  char name[64];
  struct nsw_column *column;
  const struct nsw_share *share = &job->search.share;
  snprintf(name, sizeof name, "gcn:%.40s", job->transfer.table->space);
  int status = nsw_columns_add(columns, name, &column, err);
  if (!status) {
    column->asked = true;
    memset(column->value, 0, table->rows * sizeof *column->value);
    if (share->rank == 0) status = fit(job, table, space, column->value, err);
  }
  status = nsw_share_agree(share, status, err);
  if (!status && share->sum) status = share->sum(column->value, table->rows, share->state, err);
  return status;
}

/* Spearman and Kendall of two columns over the rows that both have. */
static int compare(const struct nsw_table *table, const double *a, const double *b, double *spearman, double *kendall,
                   struct nsw_error *err) {
  double *x = malloc((2 * table->rows + 1) * sizeof *x), *y = x + table->rows;
  struct nsw_ranks rx = {0}, ry = {0};
  struct nsw_kendall tau = {.tau_b = NAN};
  size_t n = 0;
  int status = x ? NSW_OK : nsw_no_memory(err, "%zu rows", table->rows);
  for (size_t i = 0; x && i < table->rows; i++)
    if (isfinite(b[i])) x[n] = a[i], y[n++] = b[i];
  if (!status) status = nsw_ranks_make(x, n, &rx, err);
  if (!status) status = nsw_ranks_make(y, n, &ry, err);
  if (!status) status = nsw_kendall(&rx, &ry, &tau, err);
  if (!status) *spearman = nsw_spearman(&rx, &ry), *kendall = tau.tau_b;
  nsw_ranks_free(&rx);
  nsw_ranks_free(&ry);
  free(x);
  return status;
}

int nsw_search_judge_transfer(struct nsw_search_job *job, const struct nsw_table *table,
                              const struct nsw_search_columns *use, const struct nsw_column *column,
                              const struct nsw_search_title *title, struct nsw_error *err) {
  for (size_t c = 0; c < 1 + use->reports; c++) {
    const struct nsw_accuracy *accuracy = c ? use->report[c - 1] : use->look;
    struct nsw_model_line *line = nsw_rows_add(&job->outcomes.models, sizeof *line, err);
    if (!line) return NSW_FAILED;
    line->title = *title;
    line->spearman_deviation = line->kendall_deviation = NAN;
    snprintf(line->column, sizeof line->column, "%s/%s", accuracy->dataset, accuracy->split);
    int status = compare(table, column->value, accuracy->value, &line->spearman, &line->kendall, err);
    if (status) return status;
  }
  return NSW_OK;
}
