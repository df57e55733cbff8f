/* Records of a table, read one at a time, its header first: text with commas, semicolons or tabs between fields
 * (RFC 4180), or JSON; plain or packed (files/input.h). */
#ifndef NSW_TRUTH_RECORDS_H
#define NSW_TRUTH_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nasweep/error.h"

/* Bounds that keep memory small whatever the file says. */
enum { NSW_RECORD_FIELDS = 1024, NSW_RECORD_BYTES = 1 << 20 };

struct nsw_records; /* an open file */

/* Opens a file. What separates its fields is told by its first line; a file that begins with [ or { is JSON (see
 * truth/json_table.h). */
int nsw_records_open(const char *path, struct nsw_records **records, struct nsw_error *err);

/* The next record: its fields, unquoted, NUL-terminated and without blanks at their ends, good until the next call.
 * *count is 0 at the end. Empty lines are passed over. NSW_FAILED names file and line: cut short (inside a packed
 * stream), over the bounds, a NUL byte, an open quote. */
int nsw_records_next(struct nsw_records *records, char ***fields, size_t *count, struct nsw_error *err);

/* A line that is still to be read, for hints only: the raw bytes of the next one that has not been peeked at, without
 * its newline, good until the next record is read. NULL where no whole one is in memory. */
const char *nsw_records_peek(struct nsw_records *records, size_t *size);

/* Line (from 1) on which the last record began; of JSON, the number of the record, the header being 1. */
uint64_t nsw_records_line(const struct nsw_records *records);

/* What separates fields: ',', ';' or a tab; ',' of JSON. */
char nsw_records_separator(const struct nsw_records *records);

/* Whether the last line had no newline at its end, as files have that were written so, and those that are cut short. */
bool nsw_records_open_ended(const struct nsw_records *records);

/* Frees and sets to NULL; may be called twice. */
void nsw_records_close(struct nsw_records **records);

#endif
