/* The layouts: {data set: {key: {"val_accuracy": %, PROXY: {"score": x, "time": seconds}, ...}}}, where a score may
 * also be a bare number, and all of it may stand under the name of its benchmark; and the list that NASLib's runner
 * writes,
 * [{"arch": key, "val_accuracy": %, PROXY: ...}]. In nb101 many keys are one cell, once what reaches no output is
 * pruned; their values are averaged. */
#include "truth/suite_zero.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/json.h"
#include "nasweep/proxy.h"
#include "truth/speller.h"

enum {
  COLUMNS = 128,
  VALUES = 128,
  NAME = 64,
  CODES_201 = 6,
  VERTICES_101 = 7,
  CODES_101 = VERTICES_101 * VERTICES_101 + VERTICES_101
};

/* Bytes of text, unpacked: the largest published file has 200 million. */
static const uint64_t most_text = UINT64_C(16) << 30;

/* One proxy, or the accuracy, of one data set. Sums until the end, then means. */
struct column {
  char dataset[NAME];
  char name[NAME]; /* of the proxy, or the split of an accuracy */
  bool accuracy;
  double *value;   /* [rows], the table's own */
  uint8_t *status; /* [rows], the table's own; NULL for the accuracy */
  float *seconds;  /* likewise */
  uint16_t *keys;  /* [rows] how many keys gave a value */
};

