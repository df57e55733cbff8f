#include "base/launch.h"

#include <stddef.h>
#include <stdlib.h>

/* Open MPI's own variable comes first: inside a Slurm batch script SLURM_PROCID is 0 for every rank of an mpirun. */
static const char *rank_text(void) {
  static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *text = getenv(names[i]);
    if (text && *text) return text;
  }
  /* srun without a PMI sets only its own variables; a batch script itself has SLURM_PROCID too, but no SLURM_STEP_ID */
  return getenv("SLURM_STEP_ID") ? getenv("SLURM_PROCID") : NULL;
}

bool nsw_launched(void) { return rank_text() != NULL; }

int nsw_launch_rank(void) {
  const char *text = rank_text();
  int rank = text ? atoi(text) : 0;
  return rank > 0 ? rank : 0;
}

int nsw_launch_tasks(const char **variable) {
  static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "FLUX_JOB_SIZE",
                                      "SLURM_STEP_NUM_TASKS"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *text = getenv(names[i]);
    int tasks = text ? atoi(text) : 0;
    *variable = names[i];
    if (tasks > 1) return tasks;
  }
  return 1;
}
