#include "truth/csv.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "truth/collect.h"
#include "truth/layout.h"
#include "truth/records.h"
#include "truth/speller.h"
#include "truth/suite_zero.h"

/* One file that is being read. */
struct import {
  const struct nsw_truth_request *request;
  struct nsw_truth_report *report;
  struct nsw_layout *layout;
  struct nsw_collect *collect;
  struct nsw_speller *speller;
  struct nsw_records *records;
  struct nsw_error *err;
  uint64_t other; /* records of data sets, splits or epochs that are not asked for */
};

/* ---- values ---- */

/* A plain decimal with at most 15 digits is an integer over a power of ten, both exact: one division rounds right.
 * Everything else goes the long way. Returns 0 a number, 1 unknown, -1 neither. */
static int parse_value(const char *text, double *value) {
  static const double tens[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  static const char unknown[] = " - na n/a none null nan ";
  uint64_t digits = 0;
  int count = 0, after = 0;
  bool point = false;
  const char *c = text;
  for (; (isdigit((unsigned char)*c) || (*c == '.' && !point)) && count < 16; c++) {
    if (*c == '.') {
      point = true;
    } else {
      digits = digits * 10 + (uint64_t)(*c - '0');
      count++;
      after += point;
    }
  }
  if (!*c && count && count <= 15) {
    *value = (double)digits / tens[after];
    return 0;
  }
  char *end, word[16] = " ";
  *value = strtod(text, &end);
  if (*text && end != text && (!*end || !strcmp(end, "%"))) return isnan(*value);
  for (size_t i = 0; text[i] && i + 3 < sizeof word; i++) {
    word[i + 1] = (char)tolower((unsigned char)text[i]);
    word[i + 2] = ' ';
    word[i + 3] = 0;
  }
  return !*text || (strlen(text) + 3 < sizeof word && strstr(unknown, word)) ? 1 : -1;
}

/* A decimal comma, as in tables separated by semicolons, becomes a point. */
static void point_for_comma(char *text) {
  char *comma = strchr(text, ',');
  if (comma && !strchr(comma + 1, ',') && !strchr(text, '.')) *comma = '.';
}

static int bad_value(const struct nsw_layout_column *c, const char *text, const char *what, struct nsw_error *err) {
  char quoted[NSW_QUOTE_SIZE];
  return nsw_fail(err, "column %s: %s %s", c->name, nsw_quote(quoted, text), what);
}

/* One value into its place; there can be only one. */
static int put_value(struct import *in, const struct nsw_layout_column *c, size_t place, const char *text, double *to) {
  double value;
  int kind = parse_value(text, &value);
  if (kind < 0) return bad_value(c, text, "is not a number", in->err);
  if (kind > 0) {
    in->report->unknown++;
    return NSW_OK;
  }
  if (!(value >= 0 && value <= 100)) return bad_value(c, text, "is no accuracy", in->err);
  if (!isnan(*to)) {
    const struct nsw_collected *there = &in->collect->column[place];
    if (strcmp(there->path, in->layout->path) || strcmp(there->header, c->name))
      return nsw_fail(
          in->err,
          "column %s is %s/%s, as is column %s of %s: give one its epochs or another name, as --column %s=%s/NAME",
          c->name, there->dataset, there->split, there->header, there->path, c->name, there->dataset);
    return nsw_fail(in->err, "the architecture is there twice%s",
                    in->layout->run < 0 ? ": records of several runs need a column seed or run" : " with this run");
  }
  *to = value;
  return NSW_OK;
}

/* ---- where a value goes ---- */

/* What one record says it is of. */
struct labels {
  char dataset[NSW_HEADER_NAME], split[NSW_HEADER_NAME];
  int epochs;
  int64_t run;
};

static int whole_number(const char *text, const char *what, int64_t *number, struct nsw_error *err) {
  char *end, quoted[NSW_QUOTE_SIZE];
  double value = strtod(text, &end);
  if (end == text || *end || !(value >= 0 && value <= 9e15) || value != floor(value))
    return nsw_fail(err, "%s '%s' is no whole number", what, nsw_quote(quoted, text));
  *number = (int64_t)value;
  return NSW_OK;
}

/* A name that can stand in a column's: letters, digits, '-', '_' and '.'. */
static int plain_name(const char *text, const char *what, char out[NSW_HEADER_NAME], struct nsw_error *err) {
  char quoted[NSW_QUOTE_SIZE];
  bool ok = *text && strlen(text) < NSW_HEADER_NAME;
  for (const char *c = text; ok && *c; c++) ok = isalnum((unsigned char)*c) || strchr("-_.", *c);
  if (!ok) return nsw_fail(err, "'%s' is no %s's name", nsw_quote(quoted, text), what);
  snprintf(out, NSW_HEADER_NAME, "%s", text);
  return NSW_OK;
}

static int read_labels(const struct import *in, char **fields, struct labels *labels) {
  const struct nsw_layout *l = in->layout;
  int64_t epochs = 0;
  int status = NSW_OK;
  *labels = (struct labels){.run = -1};
  if (l->dataset >= 0) {
    const char *text = fields[l->dataset], *known = nsw_dataset_named(text);
    status = plain_name(known ? known : text, "data set", labels->dataset, in->err);
  }
  if (!status && l->split >= 0) {
    const char *text = fields[l->split], *known = nsw_split_named(text);
    status = plain_name(known ? known : text, "split", labels->split, in->err);
  }
  if (!status && l->epochs >= 0) {
    status = whole_number(fields[l->epochs], "number of epochs", &epochs, in->err);
    if (!status && (epochs < 0 || epochs > 100000)) status = nsw_fail(in->err, "%lld epochs", (long long)epochs);
    labels->epochs = (int)epochs;
  }
  if (!status && l->run >= 0) status = whole_number(fields[l->run], "run", &labels->run, in->err);
  return status;
}

/* The run that a column's value of this record belongs to. */
static int find_values(struct import *in, struct nsw_layout_column *c, const struct labels *labels, int64_t run,
                       double **values, size_t *place) {
  char split[2 * NSW_HEADER_NAME];
  if (c->values && run == c->run) {
    *values = c->values;
    *place = c->place;
    return NSW_OK;
  }
  int epochs = c->epochs ? c->epochs : labels->epochs;
  snprintf(split, sizeof split, "%s", *c->split ? c->split : labels->split);
  size_t used = strlen(split);
  if (epochs && !c->literal) snprintf(split + used, sizeof split - used, "-%dep", epochs);
  if (strlen(split) >= NSW_COLLECT_NAME) return nsw_fail(in->err, "split %s: too long a name", split);
  int status = nsw_collect_find(in->collect, *c->dataset ? c->dataset : labels->dataset, split, epochs,
                                in->layout->path, c->name, place, in->err);
  if (!status) status = nsw_collect_run(in->collect, *place, run, values, in->err);
  const struct nsw_layout *l = in->layout;
  bool same =
      l->run < 0 && (*c->dataset || l->dataset < 0) && (*c->split || l->split < 0) && (c->epochs || l->epochs < 0);
  if (!status && same && run == c->run) c->values = *values, c->place = *place;
  return status;
}

static bool wanted(const struct import *in, const struct nsw_layout_column *c, const struct labels *labels) {
  const struct nsw_truth_request *request = in->request;
  if (!*c->dataset && !nsw_truth_wants_dataset(request, labels->dataset)) return false;
  if (!*c->split && !nsw_truth_wants_split(request, labels->split, c->epochs ? c->epochs : labels->epochs))
    return false;
  return c->epochs || !labels->epochs || !request->epochs || request->epochs == labels->epochs;
}

/* "[91.2, 90.8]": several runs in one field. */
static int put_list(struct import *in, struct nsw_layout_column *c, const struct labels *labels, char *text,
                    size_t row) {
  char *rest = NULL;
  int64_t run = 0;
  for (char *one = strtok_r(text, "[](), ", &rest); one; one = strtok_r(NULL, "[](), ", &rest), run++) {
    double *values;
    size_t place;
    int status = find_values(in, c, labels, run, &values, &place);
    if (!status) status = put_value(in, c, place, one, &values[row]);
    if (status) return status;
  }
  return NSW_OK;
}

/* Puts one record's values into its row. */
static int put(struct import *in, char **fields, size_t row) {
  struct labels labels;
  int status = read_labels(in, fields, &labels);
  bool any = false;
  for (size_t i = 0; i < in->layout->columns && !status; i++) {
    struct nsw_layout_column *c = &in->layout->column[i];
    char *text = fields[c->field];
    double *values;
    size_t place;
    if (!wanted(in, c, &labels)) continue;
    any = true;
    if (*text == '[' && c->run < 0 && in->layout->run < 0) {
      status = put_list(in, c, &labels, text, row);
      continue;
    }
    if (nsw_records_separator(in->records) != ',') point_for_comma(text);
    status = find_values(in, c, &labels, in->layout->run >= 0 ? labels.run : c->run, &values, &place);
    if (!status) status = put_value(in, c, place, text, &values[row]);
  }
  if (!status && !any) in->other++;
  return status;
}

/* ---- records ---- */

/* Hints at the keys of the coming records; *ahead counts the lines hinted at and not yet read. */
static void hint_rows(const struct import *in, struct nsw_lookup_ahead *hints, int *ahead) {
  char separator = nsw_records_separator(in->records);
  for (; *ahead < 8; ++*ahead) {
    size_t size;
    const char *line = nsw_records_peek(in->records, &size), *comma;
    if (!line) return;
    const char *end = line + size;
    for (long field = 0; field < in->layout->id && (comma = memchr(line, separator, (size_t)(end - line))); field++)
      line = comma + 1;
    comma = memchr(line, separator, (size_t)(end - line));
    nsw_lookup_hint(in->speller->lookup, hints, line, (size_t)((comma ? comma : end) - line));
  }
}

static int take_record(struct import *in, char **fields, size_t count) {
  int64_t row;
  char *key = NULL;
  if (count != in->layout->fields)
    return nsw_fail(in->err, "%zu fields where the header has %zu", count, in->layout->fields);
  int status = nsw_layout_row(in->layout, in->speller, fields, &row, &key, in->err);
  if (!status) in->report->records++;
  if (!status && row < 0) nsw_truth_unmatched(in->report, key);
  free(key);
  if (status || row < 0) return status;
  in->report->matched++;
  return put(in, fields, (size_t)row);
}

static int read_records(struct import *in) {
  struct nsw_lookup_ahead hints = {.count = 0};
  const char *path = in->layout->path;
  char **fields;
  size_t count;
  int ahead = 0;
  for (bool first = true;; first = false) {
    if (!first && in->layout->id >= 0) hint_rows(in, &hints, &ahead);
    ahead -= ahead > 0;
    int status = nsw_records_next(in->records, &fields, &count, in->err);
    if (status) return status;
    if (!count) return first ? nsw_fail(in->err, "%s: a header and no records", path) : NSW_OK;
    status = take_record(in, fields, count);
    if (status)
      return nsw_error_prefix(in->err, status, "%s: line %llu", path,
                              (unsigned long long)nsw_records_line(in->records));
  }
}

/* ---- the format ---- */

static int take_file(struct import *in, const char *path) {
  char **fields;
  size_t count;
  int status = nsw_records_open(path, &in->records, in->err);
  if (!status) status = nsw_records_next(in->records, &fields, &count, in->err);
  if (!status && !count) status = nsw_fail(in->err, "%s: is empty", path);
  if (!status) status = nsw_layout_read(in->layout, in->request, path, fields, count, in->err);
  if (!status) status = read_records(in);
  if (!status) nsw_layout_say(in->layout, in->request, in->report);
  if (!status && nsw_records_open_ended(in->records))
    nsw_truth_say(in->report, "%s: its last line has no newline: taken as whole", path);
  if (!status && in->other)
    nsw_truth_say(in->report, "%s: %llu records of other data sets, splits or epochs left out", path,
                  (unsigned long long)in->other);
  nsw_records_close(&in->records);
  return status;
}

static int csv_read(const struct nsw_truth_request *request, struct nsw_table *table, const struct nsw_lookup *lookup,
                    struct nsw_truth_report *report, struct nsw_error *err) {
  if (request->unit && strcmp(request->unit, "percent") && strcmp(request->unit, "fraction"))
    return nsw_usage(err, "--unit %s: percent or fraction", request->unit);
  struct nsw_speller speller = {.table = table, .lookup = lookup, .opened = request->opened};
  struct nsw_layout *layout = malloc(sizeof *layout);
  struct nsw_collect *collect = calloc(1, sizeof *collect);
  struct import in = {
      .request = request, .report = report, .layout = layout, .collect = collect, .speller = &speller, .err = err};
  int status = layout && collect ? NSW_OK : nsw_no_memory(err, "a table");
  if (collect) collect->rows = table->rows;
  for (size_t i = 0; i < request->path_count && !status; i++) {
    in.other = 0;
    status = take_file(&in, request->paths[i]);
  }
  if (!status && report->matched) status = nsw_collect_finish(collect, request->unit, table, report, err);
  if (collect) nsw_collect_free(collect);
  nsw_speller_end(&speller);
  free(collect);
  free(layout);
  return status;
}

/* The space that a key looks like, or NULL. */
static const char *space_of_key(const char *key) {
  char text[256];
  if (strlen(key) == 32 && strspn(key, "0123456789abcdef") == 32) return "nb101";
  if (strchr(key, '|') && strchr(key, '~')) return "nb201";
  if (strchr("([", *key)) return nsw_suite_zero_cell(key, NULL, text);
  return NULL;
}

/* Tells the space by the look of the first key. */
static int csv_guess(const struct nsw_truth_request *request, const char **space, struct nsw_error *err) {
  struct nsw_records *records = NULL;
  struct nsw_layout *layout = malloc(sizeof *layout);
  char **fields;
  size_t count = 0;
  if (!layout) return nsw_no_memory(err, "a table");
  *space = NULL;
  int status = nsw_records_open(request->paths[0], &records, err);
  if (!status) status = nsw_records_next(records, &fields, &count, err);
  if (!status && !count) status = nsw_fail(err, "%s: is empty", request->paths[0]);
  if (!status) status = nsw_layout_key(layout, request, request->paths[0], fields, count, err);
  if (!status) status = nsw_records_next(records, &fields, &count, err);
  if (!status && layout->adjacency >= 0) *space = "nb101";
  if (!status && layout->id >= 0 && count > (size_t)layout->id) *space = space_of_key(fields[layout->id]);
  nsw_records_close(&records);
  free(layout);
  if (!status && !*space) status = nsw_usage(err, "%s: the keys do not tell the space; say --space", request->paths[0]);
  return status;
}

const struct nsw_truth_format nsw_truth_csv = {
    .name = "csv",
    .summary = "any table with a header, or JSON, plain or packed, keyed by index, hash, string or cell",
    .guess = csv_guess,
    .read = csv_read,
};
