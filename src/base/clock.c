#include "base/clock.h"

#include <stdbool.h>
#include <time.h>

static double read_clock(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double nsw_now(void) { return read_clock(CLOCK_MONOTONIC); }
double nsw_thread_seconds(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }
double nsw_process_seconds(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

static void rest(double seconds, bool all) {
  struct timespec t = {.tv_sec = (time_t)seconds};
  t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
  while (nanosleep(&t, &t) && all) continue;
}

void nsw_sleep(double seconds) { rest(seconds, false); }
void nsw_sleep_all(double seconds) { rest(seconds, true); }
