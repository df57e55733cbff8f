#include <stdlib.h>
#include <string.h>

#include "files/pickle_reader.h"
#include "files/utf8.h"

/* ---- stack ---- */

int nsw_pickle_grow_stack(struct nsw_pickle_reader *r) {
  size_t room = r->room ? r->room * 2 : 256, more = (room - r->room) * sizeof *r->stack;
  struct nsw_value *stack = NULL;
  if (r->held + more > r->most || !(stack = realloc(r->stack, room * sizeof *stack)))
    return nsw_pickle_no_memory(r, more);
  r->held += more;
  r->stack = stack;
  r->room = room;
  return NSW_OK;
}

static inline int push_real(struct nsw_pickle_reader *r, double real) {
  return nsw_pickle_push(r, (struct nsw_value){.kind = NSW_PICKLE_REAL, .u.real = real});
}

static inline int push_object(struct nsw_pickle_reader *r, struct nsw_object *object) {
  return nsw_pickle_push(r, (struct nsw_value){.kind = (enum nsw_pickle_kind)object->kind, .u.object = object});
}

int nsw_pickle_push_new(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind) {
  struct nsw_object *object;
  int status = nsw_pickle_create(r, kind, 0, &object);
  return status ? status : push_object(r, object);
}

/* Values above the last mark. */
static size_t above(const struct nsw_pickle_reader *r) { return r->depth - (r->open ? r->marks[r->open - 1] + 1 : 0); }

int nsw_pickle_need(struct nsw_pickle_reader *r, size_t values) {
  return above(r) < values ? nsw_pickle_bad(r, "takes %zu values from a stack of %zu", values, above(r)) : NSW_OK;
}

void nsw_pickle_drop(struct nsw_pickle_reader *r, size_t values) {
  while (values--) nsw_pickle_release(r, &r->stack[--r->depth]);
}

int nsw_pickle_mark(struct nsw_pickle_reader *r) {
  if (r->open == r->most_open) return nsw_pickle_bad(r, "more than %zu containers nested", r->most_open);
  r->marks[r->open++] = r->depth;
  return nsw_pickle_push_number(r, NSW_PICKLE_MARK, 0);
}

/* Closes the last mark: items above it begin at *first; the mark itself is one below. */
static int unmark(struct nsw_pickle_reader *r, size_t *first) {
  if (!r->open) return nsw_pickle_bad(r, "no mark is open");
  *first = r->marks[--r->open] + 1;
  return NSW_OK;
}

int nsw_pickle_append(struct nsw_pickle_reader *r, struct nsw_object *object, size_t first) {
  size_t n = r->depth - first;
  int status = nsw_pickle_reserve(r, object, object->count + n);
  if (status || !n) return status;
  memcpy(object->items + object->count, r->stack + first, n * sizeof *r->stack);
  object->count += n;
  r->depth = first;
  return NSW_OK;
}

int nsw_pickle_append_pairs(struct nsw_pickle_reader *r, struct nsw_object *dict, size_t first) {
  if ((r->depth - first) % 2) return nsw_pickle_bad(r, "a key without a value");
  if (!r->options->pair) return nsw_pickle_append(r, dict, first);
  for (size_t i = first; i < r->depth; i += 2) {
    bool keep = true;
    int status = r->options->pair(r->options->context, r, &r->stack[i], &r->stack[i + 1], &keep, r->err);
    if (!status && keep) status = nsw_pickle_reserve(r, dict, dict->count + 2);
    if (status) return status;
    if (keep) {
      memcpy(dict->items + dict->count, r->stack + i, 2 * sizeof *r->stack);
      dict->count += 2;
    } else {
      nsw_pickle_release(r, &r->stack[i]);
      nsw_pickle_release(r, &r->stack[i + 1]);
    }
    /* What has been moved or freed must not be freed again if a later pair fails. */
    r->stack[i].kind = r->stack[i + 1].kind = NSW_PICKLE_NONE;
  }
  r->depth = first;
  return NSW_OK;
}

/* A new container of the items from first on, in their place. */
static int gather(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind, size_t first, bool marked) {
  struct nsw_object *object;
  int status = nsw_pickle_create(r, kind, 0, &object);
  if (!status)
    status = kind == NSW_PICKLE_DICT ? nsw_pickle_append_pairs(r, object, first) : nsw_pickle_append(r, object, first);
  if (status) return status;
  if (marked) r->depth--;
  return push_object(r, object);
}

int nsw_pickle_gather_marked(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind) {
  size_t first = 0;
  int status = unmark(r, &first);
  return status ? status : gather(r, kind, first, true);
}

int nsw_pickle_gather_tuple(struct nsw_pickle_reader *r, size_t items) {
  int status = nsw_pickle_need(r, items);
  return status ? status : gather(r, NSW_PICKLE_TUPLE, r->depth - items, false);
}

/* Adds what is above position first to the container below position under. */
static int extend(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind, size_t under, size_t first) {
  size_t floor = r->open ? r->marks[r->open - 1] + 1 : 0;
  if (under <= floor) return nsw_pickle_bad(r, "nothing is there to add to");
  const struct nsw_value *to = &r->stack[under - 1];
  if (to->kind != kind)
    return nsw_pickle_bad(r, "adds to what is no %s", kind == NSW_PICKLE_DICT ? "dict" : "list or set");
  return kind == NSW_PICKLE_DICT ? nsw_pickle_append_pairs(r, to->u.object, first)
                                 : nsw_pickle_append(r, to->u.object, first);
}

