#include "truth/nb201_results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct nsw_nb201_bench nsw_nb201_tss = {
    .space = "nb201", .architectures = 15625, .budgets = 2, .epochs = {12, 200}, .key = {"12", "200"}};
const struct nsw_nb201_bench nsw_nb201_sss = {
    .space = "sss", .architectures = 32768, .budgets = 3, .epochs = {1, 12, 90}, .key = {"01", "12", "90"}};

static const int64_t seeds[NSW_NB201_SEEDS] = {777, 888, 999, 111};

/* Every data set and split the benchmark has. "train" is what it was trained on. */
static const struct {
  const char *dataset, *split;
} labels[] = {{"cifar10-valid", "train"},    {"cifar10-valid", "x-valid"},  {"cifar10-valid", "ori-test"},
              {"cifar10", "train"},          {"cifar10", "ori-test"},       {"cifar100", "train"},
              {"cifar100", "x-valid"},       {"cifar100", "x-test"},        {"cifar100", "ori-test"},
              {"ImageNet16-120", "train"},   {"ImageNet16-120", "x-valid"}, {"ImageNet16-120", "x-test"},
              {"ImageNet16-120", "ori-test"}};
enum { LABELS = sizeof labels / sizeof *labels, MOST_RUNS = 4 * NSW_NB201_SEEDS };

/* ---- which columns ---- */

/* Whether a list with commas has the word. */
static bool listed(const char *list, const char *word) {
  size_t size = strlen(word);
  for (const char *at = list;; at++) {
    size_t length = strcspn(at, ",");
    if (length == size && !memcmp(at, word, size)) return true;
    at += length;
    if (!*at) return false;
  }
}

/* Whether the request's --also names the word. */
static bool also(const struct nsw_truth_request *request, const char *word) {
  for (size_t i = 0; i < request->also_count; i++)
    if (listed(request->also[i], word)) return true;
  return false;
}

static bool is_budget(const struct nsw_nb201_bench *bench, int epochs) {
  for (int b = 0; b < bench->budgets; b++)
    if (bench->epochs[b] == epochs) return true;
  return false;
}

/* The epochs of a budget's runs that are asked for; 0: none. Other numbers than the budgets are taken from the longest
 * runs. */
static int wanted_epochs(const struct nsw_nb201_bench *bench, const struct nsw_truth_request *request, int budget) {
  int own = bench->epochs[budget];
  if (!request->epochs || request->epochs == own) return own;
  bool longest = budget == bench->budgets - 1;
  return longest && request->epochs < own && !is_budget(bench, request->epochs) ? request->epochs : 0;
}

static void name_split(enum nsw_nb201_what what, int label, int epochs, char name[64]) {
  const char *split = labels[label].split;
  switch (what) {
    case NSW_NB201_ACCURACY:
      snprintf(name, 64, "%s-%dep", split, epochs);
      break;
    case NSW_NB201_SECONDS:
      snprintf(name, 64, "seconds-%dep", epochs);
      break;
    case NSW_NB201_LOSS:
      snprintf(name, 64, "loss-%s-%dep", split, epochs);
      break;
    case NSW_NB201_EVAL:
      snprintf(name, 64, "eval-%s-%dep", split, epochs);
      break;
    case NSW_NB201_LATENCY:
      snprintf(name, 64, "latency-%dep", epochs);
      break;
  }
}

static int new_column(struct nsw_nb201_results *r, struct nsw_nb201_column **column, struct nsw_error *err) {
  if (r->columns == NSW_NB201_COLUMNS) return nsw_fail(err, "more than %d columns", NSW_NB201_COLUMNS);
  *column = &r->column[r->columns++];
  return NSW_OK;
}

static const char *unit_of(enum nsw_nb201_what what) {
  return what == NSW_NB201_ACCURACY ? "percent" : what == NSW_NB201_LOSS ? "nats" : "seconds";
}