/* One value of an architecture. */
struct value {
  char name[NAME];
  bool accuracy;
  double value, seconds;
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
  struct nsw_speller speller;
  struct value value[VALUES]; /* of the architecture that is being read */
  size_t values;
  uint64_t dead;         /* values that stand for a broken network */
  uint64_t other_spaces; /* benchmarks passed over */
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

static const char *cell_101(const uint8_t *codes, int vertices, char text[256]) {
  static const char *const ops[5] = {"input", "output", "maxpool3x3", "conv1x1", "conv3x3"};
  char *to = text;
  for (int row = 0; row < vertices; row++) {
    if (row) *to++ = '|';
    for (int column = 0; column < vertices; column++) {
      uint8_t digit = codes[row * vertices + column];
      if (digit > 1) return NULL;
      *to++ = (char)('0' + digit);
    }
  }
  *to++ = ' ';
  for (int v = 0; v < vertices; v++) {
    uint8_t code = codes[vertices * vertices + v];
    if (code > 4) return NULL;
    to += sprintf(to, "%s%s", v ? "," : "", ops[code]);
  }
  return "nb101";
}

/* The numbers of a key, at most CODES_101, all below ten; 0 where it is not only numbers. */
static size_t read_codes(const char *key, uint8_t codes[CODES_101]) {
  size_t n = 0;
  for (; *key; key++) {
    if (strchr(" ,()[]", *key)) continue;
    if (*key < '0' || *key > '9' || n == CODES_101) return 0;
    codes[n++] = (uint8_t)(*key - '0');
  }
  return n;
}

const char *nsw_suite_zero_cell(const char *key, const char *space, char text[256]) {
  uint8_t codes[CODES_101];
  size_t n = read_codes(key, codes);
  if (n == CODES_201 && (!space || strcmp(space, "nb101"))) return cell_201(codes, text);
  for (size_t vertices = 2; vertices <= VERTICES_101; vertices++)
    if (n == vertices * vertices + vertices) return cell_101(codes, (int)vertices, text);
  return NULL;
}

/* Whether a key can be of both spaces: six numbers that are the nb101 cell of two vertices. */
static bool is_of_both(const char *key) {
  static const uint8_t two_vertices[CODES_201] = {0, 1, 0, 0, 0, 1};
  uint8_t codes[CODES_101];
  return read_codes(key, codes) == CODES_201 && !memcmp(codes, two_vertices, CODES_201);
}

/* The space of a benchmark's name as NASLib has them, "" for one that is not here, NULL where it names none. */
static const char *space_named(const char *name) {
  static const struct {
    const char *name, *space;
  } known[] = {{"nasbench101", "nb101"},
               {"nb101", "nb101"},
               {"nasbench201", "nb201"},
               {"nb201", "nb201"},
               {"nats", "nb201"},
               {"nats_tss", "nb201"},
               {"nasbench301", ""},
               {"darts", ""},
               {"transbench101", ""},
               {"transbench101_micro", ""},
               {"transbench101_macro", ""},
               {"nlp", ""},
               {"asr", ""}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (!strcmp(known[i].name, name)) return known[i].space;
  return NULL;
}

/* Row of a key's cell, -1 where the table does not have it. */
static int find_row(struct import *in, const char *key, int64_t *row) {
  char text[256];
  const char *space = nsw_suite_zero_cell(key, in->table->space, text);
  *row = -1;
  if (!space)
    return nsw_fail(in->err, "%s: JSON, byte %llu: a key that is no architecture", in->path,
                    (unsigned long long)nsw_json_offset(in->json));
  if (strcmp(space, in->table->space)) return NSW_OK;
  if (!strcmp(space, "nb201"))
    *row = nsw_lookup_id(in->lookup, text, strlen(text));
  else
    *row = nsw_speller_row(&in->speller, text);
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
  char split[NAME + 16];
  snprintf(split, sizeof split, "%s-suite-zero", column->name);
  int status = nsw_table_add_accuracy(in->table, column->dataset, split, 1, &accuracy, in->err);
  if (status) return status;
  column->value = accuracy->value;
  status = nsw_attributes_set(&accuracy->attributes, "unit", "percent", in->err);
  return status ? status
                : nsw_attributes_set(&accuracy->attributes, "source",
                                     "NAS-Bench-Suite-Zero (arXiv 2210.03230), accuracy as published", in->err);
}

/* The column of a proxy or accuracy on the current data set, made when first met. */
static int find_column(struct import *in, const struct value *v, struct column **column) {
  for (size_t i = 0; i < in->columns; i++) {
    *column = &in->column[i];
    if (!strcmp((*column)->name, v->name) && (*column)->accuracy == v->accuracy &&
        !strcmp((*column)->dataset, in->dataset))
      return NSW_OK;
  }
  if (in->columns == COLUMNS) return nsw_fail(in->err, "%s: more than %d columns", in->path, COLUMNS);
  *column = &in->column[in->columns];
  **column = (struct column){.keys = calloc(in->table->rows + 1, sizeof *(*column)->keys), .accuracy = v->accuracy};
  if (!(*column)->keys) return nsw_fail(in->err, "%s: not enough memory", in->path);
  in->columns++;
  strcpy((*column)->dataset, in->dataset);
  strcpy((*column)->name, v->name);
  return v->accuracy ? add_accuracy(in, *column) : add_score(in, *column);
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

/* Notes a value of the architecture that is being read. */
static int note(struct import *in, const char *name, bool accuracy, double value, double seconds) {
  if (in->values == VALUES) return unexpected(in, "an architecture with more than 128 values");
  struct value *v = &in->value[in->values++];
  *v = (struct value){.accuracy = accuracy, .value = value, .seconds = seconds};
  snprintf(v->name, sizeof v->name, "%s", name);
  return NSW_OK;
}

/* {"score": x, "time": s}; there may be no score. */
static int take_proxy(struct import *in, const char *name) {
  enum nsw_json_token token;
  double score = NAN, seconds = 0;
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
  return status ? status : note(in, name, false, score, seconds);
}

/* The split that an accuracy's name speaks of, or NULL for a score. */
static const char *split_of(const char *name) {
  if (!strcmp(name, "val_accuracy") || !strcmp(name, "valid_accuracy") || !strcmp(name, "val_acc")) return "valid";
  if (!strcmp(name, "test_accuracy") || !strcmp(name, "test_acc")) return "test";
  if (!strcmp(name, "train_accuracy") || !strcmp(name, "train_acc")) return "train";
  return NULL;
}

static int take_number(struct import *in, const char *name) {
  const char *split = split_of(name);
  double value = nsw_json_number(in->json);
  if (split && (value < 0 || value > 100)) return unexpected(in, "an accuracy that is no percentage");
  if (strstr(name, "time") || strstr(name, "loss") || !strcmp(name, "epochs")) return NSW_OK;
  return note(in, split ? split : name, split != NULL, value, 0);
}

/* A list of numbers as the text of a key. */
static int read_key_list(struct import *in, char *key, size_t room) {
  enum nsw_json_token token;
  size_t used = 0;
  int status;
  while (!(status = next(in, &token)) && token == NSW_JSON_NUMBER) {
    double number = nsw_json_number(in->json);
    if (!(number >= 0 && number <= 9) || used + 3 > room) return unexpected(in, "a list that is no architecture");
    used += (size_t)snprintf(key + used, room - used, "%d,", (int)number);
  }
  return status || token == NSW_JSON_ARRAY_END ? status : unexpected(in, "a list that is no architecture");
}

/* The members of an architecture's object, up to its end: values are noted; of a list's also its key and data set. */
static int take_members(struct import *in, char *key, size_t room) {
  enum nsw_json_token token;
  int status;
  in->values = 0;
  while (!(status = next(in, &token)) && token == NSW_JSON_KEY) {
    char name[NAME] = "";
    if (is_name(nsw_json_text(in->json))) strcpy(name, nsw_json_text(in->json));
    if ((status = next(in, &token))) return status;
    bool names_it = key && (!strcmp(name, "arch") || !strcmp(name, "arch_str") || !strcmp(name, "architecture"));
    if (names_it && token == NSW_JSON_TEXT)
      snprintf(key, room, "%s", nsw_json_text(in->json));
    else if (names_it && token == NSW_JSON_ARRAY)
      status = read_key_list(in, key, room);
    else if (key && !strcmp(name, "dataset") && token == NSW_JSON_TEXT && is_name(nsw_json_text(in->json)))
      strcpy(in->dataset, nsw_json_text(in->json));
    else if (token == NSW_JSON_OBJECT && *name)
      status = take_proxy(in, name);
    else if (token == NSW_JSON_NUMBER && *name)
      status = take_number(in, name);
    else
      status = nsw_json_skip(in->json, token, in->err);
    if (status) return status;
  }
  return status;
}

/* The numbers that take the place of the score of a network that gives none: NASLib's, and our own export's. */
static bool is_dead(double value) { return value == -1e8 || value == 1e8 || value == -1e9 || value == 1e9; }

/* A broken network's score is no value; where the cell has no path, its row says so. */
static int put_dead(struct import *in, const struct value *v, size_t row) {
  struct column *column;
  struct nsw_graph cell = {.shape = 0};
  const struct nsw_space *space = in->request->opened ? in->request->opened : in->speller.own;
  int status = find_column(in, v, &column);
  in->dead++;
  if (status || !space || column->keys[row]) return status;
  nsw_space_graph(space, in->table->index[row], &cell);
  if (!nsw_graph_has_path(&cell)) column->status[row] = NSW_ROW_NO_PATH;
  return NSW_OK;
}

/* Puts what was noted of an architecture into its row. */
static int put_values(struct import *in, const char *key) {
  int64_t row;
  int status = find_row(in, key, &row);
  if (status) return status;
  in->report->records++;
  if (row < 0) {
    nsw_truth_unmatched(in->report, key);
    return NSW_OK;
  }
  in->report->matched++;
  for (size_t i = 0; !status && i < in->values; i++) {
    const struct value *v = &in->value[i];
    struct column *column;
    if (!v->accuracy && is_dead(v->value)) {
      status = put_dead(in, v, (size_t)row);
    } else if (isnan(v->value)) {
      in->report->unknown++;
    } else if (!(status = find_column(in, v, &column))) {
      add_value(column, (size_t)row, v->value, v->seconds);
    }
  }
  return status;
}

/* {key: {...}, ...}, whose first token was read. */
static int take_architectures(struct import *in) {
  enum nsw_json_token token;
  int status;
  while (!(status = next(in, &token)) && token == NSW_JSON_KEY) {
    char key[NSW_JSON_TEXT_MOST + 1];
    strcpy(key, nsw_json_text(in->json));
    if ((status = next(in, &token))) return status;
    if (token != NSW_JSON_OBJECT) return unexpected(in, "an architecture without values");
    status = take_members(in, NULL, 0);
    if (!status) status = put_values(in, key);
    if (status) return status;
  }
  return status;
}

/* [{"arch": key, ...}, ...], whose first token was read. */
static int take_list(struct import *in) {
  enum nsw_json_token token;
  int status;
  while (!(status = next(in, &token)) && token == NSW_JSON_OBJECT) {
    char key[NSW_JSON_TEXT_MOST + 1] = "";
    in->dataset[0] = 0;
    if (in->request->dataset && is_name(in->request->dataset)) strcpy(in->dataset, in->request->dataset);
    status = take_members(in, key, sizeof key);
    if (!status && !*key) status = unexpected(in, "an entry of the list without \"arch\"");
    if (!status && !in->dataset[0])
      status = nsw_usage(in->err, "%s: a list that does not name its data set: say --dataset", in->path);
    if (!status && nsw_truth_wants_dataset(in->request, in->dataset)) status = put_values(in, key);
    if (status) return status;
  }
  return status || token == NSW_JSON_ARRAY_END ? status : unexpected(in, "an entry of the list that is no object");
}

/* {data set: {...}, ...} or {benchmark: {data set: ...}}, whose first token was read. */
static int take_datasets(struct import *in, bool inside) {
  enum nsw_json_token token;
  int status;
  while (!(status = next(in, &token)) && token == NSW_JSON_KEY) {
    char name[NAME];
    if (!is_name(nsw_json_text(in->json))) return unexpected(in, "a data set's name was to be here");
    strcpy(name, nsw_json_text(in->json));
    const char *space = inside ? NULL : space_named(name);
    if ((status = next(in, &token))) return status;
    if (space && strcmp(space, in->table->space)) {
      in->other_spaces++;
      status = nsw_json_skip(in->json, token, in->err);
    } else if (!space && !nsw_truth_wants_dataset(in->request, name)) {
      status = nsw_json_skip(in->json, token, in->err);
    } else if (token != NSW_JSON_OBJECT) {
      status = unexpected(in, "a data set without architectures");
    } else if (space) {
      status = take_datasets(in, true);
    } else {
      strcpy(in->dataset, name);
      status = take_architectures(in);
    }
    if (status) return status;
  }
  return status;
}

static int take_file(struct import *in, const char *path) {
  struct nsw_input *input = NULL;
  enum nsw_json_token token;
  in->path = path;
  int status = nsw_input_open(path, most_text, &input, in->err);
  if (!status) status = nsw_json_open(input, &in->json, in->err);
  if (!status) status = next(in, &token);
  if (!status && token == NSW_JSON_ARRAY)
    status = take_list(in);
  else if (!status && token == NSW_JSON_OBJECT)
    status = take_datasets(in, false);
  else if (!status)
    status = unexpected(in, "neither an object of data sets nor a list of architectures");
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
    if (column->status || largest > 1 || largest <= 0) continue;
    fractions = true;
    for (size_t row = 0; row < in->table->rows; row++) column->value[row] *= 100;
  }
  nsw_truth_say(in->report, "%zu columns; up to %u keys are one architecture, their values averaged.%s", in->columns,
                most, fractions ? " Accuracies were taken as fractions, none being above 1." : "");
  in->report->more[0] =
      (struct nsw_truth_count){"scores of broken networks (-1e8 and the like) taken as no value", in->dead};
  in->report->more[1] = (struct nsw_truth_count){"benchmarks of other spaces passed over", in->other_spaces};
}

static int read_suite_zero(const struct nsw_truth_request *request, struct nsw_table *table,
                           const struct nsw_lookup *lookup, struct nsw_truth_report *report, struct nsw_error *err) {
  struct import *in = calloc(1, sizeof *in);
  int status = NSW_OK;
  if (!in) return nsw_fail(err, "not enough memory");
  *in = (struct import){.request = request,
                        .table = table,
                        .lookup = lookup,
                        .report = report,
                        .err = err,
                        .speller = {.table = table, .lookup = lookup, .opened = request->opened}};
  for (size_t i = 0; !status && i < request->path_count; i++) status = take_file(in, request->paths[i]);
  if (!status && in->report->matched) finish(in);
  nsw_speller_end(&in->speller);
  for (size_t c = 0; c < in->columns; c++) free(in->column[c].keys);
  free(in);
  return status;
}

/* What a file's tokens tell of its space, one after another. */
struct guess {
  const char *space; /* NULL as long as nothing tells */
  bool both;         /* a key was met that can be of both */
  char list[256];    /* numbers of the list that is being read, as a key */
};

static void guess_by_key(struct guess *g, const char *text) {
  char cell[256];
  const char *named = space_named(text);
  if (named && *named)
    g->space = named;
  else if (is_of_both(text))
    g->both = true;
  else
    g->space = nsw_suite_zero_cell(text, NULL, cell);
}

/* Lists of numbers may be keys too. */
static void guess_by_token(struct guess *g, const struct nsw_json *json, enum nsw_json_token token) {
  size_t used = strlen(g->list);
  if (token == NSW_JSON_KEY || token == NSW_JSON_TEXT) guess_by_key(g, nsw_json_text(json));
  if (token == NSW_JSON_NUMBER) snprintf(g->list + used, sizeof g->list - used, "%.10g,", nsw_json_number(json));
  if (token == NSW_JSON_ARRAY_END && *g->list) guess_by_key(g, g->list);
  if (token != NSW_JSON_NUMBER) g->list[0] = 0;
}

/* The space of the first name of a benchmark or key that tells it. */
static int guess(const struct nsw_truth_request *request, const char **space, struct nsw_error *err) {
  struct nsw_input *input = NULL;
  struct nsw_json *json = NULL;
  enum nsw_json_token token = NSW_JSON_NULL;
  struct guess g = {.space = NULL};
  int tokens = 0;
  int status = nsw_input_open(request->paths[0], most_text, &input, err);
  if (!status) status = nsw_json_open(input, &json, err);
  while (!status && !g.space && tokens++ < 100000 && !(status = nsw_json_next(json, &token, err)) &&
         token != NSW_JSON_END)
    guess_by_token(&g, json, token);
  *space = g.space;
  if (!status && !*space && g.both)
    status = nsw_usage(err, "%s: (0, 1, 0, 0, 0, 1) is a cell of nb101 and of nb201; say --space", request->paths[0]);
  else if (!status && !*space)
    status = nsw_fail(err, "%s: no key of it is an architecture of nb101 or nb201", request->paths[0]);
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
