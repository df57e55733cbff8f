/* What `correlate` finds, as typed structs, and how each is written. Texts are borrowed from tables and columns. */
#ifndef NSW_CLI_OUTCOMES_H
#define NSW_CLI_OUTCOMES_H

#include "cli/record.h"
#include "study/compare.h"

enum { NSW_SUBSET_TEXT = 32 };

/* One score against one accuracy over one subset. */
struct nsw_line {
  const char *space, *proxy, *dataset, *split;
  char subset[NSW_SUBSET_TEXT];
  uint64_t epochs;    /* of training; UINT64_MAX where not known */
  const char *source; /* of the accuracies; NULL where not known */
  uint64_t excluded;  /* rows pending, failed or without accuracy */
  struct nsw_comparison outcome;
};

/* How far two scores agree. */
struct nsw_agreement_line {
  const char *space, *a, *b;
  char subset[NSW_SUBSET_TEXT];
  struct nsw_agreement outcome;
};

/* How far the seeds of one score agree. */
struct nsw_stability_line {
  const char *space, *proxy, *dataset, *split; /* data set and split NULL where there are no accuracies */
  char subset[NSW_SUBSET_TEXT];
  uint64_t seeds;
  struct nsw_stability outcome;
};

/* Whether one score ranks better than another. */
struct nsw_contest_line {
  const char *space, *a, *b, *dataset, *split;
  char subset[NSW_SUBSET_TEXT];
  uint64_t seed;
  struct nsw_contest outcome;
};

/* What a score cost, beside training. */
struct nsw_timing_line {
  const char *space, *proxy;
  const char *dataset, *split; /* the column of seconds of training; NULL where the tables do not tell */
  uint64_t n;                  /* evaluations timed */
  double seconds, each;        /* in all, and for one */
  uint64_t trained;            /* architectures whose training was timed */
  double training;             /* mean seconds of one training; NaN where the tables do not tell */
  double share;                /* each / training */
};

/* All of it. */
struct nsw_outcomes {
  struct nsw_rows lines, agreements, stabilities, contests, timings; /* of the structs above */
  uint64_t resamples, seed;                                          /* of intervals; 0: there are none */
  double level;                                                      /* their confidence */
};

/* NSW_USAGE unless the word is one of the formats: table, json, csv, latex, markdown. */
int nsw_outcomes_check(const char *format, struct nsw_error *err);

/* Prints everything in that format; CSV, LaTeX and Markdown have the lines alone. */
int nsw_outcomes_print(FILE *out, const char *format, const struct nsw_outcomes *outcomes, struct nsw_error *err);

void nsw_outcomes_free(struct nsw_outcomes *outcomes);

/* ---- across the files that print ---- */

enum { NSW_TITLES = 6, NSW_TITLES_WITH_INTERVALS = 4 };

/* A coefficient of a line, as all formats name and order them. */
struct nsw_title {
  const char *key;   /* JSON and CSV */
  const char *title; /* for people */
  const char *latex;
};
extern const struct nsw_title nsw_titles[NSW_TITLES];

double nsw_line_value(const struct nsw_line *line, int coefficient);

/* The interval of a coefficient, or NULL. */
const struct nsw_interval *nsw_line_interval(const struct nsw_line *line, int coefficient);

/* Its ends: BCa where it is defined, else percentile. */
void nsw_interval_ends(const struct nsw_interval *interval, double *low, double *high);

/* Whether two lines stand under the same heading. */
bool nsw_line_same_target(const struct nsw_line *a, const struct nsw_line *b);

void nsw_outcomes_print_table(FILE *out, const struct nsw_outcomes *outcomes);    /* outcomes_table.c */
void nsw_outcomes_print_latex(FILE *out, const struct nsw_outcomes *outcomes);    /* outcomes_markup.c */
void nsw_outcomes_print_markdown(FILE *out, const struct nsw_outcomes *outcomes); /* outcomes_markup.c */

#endif
