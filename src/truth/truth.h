/* Trained accuracies ("truth") from published files, put into the accuracy columns of a result table.
 *
 * A format is one file src/truth/NAME.c that fills a struct nsw_truth_format, and one line in the table of
 * src/truth/truth.c. Files are downloaded, so every format takes its input as hostile: no over-read, bounded memory,
 * one message naming file and record. */
#ifndef NSW_TRUTH_TRUTH_H
#define NSW_TRUTH_TRUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nasweep/space.h"
#include "store/table.h"
#include "truth/lookup.h"

/* What the user asked for. Texts are borrowed; NULL or 0 means "not said". */
struct nsw_truth_request {
  const char *const *paths;   /* files or folders, in the order given */
  size_t path_count;          /* at least 1 */
  const char *space;          /* name of the space */
  const char *dataset;        /* label for columns whose data set the file does not tell, or the only one wanted */
  const char *split;          /* likewise: "test", "valid", ... */
  int epochs;                 /* training epochs, or the only ones wanted of a file that has several */
  const char *key;            /* csv: name of the key column */
  const char *const *columns; /* csv: COLUMN or COLUMN=DATASET/SPLIT, each one accuracy column */
  size_t column_count;        /* csv: 0 means guess from the header */
  const char *const *also;    /* nats, nb201-pth: what is read beside accuracies: "curves", "losses", "times" */
  size_t also_count;
  const char *const *smaller; /* scores: names of those of which smaller is better */
  size_t smaller_count;
  const char *source; /* scores: where they come from */
  const char *unit;   /* csv: "percent", "fraction"; NULL: told from the values */
  const struct nsw_space
      *opened; /* the space with its keys, where a format must find cells by adjacency; may be NULL */
  /* A format that can be shared is read in parts by several ranks: records i with i % parts == part are this one's.
   * Each makes the same columns and fills its rows. parts 0: all of it. */
  unsigned part, parts;
};

/* A count that a format has of its own. */
struct nsw_truth_count {
  const char *what; /* as in "12 WHAT"; NULL where there is none */
  uint64_t count;
};

/* What was read. Counts are of records, whatever a record is in the format. */
struct nsw_truth_report {
  uint64_t records;   /* records read */
  uint64_t matched;   /* records put into a row of the table */
  uint64_t unmatched; /* records of architectures that the table does not have */
  uint64_t unknown;   /* values that were empty or not a number, left NaN */
  struct nsw_truth_count more[8];
  char example[128]; /* key of the first unmatched record, printable; empty where there is none */
  char said[4096];   /* what was guessed, for the user, a line each; empty where nothing was */
};

/* One format. */
struct nsw_truth_format {
  const char *name;    /* the word on the command line */
  const char *summary; /* one line: which published file this is */
  const char *space;   /* the only space it can hold, or NULL */
  bool shared;         /* can be read in parts, see nsw_truth_request */
  /* Tells the space from the files where `space` is NULL; NULL or NSW_USAGE: the user must say --space. */
  int (*guess)(const struct nsw_truth_request *request, const char **space, struct nsw_error *err);
  /* Adds accuracy columns to the table and fills the rows that lookup finds; never adds rows. Sets the column
   * attributes "epochs" (where known), "repeats", "source" and "unit". Does not judge the unmatched share. */
  int (*read)(const struct nsw_truth_request *request, struct nsw_table *table, const struct nsw_lookup *lookup,
              struct nsw_truth_report *report, struct nsw_error *err);
};

/* The table of formats; ends with NULL. */
extern const struct nsw_truth_format *const nsw_truth_formats[];

/* The format of that name; NULL where there is none. */
const struct nsw_truth_format *nsw_truth_find(const char *name);

/* A table of a whole space, no columns yet: index, id, class, params, macs. The space must have its keys. */
int nsw_truth_base(const struct nsw_space *space, struct nsw_table **table, struct nsw_error *err);

/* Reads with a format into an existing table, then, unless it is only a part, judges. report is filled in either case.
 */
int nsw_truth_read(const struct nsw_truth_format *format, const struct nsw_truth_request *request,
                   struct nsw_table *table, double max_unmatched, struct nsw_truth_report *report,
                   struct nsw_error *err);

/* NSW_FAILED where no record matched, or where more than max_unmatched (0..1) of the records have no row. */
int nsw_truth_judge(const struct nsw_truth_request *request, const struct nsw_table *table, double max_unmatched,
                    const struct nsw_truth_report *report, struct nsw_error *err);

/* Copies every accuracy column of `from` into `to` by architecture index (same space, else NSW_USAGE). Rows that
 * `from` lacks stay NaN; *matched counts rows of `to` that got a row of `from`. */
int nsw_truth_join(struct nsw_table *to, const struct nsw_table *from, uint64_t *matched, struct nsw_error *err);

/* Whether the column is of accuracies, which it is unless its unit says otherwise: some files have the time of training
 * (seconds) and losses (nats). And whether it is the seconds of training to its epochs: DATASET/seconds-Nep. */
bool nsw_truth_is_accuracy(const struct nsw_accuracy *column);
bool nsw_truth_is_training_seconds(const struct nsw_accuracy *column);

/* Whether the request, which may say nothing of it, asks for the data set (any case), and for the split, named with or
 * without its epochs (0: not known). */
bool nsw_truth_wants_dataset(const struct nsw_truth_request *request, const char *dataset);
bool nsw_truth_wants_split(const struct nsw_truth_request *request, const char *split, int epochs);

/* Adds a line to what the user is told. */
void nsw_truth_say(struct nsw_truth_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Notes a record without a row: counts it and keeps the first key as the example. */
void nsw_truth_unmatched(struct nsw_truth_report *report, const char *key);

#endif
