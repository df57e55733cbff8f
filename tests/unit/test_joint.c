/* Measures evaluated together give what each gives alone, bit for bit; units, dead branches, and what is refused. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/images.h"
#include "proxy/joint.h"
#include "proxy/measure.h"
#include "proxy/pass.h"
#include "space/cell.h"
#include "unit.h"

enum { MOST = 64, IMAGES = 8 };

static struct nsw_error err;

/* A space in small, and all measures of the table with their defaults. */
struct fixture {
  struct nsw_space *space;
  struct nsw_images *images;
  struct nsw_context context;
  const struct nsw_proxy *proxy[MOST];
  const char *value[MOST][8];
  const char *const *values[MOST];
  bool wanted[MOST]; /* every column of a measure, or of those that are scored */
  int count, columns;
};

static void set_up(struct fixture *f, const char *space) {
  *f = (struct fixture){0};
  assert_int_equal(nsw_space_open(space, &f->space, &err), NSW_OK);
  assert_int_equal(nsw_images_synthetic(3, 10, 8, IMAGES, &f->images, &err), NSW_OK);
  struct nsw_macro small = {.channels = 8, .cells = 1, .classes = 10, .resolution = 8};
  f->context = (struct nsw_context){.space = f->space, .macro = small, .images = f->images, .samples = IMAGES};
  for (int p = 0; nsw_proxies[p]; p++) {
    const struct nsw_proxy *proxy = nsw_proxies[p];
    if (!proxy->measure) continue;
    for (int o = 0; o < nsw_proxy_options(proxy); o++) f->value[f->count][o] = proxy->options[o].value;
    f->values[f->count] = f->value[f->count];
    f->proxy[f->count++] = proxy;
    f->columns += nsw_proxy_columns(proxy);
  }
  for (int c = 0; c < MOST; c++) f->wanted[c] = true;
  assert_true(f->count > 10);
}

static void tear_down(struct fixture *f) {
  nsw_images_free(&f->images);
  nsw_space_close(&f->space);
}

/* Scores members with measures first..first+count-1. */
static void score(struct fixture *f, int first, int count, const uint32_t *member, size_t n, double *values,
                  uint8_t *status) {
  void *state;
  assert_int_equal(nsw_joint_open(&f->context, f->proxy + first, f->values + first, count, f->wanted, &state, &err),
                   NSW_OK);
  assert_int_equal(nsw_joint_score(state, 11, member, n, values, status, &err), NSW_OK);
  nsw_joint_close(state);
}

static void together_is_alone(const char *space, uint32_t index) {
  struct fixture f;
  double all[MOST], one[MOST];
  uint8_t status, alone;
  set_up(&f, space);
  score(&f, 0, f.count, &index, 1, all, &status);
  assert_int_equal(status, NSW_ROW_SCORED);
  for (int p = 0, at = 0; p < f.count; p++) {
    int columns = nsw_proxy_columns(f.proxy[p]);
    score(&f, p, 1, &index, 1, one, &alone);
    assert_int_equal(alone, status);
    if (memcmp(all + at, one, (size_t)columns * sizeof *one))
      fail_msg("%s of %s %u: %.17g together, %.17g alone", f.proxy[p]->name, space, (unsigned)index, all[at], one[0]);
    for (int c = 0; c < columns; c++) assert_false(isnan(one[c]));
    at += columns;
  }
  tear_down(&f);
}

static void evaluated_together_as_alone(void **state) {
  (void)state;
  together_is_alone("nb201", 5000);
  together_is_alone("nb201", 123);
  together_is_alone("nb101", 1234);
}

/* A column of a measure that makes only what is asked for, asked for alone and with each of the others. */
static void ask_for_pairs(const char *space, uint32_t index) {
  struct fixture f;
  double all[MOST], some[MOST];
  uint8_t status;
  int tried = 0;
  set_up(&f, space);
  for (int p = 0; p < f.count; p++) {
    int columns = nsw_proxy_columns(f.proxy[p]);
    if (!f.proxy[p]->measure->want) continue;
    for (int c = 0; c < columns; c++) f.wanted[c] = true;
    score(&f, p, 1, &index, 1, all, &status);
    for (int c = 0; c < columns; c++)
      for (int other = 0; other < columns; other++) {
        for (int k = 0; k < columns; k++) f.wanted[k] = k == c || k == other;
        score(&f, p, 1, &index, 1, some, &status);
        assert_int_equal(status, NSW_ROW_SCORED);
        assert_memory_equal(&all[c], &some[c], sizeof *all);
        assert_memory_equal(&all[other], &some[other], sizeof *all);
        tried++;
      }
  }
  assert_true(tried >= 16);
  tear_down(&f);
}

