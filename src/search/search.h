/* Searches replayed on tables: what a search method finds within a budget, over many repeats.
 *
 * A method is one file src/search/NAME.c that fills a struct nsw_method, and one line in the table of
 * src/search/methods.c. Repeat r of a method draws its numbers from (seed, method, r) alone, so that repeats can be
 * done anywhere and in any order, and the same repeat with and without a score is a pair. */
#ifndef NSW_SEARCH_SEARCH_H
#define NSW_SEARCH_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "nasweep/space.h"
#include "study/compare.h"
#include "study/rank.h"

struct nsw_repeat; /* one repeat under way: src/search/run.h */

/* The candidates: architectures whose columns are all known. Arrays are owned; what nsw_ground_finish makes is marked.
 */
struct nsw_ground {
  const struct nsw_space *space; /* borrowed */
  size_t n;
  uint32_t *index; /* [n] ascending */
  double *look;    /* [n] what a training shows to the search, percent */
  double *cost;    /* [n] of one training in the unit of the budget; NULL: 1 each */
  double **report; /* [reports][n] what is reported of the best found, percent */
  size_t reports;
  double **score; /* [scores][n] larger is better, -infinity where there is no path */
  size_t scores;
  double **rung;      /* [rungs][n] accuracies after shorter trainings, ascending */
  double *rung_share; /* [rungs] of the cost of a whole training, ascending, below 1 */
  size_t rungs;
  int32_t *rank;                   /* [n] of look, from 0, equal ones alike; made */
  int length;                      /* genes of a word, 0 where the space has none; made */
  uint32_t choices[NSW_MAX_GENES]; /* of each gene; made */
  size_t stride;  /* bytes from word to word: NSW_SHORT_WORD where that is enough, else NSW_MAX_GENES; made */
  uint8_t *genes; /* [n][stride], the first `length` of each in use; made */
  bool whole;     /* candidate i has the index i, and there are no others; made */
  int32_t *place; /* [architectures of the space] candidate of an index, -1 where it is none; made */
};

/* Fills what is made, from space, n, index and look. Free all of it with nsw_ground_free. */
int nsw_ground_finish(struct nsw_ground *ground, struct nsw_error *err);
void nsw_ground_free(struct nsw_ground *ground);

enum { NSW_SHORT_WORD = 8 };

/* The word of a candidate. */
static inline const uint8_t *nsw_word(const struct nsw_ground *ground, uint32_t candidate) {
  return ground->genes + (size_t)candidate * ground->stride;
}

/* A copy of it, to be changed. */
static inline void nsw_copy_word(const struct nsw_ground *ground, uint32_t candidate, uint8_t genes[NSW_MAX_GENES]) {
  if (ground->stride == NSW_SHORT_WORD)
    memcpy(genes, nsw_word(ground, candidate), NSW_SHORT_WORD);
  else
    memcpy(genes, nsw_word(ground, candidate), NSW_MAX_GENES);
}

/* One number that changes how a method works: --set METHOD.KEY=VALUE. */
struct nsw_method_option {
  const char *key;
  double value; /* default */
  double low, high;
  const char *help;
};

enum { NSW_METHOD_OPTIONS = 8 };

/* What a method cannot do without, and what it is, ORed. */
enum nsw_method_kind {
  NSW_METHOD_GENES = 1,    /* changes genes: needs a space that has them */
  NSW_METHOD_SCORE = 2,    /* goes by a score alone; has no version without */
  NSW_METHOD_RUNGS = 4,    /* trains part of the way: needs accuracies after fewer epochs */
  NSW_METHOD_PREDICTS = 8, /* fits a model and ranks all candidates by it; takes scores as inputs */
};

struct nsw_search; /* below */

struct nsw_method {
  const char *name;
  const char *summary;
  const char *source;                      /* paper */
  unsigned kind;                           /* enum nsw_method_kind */
  const struct nsw_method_option *options; /* at most NSW_METHOD_OPTIONS, ends with a NULL key; may be NULL */

  /* What all repeats share; both may be NULL. */
  int (*open)(const struct nsw_ground *ground, const struct nsw_search *search, void **state, struct nsw_error *err);
  void (*close)(void *state);

  /* One repeat: trains by nsw_train until that says that the budget is spent, or has no more to try. */
  int (*run)(struct nsw_repeat *run, struct nsw_error *err);
};

/* The table of methods; ends with NULL. And the one of that name, or NULL. */
extern const struct nsw_method *const nsw_methods[];
const struct nsw_method *nsw_method_find(const char *name);

/* The ways to use a score, ORed. */
enum nsw_use {
  NSW_USE_START = 1,  /* the first architectures trained are the best by score */
  NSW_USE_FILTER = 2, /* of several proposals the best by score is trained */
  NSW_USE_TIES = 4,   /* of equal accuracies the better score wins */
  NSW_USE_INPUTS = 8  /* all scores are inputs of the model */
};

/* One search to be repeated. */
struct nsw_search {
  const struct nsw_method *method;
  double set[NSW_METHOD_OPTIONS]; /* values of the method's options, in their order */
  unsigned use;                   /* enum nsw_use */
  int score;                      /* which score of the ground is used, -1: none */
  double budget;                  /* trainings, or seconds where the ground has costs */
  size_t points;                  /* of the curve: at budget * i / points, i = 1.. */
  uint64_t repeats, seed;
  uint64_t start; /* architectures that NSW_USE_START begins with */
  uint64_t brood; /* proposals that NSW_USE_FILTER chooses from */
  uint64_t pool;  /* random architectures that a score is known of; 0: all */
  bool remember;  /* an architecture met again costs nothing */
  struct nsw_share share;
};

/* What was found. Owned; free with nsw_outcome_free. */
struct nsw_outcome {
  size_t points;
  uint64_t repeats;
  double *best;      /* [repeats][points] 1 + the candidate that was best so far by what was looked at; 0: none yet */
  double *trainings; /* [repeats] begun and paid for */
  double *rank; /* [repeats][1 + reports][2] Spearman and Kendall of the model's ranking of all candidates with look
                 * and reports; NULL unless the method predicts */
};

/* Runs all repeats, this rank's share of them, and adds up over ranks: every rank gets the whole outcome. */
int nsw_search_run(const struct nsw_ground *ground, const struct nsw_search *search, struct nsw_outcome *outcome,
                   struct nsw_error *err);
void nsw_outcome_free(struct nsw_outcome *outcome);

/* Numbers of a sample; quantiles interpolated as NumPy does. */
struct nsw_summary {
  size_t n;               /* values that are numbers; all else is NaN where there is none */
  double mean, deviation; /* n - 1 in the denominator; NaN for one value */
  double lowest, q05, q25, median, q75, q95, highest;
};

/* Of values[n], NaN left out; sorts them. */
struct nsw_summary nsw_summarise(double *values, size_t n);

/* Values of the best found at a point: value[candidate] of every repeat into out[repeats], NaN where there was none. */
void nsw_outcome_values(const struct nsw_outcome *outcome, const double *value, size_t point, double *out);

/* The mean of a[n] - b[n] over pairs that are both numbers, with a percentile interval from `resamples` resamples of
 * the pairs. */
struct nsw_gain {
  size_t n;
  double mean, error;          /* and its standard error */
  double low, high;            /* NaN without resamples */
  size_t better, equal, worse; /* pairs */
};
int nsw_gain(const double *a, const double *b, size_t n, uint64_t resamples, double level, uint64_t seed,
             struct nsw_gain *gain, struct nsw_error *err);

#endif
