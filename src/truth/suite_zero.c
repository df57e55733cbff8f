/* The layout: {data set: {key: {"val_accuracy": %, PROXY: {"score": x, "time": seconds}, ...}}}. In nb101 many keys are
 * one cell, once what reaches no output is pruned; their values are averaged. */
#include "truth/suite_zero.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/json.h"
#include "nasweep/proxy.h"

enum {
  COLUMNS = 128,
  NAME = 64,
  CODES_201 = 6,
  VERTICES_101 = 7,
  CODES_101 = VERTICES_101 * VERTICES_101 + VERTICES_101
};

/* One proxy, or the accuracy, of one data set. Sums until the end, then means. */
struct column {
  char dataset[NAME];
  char name[NAME]; /* of the proxy; empty for the accuracy */
  double *value;   /* [rows], the table's own */
  uint8_t *status; /* [rows], the table's own; NULL for the accuracy */
  float *seconds;  /* likewise */
  uint16_t *keys;  /* [rows] how many keys gave a value */
};

/* One import. */
struct import {
  const struct nsw_truth_request *request;
  struct nsw_table *table;
  const struct nsw_lookup *lookup;
  struct nsw_truth_report *report;
  struct nsw_error *err;
  struct nsw_json *json;
  const char *path;
  struct column column[COLUMNS];
  size_t columns;
  char dataset[NAME]; /* that is being read */
};

/* ---- keys ---- */

static const char *cell_201(const uint8_t *codes, char text[256]) {
  static const char *const ops[5] = {"skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3"};
  for (int i = 0; i < CODES_201; i++)
    if (codes[i] > 4) return NULL;
  snprintf(text, 256, "|%s~0|+|%s~0|%s~1|+|%s~0|%s~1|%s~2|", ops[codes[0]], ops[codes[1]], ops[codes[3]], ops[codes[2]],
           ops[codes[4]], ops[codes[5]]);
  return "nb201";
}

static const char *cell_101(const uint8_t *codes, char text[256]) {
  static const char *const ops[5] = {"input", "output", "maxpool3x3", "conv1x1", "conv3x3"};
  char *to = text;
  for (int row = 0; row < VERTICES_101; row++) {
    if (row) *to++ = '|';
    for (int column = 0; column < VERTICES_101; column++) {
      uint8_t digit = codes[row * VERTICES_101 + column];
      if (digit > 1) return NULL;
      *to++ = (char)('0' + digit);
    }
  }
  *to++ = ' ';
  for (int v = 0; v < VERTICES_101; v++) {
    uint8_t code = codes[VERTICES_101 * VERTICES_101 + v];
    if (code > 4) return NULL;
    to += sprintf(to, "%s%s", v ? "," : "", ops[code]);
  }
  return "nb101";
}

const char *nsw_suite_zero_cell(const char *key, char text[256]) {
  uint8_t codes[CODES_101];
  size_t n = 0;
  for (; *key; key++) {
    if (strchr(" ,()[]", *key)) continue;
    if (*key < '0' || *key > '9' || n == CODES_101) return NULL;
    codes[n++] = (uint8_t)(*key - '0');
  }
  return n == CODES_201 ? cell_201(codes, text) : n == CODES_101 ? cell_101(codes, text) : NULL;
}

/* Row of a key's cell, -1 where the table does not have it. */
static int find_row(struct import *in, const char *key, int64_t *row) {
  char text[256];
  uint32_t index;
  const char *space = nsw_suite_zero_cell(key, text);
  *row = -1;
  if (!space)
    return nsw_fail(in->err, "%s: JSON, byte %llu: a key that is no architecture", in->path,
                    (unsigned long long)nsw_json_offset(in->json));
  if (strcmp(space, in->table->space)) return NSW_OK;
  if (!strcmp(space, "nb201"))
    *row = nsw_lookup_id(in->lookup, text, strlen(text));
  else if (in->request->opened && !nsw_space_find(in->request->opened, text, &index, NULL))
    *row = nsw_lookup_index(in->lookup, index);
  return NSW_OK;
}

/* ---- columns ---- */

static int add_score(struct import *in, struct column *column) {
  struct nsw_score *score;
  char name[2 * NAME + 16];
  bool first = !strcmp(column->dataset, "cifar10");
  snprintf(name, sizeof name, "suite_zero.%s%s%s", column->name, first ? "" : ".", first ? "" : column->dataset);
  int status = nsw_table_add_score(in->table, name, 1, 1, &score, in->err);
  if (status) return status;
  column->value = score->value;
  column->status = score->status;
  column->seconds = score->seconds;
  status = nsw_attributes_setf(&score->attributes, in->err, "long_name", "%s as published", column->name);
  if (!status) status = nsw_attributes_set(&score->attributes, "dataset", column->dataset, in->err);
  return status ? status
                : nsw_attributes_set(&score->attributes, "source", "NAS-Bench-Suite-Zero (arXiv 2210.03230)", in->err);
}

