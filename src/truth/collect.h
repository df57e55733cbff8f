/* Accuracies as they are read, in any order of files, columns and records, before they become columns of a table: which
 * run of which data set, split and number of epochs each is, and where it came from. */
#ifndef NSW_TRUTH_COLLECT_H
#define NSW_TRUTH_COLLECT_H

#include "truth/truth.h"

enum { NSW_COLLECT_COLUMNS = 256, NSW_COLLECT_RUNS = 64, NSW_COLLECT_NAME = 64 };

/* One column to be: its runs, each [rows]. */
struct nsw_collected {
  char dataset[NSW_COLLECT_NAME];
  char split[NSW_COLLECT_NAME];  /* with "-half" and "-200ep" where that is known */
  int epochs;                    /* 0: not known */
  int64_t run[NSW_COLLECT_RUNS]; /* seeds; -1 of the only one */
  double *value[NSW_COLLECT_RUNS];
  size_t runs;
  const char *path;              /* file that it was first met in; borrowed */
  char header[NSW_COLLECT_NAME]; /* and its column there */
};

struct nsw_collect {
  size_t rows;
  struct nsw_collected column[NSW_COLLECT_COLUMNS];
  size_t columns;
};

/* Finds or makes the column and its run; *place is its number. */
int nsw_collect_find(struct nsw_collect *collect, const char *dataset, const char *split, int epochs, const char *path,
                     const char *header, size_t *place, struct nsw_error *err);

/* Values [rows] of a run of the column, NaN where none is yet. */
int nsw_collect_run(struct nsw_collect *collect, size_t place, int64_t run, double **value, struct nsw_error *err);

/* Makes the table's columns: means over the runs there are, the runs as repeats where there are several. unit: as in a
 * request; what was taken for fractions is said in report. */
int nsw_collect_finish(struct nsw_collect *collect, const char *unit, struct nsw_table *table,
                       struct nsw_truth_report *report, struct nsw_error *err);

void nsw_collect_free(struct nsw_collect *collect);

#endif
