/* Plans and results without ranks: what goes in comes out, in any order, and an unfinished table can be resumed.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/options.h"
#include "sweep/results.h"
#include "sweep/selection.h"
#include "unit.h"

static const char *const proxies[] = {"dummy", "sed_conv", "random"};
static const char *const sets[] = {"dummy.rate=1e15"};
static const uint64_t seeds[] = {3, 1, 2};

/* A plan of the first architectures of nb201 with three families: classes with seeds, blocks, blocks with seeds. */
struct sweep {
  struct nsw_request request;
  struct nsw_space *space;
  struct nsw_sweep_plan plan;
};

static void open_sweep(struct sweep *s, uint64_t rows) {
  struct nsw_error err;
  unsigned needs;
  uint32_t *index;
  size_t count;
  *s = (struct sweep){.request = {.space = "nb201",
                                  .proxy = proxies,
                                  .proxies = 3,
                                  .set = sets,
                                  .sets = 1,
                                  .end = rows,
                                  .seed = seeds,
                                  .seeds = 3}};
  assert_int_equal(nsw_space_open("nb201", &s->space, &err), NSW_OK);
  s->plan.space = s->plan.context.space = s->space;
  s->plan.context.macro = nsw_space_macro(s->space, (struct nsw_macro){0});
  assert_int_equal(nsw_sweep_plan_families(&s->request, &s->plan, &needs, &err), NSW_OK);
  assert_int_equal(nsw_selection_make(s->space, &s->request, &index, &count, &err), NSW_OK);
  assert_int_equal(nsw_sweep_plan_open(&s->plan, index, count, &err), NSW_OK);
}

static void close_sweep(struct sweep *s) {
  nsw_sweep_plan_close(&s->plan);
  nsw_space_close(&s->space);
}

/* Evaluates tasks first, first + step, ... below the end and puts them in. */
static void work(struct sweep *s, struct nsw_results *results, uint32_t first, uint32_t step) {
  struct nsw_error err;
  struct nsw_evaluator evaluator;
  assert_int_equal(nsw_evaluator_open(&s->plan, &evaluator, &err), NSW_OK);
  for (uint32_t t = first; t < s->plan.tasks; t += step) assert_int_equal(nsw_evaluate(&evaluator, t, &err), NSW_OK);
  size_t size, at = 0;
  unsigned char *bytes = nsw_evaluator_take(&evaluator, &size);
  while (at < size) {
    struct nsw_evaluation record;
    size_t length = nsw_evaluation_read(&s->plan, bytes + at, size - at, &record);
    assert_true(length > 0);
    assert_int_equal(nsw_evaluation_read(&s->plan, bytes + at, length - 1, &record), 0); /* cut short */
    nsw_evaluation_read(&s->plan, bytes + at, length, &record);
    nsw_results_put(results, &record);
    at += length;
  }
  free(bytes);
  nsw_evaluator_close(&evaluator);
}

static void assert_same_scores(const struct nsw_table *a, const struct nsw_table *b) {
  assert_int_equal(a->scores, b->scores);
  for (size_t c = 0; c < a->scores; c++) {
    const struct nsw_score *x = &a->score[c], *y = nsw_table_score(b, a->score[c].name);
    assert_non_null(y);
    assert_memory_equal(x->value, y->value, a->rows * sizeof *x->value);
    assert_memory_equal(x->status, y->status, a->rows);
    if (x->by_seed) assert_memory_equal(x->by_seed, y->by_seed, a->rows * x->seeds * sizeof *x->value);
  }
}

/* Every row is in one group of each family, groups share a unit, and a task is taken apart as it was numbered. */
static void a_plan_covers_all_rows_once(void **state) {
  (void)state;
  struct sweep s;
  open_sweep(&s, 1000);
  uint32_t tasks = 0;
  for (size_t f = 0; f < s.plan.families; f++) {
    const struct nsw_family *family = &s.plan.family[f];
    uint8_t seen[1000] = {0};
    for (uint32_t g = 0; g < family->groups; g++) {
      for (size_t seed = 0; seed < family->seeds; seed++) {
        struct nsw_task task = nsw_sweep_plan_task(&s.plan, family->first_task + (uint32_t)(seed * family->groups) + g);
        assert_ptr_equal(task.family, family);
        assert_int_equal(task.group, g);
        assert_int_equal(task.seed, seeds[seed]);
        for (uint32_t m = 0; m < task.members; m++) {
          assert_int_equal(s.plan.index[task.row[m]], task.member[m]);
          if (family->proxy->unit)
            assert_int_equal(family->proxy->unit(family->state, task.member[m]), family->unit[g]);
          if (seed == 0) seen[task.row[m]]++;
        }
      }
    }
    for (int i = 0; i < 1000; i++) assert_int_equal(seen[i], 1);
    tasks += family->groups * (uint32_t)family->seeds;
  }
  assert_int_equal(tasks, s.plan.tasks);
  assert_int_equal(s.plan.family[1].seeds, 1); /* sed needs none */
  close_sweep(&s);
}

