/* The inside of the pickle reader, for its own files: memory and bytes (pickle_memory.c), the stack and what is put on
 * it (pickle_stack.c), the names it knows (pickle_names.c), opcodes (pickle.c), values (pickle_value.c). */
#ifndef NSW_FILES_PICKLE_READER_H
#define NSW_FILES_PICKLE_READER_H

#include "files/pickle.h"

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

/* An error of the pickle, with the byte at which the opcode began. */
int nsw_pickle_bad(struct nsw_pickle_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The error of having no memory for so many bytes, or of not being allowed them. */
int nsw_pickle_no_memory(struct nsw_pickle_reader *r, size_t bytes);

/* Moves what is unread to the front and reads more. */
int nsw_pickle_refill(struct nsw_pickle_reader *r, size_t want);

/* Copies n bytes of any number. */
int nsw_pickle_copy(struct nsw_pickle_reader *r, char *to, size_t n);

/* Passes over n bytes. */
int nsw_pickle_skip(struct nsw_pickle_reader *r, uint64_t n);

/* A line without its newline, NUL-terminated. */
int nsw_pickle_line(struct nsw_pickle_reader *r, char text[LONGEST_LINE]);

/* Bytes that an object was made with, its header included. room is what create was asked for. */
size_t nsw_pickle_object_size(const struct nsw_object *object);

/* A new object, with room bytes of text where it is one. */
int nsw_pickle_create(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind, size_t room, struct nsw_object **object);

/* Drops one reference, and what that frees, without recursion: the freed ones queue up by their next pointers. */
void nsw_pickle_release(struct nsw_pickle_reader *r, const struct nsw_value *value);

/* Room for `count` more items of a list, or pairs of a dict. */
int nsw_pickle_reserve(struct nsw_pickle_reader *r, struct nsw_object *object, size_t count);

/* Room for more values on the stack. */
int nsw_pickle_grow_stack(struct nsw_pickle_reader *r);

/* A new, empty object on the stack. */
int nsw_pickle_push_new(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind);

/* An error unless so many values lie above the last mark. */
int nsw_pickle_need(struct nsw_pickle_reader *r, size_t values);

/* Takes values off the stack. */
void nsw_pickle_drop(struct nsw_pickle_reader *r, size_t values);

/* A mark on the stack. */
int nsw_pickle_mark(struct nsw_pickle_reader *r);

/* Moves stack items from first on into an object, as its last items; the references move with them. */
int nsw_pickle_append(struct nsw_pickle_reader *r, struct nsw_object *object, size_t first);

/* The same for a dict, each pair shown to whom it concerns. */
int nsw_pickle_append_pairs(struct nsw_pickle_reader *r, struct nsw_object *dict, size_t first);

/* Everything above the last mark becomes one object. */
int nsw_pickle_gather_marked(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind);

/* The uppermost items become a tuple. */
int nsw_pickle_gather_tuple(struct nsw_pickle_reader *r, size_t items);

/* Everything above the last mark goes into the object under it. */
int nsw_pickle_extend_marked(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind);

/* The uppermost values go into the object under them. */
int nsw_pickle_extend_by(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind, size_t values);

/* POP: the uppermost value or mark goes. */
int nsw_pickle_pop(struct nsw_pickle_reader *r);

/* POP_MARK: everything above the last mark goes, and the mark. */
int nsw_pickle_pop_mark(struct nsw_pickle_reader *r);

/* A little-endian two's complement integer of n bytes. */
int nsw_pickle_long_integer(struct nsw_pickle_reader *r, uint64_t n);

/* The double of these bits. */
double nsw_pickle_from_bits(uint64_t bits);

/* BINFLOAT: eight bytes, the most significant first. */
int nsw_pickle_binary_real(struct nsw_pickle_reader *r);

/* Numbers written as lines of text, as protocols 0 and 1 have them. */
int nsw_pickle_line_number(struct nsw_pickle_reader *r, uint8_t opcode);

/* A text or bytes with its length before it, in `width` bytes. */
int nsw_pickle_text(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind, unsigned width);

/* GLOBAL: a name in two lines. */
int nsw_pickle_name_lines(struct nsw_pickle_reader *r);

/* STACK_GLOBAL: a name of two texts on the stack. */
int nsw_pickle_name_stack(struct nsw_pickle_reader *r);

/* REDUCE, of the known names alone. */
int nsw_pickle_reduce(struct nsw_pickle_reader *r);

/* BUILD, likewise. */
int nsw_pickle_build(struct nsw_pickle_reader *r);

/* BINPERSID: a tensor's storage, where tensors are skipped. */
int nsw_pickle_persistent(struct nsw_pickle_reader *r);

/* DUP: the uppermost value once more. */
int nsw_pickle_duplicate(struct nsw_pickle_reader *r);

/* Makes n <= WINDOW bytes readable at *bytes, and passes over them. */
static inline int nsw_pickle_take(struct nsw_pickle_reader *r, size_t n, const uint8_t **bytes) {
  if (r->end - r->at < n) {
    int status = nsw_pickle_refill(r, n);
    if (status) return status;
  }
  *bytes = r->window + r->at;
  r->at += n;
  return NSW_OK;
}

/* A little-endian number of `width` bytes. */
static inline int nsw_pickle_number(struct nsw_pickle_reader *r, unsigned width, uint64_t *value) {
  const uint8_t *bytes;
  int status = nsw_pickle_take(r, width, &bytes);
  *value = 0;
  if (status) return status;
  for (unsigned i = 0; i < width; i++) *value |= (uint64_t)bytes[i] << 8 * i;
  return NSW_OK;
}

static inline bool nsw_pickle_is_object(const struct nsw_value *value) {
  return value->kind >= NSW_PICKLE_TEXT && value->kind != NSW_PICKLE_OPAQUE && value->kind != NSW_PICKLE_MARK &&
         value->kind != NSW_PICKLE_GLOBAL;
}

static inline int nsw_pickle_push(struct nsw_pickle_reader *r, struct nsw_value value) {
  if (r->depth == r->room) {
    int status = nsw_pickle_grow_stack(r);
    if (status) return status;
  }
  r->stack[r->depth++] = value;
  if (nsw_pickle_is_object(&value)) value.u.object->references++;
  return NSW_OK;
}

static inline int nsw_pickle_push_number(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind, int64_t integer) {
  return nsw_pickle_push(r, (struct nsw_value){.kind = kind, .u.integer = integer});
}

/* The array of an object that is one, or a type. */
static inline struct nsw_array *nsw_pickle_array_of(struct nsw_object *object) {
  return (struct nsw_array *)(void *)object->text;
}

#endif
