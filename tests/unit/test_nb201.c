/* nb201 against what the benchmark publishes, and its classes against cells evaluated as functions. */
#include <math.h>
#include <string.h>

#include "cells.h"
#include "csv.h"
#include "unit.h"

static struct nsw_space *space;
static const struct nsw_macro own = {0};

static int open_space(void **state) {
  struct nsw_error err;
  (void)state;
  return nsw_space_open("nb201", &space, &err);
}

static int close_space(void **state) {
  (void)state;
  nsw_space_close(&space);
  return 0;
}

static void gives_the_published_first_strings(void **state) {
  static const struct {
    uint32_t index;
    const char *id;
  } known[] = {{0, "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"},
               {9, "|avg_pool_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"},
               {123, "|avg_pool_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"}};
  (void)state;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    char id[128];
    uint32_t index;
    nsw_space_id(space, known[i].index, id);
    assert_string_equal(id, known[i].id);
    assert_int_equal(nsw_space_find(space, id, &index, NULL), NSW_OK);
    assert_int_equal(index, known[i].index);
  }
}

static void follows_the_published_order(void **state) {
  struct csv csv;
  uint32_t rows = 0;
  (void)state;
  if (!csv_open(&csv, "nb201_accuracy_200ep.csv")) skip();
  for (; csv_next(&csv); rows++) {
    char id[128];
    assert_int_equal(atoi(csv.field[0]), rows);
    nsw_space_id(space, rows, id);
    assert_string_equal(id, csv.field[1]);
  }
  assert_int_equal(rows, 15625);
}

