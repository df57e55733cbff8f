#include "store/table.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nasweep/row.h"

/* An array of n zeroed elements; never NULL for n = 0 where there is memory. */
static void *zeros(size_t n, size_t size) { return calloc(n ? n : 1, size); }

static double *nans(size_t n) {
  double *x = malloc((n ? n : 1) * sizeof *x);
  for (size_t i = 0; x && i < n; i++) x[i] = NAN;
  return x;
}

int nsw_table_create(const char *space, size_t rows, size_t id_size, struct nsw_table **table, struct nsw_error *err) {
  struct nsw_table *t = calloc(1, sizeof *t);
  *table = t;
  if (t) {
    t->space = strdup(space);
    t->rows = rows;
    t->id_size = id_size;
    t->index = zeros(rows, sizeof *t->index);
    t->id = zeros(rows, id_size ? id_size : 1);
    t->class_of = zeros(rows, sizeof *t->class_of);
    t->params = zeros(rows, sizeof *t->params);
    t->macs = zeros(rows, sizeof *t->macs);
    if (t->space && t->index && t->id && t->class_of && t->params && t->macs) return NSW_OK;
  }
  nsw_table_free(table);
  return nsw_no_memory(err, "a table of %zu rows", rows);
}

static void free_score(struct nsw_score *s) {
  free(s->name);
  free(s->value);
  free(s->by_seed);
  free(s->status);
  free(s->seconds);
  nsw_attributes_free(&s->attributes);
}

static void free_accuracy(struct nsw_accuracy *a) {
  free(a->dataset);
  free(a->split);
  free(a->value);
  free(a->by_repeat);
  nsw_attributes_free(&a->attributes);
}

static void free_curve(struct nsw_curves *c) {
  free(c->name);
  free(c->value);
  nsw_attributes_free(&c->attributes);
}

void nsw_table_free(struct nsw_table **table) {
  struct nsw_table *t = *table;
  *table = NULL;
  if (!t) return;
  for (size_t i = 0; i < t->scores; i++) free_score(&t->score[i]);
  for (size_t i = 0; i < t->accuracies; i++) free_accuracy(&t->accuracy[i]);
  for (size_t i = 0; i < t->curves; i++) free_curve(&t->curve[i]);
  for (size_t i = 0; i < t->series_count; i++) free(t->series[i].value);
  free(t->series);
  free(t->space);
  free(t->index);
  free(t->id);
  free(t->class_of);
  free(t->params);
  free(t->macs);
  free(t->score);
  free(t->accuracy);
  free(t->curve);
  nsw_attributes_free(&t->attributes);
  free(t);
}

/* Names become names of HDF5 links: a slash or a dot alone would mean another place. */
static bool usable(const char *name) {
  if (!*name || strlen(name) > 200 || !strcmp(name, ".") || !strcmp(name, "..")) return false;
  for (const char *p = name; *p; p++)
    if (*p == '/' || !isgraph((unsigned char)*p)) return false;
  return true;
}

int nsw_table_add_score(struct nsw_table *table, const char *name, int direction, size_t seeds,
                        struct nsw_score **score, struct nsw_error *err) {
  if (!usable(name)) return nsw_fail(err, "'%.80s' cannot be the name of a score", name);
  if (nsw_table_score(table, name)) return nsw_fail(err, "there already is a score named %s", name);
  if (seeds < 1) return nsw_fail(err, "score %s: no seeds", name);
  struct nsw_score *list = realloc(table->score, (table->scores + 1) * sizeof *list);
  if (!list) return nsw_no_memory(err, "score %s", name);
  table->score = list;
  struct nsw_score *s = &list[table->scores];
  *s = (struct nsw_score){.direction = direction, .seeds = seeds};
  s->name = strdup(name);
  s->value = nans(table->rows);
  s->by_seed = seeds > 1 ? nans(table->rows * seeds) : NULL;
  s->status = zeros(table->rows, sizeof *s->status); /* NSW_ROW_PENDING is 0 */
  s->seconds = zeros(table->rows, sizeof *s->seconds);
  if (!s->name || !s->value || (seeds > 1 && !s->by_seed) || !s->status || !s->seconds) {
    free_score(s);
    return nsw_no_memory(err, "score %s of %zu rows", name, table->rows);
  }
  table->scores++;
  if (score) *score = s;
  return NSW_OK;
}

int nsw_table_add_accuracy(struct nsw_table *table, const char *dataset, const char *split, size_t repeats,
                           struct nsw_accuracy **accuracy, struct nsw_error *err) {
  if (!usable(dataset) || !usable(split))
    return nsw_fail(err, "'%.80s/%.80s' cannot be the name of an accuracy", dataset, split);
  if (nsw_table_accuracy(table, dataset, split))
    return nsw_fail(err, "there already is an accuracy named %s/%s", dataset, split);
  if (repeats < 1) return nsw_fail(err, "accuracy %s/%s: no repeats", dataset, split);
  struct nsw_accuracy *list = realloc(table->accuracy, (table->accuracies + 1) * sizeof *list);
  if (!list) return nsw_no_memory(err, "accuracy %s/%s", dataset, split);
  table->accuracy = list;
  struct nsw_accuracy *a = &list[table->accuracies];
  *a = (struct nsw_accuracy){.repeats = repeats};
  a->dataset = strdup(dataset);
  a->split = strdup(split);
  a->value = nans(table->rows);
  a->by_repeat = repeats > 1 ? nans(table->rows * repeats) : NULL;
  if (!a->dataset || !a->split || !a->value || (repeats > 1 && !a->by_repeat)) {
    free_accuracy(a);
    return nsw_no_memory(err, "accuracy %s/%s of %zu rows", dataset, split, table->rows);
  }
  table->accuracies++;
  if (accuracy) *accuracy = a;
  return NSW_OK;
}

