/* The rounds of the module hash with one labelled graph in each lane. All lanes have the same edges, so the lengths of
 * all messages agree and only the order of sorted digests differs from lane to lane: it is found by compare and
 * exchange, without a branch. Shapes: a row is one word of NSW_MD5_STREAMS lanes, VECTORS registers. */
#include "base/vec.h"
#include "space/nb101_lanes.h"

enum { LANES = NSW_MD5_STREAMS, VECTORS = LANES / NSW_LANES };

#define VECTOR(row, i) (((vw *)(row))[i])

static inline vw swap_bytes(vw x) {
  vw pairs = (x & 0x00ff00ffu) << 8 | (x >> 8 & 0x00ff00ffu);
  return pairs << 16 | pairs >> 16;
}

/* Four values 0..15, one a byte, as hexadecimal characters. */
static inline vw hex_chars(vw nibbles) {
  vc n = (vc)nibbles;
  return (vw)(n + '0' + ((vc)(n > 9) & ('a' - '0' - 10)));
}

/* Two bytes (the low half of x) as four nibbles in the order of their characters, one a byte. */
static inline vw spread(vw x) {
  return (x >> 4 & 0x0fu) | (x << 8 & 0x0f00u) | (x << 4 & 0x0f0000u) | (x << 16 & 0x0f000000u);
}

/* digest[4] -> order[4], hex[8] */
static void expand(const nsw_md5_row digest[4], nsw_md5_row order[4], nsw_md5_row hex[8]) {
  for (int w = 0; w < 4; w++)
    for (int i = 0; i < VECTORS; i++) {
      vw x = VECTOR(digest[w], i);
      VECTOR(order[w], i) = swap_bytes(x);
      VECTOR(hex[2 * w], i) = hex_chars(spread(x));
      VECTOR(hex[2 * w + 1], i) = hex_chars(spread(x >> 16));
    }
}

/* All ones in the lanes where digest a comes after digest b; i: the register. */
static inline vw is_after(const nsw_md5_row a[4], const nsw_md5_row b[4], int i) {
  vw after = {0}, equal = ~after;
  for (int w = 0; w < 4; w++) {
    after |= equal & (vw)(VECTOR(a[w], i) > VECTOR(b[w], i));
    equal &= (vw)(VECTOR(a[w], i) == VECTOR(b[w], i));
  }
  return after;
}

static inline void exchange(nsw_md5_row *a, nsw_md5_row *b, int rows, vw mask, int i) {
  for (int w = 0; w < rows; w++) {
    vw x = VECTOR(a[w], i), y = VECTOR(b[w], i), change = (x ^ y) & mask;
    VECTOR(a[w], i) = x ^ change;
    VECTOR(b[w], i) = y ^ change;
  }
}

/* The digests of the vertices in the mask, sorted, as rows of characters; their number in *n. Valid until the next. */
static const nsw_md5_row *sort_neighbours(struct nsw_nb101_scratch *s, uint32_t mask, int *n) {
  *n = 0;
  if (mask && !(mask & (mask - 1))) {
    *n = 1;
    return s->hex[__builtin_ctz(mask)];
  }
  for (; mask; mask &= mask - 1, ++*n) {
    int v = __builtin_ctz(mask);
    memcpy(s->sort_hex[*n], s->hex[v], sizeof s->hex[v]);
    memcpy(s->sort_order[*n], s->order[v], sizeof s->order[v]);
  }
  for (int last = *n - 1; last > 0; last--)
    for (int k = 0; k < last; k++)
      for (int i = 0; i < VECTORS; i++) {
        vw after = is_after(s->sort_order[k], s->sort_order[k + 1], i);
        /* In the last pass nothing is compared again. */
        if (last > 1) exchange(s->sort_order[k], s->sort_order[k + 1], 4, after, i);
        exchange(s->sort_hex[k], s->sort_hex[k + 1], 8, after, i);
      }
  return s->sort_hex[0];
}

/* A message under construction: whole words are in rows, and `rest` holds the bytes of the next one. */
struct writer {
  nsw_md5_row *row; /* where the next whole word goes */
  int bytes;        /* of rest: 0, 1 or 2 when rows are appended */
  vw rest[VECTORS];
};

