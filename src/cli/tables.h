/* What correlate and select read: result files, one table a space, with accuracies joined. */
#ifndef NSW_CLI_TABLES_H
#define NSW_CLI_TABLES_H

#include "cli/args.h"
#include "store/table.h"

enum { NSW_TABLES = 8 }; /* spaces at most */

/* One table a space, in the order in which the files name them. Free with nsw_tables_free. */
struct nsw_tables {
  struct nsw_table *list[NSW_TABLES];
  char *truth[NSW_TABLES]; /* which accuracy files were joined, for people; empty: those in the result files */
  size_t count;
};

/* Reads all operands (result files, or names of spaces for all of one without scores), puts tables of the same space
 * together, and adds accuracies: those of --truth, else those the files hold, else those found in the folder
 * NASWEEP_DATA and, where that lacks them, among the tables that come with the program. A space may end up without any.
 * `speak`: says on standard error which files accuracies came from. */
int nsw_tables_read(const struct nsw_args *args, bool speak, struct nsw_tables *tables, struct nsw_error *err);

void nsw_tables_free(struct nsw_tables *tables);

#endif
