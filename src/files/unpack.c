/* Packed streams, each by its own library: bzip2, zlib, liblzma. */
#include <bzlib.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "files/input.h"
#include "files/input_parts.h"

enum { WINDOW = 1 << 16, XZ_MEMORY = 256 << 20 };

enum outcome { GOES_ON, STREAM_END, NO_MEMORY, OTHER_DATA, DAMAGED };

struct unpacker;

/* What one library does. */
struct codec {
  const char *name;
  bool (*begin)(struct unpacker *u);
  enum outcome (*step)(struct unpacker *u); /* moves bytes from in to out, and both pointers */
  void (*end)(struct unpacker *u);
  bool single; /* one stream only; what follows it is passed over */
};

struct unpacker {
  const struct codec *codec;
  const uint8_t *in;
  uint8_t *out;
  size_t in_size, out_size;
  union {
    bz_stream bzip2;
    z_stream zlib;
    lzma_stream xz;
  } u;
  bool open;  /* the library's stream needs its end */
  bool ended; /* no stream is begun: at the start, or after the last one's end */
  bool begun; /* one has been */
  uint8_t window[WINDOW];
};

static bool begin_bzip2(struct unpacker *u) { return BZ2_bzDecompressInit(&u->u.bzip2, 0, 0) == BZ_OK; }
static void end_bzip2(struct unpacker *u) { BZ2_bzDecompressEnd(&u->u.bzip2); }

static enum outcome step_bzip2(struct unpacker *u) {
  bz_stream *s = &u->u.bzip2;
  s->next_in = (char *)(uintptr_t)u->in;
  s->avail_in = (unsigned)u->in_size;
  s->next_out = (char *)u->out;
  s->avail_out = (unsigned)u->out_size;
  int result = BZ2_bzDecompress(s);
  u->in = (const uint8_t *)s->next_in;
  u->in_size = s->avail_in;
  u->out = (uint8_t *)s->next_out;
  u->out_size = s->avail_out;
  return result == BZ_OK                 ? GOES_ON
         : result == BZ_STREAM_END       ? STREAM_END
         : result == BZ_MEM_ERROR        ? NO_MEMORY
         : result == BZ_DATA_ERROR_MAGIC ? OTHER_DATA
                                         : DAMAGED;
}

static bool begin_gzip(struct unpacker *u) { return inflateInit2(&u->u.zlib, 16 + MAX_WBITS) == Z_OK; }
static bool begin_deflate(struct unpacker *u) { return inflateInit2(&u->u.zlib, -MAX_WBITS) == Z_OK; }
static void end_zlib(struct unpacker *u) { inflateEnd(&u->u.zlib); }

static enum outcome step_zlib(struct unpacker *u) {
  z_stream *s = &u->u.zlib;
  s->next_in = (uint8_t *)(uintptr_t)u->in;
  s->avail_in = (unsigned)u->in_size;
  s->next_out = u->out;
  s->avail_out = (unsigned)u->out_size;
  int result = inflate(s, Z_NO_FLUSH);
  u->in = s->next_in;
  u->in_size = s->avail_in;
  u->out = s->next_out;
  u->out_size = s->avail_out;
  return result == Z_OK || result == Z_BUF_ERROR ? GOES_ON
         : result == Z_STREAM_END                ? STREAM_END
         : result == Z_MEM_ERROR                 ? NO_MEMORY
                                                 : DAMAGED;
}

static bool begin_xz(struct unpacker *u) { return lzma_stream_decoder(&u->u.xz, XZ_MEMORY, 0) == LZMA_OK; }
static void end_xz(struct unpacker *u) { lzma_end(&u->u.xz); }

