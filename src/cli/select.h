/* The searches of `select`, made over the tables of all spaces, and how they are written. */
#ifndef NSW_CLI_SELECT_H
#define NSW_CLI_SELECT_H

#include "cli/choice.h"
#include "cli/record.h"
#include "study/select.h"

/* What every outcome says of itself. Texts are borrowed from tables and columns. */
struct nsw_search_label {
  const char *space, *proxy, *dataset, *split;
  uint64_t n;                    /* candidates */
  uint64_t over, excluded;       /* rows beyond the limits; rows without score or accuracy */
  uint64_t max_params, max_macs; /* the limits; UINT64_MAX: none */
};

/* An architecture that is listed. */
struct nsw_listed {
  uint64_t index, params, macs;
  char id[128];
  double score, accuracy;
  uint64_t tied; /* architectures of the same score, itself included */
};

/* What taking the k best finds. */
struct nsw_point {
  uint64_t k;
  double best, regret, mean, precision; /* as in struct nsw_pick; regret: how far below the best there is */
};

/* The curve of one score, or of chance. */
struct nsw_curve {
  struct nsw_search_label label;
  double best;                 /* best accuracy among the candidates; NaN where there are none */
  struct nsw_rows points, top; /* of struct nsw_point; of struct nsw_listed */
};

/* The candidates that no other beats in both cost and score. */
struct nsw_front {
  struct nsw_search_label label;
  const char *cost;      /* params or macs */
  struct nsw_rows front; /* of struct nsw_listed */
};

/* The two-step search with one budget. */
struct nsw_two_step_line {
  struct nsw_search_label label;
  uint64_t k, candidates, runs, seed;
  char second_step[192]; /* DATASET/SPLIT its second step goes by */
  struct nsw_two_step outcome;
};

/* What is asked for, and what came out. */
struct nsw_selection {
  const struct nsw_args *args; /* borrowed */
  struct nsw_choice choice;
  uint64_t max_params, max_macs; /* UINT64_MAX: no limit */
  uint64_t show;                 /* architectures listed at the top of a score */
  uint64_t candidates, runs, seed;
  struct nsw_list budgets; /* k of the two-step search */
  struct nsw_rows curves, fronts, two_steps;
};

/* All searches in one space. columns: made by nsw_choice_columns. */
int nsw_select_table(struct nsw_selection *job, const struct nsw_table *table, const struct nsw_columns *columns,
                     struct nsw_error *err);

/* The validation accuracies that the second step goes by: the one named by --knas-split, else the validation column
 * of the data set whose training is nearest to the paper's 20 epochs. NULL where there is none; NSW_USAGE where the one
 * named is not there, or is what is reported. */
int nsw_select_second_step(const struct nsw_table *table, const struct nsw_accuracy *report, const char *named,
                           const struct nsw_accuracy **look, struct nsw_error *err);

/* Prints everything as table, json or csv (the curves). */
int nsw_select_print(FILE *out, const char *format, const struct nsw_selection *job, struct nsw_error *err);

void nsw_selection_free(struct nsw_selection *job);

#endif
