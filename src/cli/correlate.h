/* The comparisons of `correlate`, made over the tables of all spaces. */
#ifndef NSW_CLI_CORRELATE_H
#define NSW_CLI_CORRELATE_H

#include "cli/choice.h"
#include "cli/outcomes.h"

/* What is asked for, and what came out. */
struct nsw_correlate {
  const struct nsw_args *args; /* borrowed: --subset, --compare, --agreement, --stability, --timing */
  struct nsw_choice choice;
  struct nsw_compare_options options;
  uint64_t permutations;        /* of --compare */
  struct nsw_outcomes outcomes; /* owned; texts borrowed from tables and columns */
};

/* Everything about one space; with several ranks all must call. columns: made by nsw_choice_columns; they must outlive
 * the outcomes. */
int nsw_correlate_table(struct nsw_correlate *job, const struct nsw_table *table, const struct nsw_columns *columns,
                        struct nsw_error *err);

#endif
