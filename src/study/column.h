/* Columns as the study sees them: scores turned so that larger is better, and which rows take part. */
#ifndef NSW_STUDY_COLUMN_H
#define NSW_STUDY_COLUMN_H

#include <stdbool.h>

#include "nasweep/space.h"
#include "store/table.h"

/* Why a row takes part in a comparison, or not. */
enum nsw_standing {
  NSW_IN,      /* has a value */
  NSW_LOWEST,  /* no path from input to output: takes part below every number, as -infinity */
  NSW_PENDING, /* not scored yet */
  NSW_BROKEN,  /* failed, or not a number */
  NSW_ABSENT   /* the row is not in the file that the column comes from */
};

/* One score column, or an ensemble of several. Owns its arrays. */
struct nsw_column {
  char *name;
  char *long_name;   /* may be empty */
  double *value;     /* [rows], larger is better; -infinity where LOWEST, NaN where it takes no part */
  uint8_t *standing; /* [rows], enum nsw_standing */
  double *by_seed;   /* [rows][seeds], turned likewise, or NULL */
  size_t seeds;
  double seconds; /* sum of the rows' evaluation times; NaN for an ensemble */
  uint64_t timed; /* rows with a time above 0 */
  bool asked;     /* the user asked for it by name: an ensemble, or accuracies taken as a score */
};

/* The columns of one space. */
struct nsw_columns {
  size_t rows;
  struct nsw_column *list;
  size_t count;
};

/* One table out of several of the same space: the union of their rows, all their score and accuracy columns. A score
 * that several have is renamed NAME@n, n from 2 on. A score's status is NSW_STATUS_ABSENT in rows that its table lacks;
 * nsw_table_settle makes pending of it, as files want it. */
enum { NSW_STATUS_ABSENT = 255 };
int nsw_table_merge(struct nsw_table *const *tables, size_t count, struct nsw_table **merged, struct nsw_error *err);
void nsw_table_settle(struct nsw_table *merged);

/* Turns every score of the table into a column. Free with nsw_columns_free. */
int nsw_columns_make(const struct nsw_table *table, struct nsw_columns *columns, struct nsw_error *err);

/* Adds a column of that name: values uninitialised, every row NSW_IN, no times. Pointers to columns become invalid. */
int nsw_columns_add(struct nsw_columns *columns, const char *name, struct nsw_column **column, struct nsw_error *err);

/* Adds accuracies as a score: "accuracy:DATASET/SPLIT" (few epochs of training against many, say), which is also the
 * column's name. NSW_USAGE where the table has none such. */
int nsw_columns_add_accuracy(struct nsw_columns *columns, const struct nsw_table *table, const char *text,
                             struct nsw_error *err);

/* The column of that name, or NULL. */
struct nsw_column *nsw_columns_find(const struct nsw_columns *columns, const char *name);

void nsw_columns_free(struct nsw_columns *columns);

#endif
