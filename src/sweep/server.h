/* Rank 0's side of a running sweep: hands out pieces, takes results in, keeps the file, watches for reasons to stop. */
#ifndef NSW_SWEEP_SERVER_H
#define NSW_SWEEP_SERVER_H

#include "sweep/results.h"
#include "sweep/transport.h"
#include "sweep/worker.h"

/* How it went, for the summary and the file. */
struct nsw_served {
  struct nsw_timing *timing; /* [ranks]; owned. Rank 0's is all zero where it only serves */
  double wall;               /* seconds from first to last message */
  double server_busy;        /* seconds rank 0 spent on messages */
  uint64_t messages;         /* rank 0 took in */
  uint64_t evaluations;      /* made in this run */
  unsigned checkpoints;      /* written */
  double checkpoint_seconds; /* for all of them, beside the work */
  double stall;              /* longest time rank 0 did not serve because of one, seconds */
  const char *stopped;       /* why it ended early, in words, or NULL */
  bool broken;               /* ranks are left that were not told to finish: only an abort ends them */
};

/* Runs all tasks that are not done. NSW_OK when all are, NSW_STOPPED or NSW_HALTED when asked to stop, NSW_FAILED when
 * an evaluation, a message or a checkpoint failed. In each case all ranks have been told to finish and what they had is
 * in results, unless messages failed. Call on rank 0; the others run nsw_worker_run. served->timing is always good to
 * be freed. */
int nsw_server_run(const struct nsw_sweep_plan *plan, struct nsw_results *results, struct nsw_transport *transport,
                   struct nsw_served *served, struct nsw_error *err);

/* Whether rank 0 evaluates too. */
bool nsw_server_works(const struct nsw_request *request, int ranks);

#endif
