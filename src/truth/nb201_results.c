#include "truth/nb201_results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t seeds[NSW_NB201_SEEDS] = {777, 888, 999, 111};
static const int budgets[2] = {12, 200};

/* Every data set and split the benchmark has, once for each number of epochs. "train" is what it was trained on. */
static const struct {
  const char *dataset, *split;
} labels[NSW_NB201_COLUMNS / 2] = {
    {"cifar10-valid", "train"},    {"cifar10-valid", "x-valid"},  {"cifar10-valid", "ori-test"},
    {"cifar10", "train"},          {"cifar10", "ori-test"},       {"cifar100", "train"},
    {"cifar100", "x-valid"},       {"cifar100", "x-test"},        {"cifar100", "ori-test"},
    {"ImageNet16-120", "train"},   {"ImageNet16-120", "x-valid"}, {"ImageNet16-120", "x-test"},
    {"ImageNet16-120", "ori-test"}};
enum { LABELS = NSW_NB201_COLUMNS / 2, MOST_RUNS = 4 * NSW_NB201_SEEDS };

static bool wanted(const struct nsw_truth_request *request, int label, int epochs) {
  return (!request->dataset || !strcmp(request->dataset, labels[label].dataset)) &&
         (!request->split || !strcmp(request->split, labels[label].split)) &&
         (!request->epochs || request->epochs == epochs);
}

static int add_column(struct nsw_nb201_results *r, int budget, int label, const char *source, struct nsw_error *err) {
  char split[64];
  struct nsw_accuracy *column;
  snprintf(split, sizeof split, "%s-%dep", labels[label].split, budgets[budget]);
  int status = nsw_table_add_accuracy(r->table, labels[label].dataset, split, NSW_NB201_SEEDS, &column, err);
  if (status) return status;
  r->column[budget * LABELS + label].mean = column->value;
  r->column[budget * LABELS + label].by_repeat = column->by_repeat;
  struct nsw_attributes *attributes = &column->attributes;
  status = nsw_attributes_setf(attributes, err, "epochs", "%d", budgets[budget]);
  if (!status) status = nsw_attributes_setf(attributes, err, "repeats", "%d", NSW_NB201_SEEDS);
  if (!status) status = nsw_attributes_set(attributes, "seeds", "777,888,999,111", err);
  if (!status) status = nsw_attributes_set(attributes, "unit", "percent", err);
  return status ? status : nsw_attributes_set(attributes, "source", source, err);
}

int nsw_nb201_start(struct nsw_nb201_results *r, const struct nsw_truth_request *request, struct nsw_table *table,
                    const struct nsw_lookup *lookup, struct nsw_truth_report *report, const char *source,
                    struct nsw_error *err) {
  int added = 0;
  *r = (struct nsw_nb201_results){.request = request, .table = table, .lookup = lookup, .report = report};
  r->seen = calloc(table->rows + 1, 1);
  if (!r->seen) return nsw_fail(err, "not enough memory for %zu architectures", table->rows);
  for (int budget = 0; budget < 2; budget++)
    for (int label = 0; label < LABELS; label++) {
      if (!wanted(request, label, budgets[budget])) continue;
      int status = add_column(r, budget, label, source, err);
      if (status) return status;
      added++;
    }
  if (added) return NSW_OK;
  return nsw_usage(err,
                   "the benchmark has no such data set, split and epochs: there are cifar10-valid, cifar10, cifar100, "
                   "ImageNet16-120; train, x-valid, x-test, ori-test; 12 and 200");
}

static int seed_place(int64_t seed) {
  int i = 0;
  while (i < NSW_NB201_SEEDS && seeds[i] != seed) i++;
  return i;
}

/* The accuracy of a split after the last epoch; NULL where it was not measured. */
static const struct nsw_value *last_accuracy(const struct nsw_value *result, const char *split, int64_t epochs) {
  const struct nsw_value *dict;
  char key[64];
  if (strcmp(split, "train")) {
    snprintf(key, sizeof key, "%s@%lld", split, (long long)epochs - 1);
    return nsw_value_get(nsw_value_get(result, "eval_acc1es"), key);
  }
  dict = nsw_value_get(result, "train_acc1es");
  for (size_t i = nsw_value_count(dict); i-- > 0;) {
    int64_t epoch;
    if (nsw_value_integer(nsw_value_key(dict, i), &epoch) && epoch == epochs - 1) return nsw_value_at(dict, i);
  }
  return NULL;
}

