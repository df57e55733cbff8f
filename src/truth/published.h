/* Accuracies that published searches report on a space: results/tables/SPACE_published.csv, which comes with the
 * program. */
#ifndef NSW_TRUTH_PUBLISHED_H
#define NSW_TRUTH_PUBLISHED_H

#include <stddef.h>

#include "nasweep/error.h"

/* One figure, or the absence of one. Texts are owned, never NULL. */
struct nsw_published {
  char *method;
  char *kind;             /* baseline, differentiable, one-shot, reinforcement, score, ... */
  char *dataset, *split;  /* as accuracy columns are named; empty where there is no figure for any */
  double mean, deviation; /* percent; NaN where there is none */
  char *source, *note;    /* source is empty only where there is no figure */
};

struct nsw_published_list {
  struct nsw_published *at;
  size_t count;
};

/* Reads the figures of a space from the folder that nsw_shipped_folder gives; no folder, or no such file: an empty
 * list. NSW_FAILED names file and line where a figure is no percentage or has no source. Free with nsw_published_free
 * in any case. */
int nsw_published_read(const char *space, struct nsw_published_list *list, struct nsw_error *err);

/* The same from a named file. */
int nsw_published_read_file(const char *path, struct nsw_published_list *list, struct nsw_error *err);
void nsw_published_free(struct nsw_published_list *list);

#endif
