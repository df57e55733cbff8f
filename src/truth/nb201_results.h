/* What NAS-Bench-201 and NATS-Bench's topology space store of one architecture, whatever the file: for each number of
 * epochs a dict of all_results, {(data set, seed): {train_acc1es: {epoch: %}, eval_acc1es: {"split@epoch": %}, ...}}.
 */
#ifndef NSW_TRUTH_NB201_RESULTS_H
#define NSW_TRUTH_NB201_RESULTS_H

#include "files/pickle.h"
#include "truth/truth.h"

/* The seeds, in the order of the repeats of a column; where an architecture was not trained with one, NaN. */
enum { NSW_NB201_SEEDS = 4, NSW_NB201_COLUMNS = 26 };

/* More entries than any dict of one training run has (600), so that a forged file cannot make endless searches. */
enum { NSW_NB201_ENTRIES = 4096 };

/* The columns of an import: data set, split, epochs. */
struct nsw_nb201_results {
  const struct nsw_truth_request *request; /* borrowed, as are the next three */
  struct nsw_table *table;
  const struct nsw_lookup *lookup;
  struct nsw_truth_report *report;
  struct {
    double *mean;      /* [rows], the table's own; NULL for a column that is not wanted */
    double *by_repeat; /* [rows][NSW_NB201_SEEDS] */
  } column[NSW_NB201_COLUMNS];
  uint8_t *seen;    /* [rows] bit 0: taken for 12 epochs, bit 1: for 200 */
  uint64_t runs[2]; /* training runs read, of 12 and of 200 epochs */
};

/* Adds the columns that the request asks for. Free with nsw_nb201_end, also after an error. */
int nsw_nb201_start(struct nsw_nb201_results *results, const struct nsw_truth_request *request, struct nsw_table *table,
                    const struct nsw_lookup *lookup, struct nsw_truth_report *report, const char *source,
                    struct nsw_error *err);

/* Takes what one architecture has for one number of epochs: arch_index, arch_str, all_results. index: what it must be,
 * or -1. name opens messages. */
int nsw_nb201_take(struct nsw_nb201_results *results, const struct nsw_value *info, int epochs, int64_t index,
                   const char *name, struct nsw_error *err);

/* Fills the means over seeds, and says what was read. */
void nsw_nb201_finish(struct nsw_nb201_results *results);

/* Frees; may be called twice. */
void nsw_nb201_end(struct nsw_nb201_results *results);

#endif
