/* `nasweep search`: which columns a search looks at, all searches that are asked for, and how they are written. */
#ifndef NSW_CLI_SEARCH_H
#define NSW_CLI_SEARCH_H

#include "cli/args.h"
#include "cli/record.h"
#include "cli/tables.h"
#include "search/search.h"
#include "store/table.h"
#include "study/column.h"
#include "truth/published.h"

enum { NSW_SEARCH_REPORTS = 16, NSW_SEARCH_RUNGS = 16, NSW_COLUMN_TEXT = 160 };

/* The columns that searches in one space use. Borrowed from the table. */
struct nsw_search_columns {
  const struct nsw_accuracy *look;
  const struct nsw_accuracy *report[NSW_SEARCH_REPORTS];
  size_t reports;
  const struct nsw_accuracy *rung[NSW_SEARCH_RUNGS]; /* fewer epochs first */
  size_t rungs;
  const struct nsw_accuracy *seconds; /* of one training, NULL where there is none */
};

/* Chooses them by --look, --report, --rungs and --cost. NSW_USAGE with what there is where a name is none; NSW_FAILED
 * where there are no accuracies, or no validation accuracies and none was named. */
int nsw_search_choose(const struct nsw_args *args, const struct nsw_table *table, struct nsw_search_columns *columns,
                      struct nsw_error *err);

/* The column of DATASET/SPLIT, where the split's epochs may be left out if only one column is meant; option: for the
 * message where there is none. */
int nsw_search_column(const char *option, const char *word, const struct nsw_table *table,
                      const struct nsw_accuracy **column, struct nsw_error *err);

/* Epochs that an accuracy was trained for: by its attribute or its split's name; 0 where neither tells. */
int nsw_accuracy_epochs(const struct nsw_accuracy *accuracy);

/* What is left out of a table's rows, in this order. */
struct nsw_search_left {
  uint64_t unlooked, unreported, unscored; /* without accuracy looked at, reported; with a score failed or pending */
};

/* The ground of a search from columns and scores; costs where epoch_seconds > 0 or `timed`. Free with nsw_ground_free
 * in any case. */
int nsw_search_ground(const struct nsw_table *table, const struct nsw_space *space,
                      const struct nsw_search_columns *columns, const struct nsw_column *const *scores, size_t count,
                      double epoch_seconds, bool timed, struct nsw_ground *ground, struct nsw_search_left *left,
                      struct nsw_error *err);

/* ---- outcomes ---- */

/* What all of one search's lines say of themselves. Texts are borrowed from tables and methods. */
struct nsw_search_title {
  const char *space, *method;
  char proxy[96];             /* the score; empty: none */
  char use[64];               /* start, filter, ties, inputs, joined by '+'; empty: none */
  char look[NSW_COLUMN_TEXT]; /* DATASET/SPLIT */
  uint64_t n;                 /* candidates */
  struct nsw_search_left left;
  double budget;
  const char *unit; /* trainings or seconds */
  uint64_t repeats, seed;
  char settings[256]; /* KEY=VALUE of the method, joined by blanks */
};

/* One point of a curve. */
struct nsw_search_point {
  double at; /* budget spent */
  struct nsw_summary found;
};

/* An architecture that searches ended with. */
struct nsw_search_found {
  uint64_t index, times;
  char id[128];
  double accuracy;
};

/* One search and one of the columns it is reported by. */
struct nsw_search_line {
  struct nsw_search_title title;
  const char *dataset, *split; /* reported */
  double trainings;            /* mean over repeats */
  struct nsw_summary found;    /* at the end */
  double looked;               /* mean of the accuracy looked at of what was found */
  double optimum;              /* best reported accuracy of all candidates */
  struct nsw_rows points;      /* of struct nsw_search_point */
  struct nsw_rows top;         /* of struct nsw_search_found, the most often found first */
};

/* One point of a curve of gains. */
struct nsw_gain_point {
  double at, mean, error; /* error: standard error of the mean */
};

/* What a score added to a search. */
struct nsw_gain_line {
  struct nsw_search_title title;
  const char *beside; /* the method without the score */
  const char *dataset, *split;
  double level;
  uint64_t resamples, pairs, better, equal, worse;
  double mean, low, high;
  struct nsw_rows points; /* of struct nsw_gain_point */
};

/* How a fitted model ranks all candidates. */
struct nsw_model_line {
  struct nsw_search_title title;
  char column[NSW_COLUMN_TEXT]; /* DATASET/SPLIT it is compared with */
  double spearman, spearman_deviation, kendall, kendall_deviation;
};

/* A figure that was published for a column that is reported, or a method without one. Texts are the list's. */
struct nsw_published_line {
  const char *space, *method, *group, *dataset, *split; /* data set and split NULL: no figure for any */
  double mean, deviation;
  const char *source, *note; /* NULL where there is none */
};

/* All of it. */
struct nsw_search_outcomes {
  struct nsw_rows searches, gains, models, published; /* of the structs above */
  struct nsw_published_list figures[NSW_TABLES];      /* what published is made of, of each space */
  size_t spaces;
};

/* A network fitted to one space that gives a score to others. */
struct nsw_search_transfer {
  const struct nsw_table *table;     /* of that space; NULL: none */
  const struct nsw_accuracy *column; /* what it is fitted to */
  uint64_t sample;                   /* architectures it is fitted to */
};

/* Everything that is asked for. */
struct nsw_search_job {
  const struct nsw_args *args;
  struct nsw_search search; /* what all searches share */
  bool timed;               /* the budget is in seconds */
  double epoch_seconds;     /* of training; 0: from a column */
  uint64_t resamples;
  double level;
  unsigned way[16]; /* ways to use each score: enum nsw_use, ORed */
  size_t ways;
  struct nsw_search_transfer transfer;
  struct nsw_list methods, proxies;
  struct nsw_search_outcomes outcomes;
};

/* Finds what --transfer SPACE[:DATASET/SPLIT] names among the tables. */
int nsw_search_find_transfer(struct nsw_search_job *job, struct nsw_table *const *tables, size_t count,
                             struct nsw_error *err);

/* All searches in one space; speaks on standard error on the first rank. */
int nsw_search_table(struct nsw_search_job *job, const struct nsw_table *table, struct nsw_error *err);

/* Prints everything as table, json or csv (a line a point of every curve). published: the table has all published
 * figures, not only those of the same methods. */
int nsw_search_print(FILE *out, const char *format, bool published, const struct nsw_search_outcomes *outcomes,
                     struct nsw_error *err);

void nsw_search_outcomes_free(struct nsw_search_outcomes *outcomes);

#endif
