#include "truth/csv.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "truth/records.h"

enum { COLUMNS = 64, NAME = 64 };

/* One accuracy column of the file. */
struct column {
  size_t field;       /* place in a record */
  char header[NAME];  /* its name, printable */
  char dataset[NAME]; /* empty: told by each record's data set field */
  char split[NAME];
  size_t place; /* of its column in the table, plus 1; 0 not known yet, or told by each record */
};

/* What the header of one file means. */
struct layout {
  const char *path;
  size_t fields; /* in every record */
  size_t key;    /* place of the key */
  char key_name[NAME];
  bool by_index;      /* the key is an index, else an id */
  long dataset_field; /* place of the record's data set, or -1 */
  struct column column[COLUMNS];
  size_t columns;
};

static bool one_of(const char *word, const char *const *list) {
  for (; *list; list++)
    if (!strcmp(word, *list)) return true;
  return false;
}

/* Lower case, everything but letters and digits as '_'. */
static void normalise(const char *name, char out[NAME]) {
  size_t n = 0;
  for (; name[n] && n + 1 < NAME; n++)
    out[n] = isalnum((unsigned char)name[n]) ? (char)tolower((unsigned char)name[n]) : '_';
  out[n] = 0;
}

static void printable(const char *text, char out[NAME]) {
  size_t n = 0;
  for (; text[n] && n + 1 < NAME; n++) out[n] = text[n] >= 32 && text[n] < 127 ? text[n] : '?';
  out[n] = 0;
}

/* The data set that a name (normalised) speaks of, or NULL. */
static const char *dataset_in(const char *name) {
  if (strstr(name, "imagenet")) return "ImageNet16-120";
  if (strstr(name, "cifar100") || strstr(name, "cifar_100")) return "cifar100";
  if (strstr(name, "cifar10_valid_")) return "cifar10-valid";
  if (strstr(name, "cifar10") || strstr(name, "cifar_10")) return "cifar10";
  return NULL;
}

/* Whether the word stands in the name between ends or underscores. */
static bool has_word(const char *name, const char *word) {
  size_t size = strlen(word);
  for (const char *at = name; (at = strstr(at, word)); at++)
    if ((at == name || at[-1] == '_') && (!at[size] || at[size] == '_')) return true;
  return false;
}

static const char *split_in(const char *name) {
  if (strstr(name, "x_valid")) return "x-valid";
  if (strstr(name, "x_test")) return "x-test";
  if (has_word(name, "test")) return "test";
  if (has_word(name, "valid") || has_word(name, "val") || has_word(name, "validation")) return "valid";
  if (has_word(name, "train")) return "train";
  return NULL;
}

static bool all_digits(const char *text) {
  size_t n = strspn(text, "0123456789");
  return n && n <= 10 && !text[n];
}

static long field_named(char **fields, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (!strcmp(fields[i], name)) return (long)i;
  return -1;
}

/* The first field whose normalised name is in the list, or -1. */
static long field_among(char **fields, size_t count, const char *const *list) {
  char name[NAME];
  for (size_t i = 0; i < count; i++) {
    normalise(fields[i], name);
    if (one_of(name, list)) return (long)i;
  }
  return -1;
}

/* The key: as asked, else an id by its usual names, else an index: ids cannot be mistaken for another space's. */
static int find_key(struct layout *l, const struct nsw_truth_request *request, char **fields, size_t count,
                    struct nsw_error *err) {
  static const char *const ids[] = {"module_hash",  "hash", "arch", "arch_str", "arch_string",
                                    "architecture", "id",   "cell", "string",   NULL};
  static const char *const indexes[] = {"index", "idx", "arch_index", "arch_idx", "architecture_index", NULL};
  long at = -1;
  if (request->key) {
    at = field_named(fields, count, request->key);
    if (at < 0) return nsw_usage(err, "%s: no column is named %s", l->path, request->key);
  }
  if (at < 0) at = field_among(fields, count, ids);
  if (at < 0) at = field_among(fields, count, indexes);
  if (at < 0)
    return nsw_usage(err,
                     "%s: line 1: no column looks like the key (index, hash, arch, ...); name it with --key COLUMN "
                     "(the first line must be a header)",
                     l->path);
  l->key = (size_t)at;
  printable(fields[at], l->key_name);
  return NSW_OK;
}

