#include "truth/nb101_tfrecord.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/tfrecord.h"
#include "space/cell.h"
#include "truth/nb101_record.h"

enum { REPEATS = 3, BUDGETS = 8, VALUES = 8 };

/* Bytes of a file, unpacked: the largest published one has 2 * 10^9. */
#define MOST_BYTES (UINT64_C(64) << 30)

/* The values of one training run, in the order of names[]. */
static const char *const names[VALUES] = {"test",      "valid",      "train",      "seconds",
                                          "test-half", "valid-half", "train-half", "seconds-half"};

/* The columns of one number of epochs. */
struct budget {
  unsigned epochs;
  uint64_t records;
  uint64_t full;             /* architectures with all three repeats */
  double *by_repeat[VALUES]; /* [rows][REPEATS], the table's own */
  double *mean[VALUES];      /* [rows], the table's own */
  uint8_t *repeats;          /* [rows] how many there are */
};

/* One import. */
struct import {
  const struct nsw_truth_request *request;
  struct nsw_table *table;
  const struct nsw_lookup *lookup;
  struct nsw_truth_report *report;
  struct nsw_error *err;
  struct budget budget[BUDGETS];
  unsigned budgets;
  unsigned other_epochs; /* of the last record left out */
  uint64_t parameters_differ, cells_renumbered, cells_differ, epochs_differ, other_budgets;
  char hash[33]; /* of the record before, whose row is: records of one architecture often follow each other */
  int64_t row;
};

/* Whether the split is one of ours, with or without epochs. */
static bool knows_split(const char *split) {
  for (int value = 0; value < VALUES; value++) {
    size_t size = strlen(names[value]), digits;
    if (strncmp(split, names[value], size)) continue;
    if (!split[size]) return true;
    digits = split[size] == '-' ? strspn(split + size + 1, "0123456789") : 0;
    if (digits && !strcmp(split + size + 1 + digits, "ep")) return true;
  }
  return false;
}

static int add_columns(struct import *in, struct budget *budget) {
  for (int value = 0; value < VALUES; value++) {
    char split[64];
    struct nsw_accuracy *column;
    if (!nsw_truth_wants_split(in->request, names[value], (int)budget->epochs)) continue;
    snprintf(split, sizeof split, "%s-%uep", names[value], budget->epochs);
    int status = nsw_table_add_accuracy(in->table, "cifar10", split, REPEATS, &column, in->err);
    if (status) return status;
    budget->mean[value] = column->value;
    budget->by_repeat[value] = column->by_repeat;
    struct nsw_attributes *attributes = &column->attributes;
    status = nsw_attributes_setf(attributes, in->err, "epochs", "%u", budget->epochs);
    if (!status) status = nsw_attributes_setf(attributes, in->err, "repeats", "%d", REPEATS);
    if (!status) status = nsw_attributes_set(attributes, "unit", value % 4 == 3 ? "seconds" : "percent", in->err);
    if (!status)
      status = nsw_attributes_set(attributes, "source",
                                  "NAS-Bench-101 TFRecord file; half: measured half-way through the same run", in->err);
    if (status) return status;
  }
  budget->repeats = calloc(in->table->rows, 1);
  return budget->repeats ? NSW_OK : nsw_fail(in->err, "not enough memory for %zu architectures", in->table->rows);
}

/* The columns of that many epochs, made when first met. */
static int find_budget(struct import *in, unsigned epochs, struct budget **budget) {
  for (unsigned i = 0; i < in->budgets; i++) {
    *budget = &in->budget[i];
    if ((*budget)->epochs == epochs) return NSW_OK;
  }
  if (in->budgets == BUDGETS) return nsw_fail(in->err, "a ninth number of epochs, %u", epochs);
  *budget = &in->budget[in->budgets++];
  (*budget)->epochs = epochs;
  return add_columns(in, *budget);
}

static int64_t find_row(struct import *in, const char *hash) {
  if (memcmp(in->hash, hash, 32)) {
    memcpy(in->hash, hash, 32);
    in->row = nsw_lookup_id(in->lookup, hash, 32);
  }
  return in->row;
}

