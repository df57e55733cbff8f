#include "cli/choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/quote.h"
#include "study/ensemble.h"
#include "truth/truth.h"

static bool listed(const struct nsw_list *list, const char *word) {
  for (size_t i = 0; i < list->count; i++)
    if (!strcasecmp(list->item[i], word)) return true;
  return !list->count;
}

/* "test" also names "test-200ep": the epochs may be left out. */
static bool names_split(const char *word, const char *split) {
  size_t n = strlen(word);
  return !strncasecmp(word, split, n) && (!split[n] || (split[n] == '-' && strspn(split + n + 1, "0123456789") > 0));
}

static bool split_listed(const struct nsw_list *list, const char *split) {
  for (size_t i = 0; i < list->count; i++)
    if (names_split(list->item[i], split)) return true;
  return !list->count;
}

int nsw_choice_read(const struct nsw_args *args, struct nsw_choice *choice, struct nsw_error *err) {
  *choice = (struct nsw_choice){.proxies = {0}};
  int status = NSW_OK;
  if (nsw_args_given(args, "proxy")) status = nsw_args_list(args, "proxy", &choice->proxies, err);
  if (!status && nsw_args_given(args, "dataset")) status = nsw_args_list(args, "dataset", &choice->datasets, err);
  if (!status && nsw_args_given(args, "split")) status = nsw_args_list(args, "split", &choice->splits, err);
  return status;
}

void nsw_choice_free(struct nsw_choice *choice) {
  nsw_list_free(&choice->proxies);
  nsw_list_free(&choice->datasets);
  nsw_list_free(&choice->splits);
}

/* ---- names that are not there ---- */

enum { NAMES = 64 };

/* Names there are, each once. */
struct names {
  const char *name[NAMES];
  size_t count;
};

static void add_name(struct names *names, const char *name) {
  for (size_t i = 0; i < names->count; i++)
    if (!strcmp(names->name[i], name)) return;
  if (names->count < NAMES) names->name[names->count++] = name;
}

/* "no WHAT 'WORD'; did you mean 'X'?" or "...; there are A, B". */
static int no_such(const char *option, const char *word, const struct names *names, struct nsw_error *err) {
  char quoted[NSW_QUOTE_SIZE], list[512] = "";
  const char *near = nsw_nearest(word, names->name, names->count);
  size_t at = 0;
  for (size_t i = 0; i < names->count && at < sizeof list; i++)
    at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", names->name[i]);
  if (near)
    return nsw_usage(err, "--%s %s: there is none; did you mean '%s'? There are %s", option, nsw_quote(quoted, word),
                     near, list);
  if (!names->count)
    return nsw_usage(err, "--%s %s: there is nothing to choose from%s", option, nsw_quote(quoted, word),
                     strcmp(option, "proxy")
                         ? ": no accuracies were found; name them by --truth, or their folder by NASWEEP_DATA"
                         : "");
  return nsw_usage(err, "--%s %s: there is none; there are %s", option, nsw_quote(quoted, word), list);
}

static bool names_dataset(const char *word, const char *dataset) { return !strcasecmp(word, dataset); }

static int check_list(const char *option, const struct nsw_list *list, const struct names *names,
                      bool (*same)(const char *word, const char *name), struct nsw_error *err) {
  for (size_t i = 0; i < list->count; i++) {
    bool there = false;
    for (size_t k = 0; k < names->count && !there; k++) there = same(list->item[i], names->name[k]);
    if (!there) return no_such(option, list->item[i], names, err);
  }
  return NSW_OK;
}

int nsw_choice_check(const struct nsw_choice *choice, const struct nsw_tables *tables, struct nsw_error *err) {
  struct names datasets = {.count = 0}, splits = {.count = 0};
  for (size_t t = 0; t < tables->count; t++)
    for (size_t a = 0; a < tables->list[t]->accuracies; a++) {
      const struct nsw_accuracy *accuracy = &tables->list[t]->accuracy[a];
      if (!nsw_truth_is_accuracy(accuracy)) continue;
      add_name(&datasets, accuracy->dataset);
      if (listed(&choice->datasets, accuracy->dataset)) add_name(&splits, accuracy->split);
    }
  int status = check_list("dataset", &choice->datasets, &datasets, names_dataset, err);
  return !status ? check_list("split", &choice->splits, &splits, names_split, err) : status;
}

/* ---- scores ---- */

static int check_proxies(const struct nsw_choice *choice, const struct nsw_table *table,
                         const struct nsw_columns *columns, struct nsw_error *err) {
  struct names names = {.count = 0};
  for (size_t c = 0; c < columns->count; c++) add_name(&names, columns->list[c].name);
  if (!columns->count) return nsw_fail(err, "%s: the file holds no scores", table->space);
  for (size_t i = 0; i < choice->proxies.count; i++)
    if (!nsw_columns_find(columns, choice->proxies.item[i]))
      return nsw_error_prefix(err, no_such("proxy", choice->proxies.item[i], &names, err), "%s", table->space);
  return NSW_OK;
}

int nsw_choice_check_score(const char *option, const char *name, const struct nsw_columns *columns, size_t tables,
                           struct nsw_error *err) {
  struct names names = {.count = 0};
  for (size_t t = 0; t < tables; t++) {
    if (nsw_columns_find(&columns[t], name)) return NSW_OK;
    for (size_t c = 0; c < columns[t].count; c++) add_name(&names, columns[t].list[c].name);
  }
  return no_such(option, name, &names, err);
}

int nsw_choice_columns(const struct nsw_choice *choice, const struct nsw_args *args, const struct nsw_table *table,
                       struct nsw_columns *columns, struct nsw_error *err) {
  int status = nsw_columns_make(table, columns, err);
  for (size_t s = 0; s < nsw_args_count(args, "score") && !status; s++)
    status = nsw_columns_add_accuracy(columns, table, nsw_args_value(args, "score", s), err);
  for (size_t e = 0; e < nsw_args_count(args, "ensemble") && !status; e++)
    status = nsw_ensemble_add(columns, nsw_args_value(args, "ensemble", e), err);
  return !status ? check_proxies(choice, table, columns, err) : status;
}

bool nsw_choice_has_score(const struct nsw_choice *choice, const struct nsw_column *column) {
  if (column->asked || !choice->proxies.count) return true;
  for (size_t i = 0; i < choice->proxies.count; i++)
    if (!strcmp(choice->proxies.item[i], column->name)) return true;
  return false;
}

bool nsw_choice_has_accuracy(const struct nsw_choice *choice, const struct nsw_accuracy *accuracy) {
  return nsw_truth_is_accuracy(accuracy) && listed(&choice->datasets, accuracy->dataset) &&
         split_listed(&choice->splits, accuracy->split);
}
