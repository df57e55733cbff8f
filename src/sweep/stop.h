/* Reasons to stop before the end: a signal, a time limit. */
#ifndef NSW_SWEEP_STOP_H
#define NSW_SWEEP_STOP_H

#include <stdbool.h>

/* Catches SIGUSR1, SIGTERM and SIGINT by handlers that only set a flag; a second SIGINT ends the process as usual.
 * To be called first of all: what is asked for while MPI starts counts too. Lets through what was blocked until now. */
void nsw_stop_catch(void);

/* Before this program is executed again in its own place: what was asked for, or is from now on, waits for the next
 * nsw_stop_catch, as blocked signals outlive exec. */
void nsw_stop_hold(void);

/* The signal that asks this process to stop, or 0. */
int nsw_stop_signal(void);

/* Why to stop, in words, or NULL: a signal, or `elapsed` seconds beyond the limit (0: none). */
const char *nsw_stop_reason(double elapsed, double time_limit);

#endif
