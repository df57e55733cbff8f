/* SED against cells worked out by hand and against a plain recursion that shares nothing with it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cells.h"
#include "closed_forms.h"
#include "nasweep/proxy.h"
#include "proxy/sed.h"
#include "space/nb101.h"
#include "unit.h"

enum { COLUMNS = 4, OPTIONS = 5 };

static const struct nsw_proxy *sed;
static struct nsw_space *spaces[2]; /* nb101, nb201 */

static int open_spaces(void **state) {
  struct nsw_error err;
  (void)state;
  sed = nsw_proxy_find("sed", NULL);
  return !sed || nsw_space_open("nb101", &spaces[0], &err) || nsw_space_open("nb201", &spaces[1], &err);
}

static int close_spaces(void **state) {
  (void)state;
  nsw_space_close(&spaces[0]);
  nsw_space_close(&spaces[1]);
  return 0;
}

/* Scores members[n] with the given option values; NULL is a default. */
static int score(const struct nsw_space *space, const char *const wish[OPTIONS], const uint32_t *members, size_t n,
                 double *values, uint8_t *status, struct nsw_error *err) {
  struct nsw_context context = {.space = space, .macro = nsw_space_macro(space, (struct nsw_macro){0})};
  const char *options[OPTIONS];
  void *evaluator;
  assert_int_equal(nsw_proxy_options(sed), OPTIONS);
  for (int i = 0; i < OPTIONS; i++) options[i] = wish && wish[i] ? wish[i] : sed->options[i].value;
  int result = sed->open(&context, options, &evaluator, err);
  if (result) return result;
  result = sed->score(evaluator, 1, members, n, values, status, err);
  sed->close(evaluator);
  return result;
}

static void check(int space, const char *text, double power, double conv, double pool, double skip) {
  uint32_t index;
  double values[COLUMNS];
  uint8_t status;
  struct nsw_error err = {""};
  if (nsw_space_find(spaces[space], text, &index, &err)) fail_msg("%s", err.text);
  assert_int_equal(score(spaces[space], NULL, &index, 1, values, &status, &err), NSW_OK);
  assert_int_equal(status, NSW_ROW_SCORED);
  const double expected[] = {power, conv, pool, skip};
  for (int c = 0; c < COLUMNS; c++) assert_true(fabs(values[c] - 0.5 * log(expected[c])) < 1e-10);
}

static void scores_cells_worked_out_by_hand(void **state) {
  (void)state;
  /* node1 = 1/9; node2 = 1 + 1/9; output = 1 + 1/9 + 10/9 (conv1x1, skip, skip) */
  check(1, "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
        1 + 1.0 / 9 + 10.0 / 9, 4, 1 + 1.0 / 9 + 10.0 / 9, 4);
  /* a 3x3 convolution after one, and a none */
  check(1, "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|skip_connect~2|", 81, 81, 1, 1);
  /* input -> conv3x3 -> output, and an edge past it: 9 + 1 */
  check(0, "011|001|000 input,conv3x3,output", 10, 10, 2, 2);
  /* the input alone, projected */
  check(0, "01|00 input,output", 1, 1, 1, 1);
  /* two branches of 64 channels: (9 + m)/2 */
  double max = nsw_sed_max_variance(9);
  check(0, "0110|0001|0001|0000 input,conv3x3,maxpool3x3,output", (9 + max) / 2, 5, (1 + max) / 2, 1);
  /* three branches of 43, 43 and 42 channels, in the order of the first graph of the class: 1x1, 1x1, 3x3 sorts as
   * conv3x3 first */
  check(0, "01110|00001|00001|00001|00000 input,conv3x3,conv1x1,conv1x1,output", (43 * 9 + 43 + 42) / 128.0,
        (43 * 9 + 43 + 42) / 128.0, 1, 1);
}

static void computes_the_variance_of_a_maximum(void **state) {
  (void)state;
  assert_true(fabs(nsw_sed_max_variance(1) - 1) < 1e-12);
  assert_true(fabs(nsw_sed_max_variance(2) - (1 - 1 / M_PI)) < 1e-12);
  assert_true(fabs(nsw_sed_max_variance(3) - (1 + sqrt(3) / (2 * M_PI) - 9 / (4 * M_PI))) < 1e-12);
  assert_true(fabs(nsw_sed_max_variance(9) - 0.35735) < 5e-6);
}

/* The entropy power of vertex v by recursion over its incoming edges; gains by operation. */
static double power_of(const struct nsw_cell *cell, const double *gain, const int *channels, bool concat, int v) {
  double sum = 0, total = 0;
  if (v == 0) return 1;
  bool joins = concat && v == cell->vertices - 1;
  double past = 0;
  for (int from = 0; from < v; from++) {
    int e = nsw_edge(from, v);
    if (!(cell->edges >> e & 1)) continue;
    double power = power_of(cell, gain, channels, concat, from);
    if (concat && from == 0) power *= gain[NSW_OP_CONV1];
    if (!concat) power *= gain[cell->edge_op[e]];
    if (joins && from == 0)
      past = power;
    else if (joins)
      sum += channels[from] * power, total += channels[from];
    else
      sum += power;
  }
  if (joins) return (total > 0 ? sum / total : 0) + past;
  return concat ? sum * gain[cell->vertex_op[v]] : sum;
}

