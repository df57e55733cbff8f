#include <string.h>

#include "files/pickle_reader.h"

/* ---- the names a pickle may use ---- */

enum name { ORDERED_DICT, SET, SCALAR, RECONSTRUCT, FROM_BUFFER, NDARRAY, TYPE, ENCODE, TENSOR, STORAGE };

static const struct {
  const char *module, *name;
  enum name what;
} names[] = {
    {"collections", "OrderedDict", ORDERED_DICT},
    {"builtins", "set", SET},
    {"__builtin__", "set", SET},
    {"builtins", "frozenset", SET},
    {"__builtin__", "frozenset", SET},
    {"numpy.core.multiarray", "scalar", SCALAR},
    {"numpy._core.multiarray", "scalar", SCALAR},
    {"numpy.core.multiarray", "_reconstruct", RECONSTRUCT},
    {"numpy._core.multiarray", "_reconstruct", RECONSTRUCT},
    {"numpy.core.numeric", "_frombuffer", FROM_BUFFER},
    {"numpy._core.numeric", "_frombuffer", FROM_BUFFER},
    {"numpy", "ndarray", NDARRAY},
    {"numpy", "dtype", TYPE},
    {"_codecs", "encode", ENCODE},
    {"torch._utils", "_rebuild_tensor_v2", TENSOR},
    {"torch._utils", "_rebuild_tensor", TENSOR},
    {"torch._utils", "_rebuild_parameter", TENSOR},
};

static int refuse(struct nsw_pickle_reader *r, const char *module, const char *name) {
  char printable[2][80];
  const char *from[2] = {module, name};
  for (int k = 0; k < 2; k++) {
    size_t i = 0;
    for (; from[k][i] && i < sizeof printable[k] - 1; i++)
      printable[k][i] = from[k][i] > 32 && from[k][i] < 127 ? from[k][i] : '?';
    printable[k][i] = 0;
  }
  return nsw_pickle_bad(r, "wants %s.%s, which is not data; refused", printable[0], printable[1]);
}

static int push_name(struct nsw_pickle_reader *r, const char *module, const char *name) {
  size_t length = strlen(name);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(module, names[i].module) && !strcmp(name, names[i].name)) {
      if (names[i].what == TENSOR && !r->options->tensors) break;
      return nsw_pickle_push_number(r, NSW_PICKLE_GLOBAL, names[i].what);
    }
  if (r->options->tensors && !strncmp(module, "torch", 5) && length > 7 && !strcmp(name + length - 7, "Storage"))
    return nsw_pickle_push_number(r, NSW_PICKLE_GLOBAL, STORAGE);
  return refuse(r, module, name);
}

int nsw_pickle_name_lines(struct nsw_pickle_reader *r) {
  char module[LONGEST_LINE], name[LONGEST_LINE];
  int status = nsw_pickle_line(r, module);
  if (!status) status = nsw_pickle_line(r, name);
  if (status || r->scan) return status;
  return push_name(r, module, name);
}

int nsw_pickle_name_stack(struct nsw_pickle_reader *r) {
  int status = nsw_pickle_need(r, 2);
  if (status) return status;
  const struct nsw_value *module = &r->stack[r->depth - 2], *name = &r->stack[r->depth - 1];
  if (module->kind != NSW_PICKLE_TEXT || name->kind != NSW_PICKLE_TEXT)
    return nsw_pickle_bad(r, "a name that is no text");
  struct nsw_value held[2] = {*module, *name};
  r->depth -= 2;
  status = push_name(r, held[0].u.object->text, held[1].u.object->text);
  nsw_pickle_release(r, &held[0]);
  nsw_pickle_release(r, &held[1]);
  return status;
}

/* ---- NumPy ---- */

/* 'f8', 'i4', 'u1', 'b1', ... with or without a byte order before it. */
static int parse_type(struct nsw_pickle_reader *r, const struct nsw_value *value, struct nsw_array *type) {
  const char *text = nsw_value_text(value);
  if (!text) return nsw_pickle_bad(r, "a NumPy type that is no text");
  if (*text && strchr("<>|=", *text)) type->big_endian = *text++ == '>';
  bool known = strlen(text) == 2 && strchr("fiub", *text) && strchr("1248", text[1]);
  if (known && ((*text == 'f' && text[1] != '4' && text[1] != '8') || (*text == 'b' && text[1] != '1'))) known = false;
  if (!known) return nsw_pickle_bad(r, "a NumPy type other than of whole numbers and reals: %.20s", text);
  type->type = *text;
  type->size = (unsigned)(text[1] - '0');
  return NSW_OK;
}

