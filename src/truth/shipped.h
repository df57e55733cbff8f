/* The accuracy tables that come with the program (results/tables, made by analysis/pack_tables.py): a text header and a
 * zlib stream of counts of right answers, in index order. */
#ifndef NSW_TRUTH_SHIPPED_H
#define NSW_TRUTH_SHIPPED_H

#include <stdbool.h>

#include "truth/truth.h"

/* The folder of the tables: $NASWEEP_TABLES, else share/nasweep/tables of where the program is installed, else
 * results/tables of the source tree that it was built in. malloc'd; NULL where there is none, and where NASWEEP_TABLES
 * is set to nothing: so the tables are switched off. */
char *nsw_shipped_folder(void);

/* Adds the columns of one packed table that `table` lacks (nsw_shipped_has), for its rows. *columns: how many. A file
 * of another space than the table's adds nothing. NSW_FAILED where the file is no packed table, or damaged. */
int nsw_shipped_add(struct nsw_table *table, const char *path, size_t *columns, struct nsw_error *err);

/* Whether the table has accuracies of that data set, split and number of epochs, whatever the column is called:
 * "test-200ep", or "test" with the attribute epochs 200 or none. */
bool nsw_shipped_has(const struct nsw_table *table, const char *dataset, const char *split, int epochs);

/* Packed tables read by name, as any other format: all columns, or those asked for. */
extern const struct nsw_truth_format nsw_truth_packed;

#endif
