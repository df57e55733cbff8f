#include "files/tfrecord.h"

#include <stdlib.h>
#include <string.h>

#include "files/crc32c.h"

enum { HEADER = 12, FOOTER = 4, WINDOW = NSW_TFRECORD_MOST + HEADER + FOOTER };

struct nsw_tfrecord {
  struct nsw_input *input;
  nsw_crc32c_function *crc;
  uint64_t number; /* of the current record; those begun, before it is complete */
  uint64_t offset; /* of the current record in the input */
  uint64_t next;   /* of the record after it */
  size_t at, end;  /* unread bytes of the window */
  char window[WINDOW + 8];
};

int nsw_tfrecord_open(struct nsw_input *input, struct nsw_tfrecord **reader, struct nsw_error *err) {
  *reader = malloc(sizeof **reader);
  if (!*reader) return nsw_fail(err, "%s: not enough memory", nsw_input_name(input));
  memset(*reader, 0, offsetof(struct nsw_tfrecord, window));
  (*reader)->input = input;
  (*reader)->crc = nsw_crc32c_best();
  (*reader)->number = UINT64_MAX;
  return NSW_OK;
}

static int bad(const struct nsw_tfrecord *r, const char *what, struct nsw_error *err) {
  return nsw_fail(err, "%s: record %llu, at byte %llu: %s", nsw_input_name(r->input), (unsigned long long)r->number,
                  (unsigned long long)r->offset, what);
}

/* Makes `want` bytes readable at window + at; fewer only where the input ends. */
static int fill(struct nsw_tfrecord *r, size_t want, struct nsw_error *err) {
  if (r->end - r->at >= want) return NSW_OK;
  memmove(r->window, r->window + r->at, r->end - r->at);
  r->end -= r->at;
  r->at = 0;
  while (r->end < want) {
    size_t got;
    int status = nsw_input_read(r->input, r->window + r->end, WINDOW - r->end, &got, err);
    if (status) return status;
    if (!got) break;
    r->end += got;
  }
  return NSW_OK;
}

static uint32_t word(const char *bytes) {
  const uint8_t *b = (const uint8_t *)bytes;
  return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

int nsw_tfrecord_next(struct nsw_tfrecord *r, char **data, size_t *size, bool *end, struct nsw_error *err) {
  r->number++;
  r->offset = r->next;
  int status = fill(r, HEADER, err);
  if (status) return status;
  *end = r->end == r->at;
  if (*end) return NSW_OK;
  if (r->end - r->at < HEADER) return bad(r, "the file ends in its header", err);
  const char *header = r->window + r->at;
  uint64_t length = (uint64_t)word(header + 4) << 32 | word(header);
  if (nsw_crc32c_masked(r->crc(header, 8)) != word(header + 8)) return bad(r, "checksum of its length is wrong", err);
  if (length > NSW_TFRECORD_MOST) return bad(r, "longer than 1 MiB", err);
  status = fill(r, HEADER + (size_t)length + FOOTER, err);
  if (status) return status;
  if (r->end - r->at < HEADER + length + FOOTER) return bad(r, "the file ends in it", err);
  *data = r->window + r->at + HEADER;
  *size = (size_t)length;
  if (nsw_crc32c_masked(r->crc(*data, *size)) != word(*data + *size))
    return bad(r, "checksum of its data is wrong", err);
  r->at += HEADER + *size + FOOTER;
  r->next += HEADER + length + FOOTER;
  return NSW_OK;
}

uint64_t nsw_tfrecord_number(const struct nsw_tfrecord *reader) { return reader->number; }
uint64_t nsw_tfrecord_offset(const struct nsw_tfrecord *reader) { return reader->offset; }

void nsw_tfrecord_close(struct nsw_tfrecord **reader) {
  free(*reader);
  *reader = NULL;
}
