/* Weights as a value: drawn, held, set, stepped; and what an engine makes of a step. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "net/engine.h"
#include "unit.h"

enum { IMAGES = 8 };

static struct nsw_error err;

struct fixture {
  struct nsw_space *space;
  struct nsw_net *net;
  int conv, gamma, dead; /* parameters: a live convolution, its gamma, a dead convolution */
};

/* A small nb201 cell with a dead convolution. */
static int set_up(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_int_equal(nsw_space_open("nb201", &f->space, &err), NSW_OK);
  struct nsw_macro macro = nsw_space_macro(f->space, (struct nsw_macro){.channels = 8, .cells = 1, .resolution = 16});
  for (uint32_t i = 0; !f->dead; i++) {
    nsw_net_free(&f->net);
    assert_int_equal(nsw_net_build(f->space, i, &macro, &f->net, &err), NSW_OK);
    for (int p = 0; p < f->net->params && f->net->features >= 0; p++)
      if (!f->dead && f->net->param[p].kind == NSW_PARAM_CONV && !f->net->param[p].live) f->dead = p;
  }
  f->gamma = f->conv + 1;
  assert_int_equal(f->net->param[f->gamma].kind, NSW_PARAM_GAMMA);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  struct fixture *f = *state;
  nsw_net_free(&f->net);
  nsw_space_close(&f->space);
  free(f);
  return 0;
}

static void test_held_as_drawn(void **state) {
  struct fixture *f = *state;
  struct nsw_weights *w = NULL;
  float drawn[4096], got[4096];
  uint64_t seed = 0;
  for (int rule = 0; rule < NSW_DRAWS; rule++) {
    assert_int_equal(nsw_weights_draw(&w, f->net, (enum nsw_draw)rule, 7, &err), NSW_OK);
    assert_null(nsw_weights_at(w, f->conv));
    assert_int_equal(nsw_weights_hold(w, NSW_HOLD_MATRICES, &err), NSW_OK);
    assert_non_null(nsw_weights_at(w, f->conv));
    assert_null(nsw_weights_at(w, f->gamma));
    assert_null(nsw_weights_at(w, f->dead));
    assert_int_equal(nsw_weights_affine(w), rule == NSW_DRAW_AFFINE);
    assert_int_equal(nsw_weights_own(w, f->conv, &seed), rule == NSW_DRAW_OWN);
    assert_int_equal(nsw_weights_hold(w, NSW_HOLD_ALL, &err), NSW_OK);
    for (int p = 0; p < f->net->params; p++) {
      size_t n = nsw_param_size(&f->net->param[p]);
      if (n > 4096) continue;
      nsw_param_draw(&f->net->param[p], (enum nsw_draw)rule, 7, drawn);
      nsw_weights_get(w, p, got);
      assert_memory_equal(drawn, got, n * sizeof *got);
      assert_memory_equal(drawn, nsw_weights_at(w, p), n * sizeof *got);
    }
    assert_true(nsw_weights_affine(w));
  }
  /* Drawn again, nothing of before is there. */
  assert_int_equal(nsw_weights_set(w, f->conv, got, &err), NSW_OK);
  assert_int_equal(nsw_weights_draw(&w, f->net, NSW_DRAW_OWN, 8, &err), NSW_OK);
  nsw_param_draw(&f->net->param[f->conv], NSW_DRAW_OWN, 8, drawn);
  nsw_weights_get(w, f->conv, got);
  assert_memory_equal(drawn, got, nsw_param_size(&f->net->param[f->conv]) * sizeof *got);
  assert_true(nsw_weights_own(w, f->conv, &seed) && seed == 8);
  nsw_weights_free(&w);
}