static int add_column(struct nsw_nb201_results *r, enum nsw_nb201_what what, int budget, int label, int epochs,
                      const char *source, struct nsw_error *err) {
  char split[64];
  struct nsw_accuracy *column;
  struct nsw_nb201_column *mine = NULL;
  name_split(what, label, epochs, split);
  int status = nsw_table_add_accuracy(r->table, labels[label].dataset, split, NSW_NB201_SEEDS, &column, err);
  if (!status) status = new_column(r, &mine, err);
  if (status) return status;
  *mine = (struct nsw_nb201_column){.what = what,
                                    .budget = budget,
                                    .label = label,
                                    .epochs = epochs,
                                    .mean = column->value,
                                    .by_repeat = column->by_repeat};
  struct nsw_attributes *attributes = &column->attributes;
  status = nsw_attributes_setf(attributes, err, "epochs", "%d", epochs);
  if (!status && epochs != r->bench->epochs[budget])
    status = nsw_attributes_setf(attributes, err, "budget", "%d", r->bench->epochs[budget]);
  if (!status) status = nsw_attributes_setf(attributes, err, "repeats", "%d", NSW_NB201_SEEDS);
  if (!status) status = nsw_attributes_set(attributes, "seeds", "777,888,999,111", err);
  if (!status) status = nsw_attributes_set(attributes, "unit", unit_of(what), err);
  return status ? status : nsw_attributes_set(attributes, "source", source, err);
}

static int add_curve(struct nsw_nb201_results *r, enum nsw_nb201_what what, int budget, int label, const char *source,
                     struct nsw_error *err) {
  char name[128];
  struct nsw_curves *curve;
  struct nsw_nb201_column *mine = NULL;
  int epochs = r->bench->epochs[budget];
  const char *kind = what == NSW_NB201_ACCURACY ? "accuracy" : what == NSW_NB201_LOSS ? "loss" : "seconds";
  snprintf(name, sizeof name, "%s.%s.%s-%dep", kind, labels[label].dataset, labels[label].split, epochs);
  int status = nsw_table_add_curve(r->table, name, (size_t)epochs, &curve, err);
  if (!status) status = new_column(r, &mine, err);
  if (status) return status;
  *mine = (struct nsw_nb201_column){
      .what = what, .budget = budget, .label = label, .epochs = epochs, .curve = curve->value};
  mine->seeds = calloc(r->table->rows * (size_t)epochs + 1, 1);
  if (!mine->seeds) return nsw_fail(err, "not enough memory for %zu architectures", r->table->rows);
  status = nsw_attributes_set(&curve->attributes, "unit", unit_of(what), err);
  return status ? status : nsw_attributes_set(&curve->attributes, "source", source, err);
}

/* The columns of one data set and split after one budget. */
static int add_label(struct nsw_nb201_results *r, int budget, int label, int epochs, const char *source,
                     struct nsw_error *err) {
  const struct nsw_truth_request *request = r->request;
  bool train = !strcmp(labels[label].split, "train");
  int status = NSW_OK;
  if (nsw_truth_wants_split(request, labels[label].split, epochs))
    status = add_column(r, NSW_NB201_ACCURACY, budget, label, epochs, source, err);
  if (!status && train && nsw_truth_wants_split(request, "seconds", epochs))
    status = add_column(r, NSW_NB201_SECONDS, budget, label, epochs, source, err);
  if (!status && also(request, "losses")) status = add_column(r, NSW_NB201_LOSS, budget, label, epochs, source, err);
  if (!status && also(request, "times"))
    status = add_column(r, train ? NSW_NB201_LATENCY : NSW_NB201_EVAL, budget, label, epochs, source, err);
  bool curves = also(request, "curves") && epochs == r->bench->epochs[budget] && epochs > 1 &&
                nsw_truth_wants_split(request, labels[label].split, epochs);
  if (!status && curves) status = add_curve(r, NSW_NB201_ACCURACY, budget, label, source, err);
  if (!status && curves && also(request, "losses")) status = add_curve(r, NSW_NB201_LOSS, budget, label, source, err);
  if (!status && curves && also(request, "times"))
    status = add_curve(r, train ? NSW_NB201_SECONDS : NSW_NB201_EVAL, budget, label, source, err);
  return status;
}

static int check_also(const struct nsw_truth_request *request, struct nsw_error *err) {
  for (size_t i = 0; i < request->also_count; i++)
    for (const char *at = request->also[i];; at++) {
      char word[16];
      size_t length = strcspn(at, ",");
      snprintf(word, sizeof word, "%.*s", (int)(length < 15 ? length : 15), at);
      if (!*word || !listed("curves,losses,times", word))
        return nsw_usage(err, "--also %s: curves, losses or times", request->also[i]);
      at += length;
      if (!*at) break;
    }
  return NSW_OK;
}

