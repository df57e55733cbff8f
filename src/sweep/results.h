/* The result table of a sweep while it fills: records in, a table for the file out. Lives on rank 0. */
#ifndef NSW_SWEEP_RESULTS_H
#define NSW_SWEEP_RESULTS_H

#include "store/table.h"
#include "sweep/evaluate.h"

struct nsw_results;

/* What the file tells of an architecture beside its scores. */
struct nsw_row_facts {
  uint64_t params, macs;
  uint32_t class_of;
};

/* Those of rows first .. end-1 into facts[end - first]; ranks can share the work. */
void nsw_results_facts(const struct nsw_sweep_plan *plan, size_t first, size_t end, struct nsw_row_facts *facts);

/* An empty table of the plan's rows with ids (the space's keys must be there), classes, parameters, multiply-adds and
 * the wanted columns with their attributes. The plan is borrowed. facts[rows]: made by nsw_results_facts, or NULL to
 * make them here. */
int nsw_results_create(const struct nsw_sweep_plan *plan, const struct nsw_row_facts *facts,
                       struct nsw_results **results, struct nsw_error *err);

/* Frees and sets to NULL; may be called twice. */
void nsw_results_free(struct nsw_results **results);

/* Takes over what an earlier run of the same plan had, but for pending rows and, to repair them, failed ones.
 * NSW_FAILED where the rows, columns or curves are not the plan's. */
int nsw_results_resume(struct nsw_results *results, const struct nsw_table *earlier, bool repair,
                       struct nsw_error *err);

/* Puts a record in. */
void nsw_results_put(struct nsw_results *results, const struct nsw_evaluation *record);

/* The score of a row from the sum over its seeds, added in their order: their mean; NaN where it has none; -infinity
 * for a row without a path whose proxy says so. */
double nsw_row_mean(uint8_t status, double sum, size_t seeds);

/* A value that this run marked failed. */
struct nsw_failure {
  uint32_t index;     /* architecture */
  const char *column; /* borrowed from the proxy */
  uint64_t seed;
  double value;   /* what the evaluation gave; NaN where there was none */
  bool evaluated; /* false: passed over, as it crashed runs before */
};
enum { NSW_FAILURES = 5 };

/* The first NSW_FAILURES values that failed in this run, in the order in which they came; returns how many there were
 * in all. */
size_t nsw_results_failures(const struct nsw_results *results, const struct nsw_failure **failure);

/* Marks a task failed without an evaluation. */
void nsw_results_fail(struct nsw_results *results, uint32_t task);

/* Whether a task is done; tasks that are. */
bool nsw_results_done(const struct nsw_results *results, uint32_t task);
uint32_t nsw_results_count(const struct nsw_results *results);

/* Architectures, each counted once: pending where a column of it is, else failed where one is, else without a path. */
struct nsw_tally {
  size_t scored, no_path, failed, pending;
};
struct nsw_tally nsw_tally_make(const struct nsw_table *table);
struct nsw_tally nsw_results_tally(const struct nsw_results *results);

/* The table, owned by the results; attributes may be set. */
struct nsw_table *nsw_results_table(struct nsw_results *results);

/* A copy of what changes, the rest shared, for a writer beside the running sweep. *copy is zeroed before the first
 * time; its memory is used again each time, for touching new memory takes longer than copying. Give it back by
 * nsw_results_snapshot_free before the results are freed. */
int nsw_results_snapshot(const struct nsw_results *results, struct nsw_table *copy, struct nsw_error *err);
void nsw_results_snapshot_free(struct nsw_table *copy);

#endif
