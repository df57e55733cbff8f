/* Reads a pickle opcode by opcode, with its memo. */
#include <stdlib.h>
#include <string.h>

#include "files/pickle_reader.h"

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
    return nsw_pickle_no_memory(r, more);
  r->held += more;
  for (size_t i = r->memo_room; i < room; i++) memo[i].kind = NSW_PICKLE_MARK;
  r->memo = memo;
  r->memo_room = room;
  return NSW_OK;
}

static int put(struct nsw_pickle_reader *r, uint64_t index) {
  r->puts++;
  if (r->scan) return NSW_OK;
  int status = nsw_pickle_need(r, 1);
  if (status) return status;
  size_t place = memo_place(r, index);
  if (place == SIZE_MAX) return NSW_OK;
  if (place > r->puts + 65536) return nsw_pickle_bad(r, "memo entry %llu, out of order", (unsigned long long)index);
  if (place >= r->memo_room && (status = memo_grow(r, place))) return status;
  struct nsw_value old = r->memo[place], *new = &r->stack[r->depth - 1];
  r->memo[place] = *new;
  if (nsw_pickle_is_object(new)) new->u.object->references++;
  nsw_pickle_release(r, &old);
  return NSW_OK;
}

/* First pass: notes that an entry is fetched. */
static int note_fetched(struct nsw_pickle_reader *r, uint64_t index) {
  if (index >= r->puts) return nsw_pickle_bad(r, "memo entry %llu was never put", (unsigned long long)index);
  if (index / 64 >= r->scan->words) {
    size_t words = (size_t)(index / 64 + 1) * 2;
    if (words > r->most / 8) return nsw_pickle_bad(r, "too many memo entries");
    uint64_t *bits = realloc(r->scan->bits, words * sizeof *bits);
    if (!bits) return nsw_pickle_bad(r, "not enough memory");
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
    return nsw_pickle_bad(r, "memo entry %llu was never put", (unsigned long long)index);
  return nsw_pickle_push(r, r->memo[place]);
}

static int memo_line(struct nsw_pickle_reader *r, bool fetch) {
  char text[LONGEST_LINE], *end;
  int status = nsw_pickle_line(r, text);
  if (status) return status;
  unsigned long long index = strtoull(text, &end, 10);
  if (*end || end == text || *text == '-') return nsw_pickle_bad(r, "a badly written memo entry");
  return fetch ? get(r, index) : put(r, index);
}

static int memo_binary(struct nsw_pickle_reader *r, bool fetch, unsigned width) {
  uint64_t index;
  int status = nsw_pickle_number(r, width, &index);
  if (status) return status;
  return fetch ? get(r, index) : put(r, index);
}

/* ---- opcodes ---- */

/* Opcodes that only move values about; the first pass passes over them. */
static int structure(struct nsw_pickle_reader *r, uint8_t opcode) {
  switch (opcode) {
    case '(':
      return nsw_pickle_mark(r);
    case '0':
      return nsw_pickle_pop(r);
    case '1':
      return nsw_pickle_pop_mark(r);
    case '2':
      return nsw_pickle_duplicate(r);
    case 'N':
      return nsw_pickle_push_number(r, NSW_PICKLE_NONE, 0);
    case 0x88:
      return nsw_pickle_push_number(r, NSW_PICKLE_BOOL, 1);
    case 0x89:
      return nsw_pickle_push_number(r, NSW_PICKLE_BOOL, 0);
    case ']':
      return nsw_pickle_push_new(r, NSW_PICKLE_LIST);
    case ')':
      return nsw_pickle_push_new(r, NSW_PICKLE_TUPLE);
    case '}':
      return nsw_pickle_push_new(r, NSW_PICKLE_DICT);
    case 0x8f:
      return nsw_pickle_push_new(r, NSW_PICKLE_SET);
    case 'l':
      return nsw_pickle_gather_marked(r, NSW_PICKLE_LIST);
    case 't':
      return nsw_pickle_gather_marked(r, NSW_PICKLE_TUPLE);
    case 'd':
      return nsw_pickle_gather_marked(r, NSW_PICKLE_DICT);
    case 0x91:
      return nsw_pickle_gather_marked(r, NSW_PICKLE_SET);
    case 0x85:
      return nsw_pickle_gather_tuple(r, 1);
    case 0x86:
      return nsw_pickle_gather_tuple(r, 2);
    case 0x87:
      return nsw_pickle_gather_tuple(r, 3);
    case 'a':
      return nsw_pickle_extend_by(r, NSW_PICKLE_LIST, 1);
    case 'e':
      return nsw_pickle_extend_marked(r, NSW_PICKLE_LIST);
    case 0x90:
      return nsw_pickle_extend_marked(r, NSW_PICKLE_SET);
    case 's':
      return nsw_pickle_extend_by(r, NSW_PICKLE_DICT, 2);
    case 'u':
      return nsw_pickle_extend_marked(r, NSW_PICKLE_DICT);
    case 0x93:
      return nsw_pickle_name_stack(r);
    case 'R':
      return nsw_pickle_reduce(r);
    case 'b':
      return nsw_pickle_build(r);
    case 'Q':
      return nsw_pickle_persistent(r);
    default:
      return nsw_pickle_bad(r, "opcode 0x%02x is not data; refused", opcode);
  }
}

static int small_integer(struct nsw_pickle_reader *r, unsigned width) {
  uint64_t value;
  int status = nsw_pickle_number(r, width, &value);
  if (status || r->scan) return status;
  return nsw_pickle_push_number(r, NSW_PICKLE_INTEGER, width == 4 ? (int32_t)value : (int64_t)value);
}

/* One opcode with its argument; *stop at the last. */
static int step(struct nsw_pickle_reader *r, bool *stop) {
  const uint8_t *byte;
  uint64_t n;
  r->opcode_at = r->offset + r->at;
  int status = nsw_pickle_take(r, 1, &byte);
  if (status) return status;
  uint8_t opcode = *byte;
  switch (opcode) {
    case '.':
      *stop = true;
      return NSW_OK;
    case 0x80: /* PROTO */
      status = nsw_pickle_number(r, 1, &n);
      return !status && n > 5 ? nsw_pickle_bad(r, "protocol %llu", (unsigned long long)n) : status;
    case 0x95:
      return nsw_pickle_number(r, 8, &n); /* FRAME: its length is of no use here */
    case 'K':
      return small_integer(r, 1);
    case 'M':
      return small_integer(r, 2);
    case 'J':
      return small_integer(r, 4);
    case 0x8a:
    case 0x8b: /* LONG1, LONG4 */
      status = nsw_pickle_number(r, opcode == 0x8a ? 1 : 4, &n);
      if (status) return status;
      return r->scan ? nsw_pickle_skip(r, n) : nsw_pickle_long_integer(r, n);
    case 'G':
      return r->scan ? nsw_pickle_skip(r, 8) : nsw_pickle_binary_real(r);
    case 'I':
    case 'L':
    case 'F': {
      if (!r->scan) return nsw_pickle_line_number(r, opcode);
      char unused[LONGEST_LINE];
      return nsw_pickle_line(r, unused);
    }
    case 'X':
      return nsw_pickle_text(r, NSW_PICKLE_TEXT, 4);
    case 0x8c:
      return nsw_pickle_text(r, NSW_PICKLE_TEXT, 1);
    case 0x8d:
      return nsw_pickle_text(r, NSW_PICKLE_TEXT, 8);
    case 'T':
    case 'B':
      return nsw_pickle_text(r, NSW_PICKLE_BYTES, 4); /* 'T' and 'U': Python 2's texts */
    case 'U':
    case 'C':
      return nsw_pickle_text(r, NSW_PICKLE_BYTES, 1);
    case 0x8e:
    case 0x96:
      return nsw_pickle_text(r, NSW_PICKLE_BYTES, 8);
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
      return nsw_pickle_name_lines(r);
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
  return got ? nsw_pickle_bad(r, "something follows the pickle") : NSW_OK;
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
    if (nsw_pickle_object_size(objects) > LARGEST_IN_SLAB) free(objects);
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
  if (!status && (r->depth != 1 || r->open))
    status = nsw_pickle_bad(r, "ends with %zu values instead of one", r->depth);
  if (!status && options->whole) status = expect_end(r);
  if (!status && !(*pickle = malloc(sizeof **pickle))) status = nsw_pickle_bad(r, "not enough memory");
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
  if (!r->scan) status = nsw_pickle_bad(r, "not enough memory");
  while (!status && !stop) status = step(r, &stop);
  if (!status && rank_used(r->scan)) status = nsw_pickle_bad(r, "too many memo entries");
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