/* Appends n rows of whole words behind `bytes` bytes (1 or 2: constants, so that shifts are immediate). */
static inline __attribute__((always_inline)) void put_shifted(struct writer *w, const nsw_md5_row *rows, int n,
                                                              int bytes) {
  for (int i = 0; i < VECTORS; i++) {
    vw rest = w->rest[i];
    for (int k = 0; k < n; k++) {
      vw x = VECTOR(rows[k], i);
      VECTOR(w->row[k], i) = rest | x << 8 * bytes;
      rest = x >> (32 - 8 * bytes);
    }
    w->rest[i] = rest;
  }
  w->row += n;
}

static inline void put_rows(struct writer *w, const nsw_md5_row *rows, int n) {
  if (w->bytes == 2)
    put_shifted(w, rows, n, 2);
  else if (w->bytes == 1)
    put_shifted(w, rows, n, 1);
  else {
    memcpy(w->row, rows, (size_t)n * sizeof *rows);
    w->row += n;
  }
}

/* Appends n characters, at most four, the same in all lanes; text: little endian. */
static inline void put_text(struct writer *w, uint32_t text, int n) {
  uint64_t bits = (uint64_t)text << 8 * w->bytes;
  for (int i = 0; i < VECTORS; i++) {
    vw rest = w->bytes ? w->rest[i] | (uint32_t)bits : (vw){0} + (uint32_t)bits;
    if (w->bytes + n >= 4) {
      VECTOR(*w->row, i) = rest;
      rest = (vw){0} + (uint32_t)(bits >> 32);
    }
    w->rest[i] = rest;
  }
  w->row += (w->bytes + n) / 4;
  w->bytes = (w->bytes + n) % 4;
}

/* Pads the message as md5 wants it and gives the number of blocks. */
static int finish(struct writer *w, nsw_md5_row *message) {
  uint32_t bits = (uint32_t)((w->row - message) * 32 + w->bytes * 8);
  put_text(w, 0x80, 4 - w->bytes);
  int used = (int)(w->row - message), blocks = (used + 2 + 15) / 16;
  memset(w->row, 0, (size_t)(16 * blocks - used) * sizeof *message);
  for (int i = 0; i < VECTORS; i++) VECTOR(message[16 * blocks - 2], i) = (vw){0} + bits;
  return blocks;
}

static void hash_vertex(struct nsw_nb101_scratch *s, int v, uint32_t in, uint32_t out) {
  struct writer w = {.row = s->message};
  int n;
  const nsw_md5_row *sorted = sort_neighbours(s, in, &n);
  put_rows(&w, sorted, 8 * n);
  put_text(&w, '|', 1);
  sorted = sort_neighbours(s, out, &n);
  put_rows(&w, sorted, 8 * n);
  put_text(&w, '|', 1);
  put_rows(&w, s->hex[v], 8);
  NSW_FN(nsw_md5_streams)(s->message, finish(&w, s->message), s->next[v].word);
}

/* md5 of ['...', '...'], the digests of all vertices sorted. */
static void hash_list(struct nsw_nb101_scratch *s, int vertices, struct nsw_nb101_digest *hash) {
  struct writer w = {.row = s->message};
  int n;
  const nsw_md5_row *sorted = sort_neighbours(s, (1u << vertices) - 1, &n);
  put_text(&w, '[' | '\'' << 8, 2);
  for (int v = 0; v < vertices; v++) {
    if (v > 0) put_text(&w, '\'' | ',' << 8 | ' ' << 16 | (uint32_t)'\'' << 24, 4);
    put_rows(&w, sorted + 8 * v, 8);
  }
  put_text(&w, '\'' | ']' << 8, 2);
  NSW_FN(nsw_md5_streams)(s->message, finish(&w, s->message), hash->word);
}

void NSW_FN(nsw_nb101_lanes)(int vertices, uint32_t bits, const struct nsw_nb101_digest *digest,
                             struct nsw_nb101_scratch *s, struct nsw_nb101_digest *hash) {
  uint32_t in[NSW_MAX_VERTICES] = {0}, out[NSW_MAX_VERTICES] = {0};
  for (int y = 1; y < vertices; y++) {
    in[y] = bits >> nsw_edge(0, y) & ((1u << y) - 1);
    for (int x = 0; x < y; x++) out[x] |= (in[y] >> x & 1) << y;
  }
  const struct nsw_nb101_digest *now = digest;
  for (int round = 0; round < vertices; round++) {
    for (int v = 0; v < vertices; v++) expand(now[v].word, s->order[v], s->hex[v]);
    for (int v = 0; v < vertices; v++) hash_vertex(s, v, in[v], out[v]);
    now = s->next;
  }
  for (int v = 0; v < vertices; v++) expand(now[v].word, s->order[v], s->hex[v]);
  hash_list(s, vertices, hash);
}