static int add_accuracy(struct import *in, struct column *column) {
  struct nsw_accuracy *accuracy;
  int status = nsw_table_add_accuracy(in->table, column->dataset, "valid-suite-zero", 1, &accuracy, in->err);
  if (status) return status;
  column->value = accuracy->value;
  status = nsw_attributes_set(&accuracy->attributes, "unit", "percent", in->err);
  return status ? status
                : nsw_attributes_set(&accuracy->attributes, "source",
                                     "NAS-Bench-Suite-Zero (arXiv 2210.03230), val_accuracy as published", in->err);
}

/* The column of a proxy (or, with an empty name, the accuracy) on the current data set, made when first met. */
static int find_column(struct import *in, const char *name, struct column **column) {
  for (size_t i = 0; i < in->columns; i++) {
    *column = &in->column[i];
    if (!strcmp((*column)->name, name) && !strcmp((*column)->dataset, in->dataset)) return NSW_OK;
  }
  if (in->columns == COLUMNS) return nsw_fail(in->err, "%s: more than %d columns", in->path, COLUMNS);
  *column = &in->column[in->columns];
  **column = (struct column){.keys = calloc(in->table->rows, sizeof *(*column)->keys)};
  if (!(*column)->keys) return nsw_fail(in->err, "%s: not enough memory", in->path);
  in->columns++;
  strcpy((*column)->dataset, in->dataset);
  strcpy((*column)->name, name);
  return *name ? add_score(in, *column) : add_accuracy(in, *column);
}

static void add_value(struct column *column, size_t row, double value, double seconds) {
  if (column->keys[row] == UINT16_MAX) return;
  bool first = !column->keys[row]++;
  column->value[row] = first ? value : column->value[row] + value;
  if (!column->status) return;
  column->status[row] = NSW_ROW_SCORED;
  column->seconds[row] = (float)(first ? seconds : (double)column->seconds[row] + seconds);
}

/* ---- the file ---- */

static int next(struct import *in, enum nsw_json_token *token) { return nsw_json_next(in->json, token, in->err); }

static int unexpected(struct import *in, const char *what) {
  return nsw_fail(in->err, "%s: JSON, byte %llu: %s", in->path, (unsigned long long)nsw_json_offset(in->json), what);
}

/* A short word that can name a column. */
static bool is_name(const char *text) {
  size_t n = strlen(text);
  return n && n < NAME && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == n;
}

/* {"score": x, "time": s}; there may be no score. */
static int take_proxy(struct import *in, const char *name, int64_t row) {
  enum nsw_json_token token;
  double score = NAN, seconds = 0;
  struct column *column;
  int status;
  while (!(status = next(in, &token)) && token == NSW_JSON_KEY) {
    double *to = !strcmp(nsw_json_text(in->json), "score")  ? &score
                 : !strcmp(nsw_json_text(in->json), "time") ? &seconds
                                                            : NULL;
    status = next(in, &token);
    if (!status && to && token == NSW_JSON_NUMBER)
      *to = nsw_json_number(in->json);
    else if (!status)
      status = nsw_json_skip(in->json, token, in->err);
    if (status) return status;
  }
  if (status || row < 0) return status;
  if (isnan(score)) {
    in->report->unknown++;
    return NSW_OK;
  }
  status = find_column(in, name, &column);
  if (!status) add_value(column, (size_t)row, score, seconds);
  return status;
}

static int take_accuracy(struct import *in, int64_t row) {
  struct column *column;
  double value = nsw_json_number(in->json);
  if (value < 0 || value > 100) return unexpected(in, "an accuracy that is no percentage");
  if (row < 0) return NSW_OK;
  int status = find_column(in, "", &column);
  if (!status) add_value(column, (size_t)row, value, 0);
  return status;
}

/* One architecture. */
static int take_architecture(struct import *in) {
  enum nsw_json_token token;
  int64_t row;
  int status = find_row(in, nsw_json_text(in->json), &row);
  if (status) return status;
  in->report->records++;
  if (row < 0)
    nsw_truth_unmatched(in->report, nsw_json_text(in->json));
  else
    in->report->matched++;
  if ((status = next(in, &token))) return status;
  if (token != NSW_JSON_OBJECT) return unexpected(in, "an architecture without values");
  while (!(status = next(in, &token)) && token == NSW_JSON_KEY) {
    char name[NAME] = "";
    if (is_name(nsw_json_text(in->json))) strcpy(name, nsw_json_text(in->json));
    if ((status = next(in, &token))) return status;
    if (token == NSW_JSON_OBJECT && *name)
      status = take_proxy(in, name, row);
    else if (token == NSW_JSON_NUMBER && !strcmp(name, "val_accuracy"))
      status = take_accuracy(in, row);
    else
      status = nsw_json_skip(in->json, token, in->err);
    if (status) return status;
  }
  return status;
}

