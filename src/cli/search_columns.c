/* Which columns a search looks at, and the candidates that have them all. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/quote.h"
#include "cli/search.h"
#include "truth/truth.h"

int nsw_accuracy_epochs(const struct nsw_accuracy *accuracy) {
  const char *dash = strrchr(accuracy->split, '-'), *text = nsw_attributes_get(&accuracy->attributes, "epochs");
  int epochs = dash ? (int)strtol(dash + 1, NULL, 10) : 0;
  return epochs > 0 ? epochs : text ? atoi(text) : 0;
}

/* Characters of a split's name without its epochs. */
static size_t bare(const char *split) {
  const char *dash = strrchr(split, '-');
  return dash && dash[1] >= '0' && dash[1] <= '9' ? (size_t)(dash - split) : strlen(split);
}

static bool is_split(const struct nsw_accuracy *accuracy, const char *word) {
  size_t n = bare(accuracy->split);
  const char *own = accuracy->split;
  if (n > 2 && !strncmp(own, "x-", 2)) own += 2, n -= 2; /* as NATS-Bench names them */
  if (n > 4 && !strncmp(own, "ori-", 4)) own += 4, n -= 4;
  return n == strlen(word) && !strncmp(own, word, n);
}

static int no_such(const char *option, const char *word, const struct nsw_table *table, struct nsw_error *err) {
  char quoted[NSW_QUOTE_SIZE], list[600] = "";
  size_t at = 0;
  for (size_t a = 0; a < table->accuracies && at < sizeof list; a++)
    at += (size_t)snprintf(list + at, sizeof list - at, "%s%s/%s", a ? ", " : "", table->accuracy[a].dataset,
                           table->accuracy[a].split);
  return nsw_usage(err, "--%s %s: no such column; %s has %s", option, nsw_quote(quoted, word), table->space,
                   *list ? list : "no accuracies");
}

int nsw_search_column(const char *option, const char *word, const struct nsw_table *table,
                      const struct nsw_accuracy **column, struct nsw_error *err) {
  const char *slash = strchr(word, '/');
  size_t matches = 0;
  if (!slash) return no_such(option, word, table, err);
  for (size_t a = 0; a < table->accuracies; a++) {
    const struct nsw_accuracy *one = &table->accuracy[a];
    if (strlen(one->dataset) != (size_t)(slash - word) || strncasecmp(one->dataset, word, (size_t)(slash - word)))
      continue;
    if (!strcmp(one->split, slash + 1)) {
      *column = one;
      return NSW_OK;
    }
    if (bare(one->split) != strlen(slash + 1) || strncmp(one->split, slash + 1, strlen(slash + 1))) continue;
    *column = one;
    matches++;
  }
  if (matches == 1) return NSW_OK;
  if (matches)
    return nsw_usage(err, "--%s %s: of several numbers of epochs; name one, as in %s/%s", option, word,
                     (*column)->dataset, (*column)->split);
  return no_such(option, word, table, err);
}

static bool is_cifar10(const struct nsw_accuracy *accuracy) {
  return !strcmp(accuracy->dataset, "cifar10") || !strcmp(accuracy->dataset, "cifar10-valid");
}

/* Of validation columns CIFAR-10's, which published searches look at, else the first data set's; of the fewest epochs.
 */
static int default_look(const struct nsw_table *table, struct nsw_search_columns *c, struct nsw_error *err) {
  for (size_t a = 0; a < table->accuracies; a++) {
    const struct nsw_accuracy *one = &table->accuracy[a];
    if (!nsw_truth_is_accuracy(one) || !is_split(one, "valid")) continue;
    if (!c->look || is_cifar10(one) > is_cifar10(c->look) ||
        (is_cifar10(one) == is_cifar10(c->look) && nsw_accuracy_epochs(one) < nsw_accuracy_epochs(c->look)))
      c->look = one;
  }
  if (c->look) return NSW_OK;
  struct nsw_error list;
  no_such("look", "", table, &list);
  const char *has = strstr(list.text, "column; ");
  return nsw_fail(
      err,
      "%s: no validation accuracies for the search to look at: name a column with --look (%s), or add a table with "
      "--truth FILE",
      table->space, has ? has + strlen("column; ") : "");
}

