#include "truth/nb101_record.h"

#include <string.h>

/* ---- base64 ---- */

#define RUN4(c, v) [c] = v, [(c) + 1] = (v) + 1, [(c) + 2] = (v) + 2, [(c) + 3] = (v) + 3
#define RUN24(c, v)                                                                                               \
  RUN4(c, v), RUN4((c) + 4, (v) + 4), RUN4((c) + 8, (v) + 8), RUN4((c) + 12, (v) + 12), RUN4((c) + 16, (v) + 16), \
      RUN4((c) + 20, (v) + 20)
/* One more than the six bits of each character, so that what is not named is 0. */
static const uint8_t sextet[256] = {RUN24('A', 1), ['Y'] = 25,    ['Z'] = 26, RUN24('a', 27), ['y'] = 51, ['z'] = 52,
                                    RUN4('0', 53), RUN4('4', 57), ['8'] = 61, ['9'] = 62,     ['+'] = 63, ['/'] = 64};

static uint32_t six(char c, uint32_t *bad) {
  uint32_t value = sextet[(uint8_t)c];
  *bad |= !value;
  return value - 1;
}

size_t nsw_base64_decode(char *text, size_t size) {
  uint32_t bad = 0;
  uint8_t *to = (uint8_t *)text;
  if (size % 4) return SIZE_MAX;
  if (!size) return 0;
  size_t padding = text[size - 1] != '=' ? 0 : text[size - 2] != '=' ? 1 : 2;
  for (size_t i = 0; i + (padding ? 4 : 0) < size; i += 4, to += 3) {
    uint32_t bits =
        six(text[i], &bad) << 18 | six(text[i + 1], &bad) << 12 | six(text[i + 2], &bad) << 6 | six(text[i + 3], &bad);
    to[0] = (uint8_t)(bits >> 16);
    to[1] = (uint8_t)(bits >> 8);
    to[2] = (uint8_t)bits;
  }
  if (padding) {
    const char *last = text + size - 4;
    uint32_t bits = six(last[0], &bad) << 10 | six(last[1], &bad) << 4;
    if (padding == 1) bits |= six(last[2], &bad) >> 2;
    *to++ = (uint8_t)(bits >> 8);
    if (padding == 1) *to++ = (uint8_t)bits;
  }
  return bad ? SIZE_MAX : (size_t)(to - (uint8_t *)text);
}

/* ---- protocol buffers ---- */

/* A message that is being read. */
struct message {
  const uint8_t *at, *end;
};

static bool read_varint(struct message *m, uint64_t *value) {
  *value = 0;
  for (unsigned shift = 0; shift < 64 && m->at < m->end; shift += 7) {
    uint8_t byte = *m->at++;
    *value |= (uint64_t)(byte & 127) << shift;
    if (byte < 128) return true;
  }
  return false;
}

