#include "cli/correlate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "cli/search.h"
#include "study/subset.h"
#include "truth/truth.h"

/* One space on its way: what all its comparisons share. */
struct study {
  struct nsw_correlate *job;
  const struct nsw_table *table;
  const struct nsw_columns *columns;
  struct nsw_compare_cache *cache;
  const struct nsw_subset *subset; /* the one at hand */
  uint8_t *in;                     /* [rows] of it */
};

static bool wanted(const struct study *s, size_t column) {
  return nsw_choice_has_score(&s->job->choice, &s->columns->list[column]);
}

static void name_subset(const struct study *s, char text[NSW_SUBSET_TEXT]) {
  snprintf(text, NSW_SUBSET_TEXT, "%s", s->subset->name);
}

/* ---- a score against an accuracy ---- */

static uint64_t epochs_of(const struct nsw_accuracy *accuracy) {
  const char *text = nsw_attributes_get(&accuracy->attributes, "epochs");
  return text && strspn(text, "0123456789") == strlen(text) ? strtoull(text, NULL, 10) : UINT64_MAX;
}

/* Whether the score is that accuracy itself (--score): it says nothing about itself. */
static bool is_itself(const struct nsw_column *column, const struct nsw_accuracy *accuracy) {
  char name[256];
  snprintf(name, sizeof name, "accuracy:%s/%s", accuracy->dataset, accuracy->split);
  return column->asked && !strcmp(column->name, name);
}

static int compare_one(struct study *s, const struct nsw_column *column, const struct nsw_accuracy *accuracy,
                       struct nsw_error *err) {
  if (is_itself(column, accuracy)) return NSW_OK;
  struct nsw_line *line = nsw_rows_add(&s->job->outcomes.lines, sizeof *line, err);
  if (!line) return NSW_FAILED;
  *line = (struct nsw_line){.space = s->table->space,
                            .proxy = column->name,
                            .dataset = accuracy->dataset,
                            .split = accuracy->split,
                            .epochs = epochs_of(accuracy),
                            .source = nsw_attributes_get(&accuracy->attributes, "source")};
  name_subset(s, line->subset);
  int status = nsw_compare(s->cache, column, accuracy->value, s->in, &s->job->options, &line->outcome, err);
  line->excluded = line->outcome.pending + line->outcome.failed + line->outcome.unknown;
  return nsw_error_prefix(err, status, "%s %s", s->table->space, column->name);
}

/* ---- scores against each other ---- */

static int agreements(struct study *s, struct nsw_error *err) {
  for (size_t a = 0; a < s->columns->count; a++)
    for (size_t b = a + 1; b < s->columns->count; b++) {
      if (!wanted(s, a) || !wanted(s, b)) continue;
      struct nsw_agreement_line *line = nsw_rows_add(&s->job->outcomes.agreements, sizeof *line, err);
      if (!line) return NSW_FAILED;
      *line = (struct nsw_agreement_line){
          .space = s->table->space, .a = s->columns->list[a].name, .b = s->columns->list[b].name};
      name_subset(s, line->subset);
      int status = nsw_agree(&s->columns->list[a], &s->columns->list[b], s->in, s->table->rows, &line->outcome, err);
      if (status) return status;
    }
  return NSW_OK;
}

/* accuracy: NULL where there are none. */
static int stabilities(struct study *s, const struct nsw_accuracy *accuracy, struct nsw_error *err) {
  for (size_t c = 0; c < s->columns->count; c++) {
    const struct nsw_column *column = &s->columns->list[c];
    if (!wanted(s, c) || !column->by_seed) continue;
    struct nsw_stability_line *line = nsw_rows_add(&s->job->outcomes.stabilities, sizeof *line, err);
    if (!line) return NSW_FAILED;
    *line = (struct nsw_stability_line){.space = s->table->space,
                                        .proxy = column->name,
                                        .dataset = accuracy ? accuracy->dataset : NULL,
                                        .split = accuracy ? accuracy->split : NULL};
    name_subset(s, line->subset);
    int status =
        nsw_seed_stability(column, accuracy ? accuracy->value : NULL, s->in, s->table->rows, &line->outcome, err);
    line->seeds = line->outcome.seeds;
    if (status) return status;
  }
  return NSW_OK;
}

