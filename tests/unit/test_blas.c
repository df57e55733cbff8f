/* Judging BLAS kernels by the CPU's vectors, and that both measurements measure. */
#include <stdlib.h>
#include <string.h>

#include "base/blas.h"
#include "base/isa.h"
#include "base/peak.h"
#include "unit.h"

static void old_kernels_have_better_ones(void **state) {
  (void)state;
#if defined(__x86_64__)
  static const char *const old[] = {"Prescott", "prescott", "Core2", "Nehalem", "Sandybridge", "Bulldozer"};
  if (nsw_cpu_isa() == NSW_PLAIN) skip();
  for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
    const char *better = nsw_blas_better(old[i]);
    assert_non_null(better);
    assert_null(nsw_blas_better(better)); /* or a repair would be followed by another */
  }
#else
  skip();
#endif
}

static void fitting_or_unknown_kernels_are_left(void **state) {
  (void)state;
  assert_null(nsw_blas_better("unknown"));
  assert_null(nsw_blas_better("neoversen1"));
  assert_null(nsw_blas_better(""));
  assert_null(nsw_blas_better("SkylakeX"));
  assert_null(nsw_blas_better("Cooperlake"));
#if defined(__x86_64__)
  if (nsw_cpu_isa() == NSW_AVX2) assert_null(nsw_blas_better("Haswell"));
#endif
}

static void a_lowered_cpu_wants_nothing(void **state) {
  (void)state;
  setenv("NASWEEP_ISA", "plain", 1);
  const char *better = nsw_blas_better("Prescott");
  unsetenv("NASWEEP_ISA");
  assert_null(better);
}

static void inspection_names_what_is_loaded(void **state) {
  (void)state;
  struct nsw_blas blas;
  unsetenv("OPENBLAS_CORETYPE");
  nsw_blas_inspect(&blas);
  assert_true(strlen(blas.library) > 0 && strlen(blas.kernel) > 0);
  assert_false(blas.chosen);
  setenv("OPENBLAS_CORETYPE", "Haswell", 1);
  nsw_blas_inspect(&blas);
  assert_true(blas.chosen);
  unsetenv("OPENBLAS_CORETYPE");
}

static void speeds_are_numbers(void **state) {
  (void)state;
  struct nsw_error err = {{0}};
  double rate = 0;
  assert_int_equal(nsw_blas_speed(32, 32, 32, 0.001, &rate, &err), NSW_OK);
  assert_true(rate > 0);
  assert_true(nsw_peak(0.001) > 0);
}

static void rounds_count_their_operations(void **state) {
  (void)state;
  double one, three;
  float x = nsw_peak_rounds_plain(1, &one), y = nsw_peak_rounds_plain(100, &three);
  assert_true(three == 100 * one && one >= 2 * 4);
  /* each chain goes from 1 towards 2: x <- x / 2 + 1; half the operations are multiplications, one a lane and chain */
  assert_true(x == 1.5f * (float)(one / 2));
  assert_true(y == 2.0f * (float)(one / 2));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(old_kernels_have_better_ones), cmocka_unit_test(fitting_or_unknown_kernels_are_left),
      cmocka_unit_test(a_lowered_cpu_wants_nothing),  cmocka_unit_test(inspection_names_what_is_loaded),
      cmocka_unit_test(speeds_are_numbers),           cmocka_unit_test(rounds_count_their_operations)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
