/* Which scores and accuracies a command looks at: --proxy, --dataset and --split of `correlate` and `select`, and the
 * scores they add themselves (--ensemble, --score). */
#ifndef NSW_CLI_CHOICE_H
#define NSW_CLI_CHOICE_H

#include "cli/args.h"
#include "cli/tables.h"
#include "study/column.h"

/* Names given; an empty list means everything. */
struct nsw_choice {
  struct nsw_list proxies, datasets, splits;
};

/* Reads the three options. Free with nsw_choice_free in any case. */
int nsw_choice_read(const struct nsw_args *args, struct nsw_choice *choice, struct nsw_error *err);
void nsw_choice_free(struct nsw_choice *choice);

/* NSW_USAGE where a data set or split was named that no table has, with those there are. */
int nsw_choice_check(const struct nsw_choice *choice, const struct nsw_tables *tables, struct nsw_error *err);

/* The columns of a table's scores, with those that --ensemble and --score ask for; NSW_USAGE where --proxy names one
 * that is not there. Free with nsw_columns_free in any case. */
int nsw_choice_columns(const struct nsw_choice *choice, const struct nsw_args *args, const struct nsw_table *table,
                       struct nsw_columns *columns, struct nsw_error *err);

/* NSW_USAGE unless one of the tables' columns has the name that an option gives, with those there are. */
int nsw_choice_check_score(const char *option, const char *name, const struct nsw_columns *columns, size_t tables,
                           struct nsw_error *err);

/* Whether a score is looked at: one that was named or asked for, or any where none was named. */
bool nsw_choice_has_score(const struct nsw_choice *choice, const struct nsw_column *column);

/* Whether an accuracy column is: accuracies of the data sets and splits named; letters' case does not matter. */
bool nsw_choice_has_accuracy(const struct nsw_choice *choice, const struct nsw_accuracy *accuracy);

#endif
