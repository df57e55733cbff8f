/* Looks at what was read. */
#include <string.h>

#include "files/pickle_reader.h"

/* ---- looking at values ---- */

static bool is_sequence(const struct nsw_value *value) {
  return value && (value->kind == NSW_PICKLE_LIST || value->kind == NSW_PICKLE_TUPLE || value->kind == NSW_PICKLE_SET);
}

size_t nsw_value_count(const struct nsw_value *value) {
  if (!value) return 0;
  if (value->kind == NSW_PICKLE_DICT) return value->u.object->count / 2;
  return is_sequence(value) || nsw_value_text(value) ? value->u.object->count : 0;
}

const struct nsw_value *nsw_value_item(const struct nsw_value *list, size_t i) {
  return is_sequence(list) && i < list->u.object->count ? &list->u.object->items[i] : NULL;
}

static bool is_dict(const struct nsw_value *value) { return value && value->kind == NSW_PICKLE_DICT; }

const struct nsw_value *nsw_value_key(const struct nsw_value *dict, size_t i) {
  return is_dict(dict) && i < nsw_value_count(dict) ? &dict->u.object->items[2 * i] : NULL;
}

const struct nsw_value *nsw_value_at(const struct nsw_value *dict, size_t i) {
  return is_dict(dict) && i < nsw_value_count(dict) ? &dict->u.object->items[2 * i + 1] : NULL;
}

const struct nsw_value *nsw_value_get(const struct nsw_value *dict, const char *key) {
  if (!is_dict(dict)) return NULL;
  for (size_t i = dict->u.object->count / 2; i-- > 0;)
    if (nsw_value_is(&dict->u.object->items[2 * i], key)) return &dict->u.object->items[2 * i + 1];
  return NULL;
}

const char *nsw_value_text(const struct nsw_value *value) {
  return value && (value->kind == NSW_PICKLE_TEXT || value->kind == NSW_PICKLE_BYTES) ? value->u.object->text : NULL;
}

bool nsw_value_is(const struct nsw_value *value, const char *text) {
  size_t length = strlen(text);
  return nsw_value_text(value) && value->u.object->count == length && !memcmp(value->u.object->text, text, length);
}

bool nsw_value_real(const struct nsw_value *value, double *real) {
  if (!value) return false;
  if (value->kind == NSW_PICKLE_REAL)
    *real = value->u.real;
  else if (value->kind == NSW_PICKLE_INTEGER || value->kind == NSW_PICKLE_BOOL)
    *real = (double)value->u.integer;
  else
    return false;
  return true;
}

bool nsw_value_integer(const struct nsw_value *value, int64_t *integer) {
  if (!value || (value->kind != NSW_PICKLE_INTEGER && value->kind != NSW_PICKLE_BOOL)) return false;
  *integer = value->u.integer;
  return true;
}

bool nsw_value_array(const struct nsw_value *value, struct nsw_array *array) {
  if (!value || value->kind != NSW_PICKLE_ARRAY || !value->u.object->count) return false;
  *array = *nsw_pickle_array_of(value->u.object);
  return true;
}
