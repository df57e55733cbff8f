#include "truth/json_table.h"

#include <ctype.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TEXT = 512 << 20, COLUMNS = 1024, NAME = 128, DEPTH = 4 };

/* One column: where in a row's object its value is. */
struct column {
  char name[NAME];
  char *path[DEPTH]; /* keys from the outside in */
  int depth;
};

struct nsw_json_table {
  json_t *root;     /* owns all values */
  json_t **row;     /* [rows] borrowed objects (or lists, of the form split) */
  const char **key; /* [rows] borrowed; NULL where rows have no keys of their own */
  size_t rows, room;
  struct column *column; /* [columns] */
  size_t columns;
  json_t *by_column; /* pandas' columns: an object of objects by key, borrowed; row is NULL then */
  json_t *index;     /* split: borrowed list of keys, or NULL */
  char *text;        /* the last field given */
};

/* What the reading is about. */
struct source {
  struct nsw_input *input;
  struct nsw_error *err;
};

static int no_memory(const struct source *s) {
  return nsw_fail(s->err, "%s: not enough memory", nsw_input_name(s->input));
}

static int no_table(const struct source *s, const char *what) {
  return nsw_fail(s->err,
                  "%s: JSON that is no table: %s (a list of objects, an object of objects by architecture, or pandas' "
                  "forms are)",
                  nsw_input_name(s->input), what);
}

/* ---- rows ---- */

static int add_row(struct nsw_json_table *t, const char *key, json_t *row, const struct source *s) {
  if (t->rows == t->room) {
    size_t room = t->room ? 2 * t->room : 256;
    json_t **rows = realloc(t->row, room * sizeof *rows);
    if (rows) t->row = rows;
    const char **keys = rows ? realloc(t->key, room * sizeof *keys) : NULL;
    if (keys) t->key = keys;
    if (!keys) return no_memory(s);
    t->room = room;
  }
  t->key[t->rows] = key;
  t->row[t->rows++] = row;
  return NSW_OK;
}

static bool all_digits(const char *text) { return *text && !text[strspn(text, "0123456789")]; }

/* Whether every member is an object, and inside all keys are numbers while outside not all are: pandas' columns. */
static bool is_by_column(const json_t *root) {
  const char *key, *inner;
  json_t *value, *one;
  bool outside = true, inside = true, any = false;
  json_object_foreach((json_t *)root, key, value) {
    if (!json_is_object(value)) return false;
    outside = outside && all_digits(key);
    json_object_foreach(value, inner, one) {
      any = true;
      inside = inside && all_digits(inner) && !json_is_object(one);
      if (!inside) break;
    }
    if (!inside) break;
  }
  return any && inside && !outside;
}

/* ---- columns ---- */

static int add_column(struct nsw_json_table *t, const char *const *path, int depth, const struct source *s) {
  char name[NAME] = "";
  for (int i = 0; i < depth; i++) {
    size_t used = strlen(name);
    snprintf(name + used, sizeof name - used, "%s%s", i ? "_" : "", path[i]);
  }
  for (size_t i = 0; i < t->columns; i++)
    if (!strcmp(t->column[i].name, name)) return NSW_OK;
  if (t->columns == COLUMNS) return no_table(s, "more than 1024 columns");
  struct column *c = &t->column[t->columns++];
  *c = (struct column){.depth = depth};
  snprintf(c->name, sizeof c->name, "%s", name);
  for (int i = 0; i < depth; i++)
    if (!(c->path[i] = strdup(path[i]))) return no_memory(s);
  return NSW_OK;
}

/* The columns of one row's object, nested objects by way of their keys. */
static int add_columns(struct nsw_json_table *t, json_t *object, const char **path, int depth, const struct source *s) {
  const char *key;
  json_t *value;
  int status = NSW_OK;
  json_object_foreach(object, key, value) {
    path[depth] = key;
    if (json_is_object(value) && depth + 1 < DEPTH)
      status = add_columns(t, value, path, depth + 1, s);
    else
      status = add_column(t, path, depth + 1, s);
    if (status) return status;
  }
  return NSW_OK;
}

