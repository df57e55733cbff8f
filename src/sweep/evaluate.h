/* Evaluating tasks and packing what comes out into bytes that travel to rank 0.
 *
 * A record: task (uint32), seconds (float32), values (float64 [members][width]), status (uint8 [members]); no
 * padding, in the machine's own byte order. The sizes follow from the plan, which all ranks share. */
#ifndef NSW_SWEEP_EVALUATE_H
#define NSW_SWEEP_EVALUATE_H

#include "sweep/plan.h"

/* Scratch space and results not yet sent of one worker. */
struct nsw_evaluator {
  const struct nsw_sweep_plan *plan; /* borrowed */
  double *values;                    /* room for the largest group */
  uint8_t *status;
  unsigned char *bytes; /* packed records */
  size_t size, room;    /* bytes used and allocated */
  uint32_t records;     /* in bytes */
  double busy;          /* seconds spent in evaluations */
  double cpu;           /* of them, this thread's seconds of processor time */
  uint64_t tasks;       /* evaluations made */
  bool interrupted;     /* the last one was stopped on the way, as it was asked to */
};

int nsw_evaluator_open(const struct nsw_sweep_plan *plan, struct nsw_evaluator *evaluator, struct nsw_error *err);
void nsw_evaluator_close(struct nsw_evaluator *evaluator);

/* Evaluates one task and appends its record; there is none where it was interrupted. An error ends the run; it names
 * the architecture. */
int nsw_evaluate(struct nsw_evaluator *evaluator, uint32_t task, struct nsw_error *err);

/* Takes the packed records away: the caller owns the bytes, the evaluator begins anew. */
unsigned char *nsw_evaluator_take(struct nsw_evaluator *evaluator, size_t *size);

/* A record read back. values and status point into the bytes and need not be aligned. */
struct nsw_evaluation {
  uint32_t task;
  float seconds;
  const unsigned char *values; /* float64 [members][width] */
  const unsigned char *status; /* uint8 [members] */
};

/* Reads the record at bytes, of which `size` are left. Returns its size, or 0 where it is not whole or no task. */
size_t nsw_evaluation_read(const struct nsw_sweep_plan *plan, const unsigned char *bytes, size_t size,
                           struct nsw_evaluation *record);

#endif