static int add_column(struct layout *l, size_t field, const char *header, const char *dataset, const char *split,
                      struct nsw_error *err) {
  if (l->columns == COLUMNS) return nsw_fail(err, "%s: more than %d accuracy columns", l->path, COLUMNS);
  struct column *column = &l->column[l->columns++];
  column->field = field;
  printable(header, column->header);
  snprintf(column->dataset, NAME, "%s", dataset);
  snprintf(column->split, NAME, "%s", split);
  return NSW_OK;
}

/* COLUMN or COLUMN=DATASET/SPLIT from the command line. */
static int named_column(struct layout *l, const struct nsw_truth_request *request, const char *wish, char **fields,
                        size_t count, struct nsw_error *err) {
  char name[256], label[2 * NAME] = "", normal[NAME];
  const char *equals = strchr(wish, '=');
  size_t size = equals ? (size_t)(equals - wish) : strlen(wish);
  if (size >= sizeof name) return nsw_usage(err, "--column %.60s...: too long", wish);
  memcpy(name, wish, size);
  name[size] = 0;
  if (equals) snprintf(label, sizeof label, "%s", equals + 1);
  long at = field_named(fields, count, name);
  if (at < 0) return nsw_usage(err, "%s: no column is named %s", l->path, name);
  char *slash = strchr(label, '/');
  if (slash) *slash = 0;
  normalise(name, normal);
  const char *dataset = label[0] ? label : request->dataset ? request->dataset : dataset_in(normal);
  const char *split = slash && slash[1] ? slash + 1 : request->split ? request->split : split_in(normal);
  if (!dataset && l->dataset_field >= 0) dataset = "";
  if (!dataset || !split)
    return nsw_usage(err, "%s: column %s: which %s? say --column %s=DATASET/SPLIT", l->path, name,
                     dataset ? "split" : "data set", name);
  return add_column(l, (size_t)at, name, dataset, split, err);
}

/* Every column whose name speaks of an accuracy. */
static int guess_columns(struct layout *l, const struct nsw_truth_request *request, char **fields, size_t count,
                         struct nsw_error *err) {
  char name[NAME];
  for (size_t i = 0; i < count; i++) {
    normalise(fields[i], name);
    const char *split = split_in(name), *dataset = dataset_in(name);
    bool speaks = split || has_word(name, "acc") || has_word(name, "accuracy");
    if (i == l->key || (long)i == l->dataset_field || !speaks || strstr(name, "time") || strstr(name, "loss")) continue;
    if (!split) split = request->split;
    if (!dataset && l->dataset_field >= 0) dataset = "";
    if (!dataset) dataset = request->dataset;
    if (!dataset && request->space && !strcmp(request->space, "nb101")) dataset = "cifar10"; /* the only one it has */
    if (!dataset || !split)
      return nsw_usage(err, "%s: column %s: which %s? say --%s", l->path, fields[i], dataset ? "split" : "data set",
                       dataset ? "split" : "dataset");
    if (request->dataset && dataset[0] && strcmp(request->dataset, dataset)) continue;
    if (request->split && strcmp(request->split, split)) continue;
    int status = add_column(l, i, fields[i], dataset, split, err);
    if (status != NSW_OK) return status;
  }
  if (l->columns) return NSW_OK;
  return nsw_usage(err, "%s: line 1: no column looks like an accuracy; name them with --column COLUMN=DATASET/SPLIT",
                   l->path);
}

