#include "truth/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* Open addressing over row numbers; the ids themselves stay in the table. The keys stored come from there, not from a
 * file read, so that a hostile file cannot make long chains. */
struct nsw_lookup {
  const struct nsw_table *table;
  uint32_t *slot; /* [mask + 1], row + 1, 0 where empty */
  size_t mask;    /* a power of two minus 1 */
};

static const char *row_id(const struct nsw_table *table, size_t row) { return table->id + row * table->id_size; }

static size_t id_length(const struct nsw_table *table, size_t row) {
  const char *id = row_id(table, row);
  return id[table->id_size - 1] ? table->id_size : strlen(id);
}

int nsw_lookup_create(const struct nsw_table *table, struct nsw_lookup **lookup, struct nsw_error *err) {
  *lookup = NULL;
  if (table->rows >= UINT32_MAX)
    return nsw_fail(err, "a table of %zu rows is too large to look up ids in", table->rows);
  struct nsw_lookup *new = calloc(1, sizeof *new);
  size_t size = 16;
  while (size < 2 * table->rows) size *= 2;
  uint32_t *slot = calloc(size, sizeof *slot);
  if (!new || !slot) {
    free(new);
    free(slot);
    return nsw_no_memory(err, "a look-up of %zu architectures", table->rows);
  }
  *new = (struct nsw_lookup){table, slot, size - 1};
  for (size_t row = 0; row < table->rows; row++) {
    size_t at = nsw_hash(row_id(table, row), id_length(table, row)) & new->mask;
    while (slot[at]) at = (at + 1) & new->mask;
    slot[at] = (uint32_t)row + 1;
  }
  *lookup = new;
  return NSW_OK;
}

void nsw_lookup_free(struct nsw_lookup **lookup) {
  if (!*lookup) return;
  free((*lookup)->slot);
  free(*lookup);
  *lookup = NULL;
}

int64_t nsw_lookup_id(const struct nsw_lookup *lookup, const char *text, size_t size) {
  const struct nsw_table *table = lookup->table;
  if (!size || size > table->id_size || memchr(text, 0, size)) return -1;
  size_t at = nsw_hash(text, size) & lookup->mask;
  for (; lookup->slot[at]; at = (at + 1) & lookup->mask) {
    size_t row = lookup->slot[at] - 1;
    const char *id = row_id(table, row);
    if (!memcmp(id, text, size) && (size == table->id_size || !id[size])) return (int64_t)row;
  }
  return -1;
}

void nsw_lookup_hint(const struct nsw_lookup *lookup, struct nsw_lookup_ahead *ahead, const char *text, size_t size) {
  enum { LATE = sizeof ahead->place / sizeof *ahead->place };
  size_t *place = &ahead->place[ahead->count++ % LATE];
  uint32_t row = lookup->slot[*place]; /* of the hint LATE hints ago: its slot is here by now */
  if (row) __builtin_prefetch(row_id(lookup->table, row - 1));
  *place = nsw_hash(text, size) & lookup->mask;
  __builtin_prefetch(&lookup->slot[*place]);
}

int64_t nsw_lookup_index(const struct nsw_lookup *lookup, uint64_t index) {
  return index > UINT32_MAX ? -1 : nsw_table_row(lookup->table, (uint32_t)index);
}
