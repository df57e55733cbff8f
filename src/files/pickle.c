#include "files/pickle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/utf8.h"

enum {
  WINDOW = 1 << 16,
  SLAB = 1 << 16,
  LARGEST_IN_SLAB = 256,
  FIRST_MEMO = 1024,
  LONGEST_LINE = 1024,
  DEFAULT_DEPTH = 64,
  MOST_DEPTH = 1000,
  DIMENSIONS = 4
};

/* Anything that is not a plain number. Counted by reference; what needs more than its slab is also in one list, so that
 * cycles are freed as well. */
struct nsw_object {
  struct nsw_object *next, *previous; /* in that list; next also in queues of freed ones */
  uint32_t references;                /* from stack, memo and other objects */
  uint32_t kind;                      /* enum nsw_pickle_kind */
  size_t count;                       /* see the kinds */
  size_t capacity;                    /* items there is room for */
  struct nsw_value *items;            /* of lists, tuples, sets and dicts; an array's one item is its data */
  char text[];                        /* of texts and bytes; of arrays and types a struct nsw_array */
};

/* Memory for objects, which are many and small: handed out in steps of 16 bytes, taken back by size, freed as a whole.
 */
struct slab {
  struct slab *next;
  char bytes[SLAB - sizeof(struct slab *)];
};

/* The memo entries that are ever fetched. */
struct nsw_pickle_used {
  uint64_t *bits;   /* [words] */
  uint32_t *before; /* [words] how many bits are set in the words before */
  size_t words;
  size_t fetched; /* bits that are set */
};

struct nsw_pickle {
  struct nsw_value root;
  struct nsw_object *objects; /* those in the list */
  struct slab *slabs;
  uint64_t bytes; /* of the pickle */
};

/* The machine. */
struct nsw_pickle_reader {
  struct nsw_input *input;
  const struct nsw_pickle_options *options;
  struct nsw_error *err;
  size_t at, end;     /* unread bytes of the window */
  uint64_t offset;    /* of window[0] in the input */
  uint64_t opcode_at; /* where the current opcode began */
  struct nsw_object *objects;
  struct slab *slabs;
  size_t slab_used;                                   /* bytes of the first slab */
  struct nsw_object *freed[LARGEST_IN_SLAB / 16 + 1]; /* by size in steps of 16 */
  size_t held, most;                                  /* bytes allocated, and allowed */
  struct nsw_value *stack;
  size_t depth, room; /* values on the stack, and room for them */
  size_t marks[MOST_DEPTH];
  size_t open, most_open; /* marks on the stack, and allowed */
  struct nsw_value *memo; /* kind MARK where nothing was put */
  size_t memo_room;
  uint64_t puts;                /* PUT opcodes so far: MEMOIZE takes this as its index */
  struct nsw_pickle_used *scan; /* being filled by a first pass, or NULL */
  uint8_t window[WINDOW];       /* last: all before it begins as zeros */
};

/* ---- errors and bytes ---- */