int nsw_nb201_start(struct nsw_nb201_results *r, const struct nsw_nb201_bench *bench,
                    const struct nsw_truth_request *request, struct nsw_table *table, const struct nsw_lookup *lookup,
                    struct nsw_truth_report *report, const char *source, struct nsw_error *err) {
  *r = (struct nsw_nb201_results){
      .bench = bench, .request = request, .table = table, .lookup = lookup, .report = report};
  int status = check_also(request, err);
  if (status) return status;
  r->seen = calloc(table->rows + 1, 1);
  if (!r->seen) return nsw_fail(err, "not enough memory for %zu architectures", table->rows);
  for (int budget = 0; budget < bench->budgets; budget++) {
    int epochs = wanted_epochs(bench, request, budget);
    for (int label = 0; !status && epochs && label < LABELS; label++)
      if (nsw_truth_wants_dataset(request, labels[label].dataset))
        status = add_label(r, budget, label, epochs, source, err);
  }
  if (status || r->columns) return status;
  return nsw_usage(err,
                   "the benchmark has no such data set, split and epochs: there are cifar10-valid, cifar10, cifar100, "
                   "ImageNet16-120; train, x-valid, x-test, ori-test, seconds; up to %d epochs",
                   bench->epochs[bench->budgets - 1]);
}

bool nsw_nb201_needs(const struct nsw_nb201_results *r, int64_t epoch) {
  for (int c = 0; c < r->columns; c++)
    if (r->column[c].curve || r->column[c].epochs - 1 == epoch) return true;
  return false;
}

/* ---- one run ---- */

static int seed_place(int64_t seed) {
  int i = 0;
  while (i < NSW_NB201_SEEDS && seeds[i] != seed) i++;
  return i;
}

/* The value of a dict by number of epoch; the last pair is looked at first, which most often is it. */
static const struct nsw_value *at_epoch(const struct nsw_value *dict, int64_t wanted) {
  for (size_t i = nsw_value_count(dict); i-- > 0;) {
    int64_t epoch;
    if (nsw_value_integer(nsw_value_key(dict, i), &epoch) && epoch == wanted) return nsw_value_at(dict, i);
  }
  return NULL;
}

/* Number of a split after the epoch (from 0) from the dicts of that kind, "acc1es" or "losses"; false where it was not
 * measured. */
static bool measured(const struct nsw_value *result, const char *kind, const char *split, int64_t epoch,
                     double *value) {
  char name[64], key[64];
  bool train = !strcmp(split, "train");
  snprintf(name, sizeof name, "%s_%s", train ? "train" : "eval", kind);
  snprintf(key, sizeof key, "%s@%lld", split, (long long)epoch);
  const struct nsw_value *dict = nsw_value_get(result, name);
  return nsw_value_real(train ? at_epoch(dict, epoch) : nsw_value_get(dict, key), value) && isfinite(*value);
}

/* Seconds of training the first `epochs`; false where they are not all there. */
static bool training_seconds(const struct nsw_value *result, int epochs, double *sum) {
  const struct nsw_value *dict = nsw_value_get(result, "train_times");
  int found = 0;
  *sum = 0;
  for (size_t i = 0; i < nsw_value_count(dict); i++) {
    int64_t epoch;
    double seconds;
    if (!nsw_value_integer(nsw_value_key(dict, i), &epoch) || epoch < 0 || epoch >= epochs) continue;
    if (!nsw_value_real(nsw_value_at(dict, i), &seconds) || !(seconds >= 0) || !isfinite(seconds)) return false;
    *sum += seconds;
    found++;
  }
  return found == epochs;
}

static bool latency(const struct nsw_value *result, double *mean) {
  const struct nsw_value *list = nsw_value_get(result, "latency");
  double sum = 0, one;
  size_t n = nsw_value_count(list);
  for (size_t i = 0; i < n; i++) {
    if (!nsw_value_real(nsw_value_item(list, i), &one) || !isfinite(one)) return false;
    sum += one;
  }
  *mean = n ? sum / (double)n : NAN;
  return n > 0;
}

