/* The time, in seconds. */
#ifndef NSW_BASE_CLOCK_H
#define NSW_BASE_CLOCK_H

/* Since a moment that stays the same while the machine runs, and that no change of its date moves. */
double nsw_now(void);

/* Of a CPU that this thread, or all threads of this process, have had. */
double nsw_thread_seconds(void);
double nsw_process_seconds(void);

/* Does nothing for so long; a signal ends it early. */
void nsw_sleep(double seconds);

/* The same to the end, whatever signals come. */
void nsw_sleep_all(double seconds);

#endif
