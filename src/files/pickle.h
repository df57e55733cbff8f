/* A closed reader of Python pickles (protocols 1 to 5): builds numbers, texts and containers, and runs nothing.
 *
 * Of the classes and functions a pickle may name, only those below are known, and they are data here, not calls:
 * OrderedDict, set and frozenset, NumPy's scalars, arrays and types, the encoding of bytes in old protocols, and, where
 * allowed, PyTorch's tensors, which are skipped. Any other name, or a REDUCE or BUILD of anything else, is an error
 * that says which. Memory, nesting and texts are bounded. */
#ifndef NSW_FILES_PICKLE_H
#define NSW_FILES_PICKLE_H

#include <stdbool.h>

#include "files/input.h"

enum nsw_pickle_kind {
  NSW_PICKLE_NONE,
  NSW_PICKLE_BOOL,    /* integer: 0 or 1 */
  NSW_PICKLE_INTEGER, /* integer; also NumPy's */
  NSW_PICKLE_REAL,    /* real; also NumPy's */
  NSW_PICKLE_TEXT,    /* object: count bytes of UTF-8 and a NUL */
  NSW_PICKLE_BYTES,   /* object: count bytes and a NUL */
  NSW_PICKLE_LIST,    /* object: count items */
  NSW_PICKLE_TUPLE,
  NSW_PICKLE_SET,
  NSW_PICKLE_DICT,   /* object: count items, keys and values by turns */
  NSW_PICKLE_ARRAY,  /* object: NumPy array */
  NSW_PICKLE_OPAQUE, /* a tensor or its storage; nothing is known of it */
  NSW_PICKLE_MARK,   /* the rest is inside the reader only */
  NSW_PICKLE_GLOBAL,
  NSW_PICKLE_TYPE
};

struct nsw_object;
struct nsw_pickle_reader;

/* One value. */
struct nsw_value {
  enum nsw_pickle_kind kind;
  union {
    int64_t integer;
    double real;
    struct nsw_object *object;
  } u;
};

/* A NumPy array: C order, elements as they were in the file. */
struct nsw_array {
  char type;     /* 'f', 'i', 'u' or 'b' */
  unsigned size; /* bytes of an element */
  bool big_endian;
  unsigned dimensions; /* at most 4 */
  uint64_t shape[4];
  const uint8_t *data; /* the product of the shape, times size */
};

struct nsw_pickle_used;

/* What the reader may do, and whom it asks. */
struct nsw_pickle_options {
  size_t memory;  /* most bytes held at once; 0: 64 MiB */
  unsigned depth; /* most containers open at once; 0: 64 */
  bool whole;     /* nothing may follow the pickle: reads the input to its end, so that its checksums count */
  bool tensors;   /* PyTorch's tensors and persistent ids are skipped rather than refused */
  const struct nsw_pickle_used *used; /* from nsw_pickle_scan, or NULL: everything memoised is kept */
  /* Called for each pair put into a dict, with the pair complete; NULL: all are kept. *keep false on return leaves the
   * pair out and frees it, which is how a file larger than memory is read. May change the value. */
  int (*pair)(void *context, struct nsw_pickle_reader *reader, const struct nsw_value *key, struct nsw_value *value,
              bool *keep, struct nsw_error *err);
  void *context;
};

struct nsw_pickle; /* what was read */

/* Reads one pickle, to its STOP; the input may have been read beyond it. Errors name input and byte. */
int nsw_pickle_read(struct nsw_input *input, const struct nsw_pickle_options *options, struct nsw_pickle **pickle,
                    struct nsw_error *err);
const struct nsw_value *nsw_pickle_root(const struct nsw_pickle *pickle);
/* Bytes of the pickle, from its first to its STOP. */
uint64_t nsw_pickle_bytes(const struct nsw_pickle *pickle);

/* Frees and sets to NULL; may be called twice. */
void nsw_pickle_free(struct nsw_pickle **pickle);

/* A first pass over the bytes that only finds which memo entries are ever fetched, so that a second one need not keep
 * the others. */
int nsw_pickle_scan(struct nsw_input *input, struct nsw_pickle_used **used, struct nsw_error *err);
void nsw_pickle_used_free(struct nsw_pickle_used **used);

/* The value of a text key (the last, where it was set twice); NULL where there is none or this is no dict. */
const struct nsw_value *nsw_value_get(const struct nsw_value *dict, const char *key);
/* Items of a list, tuple or set; pairs of a dict; bytes of a text; 0 for anything else. */
size_t nsw_value_count(const struct nsw_value *value);
/* Item i of a list, tuple or set. */
const struct nsw_value *nsw_value_item(const struct nsw_value *list, size_t i);
/* Pair i of a dict. */
const struct nsw_value *nsw_value_key(const struct nsw_value *dict, size_t i);
const struct nsw_value *nsw_value_at(const struct nsw_value *dict, size_t i);
/* NUL-terminated text or bytes; NULL for anything else. May hold NULs of its own. */
const char *nsw_value_text(const struct nsw_value *value);
bool nsw_value_is(const struct nsw_value *value, const char *text);
/* Numbers: integers, reals and booleans into a double; false for anything else. */
bool nsw_value_real(const struct nsw_value *value, double *real);
bool nsw_value_integer(const struct nsw_value *value, int64_t *integer);
bool nsw_value_array(const struct nsw_value *value, struct nsw_array *array);
/* Keeps the pairs of a dict for which keep() is true, in order, and frees the others. Only inside options->pair. */
void nsw_value_filter(struct nsw_pickle_reader *reader, struct nsw_value *dict,
                      bool (*keep)(void *context, const struct nsw_value *key), void *context);

#endif
