/* The keeper: a small process beside each rank that starts the processes of others.
 *
 * MPI does not like its processes to be forked, so the keeper is forked before MPI starts and does the forking from
 * then on: it starts commands, hands their ends of standard input, output and error over, tells how they ended, and
 * kills them all where its rank is gone. Every command has a process group of its own: a Ctrl-C at the terminal is the
 * program's to answer, and what a command has started ends with it. */
#ifndef NSW_GUEST_KEEPER_H
#define NSW_GUEST_KEEPER_H

#include <stddef.h>
#include <sys/types.h>

#include "nasweep/error.h"

/* A command that runs. */
struct nsw_child {
  pid_t id;   /* 0: none */
  int input;  /* to its standard input, a socket; does not block */
  int output; /* from its standard output; does not block */
  int error;  /* from its standard error; does not block */
};

/* Forks the keeper; call before MPI starts. Where it cannot, nsw_keeper_spawn says so. Nothing to do where there is one
 * already. */
void nsw_keeper_start(void);

/* Kills what still runs, and the keeper. */
void nsw_keeper_stop(void);

/* Starts word[0] (found on the path) with its words, NULL at the end. environment: "NAME=VALUE" texts put over those of
 * the program, NULL at the end; what launchers tell their ranks is left out. A command that cannot be run says why on
 * its standard error and ends with status 127. */
int nsw_keeper_spawn(const char *const *word, const char *const *environment, struct nsw_child *child,
                     struct nsw_error *err);

/* Closes the ends, waits for the command to end by itself so many seconds, kills its group, and says how it ended
 * ("exit status 1", "signal 9 (Killed)") in text[size]. Empties child. */
void nsw_keeper_end(struct nsw_child *child, double grace, char *text, size_t size);

#endif
