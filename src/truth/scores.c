#include "truth/scores.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/quote.h"
#include "nasweep/proxy.h"
#include "truth/collect.h"
#include "truth/csv.h"
#include "truth/layout.h"
#include "truth/records.h"
#include "truth/speller.h"

enum { SCORES = 128 };

/* One score and the field that it comes from. */
struct source {
  size_t field;
  char name[NSW_HEADER_NAME];
};

/* One file that is being read. */
struct import {
  const struct nsw_truth_request *request;
  struct nsw_truth_report *report;
  struct nsw_layout *layout;
  struct nsw_collect *collect; /* a score stands there as a split of its data set */
  struct nsw_speller *speller;
  struct nsw_records *records;
  struct nsw_error *err;
  struct source source[SCORES];
  size_t sources;
};

/* ---- which columns ---- */

static int add_source(struct import *in, size_t field, const char *name, size_t size) {
  char quoted[NSW_QUOTE_SIZE];
  if (in->sources == SCORES) return nsw_fail(in->err, "%s: more than %d scores", in->layout->path, SCORES);
  struct source *s = &in->source[in->sources++];
  s->field = field;
  if (size >= sizeof s->name) size = sizeof s->name - 1;
  for (size_t i = 0; i < size; i++)
    s->name[i] = isalnum((unsigned char)name[i]) || strchr("_-.", name[i]) ? name[i] : '_';
  s->name[size] = 0;
  if (*s->name && s->name[0] != '.') return NSW_OK;
  return nsw_usage(in->err, "'%s' cannot be the name of a score", nsw_quote(quoted, name));
}

/* NAME=COLUMN, or COLUMN alone. */
static int named_source(struct import *in, const char *wish, char **fields, size_t count) {
  const char *equals = strchr(wish, '='), *column = equals ? equals + 1 : wish;
  for (size_t i = 0; i < count; i++)
    if (!strcmp(fields[i], column)) return add_source(in, i, wish, equals ? (size_t)(equals - wish) : strlen(wish));
  return nsw_usage(in->err, "%s: no column is named %s (--column NAME=COLUMN: first the name of the score)",
                   in->layout->path, column);
}

static bool is_label(const struct nsw_layout *l, long i) {
  return i == l->id || i == l->index || i == l->adjacency || i == l->ops || i == l->dataset || i == l->split ||
         i == l->epochs || i == l->run;
}

/* All but labels and accuracies: fields of which the first record has a number. */
static int guess_sources(struct import *in, char *const *names, char **fields, size_t count) {
  for (size_t i = 0; i < count && i < in->layout->fields; i++) {
    struct nsw_header h;
    char *end;
    nsw_header_read(names[i], &h);
    strtod(fields[i], &end);
    if (is_label(in->layout, (long)i) || h.accuracy || !*names[i] || end == fields[i] || *end) continue;
    int status = add_source(in, i, names[i], strlen(names[i]));
    if (status) return status;
  }
  if (in->sources) return NSW_OK;
  return nsw_usage(in->err, "%s: no column of numbers but accuracies; name scores with --column NAME=COLUMN",
                   in->layout->path);
}

/* ---- records ---- */

static int put_value(struct import *in, const struct source *s, char *text, const char *dataset, int64_t run,
                     size_t row) {
  char quoted[NSW_QUOTE_SIZE], *end, *comma = strchr(text, ',');
  double *values;
  size_t place;
  if (comma && nsw_records_separator(in->records) != ',') *comma = '.';
  double value = strtod(text, &end);
  if (!*text || !strcasecmp(text, "none") || !strcasecmp(text, "null") || !strcasecmp(text, "na") || isnan(value)) {
    in->report->unknown++;
    return NSW_OK;
  }
  if (end == text || *end) return nsw_fail(in->err, "score %s: '%s' is not a number", s->name, nsw_quote(quoted, text));
  if (!isfinite(value)) {
    in->report->unknown++; /* a score is a number: who has infinity for a broken network has none */
    return NSW_OK;
  }
  int status = nsw_collect_find(in->collect, dataset, s->name, 0, in->layout->path, s->name, &place, in->err);
  if (!status) status = nsw_collect_run(in->collect, place, run, &values, in->err);
  if (status) return status;
  if (!isnan(values[row]))
    return nsw_fail(in->err, "score %s: the architecture is there twice%s", s->name,
                    run < 0 ? ": records of several runs need a column seed or run" : " with this seed");
  values[row] = value;
  return NSW_OK;
}