static void equals_a_plain_recursion(void **state) {
  const char *const values[OPTIONS] = {"1.7", "5", "0.3", "1/2", "0.8"};
  const double gain[NSW_OPS] = {
      [NSW_OP_SKIP] = 0.8, [NSW_OP_CONV1] = 1.7, [NSW_OP_CONV3] = 5, [NSW_OP_AVGPOOL3] = 0.3, [NSW_OP_MAXPOOL3] = 0.5};
  static const unsigned keeps[COLUMNS] = {~0u, 1u << NSW_OP_CONV1 | 1u << NSW_OP_CONV3,
                                          1u << NSW_OP_AVGPOOL3 | 1u << NSW_OP_MAXPOOL3, 1u << NSW_OP_SKIP};
  (void)state;
  for (int k = 0; k < 2; k++)
    for (uint32_t i = 0; i < nsw_space_count(spaces[k]); i += k == 0 ? 97 : 3) {
      struct nsw_cell cell;
      int channels[NSW_MAX_VERTICES] = {0};
      double got[COLUMNS];
      uint8_t status;
      nsw_space_cell(spaces[k], i, &cell);
      if (k == 0) nb101_channels(&cell, 128, 128, channels);
      assert_int_equal(score(spaces[k], values, &i, 1, got, &status, NULL), NSW_OK);
      assert_int_equal(status, cell_has_path(&cell) ? NSW_ROW_SCORED : NSW_ROW_NO_PATH);
      for (int c = 0; c < COLUMNS; c++) {
        double own[NSW_OPS];
        for (int op = 0; op < NSW_OPS; op++) own[op] = op == NSW_OP_NONE ? 0 : keeps[c] >> op & 1 ? gain[op] : 1;
        double power = power_of(&cell, own, channels, k == 0, cell.vertices - 1);
        if (status == NSW_ROW_NO_PATH)
          assert_true(got[c] == -INFINITY);
        else
          assert_true(fabs(got[c] - 0.5 * log(power)) < 1e-10);
      }
    }
}

static void does_not_depend_on_the_company(void **state) {
  enum { N = 2000 };
  static uint32_t members[N];
  static double together[N * COLUMNS];
  static uint8_t status[N];
  (void)state;
  for (int k = 0; k < 2; k++) {
    for (uint32_t i = 0; i < N; i++)
      members[i] = (uint32_t)nsw_random_below((struct nsw_stream){.seed = 2, .purpose = NSW_FOR_SAMPLING}, i,
                                              nsw_space_count(spaces[k]));
    assert_int_equal(score(spaces[k], NULL, members, N, together, status, NULL), NSW_OK);
    for (uint32_t i = 0; i < N; i++) {
      double alone[COLUMNS];
      uint8_t one;
      assert_int_equal(score(spaces[k], NULL, &members[i], 1, alone, &one, NULL), NSW_OK);
      assert_memory_equal(alone, together + i * COLUMNS, sizeof alone);
      assert_int_equal(one, status[i]);
    }
  }
}

static void gives_one_class_one_score(void **state) {
  uint32_t n = nsw_space_count(spaces[1]);
  uint32_t *members = malloc(n * sizeof *members);
  double *values = malloc(n * COLUMNS * sizeof *values);
  uint8_t *status = malloc(n);
  (void)state;
  assert_true(members && values && status);
  for (uint32_t i = 0; i < n; i++) members[i] = i;
  assert_int_equal(score(spaces[1], NULL, members, n, values, status, NULL), NSW_OK);
  for (uint32_t i = 0; i < n; i++) {
    uint32_t first = nsw_space_class(spaces[1], i);
    assert_memory_equal(values + i * COLUMNS, values + first * COLUMNS, COLUMNS * sizeof *values);
  }
  free(members);
  free(values);
  free(status);
}

static void refuses_gains_that_are_none(void **state) {
  static const char *const bad[] = {"",      "x",   "0",   "-1",    "1/0", "1/",  "/9",
                                    "1/9/2", "nan", "inf", "1e400", "9 ",  "1,0", "computed"};
  uint32_t index = 0;
  double values[COLUMNS];
  uint8_t status;
  (void)state;
  for (int option = 0; option < OPTIONS; option++)
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
      const char *wish[OPTIONS] = {NULL};
      struct nsw_error err = {""};
      wish[option] = bad[i];
      assert_int_equal(score(spaces[0], wish, &index, 1, values, &status, &err), NSW_USAGE);
      assert_non_null(strstr(err.text, sed->options[option].key));
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scores_cells_worked_out_by_hand), cmocka_unit_test(computes_the_variance_of_a_maximum),
      cmocka_unit_test(equals_a_plain_recursion),        cmocka_unit_test(does_not_depend_on_the_company),
      cmocka_unit_test(gives_one_class_one_score),       cmocka_unit_test(refuses_gains_that_are_none)};
  return cmocka_run_group_tests(tests, open_spaces, close_spaces);
}
