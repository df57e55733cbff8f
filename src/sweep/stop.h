/* Reasons to stop before the end: a signal, a time limit. */
#ifndef NSW_SWEEP_STOP_H
#define NSW_SWEEP_STOP_H

#include <stdbool.h>

/* Catches SIGUSR1, SIGTERM and SIGINT by handlers that only set a flag; a second SIGINT ends the process as usual.
 * nsw_stop_release puts back what was there. */
void nsw_stop_catch(void);
void nsw_stop_release(void);

/* The signal that asks this process to stop, or 0. */
int nsw_stop_signal(void);

/* Why to stop, in words, or NULL: a signal, or `elapsed` seconds beyond the limit (0: none). */
const char *nsw_stop_reason(double elapsed, double time_limit);

#endif