/* Columns of the first rows: what only a later one has is left out. */
static int find_columns(struct nsw_json_table *t, bool keyed, const struct source *s) {
  const char *path[DEPTH] = {"key"};
  int status = keyed ? add_column(t, path, 1, s) : NSW_OK;
  for (size_t i = 0; i < t->rows && i < 100 && !status; i++) status = add_columns(t, t->row[i], path, 0, s);
  return status;
}

/* ---- the forms ---- */

static int take_list(struct nsw_json_table *t, const struct source *s) {
  json_t *value;
  size_t i;
  json_array_foreach(t->root, i, value) {
    if (!json_is_object(value)) return no_table(s, "its list has other things than objects");
    int status = add_row(t, NULL, value, s);
    if (status) return status;
  }
  return find_columns(t, false, s);
}

static int take_keyed(struct nsw_json_table *t, const struct source *s) {
  const char *key;
  json_t *value;
  json_object_foreach(t->root, key, value) {
    if (!json_is_object(value)) return no_table(s, "its members are not all objects");
    int status = add_row(t, key, value, s);
    if (status) return status;
  }
  return find_columns(t, true, s);
}

static int take_by_column(struct nsw_json_table *t, const struct source *s) {
  const char *key, *name;
  json_t *value, *first;
  const char *path[DEPTH] = {"key"};
  t->by_column = t->root;
  int status = add_column(t, path, 1, s);
  json_object_foreach(t->root, name, value) {
    path[0] = name;
    if (!status) status = add_column(t, path, 1, s);
  }
  first = json_object_iter_value(json_object_iter(t->root));
  json_object_foreach(first, key, value) {
    if (!status) status = add_row(t, key, NULL, s);
  }
  return status;
}

static int take_split(struct nsw_json_table *t, json_t *columns, json_t *data, const struct source *s) {
  const char *path[DEPTH] = {"key"};
  size_t i;
  json_t *value;
  t->index = json_object_get(t->root, "index");
  if (t->index && json_array_size(t->index) != json_array_size(data))
    return no_table(s, "index and data have not the same length");
  int status = t->index ? add_column(t, path, 1, s) : NSW_OK;
  json_array_foreach(columns, i, value) {
    path[0] = json_string_value(value);
    if (!path[0]) return no_table(s, "a column without a name");
    if (!status) status = add_column(t, path, 1, s);
  }
  if (!status && t->columns != json_array_size(columns) + (t->index ? 1 : 0))
    return no_table(s, "two columns of one name");
  json_array_foreach(data, i, value) {
    if (!status && json_array_size(value) != json_array_size(columns))
      status = no_table(s, "a row that is not as long as columns");
    if (!status) status = add_row(t, NULL, value, s);
  }
  return status;
}

static int take_root(struct nsw_json_table *t, const struct source *s) {
  if (json_is_array(t->root)) return take_list(t, s);
  if (!json_is_object(t->root)) return no_table(s, "neither a list nor an object");
  json_t *columns = json_object_get(t->root, "columns"), *data = json_object_get(t->root, "data");
  if (json_is_array(columns) && json_is_array(data)) return take_split(t, columns, data, s);
  if (is_by_column(t->root)) return take_by_column(t, s);
  return take_keyed(t, s);
}

/* ---- whole ---- */

/* The whole text, malloc'd. */
static int read_text(const struct source *s, char **text, size_t *size) {
  size_t room = 1 << 16, got = 1;
  int status = NSW_OK;
  *text = malloc(room);
  *size = 0;
  if (!*text) return no_memory(s);
  while (!status && got) {
    if (*size == room) {
      char *more = realloc(*text, 2 * room);
      if (!more) return no_memory(s);
      *text = more;
      room *= 2;
    }
    status = nsw_input_read(s->input, *text + *size, room - *size, &got, s->err);
    *size += !status ? got : 0;
    if (!status && *size > MOST_TEXT)
      status = nsw_fail(s->err, "%s: JSON of more than 512 MiB", nsw_input_name(s->input));
  }
  return status;
}

/* Python writes NaN and Infinity, which JSON does not have: empty texts of the same length take their place. */
static void blank_nan(char *text, size_t size) {
  static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
  bool quoted = false;
  for (size_t i = 0; i < size; i++) {
    if (quoted && text[i] == '\\') {
      i++;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && (text[i] == 'N' || text[i] == 'I' || text[i] == '-')) {
      for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        size_t length = strlen(words[w]);
        if (length > size - i || memcmp(text + i, words[w], length)) continue;
        memset(text + i, ' ', length);
        text[i] = text[i + 1] = '"';
        i += length - 1;
        break;
      }
    }
  }
}

