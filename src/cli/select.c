#include "cli/select.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/quote.h"
#include "truth/truth.h"

enum { BUDGETS = 64, PAPER_EPOCHS = 20 };

/* Candidates of one score and one accuracy: what is left after limits and gaps. */
struct candidates {
  size_t n;
  uint32_t *row;            /* [n] of the table */
  double *score, *accuracy; /* [n] */
  uint64_t over, left_out;  /* rows beyond the limits; rows without score or accuracy */
};

static int gather(const struct nsw_selection *job, const struct nsw_table *table, const struct nsw_column *column,
                  const double *accuracy, struct candidates *c, struct nsw_error *err) {
  *c = (struct candidates){.row = malloc((table->rows + 1) * sizeof *c->row),
                           .score = malloc((table->rows + 1) * sizeof *c->score),
                           .accuracy = malloc((table->rows + 1) * sizeof *c->accuracy)};
  if (!c->row || !c->score || !c->accuracy) return nsw_no_memory(err, "%zu candidates", table->rows);
  for (size_t i = 0; i < table->rows; i++) {
    if (table->params[i] > job->max_params || table->macs[i] > job->max_macs) {
      c->over++;
    } else if (column->standing[i] > NSW_LOWEST || isnan(accuracy[i])) {
      c->left_out++;
    } else {
      c->row[c->n] = (uint32_t)i;
      c->score[c->n] = column->value[i];
      c->accuracy[c->n++] = accuracy[i];
    }
  }
  return NSW_OK;
}

static void drop(struct candidates *c) {
  free(c->row);
  free(c->score);
  free(c->accuracy);
}

static struct nsw_search_label label_of(const struct nsw_selection *job, const struct nsw_table *table,
                                        const char *proxy, const struct nsw_accuracy *accuracy,
                                        const struct candidates *c) {
  return (struct nsw_search_label){.space = table->space,
                                   .proxy = proxy,
                                   .dataset = accuracy->dataset,
                                   .split = accuracy->split,
                                   .n = c->n,
                                   .over = c->over,
                                   .excluded = c->left_out,
                                   .max_params = job->max_params,
                                   .max_macs = job->max_macs};
}

static int list_row(struct nsw_rows *rows, const struct nsw_table *table, uint32_t row, double score, double accuracy,
                    uint64_t tied, struct nsw_error *err) {
  struct nsw_listed *one = nsw_rows_add(rows, sizeof *one, err);
  if (!one) return NSW_FAILED;
  *one = (struct nsw_listed){.index = table->index[row],
                             .params = table->params[row],
                             .macs = table->macs[row],
                             .score = score,
                             .accuracy = accuracy,
                             .tied = tied};
  snprintf(one->id, sizeof one->id, "%.*s", (int)table->id_size, table->id + row * table->id_size);
  return NSW_OK;
}

/* ---- curves ---- */

/* Top N by score, ties by index, each with how many share its score. */
static int list_top(const struct nsw_selection *job, const struct nsw_table *table, const struct candidates *c,
                    struct nsw_rows *top, struct nsw_error *err) {
  struct nsw_ranks ranks;
  int status = nsw_ranks_make(c->score, c->n, &ranks, err);
  if (status) return status;
  for (size_t g = ranks.distinct; g-- > 0 && top->count < job->show;)
    for (uint32_t i = ranks.start[g]; i < ranks.start[g + 1] && top->count < job->show && !status; i++) {
      uint32_t k = ranks.order[i];
      status = list_row(top, table, c->row[k], c->score[k], c->accuracy[k], ranks.start[g + 1] - ranks.start[g], err);
    }
  nsw_ranks_free(&ranks);
  return status;
}

static double largest(const double *values, size_t n) {
  double best = NAN;
  for (size_t i = 0; i < n; i++) best = fmax(best, values[i]);
  return best;
}

