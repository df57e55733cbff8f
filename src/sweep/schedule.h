/* Who does what next: the decisions of a sweep, without messages, clocks or threads, so that the real sweep and the
 * simulator share them.
 *
 * A task is one evaluation. Its cost is a guess in seconds made before the run; what the run measures corrects the
 * guesses, bin by bin (a bin is a kind of task within a quarter octave of cost). Largest first, in pieces sized by
 * predicted time, handed out on demand: a worker is given more when it starts the last task it holds, so that it never
 * waits for an answer, and near the end only when it holds nothing, so that the end is flat. */
#ifndef NSW_SWEEP_SCHEDULE_H
#define NSW_SWEEP_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nasweep/error.h"

/* Most runs in a piece: a piece as a message is then at most 2 KiB, which every MPI sends without waiting for the
 * receiver. */
enum { NSW_PIECE_RUNS = 256 };

/* Consecutive tasks: first .. first + count - 1. A piece travels to a worker as so many of these, nothing else. */
struct nsw_stretch {
  uint32_t first, count;
};

/* A piece of work: stretches of consecutive task numbers, to be done in this order. */
struct nsw_piece {
  uint32_t runs;  /* runs used; 0: nothing to hand out now */
  uint32_t tasks; /* tasks in all runs */
  struct nsw_stretch run[NSW_PIECE_RUNS];
};

/* How pieces are sized. nsw_sizing_default fills in sensible values. */
struct nsw_sizing {
  double shortest; /* seconds a piece should last at least, so that messages cost little */
  double longest;  /* seconds it should last at most (a single longer task is a piece of its own) */
  double share;    /* a piece takes at most this part of a worker's even share of what is left */
  double handling; /* seconds the server needs for one message; raises `shortest` for many workers */
};

struct nsw_sizing nsw_sizing_default(void);

/* When a worker reports what it has done, which is also its request for more: before it starts the last task it holds,
 * when it holds none, and at least this often, so that little is lost when it dies. held: tasks it has not finished;
 * since: seconds since its last report. */
enum { NSW_REPORT_SECONDS = 1 };
static inline bool nsw_schedule_reports(size_t held, double since) { return held <= 1 || since >= NSW_REPORT_SECONDS; }

struct nsw_schedule; /* the tasks not yet handed out, and what each worker holds */

/* Plans n tasks. cost[n]: guessed seconds, > 0, or <= 0 (or not a number) for a task that is done already.
 * kind[n]: small numbers from 0; tasks of different kinds have separate corrections; NULL: all of kind 0.
 * Nothing is kept of the arrays. NSW_FAILED for lack of memory. */
int nsw_schedule_create(size_t n, const double *cost, const uint8_t *kind, size_t workers, struct nsw_sizing sizing,
                        struct nsw_schedule **schedule, struct nsw_error *err);

/* Frees and sets to NULL; may be called twice. */
void nsw_schedule_free(struct nsw_schedule **schedule);

/* What a worker that has just reported gets now; runs is 0 if nothing: it holds enough, or little is left and others
 * are idle, or all is handed out. A worker that got nothing asks again by its next report. */
void nsw_schedule_next(struct nsw_schedule *schedule, size_t worker, struct nsw_piece *piece);

/* A worker has done a task it held, in so many seconds. */
void nsw_schedule_done(struct nsw_schedule *schedule, size_t worker, uint32_t task, double seconds);

/* Tasks a worker holds; tasks not handed out yet; tasks handed out or waiting, not done yet. */
size_t nsw_schedule_held(const struct nsw_schedule *schedule, size_t worker);
size_t nsw_schedule_undealt(const struct nsw_schedule *schedule);
size_t nsw_schedule_open(const struct nsw_schedule *schedule);

/* Predicted seconds of work, summed over workers, of all tasks not done, with what is known now. */
double nsw_schedule_left(const struct nsw_schedule *schedule);

#endif
