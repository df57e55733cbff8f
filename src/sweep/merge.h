/* Several result files of one space into one: disjoint rows, other columns, other seeds. */
#ifndef NSW_SWEEP_MERGE_H
#define NSW_SWEEP_MERGE_H

#include "store/table.h"

/* Joins n tables. Rows are the union; a column that depends on the seed gets all seeds, ascending, and their mean in
 * that order; a row is pending while a seed of it is. A failed row gives way to one that is not. What else is there
 * twice must be there the same, bit for bit, and columns of one name must come from the same options, data and
 * skeleton: NSW_FAILED naming files, column and architecture otherwise. paths: for messages and the `merged` attribute.
 */
int nsw_merge(const struct nsw_table *const *tables, const char *const *paths, size_t n, struct nsw_table **merged,
              struct nsw_error *err);

#endif