static int add_points(struct nsw_curve *curve, const struct nsw_pick *picks, size_t count, struct nsw_error *err) {
  for (size_t i = 0; i < count; i++) {
    struct nsw_point *point = nsw_rows_add(&curve->points, sizeof *point, err);
    if (!point) return NSW_FAILED;
    *point = (struct nsw_point){.k = picks[i].k,
                                .best = picks[i].best,
                                .regret = curve->best - picks[i].best,
                                .mean = picks[i].mean,
                                .precision = picks[i].precision};
  }
  return NSW_OK;
}

/* The curve of one score; random: the baseline over the same candidates. */
static int add_curve(struct nsw_selection *job, const struct nsw_table *table, const char *proxy,
                     const struct nsw_accuracy *accuracy, const struct candidates *c, bool random,
                     struct nsw_error *err) {
  uint64_t ks[BUDGETS];
  struct nsw_pick picks[BUDGETS];
  size_t count = nsw_budgets(c->n, ks, BUDGETS);
  struct nsw_curve *curve = nsw_rows_add(&job->curves, sizeof *curve, err);
  if (!curve) return NSW_FAILED;
  *curve = (struct nsw_curve){.label = label_of(job, table, proxy, accuracy, c), .best = largest(c->accuracy, c->n)};
  if (!c->n) return NSW_OK;
  int status = random ? nsw_pick_random(c->accuracy, c->n, ks, count, picks, err)
                      : nsw_pick_top(c->score, c->accuracy, c->n, ks, count, picks, err);
  if (!status) status = add_points(curve, picks, count, err);
  return !status && !random ? list_top(job, table, c, &curve->top, err) : status;
}

/* ---- fronts ---- */

static int add_front(struct nsw_selection *job, const struct nsw_table *table, const char *proxy,
                     const struct nsw_accuracy *accuracy, const struct candidates *c, bool by_accuracy,
                     struct nsw_error *err) {
  const char *cost = nsw_args_text(job->args, "pareto");
  const uint64_t *of = strcmp(cost, "macs") ? table->params : table->macs;
  struct nsw_front *front = nsw_rows_add(&job->fronts, sizeof *front, err);
  double *price = malloc((c->n + 1) * sizeof *price);
  uint32_t *best = malloc((c->n + 1) * sizeof *best);
  size_t count = 0;
  int status = front && price && best ? NSW_OK : nsw_no_memory(err, "a front of %zu candidates", c->n);
  for (size_t i = 0; i < c->n && !status; i++) price[i] = (double)of[c->row[i]];
  if (front) *front = (struct nsw_front){.label = label_of(job, table, proxy, accuracy, c), .cost = cost};
  if (!status) status = nsw_pareto(price, by_accuracy ? c->accuracy : c->score, c->n, best, &count, err);
  for (size_t i = 0; i < count && !status; i++)
    status = list_row(&front->front, table, c->row[best[i]], by_accuracy ? NAN : c->score[best[i]],
                      c->accuracy[best[i]], UINT64_MAX, err);
  free(price);
  free(best);
  return status;
}

/* ---- the two-step search ---- */

/* "valid-12ep" and "x-valid-200ep" are validation accuracies; how many epochs, 0 where the name does not tell. */
static bool is_validation(const char *split, unsigned long *epochs) {
  const char *at = strncmp(split, "x-", 2) ? split : split + 2;
  if (strncmp(at, "valid", 5)) return false;
  at += 5;
  *epochs = *at == '-' ? strtoul(at + 1, NULL, 10) : 0;
  return !*at || *at == '-';
}

/* Published tables split CIFAR-10's training set under a name of its own. */
static bool same_data(const char *dataset, const char *reported) {
  size_t n = strlen(reported);
  return !strncmp(dataset, reported, n) && (!dataset[n] || !strcmp(dataset + n, "-valid"));
}

static int named_column(const struct nsw_table *table, const struct nsw_accuracy *report, const char *named,
                        const struct nsw_accuracy **look, struct nsw_error *err) {
  char quoted[NSW_QUOTE_SIZE], full[256];
  for (size_t a = 0; a < table->accuracies; a++) {
    const struct nsw_accuracy *one = &table->accuracy[a];
    snprintf(full, sizeof full, "%s/%s", one->dataset, one->split);
    if (!same_data(one->dataset, report->dataset) || (strcasecmp(one->split, named) && strcasecmp(full, named)))
      continue;
    if (one == report)
      return nsw_usage(err, "--knas-split %s: these accuracies are what is reported; a search must not look at them",
                       nsw_quote(quoted, named));
    *look = one;
  }
  return NSW_OK;
}

