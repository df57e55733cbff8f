#include "cli/program.h"

#include <errno.h>
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/blas.h"
#include "base/launch.h"
#include "base/version.h"
#include "cli/args.h"
#include "cli/help.h"
#include "guest/keeper.h"
#include "sweep/stop.h"
#include "sweep/transport.h"
#include "sweep/watch.h"

/* Says it once, on rank 0, and gives the status back. */
static int complain(int status, const struct nsw_error *err) {
  if (status && err->text[0] && nsw_launch_rank() == 0) fprintf(stderr, "nasweep: %s\n", err->text);
  return status;
}

/* The same where MPI has not started: mpirun ends the whole job as soon as one rank exits with an error, so the others
 * leave that to the rank that speaks, which may start late on a busy machine. */
static int complain_alone(int status, const struct nsw_error *err) {
  if (status && err->text[0] && nsw_launch_rank() != 0) nanosleep(&(struct timespec){.tv_sec = 10}, NULL);
  return complain(status, err);
}

/* Data that could not be written is a failure, not a shorter result. */
static int close_output(int status, struct nsw_error *err) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return status;
  return !status ? nsw_fail(err, "standard output: %s", errno ? strerror(errno) : "write error") : status;
}

/* srun without PMIx starts every task as a world of its own: they would all do the whole work and write one file.
 * To be asked before MPI starts, which sets variables of its own. */
static int check_launch(struct nsw_error *err) {
  const char *tasks = getenv("SLURM_STEP_NUM_TASKS");
  if (!tasks || atoi(tasks) < 2 || getenv("PMIX_RANK") || getenv("PMI_RANK") || getenv("OMPI_COMM_WORLD_RANK"))
    return NSW_OK;
  return nsw_usage(err, "srun started %s tasks, but MPI sees only one: use srun --mpi=pmix, or mpirun", tasks);
}

/* The same with the launcher of another MPI. */
static int check_world(int tasks, const char *variable, struct nsw_error *err) {
  char version[MPI_MAX_LIBRARY_VERSION_STRING];
  int size, length;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (size > 1 || tasks < 2) return NSW_OK;
  MPI_Get_library_version(version, &length);
  return nsw_usage(err, "a launcher started %d tasks (%s), but MPI sees only one: use the mpirun that belongs to %.*s",
                   tasks, variable, (int)strcspn(version, ","), version);
}

static int run_under_mpi(const struct nsw_command *command, const struct nsw_args *args, struct nsw_error *err) {
  int level;
  if (check_launch(err) != NSW_OK) return NSW_USAGE;
  nsw_watch_start(); /* before MPI, which does not like processes to be forked later */
  if (command->guests) nsw_keeper_start();
  /* Alone, Open MPI would start a daemon beside us and try every network there is, for nothing: a fifth of a second.
   * Its folders have the same names for all who are alone on a machine: one that ends takes those of one that starts.
   */
  if (!nsw_launched()) {
    setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
    setenv("OMPI_MCA_orte_create_session_dirs", "0", 0);
    setenv("OMPI_MCA_pml", "ob1", 0);
    setenv("OMPI_MCA_btl", "self", 0);
  }
  const char *variable;
  int tasks = nsw_launch_tasks(&variable);
  if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS)
    return nsw_fail(err, "MPI did not start");
  int status = check_world(tasks, variable, err);
  if (!status) status = close_output(command->run(args, err), err);
  status = nsw_transport_agree(MPI_COMM_WORLD, status, err);
  complain(status, err);
  err->text[0] = '\0';
  MPI_Finalize();
  nsw_keeper_stop();
  nsw_watch_stop();
  return status;
}

static int run_command(const struct nsw_command *command, int argc, char **argv, struct nsw_error *err) {
  struct nsw_args *args;
  for (int i = 2; i < argc && strcmp(argv[i], "--"); i++) {
    if (strcmp(argv[i], "--help") && strcmp(argv[i], "-h")) continue;
    if (nsw_launch_rank() == 0) nsw_help_command(stdout, command);
    return close_output(NSW_OK, err);
  }
  if (command->stops) nsw_stop_catch();
  int status = nsw_args_parse(command, argc - 2, argv + 2, &args, err);
  if (status) return status;
  if (command->blas) nsw_blas_repair(argv, command->stops ? nsw_stop_hold : NULL);
  if (command->stops) nsw_stop_catch();
  status = command->mpi ? run_under_mpi(command, args, err) : close_output(command->run(args, err), err);
  nsw_args_free(&args);
  return status;
}

/* What the caller sees: the few statuses that are documented. A batch script that must tell a halt file from other
 * reasons to stop names a status for it in the environment. */
static int exit_status(int status) {
  const char *halted = getenv("NASWEEP_HALT_STATUS");
  int number = halted ? atoi(halted) : 0;
  if (status == NSW_HALTED) return number > 0 && number < 128 ? number : NSW_STOPPED;
  return status == NSW_FLAWED ? NSW_FAILED : status;
}

int nsw_program(int argc, char **argv) {
  struct nsw_error err = {{0}};
  const char *word = argc > 1 ? argv[1] : NULL;
  signal(SIGXFSZ, SIG_IGN); /* a file that grows beyond `ulimit -f` is an error like a full disk */
  bool first = nsw_launch_rank() == 0;
  if (!word) {
    if (first) nsw_help_next(stderr);
    return NSW_USAGE;
  }
  if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "--version")) {
    if (first && !strcmp(word, "--version"))
      printf("nasweep %s (%s)\n", nsw_version(), nsw_git());
    else if (first)
      nsw_help_program(stdout);
    return complain(close_output(NSW_OK, &err), &err);
  }
  const struct nsw_command *command = nsw_command_find(word, &err);
  return exit_status(complain_alone(command ? run_command(command, argc, argv, &err) : NSW_USAGE, &err));
}
