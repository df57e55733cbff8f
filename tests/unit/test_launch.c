/* Which rank this is, before MPI can be asked. */
#include <stdlib.h>

#include "base/launch.h"
#include "unit.h"

static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK",     "PMI_RANK",
                                    "MV2_COMM_WORLD_RANK",  "SLURM_STEP_ID", "SLURM_PROCID"};

static int forget(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) unsetenv(names[i]);
  return 0;
}

static void alone(void **state) {
  (void)state;
  assert_false(nsw_launched());
  assert_int_equal(nsw_launch_rank(), 0);
}

static void every_launcher(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    forget(NULL);
    setenv(names[i], "3", 1);
    assert_true(nsw_launched());
    assert_int_equal(nsw_launch_rank(), 3);
  }
}

static void mpirun_inside_a_batch_script(void **state) {
  (void)state;
  setenv("SLURM_PROCID", "0", 1); /* of the script, for every rank */
  assert_false(nsw_launched());
  setenv("OMPI_COMM_WORLD_RANK", "2", 1);
  assert_int_equal(nsw_launch_rank(), 2);
}

static void srun_without_pmix(void **state) {
  (void)state;
  setenv("SLURM_STEP_ID", "0", 1);
  setenv("SLURM_PROCID", "5", 1);
  assert_true(nsw_launched());
  assert_int_equal(nsw_launch_rank(), 5);
}

static void tasks_that_were_started_together(void **state) {
  (void)state;
  const char *variable;
  assert_int_equal(nsw_launch_tasks(&variable), 1);
  setenv("PMI_SIZE", "1", 1);
  assert_int_equal(nsw_launch_tasks(&variable), 1);
  setenv("PMI_SIZE", "3", 1);
  assert_int_equal(nsw_launch_tasks(&variable), 3);
  assert_string_equal(variable, "PMI_SIZE");
  setenv("OMPI_COMM_WORLD_SIZE", "5", 1);
  assert_int_equal(nsw_launch_tasks(&variable), 5);
  unsetenv("OMPI_COMM_WORLD_SIZE");
  unsetenv("PMI_SIZE");
}

static void nonsense_is_rank_zero(void **state) {
  (void)state;
  setenv("PMIX_RANK", "-4", 1);
  assert_int_equal(nsw_launch_rank(), 0);
  setenv("PMIX_RANK", "many", 1);
  assert_int_equal(nsw_launch_rank(), 0);
  setenv("PMIX_RANK", "", 1);
  assert_false(nsw_launched());
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup(alone, forget),
                                     cmocka_unit_test_setup(every_launcher, forget),
                                     cmocka_unit_test_setup(mpirun_inside_a_batch_script, forget),
                                     cmocka_unit_test_setup(srun_without_pmix, forget),
                                     cmocka_unit_test_setup(tasks_that_were_started_together, forget),
                                     cmocka_unit_test_setup(nonsense_is_rank_zero, forget)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