static bool find_value(const struct nsw_nb201_column *c, const struct nsw_value *result, double *value) {
  const char *split = labels[c->label].split;
  switch (c->what) {
    case NSW_NB201_ACCURACY:
      return measured(result, "acc1es", split, c->epochs - 1, value);
    case NSW_NB201_LOSS:
      return measured(result, "losses", split, c->epochs - 1, value);
    case NSW_NB201_EVAL:
      return measured(result, "times", split, c->epochs - 1, value);
    case NSW_NB201_SECONDS:
      return training_seconds(result, c->epochs, value);
    case NSW_NB201_LATENCY:
      return latency(result, value);
  }
  return false;
}

/* The dicts by epoch that a curve is read from. */
static const char *dicts_of(enum nsw_nb201_what what) {
  return what == NSW_NB201_ACCURACY ? "acc1es" : what == NSW_NB201_LOSS ? "losses" : "times";
}

static bool is_percentage(double value) { return value >= 0 && value <= 100.000001; }

/* One run's points into the sums of a curve. */
static bool take_curve(const struct nsw_nb201_column *c, const struct nsw_value *result, size_t row) {
  for (int epoch = 0; epoch < c->epochs; epoch++) {
    size_t at = row * (size_t)c->epochs + (size_t)epoch;
    double value;
    if (!measured(result, dicts_of(c->what), labels[c->label].split, epoch, &value)) continue;
    if (c->what == NSW_NB201_ACCURACY && !is_percentage(value)) return false;
    c->curve[at] = (float)(c->seeds[at] ? c->curve[at] + value : value);
    c->seeds[at]++;
  }
  return true;
}

/* The costs that the run states against ours. Published multiply-adds count the classifier's bias too. */
static void compare_costs(struct nsw_nb201_results *r, const struct nsw_value *result, const char *dataset,
                          size_t row) {
  const struct nsw_space *space = r->request->opened;
  double params, flops;
  if (!space || !nsw_value_real(nsw_value_get(result, "params"), &params) ||
      !nsw_value_real(nsw_value_get(result, "flop"), &flops))
    return;
  bool imagenet = !strcmp(dataset, "ImageNet16-120");
  int classes = imagenet ? 120 : !strcmp(dataset, "cifar100") ? 100 : 10;
  struct nsw_macro macro =
      nsw_space_macro(space, (struct nsw_macro){.classes = classes, .resolution = imagenet ? 16 : 32});
  uint64_t own_params, own_macs;
  nsw_space_count_both(space, r->table->index[row], &macro, &own_params, &own_macs);
  r->compared++;
  r->other_params += !(fabs(params * 1e6 - (double)own_params) < 0.5);
  r->other_flops += !(fabs(flops * 1e6 - (double)own_macs - classes) < 0.5);
}

static int check_run(const struct nsw_nb201_results *r, const struct nsw_value *key, const struct nsw_value *result,
                     int budget, const char *name, int *place, struct nsw_error *err) {
  static const char *const dicts[] = {"eval_acc1es", "train_acc1es", "eval_losses", "train_losses",
                                      "eval_times",  "train_times",  "latency",     NULL};
  const struct nsw_value *dataset = nsw_value_item(key, 0);
  int64_t seed, epochs;
  if (nsw_value_count(key) != 2 || !nsw_value_text(dataset) || !nsw_value_integer(nsw_value_item(key, 1), &seed))
    return nsw_fail(err, "%s: a key of all_results is no pair of data set and seed", name);
  bool many = nsw_value_count(result) > NSW_NB201_ENTRIES;
  for (int i = 0; !many && dicts[i]; i++) many = nsw_value_count(nsw_value_get(result, dicts[i])) > NSW_NB201_ENTRIES;
  if (many) return nsw_fail(err, "%s: a training run with more than %d entries", name, NSW_NB201_ENTRIES);
  *place = seed_place(seed);
  if (*place == NSW_NB201_SEEDS)
    return nsw_fail(err, "%s: seed %lld is not one of the benchmark's", name, (long long)seed);
  if (!nsw_value_integer(nsw_value_get(result, "epochs"), &epochs) || epochs != r->bench->epochs[budget])
    return nsw_fail(err, "%s: the result of %.40s, seed %lld, is not one of %d epochs", name, nsw_value_text(dataset),
                    (long long)seed, r->bench->epochs[budget]);
  int label = 0;
  while (label < LABELS && !nsw_value_is(dataset, labels[label].dataset)) label++;
  if (label < LABELS) return NSW_OK;
  return nsw_fail(err, "%s: data set %.40s is not one of the benchmark's", name, nsw_value_text(dataset));
}