int nsw_select_second_step(const struct nsw_table *table, const struct nsw_accuracy *report, const char *named,
                           const struct nsw_accuracy **look, struct nsw_error *err) {
  unsigned long best = 0;
  *look = NULL;
  if (named) return named_column(table, report, named, look, err);
  for (size_t a = 0; a < table->accuracies; a++) {
    const struct nsw_accuracy *one = &table->accuracy[a];
    unsigned long epochs, off;
    if (one == report || !same_data(one->dataset, report->dataset) || !is_validation(one->split, &epochs)) continue;
    off = epochs > PAPER_EPOCHS ? epochs - PAPER_EPOCHS : PAPER_EPOCHS - epochs;
    if (!epochs) off = 1000000; /* last, where the name does not tell */
    if (!*look || off < best) *look = one, best = off;
  }
  return NSW_OK;
}

static int add_two_step(struct nsw_selection *job, const struct nsw_table *table, const char *proxy,
                        const struct nsw_accuracy *report, const struct nsw_accuracy *look, const struct candidates *c,
                        const double *step, uint64_t k, struct nsw_error *err) {
  struct nsw_two_step_line *line = nsw_rows_add(&job->two_steps, sizeof *line, err);
  if (!line) return NSW_FAILED;
  *line = (struct nsw_two_step_line){.label = label_of(job, table, proxy, report, c),
                                     .k = k,
                                     .candidates = job->candidates,
                                     .runs = job->runs,
                                     .seed = job->seed};
  snprintf(line->second_step, sizeof line->second_step, "%s/%s", look->dataset, look->split);
  return nsw_two_step(c->score, step, c->accuracy, c->n, job->candidates, k, job->runs, job->seed, &line->outcome, err);
}

/* With each budget, over candidates that have both accuracies; those without are left out. */
static int two_steps(struct nsw_selection *job, const struct nsw_table *table, const struct nsw_column *column,
                     const struct nsw_accuracy *report, const struct nsw_accuracy *look, struct candidates *c,
                     struct nsw_error *err) {
  double *step = malloc((c->n + 1) * sizeof *step);
  if (!step) return nsw_no_memory(err, "a two-step search");
  size_t n = 0;
  for (size_t i = 0; i < c->n; i++) {
    double v = look->value[c->row[i]];
    if (isnan(v)) continue;
    step[n] = v;
    c->score[n] = c->score[i];
    c->accuracy[n] = c->accuracy[i];
    c->row[n++] = c->row[i];
  }
  c->left_out += c->n - n;
  c->n = n;
  int status = NSW_OK;
  for (size_t b = 0; b < job->budgets.count && !status; b++)
    status =
        add_two_step(job, table, column->name, report, look, c, step, strtoull(job->budgets.item[b], NULL, 10), err);
  free(step);
  return status;
}

/* The search is made where there are validation accuracies to go by; without, it is left out, or an error where it was
 * asked for. */
static int maybe_two_steps(struct nsw_selection *job, const struct nsw_table *table, const struct nsw_column *column,
                           const struct nsw_accuracy *report, struct candidates *c, struct nsw_error *err) {
  const struct nsw_args *args = job->args;
  const char *named = nsw_args_text(args, "knas-split");
  const struct nsw_accuracy *look;
  unsigned long epochs;
  if (is_validation(report->split, &epochs) && !named) return NSW_OK; /* what is looked at is not reported */
  int status = nsw_select_second_step(table, report, named, &look, err);
  if (status) return status;
  if (look) return two_steps(job, table, column, report, look, c, err);
  if (named)
    return nsw_usage(err, "--knas-split %.80s: %s has no such accuracies on %s", named, table->space, report->dataset);
  if (nsw_args_given(args, "knas") || nsw_args_given(args, "knas-proxy"))
    return nsw_fail(err,
                    "%s: no validation accuracies on %s for the second step of the search; import some (valid-12ep, "
                    "x-valid-200ep), or name a column with --knas-split",
                    table->space, report->dataset);
  fprintf(stderr, "%s: %s: no validation accuracies on %s, so the two-step search is left out\n", table->space,
          column->name, report->dataset);
  return NSW_OK;
}