static void test_set_and_running(void **state) {
  struct fixture *f = *state;
  struct nsw_weights *w = NULL;
  float values[4096], mean[64], variance[64];
  uint64_t seed;
  size_t n = nsw_param_size(&f->net->param[f->conv]);
  assert_int_equal(nsw_weights_draw(&w, f->net, NSW_DRAW_OWN, 7, &err), NSW_OK);
  for (size_t i = 0; i < n; i++) values[i] = (float)i;
  assert_int_equal(nsw_weights_set(w, f->conv, values, &err), NSW_OK);
  assert_memory_equal(nsw_weights_at(w, f->conv), values, n * sizeof *values);
  assert_false(nsw_weights_own(w, f->conv, &seed));
  assert_false(nsw_weights_affine(w));
  nsw_weights_running(w, f->gamma, mean, variance);
  for (int c = 0; c < 8; c++) assert_true(mean[c] == 0 && variance[c] == 1);
  for (int c = 0; c < 8; c++) {
    mean[c] = (float)c;
    variance[c] = (float)(10 + c);
  }
  assert_int_equal(nsw_weights_set_running(w, f->gamma, mean, variance, &err), NSW_OK);
  memset(mean, 0, sizeof mean);
  nsw_weights_running(w, f->gamma, mean, variance);
  for (int c = 0; c < 8; c++) assert_true(mean[c] == (float)c && variance[c] == (float)(10 + c));
  assert_memory_equal(nsw_weights_at(w, f->conv), values, n * sizeof *values); /* not the same memory */
  nsw_weights_free(&w);
}

/* Two steps of one entry by hand: PyTorch's SGD. */
static void check_step(const struct fixture *f, struct nsw_step step, double want_first, double want_second) {
  struct nsw_weights *w = NULL, *v = NULL, *g = NULL;
  size_t n = nsw_param_size(&f->net->param[f->conv]);
  float *ones = malloc(n * sizeof *ones), dead[4096], after[4096];
  for (size_t i = 0; i < n; i++) ones[i] = 1;
  assert_int_equal(nsw_weights_draw(&w, f->net, NSW_DRAW_OWN, 7, &err), NSW_OK);
  assert_int_equal(nsw_weights_draw(&v, f->net, NSW_DRAW_ZERO, 0, &err), NSW_OK);
  assert_int_equal(nsw_weights_draw(&g, f->net, NSW_DRAW_ZERO, 0, &err), NSW_OK);
  assert_int_equal(nsw_weights_set(w, f->conv, ones, &err), NSW_OK);
  for (size_t i = 0; i < n; i++) ones[i] = 0.5f;
  assert_int_equal(nsw_weights_set(g, f->conv, ones, &err), NSW_OK);
  nsw_weights_get(w, f->dead, dead);
  assert_int_equal(nsw_weights_step(w, v, g, &step, &err), NSW_OK);
  assert_true(fabs(nsw_weights_at(w, f->conv)[0] - want_first) < 1e-6);
  assert_int_equal(nsw_weights_step(w, v, g, &step, &err), NSW_OK);
  assert_true(fabs(nsw_weights_at(w, f->conv)[n - 1] - want_second) < 1e-6);
  nsw_weights_get(w, f->dead, after);
  assert_memory_equal(dead, after, nsw_param_size(&f->net->param[f->dead]) * sizeof *dead);
  /* What has no gradient decays alone. */
  float gamma = nsw_weights_at(w, f->gamma)[0];
  assert_true(step.decay == 0 ? gamma == 1 : gamma < 1);
  nsw_weights_free(&w);
  nsw_weights_free(&v);
  nsw_weights_free(&g);
  free(ones);
}

static void test_steps(void **state) {
  struct fixture *f = *state;
  /* w = 1, g = 0.5: 1 - 0.1 * 0.5, twice. */
  check_step(f, (struct nsw_step){.rate = 0.1f}, 0.95, 0.9);
  /* v = 0.5, then 0.9 * 0.5 + 0.5. */
  check_step(f, (struct nsw_step){.rate = 0.1f, .momentum = 0.9f}, 0.95, 0.95 - 0.095);
  /* d = 0.5 + 0.1 * 1 = 0.6, v = 0.6, step 0.6 + 0.9 * 0.6 = 1.14; then d = 0.5 + 0.0886, v = 1.1286, 1.60434. */
  check_step(f, (struct nsw_step){.rate = 0.1f, .momentum = 0.9f, .decay = 0.1f, .nesterov = true}, 0.886,
             0.886 - 0.160434);
}