static int read_header(struct layout *l, const struct nsw_truth_request *request, const char *path,
                       struct nsw_records *records, struct nsw_error *err) {
  static const char *const datasets[] = {"dataset", "data_set", NULL};
  char **fields;
  size_t count;
  *l = (struct layout){.path = path};
  int status = nsw_records_next(records, &fields, &count, err);
  if (status != NSW_OK) return status;
  if (!count) return nsw_fail(err, "%s: empty", path);
  l->fields = count;
  status = find_key(l, request, fields, count, err);
  if (status != NSW_OK) return status;
  l->dataset_field = field_among(fields, count, datasets);
  if (!request->column_count) return guess_columns(l, request, fields, count, err);
  for (size_t i = 0; i < request->column_count && status == NSW_OK; i++)
    status = named_column(l, request, request->columns[i], fields, count, err);
  return status;
}

/* Says what was guessed. */
static void say_layout(const struct layout *l, const struct nsw_truth_request *request,
                       struct nsw_truth_report *report) {
  char *said = report->said;
  size_t size = sizeof report->said, used = strlen(said);
  if (request->key && request->column_count) return;
  used += (size_t)snprintf(said + used, size - used, "%s%s: from the header: key %s (%s)", used ? "; " : "", l->path,
                           l->key_name, l->by_index ? "index" : "id");
  for (size_t i = 0; i < l->columns && used < size; i++)
    used += (size_t)snprintf(said + used, size - used, ", %s is %s/%s", l->column[i].header,
                             l->column[i].dataset[0] ? l->column[i].dataset : "(data set of the record)",
                             l->column[i].split);
}

/* A plain decimal with at most 15 digits is an integer over a power of ten, both exact: one division rounds right.
 * Everything else goes the long way. Returns 0 a number, 1 unknown, -1 neither. */