/* One element as a value. */
static struct nsw_value element(const struct nsw_array *array, const uint8_t *bytes) {
  uint64_t bits = 0;
  for (unsigned i = 0; i < array->size; i++)
    bits |= (uint64_t)bytes[array->big_endian ? array->size - 1 - i : i] << 8 * i;
  struct nsw_value value = {.kind = array->type == 'b' ? NSW_PICKLE_BOOL : NSW_PICKLE_INTEGER,
                            .u.integer = (int64_t)bits};
  if (array->type == 'b') value.u.integer = bits != 0;
  if (array->type == 'i' && array->size < 8 && bits >> (8 * array->size - 1))
    value.u.integer = (int64_t)(bits | ~UINT64_C(0) << 8 * array->size);
  if (array->type != 'f') return value;
  uint32_t low = (uint32_t)bits;
  float single;
  memcpy(&single, &low, sizeof single);
  return (struct nsw_value){.kind = NSW_PICKLE_REAL,
                            .u.real = array->size == 4 ? (double)single : nsw_pickle_from_bits(bits)};
}

static int make_scalar(struct nsw_pickle_reader *r, const struct nsw_object *arguments, struct nsw_value *result) {
  const struct nsw_value *items = arguments->items;
  if (arguments->count != 2 || items[0].kind != NSW_PICKLE_TYPE ||
      (items[1].kind != NSW_PICKLE_BYTES && items[1].kind != NSW_PICKLE_TEXT) ||
      items[1].u.object->count != nsw_pickle_array_of(items[0].u.object)->size)
    return nsw_pickle_bad(r, "a badly made NumPy scalar");
  *result = element(nsw_pickle_array_of(items[0].u.object), (const uint8_t *)items[1].u.object->text);
  return NSW_OK;
}

static int make_type(struct nsw_pickle_reader *r, const struct nsw_object *arguments, struct nsw_value *result) {
  struct nsw_object *object;
  if (!arguments->count) return nsw_pickle_bad(r, "a badly made NumPy type");
  int status = nsw_pickle_create(r, NSW_PICKLE_TYPE, 0, &object);
  if (status) return status;
  *result = (struct nsw_value){.kind = NSW_PICKLE_TYPE, .u.object = object};
  return parse_type(r, &arguments->items[0], nsw_pickle_array_of(object));
}

static int build_type(struct nsw_pickle_reader *r, struct nsw_object *type, const struct nsw_value *state) {
  if (state->kind != NSW_PICKLE_TUPLE || state->u.object->count < 2)
    return nsw_pickle_bad(r, "a badly made NumPy type");
  const char *order = nsw_value_text(&state->u.object->items[1]);
  if (!order || !*order || order[1] || !strchr("<>|=", *order))
    return nsw_pickle_bad(r, "a NumPy type of unknown byte order");
  nsw_pickle_array_of(type)->big_endian = *order == '>';
  return NSW_OK;
}

/* Fills an array that has no data yet; it keeps a reference to the bytes. */
static int fill_array(struct nsw_pickle_reader *r, struct nsw_object *object, const struct nsw_value *shape_value,
                      const struct nsw_value *type, const struct nsw_value *data) {
  struct nsw_array *array = nsw_pickle_array_of(object);
  if (shape_value->kind != NSW_PICKLE_TUPLE || type->kind != NSW_PICKLE_TYPE ||
      (data->kind != NSW_PICKLE_BYTES && data->kind != NSW_PICKLE_TEXT) || object->count)
    return nsw_pickle_bad(r, "a badly made NumPy array");
  const struct nsw_object *shape = shape_value->u.object;
  if (shape->count > DIMENSIONS) return nsw_pickle_bad(r, "a NumPy array of %zu dimensions", shape->count);
  *array = *nsw_pickle_array_of(type->u.object);
  uint64_t bytes = array->size;
  for (size_t i = 0; i < shape->count; i++) {
    int64_t length = -1;
    nsw_value_integer(&shape->items[i], &length);
    if (length < 0 || __builtin_mul_overflow(bytes, (uint64_t)length, &bytes))
      return nsw_pickle_bad(r, "a NumPy array of impossible shape");
    array->shape[i] = (uint64_t)length;
  }
  array->dimensions = (unsigned)shape->count;
  if (bytes != data->u.object->count)
    return nsw_pickle_bad(r, "a NumPy array of %llu bytes with %zu bytes of data", (unsigned long long)bytes,
                          data->u.object->count);
  int status = nsw_pickle_reserve(r, object, 1);
  if (status) return status;
  object->items[0] = *data;
  object->count = 1;
  data->u.object->references++;
  array->data = (const uint8_t *)data->u.object->text;
  return NSW_OK;
}