/* One training run: its numbers into the row's place for the seed. */
static int take_run(struct nsw_nb201_results *r, const struct nsw_value *key, const struct nsw_value *result,
                    int budget, size_t row, const char *name, struct nsw_error *err) {
  const struct nsw_value *dataset = nsw_value_item(key, 0);
  int place = 0, status = check_run(r, key, result, budget, name, &place, err);
  if (status) return status;
  r->runs[budget]++;
  compare_costs(r, result, nsw_value_text(dataset), row);
  for (int i = 0; i < r->columns; i++) {
    const struct nsw_nb201_column *c = &r->column[i];
    double value = NAN;
    if (c->budget != budget || !nsw_value_is(dataset, labels[c->label].dataset)) continue;
    bool there = c->curve ? false : find_value(c, result, &value);
    bool percent =
        c->curve ? take_curve(c, result, row) : c->what != NSW_NB201_ACCURACY || !there || is_percentage(value);
    if (!percent)
      return nsw_fail(err, "%s: the accuracy of %s, %s, seed %lld, is no percentage: %g", name,
                      labels[c->label].dataset, labels[c->label].split, (long long)seeds[place], value);
    if (c->curve) continue;
    if (there)
      c->by_repeat[row * NSW_NB201_SEEDS + (size_t)place] = value;
    else if (c->what == NSW_NB201_ACCURACY)
      r->report->unknown++;
  }
  return NSW_OK;
}

/* ---- one architecture ---- */

int nsw_nb201_take(struct nsw_nb201_results *r, const struct nsw_value *info, int budget, int64_t index,
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
  int status = NSW_OK;
  if (r->seen[row] & 1 << budget)
    return nsw_fail(err, "%s: architecture %lld is there twice with %d epochs", name, (long long)own,
                    r->bench->epochs[budget]);
  r->seen[row] |= (uint8_t)(1 << budget);
  if (nsw_value_count(runs) > MOST_RUNS)
    return nsw_fail(err, "%s: %zu training runs where the benchmark has at most %d", name, nsw_value_count(runs),
                    MOST_RUNS);
  for (size_t i = 0; !status && i < nsw_value_count(runs); i++)
    status = take_run(r, nsw_value_key(runs, i), nsw_value_at(runs, i), budget, (size_t)row, name, err);
  r->report->matched++;
  return status;
}

/* ---- the end ---- */

static void finish_column(const struct nsw_nb201_column *c, size_t rows) {
  for (size_t row = 0; c->mean && row < rows; row++) {
    double sum = 0, count = 0;
    for (size_t i = 0; i < NSW_NB201_SEEDS; i++) {
      double one = c->by_repeat[row * NSW_NB201_SEEDS + i];
      if (!isnan(one)) sum += one, count++;
    }
    if (count > 0) c->mean[row] = sum / count;
  }
  for (size_t i = 0; c->curve && i < rows * (size_t)c->epochs; i++)
    if (c->seeds[i] > 1) c->curve[i] /= c->seeds[i];
}

void nsw_nb201_finish(struct nsw_nb201_results *r) {
  static const char *const runs[] = {"training runs of the shortest budget", "of the next", "of the longest"};
  for (int i = 0; i < r->columns; i++) finish_column(&r->column[i], r->table->rows);
  r->report->more[0] = (struct nsw_truth_count){"training runs of 12 epochs", r->runs[0]};
  r->report->more[1] = (struct nsw_truth_count){"of 200", r->runs[1]};
  for (int b = 0; r->bench->budgets == 3 && b < 3; b++)
    r->report->more[b] = (struct nsw_truth_count){runs[b], r->runs[b]};
  r->report->more[4] = (struct nsw_truth_count){"runs whose parameters and FLOPs were compared with ours", r->compared};
  r->report->more[5] = (struct nsw_truth_count){"of them with other parameters", r->other_params};
  r->report->more[6] = (struct nsw_truth_count){"with other FLOPs", r->other_flops};
}

void nsw_nb201_end(struct nsw_nb201_results *r) {
  for (int i = 0; i < r->columns; i++) {
    free(r->column[i].seeds);
    r->column[i].seeds = NULL;
  }
  free(r->seen);
  r->seen = NULL;
}