/* ---- all of a space ---- */

/* Everything about one score and one accuracy. */
static int search_with(struct nsw_selection *job, const struct nsw_table *table, const struct nsw_column *column,
                       const struct nsw_accuracy *accuracy, struct nsw_error *err) {
  struct candidates c;
  int status = gather(job, table, column, accuracy->value, &c, err);
  if (!status) status = add_curve(job, table, column->name, accuracy, &c, false, err);
  if (!status && nsw_args_text(job->args, "pareto") && c.n)
    status = add_front(job, table, column->name, accuracy, &c, false, err);
  if (!status && !strcmp(column->name, nsw_args_text(job->args, "knas-proxy")))
    status = maybe_two_steps(job, table, column, accuracy, &c, err);
  drop(&c);
  return status;
}

/* What searches are measured against: chance, and the largest network, over all rows with an accuracy. */
static int baselines(struct nsw_selection *job, const struct nsw_table *table, const struct nsw_columns *columns,
                     const struct nsw_accuracy *accuracy, struct nsw_error *err) {
  struct candidates c = {0};
  uint8_t *standing = calloc(table->rows + 1, 1);
  double *size = malloc((table->rows + 1) * sizeof *size);
  struct nsw_column by_size = {.value = size, .standing = standing};
  int status = standing && size ? NSW_OK : nsw_no_memory(err, "%zu candidates", table->rows);
  for (size_t i = 0; i < table->rows && !status; i++) size[i] = (double)table->params[i];
  if (!status) status = gather(job, table, &by_size, accuracy->value, &c, err);
  if (!status) status = add_curve(job, table, "(random search)", accuracy, &c, true, err);
  if (!status && !nsw_columns_find(columns, "params"))
    status = add_curve(job, table, "params", accuracy, &c, false, err);
  if (!status && nsw_args_text(job->args, "pareto") && c.n)
    status = add_front(job, table, "(accuracy)", accuracy, &c, true, err);
  drop(&c);
  free(standing);
  free(size);
  return status;
}

int nsw_select_table(struct nsw_selection *job, const struct nsw_table *table, const struct nsw_columns *columns,
                     struct nsw_error *err) {
  if (!table->accuracies)
    return nsw_fail(err,
                    "%s: no trained accuracies to judge a search by; name a table with --truth FILE or put one into "
                    "$NASWEEP_DATA",
                    table->space);
  int status = NSW_OK;
  for (size_t a = 0; a < table->accuracies && !status; a++) {
    const struct nsw_accuracy *accuracy = &table->accuracy[a];
    if (!nsw_choice_has_accuracy(&job->choice, accuracy)) continue;
    for (size_t c = 0; c < columns->count && !status; c++)
      if (nsw_choice_has_score(&job->choice, &columns->list[c]))
        status = search_with(job, table, &columns->list[c], accuracy, err);
    if (!status) status = baselines(job, table, columns, accuracy, err);
  }
  return status;
}

void nsw_selection_free(struct nsw_selection *job) {
  struct nsw_curve *curve = job->curves.at;
  struct nsw_front *front = job->fronts.at;
  for (size_t i = 0; i < job->curves.count; i++) {
    nsw_rows_free(&curve[i].points);
    nsw_rows_free(&curve[i].top);
  }
  for (size_t i = 0; i < job->fronts.count; i++) nsw_rows_free(&front[i].front);
  nsw_rows_free(&job->curves);
  nsw_rows_free(&job->fronts);
  nsw_rows_free(&job->two_steps);
  nsw_choice_free(&job->choice);
  nsw_list_free(&job->budgets);
}
