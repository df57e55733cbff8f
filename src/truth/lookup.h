/* Finds the row of a table by the text of an architecture: its id (hash or string) or its index. */
#ifndef NSW_TRUTH_LOOKUP_H
#define NSW_TRUTH_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#include "store/table.h"

struct nsw_lookup; /* borrows its table, which must outlive it and keep its rows */

/* Builds the look-up, O(rows). Free with nsw_lookup_free. */
int nsw_lookup_create(const struct nsw_table *table, struct nsw_lookup **lookup, struct nsw_error *err);

/* Frees and sets to NULL; may be called twice. */
void nsw_lookup_free(struct nsw_lookup **lookup);

/* Row of the id text[0..size-1] (no terminator needed; any bytes), or -1. */
int64_t nsw_lookup_id(const struct nsw_lookup *lookup, const char *text, size_t size);

/* What hints remember: the slots of the last few. Zero before the first. */
struct nsw_lookup_ahead {
  size_t place[4];
  size_t count;
};

/* Says that an id will be looked up eight or so look-ups from now, so that the memory this touches is on its way. Any
 * bytes will do: it changes nothing but speed. */
void nsw_lookup_hint(const struct nsw_lookup *lookup, struct nsw_lookup_ahead *ahead, const char *text, size_t size);

/* Row of the architecture index, or -1. */
int64_t nsw_lookup_index(const struct nsw_lookup *lookup, uint64_t index);

#endif