/* state: (version, shape, type, whether in Fortran order, bytes). */
static int build_array(struct nsw_pickle_reader *r, struct nsw_object *object, const struct nsw_value *state) {
  const struct nsw_value *items = state->kind == NSW_PICKLE_TUPLE ? state->u.object->items : NULL;
  if (!items || state->u.object->count != 5) return nsw_pickle_bad(r, "a badly made NumPy array");
  if (items[3].u.integer && nsw_value_count(&items[1]) > 1) return nsw_pickle_bad(r, "a NumPy array in Fortran order");
  return fill_array(r, object, &items[1], &items[2], &items[4]);
}

/* _frombuffer(bytes, type, shape, order): how protocol 5 writes arrays. */
static int make_array(struct nsw_pickle_reader *r, const struct nsw_object *arguments, struct nsw_value *result) {
  struct nsw_object *object;
  const struct nsw_value *items = arguments->items;
  if (arguments->count != 4) return nsw_pickle_bad(r, "a badly made NumPy array");
  if (!nsw_value_is(&items[3], "C") && nsw_value_count(&items[2]) > 1)
    return nsw_pickle_bad(r, "a NumPy array in Fortran order");
  int status = nsw_pickle_create(r, NSW_PICKLE_ARRAY, 0, &object);
  if (status) return status;
  *result = (struct nsw_value){.kind = NSW_PICKLE_ARRAY, .u.object = object};
  return fill_array(r, object, &items[2], &items[1], &items[0]);
}

/* _codecs.encode(text, 'latin1'): how old protocols write bytes. */
static int make_bytes(struct nsw_pickle_reader *r, const struct nsw_object *arguments, struct nsw_value *result) {
  struct nsw_object *object;
  const char *encoding = arguments->count == 2 ? nsw_value_text(&arguments->items[1]) : NULL;
  if (!encoding || (strcmp(encoding, "latin1") && strcmp(encoding, "latin-1")) ||
      arguments->items[0].kind != NSW_PICKLE_TEXT)
    return nsw_pickle_bad(r, "an encoding other than latin1");
  const struct nsw_object *from = arguments->items[0].u.object;
  int status = nsw_pickle_create(r, NSW_PICKLE_BYTES, from->count + 1, &object);
  if (status) return status;
  *result = (struct nsw_value){.kind = NSW_PICKLE_BYTES, .u.object = object};
  size_t n = 0;
  for (size_t i = 0; i < from->count; i++) {
    uint8_t byte = (uint8_t)from->text[i];
    if (byte >= 0xc4) return nsw_pickle_bad(r, "a character that is not latin1");
    if (byte >= 0xc0) byte = (uint8_t)(byte << 6 | ((uint8_t)from->text[++i] & 63)); /* it is valid UTF-8 */
    object->text[n++] = (char)byte;
  }
  object->text[n] = 0;
  object->count = n;
  return NSW_OK;
}

/* ---- REDUCE and BUILD, of the known names alone ---- */