static void order_does_not_matter(void **state) {
  (void)state;
  struct sweep s;
  struct nsw_results *one, *other;
  struct nsw_error err;
  open_sweep(&s, 700);
  assert_int_equal(nsw_results_create(&s.plan, NULL, &one, &err), NSW_OK);
  assert_int_equal(nsw_results_create(&s.plan, NULL, &other, &err), NSW_OK);
  work(&s, one, 0, 1);
  for (uint32_t first = 7; first-- > 0;) work(&s, other, first, 7);
  assert_int_equal(nsw_results_count(one), s.plan.tasks);
  assert_int_equal(nsw_results_count(other), s.plan.tasks);
  assert_same_scores(nsw_results_table(one), nsw_results_table(other));
  struct nsw_tally tally = nsw_results_tally(one);
  assert_int_equal(tally.pending + tally.failed, 0);
  assert_int_equal(tally.scored + tally.no_path, 700);
  const struct nsw_score *random = nsw_table_score(nsw_results_table(one), "random");
  for (size_t i = 0; i < 700; i++)
    assert_true(random->value[i] ==
                (random->by_seed[3 * i] + random->by_seed[3 * i + 1] + random->by_seed[3 * i + 2]) / 3);
  nsw_results_free(&one);
  nsw_results_free(&other);
  close_sweep(&s);
}

/* What an earlier run had is taken over, and only that; the whole is then the same as in one go. */
static void an_unfinished_table_is_gone_on_with(void **state) {
  (void)state;
  struct sweep s;
  struct nsw_results *whole, *half, *rest;
  struct nsw_table copy = {0};
  struct nsw_error err;
  open_sweep(&s, 700);
  assert_int_equal(nsw_results_create(&s.plan, NULL, &whole, &err), NSW_OK);
  assert_int_equal(nsw_results_create(&s.plan, NULL, &half, &err), NSW_OK);
  assert_int_equal(nsw_results_create(&s.plan, NULL, &rest, &err), NSW_OK);
  work(&s, whole, 0, 1);
  work(&s, half, 1, 3);
  assert_int_equal(nsw_results_snapshot(half, &copy, &err), NSW_OK);
  work(&s, half, 2, 3); /* does not change the snapshot */
  assert_int_equal(nsw_results_resume(rest, &copy, false, &err), NSW_OK);
  assert_true(nsw_results_count(rest) > 0 && nsw_results_count(rest) <= (s.plan.tasks + 2) / 3);
  for (uint32_t t = 0; t < s.plan.tasks; t++) assert_false(nsw_results_done(rest, t) && t % 3 != 1);
  work(&s, rest, 0, 1);
  assert_same_scores(nsw_results_table(whole), nsw_results_table(rest));
  nsw_results_snapshot_free(&copy);
  nsw_results_free(&whole);
  nsw_results_free(&half);
  nsw_results_free(&rest);
  close_sweep(&s);
}

static void a_failed_task_fails_its_rows_alone(void **state) {
  (void)state;
  struct sweep s;
  struct nsw_results *results;
  struct nsw_error err;
  open_sweep(&s, 300);
  assert_int_equal(nsw_results_create(&s.plan, NULL, &results, &err), NSW_OK);
  struct nsw_task task = nsw_sweep_plan_task(&s.plan, 5);
  nsw_results_fail(results, 5);
  work(&s, results, 0, 1); /* the evaluation of a task that is done already is dropped */
  const struct nsw_score *dummy = nsw_table_score(nsw_results_table(results), "dummy");
  for (uint32_t row = 0; row < 300; row++) {
    bool hit = false;
    for (uint32_t m = 0; m < task.members; m++) hit = hit || task.row[m] == row;
    assert_int_equal(dummy->status[row] == NSW_ROW_FAILED, hit);
    assert_true(!hit || isnan(dummy->value[row]));
  }
  nsw_results_free(&results);
  close_sweep(&s);
}

/* Failed rows, of one seed or of all, and rows that someone set back to pending in any column are done again; what they
 * had goes, what the others have stays, and the seconds of a row are the mean over its seeds. */
