/* A witness for each rank: a small process, started before MPI, that lives until its rank does not.
 *
 * A process that is killed (out of memory, a fault) cannot say what it was doing. The witness shares one page with its
 * rank, sees its end by a pipe that closes, and if that came in the middle of an evaluation says so in one line that
 * names rank, host and architecture, and notes the architecture beside the result file, so that one which ends run
 * after run can be left out. A rank that was told to end (SIGTERM, as launchers do when another one died) is no
 * witness case. */
#ifndef NSW_SWEEP_WATCH_H
#define NSW_SWEEP_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "nasweep/error.h"

/* Starts the witness; call before MPI_Init. Without it (no memory, no process) everything else works silently. */
void nsw_watch_start(void);

/* Ends the witness; call when no more evaluations come. */
void nsw_watch_stop(void);

/* What the witness shall know: the rank, the space's name, and the file to note in (NULL: none). */
void nsw_watch_describe(int rank, const char *space, const char *notes);

/* Around every evaluation. */
void nsw_watch_begin(const char *proxy, uint64_t seed, uint32_t unit);
void nsw_watch_end(void);

/* The rank ends on purpose, or was told to: say nothing. Safe in a signal handler. */
void nsw_watch_dismiss(void);

/* One note: an evaluation that ended its process. */
struct nsw_crash {
  char proxy[64];
  uint64_t seed;
  uint32_t unit;
};

/* Reads a file of notes, malloc'd; none where there is no file. Lines that are no notes are passed over. */
int nsw_watch_read(const char *notes, struct nsw_crash **crash, size_t *count, struct nsw_error *err);

#endif