static int read_run(const struct import *in, char **fields, int64_t *run) {
  char quoted[NSW_QUOTE_SIZE], *end;
  *run = -1;
  if (in->layout->run < 0) return NSW_OK;
  const char *text = fields[in->layout->run];
  double value = strtod(text, &end);
  if (end == text || *end || !(value >= 0 && value <= 9e15) || value != floor(value))
    return nsw_fail(in->err, "seed '%s' is no whole number", nsw_quote(quoted, text));
  *run = (int64_t)value;
  return NSW_OK;
}

static int take_record(struct import *in, char **fields, size_t count) {
  const struct nsw_layout *l = in->layout;
  const char *dataset = l->dataset >= 0 ? fields[l->dataset] : "";
  char *key = NULL;
  int64_t row, run = -1;
  if (count != l->fields) return nsw_fail(in->err, "%zu fields where the header has %zu", count, l->fields);
  int status = nsw_layout_row(l, in->speller, fields, &row, &key, in->err);
  if (!status) status = read_run(in, fields, &run);
  if (status) {
    free(key);
    return status;
  }
  const char *known = nsw_dataset_named(dataset);
  if (known) dataset = known;
  if (*dataset && !nsw_truth_wants_dataset(in->request, dataset)) {
    free(key);
    return NSW_OK;
  }
  in->report->records++;
  if (row < 0)
    nsw_truth_unmatched(in->report, key);
  else
    in->report->matched++;
  free(key);
  for (size_t i = 0; i < in->sources && row >= 0 && !status; i++)
    status = put_value(in, &in->source[i], fields[in->source[i].field], dataset, run, (size_t)row);
  return status;
}

static int read_records(struct import *in, char *const *names) {
  const char *path = in->layout->path;
  char **fields;
  size_t count;
  for (bool first = true;; first = false) {
    int status = nsw_records_next(in->records, &fields, &count, in->err);
    if (status) return status;
    if (!count) return first ? nsw_fail(in->err, "%s: a header and no records", path) : NSW_OK;
    if (first && !in->sources) status = guess_sources(in, names, fields, count);
    if (!status) status = take_record(in, fields, count);
    if (status)
      return nsw_error_prefix(in->err, status, "%s: line %llu", path,
                              (unsigned long long)nsw_records_line(in->records));
  }
}

/* Copies of the header's names, in one block to be freed. */
static char **copy_names(char **fields, size_t count) {
  size_t size = count * sizeof *fields;
  for (size_t i = 0; i < count; i++) size += strlen(fields[i]) + 1;
  char **names = malloc(size + 1), *to = (char *)(names + count);
  for (size_t i = 0; names && i < count; i++) {
    names[i] = to;
    to = stpcpy(to, fields[i]) + 1;
  }
  return names;
}

static int take_file(struct import *in, const char *path) {
  char **fields, **names = NULL;
  size_t count = 0;
  in->sources = 0;
  int status = nsw_records_open(path, &in->records, in->err);
  if (!status) status = nsw_records_next(in->records, &fields, &count, in->err);
  if (!status && !count) status = nsw_fail(in->err, "%s: is empty", path);
  if (!status) status = nsw_layout_key(in->layout, in->request, path, fields, count, in->err);
  for (size_t i = 0; i < in->request->column_count && !status; i++)
    status = named_source(in, in->request->columns[i], fields, count);
  if (!status && !(names = copy_names(fields, count))) status = nsw_no_memory(in->err, "the column names of %s", path);
  if (!status) status = read_records(in, names);
  free(names);
  nsw_records_close(&in->records);
  return status;
}

/* ---- into the table ---- */