/* OrderedDict(pairs), set(items). */
static int make_container(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind, const struct nsw_object *arguments,
                          struct nsw_value *result) {
  struct nsw_object *object;
  int status = nsw_pickle_create(r, kind, 0, &object);
  if (status) return status;
  *result = (struct nsw_value){.kind = kind, .u.object = object};
  if (!arguments->count) return NSW_OK;
  const struct nsw_value *list = arguments->items;
  if (arguments->count > 1 || (list->kind != NSW_PICKLE_LIST && list->kind != NSW_PICKLE_TUPLE))
    return nsw_pickle_bad(r, "a container made of what is no list");
  for (size_t i = 0; i < list->u.object->count; i++) {
    const struct nsw_value *item = &list->u.object->items[i];
    size_t before = r->depth;
    if (kind == NSW_PICKLE_SET) {
      status = nsw_pickle_push(r, *item);
    } else if ((item->kind == NSW_PICKLE_LIST || item->kind == NSW_PICKLE_TUPLE) && item->u.object->count == 2) {
      status = nsw_pickle_push(r, item->u.object->items[0]);
      if (!status) status = nsw_pickle_push(r, item->u.object->items[1]);
    } else {
      return nsw_pickle_bad(r, "an OrderedDict made of what is no pair");
    }
    if (!status)
      status =
          kind == NSW_PICKLE_SET ? nsw_pickle_append(r, object, before) : nsw_pickle_append_pairs(r, object, before);
    if (status) return status;
  }
  return NSW_OK;
}

static int make(struct nsw_pickle_reader *r, enum name what, const struct nsw_object *arguments,
                struct nsw_value *result) {
  struct nsw_object *object;
  int status;
  switch (what) {
    case ORDERED_DICT:
      return make_container(r, NSW_PICKLE_DICT, arguments, result);
    case SET:
      return make_container(r, NSW_PICKLE_SET, arguments, result);
    case SCALAR:
      return make_scalar(r, arguments, result);
    case TYPE:
      return make_type(r, arguments, result);
    case ENCODE:
      return make_bytes(r, arguments, result);
    case FROM_BUFFER:
      return make_array(r, arguments, result);
    case RECONSTRUCT:
      status = nsw_pickle_create(r, NSW_PICKLE_ARRAY, 0, &object);
      if (!status) *result = (struct nsw_value){.kind = NSW_PICKLE_ARRAY, .u.object = object};
      return status;
    case TENSOR:
      result->kind = NSW_PICKLE_OPAQUE;
      return NSW_OK;
    default:
      return nsw_pickle_bad(r, "REDUCE of a class that has no such form");
  }
}

int nsw_pickle_reduce(struct nsw_pickle_reader *r) {
  int status = nsw_pickle_need(r, 2);
  if (status) return status;
  struct nsw_value what = r->stack[r->depth - 2], arguments = r->stack[r->depth - 1],
                   result = {.kind = NSW_PICKLE_NONE};
  if (what.kind != NSW_PICKLE_GLOBAL) return nsw_pickle_bad(r, "REDUCE of what is no known name; refused");
  if (arguments.kind != NSW_PICKLE_TUPLE) return nsw_pickle_bad(r, "REDUCE without a tuple of arguments");
  status = make(r, (enum name)what.u.integer, arguments.u.object, &result);
  if (status) return status;
  nsw_pickle_drop(r, 2);
  return nsw_pickle_push(r, result);
}

int nsw_pickle_build(struct nsw_pickle_reader *r) {
  int status = nsw_pickle_need(r, 2);
  if (status) return status;
  const struct nsw_value *object = &r->stack[r->depth - 2], *state = &r->stack[r->depth - 1];
  if (object->kind == NSW_PICKLE_TYPE)
    status = build_type(r, object->u.object, state);
  else if (object->kind == NSW_PICKLE_ARRAY)
    status = build_array(r, object->u.object, state);
  else
    status = nsw_pickle_bad(r, "BUILD of what is neither a NumPy type nor array; refused");
  if (!status) nsw_pickle_drop(r, 1);
  return status;
}

int nsw_pickle_persistent(struct nsw_pickle_reader *r) {
  int status = nsw_pickle_need(r, 1);
  if (status) return status;
  if (!r->options->tensors) return nsw_pickle_bad(r, "a persistent id; refused");
  nsw_pickle_drop(r, 1);
  return nsw_pickle_push_number(r, NSW_PICKLE_OPAQUE, 0);
}

int nsw_pickle_duplicate(struct nsw_pickle_reader *r) {
  int status = nsw_pickle_need(r, 1);
  return status ? status : nsw_pickle_push(r, r->stack[r->depth - 1]);
}