/* A number that stands for the function a cell computes: operations are arbitrary functions, sums are sums. */
static double evaluate(const struct nsw_cell *cell) {
  double node[4] = {0.7310585};
  for (int v = 1, e = 0; v < 4; v++) {
    node[v] = 0;
    for (int from = 0; from < v; from++, e++) {
      double x = node[from];
      if (x == 0) continue; /* nothing arrives there: every operation but a bias gives nothing back */
      if (cell->edge_op[e] == NSW_OP_SKIP) node[v] += x;
      if (cell->edge_op[e] == NSW_OP_CONV1) node[v] += sin(3 * x) + 1.3;
      if (cell->edge_op[e] == NSW_OP_CONV3) node[v] += exp(-x) + 0.1;
      if (cell->edge_op[e] == NSW_OP_AVGPOOL3) node[v] += sqrt(x + 0.3);
    }
  }
  return node[3];
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void has_6466_classes_of_equal_functions(void **state) {
  static double value[15625];
  int classes = 0, functions = 1;
  (void)state;
  for (uint32_t i = 0; i < 15625; i++) {
    struct nsw_cell cell;
    uint32_t first = nsw_space_class(space, i);
    nsw_space_cell(space, i, &cell);
    value[i] = evaluate(&cell);
    assert_true(first <= i);
    assert_int_equal(nsw_space_class(space, first), first);
    assert_true(fabs(value[i] - value[first]) < 1e-9);
    classes += first == i;
  }
  assert_int_equal(classes, 6466);
  /* The benchmark's count is not the least possible: it tells apart some texts of the same function. */
  qsort(value, 15625, sizeof *value, compare);
  for (int i = 1; i < 15625; i++) functions += value[i] - value[i - 1] > 1e-9;
  assert_int_equal(functions, 4930);
}

static void finds_341_cells_without_a_path(void **state) {
  int without = 0;
  (void)state;
  for (uint32_t i = 0; i < 15625; i++) {
    struct nsw_cell cell;
    nsw_space_cell(space, i, &cell);
    assert_int_equal(cell_has_path(&cell), evaluate(&cell) != 0);
    without += !cell_has_path(&cell);
  }
  assert_int_equal(without, 341);
}

static void counts_the_worked_example(void **state) {
  uint32_t index;
  (void)state;
  const char *id = "|avg_pool_3x3~0|+|nor_conv_1x1~0|nor_conv_1x1~1|+|nor_conv_1x1~0|nor_conv_3x3~1|nor_conv_1x1~2|";
  assert_int_equal(nsw_space_find(space, id, &index, NULL), NSW_OK);
  assert_int_equal(nsw_space_params(space, index, &own), 428346);
  assert_int_equal(nsw_space_macs(space, index, &own), 58901120);
}

static void counts_the_published_parameters(void **state) {
  struct csv csv;
  int rows = 0;
  (void)state;
  if (!csv_open(&csv, "nb201_sample_suite_zero.csv")) skip();
  for (; csv_next(&csv); rows++) {
    uint32_t index;
    struct nsw_macro macro = {.classes = !strcmp(csv.field[0], "cifar10")    ? 10
                                         : !strcmp(csv.field[0], "cifar100") ? 100
                                                                             : 120};
    assert_int_equal(nsw_space_find(space, csv.field[1], &index, NULL), NSW_OK);
    assert_int_equal(index, atoi(csv.field[2]));
    assert_int_equal(nsw_space_params(space, index, &macro), lround(atof(csv.field[4]) * 1e6));
  }
  assert_int_equal(rows, 735);
}

static void counts_other_skeletons(void **state) {
  (void)state;
  /* One cell a stage of only 1x1 convolutions, 4 channels, 8x8 images, 3 classes: counted by hand. */
  const char *id = "|nor_conv_1x1~0|+|nor_conv_1x1~0|nor_conv_1x1~1|+|nor_conv_1x1~0|nor_conv_1x1~1|nor_conv_1x1~2|";
  struct nsw_macro macro = {.classes = 3, .resolution = 8, .channels = 4, .cells = 1};
  uint32_t index;
  assert_int_equal(nsw_space_find(space, id, &index, NULL), NSW_OK);
  uint64_t stem = 3 * 9 * 4, cells[3] = {6 * 16, 6 * 64, 6 * 256};
  uint64_t blocks[2] = {4 * 9 * 8 + 8 * 9 * 8 + 4 * 8, 8 * 9 * 16 + 16 * 9 * 16 + 8 * 16};
  uint64_t norms = 2 * 4 + 6 * 2 * (4 + 8 + 16) + 2 * 2 * (8 + 16) + 2 * 16;
  assert_int_equal(nsw_space_params(space, index, &macro),
                   stem + cells[0] + cells[1] + cells[2] + blocks[0] + blocks[1] + norms + 16 * 3 + 3);
  assert_int_equal(nsw_space_macs(space, index, &macro),
                   64 * (stem + cells[0]) + 16 * (blocks[0] + cells[1]) + 4 * (blocks[1] + cells[2]) + 16 * 3);
}

static void refuses_what_is_no_cell(void **state) {
  static const char *const bad[] = {
      "",
      "|",
      "||||||",
      "|nor_conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|",
      "|none~1|+|none~0|none~1|+|none~0|none~1|none~2|",
      "|none~0|+|none~0|none~1|+|none~0|none~1|none~2",
      "|none~0|+|none~0|none~1|+|none~0|none~1|none~2||",
      "|none~0|+|none~0|none~1|none~2|+|none~0|none~1|none~2|",
      "|none~0|none~0|none~1|+|none~0|none~1|none~2|",
      "(4, 0, 3, 1, 4)",
      "(4, 0, 3, 1, 4, 5)",
      "[[('none', 1)], [('none', 0), ('none', 1)], [('none', 0), ('none', 1), ('none', 2)]]",
      "|NONE~0|+|none~0|none~1|+|none~0|none~1|none~2|"};
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct nsw_error err = {""};
    uint32_t index = 7;
    assert_int_equal(nsw_space_find(space, bad[i], &index, &err), NSW_USAGE);
    assert_int_equal(index, 7);
    assert_non_null(strstr(err.text, "nb201"));
    assert_null(strchr(err.text, '\n'));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gives_the_published_first_strings),
                                     cmocka_unit_test(follows_the_published_order),
                                     cmocka_unit_test(has_6466_classes_of_equal_functions),
                                     cmocka_unit_test(finds_341_cells_without_a_path),
                                     cmocka_unit_test(counts_the_worked_example),
                                     cmocka_unit_test(counts_the_published_parameters),
                                     cmocka_unit_test(counts_other_skeletons),
                                     cmocka_unit_test(refuses_what_is_no_cell)};
  return cmocka_run_group_tests(tests, open_space, close_space);
}