/* One field: its number and wire type, and its value: fixed ones and varints in *value, others as a message. */
static bool read_field(struct message *m, unsigned *field, unsigned *type, uint64_t *value, struct message *inner) {
  uint64_t tag;
  if (!read_varint(m, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff) return false;
  *field = (unsigned)(tag >> 3);
  *type = (unsigned)(tag & 7);
  if (*type == 0) return read_varint(m, value);
  if (*type == 2) {
    if (!read_varint(m, value) || *value > (uint64_t)(m->end - m->at)) return false;
    *inner = (struct message){m->at, m->at + *value};
    m->at = inner->end;
    return true;
  }
  size_t width = *type == 1 ? 8 : *type == 5 ? 4 : 0;
  if (!width || (size_t)(m->end - m->at) < width) return false;
  *value = 0;
  for (size_t i = 0; i < width; i++) *value |= (uint64_t)m->at[i] << 8 * i;
  m->at += width;
  return true;
}

static double from_bits(uint64_t bits) {
  double real;
  memcpy(&real, &bits, sizeof real);
  return real;
}

static bool read_evaluation(struct message m, struct nsw_nb101_evaluation *e) {
  unsigned field, type;
  uint64_t value;
  struct message inner = m;
  *e = (struct nsw_nb101_evaluation){0};
  while (m.at < m.end) {
    if (!read_field(&m, &field, &type, &value, &inner)) return false;
    if (field > 5) continue; /* 6: path of the checkpoint */
    if (type != 1) return false;
    double *to[5] = {&e->epoch, &e->seconds, &e->train, &e->valid, &e->test};
    *to[field - 1] = from_bits(value);
  }
  return true;
}

const char *nsw_nb101_record_metrics(const uint8_t *message, size_t size, struct nsw_nb101_record *record) {
  struct message m = {message, message + size}, inner = m;
  unsigned field, type, evaluations = 0;
  uint64_t value;
  record->parameters = 0;
  record->seconds = 0;
  while (m.at < m.end) {
    if (!read_field(&m, &field, &type, &value, &inner)) return "its metrics are no protocol-buffer message";
    if (field > 3) continue;
    if (type != (field == 1 ? 2u : field == 2 ? 0u : 1u)) return "its metrics have a field of the wrong type";
    if (field == 2) record->parameters = value;
    if (field == 3) record->seconds = from_bits(value);
    if (field != 1) continue;
    if (evaluations == 3) return "its metrics have more than three evaluations";
    if (!read_evaluation(inner, &record->evaluation[evaluations++])) return "an evaluation in its metrics is damaged";
  }
  return evaluations == 3 ? NULL : "its metrics have fewer than three evaluations";
}

/* ---- JSON ---- */

/* A text that is being read. */
struct text {
  char *at, *end;
};

static inline void skip_blanks(struct text *t) {
  while (t->at < t->end && (*t->at == ' ' || *t->at == '\n' || *t->at == '\t' || *t->at == '\r')) t->at++;
}

/* Passes over one character, blanks before it too. */
static bool expect(struct text *t, char c) {
  skip_blanks(t);
  if (t->at == t->end || *t->at != c) return false;
  t->at++;
  return true;
}

/* A string that may hold escapes, rewritten in place without them. All that these records hold is ASCII, so an escaped
 * character above that becomes a '?', which the readers of the five fields refuse. */
static bool unescape(struct text *t, char **value, size_t *size) {
  char *to = t->at;
  *value = to;
  for (char *from = t->at; from < t->end; from++) {
    if (*from == '"') {
      *size = (size_t)(to - *value);
      t->at = from + 1;
      return true;
    }
    if (*from != '\\') {
      *to++ = *from;
      continue;
    }
    if (++from == t->end) return false;
    static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *known = *from ? strchr(plain, *from) : NULL;
    if (known) *to++ = meant[known - plain];
    if (known) continue;
    if (*from != 'u') return false;
    unsigned code = 0;
    for (int i = 0; i < 4; i++) {
      if (++from == t->end || !strchr("0123456789abcdefABCDEF", *from) || !*from) return false;
      code = code * 16 + (unsigned)(*from <= '9' ? *from - '0' : (*from | 32) - 'a' + 10);
    }
    *to++ = code < 128 ? (char)code : '?';
  }
  return false;
}

static bool read_string(struct text *t, char **value, size_t *size) {
  if (!expect(t, '"')) return false;
  char *quote = memchr(t->at, '"', (size_t)(t->end - t->at));
  if (!quote) return false;
  if (memchr(t->at, '\\', (size_t)(quote - t->at))) return unescape(t, value, size);
  *value = t->at;
  *size = (size_t)(quote - t->at);
  t->at = quote + 1;
  return true;
}

static bool read_epochs(struct text *t, unsigned *epochs) {
  skip_blanks(t);
  char *first = t->at;
  for (*epochs = 0; t->at < t->end && *t->at >= '0' && *t->at <= '9' && t->at - first < 6; t->at++)
    *epochs = *epochs * 10 + (unsigned)(*t->at - '0');
  return t->at > first && *epochs > 0 && *first != '0';
}

/* ---- the five fields ---- */

static bool is_hash(const char *text, size_t size) {
  if (size != 32) return false;
  for (size_t i = 0; i < size; i++)
    if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f'))) return false;
  return true;
}

/* Digits of the matrix, row by row, into vertices and edges. */
static bool read_adjacency(const char *text, size_t size, struct nsw_cell *cell) {
  int v = 2;
  while (v < NSW_MAX_VERTICES && (size_t)(v * v) < size) v++;
  if ((size_t)(v * v) != size) return false;
  cell->vertices = v;
  cell->edges = 0;
  for (int from = 0; from < v; from++)
    for (int to = 0; to < v; to++) {
      char digit = text[from * v + to];
      if (digit != '0' && (digit != '1' || to <= from)) return false;
      if (digit == '1') cell->edges |= UINT32_C(1) << nsw_edge(from, to);
    }
  return true;
}

static bool read_operations(const char *text, size_t size, struct nsw_cell *cell) {
  static const struct {
    const char *name;
    uint8_t size, op;
  } names[] = {{"conv3x3-bn-relu", 15, NSW_OP_CONV3},
               {"conv1x1-bn-relu", 15, NSW_OP_CONV1},
               {"maxpool3x3", 10, NSW_OP_MAXPOOL3},
               {"input", 5, NSW_OP_INPUT},
               {"output", 6, NSW_OP_OUTPUT}};
  const char *end = text + size;
  for (int v = 0; v < cell->vertices; v++) {
    const char *comma = memchr(text, ',', (size_t)(end - text));
    size_t length = (size_t)((comma ? comma : end) - text);
    int k = 0;
    while (k < 5 && (names[k].size != length || memcmp(names[k].name, text, length))) k++;
    if (k == 5 || (k == 3) != (v == 0) || (k == 4) != (v == cell->vertices - 1)) return false;
    cell->vertex_op[v] = names[k].op;
    if (!comma) return v == cell->vertices - 1;
    text = comma + 1;
  }
  return false;
}

const char *nsw_nb101_record_parse(char *json, size_t size, struct nsw_nb101_record *record) {
  struct text t = {json, json + size};
  char *hash, *adjacency, *operations, *metrics;
  size_t sizes[4];
  if (!expect(&t, '[') || !read_string(&t, &hash, &sizes[0]) || !expect(&t, ',')) return "it is no JSON array";
  if (!is_hash(hash, sizes[0])) return "its hash is not 32 hexadecimal digits";
  if (!read_epochs(&t, &record->epochs)) return "its epochs are no whole number";
  if (!expect(&t, ',') || !read_string(&t, &adjacency, &sizes[1]) || !expect(&t, ',') ||
      !read_string(&t, &operations, &sizes[2]) || !expect(&t, ',') || !read_string(&t, &metrics, &sizes[3]) ||
      !expect(&t, ']'))
    return "it is no JSON array of hash, epochs, adjacency, operations and metrics";
  skip_blanks(&t);
  if (t.at != t.end) return "something follows its JSON array";
  record->hash = hash;
  if (!read_adjacency(adjacency, sizes[1], &record->cell))
    return "its adjacency is no upper triangular matrix of 0 and 1";
  if (!read_operations(operations, sizes[2], &record->cell)) return "its operations do not fit its adjacency";
  size_t bytes = nsw_base64_decode(metrics, sizes[3]);
  if (bytes == SIZE_MAX) return "its metrics are not base64";
  return nsw_nb101_record_metrics((const uint8_t *)metrics, bytes, record);
}
