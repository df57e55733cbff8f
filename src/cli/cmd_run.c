/* nasweep run: a whole study from one job file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/job.h"
#include "sweep/stop.h"
#include "sweep/transport.h"

/* Commands that do not know MPI run on rank 0 alone; the others sleep until it is done. */
static int run_alone(struct nsw_transport *transport, const struct nsw_job_step *step, struct nsw_error *err) {
  int status = NSW_OK;
  if (transport->rank) return nsw_transport_await(transport, err);
  status = step->command->run(step->args, err);
  fflush(stdout);
  return nsw_transport_tell(transport, status, err);
}

static int run_step(struct nsw_transport *transport, const struct nsw_job_step *step, size_t number, size_t steps,
                    struct nsw_error *err) {
  int missing = 0;
  if (transport->rank == 0) {
    missing = step->needs && access(step->needs, F_OK);
    fprintf(stderr, "[%zu/%zu] %s\n", number, steps, nsw_args_line(step->args));
    if (missing) fprintf(stderr, "  passed over: %s is not there\n", step->needs);
  }
  int status = nsw_mpi_check(MPI_Bcast(&missing, 1, MPI_INT, 0, transport->comm), "MPI_Bcast", err);
  if (status || missing) return status;
  if (step->command->mpi)
    status = nsw_transport_agree(transport->comm, step->command->run(step->args, err), err);
  else
    status = run_alone(transport, step, err);
  return status;
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  struct nsw_transport transport;
  struct nsw_job job = {0};
  const char *path = nsw_args_operand(args, 0);
  size_t count = nsw_args_operands(args) - 1;
  const char **overrides = calloc(count + 1, sizeof *overrides);
  int status = nsw_transport_open(&transport, MPI_COMM_WORLD, err);
  if (status) {
    free(overrides);
    return status;
  }
  for (size_t i = 0; overrides && i < count; i++) overrides[i] = nsw_args_operand(args, i + 1);
  status = overrides ? nsw_job_read(path, overrides, count, &job, err) : nsw_no_memory(err, "a job");
  if (!status && transport.rank == 0) status = nsw_job_check(&job, path, err);
  status = nsw_transport_agree(transport.comm, status, err);
  size_t flawed = 0;
  for (size_t i = 0; i < job.steps && !status; i++) { /* between sweeps too a signal is a request to stop */
    status = nsw_transport_agree(transport.comm, nsw_stop_signal() ? NSW_STOPPED : NSW_OK, err);
    if (status == NSW_STOPPED && transport.rank == 0) {
      const char *why = nsw_stop_reason(0, 0);
      fprintf(stderr, "stopped by %s before step %zu of %zu; the same command goes on\n", why ? why : "a signal", i + 1,
              job.steps);
    }
    if (!status) status = run_step(&transport, &job.step[i], i + 1, job.steps, err);
    if (status == NSW_FLAWED) { /* what follows takes failed rows as it finds them */
      if (transport.rank == 0) fprintf(stderr, "nasweep: %s\n", err->text);
      flawed++;
      status = NSW_OK;
    }
  }
  if (!status && flawed) {
    nsw_fail(err, "%s: %zu of %zu sections left failed rows", path, flawed, job.steps);
    status = NSW_FLAWED;
  }
  nsw_job_free(&job);
  free(overrides);
  nsw_transport_close(&transport);
  return status;
}

static const struct nsw_option options[] = {{0}};

const struct nsw_command nsw_cmd_run = {
    .name = "run",
    .operands = "JOBFILE [KEY=VALUE...]",
    .summary = "runs a whole study from one job file: score, import, correlate",
    .text =
        "Runs the sections of a job file in their order, each a command with its options as `key = value` lines; "
        "jobs/ has some to begin with. All sections are checked before the first one runs, values, files and folders too, "
        "but for those that wait for a missing `needs`. KEY=VALUE replaces a key in "
        "every section that knows it, SECTION.KEY=VALUE in the sections of that command or label, and NAME=VALUE a "
        "variable of the file. A job that was stopped (status 75) goes on when the same command is given again.\n\n"
        "Example: mpirun -n 2 nasweep run jobs/smoke.conf sample=100",
    .options = options,
    .min_operands = 1,
    .max_operands = -1,
    .mpi = true,
    .blas = true,
    .stops = true,
    .guests = true,
    .run = run,
};
