/* What NAS-Bench-201 and NATS-Bench's two spaces store of one architecture, whatever the file: for each budget of
 * epochs a dict of all_results, {(data set, seed): {train_acc1es: {epoch: %}, eval_acc1es: {"split@epoch": %},
 * train_times: ...}}.
 *
 * Columns, each by seed and as the mean over the seeds there are: DATASET/SPLIT-Nep, accuracy after N epochs;
 * DATASET/seconds-Nep, seconds of training them (unit seconds); and, where asked for, DATASET/loss-SPLIT-Nep,
 * DATASET/eval-SPLIT-Nep (seconds of one evaluation), DATASET/latency-Nep (seconds of one batch), and the curves
 * accuracy.DATASET.SPLIT-Nep and loss.DATASET.SPLIT-Nep, a point an epoch. */
#ifndef NSW_TRUTH_NB201_RESULTS_H
#define NSW_TRUTH_NB201_RESULTS_H

#include "files/pickle.h"
#include "truth/truth.h"

/* The seeds, in the order of the repeats of a column; where an architecture was not trained with one, NaN. */
enum { NSW_NB201_SEEDS = 4, NSW_NB201_BUDGETS = 3, NSW_NB201_COLUMNS = 224 };

/* More entries than any dict of one training run has (600), so that a forged file cannot make endless searches. */
enum { NSW_NB201_ENTRIES = 4096 };

/* One of the benchmarks. */
struct nsw_nb201_bench {
  const char *space;
  uint32_t architectures;
  int budgets;
  int epochs[NSW_NB201_BUDGETS];      /* ascending */
  const char *key[NSW_NB201_BUDGETS]; /* of each in NATS-Bench's files */
};

extern const struct nsw_nb201_bench nsw_nb201_tss, nsw_nb201_sss;

enum nsw_nb201_what { NSW_NB201_ACCURACY, NSW_NB201_SECONDS, NSW_NB201_LOSS, NSW_NB201_EVAL, NSW_NB201_LATENCY };

/* One column or curve that is filled. */
struct nsw_nb201_column {
  enum nsw_nb201_what what;
  int budget;        /* of the runs that it is about */
  int label;         /* data set and split; of seconds and latency the first label of the data set */
  int epochs;        /* measured after so many, of those of the budget */
  double *mean;      /* [rows], the table's own; NULL of a curve */
  double *by_repeat; /* [rows][NSW_NB201_SEEDS], likewise */
  float *curve;      /* [rows][epochs], the table's own: sums until the end, then means */
  uint8_t *seeds;    /* [rows][epochs] of a curve: how many are in the sum */
};

/* The columns of an import. */
struct nsw_nb201_results {
  const struct nsw_nb201_bench *bench;
  const struct nsw_truth_request *request; /* borrowed, as are the next three */
  struct nsw_table *table;
  const struct nsw_lookup *lookup;
  struct nsw_truth_report *report;
  struct nsw_nb201_column column[NSW_NB201_COLUMNS];
  int columns;
  uint8_t *seen;                                /* [rows] bit b: taken for budget b */
  uint64_t runs[NSW_NB201_BUDGETS];             /* training runs read */
  uint64_t compared, other_params, other_flops; /* runs whose cost was compared with ours, and those that differ */
};

/* Adds the columns that the request asks for. Free with nsw_nb201_end, also after an error. */
int nsw_nb201_start(struct nsw_nb201_results *results, const struct nsw_nb201_bench *bench,
                    const struct nsw_truth_request *request, struct nsw_table *table, const struct nsw_lookup *lookup,
                    struct nsw_truth_report *report, const char *source, struct nsw_error *err);

/* Takes what one architecture has for one budget: arch_index, arch_str, all_results. index: what it must be, or -1.
 * name opens messages. */
int nsw_nb201_take(struct nsw_nb201_results *results, const struct nsw_value *info, int budget, int64_t index,
                   const char *name, struct nsw_error *err);

/* Whether the epoch (from 0) is one that a column needs: with curves, all are. */
bool nsw_nb201_needs(const struct nsw_nb201_results *results, int64_t epoch);

/* Fills the means over seeds, and says what was read. */
void nsw_nb201_finish(struct nsw_nb201_results *results);

/* Frees; may be called twice. */
void nsw_nb201_end(struct nsw_nb201_results *results);

#endif
