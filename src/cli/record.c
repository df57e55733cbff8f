#include "cli/record.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/emit.h"

/* ---- lists ---- */

void *nsw_rows_add(struct nsw_rows *rows, size_t size, struct nsw_error *err) {
  if (rows->count == rows->room) {
    size_t room = rows->room ? 2 * rows->room : 16;
    void *bigger = realloc(rows->at, room * size);
    if (!bigger) {
      nsw_no_memory(err, "%zu outcomes", room);
      return NULL;
    }
    rows->at = bigger;
    rows->room = room;
  }
  return memset((char *)rows->at + rows->count++ * size, 0, size);
}

void nsw_rows_free(struct nsw_rows *rows) {
  free(rows->at);
  *rows = (struct nsw_rows){0};
}

/* ---- members ---- */

static const char *text_of(const struct nsw_field *f, const void *value) {
  const char *member = (const char *)value + f->at;
  return f->kind == NSW_FIELD_WORD ? member : *(const char *const *)member;
}

static uint64_t count_of(const struct nsw_field *f, const void *value) {
  return *(const uint64_t *)(const void *)((const char *)value + f->at);
}

static double real_of(const struct nsw_field *f, const void *value) {
  return *(const double *)(const void *)((const char *)value + f->at);
}

/* ---- JSON ---- */

json_t *nsw_json_real(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *json_member(const struct nsw_field *f, const void *value) {
  json_t *list;
  switch (f->kind) {
    case NSW_FIELD_TEXT:
    case NSW_FIELD_WORD:
      return text_of(f, value) ? json_string(text_of(f, value)) : json_null();
    case NSW_FIELD_COUNT:
      return count_of(f, value) == UINT64_MAX ? json_null() : json_integer((json_int_t)count_of(f, value));
    case NSW_FIELD_REAL:
      return nsw_json_real(real_of(f, value));
    default:
      list = json_array();
      nsw_rows_json(list, f->of, (const struct nsw_rows *)(const void *)((const char *)value + f->at));
      return list;
  }
}

json_t *nsw_record_json(const struct nsw_record *record, const void *value) {
  json_t *object = json_object();
  if (record->kind) json_object_set_new(object, "kind", json_string(record->kind));
  for (const struct nsw_field *f = record->fields; f->kind != NSW_FIELD_END; f++)
    json_object_set_new(object, f->key, json_member(f, value));
  return object;
}

void nsw_rows_json(json_t *array, const struct nsw_record *record, const struct nsw_rows *rows) {
  for (size_t i = 0; i < rows->count; i++)
    json_array_append_new(array, nsw_record_json(record, (const char *)rows->at + i * record->size));
}

int nsw_json_print(FILE *out, json_t *array, struct nsw_error *err) {
  int bad = array ? json_dumpf(array, out, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : -1;
  json_decref(array);
  fputc('\n', out);
  if (fflush(out) || ferror(out)) return nsw_fail(err, "output failed: %s", strerror(errno ? errno : EIO));
  return bad ? nsw_fail(err, "the outcome could not be written as JSON: text that is not UTF-8, or not enough memory")
             : NSW_OK;
}

/* ---- CSV ---- */

void nsw_csv_real(FILE *out, double value) {
  if (isfinite(value)) fprintf(out, "%.17g", value);
}

void nsw_record_csv_head(FILE *out, const struct nsw_record *record) {
  for (const struct nsw_field *f = record->fields; f->kind != NSW_FIELD_END; f++)
    if (f->kind != NSW_FIELD_LIST) fprintf(out, "%s%s", f == record->fields ? "" : ",", f->key);
}

void nsw_record_csv(FILE *out, const struct nsw_record *record, const void *value) {
  for (const struct nsw_field *f = record->fields; f->kind != NSW_FIELD_END; f++) {
    if (f->kind == NSW_FIELD_LIST) continue;
    if (f != record->fields) fputc(',', out);
    if (f->kind == NSW_FIELD_REAL)
      nsw_csv_real(out, real_of(f, value));
    else if (f->kind != NSW_FIELD_COUNT)
      nsw_csv_text(out, text_of(f, value) ? text_of(f, value) : "");
    else if (count_of(f, value) != UINT64_MAX)
      fprintf(out, "%llu", (unsigned long long)count_of(f, value));
  }
}

/* ---- for people ---- */

const char *nsw_grouped(uint64_t value, char text[32]) {
  char digits[24];
  int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value), at = 0;
  for (int i = 0; i < n; i++) {
    if (i && (n - i) % 3 == 0) text[at++] = ',';
    text[at++] = digits[i];
  }
  text[at] = 0;
  return text;
}
