/* Accuracy tables for a result table: a file that the user names, or those found in the data folder. */
#ifndef NSW_TRUTH_FIND_H
#define NSW_TRUTH_FIND_H

#include "store/table.h"

/* Names of files in `folder` that hold accuracies of the space: SPACE_accuracy*.h5, else .csv, .tsv and .json, also
 * packed, in order of name; malloc'd, each and the list. No folder, no files: count 0. */
int nsw_truth_search(const char *folder, const char *space, char ***paths, size_t *count, struct nsw_error *err);

/* Likewise the tables that come with the program (truth/shipped.h). */
int nsw_truth_search_shipped(const char *space, char ***paths, size_t *count, struct nsw_error *err);

/* Adds a file's accuracies to the table: a result file, or one of the import formats as FORMAT:PATH (csv where no
 * format is said, packed for names in .table). *rows (may be NULL) counts rows of the table that got an accuracy.
 * Records of other architectures than the table's are no fault here: a file of scores may be part of a space.
 * NSW_FAILED where no row is common, or where an accuracy of that name is there already. */
int nsw_truth_add(struct nsw_table *table, const char *file, uint64_t *rows, struct nsw_error *err);

#endif
