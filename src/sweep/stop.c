#include "sweep/stop.h"

#include <signal.h>
#include <stddef.h>

#include "sweep/watch.h"

static const int caught[] = {SIGUSR1, SIGTERM, SIGINT};
enum { CAUGHT = sizeof caught / sizeof *caught };

/* A handler has nothing but what is static. */
static volatile sig_atomic_t stop_signal;

static void note(int number) {
  stop_signal = number;
  nsw_watch_dismiss(); /* what ends us from here on is no crash */
}

static sigset_t all_caught(void) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < CAUGHT; i++) sigaddset(&set, caught[i]);
  return set;
}

void nsw_stop_catch(void) {
  sigset_t set = all_caught();
  for (int i = 0; i < CAUGHT; i++) {
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    if (caught[i] == SIGINT) action.sa_flags |= (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    sigaction(caught[i], &action, NULL);
  }
  sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void nsw_stop_hold(void) {
  sigset_t set = all_caught();
  sigprocmask(SIG_BLOCK, &set, NULL);
  if (stop_signal) raise((int)stop_signal);
}

int nsw_stop_signal(void) { return stop_signal; }

const char *nsw_stop_reason(double elapsed, double time_limit) {
  if (stop_signal == SIGUSR1) return "signal USR1";
  if (stop_signal == SIGTERM) return "signal TERM";
  if (stop_signal) return "signal INT";
  return time_limit > 0 && elapsed >= time_limit ? "the time limit" : NULL;
}
