/* Folded forms and KNAS: one evaluation a unit gives every member what it would get alone, bit for bit. */
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "data/images.h"
#include "net/net.h"
#include "proxy/joint.h"
#include "proxy/table.h"
#include "unit.h"

enum { SAMPLES = 4, COUNT = 15625, COLUMNS = 3 };

static struct nsw_error err;

/* The space, its units, and an evaluator on a small network. */
struct fixture {
  struct nsw_space *space;
  uint32_t unit[COUNT];
  struct nsw_images *images;
  struct nsw_context context;
  void *knas;
};

/* Opens it alone, as the joint evaluation does. */
static int open_knas(const struct nsw_context *context, void **knas) {
  static const struct nsw_proxy *const proxy[] = {&nsw_proxy_knas};
  static const char *const *const values[] = {NULL};
  static const bool wanted[COLUMNS] = {true, true, true};
  return nsw_joint_open(context, proxy, values, 1, wanted, knas, &err);
}

static int set_up(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_int_equal(nsw_space_open("nb201", &f->space, &err), NSW_OK);
  assert_int_equal(nsw_space_units(f->space, false, f->unit, &err), NSW_OK);
  assert_int_equal(nsw_images_load("synthetic:1", NULL, SAMPLES, &f->images, &err), NSW_OK);
  f->context = (struct nsw_context){.space = f->space, .images = f->images, .samples = SAMPLES};
  f->context.macro = nsw_space_macro(
      f->space, (struct nsw_macro){.cells = 1, .classes = f->images->classes, .resolution = f->images->resolution});
  assert_int_equal(open_knas(&f->context, &f->knas), NSW_OK);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  struct fixture *f = *state;
  nsw_joint_close(f->knas);
  nsw_images_free(&f->images);
  nsw_space_close(&f->space);
  free(f);
  return 0;
}

static void score(struct fixture *f, const uint32_t *members, size_t n, double *values, uint8_t *status) {
  assert_int_equal(nsw_joint_score(f->knas, 7, members, n, values, status, &err), NSW_OK);
}

/* Members of the unit of architecture `first`, at most `most`. */
static size_t members_of(const struct fixture *f, uint32_t first, uint32_t *members, size_t most) {
  size_t n = 0;
  for (uint32_t i = first; i < COUNT && n < most; i++)
    if (f->unit[i] == first) members[n++] = i;
  return n;
}

/* 5,260 forms: the same number comes from renaming convolutions in every way, in a program of its own. */
static void test_number_of_forms(void **state) {
  struct fixture *f = *state;
  int forms = 0;
  for (uint32_t i = 0; i < COUNT; i++) {
    assert_true(f->unit[i] <= i && f->unit[f->unit[i]] == f->unit[i]);
    forms += f->unit[i] == i;
  }
  assert_int_equal(forms, 5260);
}

static void test_members_equal_alone(void **state) {
  struct fixture *f = *state;
  int compared = 0, unequal_columns = 0;
  for (uint32_t first = 3; first < COUNT && compared < 12; first += 97) {
    uint32_t members[5];
    double together[5 * COLUMNS], alone[COLUMNS];
    uint8_t status[5], one;
    size_t n = members_of(f, f->unit[first], members, 5);
    if (n < 2) continue;
    score(f, members, n, together, status);
    for (size_t i = 0; i < n; i++) {
      score(f, &members[i], 1, alone, &one);
      assert_memory_equal(alone, together + i * COLUMNS, sizeof alone);
      assert_int_equal(one, status[i]);
      assert_memory_equal(together + i * COLUMNS + 1, together + 1, sizeof(double)); /* knas_sum: the same for all */
      unequal_columns += memcmp(together + i * COLUMNS, together, sizeof(double)) != 0;
    }
    compared++;
  }
  assert_int_equal(compared, 12);
  assert_true(unequal_columns > 0); /* knas is not: members differ in dead weight tensors */
}

/* The published classes (6,466) do not tell a convolution read twice from two convolutions: their members differ. */
static void test_classes_are_not_enough(void **state) {
  struct fixture *f = *state;
  for (uint32_t i = 0; i < COUNT; i++) {
    uint32_t class = nsw_space_class(f->space, i), pair[2] = {class, i};
    if (f->unit[class] == f->unit[i]) continue;
    double values[2][COLUMNS];
    uint8_t status[2];
    for (int k = 0; k < 2; k++) score(f, &pair[k], 1, values[k], &status[k]);
    assert_true(values[0][1] != values[1][1]);
    return;
  }
  fail_msg("every class is one unit");
}

static void test_no_path(void **state) {
  struct fixture *f = *state;
  for (uint32_t i = 0; i < COUNT; i++) {
    struct nsw_cell cell;
    double values[COLUMNS];
    uint8_t status;
    nsw_space_cell(f->space, i, &cell);
    if (cell_has_path(&cell)) continue;
    score(f, &i, 1, values, &status);
    assert_int_equal(status, NSW_ROW_NO_PATH);
    for (int c = 0; c < COLUMNS; c++) assert_true(values[c] == 0);
    return;
  }
}

static void test_bad_requests(void **state) {
  struct fixture *f = *state;
  struct nsw_context context = f->context;
  void *knas = NULL;
  context.samples = SAMPLES + 1;
  assert_int_equal(open_knas(&context, &knas), NSW_USAGE);
  assert_non_null(strstr(err.text, "needs 5 images"));
  context.samples = 1;
  assert_int_equal(open_knas(&context, &knas), NSW_USAGE);
  assert_null(knas);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_number_of_forms), cmocka_unit_test(test_members_equal_alone),
                                     cmocka_unit_test(test_classes_are_not_enough), cmocka_unit_test(test_no_path),
                                     cmocka_unit_test(test_bad_requests)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
