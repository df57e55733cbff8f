/* States of evaluations that last: written whole, read back, refused where damaged, thrown away with other options. And
 * files merged: scored rows over failed ones, curves, seconds of several seeds. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nasweep/row.h"
#include "store/seal.h"
#include "store/state.h"
#include "sweep/merge.h"
#include "unit.h"

static char base[] = "/tmp/nasweep-state-XXXXXX", folder[64];

static int make_base(void **state) {
  (void)state;
  if (!mkdtemp(base)) return -1;
  snprintf(folder, sizeof folder, "%s/x.h5.state", base);
  return 0;
}

static int remove_base(void **state) {
  (void)state;
  nsw_state_clear(folder);
  return rmdir(base);
}

static void states_come_back(void **state) {
  (void)state;
  struct nsw_error err;
  void *bytes;
  size_t size;
  assert_int_equal(nsw_state_begin(folder, "rate=1", &err), NSW_OK);
  assert_int_equal(nsw_state_read(folder, "a-1", &bytes, &size, &err), NSW_OK);
  assert_null(bytes);
  assert_int_equal(nsw_state_write(folder, "a-1", "first", 5, &err), NSW_OK);
  assert_int_equal(nsw_state_write(folder, "a-1", "second!", 7, &err), NSW_OK);
  assert_int_equal(nsw_state_write(folder, "none", NULL, 0, &err), NSW_OK);
  assert_int_equal(nsw_state_begin(folder, "rate=1", &err), NSW_OK); /* the same options: they stay */
  assert_int_equal(nsw_state_read(folder, "a-1", &bytes, &size, &err), NSW_OK);
  assert_int_equal(size, 7);
  assert_memory_equal(bytes, "second!", 7);
  free(bytes);
  assert_int_equal(nsw_state_read(folder, "none", &bytes, &size, &err), NSW_OK);
  assert_non_null(bytes);
  assert_int_equal(size, 0);
  free(bytes);
  nsw_state_remove(folder, "a-1");
  nsw_state_remove(folder, "a-1");
  assert_int_equal(nsw_state_read(folder, "a-1", &bytes, &size, &err), NSW_OK);
  assert_null(bytes);
  assert_int_equal(nsw_state_begin(folder, "rate=12", &err), NSW_OK);
  assert_int_equal(nsw_state_write(folder, "a-1", "first", 5, &err), NSW_OK);
  assert_int_equal(nsw_state_begin(folder, "rate=1", &err), NSW_OK); /* other options, though they begin alike */
  assert_int_equal(nsw_state_read(folder, "a-1", &bytes, &size, &err), NSW_OK);
  assert_null(bytes);
}

static void damaged_states_are_refused(void **state) {
  (void)state;
  struct nsw_error err;
  void *bytes;
  size_t size;
  char path[96];
  snprintf(path, sizeof path, "%s/b", folder);
  for (long at = 0; at < 4; at++) {
    assert_int_equal(nsw_state_write(folder, "b", "good", 4, &err), NSW_OK);
    FILE *f = fopen(path, "r+b");
    fseek(f, at, SEEK_SET);
    fputc('?', f);
    fclose(f);
    assert_int_equal(nsw_state_read(folder, "b", &bytes, &size, &err), NSW_FAILED);
    assert_null(bytes);
    assert_non_null(strstr(err.text, path));
  }
  assert_int_equal(nsw_state_write(folder, "b", "good and long enough", 20, &err), NSW_OK);
  assert_int_equal(truncate(path, 20 + NSW_SEAL_SIZE - 1), 0); /* within the seal */
  assert_int_equal(nsw_state_read(folder, "b", &bytes, &size, &err), NSW_FAILED);
  assert_int_equal(truncate(path, 3), 0);
  assert_int_equal(nsw_state_read(folder, "b", &bytes, &size, &err), NSW_FAILED);
  assert_int_equal(nsw_state_begin(folder, "rate=2", &err), NSW_OK); /* other options: all are thrown away */
  assert_int_equal(nsw_state_read(folder, "b", &bytes, &size, &err), NSW_OK);
  assert_null(bytes);
  nsw_state_clear(folder);
  struct stat s;
  assert_int_equal(stat(folder, &s), -1);
}

/* A table of rows first, first + 1, ... with a score of seed `seed` and curves of two points. */
static struct nsw_table *part(uint32_t first, size_t rows, const char *seed) {
  struct nsw_table *t;
  struct nsw_score *s;
  struct nsw_curves *c;
  struct nsw_error err;
  assert_int_equal(nsw_table_create("nb201", rows, 4, &t, &err), NSW_OK);
  assert_int_equal(nsw_table_add_score(t, "random", 1, 1, &s, &err), NSW_OK);
  assert_int_equal(nsw_table_add_curve(t, "loss", 2, &c, &err), NSW_OK);
  for (size_t i = 0; i < rows; i++) {
    t->index[i] = first + (uint32_t)i;
    s->value[i] = first + (double)i + atof(seed) / 8;
    s->status[i] = NSW_ROW_SCORED;
    s->seconds[i] = (float)atof(seed);
    c->value[2 * i] = (float)t->index[i];
  }
  assert_int_equal(nsw_attributes_set(&t->attributes, "options", "space=nb201; rows=all", &err), NSW_OK);
  assert_int_equal(nsw_attributes_set(&t->attributes, "seed", seed, &err), NSW_OK);
  return t;
}