static bool only_blanks(const char *text, size_t size) {
  while (size && isspace((unsigned char)text[size - 1])) size--;
  return !size;
}

/* The value that begins at text; *used bytes of it. */
static int load(const char *text, size_t size, size_t *used, json_t **value, const struct source *s) {
  json_error_t error;
  *value = json_loadb(text, size, JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY, &error);
  *used = *value ? (size_t)error.position : 0;
  if (!*value) return nsw_fail(s->err, "%s: JSON, line %d: %s", nsw_input_name(s->input), error.line, error.text);
  return NSW_OK;
}

/* One value, or one object a line, which become a list. */
static int load_all(struct nsw_json_table *t, const char *text, size_t size, const struct source *s) {
  size_t used, at;
  int status = load(text, size, &used, &t->root, s);
  if (status || only_blanks(text + used, size - used)) return status;
  if (!json_is_object(t->root)) return no_table(s, "something follows its end");
  json_t *list = json_array(), *value = t->root;
  t->root = list;
  if (!list || json_array_append_new(list, value)) return no_memory(s);
  for (at = used; !only_blanks(text + at, size - at); at += used) {
    status = load(text + at, size - at, &used, &value, s);
    if (status) return nsw_error_prefix(s->err, status, "object %zu", json_array_size(list) + 1);
    if (json_array_append_new(list, value)) return no_memory(s);
  }
  return NSW_OK;
}

int nsw_json_table_read(struct nsw_input *input, struct nsw_json_table **table, struct nsw_error *err) {
  struct source s = {input, err};
  struct nsw_json_table *t = calloc(1, sizeof *t);
  char *text = NULL;
  size_t size = 0;
  *table = t;
  if (!t || !(t->column = calloc(COLUMNS, sizeof *t->column))) {
    nsw_json_table_free(table);
    return no_memory(&s);
  }
  int status = read_text(&s, &text, &size);
  if (!status) blank_nan(text, size);
  if (!status) status = load_all(t, text, size, &s);
  free(text);
  if (!status) status = take_root(t, &s);
  if (!status && (!t->rows || !t->columns)) status = no_table(&s, "nothing is in it");
  if (status) nsw_json_table_free(table);
  return status;
}

size_t nsw_json_table_columns(const struct nsw_json_table *table) { return table->columns; }
size_t nsw_json_table_rows(const struct nsw_json_table *table) { return table->rows; }
const char *nsw_json_table_name(const struct nsw_json_table *table, size_t column) {
  return table->column[column].name;
}

/* The value of a field; NULL where there is none. The key of a row is told apart by the caller. */
static const json_t *value_of(const struct nsw_json_table *t, size_t row, const struct column *c, size_t column) {
  if (t->by_column) return json_object_get(json_object_get(t->by_column, c->path[0]), t->key[row]);
  if (json_is_array(t->row[row])) {
    if (t->index && !column) return json_array_get(t->index, row);
    return json_array_get(t->row[row], column - (t->index ? 1 : 0));
  }
  const json_t *value = t->row[row];
  for (int i = 0; i < c->depth; i++) value = json_object_get(value, c->path[i]);
  return value;
}

const char *nsw_json_table_field(struct nsw_json_table *table, size_t row, size_t column) {
  if (table->key[row] && !column) return table->key[row];
  const json_t *value = value_of(table, row, &table->column[column], column);
  if (!value || json_is_null(value)) return "";
  if (json_is_string(value)) return json_string_value(value);
  free(table->text);
  table->text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
  return table->text;
}

void nsw_json_table_free(struct nsw_json_table **table) {
  struct nsw_json_table *t = *table;
  if (!t) return;
  for (size_t i = 0; t->column && i < t->columns; i++)
    for (int k = 0; k < t->column[i].depth; k++) free(t->column[i].path[k]);
  json_decref(t->root);
  free(t->column);
  free(t->row);
  free(t->key);
  free(t->text);
  free(t);
  *table = NULL;
}
