/* A sweep without the work: the real scheduler against given task times and message delays, for any number of ranks. */
#ifndef NSW_SWEEP_SIMULATE_H
#define NSW_SWEEP_SIMULATE_H

#include "sweep/schedule.h"

/* The machine. */
struct nsw_machine {
  size_t ranks;            /* rank 0 included */
  bool server_works;       /* rank 0 evaluates too, on the same core as it serves */
  double latency;          /* seconds from a send to the receiver's notice of it */
  double handling;         /* seconds of rank 0 for one message */
  double handling_task;    /* seconds of rank 0 for each result in a message */
  double checkpoint;       /* seconds between checkpoints, 0: none */
  double checkpoint_stall; /* seconds in which rank 0 does not serve, at each checkpoint */
  struct nsw_sizing sizing;
};

/* What became of it. Times in seconds. */
struct nsw_simulated {
  double wall;        /* until rank 0 has the last result */
  double busy;        /* sum over ranks of time in evaluations */
  double efficiency;  /* busy / (wall * working ranks) where all speeds are equal */
  double end_idle;    /* longest idle time of a working rank before the end */
  double wait;        /* longest idle time of a working rank before that: waiting for rank 0 */
  double server_load; /* part of the wall time in which rank 0 served */
  uint64_t messages;  /* rank 0 received */
};

/* Runs n tasks that take seconds[n] each, guessed at cost[n] (as in nsw_schedule_create; kind may be NULL). */
int nsw_simulate(size_t n, const double *cost, const double *seconds, const uint8_t *kind,
                 const struct nsw_machine *machine, struct nsw_simulated *out, struct nsw_error *err);

#endif