static void columns_do_not_depend_on_others(void **state) {
  (void)state;
  ask_for_pairs("nb101", 1234);
  for (uint32_t index = 40; index < 50; index++) ask_for_pairs("nb201", index); /* some have dead branches */
}

/* The next architecture with index's unit and dead convolutions of its own, so that it has other parameters; index
 * itself where there is none. */
static uint32_t other_member(const struct fixture *f, void *state, uint32_t index) {
  uint64_t params = nsw_space_params(f->space, index, &f->context.macro);
  for (uint32_t i = index + 1; i < nsw_space_count(f->space); i++)
    if (nsw_joint_unit(state, i) == nsw_joint_unit(state, index) &&
        nsw_space_params(f->space, i, &f->context.macro) != params)
      return i;
  return index;
}

static void members_share_what_they_have_in_common(void **ignored) {
  struct fixture f;
  void *state;
  double both[2 * MOST], second[MOST];
  uint8_t status[2];
  (void)ignored;
  set_up(&f, "nb201");
  assert_int_equal(nsw_joint_open(&f.context, f.proxy, f.values, f.count, f.wanted, &state, &err), NSW_OK);
  uint32_t pair[2] = {0};
  for (uint32_t i = 0; pair[0] == pair[1] && i < 100; i++) {
    pair[0] = nsw_joint_unit(state, i);
    pair[1] = other_member(&f, state, pair[0]);
  }
  assert_true(pair[0] < pair[1]);
  nsw_joint_close(state);
  score(&f, 0, f.count, pair, 2, both, status);
  score(&f, 0, f.count, pair + 1, 1, second, status);
  assert_memory_equal(both + f.columns, second, (size_t)f.columns * sizeof *second);
  tear_down(&f);
}

static void no_path_is_no_evaluation(void **state) {
  struct fixture f;
  double values[MOST];
  uint8_t status;
  uint32_t index = 0;
  (void)state;
  set_up(&f, "nb201");
  struct nsw_cell cell;
  for (bool any = true; any; index++) { /* the cell with nothing but `none` */
    nsw_space_cell(f.space, index, &cell);
    any = false;
    for (int e = 0; e < 6; e++) any = any || cell.edge_op[e] != NSW_OP_NONE;
    if (!any) break;
  }
  score(&f, 0, f.count, &index, 1, values, &status);
  assert_int_equal(status, NSW_ROW_NO_PATH);
  tear_down(&f);
}

static void refuses_what_cannot_be(void **ignored) {
  struct fixture f;
  void *state;
  (void)ignored;
  set_up(&f, "nb201");
  f.context.samples = 1;
  assert_int_equal(nsw_joint_open(&f.context, f.proxy, f.values, f.count, f.wanted, &state, &err), NSW_USAGE);
  f.context.samples = IMAGES + 1;
  assert_int_equal(nsw_joint_open(&f.context, f.proxy, f.values, f.count, f.wanted, &state, &err), NSW_USAGE);
  tear_down(&f);
}

/* Samples whose pairs no machine holds are refused with what they would take, and not tried. */
static void too_many_samples(void **ignored) {
  (void)ignored;
  struct fixture f;
  struct nsw_lab lab;
  set_up(&f, "nb201");
  assert_int_equal(nsw_lab_open(&f.context, 1 << 24, &lab, &err), NSW_FAILED);
  assert_non_null(strstr(err.text, "not enough memory for 16777216 samples"));
  assert_null(lab.kernel);
  nsw_lab_close(&lab);
  tear_down(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(evaluated_together_as_alone),
                                     cmocka_unit_test(columns_do_not_depend_on_others),
                                     cmocka_unit_test(members_share_what_they_have_in_common),
                                     cmocka_unit_test(no_path_is_no_evaluation),
                                     cmocka_unit_test(refuses_what_cannot_be),
                                     cmocka_unit_test(too_many_samples)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