/* "A,B" of --compare. */
static int find_pair(const struct study *s, const char *pair, const struct nsw_column **a, const struct nsw_column **b,
                     struct nsw_error *err) {
  char first[256], quoted[NSW_QUOTE_SIZE];
  const char *comma = strchr(pair, ',');
  if (!comma) return nsw_usage(err, "--compare %.80s: two scores, A,B", pair);
  snprintf(first, sizeof first, "%.*s", (int)(comma - pair), pair);
  *a = nsw_columns_find(s->columns, first);
  *b = nsw_columns_find(s->columns, comma + 1);
  if (*a && *b) return NSW_OK;
  return nsw_usage(err, "--compare %.80s: %s has no score %s", pair, s->table->space,
                   nsw_quote(quoted, *a ? comma + 1 : first));
}

static int contests(struct study *s, const struct nsw_accuracy *accuracy, struct nsw_error *err) {
  const struct nsw_correlate *job = s->job;
  for (size_t k = 0; k < nsw_args_count(job->args, "compare"); k++) {
    const struct nsw_column *a = NULL, *b = NULL;
    int status = find_pair(s, nsw_args_value(job->args, "compare", k), &a, &b, err);
    if (status) return status;
    struct nsw_contest_line *line = nsw_rows_add(&s->job->outcomes.contests, sizeof *line, err);
    if (!line) return NSW_FAILED;
    *line = (struct nsw_contest_line){.space = s->table->space,
                                      .a = a->name,
                                      .b = b->name,
                                      .dataset = accuracy->dataset,
                                      .split = accuracy->split,
                                      .seed = job->options.seed};
    name_subset(s, line->subset);
    status = nsw_contest(a, b, accuracy->value, s->in, s->table->rows, job->permutations, job->options.seed,
                         &job->options.share, &line->outcome, err);
    if (status) return status;
  }
  return NSW_OK;
}

/* ---- time ---- */

/* The seconds of the training that an accuracy comes from, after as many epochs; NULL where the tables do not tell.
 * NATS-Bench trains on half of CIFAR-10 for its validation accuracies, and calls that cifar10-valid. */
static const struct nsw_accuracy *training_of(const struct nsw_table *table, const struct nsw_accuracy *accuracy) {
  bool valid = strstr(accuracy->split, "valid") && !strcmp(accuracy->dataset, "cifar10");
  const struct nsw_accuracy *found = NULL;
  for (size_t a = 0; a < table->accuracies; a++) {
    const struct nsw_accuracy *one = &table->accuracy[a];
    if (!nsw_truth_is_training_seconds(one) || nsw_accuracy_epochs(one) != nsw_accuracy_epochs(accuracy)) continue;
    if (valid && !strcmp(one->dataset, "cifar10-valid")) return one;
    if (!strcmp(one->dataset, accuracy->dataset)) found = one;
  }
  return found;
}

/* Sum and number of what a column of seconds knows. */
static double sum_of(const struct nsw_accuracy *seconds, size_t rows, uint64_t *n) {
  double sum = 0;
  *n = 0;
  for (size_t i = 0; i < rows; i++) {
    if (isnan(seconds->value[i])) continue;
    sum += seconds->value[i];
    ++*n;
  }
  return sum;
}

/* What a score took, in all, and how many were timed; accuracies taken as a score took their training. False where that
 * is not known. */
static bool cost_of(const struct study *s, const struct nsw_column *column, double *seconds, uint64_t *n) {
  *seconds = column->seconds;
  *n = column->timed;
  for (size_t a = 0; a < s->table->accuracies; a++) {
    if (!is_itself(column, &s->table->accuracy[a])) continue;
    const struct nsw_accuracy *training = training_of(s->table, &s->table->accuracy[a]);
    if (training) *seconds = sum_of(training, s->table->rows, n);
  }
  return *n && !isnan(*seconds);
}

/* Time of the evaluations that made each score, beside that of one kind of training (NULL: none is known). */
static int timings_beside(struct study *s, const struct nsw_accuracy *training, struct nsw_error *err) {
  uint64_t trained = 0, n;
  double sum = training ? sum_of(training, s->table->rows, &trained) : 0, seconds;
  double each = trained ? sum / (double)trained : NAN;
  for (size_t c = 0; c < s->columns->count; c++) {
    const struct nsw_column *column = &s->columns->list[c];
    if (!wanted(s, c) || !cost_of(s, column, &seconds, &n)) continue;
    struct nsw_timing_line *line = nsw_rows_add(&s->job->outcomes.timings, sizeof *line, err);
    if (!line) return NSW_FAILED;
    *line = (struct nsw_timing_line){.space = s->table->space,
                                     .proxy = column->name,
                                     .dataset = training ? training->dataset : NULL,
                                     .split = training ? training->split : NULL,
                                     .n = n,
                                     .seconds = seconds,
                                     .each = seconds / (double)n,
                                     .trained = trained,
                                     .training = each,
                                     .share = seconds / (double)n / each};
  }
  return NSW_OK;
}

