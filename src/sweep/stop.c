#include "sweep/stop.h"

#include <signal.h>
#include <stddef.h>

#include "sweep/watch.h"

static const int caught[] = {SIGUSR1, SIGTERM, SIGINT};
enum { CAUGHT = sizeof caught / sizeof *caught };

/* A handler has nothing but what is static. */
static volatile sig_atomic_t stop_signal;
static struct sigaction before[CAUGHT];

static void note(int number) {
  stop_signal = number;
  nsw_watch_dismiss(); /* what ends us from here on is no crash */
}

void nsw_stop_catch(void) {
  for (int i = 0; i < CAUGHT; i++) {
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    if (caught[i] == SIGINT) action.sa_flags |= (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    sigaction(caught[i], &action, &before[i]);
  }
}

void nsw_stop_release(void) {
  for (int i = 0; i < CAUGHT; i++) sigaction(caught[i], &before[i], NULL);
}

int nsw_stop_signal(void) { return stop_signal; }

const char *nsw_stop_reason(double elapsed, double time_limit) {
  if (stop_signal == SIGUSR1) return "signal USR1";
  if (stop_signal == SIGTERM) return "signal TERM";
  if (stop_signal) return "signal INT";
  return time_limit > 0 && elapsed >= time_limit ? "the time limit" : NULL;
}