int nsw_table_add_curve(struct nsw_table *table, const char *name, size_t width, struct nsw_curves **curve,
                        struct nsw_error *err) {
  if (!usable(name)) return nsw_fail(err, "'%.80s' cannot be the name of curves", name);
  if (nsw_table_curve(table, name)) return nsw_fail(err, "there already are curves named %s", name);
  if (width < 1) return nsw_fail(err, "curves %s: no points", name);
  struct nsw_curves *list = realloc(table->curve, (table->curves + 1) * sizeof *list);
  if (!list) return nsw_no_memory(err, "curves %s", name);
  table->curve = list;
  struct nsw_curves *c = &list[table->curves];
  size_t points = table->rows * width;
  *c = (struct nsw_curves){.name = strdup(name), .width = width, .value = malloc((points + 1) * sizeof *c->value)};
  if (!c->name || !c->value) {
    free_curve(c);
    return nsw_no_memory(err, "curves %s of %zu rows", name, table->rows);
  }
  for (size_t i = 0; i < points; i++) c->value[i] = NAN;
  table->curves++;
  if (curve) *curve = c;
  return NSW_OK;
}

int nsw_table_add_series(struct nsw_table *table, const char *name, const double *value, size_t n,
                         struct nsw_error *err) {
  double *copy = malloc((n ? n : 1) * sizeof *copy);
  struct nsw_series *list = realloc(table->series, (table->series_count + 1) * sizeof *list);
  if (list) table->series = list;
  if (!copy || !list) {
    free(copy);
    return nsw_no_memory(err, "%s of %zu ranks", name, n);
  }
  memcpy(copy, value, n * sizeof *copy);
  size_t place = 0;
  while (place < table->series_count && strcmp(list[place].name, name)) place++;
  if (place < table->series_count) free(list[place].value);
  list[place] = (struct nsw_series){.name = name, .value = copy, .count = n};
  if (place == table->series_count) table->series_count++;
  return NSW_OK;
}

struct nsw_score *nsw_table_score(const struct nsw_table *table, const char *name) {
  for (size_t i = 0; i < table->scores; i++)
    if (!strcmp(table->score[i].name, name)) return &table->score[i];
  return NULL;
}

struct nsw_accuracy *nsw_table_accuracy(const struct nsw_table *table, const char *dataset, const char *split) {
  for (size_t i = 0; i < table->accuracies; i++)
    if (!strcmp(table->accuracy[i].dataset, dataset) && !strcmp(table->accuracy[i].split, split))
      return &table->accuracy[i];
  return NULL;
}

struct nsw_curves *nsw_table_curve(const struct nsw_table *table, const char *name) {
  for (size_t i = 0; i < table->curves; i++)
    if (!strcmp(table->curve[i].name, name)) return &table->curve[i];
  return NULL;
}

int64_t nsw_table_row(const struct nsw_table *table, uint32_t index) {
  size_t low = 0, high = table->rows;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (table->index[middle] < index)
      low = middle + 1;
    else
      high = middle;
  }
  return low < table->rows && table->index[low] == index ? (int64_t)low : -1;
}

/* ---- attributes ---- */

static struct nsw_attribute *find(const struct nsw_attributes *attributes, const char *name) {
  for (size_t i = 0; i < attributes->count; i++)
    if (!strcmp(attributes->list[i].name, name)) return &attributes->list[i];
  return NULL;
}

const char *nsw_attributes_get(const struct nsw_attributes *attributes, const char *name) {
  const struct nsw_attribute *a = find(attributes, name);
  return a ? a->text : NULL;
}

int nsw_attributes_set(struct nsw_attributes *attributes, const char *name, const char *text, struct nsw_error *err) {
  struct nsw_attribute *a = find(attributes, name);
  char *copy = strdup(text);
  if (a && copy) {
    free(a->text);
    a->text = copy;
    return NSW_OK;
  }
  char *key = copy ? strdup(name) : NULL;
  struct nsw_attribute *list = key ? realloc(attributes->list, (attributes->count + 1) * sizeof *list) : NULL;
  if (!list) {
    free(copy);
    free(key);
    return nsw_no_memory(err, "attribute %s", name);
  }
  attributes->list = list;
  list[attributes->count++] = (struct nsw_attribute){key, copy};
  return NSW_OK;
}

int nsw_attributes_setf(struct nsw_attributes *attributes, struct nsw_error *err, const char *name, const char *format,
                        ...) {
  char *text = NULL;
  va_list args;
  va_start(args, format);
  int n = vasprintf(&text, format, args);
  va_end(args);
  if (n < 0) return nsw_no_memory(err, "attribute %s", name);
  int status = nsw_attributes_set(attributes, name, text, err);
  free(text);
  return status;
}

void nsw_attributes_free(struct nsw_attributes *attributes) {
  for (size_t i = 0; i < attributes->count; i++) {
    free(attributes->list[i].name);
    free(attributes->list[i].text);
  }
  free(attributes->list);
  *attributes = (struct nsw_attributes){0};
}
