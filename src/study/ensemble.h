/* Ensembles: several scores made one by the ranks they give to the rows. */
#ifndef NSW_STUDY_ENSEMBLE_H
#define NSW_STUDY_ENSEMBLE_H

#include "study/column.h"

/* What the commands' option of the same name says. */
#define NSW_ENSEMBLE_HELP                                                                     \
  "also these scores as one: A+B (mean of their ranks) or log:A+B (sum of the logarithms of " \
  "rank / n), NAME=log:A+B to name it; or a published one, az_nas or te_nas"

/* An ensemble that was published. */
struct nsw_ensemble {
  const char *name;
  const char *rule;      /* "mean" or "log" */
  const char *members;   /* scores, joined by '+' */
  const char *long_name; /* with its source */
};

/* All of them, ended by one without a name. */
extern const struct nsw_ensemble nsw_ensembles[];

/* Adds the ensemble that `text` asks for: [NAME=][RULE:]A+B..., or the name of a published one. Ranks are average
 * ranks from 1 (worst; the scores' directions are in the columns already) to n, over the rows that take part in all
 * members; `mean` is their mean, `log` the sum of log(rank / n). NSW_USAGE where a score is not there. */
int nsw_ensemble_add(struct nsw_columns *columns, const char *text, struct nsw_error *err);

#endif