static void scored_rows_replace_failed_ones(void **state) {
  (void)state;
  struct nsw_table *a = part(0, 4, "1"), *b = part(2, 3, "1"), *merged;
  struct nsw_error err;
  a->score[0].status[2] = NSW_ROW_FAILED;
  a->score[0].value[2] = NAN;
  b->score[0].status[1] = NSW_ROW_PENDING;
  b->score[0].value[1] = NAN;
  b->curve[0].value[1] = 5; /* known in one file alone */
  const char *const names[] = {"a.h5", "b.h5", "a.h5"};
  for (int turn = 0; turn < 2; turn++) {
    const struct nsw_table *const tables[] = {a, b, a};
    assert_int_equal(nsw_merge(tables + turn, names + turn, 2, &merged, &err), NSW_OK);
    assert_int_equal(merged->rows, 5);
    for (size_t i = 0; i < 5; i++) {
      assert_int_equal(merged->score[0].status[i], NSW_ROW_SCORED);
      assert_true(merged->score[0].value[i] == (double)i + 0.125);
      assert_true(merged->score[0].seconds[i] == 1);
      assert_true(merged->curve[0].value[2 * i] == (float)i);
    }
    assert_true(merged->curve[0].value[5] == 5 && isnan(merged->curve[0].value[3]));
    assert_true(*nsw_attributes_get(&merged->attributes, "finished"));
    nsw_table_free(&merged);
  }
  b->curve[0].value[0] = 77; /* of architecture 2, which the other file has */
  const struct nsw_table *const tables[] = {a, b};
  assert_int_equal(nsw_merge(tables, names, 2, &merged, &err), NSW_FAILED);
  assert_non_null(strstr(err.text, "loss of architecture 2"));
  nsw_table_free(&a);
  nsw_table_free(&b);
}

static void seconds_are_the_mean_over_seeds(void **state) {
  (void)state;
  struct nsw_table *a = part(0, 3, "1"), *b = part(0, 3, "4"), *merged;
  struct nsw_error err;
  const struct nsw_table *const tables[] = {b, a};
  const char *const names[] = {"b.h5", "a.h5"};
  assert_int_equal(nsw_merge(tables, names, 2, &merged, &err), NSW_OK);
  for (size_t i = 0; i < 3; i++) {
    assert_true(merged->score[0].seconds[i] == 2.5f);
    assert_true(merged->score[0].value[i] == (double)i + (0.125 + 0.5) / 2);
    assert_true(merged->score[0].by_seed[2 * i] == (double)i + 0.125); /* seeds in ascending order */
  }
  nsw_table_free(&merged);
  nsw_table_free(&a);
  nsw_table_free(&b);
}

/* A row of two seeds that failed for one of them has that of the other; a sweep of the one gives what it lacks. */
static void a_seed_that_failed_is_taken_from_another_file(void **state) {
  (void)state;
  struct nsw_table *one = part(0, 1, "1"), *four = part(0, 1, "4"), *both, *merged;
  struct nsw_error err;
  const char *const names[] = {"both.h5", "one.h5"};
  const struct nsw_table *const seeds[] = {one, four};
  assert_int_equal(nsw_merge(seeds, names, 2, &both, &err), NSW_OK);
  both->score[0].status[0] = NSW_ROW_FAILED;
  both->score[0].value[0] = both->score[0].by_seed[0] = NAN; /* seed 1 */
  const struct nsw_table *const tables[] = {both, one};
  assert_int_equal(nsw_merge(tables, names, 2, &merged, &err), NSW_OK);
  assert_int_equal(merged->score[0].status[0], NSW_ROW_SCORED);
  assert_true(merged->score[0].value[0] == (0.125 + 0.5) / 2);
  nsw_table_free(&merged);
  nsw_table_free(&both);
  nsw_table_free(&one);
  nsw_table_free(&four);
}

