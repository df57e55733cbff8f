/* TFRecord files: records of length (8 bytes, little-endian), its masked CRC-32C (4), the data, its masked CRC-32C (4).
 */
#ifndef NSW_FILES_TFRECORD_H
#define NSW_FILES_TFRECORD_H

#include <stdbool.h>

#include "files/input.h"

/* Longest record taken, in bytes: a thousand times those of NAS-Bench-101. */
enum { NSW_TFRECORD_MOST = 1 << 20 };

struct nsw_tfrecord;

/* Starts on an input, which stays the caller's and must outlive the reader. */
int nsw_tfrecord_open(struct nsw_input *input, struct nsw_tfrecord **reader, struct nsw_error *err);

/* The next record: *data, good until the next call, is followed by at least one byte that may be read but means
 * nothing; *end true after the last. An error names the record (from 0) and the byte it begins at. */
int nsw_tfrecord_next(struct nsw_tfrecord *reader, char **data, size_t *size, bool *end, struct nsw_error *err);

/* Place of the current record, for messages. */
uint64_t nsw_tfrecord_number(const struct nsw_tfrecord *reader);
uint64_t nsw_tfrecord_offset(const struct nsw_tfrecord *reader);

/* Frees and sets to NULL; may be called twice. */
void nsw_tfrecord_close(struct nsw_tfrecord **reader);

#endif
