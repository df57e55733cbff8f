/* Rows of a table by what tables call an architecture: id, index, or any other spelling that its space reads. */
#ifndef NSW_TRUTH_SPELLER_H
#define NSW_TRUTH_SPELLER_H

#include "truth/truth.h"

/* Borrows all but what it opens itself. */
struct nsw_speller {
  const struct nsw_table *table;
  const struct nsw_lookup *lookup;
  const struct nsw_space *opened; /* the space, or NULL: opened when first needed */
  struct nsw_space *own;
  bool failed; /* that could not be done */
};

/* Row of the text, or -1 where the table has none or the text is no architecture. */
int64_t nsw_speller_row(struct nsw_speller *speller, const char *text);

/* Row of an index written as a number ("12", "12.0"), -1 where the table lacks it, -2 where the text is none. */
int64_t nsw_speller_index(const struct nsw_speller *speller, const char *text);

/* Frees what the speller opened. */
void nsw_speller_end(struct nsw_speller *speller);

#endif