/* The cell as text that nsw_space_find reads: rows of the matrix joined by '|', a blank, operations joined by ','. */
static void write_cell(const struct nsw_cell *cell, char text[256]) {
  static const char *const ops[NSW_OPS] = {[NSW_OP_INPUT] = "input",
                                           [NSW_OP_OUTPUT] = "output",
                                           [NSW_OP_CONV1] = "conv1x1",
                                           [NSW_OP_CONV3] = "conv3x3",
                                           [NSW_OP_MAXPOOL3] = "maxpool3x3"};
  char *to = text;
  for (int from = 0; from < cell->vertices; from++) {
    if (from) *to++ = '|';
    for (int at = 0; at < cell->vertices; at++)
      *to++ = at > from && (cell->edges >> nsw_edge(from, at) & 1) ? '1' : '0';
  }
  *to++ = ' ';
  for (int v = 0; v < cell->vertices; v++) to += sprintf(to, "%s%s", v ? "," : "", ops[cell->vertex_op[v]]);
}

/* The record's own cell and parameter count against ours. A cell numbered otherwise than the official one can have a
 * few parameters more or fewer (a remainder of channels goes by vertex number), so only the others' counts are
 * compared. */
static void compare(struct import *in, const struct nsw_nb101_record *record, size_t row) {
  struct nsw_cell cell;
  char text[256];
  uint32_t found;
  double end = record->evaluation[2].epoch, half = record->evaluation[1].epoch, epochs = record->epochs;
  if (!(fabs(end - epochs) < 1) || !(fabs(half - epochs / 2) < 1)) in->epochs_differ++;
  if (!in->request->opened) return;
  nsw_space_cell(in->request->opened, in->table->index[row], &cell);
  if (cell.vertices == record->cell.vertices && cell.edges == record->cell.edges &&
      !memcmp(cell.vertex_op, record->cell.vertex_op, (size_t)cell.vertices)) {
    in->parameters_differ += record->parameters != in->table->params[row];
    return;
  }
  write_cell(&record->cell, text);
  bool same = !nsw_space_find(in->request->opened, text, &found, NULL) && found == in->table->index[row];
  if (same)
    in->cells_renumbered++;
  else
    in->cells_differ++;
}

/* An accuracy as percent; NaN, counted, where there is none. False for what is no accuracy. */
static bool percent(struct import *in, double fraction, double *value) {
  *value = NAN;
  if (!isfinite(fraction))
    in->report->unknown++;
  else if (fraction < 0 || fraction > 1)
    return false;
  else
    *value = 100 * fraction;
  return true;
}

static const char *store(struct import *in, const struct nsw_nb101_record *record, struct budget *budget, size_t row) {
  double values[VALUES];
  for (int half = 0; half < 2; half++) {
    const struct nsw_nb101_evaluation *e = &record->evaluation[half ? 1 : 2];
    double *to = values + 4 * half;
    if (!percent(in, e->test, &to[0]) || !percent(in, e->valid, &to[1]) || !percent(in, e->train, &to[2]))
      return "an accuracy is not between 0 and 1";
    to[3] = isfinite(e->seconds) ? e->seconds : NAN;
  }
  if (budget->repeats[row] == REPEATS) return "it is the fourth of its architecture and epochs";
  size_t at = row * REPEATS + budget->repeats[row]++;
  for (int value = 0; value < VALUES; value++)
    if (budget->by_repeat[value]) budget->by_repeat[value][at] = values[value];
  return NULL;
}

static int bad_record(const struct import *in, const struct nsw_tfrecord *file, const char *path, const char *what) {
  return nsw_fail(in->err, "%s: record %llu, at byte %llu: %s", path, (unsigned long long)nsw_tfrecord_number(file),
                  (unsigned long long)nsw_tfrecord_offset(file), what);
}

static int take_record(struct import *in, const struct nsw_tfrecord *file, const char *path, char *json, size_t size) {
  struct nsw_nb101_record record;
  struct budget *budget;
  in->report->records++;
  const char *what = nsw_nb101_record_parse(json, size, &record);
  if (what) return bad_record(in, file, path, what);
  if (in->request->epochs && (unsigned)in->request->epochs != record.epochs) {
    in->other_budgets++;
    in->other_epochs = record.epochs;
    return NSW_OK;
  }
  int64_t row = find_row(in, record.hash);
  if (row < 0) {
    nsw_truth_unmatched(in->report, in->hash);
    return NSW_OK;
  }
  int status = find_budget(in, record.epochs, &budget);
  if (status) return status;
  compare(in, &record, (size_t)row);
  what = store(in, &record, budget, (size_t)row);
  if (what) return bad_record(in, file, path, what);
  budget->records++;
  in->report->matched++;
  return NSW_OK;
}