/* Accuracies come with their repeats; what two files tell of an architecture must be the same. */
static void accuracies_are_merged_with_their_repeats(void **state) {
  (void)state;
  struct nsw_table *pair[] = {part(0, 3, "1"), part(2, 2, "1")}, *merged;
  struct nsw_error err;
  const char *const names[] = {"a.h5", "b.h5"};
  struct nsw_accuracy *a = NULL;
  for (int t = 0; t < 2; t++) {
    assert_int_equal(nsw_table_add_accuracy(pair[t], "cifar10", "test", 2, &a, &err), NSW_OK);
    for (size_t i = 0; i < pair[t]->rows; i++) {
      a->value[i] = 90 + pair[t]->index[i];
      for (size_t k = 0; k < 2; k++) a->by_repeat[2 * i + k] = a->value[i] + (k ? 0.5 : -0.5);
    }
  }
  const struct nsw_table *const tables[] = {pair[0], pair[1]};
  assert_int_equal(nsw_merge(tables, names, 2, &merged, &err), NSW_OK);
  const struct nsw_accuracy *both = nsw_table_accuracy(merged, "cifar10", "test");
  assert_non_null(both);
  for (size_t i = 0; i < 4; i++) {
    assert_true(both->value[i] == 90 + (double)i);
    assert_true(both->by_repeat[2 * i] == 89.5 + (double)i && both->by_repeat[2 * i + 1] == 90.5 + (double)i);
  }
  nsw_table_free(&merged);
  a->value[0] = 77; /* of architecture 2 */
  assert_int_equal(nsw_merge(tables, names, 2, &merged, &err), NSW_FAILED);
  assert_non_null(strstr(err.text, "cifar10 of architecture 2"));
  for (int t = 0; t < 2; t++) nsw_table_free(&pair[t]);
}

/* A merged file can be merged again: each column knows its own seeds and their order, and the whole what it was made
 * with. */
static void merged_files_are_merged_again(void **state) {
  (void)state;
  struct nsw_table *one = part(0, 2, "1"), *four = part(0, 2, "4"), *two = part(0, 2, "2"), *first, *second;
  struct nsw_error err;
  memcpy(one->score[0].name, "naswot", 7); /* for "random": the other column has other seeds */
  assert_int_equal(nsw_attributes_set(&four->attributes, "options", "space=nb201; rows=all; dataset=x", &err), NSW_OK);
  const struct nsw_table *const begin[] = {one, four, two};
  const char *const names[] = {"one.h5", "four.h5", "two.h5"};
  assert_int_equal(nsw_merge(begin, names, 3, &first, &err), NSW_OK);
  assert_string_equal(nsw_attributes_get(&first->attributes, "seed"), "1,4,2");
  struct nsw_table *eight = part(0, 2, "8");
  const struct nsw_table *const again[] = {first, eight};
  const char *const more[] = {"first.h5", "eight.h5"};
  assert_int_equal(nsw_merge(again, more, 2, &second, &err), NSW_OK);
  const struct nsw_score *score = nsw_table_score(second, two->score[0].name);
  assert_string_equal(nsw_attributes_get(&score->attributes, "seeds"), "2,4,8");
  for (size_t s = 0; s < 3; s++) assert_true(score->by_seed[3 + s] == 1 + (double)(2 << s) / 8);
  assert_string_equal(nsw_attributes_get(&nsw_table_score(second, "naswot")->attributes, "seeds"), "1");
  nsw_table_free(&second);
  assert_int_equal(nsw_attributes_set(&eight->attributes, "options", "space=nb201; rows=all; dataset=y", &err), NSW_OK);
  assert_int_equal(nsw_merge(again, more, 2, &second, &err), NSW_FAILED);
  assert_non_null(strstr(err.text, "dataset=x"));
  /* Of as many images the digests must be the same; of more or fewer they cannot be. */
  static const char *const data[] = {"images=16; data_sha256=aa", "images=50; data_sha256=bb",
                                     "images=16; data_sha256=bb"};
  for (int i = 1; i < 3; i++) {
    const struct nsw_table *const pair[] = {two, eight};
    assert_int_equal(nsw_attributes_set(&two->attributes, "options", data[0], &err), NSW_OK);
    assert_int_equal(nsw_attributes_set(&eight->attributes, "options", data[i], &err), NSW_OK);
    assert_int_equal(nsw_merge(pair, more, 2, &second, &err), i == 1 ? NSW_OK : NSW_FAILED);
    nsw_table_free(&second);
  }
  nsw_table_free(&first);
  nsw_table_free(&one);
  nsw_table_free(&two);
  nsw_table_free(&four);
  nsw_table_free(&eight);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(merged_files_are_merged_again),
                                     cmocka_unit_test(accuracies_are_merged_with_their_repeats),
                                     cmocka_unit_test(states_come_back),
                                     cmocka_unit_test(damaged_states_are_refused),
                                     cmocka_unit_test(scored_rows_replace_failed_ones),
                                     cmocka_unit_test(seconds_are_the_mean_over_seeds),
                                     cmocka_unit_test(a_seed_that_failed_is_taken_from_another_file)};
  return cmocka_run_group_tests_name("state", tests, make_base, remove_base);
}