/* Every data set's test column of the most epochs, and no fewer than those looked at. */
static int default_reports(const struct nsw_table *table, struct nsw_search_columns *c, struct nsw_error *err) {
  for (size_t a = 0; a < table->accuracies; a++) {
    const struct nsw_accuracy *one = &table->accuracy[a];
    if (one == c->look || !nsw_truth_is_accuracy(one) || !is_split(one, "test") ||
        nsw_accuracy_epochs(one) < nsw_accuracy_epochs(c->look))
      continue;
    size_t r = 0;
    while (r < c->reports && strcmp(c->report[r]->dataset, one->dataset)) r++;
    if (r == NSW_SEARCH_REPORTS) continue;
    if (r == c->reports) c->report[c->reports++] = one;
    if (nsw_accuracy_epochs(one) > nsw_accuracy_epochs(c->report[r])) c->report[r] = one;
  }
  for (size_t i = 1; i < c->reports; i++)
    for (size_t j = i; j > 0 && strcasecmp(c->report[j]->dataset, c->report[j - 1]->dataset) < 0; j--) {
      const struct nsw_accuracy *t = c->report[j];
      c->report[j] = c->report[j - 1];
      c->report[j - 1] = t;
    }
  return c->reports ? NSW_OK
                    : nsw_fail(err, "%s: no test accuracies to report but those looked at: name a column with --report",
                               table->space);
}

static void by_epochs(struct nsw_search_columns *c) {
  for (size_t i = 1; i < c->rungs; i++)
    for (size_t j = i; j > 0 && nsw_accuracy_epochs(c->rung[j]) < nsw_accuracy_epochs(c->rung[j - 1]); j--) {
      const struct nsw_accuracy *t = c->rung[j];
      c->rung[j] = c->rung[j - 1];
      c->rung[j - 1] = t;
    }
}

/* Columns of the same data set and split after fewer epochs. */
static void default_rungs(const struct nsw_table *table, struct nsw_search_columns *c) {
  int epochs = nsw_accuracy_epochs(c->look);
  for (size_t a = 0; a < table->accuracies && c->rungs < NSW_SEARCH_RUNGS; a++) {
    const struct nsw_accuracy *one = &table->accuracy[a];
    int own = nsw_accuracy_epochs(one);
    if (!strcmp(one->dataset, c->look->dataset) && bare(one->split) == bare(c->look->split) &&
        !strncmp(one->split, c->look->split, bare(one->split)) && own > 0 && own < epochs)
      c->rung[c->rungs++] = one;
  }
}

static int choose_list(const struct nsw_args *args, const char *option, const struct nsw_table *table, size_t room,
                       const struct nsw_accuracy **column, size_t *count, struct nsw_error *err) {
  struct nsw_list list = {0};
  int status = nsw_args_list(args, option, &list, err);
  if (!status && list.count > room) status = nsw_usage(err, "--%s: more than %zu columns", option, room);
  for (size_t i = 0; i < list.count && !status; i++)
    status = nsw_search_column(option, list.item[i], table, &column[(*count)++], err);
  nsw_list_free(&list);
  return status;
}

/* Seconds of training: the column named, else one whose unit is seconds of the data set and epochs looked at. */
static int choose_seconds(const struct nsw_args *args, const struct nsw_table *table, struct nsw_search_columns *c,
                          struct nsw_error *err) {
  const char *word = nsw_args_text(args, "cost");
  if (word) return nsw_search_column("cost", word, table, &c->seconds, err);
  for (size_t a = 0; a < table->accuracies; a++) {
    const struct nsw_accuracy *one = &table->accuracy[a];
    if (!nsw_truth_is_training_seconds(one) || strcmp(one->dataset, c->look->dataset)) continue;
    if (!c->seconds || nsw_accuracy_epochs(one) == nsw_accuracy_epochs(c->look)) c->seconds = one;
  }
  return NSW_OK;
}

static int check_rungs(const struct nsw_search_columns *c, struct nsw_error *err) {
  int epochs = nsw_accuracy_epochs(c->look);
  for (size_t r = 0; r < c->rungs; r++) {
    int own = nsw_accuracy_epochs(c->rung[r]);
    if (own <= 0 || own >= epochs)
      return nsw_usage(err, "--rungs %s/%s: after %d epochs, which must be fewer than the %d of %s/%s looked at",
                       c->rung[r]->dataset, c->rung[r]->split, own, epochs, c->look->dataset, c->look->split);
  }
  return NSW_OK;
}

int nsw_search_choose(const struct nsw_args *args, const struct nsw_table *table, struct nsw_search_columns *c,
                      struct nsw_error *err) {
  const char *look = nsw_args_text(args, "look");
  *c = (struct nsw_search_columns){.look = NULL};
  if (!table->accuracies)
    return nsw_fail(err,
                    "%s: no trained accuracies to search by; name a table with --truth FILE or put one into "
                    "$NASWEEP_DATA",
                    table->space);
  int status = look ? nsw_search_column("look", look, table, &c->look, err) : default_look(table, c, err);
  if (!status && nsw_args_given(args, "report"))
    status = choose_list(args, "report", table, NSW_SEARCH_REPORTS, c->report, &c->reports, err);
  else if (!status)
    status = default_reports(table, c, err);
  if (!status && nsw_args_given(args, "rungs"))
    status = choose_list(args, "rungs", table, NSW_SEARCH_RUNGS, c->rung, &c->rungs, err);
  else if (!status)
    default_rungs(table, c);
  if (!status) by_epochs(c);
  if (!status) status = check_rungs(c, err);
  return !status ? choose_seconds(args, table, c, err) : status;
}