static void failed_and_reopened_rows_are_computed_again(void **state) {
  (void)state;
  struct sweep s;
  struct nsw_results *whole, *flawed, *mended;
  struct nsw_table copy = {0};
  struct nsw_error err;
  open_sweep(&s, 300);
  assert_int_equal(nsw_results_create(&s.plan, NULL, &whole, &err), NSW_OK);
  assert_int_equal(nsw_results_create(&s.plan, NULL, &flawed, &err), NSW_OK);
  work(&s, whole, 0, 1);
  uint32_t groups = s.plan.family[0].groups, failed = 5 + groups; /* the second seed of the sixth class */
  nsw_results_fail(flawed, failed);
  nsw_results_fail(flawed, 7);
  work(&s, flawed, 0, 1);
  struct nsw_tally tally = nsw_results_tally(flawed);
  size_t hit = nsw_sweep_plan_task(&s.plan, failed).members + nsw_sweep_plan_task(&s.plan, 7).members;
  assert_int_equal(tally.failed, hit);
  assert_int_equal(tally.scored + tally.no_path + tally.failed, 300);

  assert_int_equal(nsw_results_snapshot(flawed, &copy, &err), NSW_OK);
  assert_int_equal(nsw_results_create(&s.plan, NULL, &mended, &err), NSW_OK);
  assert_int_equal(nsw_results_resume(mended, &copy, false, &err), NSW_OK);
  assert_int_equal(nsw_results_count(mended), s.plan.tasks); /* not asked to */
  nsw_results_free(&mended);

  struct nsw_score *sed = nsw_table_score(&copy, "sed_conv"), *dummy = nsw_table_score(&copy, "dummy");
  sed->status[299] = NSW_ROW_PENDING;
  uint32_t row = nsw_sweep_plan_task(&s.plan, failed).row[0];
  dummy->seconds[row] = 4; /* the mean over three seeds */
  assert_int_equal(nsw_results_create(&s.plan, NULL, &mended, &err), NSW_OK);
  assert_int_equal(nsw_results_resume(mended, &copy, true, &err), NSW_OK);
  assert_int_equal(nsw_results_count(mended), s.plan.tasks - 3);
  assert_false(nsw_results_done(mended, failed));
  assert_false(nsw_results_done(mended, 7));
  tally = nsw_results_tally(mended);
  assert_int_equal(tally.failed, 0);
  assert_true(tally.pending >= hit + 1);
  const struct nsw_score *open = nsw_table_score(nsw_results_table(mended), "dummy");
  assert_true(isnan(open->by_seed[3 * row + 1]) && !isnan(open->by_seed[3 * row]) && isnan(open->value[row]));
  double sum = 0; /* two seeds of four seconds, one that takes half a second */
  struct nsw_task task = nsw_sweep_plan_task(&s.plan, failed);
  double values[600] = {0};
  uint8_t statuses[300];
  memset(statuses, NSW_ROW_SCORED, sizeof statuses);
  nsw_results_put(mended, &(struct nsw_evaluation){
                              .task = failed, .seconds = 0.5f, .values = (unsigned char *)values, .status = statuses});
  for (uint32_t m = 0; m < task.members; m++) sum += task.row[m] == row ? open->seconds[row] : 0;
  assert_true(fabs(sum - (4 * 2 + 0.5) / 3) < 1e-6);
  nsw_results_free(&mended);

  /* A row with several seeds that was set back though it has them all: they are all computed again. */
  uint32_t back = nsw_sweep_plan_task(&s.plan, 9).row[0];
  dummy->status[back] = NSW_ROW_PENDING;
  sed->status[row] = NSW_ROW_FAILED; /* pending in one column, failed in another: pending */
  dummy->status[row] = NSW_ROW_PENDING;
  assert_int_equal(nsw_tally_make(&copy).failed, hit - 1);
  sed->status[row] = NSW_ROW_SCORED;
  dummy->status[row] = NSW_ROW_FAILED;
  assert_int_equal(nsw_results_create(&s.plan, NULL, &mended, &err), NSW_OK);
  assert_int_equal(nsw_results_resume(mended, &copy, true, &err), NSW_OK);
  assert_int_equal(nsw_results_count(mended), s.plan.tasks - 3 - 3);
  open = nsw_table_score(nsw_results_table(mended), "dummy");
  for (int k = 0; k < 3; k++) assert_true(isnan(open->by_seed[3 * back + k]));
  work(&s, mended, 0, 1);
  assert_same_scores(nsw_results_table(whole), nsw_results_table(mended));
  nsw_results_snapshot_free(&copy);
  nsw_results_free(&whole);
  nsw_results_free(&flawed);
  nsw_results_free(&mended);
  close_sweep(&s);
}

static void options_that_differ_are_named(void **state) {
  (void)state;
  const char *file = "space=nb201; rows=all; knas=(init=a; b, ref=1); seed=1,2";
  char words[256];
  assert_false(nsw_options_differ(file, file, words, sizeof words));
  assert_true(nsw_options_differ(file, "space=nb201; rows=range=0:5; knas=(init=a; b, ref=1); seed=1,2", words, 256));
  assert_string_equal(words, "rows: file all, asked range=0:5");
  assert_true(nsw_options_differ(file, "space=nb201; rows=all; knas=(init=a; c, ref=1)", words, 256));
  assert_string_equal(words, "knas: file (init=a; b, ref=1), asked (init=a; c, ref=1); seed: file 1,2, asked none");
  assert_true(nsw_options_differ("a=1", "a=1; b=2", words, sizeof words));
  assert_string_equal(words, "b: file none, asked 2");
  assert_true(nsw_options_differ(file, "x=1", words, 12)); /* too small: cut, not overrun */
  assert_true(strlen(words) < 12);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_plan_covers_all_rows_once),
      cmocka_unit_test(order_does_not_matter),
      cmocka_unit_test(an_unfinished_table_is_gone_on_with),
      cmocka_unit_test(a_failed_task_fails_its_rows_alone),
      cmocka_unit_test(failed_and_reopened_rows_are_computed_again),
      cmocka_unit_test(options_that_differ_are_named),
  };
  return cmocka_run_group_tests_name("results", tests, NULL, NULL);
}
