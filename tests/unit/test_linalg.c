/* LAPACK's pieces against values that can be told without it. */
#include <math.h>
#include <string.h>

#include "base/linalg.h"
#include "unit.h"

/* The second difference matrix of order n has the eigenvalues 2 - 2 cos(pi k / (n + 1)). */
static void second_differences(double *a, int n) {
  memset(a, 0, (size_t)n * (size_t)n * sizeof *a);
  for (int i = 0; i < n; i++) {
    a[i * n + i] = 2;
    if (i) a[i * n + i - 1] = a[(i - 1) * n + i] = -1;
  }
}

static void eigenvalues_of_a_known_matrix(void **state) {
  enum { N = 40 };
  double a[N * N], value[N];
  (void)state;
  second_differences(a, N);
  assert_true(nsw_eigenvalues(a, N, value));
  for (int k = 0; k < N; k++) assert_true(fabs(value[k] - (2 - 2 * cos(M_PI * (k + 1) / (N + 1)))) < 1e-13);
}

static void determinant_of_a_known_matrix(void **state) {
  enum { N = 25 };
  double a[N * N], rank_one[4] = {1, 2, 2, 4};
  (void)state;
  second_differences(a, N); /* its determinant is n + 1 */
  assert_true(fabs(nsw_log_determinant(a, N) - log(N + 1)) < 1e-13);
  assert_true(nsw_log_determinant(rank_one, 2) == -INFINITY);
}

static void largest_singular_value_either_way(void **state) {
  /* An outer product has one, the product of the lengths; 3 by 5, and 5 by 3. */
  double x[3] = {1, -2, 2}, y[5] = {1, 1, 1, 1, 0}, a[15], b[15];
  (void)state;
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 5; j++) a[i * 5 + j] = b[j * 3 + i] = x[i] * y[j];
  assert_true(fabs(nsw_largest_singular(a, 3, 5) - 6) < 1e-12);
  assert_true(fabs(nsw_largest_singular(b, 5, 3) - 6) < 1e-12);
}

static void cholesky_solves_and_inverts(void **state) {
  enum { N = 12 };
  double a[N * N], b[N];
  (void)state;
  second_differences(a, N);
  assert_true(nsw_cholesky(a, N));
  for (int i = 0; i < N; i++) b[i] = i == 0; /* the first column of the inverse is 1 - (i + 1) / (n + 1) */
  nsw_cholesky_solve(a, N, b);
  for (int i = 0; i < N; i++) assert_true(fabs(b[i] - (1 - (i + 1.) / (N + 1))) < 1e-13);
  assert_true(nsw_cholesky_invert(a, N));
  for (int i = 0; i < N; i++) assert_true(fabs(a[i * N + i] - (i + 1.) * (N - i) / (N + 1)) < 1e-12);
  double indefinite[4] = {1, 0, 2, 1}, none[4] = {1, 0, NAN, 1};
  assert_false(nsw_cholesky(indefinite, 2));
  assert_false(nsw_cholesky(none, 2));
}

static void numbers_that_are_none_are_told(void **state) {
  double a[4] = {1, NAN, NAN, 1}, b[4] = {1, INFINITY, 0, 1}, value[2];
  (void)state;
  assert_false(nsw_eigenvalues(a, 2, value));
  assert_true(isnan(nsw_log_determinant(b, 2)));
  assert_true(isnan(nsw_largest_singular(a, 2, 2)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(eigenvalues_of_a_known_matrix), cmocka_unit_test(determinant_of_a_known_matrix),
      cmocka_unit_test(largest_singular_value_either_way), cmocka_unit_test(cholesky_solves_and_inverts),
      cmocka_unit_test(numbers_that_are_none_are_told)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