static int parse_value(const char *text, double *value) {
  static const double tens[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  static const char *const unknown[] = {"", "-", "na", "n_a", "none", "null", NULL};
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
  char *end, word[NAME];
  *value = strtod(text, &end);
  if (*text && !*end && end != text) return isnan(*value);
  normalise(text, word);
  return one_of(word, unknown) || !strcmp(text, "-") ? 1 : -1;
}

/* The column a value goes to; made where it is not there yet. */
static int target(const struct layout *l, struct column *column, char **fields, struct nsw_table *table,
                  struct nsw_accuracy **accuracy, struct nsw_error *err) {
  char dataset[NAME], normal[NAME];
  if (column->place) {
    *accuracy = &table->accuracy[column->place - 1];
    return NSW_OK;
  }
  snprintf(dataset, sizeof dataset, "%s", column->dataset);
  if (!dataset[0]) {
    const char *text = fields[l->dataset_field];
    normalise(text, normal);
    const char *known = dataset_in(normal);
    for (const char *c = text; *c; c++)
      if (!isalnum((unsigned char)*c) && !strchr("-_.", *c)) return nsw_fail(err, "no data set's name");
    if (!*text || strlen(text) >= NAME) return nsw_fail(err, "no data set's name");
    snprintf(dataset, sizeof dataset, "%s", known && strcmp(text, "cifar10-valid") ? known : text);
  }
  *accuracy = nsw_table_accuracy(table, dataset, column->split);
  if (!*accuracy) {
    if (table->accuracies >= COLUMNS) return nsw_fail(err, "more than %d data sets", COLUMNS);
    int status = nsw_table_add_accuracy(table, dataset, column->split, 1, accuracy, err);
    if (status != NSW_OK) return status;
  }
  if (column->dataset[0]) column->place = (size_t)(*accuracy - table->accuracy) + 1;
  return NSW_OK;
}

/* Puts one record's values into its row. */
static int put(struct layout *l, char **fields, size_t row, struct nsw_table *table, struct nsw_truth_report *report,
               struct nsw_error *err) {
  for (size_t c = 0; c < l->columns; c++) {
    struct column *column = &l->column[c];
    struct nsw_accuracy *accuracy = NULL;
    int status = target(l, column, fields, table, &accuracy, err);
    if (status != NSW_OK) return status;
    double value;
    char shown[NAME];
    int kind = parse_value(fields[column->field], &value);
    if (kind < 0 || (kind == 0 && !(value >= 0 && value <= 100))) printable(fields[column->field], shown);
    if (kind < 0) return nsw_fail(err, "column %s: %s is not a number", column->header, shown);
    if (kind > 0) {
      report->unknown++;
      continue;
    }
    if (!(value >= 0 && value <= 100)) return nsw_fail(err, "column %s: %s is no accuracy", column->header, shown);
    if (!isnan(accuracy->value[row])) return nsw_fail(err, "the architecture is there twice");
    accuracy->value[row] = value;
  }
  return NSW_OK;
}

/* Hints at the keys of the coming records; *ahead counts the lines hinted at and not yet read. */
static void hint_rows(const struct layout *l, const struct nsw_lookup *lookup, struct nsw_records *records,
                      struct nsw_lookup_ahead *hints, int *ahead) {
  for (; *ahead < 8; ++*ahead) {
    size_t size;
    const char *line = nsw_records_peek(records, &size), *end = line + size, *comma;
    if (!line) return;
    for (size_t field = 0; field < l->key && (comma = memchr(line, ',', (size_t)(end - line))); field++)
      line = comma + 1;
    comma = memchr(line, ',', (size_t)(end - line));
    nsw_lookup_hint(lookup, hints, line, (size_t)((comma ? comma : end) - line));
  }
}

static int64_t find_row(const struct layout *l, const struct nsw_lookup *lookup, const char *key) {
  if (!l->by_index) return nsw_lookup_id(lookup, key, strlen(key));
  return all_digits(key) ? nsw_lookup_index(lookup, strtoull(key, NULL, 10)) : -1;
}

static int read_records(struct layout *l, const struct nsw_truth_request *request, struct nsw_records *records,
                        struct nsw_table *table, const struct nsw_lookup *lookup, struct nsw_truth_report *report,
                        struct nsw_error *err) {
  struct nsw_lookup_ahead hints = {.count = 0};
  char **fields;
  size_t count;
  int ahead = 0;
  for (bool first = true;; first = false) {
    if (!first && !l->by_index) hint_rows(l, lookup, records, &hints, &ahead);
    ahead -= ahead > 0;
    int status = nsw_records_next(records, &fields, &count, err);
    if (status != NSW_OK) return status;
    if (!count) return first ? nsw_fail(err, "%s: a header and no records", l->path) : NSW_OK;
    if (count != l->fields)
      return nsw_fail(err, "%s: line %llu: %zu fields where the header has %zu", l->path,
                      (unsigned long long)nsw_records_line(records), count, l->fields);
    const char *key = fields[l->key];
    if (first) {
      l->by_index = all_digits(key);
      say_layout(l, request, report);
    }
    report->records++;
    int64_t row = find_row(l, lookup, key);
    if (row < 0) {
      nsw_truth_unmatched(report, key);
      continue;
    }
    report->matched++;
    status = put(l, fields, (size_t)row, table, report, err);
    if (status != NSW_OK)
      return nsw_error_prefix(err, status, "%s: line %llu", l->path, (unsigned long long)nsw_records_line(records));
  }
}

/* "…_108ep.csv.gz" says 108; 0 where the name says nothing. */
static int epochs_in(const char *path) {
  const char *name = strrchr(path, '/');
  name = name ? name + 1 : path;
  for (const char *at = name; (at = strstr(at, "ep")); at++) {
    const char *start = at;
    while (start > name && isdigit((unsigned char)start[-1])) start--;
    if (start < at && at - start <= 5 && !isalpha((unsigned char)at[2])) return atoi(start);
  }
  return 0;
}

/* Brings fractions to percent and labels the columns. */
static int finish(const struct nsw_truth_request *request, struct nsw_table *table, size_t first,
                  struct nsw_truth_report *report, struct nsw_error *err) {
  const char *path = request->paths[0], *name = strrchr(path, '/');
  int epochs = request->epochs ? request->epochs : epochs_in(path), status = NSW_OK;
  for (size_t c = first; c < table->accuracies && status == NSW_OK; c++) {
    struct nsw_accuracy *accuracy = &table->accuracy[c];
    double largest = 0;
    for (size_t i = 0; i < table->rows; i++)
      if (accuracy->value[i] > largest) largest = accuracy->value[i];
    bool fraction = request->unit ? !strcmp(request->unit, "fraction") : largest > 0 && largest <= 1;
    if (fraction && largest > 1)
      return nsw_fail(err, "%s: %s/%s: %g is no fraction", path, accuracy->dataset, accuracy->split, largest);
    for (size_t i = 0; fraction && i < table->rows; i++) accuracy->value[i] *= 100;
    if (fraction && !request->unit) {
      size_t used = strlen(report->said);
      snprintf(report->said + used, sizeof report->said - used, "; %s/%s are fractions, taken times 100",
               accuracy->dataset, accuracy->split);
    }
    status = nsw_attributes_set(&accuracy->attributes, "source", name ? name + 1 : path, err);
    if (status == NSW_OK) status = nsw_attributes_set(&accuracy->attributes, "unit", "percent", err);
    if (status == NSW_OK && epochs) status = nsw_attributes_setf(&accuracy->attributes, err, "epochs", "%d", epochs);
  }
  return status;
}

static int csv_read(const struct nsw_truth_request *request, struct nsw_table *table, const struct nsw_lookup *lookup,
                    struct nsw_truth_report *report, struct nsw_error *err) {
  size_t first = table->accuracies;
  int status = NSW_OK;
  if (request->unit && strcmp(request->unit, "percent") && strcmp(request->unit, "fraction"))
    return nsw_usage(err, "--unit %s: percent or fraction", request->unit);
  struct layout *layout = malloc(sizeof *layout);
  if (!layout) return nsw_fail(err, "out of memory");
  for (size_t i = 0; i < request->path_count && status == NSW_OK; i++) {
    struct nsw_records *records = NULL;
    status = nsw_records_open(request->paths[i], &records, err);
    if (status == NSW_OK) status = read_header(layout, request, request->paths[i], records, err);
    if (status == NSW_OK) status = read_records(layout, request, records, table, lookup, report, err);
    nsw_records_close(&records);
  }
  free(layout);
  return status == NSW_OK ? finish(request, table, first, report, err) : status;
}

/* Tells the space by the look of the first key. */
static int csv_guess(const struct nsw_truth_request *request, const char **space, struct nsw_error *err) {
  struct nsw_records *records = NULL;
  struct layout *layout = malloc(sizeof *layout);
  char **fields;
  size_t count = 0;
  if (!layout) return nsw_fail(err, "out of memory");
  *layout = (struct layout){.path = request->paths[0]};
  *space = NULL;
  int status = nsw_records_open(request->paths[0], &records, err);
  if (status == NSW_OK) status = nsw_records_next(records, &fields, &count, err);
  if (status == NSW_OK && !count) status = nsw_fail(err, "%s: empty", request->paths[0]);
  if (status == NSW_OK) status = find_key(layout, request, fields, count, err);
  if (status == NSW_OK) status = nsw_records_next(records, &fields, &count, err);
  if (status == NSW_OK && count > layout->key) {
    const char *key = fields[layout->key];
    if (strlen(key) == 32 && strspn(key, "0123456789abcdef") == 32) *space = "nb101";
    if (strchr(key, '|') && strchr(key, '~')) *space = "nb201";
  }
  nsw_records_close(&records);
  free(layout);
  if (status == NSW_OK && !*space)
    status = nsw_usage(err, "%s: the keys do not tell the space; say --space", request->paths[0]);
  return status;
}

const struct nsw_truth_format nsw_truth_csv = {
    .name = "csv",
    .summary = "any comma-separated table with a header, plain or gzipped, keyed by index, hash or string",
    .guess = csv_guess,
    .read = csv_read,
};