/* The same beside every training that an accuracy compared with comes from. */
static int timings(struct study *s, struct nsw_error *err) {
  const struct nsw_table *table = s->table;
  bool *done = calloc(table->accuracies + 1, sizeof *done), any = false;
  int status = done ? NSW_OK : nsw_no_memory(err, "the times of training");
  for (size_t a = 0; a < table->accuracies && !status; a++) {
    const struct nsw_accuracy *training = NULL;
    if (nsw_choice_has_accuracy(&s->job->choice, &table->accuracy[a]))
      training = training_of(table, &table->accuracy[a]);
    if (!training || done[training - table->accuracy]) continue;
    done[training - table->accuracy] = any = true;
    status = timings_beside(s, training, err);
  }
  free(done);
  return !status && !any ? timings_beside(s, NULL, err) : status;
}

/* ---- all of a space ---- */

/* All scores against one accuracy over the subset at hand. */
static int against(struct study *s, const struct nsw_accuracy *accuracy, struct nsw_error *err) {
  int status = NSW_OK;
  for (size_t c = 0; c < s->columns->count && !status; c++)
    if (wanted(s, c)) status = compare_one(s, &s->columns->list[c], accuracy, err);
  if (!status) status = contests(s, accuracy, err);
  if (!status && nsw_args_flag(s->job->args, "stability")) status = stabilities(s, accuracy, err);
  return status;
}

/* Accuracies outside, subsets next, scores inside: ranks of an accuracy over a subset are made once. */
static int all_against(struct study *s, const struct nsw_subset *subsets, size_t count, const struct nsw_facts *facts,
                       struct nsw_error *err) {
  int status = NSW_OK;
  for (size_t a = 0; a < s->table->accuracies && !status; a++) {
    const struct nsw_accuracy *accuracy = &s->table->accuracy[a];
    if (!nsw_choice_has_accuracy(&s->job->choice, accuracy)) continue;
    for (size_t k = 0; k < count && !status; k++) {
      s->subset = &subsets[k];
      status = nsw_subset_rows(s->subset, facts, accuracy->value, s->in, err);
      if (!status) status = against(s, accuracy, err);
    }
  }
  return status;
}

static int among_themselves(struct study *s, const struct nsw_subset *subsets, size_t count,
                            const struct nsw_facts *facts, struct nsw_error *err) {
  bool alone = !s->table->accuracies;
  int status = NSW_OK;
  if (!alone && !nsw_args_flag(s->job->args, "agreement")) return NSW_OK;
  for (size_t k = 0; k < count && !status; k++) {
    if (subsets[k].kind == NSW_TOP) continue; /* needs accuracies */
    s->subset = &subsets[k];
    status = nsw_subset_rows(s->subset, facts, NULL, s->in, err);
    if (!status) status = agreements(s, err);
    if (!status && alone && nsw_args_flag(s->job->args, "stability")) status = stabilities(s, NULL, err);
  }
  return status;
}

int nsw_correlate_table(struct nsw_correlate *job, const struct nsw_table *table, const struct nsw_columns *columns,
                        struct nsw_error *err) {
  struct nsw_facts facts = {.table = table};
  struct nsw_subset *subsets = NULL;
  struct study s = {.job = job, .table = table, .columns = columns, .in = malloc(table->rows + 1)};
  size_t count = 0;
  int status = s.in ? nsw_subsets_parse(nsw_args_text(job->args, "subset"), &facts, &subsets, &count, err)
                    : nsw_no_memory(err, "the rows of %s", table->space);
  if (!status) status = nsw_compare_cache_create(table, &s.cache, err);
  if (!status) status = all_against(&s, subsets, count, &facts, err);
  if (!status) status = among_themselves(&s, subsets, count, &facts, err);
  if (!status && nsw_args_flag(job->args, "timing")) status = timings(&s, err);
  nsw_compare_cache_free(&s.cache);
  free(subsets);
  free(s.in);
  nsw_facts_free(&facts);
  return status;
}
