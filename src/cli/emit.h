/* Rows of named values as CSV (RFC 4180) or as JSON (an array of objects, one a line), on any stream.
 *
 * A number that is not finite is "nan", "inf" or "-inf" in CSV, which everyone's float() reads; JSON has no such
 * numbers, so there it is null (nan) or the text "inf" or "-inf". */
#ifndef NSW_CLI_EMIT_H
#define NSW_CLI_EMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "nasweep/error.h"

struct nsw_emit; /* one output under way */

/* Begins an output. format: "csv" or "json" (NSW_USAGE otherwise). names are borrowed until the end. header: the line
 * of names in CSV. */
int nsw_emit_begin(FILE *out, const char *format, const char *const *names, size_t count, bool header,
                   struct nsw_emit **emit, struct nsw_error *err);

/* The next value of the row; after the last column the row is written. */
void nsw_emit_integer(struct nsw_emit *emit, uint64_t value);
void nsw_emit_real(struct nsw_emit *emit, double value); /* shortest text that reads back as the same number */
void nsw_emit_text(struct nsw_emit *emit, const char *value);

/* Ends the output, frees and sets to NULL; NSW_FAILED where memory or the stream failed on the way. */
int nsw_emit_end(struct nsw_emit **emit, struct nsw_error *err);

/* One cell of CSV, quoted where it must be. */
void nsw_csv_text(FILE *out, const char *text);

#endif
