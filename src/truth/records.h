/* Records of a comma-separated file (RFC 4180), plain or gzipped, read one at a time. */
#ifndef NSW_TRUTH_RECORDS_H
#define NSW_TRUTH_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "nasweep/error.h"

/* Bounds that keep memory small whatever the file says. */
enum { NSW_RECORD_FIELDS = 1024, NSW_RECORD_BYTES = 1 << 20 };

struct nsw_records; /* an open file */

/* Opens a file. Every line must end with a newline: a file without the last one is taken as cut short. */
int nsw_records_open(const char *path, struct nsw_records **records, struct nsw_error *err);

/* The next record: its fields, unquoted, NUL-terminated and without blanks at their ends, good until the next call.
 * *count is 0 at the end. Empty lines are passed over. NSW_FAILED names file and line: cut short (also inside a
 * gzip stream), over the bounds, a NUL byte, an open quote. */
int nsw_records_next(struct nsw_records *records, char ***fields, size_t *count, struct nsw_error *err);

/* A line that is still to be read, for hints only: the raw bytes of the next one that has not been peeked at, without
 * its newline, good until the next record is read. NULL where no whole one is in memory. */
const char *nsw_records_peek(struct nsw_records *records, size_t *size);

/* Line (from 1) on which the last record began. */
uint64_t nsw_records_line(const struct nsw_records *records);

/* Frees and sets to NULL; may be called twice. */
void nsw_records_close(struct nsw_records **records);

#endif
