/* What the header of a table means: which columns name the architecture, which are accuracies, and of what. */
#ifndef NSW_TRUTH_LAYOUT_H
#define NSW_TRUTH_LAYOUT_H

#include "truth/header.h"
#include "truth/speller.h"
#include "truth/truth.h"

enum { NSW_LAYOUT_COLUMNS = 128 };

/* One accuracy column of the file. */
struct nsw_layout_column {
  size_t field;                  /* place in a record */
  char name[NSW_HEADER_NAME];    /* its name, printable */
  char dataset[NSW_HEADER_NAME]; /* empty: told by each record's data set field */
  char split[NSW_HEADER_NAME];   /* "-half" included; empty: told by each record's split field */
  bool literal;                  /* split was given on the command line with its epochs */
  int epochs;                    /* 0: not known, or told by each record */
  int64_t run;                   /* -1: not said, or told by each record */
  bool mean;
  double *values; /* [rows] where they go once that is known and the same for all records; else NULL */
  size_t place;   /* of the column they belong to */
};

struct nsw_layout {
  const char *path;
  size_t fields;                    /* in every record */
  long id, index;                   /* fields that name the architecture; -1 where there is none */
  long adjacency, ops;              /* likewise, together */
  char key[2 * NSW_HEADER_NAME];    /* their names, for people */
  long dataset, split, epochs, run; /* fields of each record that say these; -1 */
  struct nsw_layout_column column[NSW_LAYOUT_COLUMNS];
  size_t columns;
  char left_out[2048]; /* columns that speak of accuracies and are none, and why */
};

/* Reads a header. NSW_USAGE where the user has to say more, with what. */
int nsw_layout_read(struct nsw_layout *layout, const struct nsw_truth_request *request, const char *path, char **fields,
                    size_t count, struct nsw_error *err);

/* Finds only what names the architecture, and what a record is of. */
int nsw_layout_key(struct nsw_layout *layout, const struct nsw_truth_request *request, const char *path, char **fields,
                   size_t count, struct nsw_error *err);

/* Row of a record by its key columns, which must agree; -1 where the table lacks it. *key: its text, malloc'd. */
int nsw_layout_row(const struct nsw_layout *layout, struct nsw_speller *speller, char **fields, int64_t *row,
                   char **key, struct nsw_error *err);

/* Adds what was guessed to what is said to the user. */
void nsw_layout_say(const struct nsw_layout *layout, const struct nsw_truth_request *request,
                    struct nsw_truth_report *report);

#endif