/* Whether the user says of the score that smaller is better. */
static int direction_of(const struct nsw_truth_request *request, const char *name) {
  for (size_t i = 0; i < request->smaller_count; i++)
    if (!strcmp(request->smaller[i], name)) return -1;
  return 1;
}

static int make_score(const struct import *in, const struct nsw_collected *c, struct nsw_table *table) {
  const char *file = strrchr(c->path, '/');
  char name[2 * NSW_COLLECT_NAME + 2];
  struct nsw_score *score;
  bool plain = !*c->dataset || !strcmp(c->dataset, "cifar10");
  snprintf(name, sizeof name, "%s%s%s", c->split, plain ? "" : ".", plain ? "" : c->dataset);
  int status = nsw_table_add_score(table, name, direction_of(in->request, c->split), c->runs, &score, in->err);
  if (status) return status;
  for (size_t i = 0; i < table->rows; i++) {
    double sum = 0, count = 0;
    for (size_t k = 0; k < c->runs; k++) {
      if (score->by_seed) score->by_seed[i * c->runs + k] = c->value[k][i];
      if (!isnan(c->value[k][i])) sum += c->value[k][i], count++;
    }
    if (!(count > 0)) continue;
    score->value[i] = sum / count;
    score->status[i] = NSW_ROW_SCORED;
  }
  file = file ? file + 1 : c->path;
  const char *source = in->request->source ? in->request->source : file;
  status = nsw_attributes_setf(&score->attributes, in->err, "long_name", "%s as in %s", c->header, file);
  if (!status && *c->dataset) status = nsw_attributes_set(&score->attributes, "dataset", c->dataset, in->err);
  return !status ? nsw_attributes_set(&score->attributes, "source", source, in->err) : status;
}

static int check_smaller(const struct import *in) {
  for (size_t i = 0; i < in->request->smaller_count; i++) {
    size_t k = 0;
    while (k < in->collect->columns && strcmp(in->collect->column[k].split, in->request->smaller[i])) k++;
    if (k == in->collect->columns)
      return nsw_usage(in->err, "--smaller %.60s: no score of that name", in->request->smaller[i]);
  }
  return NSW_OK;
}

static int scores_read(const struct nsw_truth_request *request, struct nsw_table *table,
                       const struct nsw_lookup *lookup, struct nsw_truth_report *report, struct nsw_error *err) {
  struct nsw_speller speller = {.table = table, .lookup = lookup, .opened = request->opened};
  struct import *in = calloc(1, sizeof *in);
  int status = in ? NSW_OK : nsw_no_memory(err, "a table of scores");
  if (!in) return status;
  *in = (struct import){.request = request, .report = report, .speller = &speller, .err = err};
  in->layout = malloc(sizeof *in->layout);
  in->collect = calloc(1, sizeof *in->collect);
  if (!in->layout || !in->collect) status = nsw_no_memory(err, "a table of scores");
  if (in->collect) in->collect->rows = table->rows;
  for (size_t i = 0; i < request->path_count && !status; i++) status = take_file(in, request->paths[i]);
  if (!status && report->matched) status = check_smaller(in);
  for (size_t i = 0; !status && i < in->collect->columns; i++) {
    const struct nsw_collected *c = &in->collect->column[i];
    status = make_score(in, c, table);
    if (!status)
      nsw_truth_say(report, "%s: score %s, %s is better%s", c->path, c->split,
                    direction_of(request, c->split) > 0 ? "larger" : "smaller", c->runs > 1 ? ", by seed" : "");
  }
  if (in->collect) nsw_collect_free(in->collect);
  nsw_speller_end(&speller);
  free(in->collect);
  free(in->layout);
  free(in);
  return status;
}

static int scores_guess(const struct nsw_truth_request *request, const char **space, struct nsw_error *err) {
  return nsw_truth_csv.guess(request, space, err);
}

const struct nsw_truth_format nsw_truth_scores = {
    .name = "scores",
    .summary = "scores of your own or published: any table that csv reads, its columns taken as scores",
    .guess = scores_guess,
    .read = scores_read,
};
