#include "truth/speller.h"

#include <stdlib.h>
#include <string.h>

int64_t nsw_speller_index(const struct nsw_speller *s, const char *text) {
  size_t digits = strspn(text, "0123456789");
  const char *rest = text + digits;
  if (!digits || digits > 10) return -2;
  if (*rest == '.') rest += 1 + strspn(rest + 1, "0");
  if (*rest) return -2;
  return nsw_lookup_index(s->lookup, strtoull(text, NULL, 10));
}

/* Texts that may be a cell written out, for which the space has to be there: not every hash that the table lacks. */
static bool may_be_cell(const char *text) {
  size_t size = strlen(text);
  return strpbrk(text, "|[(,:{ ") || (size >= 6 && strspn(text, "0123456789") == size);
}

int64_t nsw_speller_row(struct nsw_speller *s, const char *text) {
  size_t size = strlen(text);
  uint32_t index;
  int64_t row = nsw_lookup_id(s->lookup, text, size);
  if (row >= 0 || !size) return row;
  row = nsw_speller_index(s, text);
  if (row >= 0 || !may_be_cell(text) || s->failed) return row < 0 ? -1 : row;
  if (!s->opened && !s->own) s->failed = nsw_space_open(s->table->space, &s->own, NULL) != NSW_OK;
  if (s->failed || nsw_space_find(s->opened ? s->opened : s->own, text, &index, NULL) != NSW_OK) return -1;
  return nsw_lookup_index(s->lookup, index);
}

void nsw_speller_end(struct nsw_speller *s) { nsw_space_close(&s->own); }