int nsw_pickle_extend_marked(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind) {
  size_t first = 0;
  int status = unmark(r, &first);
  if (!status) status = extend(r, kind, first - 1, first);
  if (!status) r->depth--;
  return status;
}

int nsw_pickle_extend_by(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind, size_t values) {
  int status = nsw_pickle_need(r, values);
  return status ? status : extend(r, kind, r->depth - values, r->depth - values);
}

int nsw_pickle_pop(struct nsw_pickle_reader *r) {
  if (r->open && r->marks[r->open - 1] + 1 == r->depth)
    r->open--;
  else if (!r->depth)
    return nsw_pickle_bad(r, "takes a value from an empty stack");
  nsw_pickle_drop(r, 1);
  return NSW_OK;
}

int nsw_pickle_pop_mark(struct nsw_pickle_reader *r) {
  size_t first = 0;
  int status = unmark(r, &first);
  if (!status) nsw_pickle_drop(r, r->depth - first + 1);
  return status;
}

void nsw_value_filter(struct nsw_pickle_reader *r, struct nsw_value *dict,
                      bool (*keep)(void *context, const struct nsw_value *key), void *context) {
  if (dict->kind != NSW_PICKLE_DICT) return;
  struct nsw_object *object = dict->u.object;
  size_t kept = 0;
  for (size_t i = 0; i + 1 < object->count; i += 2) {
    struct nsw_value pair[2] = {object->items[i], object->items[i + 1]};
    bool wanted = keep(context, &pair[0]);
    struct nsw_value *to = object->items + (wanted ? kept : i);
    to[0] = pair[0];
    to[1] = pair[1];
    if (wanted) {
      kept += 2;
    } else {
      to[0].kind = to[1].kind = NSW_PICKLE_NONE;
      nsw_pickle_release(r, &pair[0]);
      nsw_pickle_release(r, &pair[1]);
    }
  }
  object->count = kept;
  struct nsw_value *items = kept ? realloc(object->items, kept * sizeof *items) : NULL;
  if (!items) return;
  r->held -= (object->capacity - kept) * sizeof *items;
  object->items = items;
  object->capacity = kept;
}

/* ---- numbers and texts ---- */

int nsw_pickle_long_integer(struct nsw_pickle_reader *r, uint64_t n) {
  const uint8_t *bytes;
  uint64_t value = 0;
  if (n > 8) return nsw_pickle_bad(r, "an integer of %llu bytes", (unsigned long long)n);
  int status = nsw_pickle_take(r, (size_t)n, &bytes);
  if (status) return status;
  for (size_t i = 0; i < n; i++) value |= (uint64_t)bytes[i] << 8 * i;
  if (n && n < 8 && bytes[n - 1] & 0x80) value |= ~UINT64_C(0) << 8 * n;
  return nsw_pickle_push_number(r, NSW_PICKLE_INTEGER, (int64_t)value);
}

double nsw_pickle_from_bits(uint64_t bits) {
  double real;
  memcpy(&real, &bits, sizeof real);
  return real;
}

int nsw_pickle_binary_real(struct nsw_pickle_reader *r) {
  uint64_t bits;
  int status = nsw_pickle_number(r, 8, &bits);
  return status ? status : push_real(r, nsw_pickle_from_bits(__builtin_bswap64(bits)));
}

int nsw_pickle_line_number(struct nsw_pickle_reader *r, uint8_t opcode) {
  char text[LONGEST_LINE], *end;
  int status = nsw_pickle_line(r, text);
  if (status) return status;
  if (opcode == 'I' && (!strcmp(text, "00") || !strcmp(text, "01")))
    return nsw_pickle_push_number(r, NSW_PICKLE_BOOL, text[1] == '1');
  if (opcode == 'F') {
    double real = strtod(text, &end);
    return *end || end == text ? nsw_pickle_bad(r, "a badly written number") : push_real(r, real);
  }
  long long integer = strtoll(text, &end, 10);
  if (opcode == 'L' && *end == 'L') end++;
  return *end || end == text ? nsw_pickle_bad(r, "a badly written number")
                             : nsw_pickle_push_number(r, NSW_PICKLE_INTEGER, integer);
}

int nsw_pickle_text(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind, unsigned width) {
  uint64_t n;
  struct nsw_object *object;
  int status = nsw_pickle_number(r, width, &n);
  if (status) return status;
  if (r->scan) return nsw_pickle_skip(r, n);
  if (n > r->most) return nsw_pickle_bad(r, "a text of %llu bytes", (unsigned long long)n);
  status = nsw_pickle_create(r, kind, (size_t)n + 1, &object);
  if (status) return status;
  object->count = (size_t)n;
  status = nsw_pickle_copy(r, object->text, (size_t)n);
  object->text[n] = 0;
  if (!status && kind == NSW_PICKLE_TEXT && !nsw_utf8_valid(object->text, object->count))
    status = nsw_pickle_bad(r, "a text that is not UTF-8");
  return status ? status : push_object(r, object);
}