static enum outcome step_xz(struct unpacker *u) {
  lzma_stream *s = &u->u.xz;
  s->next_in = u->in;
  s->avail_in = u->in_size;
  s->next_out = u->out;
  s->avail_out = u->out_size;
  lzma_ret result = lzma_code(s, LZMA_RUN);
  u->in = s->next_in;
  u->in_size = s->avail_in;
  u->out = s->next_out;
  u->out_size = s->avail_out;
  return result == LZMA_OK || result == LZMA_BUF_ERROR               ? GOES_ON
         : result == LZMA_STREAM_END                                 ? STREAM_END
         : result == LZMA_MEM_ERROR || result == LZMA_MEMLIMIT_ERROR ? NO_MEMORY
         : result == LZMA_FORMAT_ERROR                               ? OTHER_DATA
                                                                     : DAMAGED;
}

static const struct codec codecs[] = {
    [NSW_BZIP2] = {"bzip2", begin_bzip2, step_bzip2, end_bzip2, false},
    [NSW_GZIP] = {"gzip", begin_gzip, step_zlib, end_zlib, false},
    [NSW_XZ] = {"xz", begin_xz, step_xz, end_xz, false},
    [NSW_DEFLATE] = {"deflate", begin_deflate, step_zlib, end_zlib, true},
};

/* Makes sure that there are packed bytes; *end where there are no more. */
static int fill(struct nsw_input *input, struct unpacker *u, bool *end, struct nsw_error *err) {
  *end = false;
  if (u->in_size) return NSW_OK;
  int status = nsw_input_read(input->inner, u->window, WINDOW, &u->in_size, err);
  u->in = u->window;
  *end = !u->in_size;
  return status;
}

static int begin_stream(struct nsw_input *input, struct unpacker *u, struct nsw_error *err) {
  if (u->open) u->codec->end(u);
  memset(&u->u, 0, sizeof u->u);
  u->open = u->codec->begin(u);
  u->ended = false;
  u->begun = true;
  return u->open ? NSW_OK : nsw_fail(err, "%s: not enough memory for %s", input->name, u->codec->name);
}

static int read_packed(struct nsw_input *input, void *bytes, size_t count, size_t *got, struct nsw_error *err) {
  struct unpacker *u = input->state;
  const char *name = u->codec->name;
  size_t asked = count > 1 << 30 ? 1u << 30 : count;
  *got = 0;
  u->out = bytes;
  u->out_size = asked;
  while (u->out_size == asked && asked) {
    bool end;
    if (u->ended && u->begun && u->codec->single) return NSW_OK;
    int status = fill(input, u, &end, err);
    if (status) return status;
    if (end && u->ended && u->begun) return NSW_OK;
    if (end) return nsw_fail(err, "%s: %s data ends too early: the file is cut short", input->name, name);
    if (u->ended && (status = begin_stream(input, u, err))) return status;
    switch (u->codec->step(u)) {
      case GOES_ON:
        break;
      case STREAM_END:
        u->ended = true;
        break;
      case NO_MEMORY:
        return nsw_fail(err, "%s: not enough memory for %s", input->name, name);
      case OTHER_DATA:
        return nsw_fail(err, "%s: not %s data", input->name, name);
      case DAMAGED:
        return nsw_fail(err, "%s: %s data is damaged", input->name, name);
    }
  }
  *got = asked - u->out_size;
  if (*got > input->left) return nsw_fail(err, "%s: more than can be in such a file when decompressed", input->name);
  input->left -= *got;
  return NSW_OK;
}

static void close_packed(struct nsw_input *input) {
  struct unpacker *u = input->state;
  if (u && u->open) u->codec->end(u);
  free(u);
}

int nsw_input_unpack(enum nsw_packing packing, struct nsw_input *inner, uint64_t most, struct nsw_input **input,
                     struct nsw_error *err) {
  int status = nsw_input_create(inner->name, input, err);
  if (status) {
    nsw_input_close(&inner);
    return status;
  }
  struct unpacker *u = malloc(sizeof *u);
  (*input)->inner = inner;
  (*input)->left = most;
  (*input)->read = read_packed;
  (*input)->close = close_packed;
  (*input)->state = u;
  if (!u) {
    status = nsw_fail(err, "%s: not enough memory", inner->name);
    nsw_input_close(input);
    return status;
  }
  memset(u, 0, offsetof(struct unpacker, window));
  u->codec = &codecs[packing];
  u->ended = true;
  return NSW_OK;
}
