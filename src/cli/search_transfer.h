/* --transfer: a score for one space from a network fitted to another. */
#ifndef NSW_CLI_SEARCH_TRANSFER_H
#define NSW_CLI_SEARCH_TRANSFER_H

#include "cli/search.h"

/* Adds the column gcn:SPACE: made on the first rank, given to all. Every rank calls it. */
int nsw_search_add_transfer(const struct nsw_search_job *job, const struct nsw_table *table,
                            const struct nsw_space *space, struct nsw_columns *columns, struct nsw_error *err);

/* Lines of how it ranks all rows beside what is looked at and reported. */
int nsw_search_judge_transfer(struct nsw_search_job *job, const struct nsw_table *table,
                              const struct nsw_search_columns *use, const struct nsw_column *column,
                              const struct nsw_search_title *title, struct nsw_error *err);

#endif
