/* What evaluates: takes pieces from rank 0, reports results, until told to finish. Runs as the main thread of every
 * rank but 0, and as a thread beside it on rank 0. */
#ifndef NSW_SWEEP_WORKER_H
#define NSW_SWEEP_WORKER_H

#include "sweep/plan.h"
#include "sweep/transport.h"

/* Before the records of a report. */
struct nsw_report_head {
  int32_t stop; /* this rank was asked to stop by a signal */
};

/* How a worker spent its time; seconds. */
struct nsw_timing {
  double span;   /* from its start to the word to finish */
  double busy;   /* in evaluations */
  double cpu;    /* of busy: on a processor; less where others use this rank's core too */
  double waited; /* idle with work to come */
  double idle;   /* idle at the end */
  double tasks;  /* evaluations made */
};

/* Works until told to finish, then sends its timing. A failed evaluation is reported to rank 0 and is no error here;
 * NSW_FAILED only where messages cannot be sent or memory is out. */
int nsw_worker_run(const struct nsw_sweep_plan *plan, const struct nsw_channel *channel, struct nsw_error *err);

#endif