/* ---- the ground ---- */

static bool all_known(const struct nsw_accuracy *const *columns, size_t count, size_t row) {
  for (size_t c = 0; c < count; c++)
    if (!isfinite(columns[c]->value[row])) return false;
  return true;
}

/* Rows that are candidates into row[], and counts of the others. */
static size_t gather(const struct nsw_table *table, const struct nsw_search_columns *columns,
                     const struct nsw_column *const *scores, size_t count, bool timed, uint32_t *row,
                     struct nsw_search_left *left) {
  size_t n = 0;
  *left = (struct nsw_search_left){0};
  for (size_t i = 0; i < table->rows; i++) {
    bool scored = true;
    for (size_t s = 0; s < count && scored; s++) scored = scores[s]->standing[i] <= NSW_LOWEST;
    bool looked = isfinite(columns->look->value[i]) && all_known(columns->rung, columns->rungs, i) &&
                  (!timed || (isfinite(columns->seconds->value[i]) && columns->seconds->value[i] > 0));
    if (!looked)
      left->unlooked++;
    else if (!all_known(columns->report, columns->reports, i))
      left->unreported++;
    else if (!scored)
      left->unscored++;
    else
      row[n++] = (uint32_t)i;
  }
  return n;
}

static double *take(const double *value, const uint32_t *row, size_t n) {
  double *out = malloc((n + 1) * sizeof *out);
  for (size_t i = 0; out && i < n; i++) out[i] = value[row[i]];
  return out;
}

/* columns[count], each the rows of values[c]; false for lack of memory. */
static bool take_all(double ***columns, size_t *made, const double *const *values, size_t count, const uint32_t *row,
                     size_t n) {
  *columns = calloc(count + 1, sizeof **columns);
  for (*made = 0; *columns && *made < count; ++*made)
    if (!((*columns)[*made] = take(values[*made], row, n))) return false;
  return *columns;
}

int nsw_search_ground(const struct nsw_table *table, const struct nsw_space *space,
                      const struct nsw_search_columns *columns, const struct nsw_column *const *scores, size_t count,
                      double epoch_seconds, bool timed, struct nsw_ground *ground, struct nsw_search_left *left,
                      struct nsw_error *err) {
  *ground = (struct nsw_ground){.space = space};
  uint32_t *row = malloc((table->rows + 1) * sizeof *row);
  const double **values = malloc((count + NSW_SEARCH_REPORTS + NSW_SEARCH_RUNGS) * sizeof *values);
  bool ok = row && values;
  bool by_column = timed && !(epoch_seconds > 0);
  if (ok) {
    size_t n = ground->n = gather(table, columns, scores, count, by_column, row, left);
    ground->index = malloc((n + 1) * sizeof *ground->index);
    ground->look = take(columns->look->value, row, n);
    for (size_t r = 0; r < columns->reports; r++) values[r] = columns->report[r]->value;
    ok = take_all(&ground->report, &ground->reports, values, columns->reports, row, n);
    for (size_t s = 0; s < count; s++) values[s] = scores[s]->value;
    ok = ok && take_all(&ground->score, &ground->scores, values, count, row, n);
    for (size_t r = 0; r < columns->rungs; r++) values[r] = columns->rung[r]->value;
    ok = ok && take_all(&ground->rung, &ground->rungs, values, columns->rungs, row, n);
    ground->rung_share = malloc((columns->rungs + 1) * sizeof *ground->rung_share);
    ok = ok && ground->index && ground->look && ground->rung_share;
    int epochs = nsw_accuracy_epochs(columns->look);
    for (size_t r = 0; ok && r < columns->rungs; r++)
      ground->rung_share[r] = (double)nsw_accuracy_epochs(columns->rung[r]) / epochs;
    for (size_t i = 0; ok && i < n; i++) ground->index[i] = table->index[row[i]];
    if (ok && by_column) ok = (ground->cost = take(columns->seconds->value, row, n));
    if (ok && timed && !by_column) {
      ok = (ground->cost = malloc((n + 1) * sizeof *ground->cost));
      for (size_t i = 0; ok && i < n; i++) ground->cost[i] = epoch_seconds * epochs;
    }
  }
  free(row);
  free(values);
  return ok ? nsw_ground_finish(ground, err) : nsw_no_memory(err, "%zu candidates", table->rows);
}
