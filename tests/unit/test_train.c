/* Training: schedules, cuts, losses against difference quotients, states, and what happens when it diverges. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/images.h"
#include "train/trainer.h"
#include "unit.h"

static struct nsw_recipe recipe_of(const char *const *pairs) {
  const char *values[NSW_SETTINGS];
  struct nsw_recipe recipe;
  struct nsw_error err;
  for (int k = 0; k < NSW_SETTINGS; k++) values[k] = nsw_settings[k].value;
  for (; pairs[0]; pairs += 2)
    for (int k = 0; k < NSW_SETTINGS; k++)
      if (!strcmp(nsw_settings[k].key, pairs[0])) values[k] = pairs[1];
  assert_int_equal(nsw_recipe_read(values, &recipe, &err), NSW_OK);
  return recipe;
}

static void settings_are_counted(void **state) {
  (void)state;
  int n = 0;
  while (nsw_settings[n].key) n++;
  assert_int_equal(n, NSW_SETTINGS);
}

static void the_cosine_ends_where_it_should(void **state) {
  (void)state;
  struct nsw_recipe r = recipe_of((const char *[]){"rate", "0.1", "least", "0.001", "epochs", "10", NULL});
  assert_float_equal(nsw_recipe_rate(&r, 0, 0, 7), 0.1, 1e-12);
  assert_float_equal(nsw_recipe_rate(&r, 5, 0, 7), 0.0505, 1e-12);
  assert_true(nsw_recipe_rate(&r, 9, 6, 7) > 0.001 && nsw_recipe_rate(&r, 9, 6, 7) < 0.0011);
}

/* A wrong setting is named. */
static void wrong_settings_are_refused(void **state) {
  (void)state;
  const char *const wrong[][2] = {{"preset", "econa"}, {"epochs", "-1"},  {"rate", "fast"}, {"schedule", "step"},
                                  {"batch", "1"},      {"nesterov", "2"}, {"crop", "0.5"},  {"train", "10"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    const char *values[NSW_SETTINGS];
    struct nsw_recipe recipe;
    struct nsw_error err;
    for (int k = 0; k < NSW_SETTINGS; k++)
      values[k] = strcmp(nsw_settings[k].key, wrong[i][0]) ? nsw_settings[k].value : wrong[i][1];
    assert_int_equal(nsw_recipe_read(values, &recipe, &err), NSW_USAGE);
    assert_non_null(strstr(err.text, wrong[i][0]));
  }
}

static void sizes_must_divide(void **state) {
  (void)state;
  struct nsw_macro own = {10, 32, 16, 5}, made;
  struct nsw_error err;
  struct nsw_recipe r = recipe_of((const char *[]){"preset", "econas", NULL});
  assert_int_equal(nsw_recipe_macro(&r, &own, &made, &err), NSW_OK);
  assert_int_equal(made.channels, 4);
  assert_int_equal(made.resolution, 8);
  r = recipe_of((const char *[]){"resolution", "12", NULL});
  assert_int_equal(nsw_recipe_macro(&r, &own, &made, &err), NSW_USAGE);
  assert_non_null(strstr(err.text, "12"));
}

/* Slopes against difference quotients of the loss. */
static void slopes_are_the_loss_gradient(void **state) {
  (void)state;
  enum { CLASSES = 5 };
  float logits[CLASSES] = {0.3f, -1.2f, 2.0f, 0.0f, 0.7f}, slopes[CLASSES];
  double loss, up, down;
  for (int k = 0; k < CLASSES; k++) {
    float moved[CLASSES];
    const float h = 1e-2f;
    assert_true(nsw_cross_entropy(logits, CLASSES, 2, 0.1, &loss, slopes));
    memcpy(moved, logits, sizeof moved);
    moved[k] = logits[k] + h;
    nsw_cross_entropy(moved, CLASSES, 2, 0.1, &up, NULL);
    moved[k] = logits[k] - h;
    nsw_cross_entropy(moved, CLASSES, 2, 0.1, &down, NULL);
    assert_float_equal(slopes[k], (up - down) / (2 * h), 1e-4);
  }
}

/* Small training material: a nb201 cell on synthetic images. */
struct fixture {
  struct nsw_space *space;
  struct nsw_images *images;
  struct nsw_net *net;
};

static int set_up(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  struct nsw_error err;
  struct nsw_macro macro = {10, 32, 4, 1};
  *state = f;
  return !f || nsw_space_open("nb201", &f->space, &err) ||
         nsw_images_load("synthetic", "cifar10", 96, &f->images, &err) ||
         nsw_net_build(f->space, 100, &macro, &f->net, &err);
}

static int tear_down(void **state) {
  struct fixture *f = *state;
  nsw_net_free(&f->net);
  nsw_images_free(&f->images);
  nsw_space_close(&f->space);
  free(f);
  return 0;
}

/* A rest that stops after every `every` steps and keeps its state in memory. */
struct memory {
  int steps, every;
  void *bytes;
  size_t size;
};

static bool stop(void *with) {
  struct memory *m = with;
  return m->every && ++m->steps % m->every == 0;
}

static int keep(void *with, const void *bytes, size_t size, struct nsw_error *err) {
  struct memory *m = with;
  (void)err;
  free(m->bytes);
  m->bytes = malloc(size);
  memcpy(m->bytes, bytes, m->size = size);
  return NSW_OK;
}

static int fetch(void *with, void **bytes, size_t *size, struct nsw_error *err) {
  struct memory *m = with;
  (void)err;
  *bytes = m->bytes ? malloc(m->size) : NULL;
  if (m->bytes) memcpy(*bytes, m->bytes, *size = m->size);
  return NSW_OK;
}

static void a_training_goes_on_where_it_was_stopped(void **state) {
  struct fixture *f = *state;
  struct nsw_error err;
  struct nsw_recipe r = recipe_of((const char *[]){"epochs", "3", "batch", "16", "crop", "4", NULL});
  struct nsw_trainer *trainer;
  struct nsw_trained whole, parts;
  struct memory m = {.every = 2};
  struct nsw_break rest = {&m, stop, keep, fetch};
  float curve[3 * NSW_CURVES], again[3 * NSW_CURVES];
  assert_int_equal(nsw_trainer_create(&r, f->images, 32, &trainer, &err), NSW_OK);
  assert_int_equal(nsw_trainer_run(trainer, f->net, 5, NULL, curve, &whole, &err), NSW_OK);
  int status, stops = 0;
  while ((status = nsw_trainer_run(trainer, f->net, 5, &rest, again, &parts, &err)) == NSW_STOPPED) stops++;
  assert_int_equal(status, NSW_OK);
  assert_true(stops >= 4);
  assert_memory_equal(&whole, &parts, sizeof whole);
  assert_memory_equal(curve, again, sizeof curve);
  assert_true(isfinite(whole.valid_loss) && whole.train_accuracy > 0);
  /* A state that was damaged, or is another network's or of another number of epochs, is refused. */
  struct nsw_macro wide = {10, 32, 8, 1};
  struct nsw_net *net = NULL;
  assert_int_equal(nsw_net_build(f->space, 100, &wide, &net, &err), NSW_OK);
  assert_int_equal(nsw_trainer_run(trainer, net, 5, &rest, again, &parts, &err), NSW_FAILED);
  assert_non_null(strstr(err.text, "another network or recipe"));
  assert_int_equal(nsw_trainer_run(trainer, f->net, 5, &rest, NULL, &parts, &err), NSW_FAILED); /* without curves */
  assert_non_null(strstr(err.text, "another network or recipe"));
  nsw_net_free(&net);
  ((char *)m.bytes)[m.size / 2] ^= 1;
  assert_int_equal(nsw_trainer_run(trainer, f->net, 5, &rest, NULL, &parts, &err), NSW_FAILED);
  free(m.bytes);
  nsw_trainer_free(&trainer);
}

static void what_goes_apart_has_a_value(void **state) {
  struct fixture *f = *state;
  struct nsw_error err;
  struct nsw_recipe r = recipe_of((const char *[]){"epochs", "4", "batch", "16", "rate", "1e6", "decay", "100", NULL});
  struct nsw_trainer *trainer;
  struct nsw_trained t;
  assert_int_equal(nsw_trainer_create(&r, f->images, 32, &trainer, &err), NSW_OK);
  assert_int_equal(nsw_trainer_run(trainer, f->net, 5, NULL, NULL, &t, &err), NSW_OK);
  assert_true(t.diverged);
  assert_float_equal(t.valid_accuracy, 10, 1e-9);
  assert_true(t.valid_loss == NSW_DIVERGED && t.train_loss == NSW_DIVERGED);
  nsw_trainer_free(&trainer);
}

static void batches_larger_than_the_data_are_refused(void **state) {
  struct fixture *f = *state;
  struct nsw_error err;
  struct nsw_recipe r = recipe_of((const char *[]){"batch", "64", NULL});
  struct nsw_trainer *trainer = NULL;
  assert_int_equal(nsw_trainer_create(&r, f->images, 32, &trainer, &err), NSW_USAGE);
  assert_non_null(strstr(err.text, "batch = 64"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(settings_are_counted),         cmocka_unit_test(the_cosine_ends_where_it_should),
      cmocka_unit_test(wrong_settings_are_refused),   cmocka_unit_test(sizes_must_divide),
      cmocka_unit_test(slopes_are_the_loss_gradient), cmocka_unit_test(a_training_goes_on_where_it_was_stopped),
      cmocka_unit_test(what_goes_apart_has_a_value),  cmocka_unit_test(batches_larger_than_the_data_are_refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