/* One training run: its accuracies into the row's place for the seed. */
static int take_run(struct nsw_nb201_results *r, const struct nsw_value *key, const struct nsw_value *result,
                    int budget, size_t row, const char *name, struct nsw_error *err) {
  const struct nsw_value *dataset = nsw_value_item(key, 0);
  int64_t seed, epochs;
  if (nsw_value_count(key) != 2 || !nsw_value_text(dataset) || !nsw_value_integer(nsw_value_item(key, 1), &seed))
    return nsw_fail(err, "%s: a key of all_results is no pair of data set and seed", name);
  if (nsw_value_count(result) > NSW_NB201_ENTRIES ||
      nsw_value_count(nsw_value_get(result, "eval_acc1es")) > NSW_NB201_ENTRIES ||
      nsw_value_count(nsw_value_get(result, "train_acc1es")) > NSW_NB201_ENTRIES)
    return nsw_fail(err, "%s: a training run with more than %d entries", name, NSW_NB201_ENTRIES);
  int place = seed_place(seed);
  if (place == NSW_NB201_SEEDS)
    return nsw_fail(err, "%s: seed %lld is not one of the benchmark's", name, (long long)seed);
  if (!nsw_value_integer(nsw_value_get(result, "epochs"), &epochs) || epochs != budgets[budget])
    return nsw_fail(err, "%s: the result of %.40s, seed %lld, is not one of %d epochs", name, nsw_value_text(dataset),
                    (long long)seed, budgets[budget]);
  bool known = false;
  r->runs[budget]++;
  for (int label = 0; label < LABELS; label++) {
    double *by_repeat = r->column[budget * LABELS + label].by_repeat, accuracy;
    if (!nsw_value_is(dataset, labels[label].dataset)) continue;
    known = true;
    if (!by_repeat) continue;
    const struct nsw_value *value = last_accuracy(result, labels[label].split, epochs);
    if (!nsw_value_real(value, &accuracy) || !isfinite(accuracy))
      r->report->unknown++;
    else if (accuracy < 0 || accuracy > 100.000001)
      return nsw_fail(err, "%s: the accuracy of %s, %s, seed %lld, is no percentage: %g", name, labels[label].dataset,
                      labels[label].split, (long long)seed, accuracy);
    else
      by_repeat[row * NSW_NB201_SEEDS + (size_t)place] = accuracy;
  }
  return known ? NSW_OK
               : nsw_fail(err, "%s: data set %.40s is not one of the benchmark's", name, nsw_value_text(dataset));
}

int nsw_nb201_take(struct nsw_nb201_results *r, const struct nsw_value *info, int epochs, int64_t index,
                   const char *name, struct nsw_error *err) {
  if (nsw_value_count(info) > NSW_NB201_ENTRIES)
    return nsw_fail(err, "%s: too many entries for one architecture", name);
  const struct nsw_value *cell = nsw_value_get(info, "arch_str"), *runs = nsw_value_get(info, "all_results");
  const char *text = nsw_value_text(cell);
  int64_t own = -1;
  if (!text || !nsw_value_integer(nsw_value_get(info, "arch_index"), &own) || !runs || runs->kind != NSW_PICKLE_DICT)
    return nsw_fail(err, "%s: not results of one architecture (arch_index, arch_str, all_results)", name);
  r->report->records++;
  if (index >= 0 && own != index)
    return nsw_fail(err, "%s: holds architecture %lld instead of %lld", name, (long long)own, (long long)index);
  int64_t row = nsw_lookup_id(r->lookup, text, nsw_value_count(cell));
  if (row < 0) {
    nsw_truth_unmatched(r->report, text);
    return NSW_OK;
  }
  if (r->table->index[row] != own)
    return nsw_fail(err, "%s: its cell has index %lu in the benchmark's order, and it says %lld", name,
                    (unsigned long)r->table->index[row], (long long)own);
  int budget = epochs == 200, status = NSW_OK;
  if (r->seen[row] & 1 << budget)
    return nsw_fail(err, "%s: architecture %lld is there twice with %d epochs", name, (long long)own, epochs);
  r->seen[row] |= (uint8_t)(1 << budget);
  if (nsw_value_count(runs) > MOST_RUNS)
    return nsw_fail(err, "%s: %zu training runs where the benchmark has at most %d", name, nsw_value_count(runs),
                    MOST_RUNS);
  for (size_t i = 0; !status && i < nsw_value_count(runs); i++)
    status = take_run(r, nsw_value_key(runs, i), nsw_value_at(runs, i), budget, (size_t)row, name, err);
  r->report->matched++;
  return status;
}

void nsw_nb201_finish(struct nsw_nb201_results *r) {
  for (int c = 0; c < NSW_NB201_COLUMNS; c++)
    for (size_t row = 0; r->column[c].mean && row < r->table->rows; row++) {
      double sum = 0, count = 0;
      for (size_t i = 0; i < NSW_NB201_SEEDS; i++) {
        double one = r->column[c].by_repeat[row * NSW_NB201_SEEDS + i];
        if (!isnan(one)) sum += one, count++;
      }
      if (count > 0) r->column[c].mean[row] = sum / count;
    }
  r->report->more[0] = (struct nsw_truth_count){"training runs of 12 epochs", r->runs[0]};
  r->report->more[1] = (struct nsw_truth_count){"of 200", r->runs[1]};
}

void nsw_nb201_end(struct nsw_nb201_results *r) {
  free(r->seen);
  r->seen = NULL;
}
