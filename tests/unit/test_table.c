/* Tables in memory: columns, look-ups, attributes, names. */
#include <math.h>
#include <stdint.h>

#include "nasweep/row.h"
#include "store/table.h"
#include "unit.h"

static struct nsw_table *sample(size_t rows) {
  struct nsw_table *table;
  struct nsw_error err = {{0}};
  assert_int_equal(nsw_table_create("nb201", rows, 8, &table, &err), NSW_OK);
  for (size_t i = 0; i < rows; i++) table->index[i] = (uint32_t)(3 * i + 1);
  return table;
}

static void columns_start_unknown(void **state) {
  (void)state;
  struct nsw_table *table = sample(5);
  struct nsw_error err = {{0}};
  struct nsw_score *score;
  struct nsw_accuracy *accuracy;
  assert_int_equal(nsw_table_add_score(table, "sed", 1, 3, &score, &err), NSW_OK);
  for (int i = 0; i < 5; i++) {
    assert_true(isnan(score->value[i]));
    assert_int_equal(score->status[i], NSW_ROW_PENDING);
    assert_true(score->seconds[i] == 0);
    for (int j = 0; j < 3; j++) assert_true(isnan(score->by_seed[3 * i + j]));
  }
  assert_int_equal(nsw_table_add_score(table, "knas", -1, 1, &score, &err), NSW_OK);
  assert_null(score->by_seed);
  assert_int_equal(score->direction, -1);
  assert_int_equal(nsw_table_add_accuracy(table, "cifar10", "test", 3, &accuracy, &err), NSW_OK);
  for (int i = 0; i < 15; i++) assert_true(isnan(accuracy->by_repeat[i]) && isnan(accuracy->value[i / 3]));
  assert_int_equal(table->scores, 2);
  assert_ptr_equal(nsw_table_score(table, "sed"), &table->score[0]);
  assert_null(nsw_table_score(table, "se"));
  assert_ptr_equal(nsw_table_accuracy(table, "cifar10", "test"), accuracy);
  assert_null(nsw_table_accuracy(table, "cifar10", "valid"));
  nsw_table_free(&table);
  assert_null(table);
  nsw_table_free(&table);
}

static void names_must_be_fit_for_links(void **state) {
  (void)state;
  struct nsw_table *table = sample(1);
  struct nsw_error err = {{0}};
  static const char *const wrong[] = {"", ".", "..", "a/b", "/", "a b", "a\n", "caf\xc3\xa9"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(nsw_table_add_score(table, wrong[i], 1, 1, NULL, &err), NSW_FAILED);
    assert_int_equal(nsw_table_add_accuracy(table, wrong[i], "test", 1, NULL, &err), NSW_FAILED);
    assert_int_equal(nsw_table_add_accuracy(table, "cifar10", wrong[i], 1, NULL, &err), NSW_FAILED);
  }
  assert_int_equal(nsw_table_add_score(table, "sed", 1, 1, NULL, &err), NSW_OK);
  assert_int_equal(nsw_table_add_score(table, "sed", 1, 1, NULL, &err), NSW_FAILED);
  assert_int_equal(nsw_table_add_accuracy(table, "a", "b", 1, NULL, &err), NSW_OK);
  assert_int_equal(nsw_table_add_accuracy(table, "a", "b", 1, NULL, &err), NSW_FAILED);
  assert_int_equal(table->scores + table->accuracies, 2);
  nsw_table_free(&table);
}

static void rows_are_found(void **state) {
  (void)state;
  for (size_t rows = 0; rows < 9; rows++) {
    struct nsw_table *table = sample(rows);
    for (uint32_t index = 0; index < 30; index++)
      assert_int_equal(nsw_table_row(table, index),
                       index % 3 == 1 && index / 3 < rows ? (int64_t)(index / 3) : (int64_t)-1);
    nsw_table_free(&table);
  }
}

static void attributes(void **state) {
  (void)state;
  struct nsw_attributes a = {0};
  struct nsw_error err = {{0}};
  assert_null(nsw_attributes_get(&a, "seed"));
  assert_int_equal(nsw_attributes_set(&a, "seed", "777", &err), NSW_OK);
  assert_int_equal(nsw_attributes_setf(&a, &err, "git", "%s-%d", "abc", 5), NSW_OK);
  assert_int_equal(nsw_attributes_set(&a, "seed", "778", &err), NSW_OK);
  assert_int_equal(a.count, 2);
  assert_string_equal(nsw_attributes_get(&a, "seed"), "778");
  assert_string_equal(nsw_attributes_get(&a, "git"), "abc-5");
  nsw_attributes_free(&a);
  assert_int_equal(a.count, 0);
  nsw_attributes_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(columns_start_unknown),
                                     cmocka_unit_test(names_must_be_fit_for_links), cmocka_unit_test(rows_are_found),
                                     cmocka_unit_test(attributes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