/* Twenty steps of training on a few images make their loss small; weights that are stepped are what the engine runs. */
/* One of a held parameter's numbers that is none is seen, wherever it stands. */
static void test_finite(void **state) {
  struct fixture *f = *state;
  struct nsw_weights *w = NULL;
  size_t last = nsw_param_size(&f->net->param[f->conv]) - 1;
  const float bad[] = {NAN, INFINITY, -INFINITY};
  assert_int_equal(nsw_weights_draw(&w, f->net, NSW_DRAW_OWN, 7, &err), NSW_OK);
  assert_int_equal(nsw_weights_hold(w, NSW_HOLD_LIVE, &err), NSW_OK);
  assert_true(nsw_weights_finite(w));
  for (int k = 0; k < 3; k++) {
    float *x = nsw_weights_edit(w, f->conv, &err);
    size_t at = k ? last : 0;
    float was = x[at];
    x[at] = bad[k];
    assert_false(nsw_weights_finite(w));
    x[at] = was;
    assert_true(nsw_weights_finite(w));
  }
  nsw_weights_free(&w);
}

static void test_training(void **state) {
  struct fixture *f = *state;
  struct nsw_weights *w = NULL, *v = NULL, *g = NULL;
  struct nsw_engine *engine = NULL;
  struct nsw_batch batch = {0};
  struct nsw_run train = {.norm = NSW_NORM_BATCH, .wanted = NSW_WANT_WEIGHT_GRADS};
  struct nsw_step step = {.rate = 0.1f, .momentum = 0.9f, .decay = 5e-4f, .nesterov = true};
  static float pixels[IMAGES * 3 * 16 * 16];
  static const int32_t labels[IMAGES] = {0, 1, 2, 3, 4, 5, 6, 7};
  double loss = 0, first = 0;
  nsw_random_normal((struct nsw_stream){.seed = 1, .purpose = NSW_FOR_NOISE}, 1, 0, pixels, IMAGES * 3 * 16 * 16);
  assert_int_equal(nsw_batch_fill(&batch, pixels, labels, IMAGES, 16, &err), NSW_OK);
  assert_int_equal(nsw_weights_draw(&w, f->net, NSW_DRAW_OWN, 7, &err), NSW_OK);
  assert_int_equal(nsw_weights_draw(&v, f->net, NSW_DRAW_ZERO, 0, &err), NSW_OK);
  assert_int_equal(nsw_weights_draw(&g, f->net, NSW_DRAW_ZERO, 0, &err), NSW_OK);
  assert_int_equal(nsw_engine_create(nsw_cpu_isa(), &engine, &err), NSW_OK);
  assert_int_equal(nsw_engine_bind(engine, f->net, w, &batch, train, &err), NSW_OK);
  for (int k = 0; k < 30; k++) {
    nsw_engine_clear(engine);
    nsw_engine_run(engine);
    loss = 0;
    for (int i = 0; i < IMAGES; i++) loss += nsw_engine_losses(engine)[i] / IMAGES;
    first = k ? first : loss;
    assert_int_equal(nsw_engine_track(engine, (float)NSW_NORM_MOMENTUM, w, &err), NSW_OK);
    assert_int_equal(nsw_engine_gradients(engine, 1.0f / IMAGES, g, &err), NSW_OK);
    assert_int_equal(nsw_weights_step(w, v, g, &step, &err), NSW_OK);
    assert_int_equal(nsw_engine_reweigh(engine, w, &err), NSW_OK);
  }
  assert_true(first > 1.5 && loss < 0.1);
  /* Evaluation by running statistics, and by an image less than a group. */
  assert_int_equal(nsw_engine_bind(engine, f->net, w, &batch, (struct nsw_run){.norm = NSW_NORM_RUNNING}, &err),
                   NSW_OK);
  nsw_engine_forward(engine);
  float together = nsw_engine_logits(engine)[3];
  int right = 0;
  for (int i = 0; i < IMAGES; i++) right += nsw_engine_losses(engine)[i] < log(2);
  assert_true(right >= IMAGES - 2);
  assert_int_equal(nsw_batch_fill(&batch, pixels, labels, 1, 16, &err), NSW_OK);
  assert_int_equal(nsw_engine_show(engine, &batch, &err), NSW_OK);
  nsw_engine_forward(engine);
  assert_true(fabsf(nsw_engine_logits(engine)[3] - together) <= 1e-5f * fabsf(together));
  nsw_engine_free(&engine);
  nsw_weights_free(&w);
  nsw_weights_free(&v);
  nsw_weights_free(&g);
  nsw_batch_free(&batch);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_held_as_drawn), cmocka_unit_test(test_set_and_running),
                                     cmocka_unit_test(test_steps), cmocka_unit_test(test_training),
                                     cmocka_unit_test(test_finite)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