static int bad(struct nsw_pickle_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int bad(struct nsw_pickle_reader *r, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return nsw_fail(r->err, "%s: pickle, byte %llu: %s", nsw_input_name(r->input), (unsigned long long)r->opcode_at,
                  text);
}

static int no_memory(struct nsw_pickle_reader *r, size_t bytes) {
  if (r->held + bytes > r->most) return bad(r, "would hold more than %zu bytes", r->most);
  return bad(r, "not enough memory");
}

/* Moves what is unread to the front and reads more. */
static int refill(struct nsw_pickle_reader *r, size_t want) {
  memmove(r->window, r->window + r->at, r->end - r->at);
  r->offset += r->at;
  r->end -= r->at;
  r->at = 0;
  while (r->end < want) {
    size_t got;
    int status = nsw_input_read(r->input, r->window + r->end, WINDOW - r->end, &got, r->err);
    if (status) return status;
    if (!got) return bad(r, "the input ends in the middle");
    r->end += got;
  }
  return NSW_OK;
}

/* Makes n <= WINDOW bytes readable at *bytes, and passes over them. */
static inline int take(struct nsw_pickle_reader *r, size_t n, const uint8_t **bytes) {
  if (r->end - r->at < n) {
    int status = refill(r, n);
    if (status) return status;
  }
  *bytes = r->window + r->at;
  r->at += n;
  return NSW_OK;
}

/* Copies n bytes of any number. */
static int copy(struct nsw_pickle_reader *r, char *to, size_t n) {
  size_t there = r->end - r->at < n ? r->end - r->at : n;
  memcpy(to, r->window + r->at, there);
  r->at += there;
  to += there;
  n -= there;
  while (n) {
    size_t got;
    int status = nsw_input_read(r->input, to, n, &got, r->err);
    if (status) return status;
    if (!got) return bad(r, "the input ends in the middle");
    r->offset += got;
    to += got;
    n -= got;
  }
  return NSW_OK;
}

static int skip(struct nsw_pickle_reader *r, uint64_t n) {
  const uint8_t *bytes;
  while (n) {
    size_t step = n < WINDOW ? (size_t)n : WINDOW;
    int status = take(r, step, &bytes);
    if (status) return status;
    n -= step;
  }
  return NSW_OK;
}

/* A little-endian number of `width` bytes. */
static inline int number(struct nsw_pickle_reader *r, unsigned width, uint64_t *value) {
  const uint8_t *bytes;
  int status = take(r, width, &bytes);
  *value = 0;
  if (status) return status;
  for (unsigned i = 0; i < width; i++) *value |= (uint64_t)bytes[i] << 8 * i;
  return NSW_OK;
}

/* A line without its newline, NUL-terminated. */
static int line(struct nsw_pickle_reader *r, char text[LONGEST_LINE]) {
  for (size_t n = 0; n < LONGEST_LINE; n++) {
    const uint8_t *byte;
    int status = take(r, 1, &byte);
    if (status) return status;
    text[n] = (char)*byte;
    if (*byte == '\n') {
      text[n] = 0;
      return NSW_OK;
    }
  }
  return bad(r, "a line of more than %d bytes", LONGEST_LINE);
}

/* ---- objects ---- */

static struct nsw_array *array_of(struct nsw_object *object) { return (struct nsw_array *)(void *)object->text; }

/* Memory of a size that is in a slab, from those freed or from the slab; NULL where there is none. */
static struct nsw_object *take_memory(struct nsw_pickle_reader *r, size_t size) {
  size_t step = (size + 15) / 16;
  struct nsw_object *object = r->freed[step];
  if (object) {
    r->freed[step] = object->next;
    return object;
  }
  if (!r->slabs || sizeof r->slabs->bytes - r->slab_used < step * 16) {
    struct slab *slab = malloc(sizeof *slab);
    if (!slab) return NULL;
    slab->next = r->slabs;
    r->slabs = slab;
    r->slab_used = 0;
  }
  object = (struct nsw_object *)(void *)(r->slabs->bytes + r->slab_used);
  r->slab_used += step * 16;
  return object;
}

static bool is_text(const struct nsw_object *object) {
  return object->kind == NSW_PICKLE_TEXT || object->kind == NSW_PICKLE_BYTES;
}

/* Bytes that an object was made with, its header included. room is what create was asked for. */
static size_t object_size(const struct nsw_object *object) {
  size_t room = is_text(object)                                                       ? object->capacity
                : object->kind == NSW_PICKLE_ARRAY || object->kind == NSW_PICKLE_TYPE ? sizeof(struct nsw_array)
                                                                                      : 0;
  return sizeof *object + room;
}

/* Whether it is in the list: containers own their items, and large texts own themselves. */
static bool is_listed(const struct nsw_object *object) {
  return !is_text(object) || object_size(object) > LARGEST_IN_SLAB;
}

/* A new object, with room bytes of text where it is one. */
static int create(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind, size_t room, struct nsw_object **object) {
  if (kind == NSW_PICKLE_ARRAY || kind == NSW_PICKLE_TYPE) room = sizeof(struct nsw_array);
  size_t size = sizeof **object + room;
  if (room > r->most || r->held + size > r->most) return no_memory(r, size);
  *object = size > LARGEST_IN_SLAB ? malloc(size) : take_memory(r, size);
  if (!*object) return no_memory(r, 0);
  r->held += size;
  **object = (struct nsw_object){.kind = (uint32_t)kind};
  if (kind == NSW_PICKLE_ARRAY || kind == NSW_PICKLE_TYPE) *array_of(*object) = (struct nsw_array){0};
  if (kind == NSW_PICKLE_TEXT || kind == NSW_PICKLE_BYTES) {
    (*object)->capacity = room;
    if (size <= LARGEST_IN_SLAB) return NSW_OK;
  }
  (*object)->next = r->objects;
  if (r->objects) r->objects->previous = *object;
  r->objects = *object;
  return NSW_OK;
}

static inline bool is_object(const struct nsw_value *value) {
  return value->kind >= NSW_PICKLE_TEXT && value->kind != NSW_PICKLE_OPAQUE && value->kind != NSW_PICKLE_MARK &&
         value->kind != NSW_PICKLE_GLOBAL;
}

/* Takes an object whose last reference is gone out of the list, and puts it into a queue. */
static void enqueue(struct nsw_pickle_reader *r, struct nsw_object *object, struct nsw_object **queue) {
  if (is_listed(object)) {
    if (object->next) object->next->previous = object->previous;
    if (object->previous)
      object->previous->next = object->next;
    else
      r->objects = object->next;
  }
  object->next = *queue;
  *queue = object;
}

static void free_object(struct nsw_pickle_reader *r, struct nsw_object *object) {
  size_t size = object_size(object);
  r->held -= size + (is_text(object) ? 0 : object->capacity * sizeof *object->items);
  free(object->items);
  if (size > LARGEST_IN_SLAB) {
    free(object);
  } else {
    object->next = r->freed[(size + 15) / 16];
    r->freed[(size + 15) / 16] = object;
  }
}

/* Drops one reference, and what that frees, without recursion: the freed ones queue up by their next pointers. */
static void release(struct nsw_pickle_reader *r, const struct nsw_value *value) {
  struct nsw_object *queue = NULL;
  if (!is_object(value) || --value->u.object->references) return;
  enqueue(r, value->u.object, &queue);
  while (queue) {
    struct nsw_object *object = queue;
    queue = object->next;
    for (size_t i = 0; object->items && i < object->count; i++) {
      const struct nsw_value *item = &object->items[i];
      if (is_object(item) && !--item->u.object->references) enqueue(r, item->u.object, &queue);
    }
    free_object(r, object);
  }
}

static int reserve(struct nsw_pickle_reader *r, struct nsw_object *object, size_t count) {
  if (count <= object->capacity) return NSW_OK;
  size_t capacity = object->capacity && count < object->capacity * 2 ? object->capacity * 2 : count;
  size_t more = (capacity - object->capacity) * sizeof *object->items;
  struct nsw_value *items = NULL;
  if (capacity > r->most / sizeof *items || r->held + more > r->most ||
      !(items = realloc(object->items, capacity * sizeof *items)))
    return no_memory(r, more);
  r->held += more;
  object->items = items;
  object->capacity = capacity;
  return NSW_OK;
}

/* ---- stack ---- */

static int grow_stack(struct nsw_pickle_reader *r) {
  size_t room = r->room ? r->room * 2 : 256, more = (room - r->room) * sizeof *r->stack;
  struct nsw_value *stack = NULL;
  if (r->held + more > r->most || !(stack = realloc(r->stack, room * sizeof *stack))) return no_memory(r, more);
  r->held += more;
  r->stack = stack;
  r->room = room;
  return NSW_OK;
}

static inline int push(struct nsw_pickle_reader *r, struct nsw_value value) {
  if (r->depth == r->room) {
    int status = grow_stack(r);
    if (status) return status;
  }
  r->stack[r->depth++] = value;
  if (is_object(&value)) value.u.object->references++;
  return NSW_OK;
}

static inline int push_number(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind, int64_t integer) {
  return push(r, (struct nsw_value){.kind = kind, .u.integer = integer});
}

static inline int push_real(struct nsw_pickle_reader *r, double real) {
  return push(r, (struct nsw_value){.kind = NSW_PICKLE_REAL, .u.real = real});
}

static inline int push_object(struct nsw_pickle_reader *r, struct nsw_object *object) {
  return push(r, (struct nsw_value){.kind = (enum nsw_pickle_kind)object->kind, .u.object = object});
}

static int push_new(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind) {
  struct nsw_object *object;
  int status = create(r, kind, 0, &object);
  return status ? status : push_object(r, object);
}

/* Values above the last mark. */
static size_t above(const struct nsw_pickle_reader *r) { return r->depth - (r->open ? r->marks[r->open - 1] + 1 : 0); }

static int need(struct nsw_pickle_reader *r, size_t values) {
  return above(r) < values ? bad(r, "takes %zu values from a stack of %zu", values, above(r)) : NSW_OK;
}

static void drop(struct nsw_pickle_reader *r, size_t values) {
  while (values--) release(r, &r->stack[--r->depth]);
}

static int mark(struct nsw_pickle_reader *r) {
  if (r->open == r->most_open) return bad(r, "more than %zu containers nested", r->most_open);
  r->marks[r->open++] = r->depth;
  return push_number(r, NSW_PICKLE_MARK, 0);
}

/* Closes the last mark: items above it begin at *first; the mark itself is one below. */
static int unmark(struct nsw_pickle_reader *r, size_t *first) {
  if (!r->open) return bad(r, "no mark is open");
  *first = r->marks[--r->open] + 1;
  return NSW_OK;
}

/* Moves stack items from first on into an object, as its last items; the references move with them. */
static int append(struct nsw_pickle_reader *r, struct nsw_object *object, size_t first) {
  size_t n = r->depth - first;
  int status = reserve(r, object, object->count + n);
  if (status || !n) return status;
  memcpy(object->items + object->count, r->stack + first, n * sizeof *r->stack);
  object->count += n;
  r->depth = first;
  return NSW_OK;
}

/* The same for a dict, each pair shown to whom it concerns. */
static int append_pairs(struct nsw_pickle_reader *r, struct nsw_object *dict, size_t first) {
  if ((r->depth - first) % 2) return bad(r, "a key without a value");
  if (!r->options->pair) return append(r, dict, first);
  for (size_t i = first; i < r->depth; i += 2) {
    bool keep = true;
    int status = r->options->pair(r->options->context, r, &r->stack[i], &r->stack[i + 1], &keep, r->err);
    if (!status && keep) status = reserve(r, dict, dict->count + 2);
    if (status) return status;
    if (keep) {
      memcpy(dict->items + dict->count, r->stack + i, 2 * sizeof *r->stack);
      dict->count += 2;
    } else {
      release(r, &r->stack[i]);
      release(r, &r->stack[i + 1]);
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
  int status = create(r, kind, 0, &object);
  if (!status) status = kind == NSW_PICKLE_DICT ? append_pairs(r, object, first) : append(r, object, first);
  if (status) return status;
  if (marked) r->depth--;
  return push_object(r, object);
}

static int gather_marked(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind) {
  size_t first = 0;
  int status = unmark(r, &first);
  return status ? status : gather(r, kind, first, true);
}

static int gather_tuple(struct nsw_pickle_reader *r, size_t items) {
  int status = need(r, items);
  return status ? status : gather(r, NSW_PICKLE_TUPLE, r->depth - items, false);
}

/* Adds what is above position first to the container below position under. */
static int extend(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind, size_t under, size_t first) {
  size_t floor = r->open ? r->marks[r->open - 1] + 1 : 0;
  if (under <= floor) return bad(r, "nothing is there to add to");
  const struct nsw_value *to = &r->stack[under - 1];
  if (to->kind != kind) return bad(r, "adds to what is no %s", kind == NSW_PICKLE_DICT ? "dict" : "list or set");
  return kind == NSW_PICKLE_DICT ? append_pairs(r, to->u.object, first) : append(r, to->u.object, first);
}

static int extend_marked(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind) {
  size_t first = 0;
  int status = unmark(r, &first);
  if (!status) status = extend(r, kind, first - 1, first);
  if (!status) r->depth--;
  return status;
}

static int extend_by(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind, size_t values) {
  int status = need(r, values);
  return status ? status : extend(r, kind, r->depth - values, r->depth - values);
}

static int pop(struct nsw_pickle_reader *r) {
  if (r->open && r->marks[r->open - 1] + 1 == r->depth)
    r->open--;
  else if (!r->depth)
    return bad(r, "takes a value from an empty stack");
  drop(r, 1);
  return NSW_OK;
}

static int pop_mark(struct nsw_pickle_reader *r) {
  size_t first = 0;
  int status = unmark(r, &first);
  if (!status) drop(r, r->depth - first + 1);
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
      release(r, &pair[0]);
      release(r, &pair[1]);
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

/* A little-endian two's complement integer of n bytes. */
static int long_integer(struct nsw_pickle_reader *r, uint64_t n) {
  const uint8_t *bytes;
  uint64_t value = 0;
  if (n > 8) return bad(r, "an integer of %llu bytes", (unsigned long long)n);
  int status = take(r, (size_t)n, &bytes);
  if (status) return status;
  for (size_t i = 0; i < n; i++) value |= (uint64_t)bytes[i] << 8 * i;
  if (n && n < 8 && bytes[n - 1] & 0x80) value |= ~UINT64_C(0) << 8 * n;
  return push_number(r, NSW_PICKLE_INTEGER, (int64_t)value);
}

static double from_bits(uint64_t bits) {
  double real;
  memcpy(&real, &bits, sizeof real);
  return real;
}

static int binary_real(struct nsw_pickle_reader *r) {
  uint64_t bits;
  int status = number(r, 8, &bits);
  return status ? status : push_real(r, from_bits(__builtin_bswap64(bits)));
}

/* Numbers written as lines of text, as protocols 0 and 1 have them. */
static int line_number(struct nsw_pickle_reader *r, uint8_t opcode) {
  char text[LONGEST_LINE], *end;
  int status = line(r, text);
  if (status) return status;
  if (opcode == 'I' && (!strcmp(text, "00") || !strcmp(text, "01")))
    return push_number(r, NSW_PICKLE_BOOL, text[1] == '1');
  if (opcode == 'F') {
    double real = strtod(text, &end);
    return *end || end == text ? bad(r, "a badly written number") : push_real(r, real);
  }
  long long integer = strtoll(text, &end, 10);
  if (opcode == 'L' && *end == 'L') end++;
  return *end || end == text ? bad(r, "a badly written number") : push_number(r, NSW_PICKLE_INTEGER, integer);
}

static int text(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind, unsigned width) {
  uint64_t n;
  struct nsw_object *object;
  int status = number(r, width, &n);
  if (status) return status;
  if (r->scan) return skip(r, n);
  if (n > r->most) return bad(r, "a text of %llu bytes", (unsigned long long)n);
  status = create(r, kind, (size_t)n + 1, &object);
  if (status) return status;
  object->count = (size_t)n;
  status = copy(r, object->text, (size_t)n);
  object->text[n] = 0;
  if (!status && kind == NSW_PICKLE_TEXT && !nsw_utf8_valid(object->text, object->count))
    status = bad(r, "a text that is not UTF-8");
  return status ? status : push_object(r, object);
}

/* ---- memo ---- */

/* The place of a memo entry, or SIZE_MAX where it need not be kept. */
static inline size_t memo_place(const struct nsw_pickle_reader *r, uint64_t index) {
  const struct nsw_pickle_used *used = r->options->used;
  if (!used) return index < SIZE_MAX / 64 ? (size_t)index : SIZE_MAX;
  if (index / 64 >= used->words || !(used->bits[index / 64] >> index % 64 & 1)) return SIZE_MAX;
  uint64_t lower = used->bits[index / 64] & ((UINT64_C(1) << index % 64) - 1);
  return used->before[index / 64] + (size_t)__builtin_popcountll(lower);
}

static int memo_grow(struct nsw_pickle_reader *r, size_t place) {
  size_t room = r->memo_room ? r->memo_room : FIRST_MEMO;
  while (room <= place) room *= 2;
  size_t more = (room - r->memo_room) * sizeof *r->memo;
  struct nsw_value *memo = NULL;
  if (room > r->most / sizeof *memo || r->held + more > r->most || !(memo = realloc(r->memo, room * sizeof *memo)))
    return no_memory(r, more);
  r->held += more;
  for (size_t i = r->memo_room; i < room; i++) memo[i].kind = NSW_PICKLE_MARK;
  r->memo = memo;
  r->memo_room = room;
  return NSW_OK;
}

static int put(struct nsw_pickle_reader *r, uint64_t index) {
  r->puts++;
  if (r->scan) return NSW_OK;
  int status = need(r, 1);
  if (status) return status;
  size_t place = memo_place(r, index);
  if (place == SIZE_MAX) return NSW_OK;
  if (place > r->puts + 65536) return bad(r, "memo entry %llu, out of order", (unsigned long long)index);
  if (place >= r->memo_room && (status = memo_grow(r, place))) return status;
  struct nsw_value old = r->memo[place], *new = &r->stack[r->depth - 1];
  r->memo[place] = *new;
  if (is_object(new)) new->u.object->references++;
  release(r, &old);
  return NSW_OK;
}

/* First pass: notes that an entry is fetched. */
static int note_fetched(struct nsw_pickle_reader *r, uint64_t index) {
  if (index >= r->puts) return bad(r, "memo entry %llu was never put", (unsigned long long)index);
  if (index / 64 >= r->scan->words) {
    size_t words = (size_t)(index / 64 + 1) * 2;
    if (words > r->most / 8) return bad(r, "too many memo entries");
    uint64_t *bits = realloc(r->scan->bits, words * sizeof *bits);
    if (!bits) return bad(r, "not enough memory");
    memset(bits + r->scan->words, 0, (words - r->scan->words) * sizeof *bits);
    r->scan->bits = bits;
    r->scan->words = words;
  }
  r->scan->bits[index / 64] |= UINT64_C(1) << index % 64;
  return NSW_OK;
}

static int get(struct nsw_pickle_reader *r, uint64_t index) {
  if (r->scan) return note_fetched(r, index);
  size_t place = memo_place(r, index);
  if (place >= r->memo_room || r->memo[place].kind == NSW_PICKLE_MARK)
    return bad(r, "memo entry %llu was never put", (unsigned long long)index);
  return push(r, r->memo[place]);
}

static int memo_line(struct nsw_pickle_reader *r, bool fetch) {
  char text[LONGEST_LINE], *end;
  int status = line(r, text);
  if (status) return status;
  unsigned long long index = strtoull(text, &end, 10);
  if (*end || end == text || *text == '-') return bad(r, "a badly written memo entry");
  return fetch ? get(r, index) : put(r, index);
}

static int memo_binary(struct nsw_pickle_reader *r, bool fetch, unsigned width) {
  uint64_t index;
  int status = number(r, width, &index);
  if (status) return status;
  return fetch ? get(r, index) : put(r, index);
}

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
  return bad(r, "wants %s.%s, which is not data; refused", printable[0], printable[1]);
}

static int push_name(struct nsw_pickle_reader *r, const char *module, const char *name) {
  size_t length = strlen(name);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(module, names[i].module) && !strcmp(name, names[i].name)) {
      if (names[i].what == TENSOR && !r->options->tensors) break;
      return push_number(r, NSW_PICKLE_GLOBAL, names[i].what);
    }
  if (r->options->tensors && !strncmp(module, "torch", 5) && length > 7 && !strcmp(name + length - 7, "Storage"))
    return push_number(r, NSW_PICKLE_GLOBAL, STORAGE);
  return refuse(r, module, name);
}

static int name_lines(struct nsw_pickle_reader *r) {
  char module[LONGEST_LINE], name[LONGEST_LINE];
  int status = line(r, module);
  if (!status) status = line(r, name);
  if (status || r->scan) return status;
  return push_name(r, module, name);
}

static int name_stack(struct nsw_pickle_reader *r) {
  int status = need(r, 2);
  if (status) return status;
  const struct nsw_value *module = &r->stack[r->depth - 2], *name = &r->stack[r->depth - 1];
  if (module->kind != NSW_PICKLE_TEXT || name->kind != NSW_PICKLE_TEXT) return bad(r, "a name that is no text");
  struct nsw_value held[2] = {*module, *name};
  r->depth -= 2;
  status = push_name(r, held[0].u.object->text, held[1].u.object->text);
  release(r, &held[0]);
  release(r, &held[1]);
  return status;
}

/* ---- NumPy ---- */

/* 'f8', 'i4', 'u1', 'b1', ... with or without a byte order before it. */
static int parse_type(struct nsw_pickle_reader *r, const struct nsw_value *value, struct nsw_array *type) {
  const char *text = nsw_value_text(value);
  if (!text) return bad(r, "a NumPy type that is no text");
  if (*text && strchr("<>|=", *text)) type->big_endian = *text++ == '>';
  bool known = strlen(text) == 2 && strchr("fiub", *text) && strchr("1248", text[1]);
  if (known && ((*text == 'f' && text[1] != '4' && text[1] != '8') || (*text == 'b' && text[1] != '1'))) known = false;
  if (!known) return bad(r, "a NumPy type other than of whole numbers and reals: %.20s", text);
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
  return (struct nsw_value){.kind = NSW_PICKLE_REAL, .u.real = array->size == 4 ? (double)single : from_bits(bits)};
}

static int make_scalar(struct nsw_pickle_reader *r, const struct nsw_object *arguments, struct nsw_value *result) {
  const struct nsw_value *items = arguments->items;
  if (arguments->count != 2 || items[0].kind != NSW_PICKLE_TYPE ||
      (items[1].kind != NSW_PICKLE_BYTES && items[1].kind != NSW_PICKLE_TEXT) ||
      items[1].u.object->count != array_of(items[0].u.object)->size)
    return bad(r, "a badly made NumPy scalar");
  *result = element(array_of(items[0].u.object), (const uint8_t *)items[1].u.object->text);
  return NSW_OK;
}

static int make_type(struct nsw_pickle_reader *r, const struct nsw_object *arguments, struct nsw_value *result) {
  struct nsw_object *object;
  if (!arguments->count) return bad(r, "a badly made NumPy type");
  int status = create(r, NSW_PICKLE_TYPE, 0, &object);
  if (status) return status;
  *result = (struct nsw_value){.kind = NSW_PICKLE_TYPE, .u.object = object};
  return parse_type(r, &arguments->items[0], array_of(object));
}

static int build_type(struct nsw_pickle_reader *r, struct nsw_object *type, const struct nsw_value *state) {
  if (state->kind != NSW_PICKLE_TUPLE || state->u.object->count < 2) return bad(r, "a badly made NumPy type");
  const char *order = nsw_value_text(&state->u.object->items[1]);
  if (!order || !*order || order[1] || !strchr("<>|=", *order)) return bad(r, "a NumPy type of unknown byte order");
  array_of(type)->big_endian = *order == '>';
  return NSW_OK;
}

/* Fills an array that has no data yet; it keeps a reference to the bytes. */
static int fill_array(struct nsw_pickle_reader *r, struct nsw_object *object, const struct nsw_value *shape_value,
                      const struct nsw_value *type, const struct nsw_value *data) {
  struct nsw_array *array = array_of(object);
  if (shape_value->kind != NSW_PICKLE_TUPLE || type->kind != NSW_PICKLE_TYPE ||
      (data->kind != NSW_PICKLE_BYTES && data->kind != NSW_PICKLE_TEXT) || object->count)
    return bad(r, "a badly made NumPy array");
  const struct nsw_object *shape = shape_value->u.object;
  if (shape->count > DIMENSIONS) return bad(r, "a NumPy array of %zu dimensions", shape->count);
  *array = *array_of(type->u.object);
  uint64_t bytes = array->size;
  for (size_t i = 0; i < shape->count; i++) {
    int64_t length = -1;
    nsw_value_integer(&shape->items[i], &length);
    if (length < 0 || __builtin_mul_overflow(bytes, (uint64_t)length, &bytes))
      return bad(r, "a NumPy array of impossible shape");
    array->shape[i] = (uint64_t)length;
  }
  array->dimensions = (unsigned)shape->count;
  if (bytes != data->u.object->count)
    return bad(r, "a NumPy array of %llu bytes with %zu bytes of data", (unsigned long long)bytes,
               data->u.object->count);
  int status = reserve(r, object, 1);
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
  if (!items || state->u.object->count != 5) return bad(r, "a badly made NumPy array");
  if (items[3].u.integer && nsw_value_count(&items[1]) > 1) return bad(r, "a NumPy array in Fortran order");
  return fill_array(r, object, &items[1], &items[2], &items[4]);
}

/* _frombuffer(bytes, type, shape, order): how protocol 5 writes arrays. */
static int make_array(struct nsw_pickle_reader *r, const struct nsw_object *arguments, struct nsw_value *result) {
  struct nsw_object *object;
  const struct nsw_value *items = arguments->items;
  if (arguments->count != 4) return bad(r, "a badly made NumPy array");
  if (!nsw_value_is(&items[3], "C") && nsw_value_count(&items[2]) > 1) return bad(r, "a NumPy array in Fortran order");
  int status = create(r, NSW_PICKLE_ARRAY, 0, &object);
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
    return bad(r, "an encoding other than latin1");
  const struct nsw_object *from = arguments->items[0].u.object;
  int status = create(r, NSW_PICKLE_BYTES, from->count + 1, &object);
  if (status) return status;
  *result = (struct nsw_value){.kind = NSW_PICKLE_BYTES, .u.object = object};
  size_t n = 0;
  for (size_t i = 0; i < from->count; i++) {
    uint8_t byte = (uint8_t)from->text[i];
    if (byte >= 0xc4) return bad(r, "a character that is not latin1");
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
  int status = create(r, kind, 0, &object);
  if (status) return status;
  *result = (struct nsw_value){.kind = kind, .u.object = object};
  if (!arguments->count) return NSW_OK;
  const struct nsw_value *list = arguments->items;
  if (arguments->count > 1 || (list->kind != NSW_PICKLE_LIST && list->kind != NSW_PICKLE_TUPLE))
    return bad(r, "a container made of what is no list");
  for (size_t i = 0; i < list->u.object->count; i++) {
    const struct nsw_value *item = &list->u.object->items[i];
    size_t before = r->depth;
    if (kind == NSW_PICKLE_SET) {
      status = push(r, *item);
    } else if ((item->kind == NSW_PICKLE_LIST || item->kind == NSW_PICKLE_TUPLE) && item->u.object->count == 2) {
      status = push(r, item->u.object->items[0]);
      if (!status) status = push(r, item->u.object->items[1]);
    } else {
      return bad(r, "an OrderedDict made of what is no pair");
    }
    if (!status) status = kind == NSW_PICKLE_SET ? append(r, object, before) : append_pairs(r, object, before);
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
      status = create(r, NSW_PICKLE_ARRAY, 0, &object);
      if (!status) *result = (struct nsw_value){.kind = NSW_PICKLE_ARRAY, .u.object = object};
      return status;
    case TENSOR:
      result->kind = NSW_PICKLE_OPAQUE;
      return NSW_OK;
    default:
      return bad(r, "REDUCE of a class that has no such form");
  }
}

static int reduce(struct nsw_pickle_reader *r) {
  int status = need(r, 2);
  if (status) return status;
  struct nsw_value what = r->stack[r->depth - 2], arguments = r->stack[r->depth - 1],
                   result = {.kind = NSW_PICKLE_NONE};
  if (what.kind != NSW_PICKLE_GLOBAL) return bad(r, "REDUCE of what is no known name; refused");
  if (arguments.kind != NSW_PICKLE_TUPLE) return bad(r, "REDUCE without a tuple of arguments");
  status = make(r, (enum name)what.u.integer, arguments.u.object, &result);
  if (status) return status;
  drop(r, 2);
  return push(r, result);
}

static int build(struct nsw_pickle_reader *r) {
  int status = need(r, 2);
  if (status) return status;
  const struct nsw_value *object = &r->stack[r->depth - 2], *state = &r->stack[r->depth - 1];
  if (object->kind == NSW_PICKLE_TYPE)
    status = build_type(r, object->u.object, state);
  else if (object->kind == NSW_PICKLE_ARRAY)
    status = build_array(r, object->u.object, state);
  else
    status = bad(r, "BUILD of what is neither a NumPy type nor array; refused");
  if (!status) drop(r, 1);
  return status;
}

static int persistent(struct nsw_pickle_reader *r) {
  int status = need(r, 1);
  if (status) return status;
  if (!r->options->tensors) return bad(r, "a persistent id; refused");
  drop(r, 1);
  return push_number(r, NSW_PICKLE_OPAQUE, 0);
}

static int duplicate(struct nsw_pickle_reader *r) {
  int status = need(r, 1);
  return status ? status : push(r, r->stack[r->depth - 1]);
}

/* ---- opcodes ---- */

/* Opcodes that only move values about; the first pass passes over them. */
static int structure(struct nsw_pickle_reader *r, uint8_t opcode) {
  switch (opcode) {
    case '(':
      return mark(r);
    case '0':
      return pop(r);
    case '1':
      return pop_mark(r);
    case '2':
      return duplicate(r);
    case 'N':
      return push_number(r, NSW_PICKLE_NONE, 0);
    case 0x88:
      return push_number(r, NSW_PICKLE_BOOL, 1);
    case 0x89:
      return push_number(r, NSW_PICKLE_BOOL, 0);
    case ']':
      return push_new(r, NSW_PICKLE_LIST);
    case ')':
      return push_new(r, NSW_PICKLE_TUPLE);
    case '}':
      return push_new(r, NSW_PICKLE_DICT);
    case 0x8f:
      return push_new(r, NSW_PICKLE_SET);
    case 'l':
      return gather_marked(r, NSW_PICKLE_LIST);
    case 't':
      return gather_marked(r, NSW_PICKLE_TUPLE);
    case 'd':
      return gather_marked(r, NSW_PICKLE_DICT);
    case 0x91:
      return gather_marked(r, NSW_PICKLE_SET);
    case 0x85:
      return gather_tuple(r, 1);
    case 0x86:
      return gather_tuple(r, 2);
    case 0x87:
      return gather_tuple(r, 3);
    case 'a':
      return extend_by(r, NSW_PICKLE_LIST, 1);
    case 'e':
      return extend_marked(r, NSW_PICKLE_LIST);
    case 0x90:
      return extend_marked(r, NSW_PICKLE_SET);
    case 's':
      return extend_by(r, NSW_PICKLE_DICT, 2);
    case 'u':
      return extend_marked(r, NSW_PICKLE_DICT);
    case 0x93:
      return name_stack(r);
    case 'R':
      return reduce(r);
    case 'b':
      return build(r);
    case 'Q':
      return persistent(r);
    default:
      return bad(r, "opcode 0x%02x is not data; refused", opcode);
  }
}

static int small_integer(struct nsw_pickle_reader *r, unsigned width) {
  uint64_t value;
  int status = number(r, width, &value);
  if (status || r->scan) return status;
  return push_number(r, NSW_PICKLE_INTEGER, width == 4 ? (int32_t)value : (int64_t)value);
}

/* One opcode with its argument; *stop at the last. */
static int step(struct nsw_pickle_reader *r, bool *stop) {
  const uint8_t *byte;
  uint64_t n;
  r->opcode_at = r->offset + r->at;
  int status = take(r, 1, &byte);
  if (status) return status;
  uint8_t opcode = *byte;
  switch (opcode) {
    case '.':
      *stop = true;
      return NSW_OK;
    case 0x80: /* PROTO */
      status = number(r, 1, &n);
      return !status && n > 5 ? bad(r, "protocol %llu", (unsigned long long)n) : status;
    case 0x95:
      return number(r, 8, &n); /* FRAME: its length is of no use here */
    case 'K':
      return small_integer(r, 1);
    case 'M':
      return small_integer(r, 2);
    case 'J':
      return small_integer(r, 4);
    case 0x8a:
    case 0x8b: /* LONG1, LONG4 */
      status = number(r, opcode == 0x8a ? 1 : 4, &n);
      if (status) return status;
      return r->scan ? skip(r, n) : long_integer(r, n);
    case 'G':
      return r->scan ? skip(r, 8) : binary_real(r);
    case 'I':
    case 'L':
    case 'F': {
      if (!r->scan) return line_number(r, opcode);
      char unused[LONGEST_LINE];
      return line(r, unused);
    }
    case 'X':
      return text(r, NSW_PICKLE_TEXT, 4);
    case 0x8c:
      return text(r, NSW_PICKLE_TEXT, 1);
    case 0x8d:
      return text(r, NSW_PICKLE_TEXT, 8);
    case 'T':
    case 'B':
      return text(r, NSW_PICKLE_BYTES, 4); /* 'T' and 'U': Python 2's texts */
    case 'U':
    case 'C':
      return text(r, NSW_PICKLE_BYTES, 1);
    case 0x8e:
    case 0x96:
      return text(r, NSW_PICKLE_BYTES, 8);
    case 0x94:
      return put(r, r->puts);
    case 'q':
      return memo_binary(r, false, 1);
    case 'r':
      return memo_binary(r, false, 4);
    case 'p':
      return memo_line(r, false);
    case 'h':
      return memo_binary(r, true, 1);
    case 'j':
      return memo_binary(r, true, 4);
    case 'g':
      return memo_line(r, true);
    case 'c':
      return name_lines(r);
    default:
      return r->scan ? NSW_OK : structure(r, opcode);
  }
}

static int open_reader(struct nsw_input *input, const struct nsw_pickle_options *options,
                       struct nsw_pickle_reader **reader, struct nsw_error *err) {
  struct nsw_pickle_reader *r = malloc(sizeof *r);
  if (!r) return nsw_fail(err, "%s: not enough memory", nsw_input_name(input));
  memset(r, 0, offsetof(struct nsw_pickle_reader, window));
  r->input = input;
  r->options = options;
  r->err = err;
  r->most = options->memory ? options->memory : (size_t)64 << 20;
  r->most_open = options->depth ? options->depth : DEFAULT_DEPTH;
  if (r->most_open > MOST_DEPTH) r->most_open = MOST_DEPTH;
  *reader = r;
  return NSW_OK;
}

/* That nothing follows the STOP. */
static int expect_end(struct nsw_pickle_reader *r) {
  size_t got = r->end - r->at;
  int status = got ? NSW_OK : nsw_input_read(r->input, r->window, WINDOW, &got, r->err);
  if (status) return status;
  return got ? bad(r, "something follows the pickle") : NSW_OK;
}

static void free_slabs(struct slab *slabs) {
  while (slabs) {
    struct slab *next = slabs->next;
    free(slabs);
    slabs = next;
  }
}

/* Those of the list; the slabs hold the others. */
static void free_objects(struct nsw_object *objects) {
  while (objects) {
    struct nsw_object *next = objects->next;
    free(objects->items);
    if (object_size(objects) > LARGEST_IN_SLAB) free(objects);
    objects = next;
  }
}

int nsw_pickle_read(struct nsw_input *input, const struct nsw_pickle_options *options, struct nsw_pickle **pickle,
                    struct nsw_error *err) {
  struct nsw_pickle_reader *r = NULL;
  bool stop = false;
  *pickle = NULL;
  int status = open_reader(input, options, &r, err);
  if (status) return status;
  while (!status && !stop) status = step(r, &stop);
  if (!status && (r->depth != 1 || r->open)) status = bad(r, "ends with %zu values instead of one", r->depth);
  if (!status && options->whole) status = expect_end(r);
  if (!status && !(*pickle = malloc(sizeof **pickle))) status = bad(r, "not enough memory");
  if (!status) {
    (*pickle)->root = r->stack[0];
    (*pickle)->objects = r->objects;
    (*pickle)->slabs = r->slabs;
    (*pickle)->bytes = r->offset + r->at;
  } else {
    free_objects(r->objects);
    free_slabs(r->slabs);
  }
  free(r->stack);
  free(r->memo);
  free(r);
  return status;
}

const struct nsw_value *nsw_pickle_root(const struct nsw_pickle *pickle) { return &pickle->root; }
uint64_t nsw_pickle_bytes(const struct nsw_pickle *pickle) { return pickle->bytes; }

void nsw_pickle_free(struct nsw_pickle **pickle) {
  if (!*pickle) return;
  free_objects((*pickle)->objects);
  free_slabs((*pickle)->slabs);
  free(*pickle);
  *pickle = NULL;
}

/* Fills the counts that make a place of an index. */
static int rank_used(struct nsw_pickle_used *used) {
  used->before = malloc((used->words + 1) * sizeof *used->before);
  if (!used->before) return NSW_FAILED;
  for (size_t i = 0; i < used->words; i++) {
    used->before[i] = (uint32_t)used->fetched;
    used->fetched += (size_t)__builtin_popcountll(used->bits[i]);
  }
  return used->fetched > UINT32_MAX ? NSW_FAILED : NSW_OK;
}

int nsw_pickle_scan(struct nsw_input *input, struct nsw_pickle_used **used, struct nsw_error *err) {
  static const struct nsw_pickle_options plain = {.memory = (size_t)256 << 20};
  struct nsw_pickle_reader *r = NULL;
  bool stop = false;
  *used = NULL;
  int status = open_reader(input, &plain, &r, err);
  if (status) return status;
  r->scan = calloc(1, sizeof *r->scan);
  if (!r->scan) status = bad(r, "not enough memory");
  while (!status && !stop) status = step(r, &stop);
  if (!status && rank_used(r->scan)) status = bad(r, "too many memo entries");
  if (status) nsw_pickle_used_free(&r->scan);
  *used = r->scan;
  free(r);
  return status;
}

void nsw_pickle_used_free(struct nsw_pickle_used **used) {
  if (!*used) return;
  free((*used)->bits);
  free((*used)->before);
  free(*used);
  *used = NULL;
}

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
  *array = *array_of(value->u.object);
  return true;
}
