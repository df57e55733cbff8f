#include "truth/collect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int nsw_collect_find(struct nsw_collect *collect, const char *dataset, const char *split, int epochs, const char *path,
                     const char *header, size_t *place, struct nsw_error *err) {
  for (*place = 0; *place < collect->columns; ++*place) {
    const struct nsw_collected *c = &collect->column[*place];
    if (!strcmp(c->dataset, dataset) && !strcmp(c->split, split)) return NSW_OK;
  }
  if (collect->columns == NSW_COLLECT_COLUMNS)
    return nsw_fail(err, "more than %d accuracy columns", NSW_COLLECT_COLUMNS);
  struct nsw_collected *c = &collect->column[collect->columns++];
  *c = (struct nsw_collected){.epochs = epochs, .path = path};
  snprintf(c->dataset, sizeof c->dataset, "%s", dataset);
  snprintf(c->split, sizeof c->split, "%s", split);
  snprintf(c->header, sizeof c->header, "%s", header);
  return NSW_OK;
}

int nsw_collect_run(struct nsw_collect *collect, size_t place, int64_t run, double **value, struct nsw_error *err) {
  struct nsw_collected *c = &collect->column[place];
  size_t k = 0;
  while (k < c->runs && c->run[k] != run) k++;
  if (k == NSW_COLLECT_RUNS) return nsw_fail(err, "%s/%s: more than %d runs", c->dataset, c->split, NSW_COLLECT_RUNS);
  if (k == c->runs) {
    c->value[k] = malloc((collect->rows + 1) * sizeof *c->value[k]);
    if (!c->value[k]) return nsw_fail(err, "not enough memory for %zu architectures", collect->rows);
    for (size_t i = 0; i < collect->rows; i++) c->value[k][i] = NAN;
    c->run[k] = run;
    c->runs++;
  }
  *value = c->value[k];
  return NSW_OK;
}

/* Percent in place of fractions, where they are that. */
static int to_percent(const struct nsw_collect *collect, struct nsw_collected *c, const char *unit,
                      struct nsw_truth_report *report, struct nsw_error *err) {
  double largest = 0;
  for (size_t k = 0; k < c->runs; k++)
    for (size_t i = 0; i < collect->rows; i++)
      if (c->value[k][i] > largest) largest = c->value[k][i];
  bool fraction = unit ? !strcmp(unit, "fraction") : largest > 0 && largest <= 1;
  if (!fraction) return NSW_OK;
  if (largest > 1) return nsw_fail(err, "%s: %s/%s: %g is no fraction", c->path, c->dataset, c->split, largest);
  for (size_t k = 0; k < c->runs; k++)
    for (size_t i = 0; i < collect->rows; i++) c->value[k][i] *= 100;
  if (!unit) nsw_truth_say(report, "%s/%s are fractions, taken times 100", c->dataset, c->split);
  return NSW_OK;
}

static int set_attributes(const struct nsw_collected *c, struct nsw_accuracy *column, struct nsw_error *err) {
  const char *name = strrchr(c->path, '/');
  struct nsw_attributes *attributes = &column->attributes;
  int status = nsw_attributes_setf(attributes, err, "source", "%s, column %s", name ? name + 1 : c->path, c->header);
  if (!status) status = nsw_attributes_set(attributes, "unit", "percent", err);
  if (!status && c->epochs) status = nsw_attributes_setf(attributes, err, "epochs", "%d", c->epochs);
  if (status || c->runs < 2) return status;
  char seeds[NSW_COLLECT_RUNS * 21] = "";
  for (size_t k = 0; k < c->runs; k++)
    snprintf(seeds + strlen(seeds), sizeof seeds - strlen(seeds), "%s%lld", k ? "," : "", (long long)c->run[k]);
  status = nsw_attributes_setf(attributes, err, "repeats", "%zu", c->runs);
  return !status ? nsw_attributes_set(attributes, "seeds", seeds, err) : status;
}

static int clash(const struct nsw_collected *c, const struct nsw_accuracy *there, struct nsw_error *err) {
  const char *source = nsw_attributes_get(&there->attributes, "source");
  return nsw_fail(
      err,
      "%s: column %s is %s/%s, which is there already from %s: give one of them its epochs (--epochs N, or a "
      "file name that ends in _Nep.csv) or another name (--column %s=DATASET/SPLIT)",
      c->path, c->header, c->dataset, c->split, source ? source : "another file", c->header);
}

static int make_column(const struct nsw_collect *collect, const struct nsw_collected *c, struct nsw_table *table,
                       struct nsw_error *err) {
  struct nsw_accuracy *column = nsw_table_accuracy(table, c->dataset, c->split);
  if (column) return clash(c, column, err);
  int status = nsw_table_add_accuracy(table, c->dataset, c->split, c->runs ? c->runs : 1, &column, err);
  if (status) return status;
  for (size_t i = 0; i < collect->rows; i++) {
    double sum = 0, count = 0;
    for (size_t k = 0; k < c->runs; k++) {
      if (column->by_repeat) column->by_repeat[i * c->runs + k] = c->value[k][i];
      if (!isnan(c->value[k][i])) sum += c->value[k][i], count++;
    }
    if (count > 0) column->value[i] = count > 1 ? sum / count : sum;
  }
  return set_attributes(c, column, err);
}

int nsw_collect_finish(struct nsw_collect *collect, const char *unit, struct nsw_table *table,
                       struct nsw_truth_report *report, struct nsw_error *err) {
  int status = NSW_OK;
  for (size_t i = 0; i < collect->columns && !status; i++) {
    status = to_percent(collect, &collect->column[i], unit, report, err);
    if (!status) status = make_column(collect, &collect->column[i], table, err);
  }
  return status;
}

void nsw_collect_free(struct nsw_collect *collect) {
  for (size_t i = 0; i < collect->columns; i++)
    for (size_t k = 0; k < collect->column[i].runs; k++) free(collect->column[i].value[k]);
  collect->columns = 0;
}