static int take_dataset(struct import *in) {
  enum nsw_json_token token;
  if (!is_name(nsw_json_text(in->json))) return unexpected(in, "a data set's name was to be here");
  strcpy(in->dataset, nsw_json_text(in->json));
  int status = next(in, &token);
  if (status) return status;
  if (in->request->dataset && strcmp(in->request->dataset, in->dataset)) return nsw_json_skip(in->json, token, in->err);
  if (token != NSW_JSON_OBJECT) return unexpected(in, "a data set without architectures");
  while (!(status = next(in, &token)) && token == NSW_JSON_KEY)
    if ((status = take_architecture(in))) return status;
  return status;
}

static int take_file(struct import *in, const char *path) {
  struct nsw_input *input = NULL;
  enum nsw_json_token token;
  in->path = path;
  int status = nsw_input_file(path, 0, NSW_TO_THE_END, &input, in->err);
  if (!status) status = nsw_json_open(input, &in->json, in->err);
  if (!status && !(status = next(in, &token)) && token != NSW_JSON_OBJECT)
    status = unexpected(in, "not an object of data sets");
  while (!status && !(status = next(in, &token)) && token == NSW_JSON_KEY) status = take_dataset(in);
  if (!status) status = next(in, &token);
  nsw_json_close(&in->json);
  nsw_input_close(&input);
  return status;
}

/* Sums into means; accuracies given as fractions into percent. */
static void finish(struct import *in) {
  uint16_t most = 0;
  bool fractions = false;
  for (size_t c = 0; c < in->columns; c++) {
    struct column *column = &in->column[c];
    double largest = 0;
    for (size_t row = 0; row < in->table->rows; row++) {
      if (!column->keys[row]) continue;
      column->value[row] /= column->keys[row];
      if (column->seconds) column->seconds[row] /= column->keys[row];
      if (column->keys[row] > most) most = column->keys[row];
      if (column->value[row] > largest) largest = column->value[row];
    }
    if (column->status || largest > 1) continue;
    fractions = true;
    for (size_t row = 0; row < in->table->rows; row++) column->value[row] *= 100;
  }
  snprintf(in->report->said, sizeof in->report->said,
           "%zu columns; up to %u keys are one architecture, their values averaged.%s", in->columns, most,
           fractions ? " Accuracies were taken as fractions, none being above 1." : "");
}

static int read_suite_zero(const struct nsw_truth_request *request, struct nsw_table *table,
                           const struct nsw_lookup *lookup, struct nsw_truth_report *report, struct nsw_error *err) {
  struct import *in = calloc(1, sizeof *in);
  int status = NSW_OK;
  if (!in) return nsw_fail(err, "not enough memory");
  *in = (struct import){.request = request, .table = table, .lookup = lookup, .report = report, .err = err};
  for (size_t i = 0; !status && i < request->path_count; i++) status = take_file(in, request->paths[i]);
  if (!status) finish(in);
  for (size_t c = 0; c < in->columns; c++) free(in->column[c].keys);
  free(in);
  return status;
}

/* The space of the first architecture. */
static int guess(const struct nsw_truth_request *request, const char **space, struct nsw_error *err) {
  struct nsw_input *input = NULL;
  struct nsw_json *json = NULL;
  enum nsw_json_token token = NSW_JSON_NULL;
  char text[256];
  int keys = 0;
  int status = nsw_input_file(request->paths[0], 0, NSW_TO_THE_END, &input, err);
  if (!status) status = nsw_json_open(input, &json, err);
  while (!status && keys < 2 && !(status = nsw_json_next(json, &token, err)) &&
         (token == NSW_JSON_OBJECT || token == NSW_JSON_KEY))
    keys += token == NSW_JSON_KEY;
  *space = !status && keys == 2 ? nsw_suite_zero_cell(nsw_json_text(json), text) : NULL;
  if (!status && !*space)
    status = nsw_fail(err, "%s: its first key is no architecture of nb101 or nb201", request->paths[0]);
  nsw_json_close(&json);
  nsw_input_close(&input);
  return status;
}

const struct nsw_truth_format nsw_truth_suite_zero = {
    .name = "suite-zero",
    .summary = "NAS-Bench-Suite-Zero: zc_nasbench101.json, zc_nasbench201.json (scores and validation accuracies)",
    .guess = guess,
    .read = read_suite_zero,
};