static int take_file(struct import *in, const char *path) {
  struct nsw_input *input = NULL;
  struct nsw_tfrecord *file = NULL;
  bool end = false;
  int status = nsw_input_open(path, MOST_BYTES, &input, in->err);
  if (!status) status = nsw_tfrecord_open(input, &file, in->err);
  while (!status && !end) {
    char *json;
    size_t size;
    status = nsw_tfrecord_next(file, &json, &size, &end, in->err);
    if (!status && !end) status = take_record(in, file, path, json, size);
  }
  nsw_tfrecord_close(&file);
  nsw_input_close(&input);
  return status;
}

/* Means over the repeats that are there, and how many have all. */
static void finish_budget(struct budget *budget, size_t rows) {
  for (size_t row = 0; row < rows; row++) budget->full += budget->repeats[row] == REPEATS;
  for (int value = 0; value < VALUES; value++)
    for (size_t row = 0; budget->mean[value] && row < rows; row++) {
      double sum = 0, count = 0;
      for (size_t i = 0; i < REPEATS; i++) {
        double one = budget->by_repeat[value][row * REPEATS + i];
        if (!isnan(one)) sum += one, count++;
      }
      if (count > 0) budget->mean[value][row] = sum / count;
    }
}

static void say(const struct import *in) {
  char *text = in->report->said;
  size_t size = sizeof in->report->said, used = 0;
  for (unsigned i = 0; i < in->budgets && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%u epochs: %llu records, %llu architectures with %d repeats. ",
                             in->budget[i].epochs, (unsigned long long)in->budget[i].records,
                             (unsigned long long)in->budget[i].full, REPEATS);
  if (used < size && in->other_budgets)
    used += (size_t)snprintf(text + used, size - used, "%llu records of other numbers of epochs left out. ",
                             (unsigned long long)in->other_budgets);
  if (used < size)
    snprintf(text + used, size - used,
             "Against our own enumeration %llu records have another cell than their hash says, %llu its vertices in "
             "another order, and of the rest %llu another parameter count. %llu were not measured half-way and at the "
             "end.",
             (unsigned long long)in->cells_differ, (unsigned long long)in->cells_renumbered,
             (unsigned long long)in->parameters_differ, (unsigned long long)in->epochs_differ);
}

static int read_nb101(const struct nsw_truth_request *request, struct nsw_table *table, const struct nsw_lookup *lookup,
                      struct nsw_truth_report *report, struct nsw_error *err) {
  struct import in = {.request = request, .table = table, .lookup = lookup, .report = report, .err = err, .row = -1};
  int status = NSW_OK;
  if (!nsw_truth_wants_dataset(request, "cifar10"))
    return nsw_usage(err, "NAS-Bench-101 has cifar10 only, not %s", request->dataset);
  if (request->split && !knows_split(request->split))
    return nsw_usage(
        err,
        "NAS-Bench-101 has no split %s: there are test, valid, train, seconds, and each half-way: test-half, "
        "...",
        request->split);
  for (size_t i = 0; !status && i < request->path_count; i++) status = take_file(&in, request->paths[i]);
  for (unsigned i = 0; i < in.budgets; i++) {
    if (!status) finish_budget(&in.budget[i], table->rows);
    free(in.budget[i].repeats);
  }
  if (!status && in.other_budgets && !report->matched)
    status =
        nsw_fail(err, "%s: no record of %d epochs; there are %u", request->paths[0], request->epochs, in.other_epochs);
  if (!status) say(&in);
  return status;
}

const struct nsw_truth_format nsw_truth_nb101_tfrecord = {
    .name = "nb101-tfrecord",
    .summary = "NAS-Bench-101: nasbench_only108.tfrecord or nasbench_full.tfrecord",
    .space = "nb101",
    .read = read_nb101,
};
