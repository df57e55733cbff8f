/* Hessian times weights against a difference quotient of the naive reference's gradients, in double: both spaces, every
 * instruction set. PyTorch's double backward is the peer of tests/system/proxies.t. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "net/naive.h"
#include "net/tangent.h"
#include "unit.h"

enum { IMAGES = 3 };

/* How far the reference moves the weights: in double the quotient errs by some 1e-10. */
#define STEP 1e-6

static struct nsw_error err;

/* A network, images, the gradients g of the summed loss, and H w + g. */
struct fixture {
  struct nsw_space *space;
  struct nsw_net *net;
  float *pixels;
  int32_t labels[IMAGES];
  double **param, **g, **hw;
};

static bool moves(const struct nsw_param *p) { return p->kind == NSW_PARAM_CONV || p->kind == NSW_PARAM_LINEAR; }

/* Adds factor times the gradients at (1 + step) w to sum. */
static void add_gradients(struct fixture *f, double step, double factor, double **sum) {
  int params = f->net->params;
  double **at = calloc((size_t)params, sizeof *at), **grad = calloc((size_t)params, sizeof *grad);
  double *logits = calloc((size_t)IMAGES * (size_t)f->net->classes, sizeof *logits), loss[IMAGES];
  for (int p = 0; p < params; p++) {
    size_t n = nsw_param_size(&f->net->param[p]);
    at[p] = malloc(n * sizeof(double));
    grad[p] = calloc(n, sizeof(double));
    for (size_t i = 0; i < n; i++) at[p][i] = f->param[p][i] * (moves(&f->net->param[p]) ? 1 + step : 1);
  }
  struct nsw_naive_run run = {.images = IMAGES,
                              .pixels = f->pixels,
                              .labels = f->labels,
                              .param = (const double *const *)at,
                              .mode = NSW_NORM_BATCH,
                              .logits = logits,
                              .loss = loss,
                              .grad = grad};
  assert_int_equal(nsw_naive_run(f->net, &run, &err), NSW_OK);
  for (int p = 0; p < params; p++) {
    for (size_t i = 0; i < nsw_param_size(&f->net->param[p]); i++) sum[p][i] += factor * grad[p][i];
    free(at[p]);
    free(grad[p]);
  }
  free(at);
  free(grad);
  free(logits);
}

static void set_up(struct fixture *f, const char *space, uint32_t index, struct nsw_macro macro, uint64_t seed) {
  memset(f, 0, sizeof *f);
  assert_int_equal(nsw_space_open(space, &f->space, &err), NSW_OK);
  macro = nsw_space_macro(f->space, macro);
  assert_int_equal(nsw_net_build(f->space, index, &macro, &f->net, &err), NSW_OK);
  size_t pixels = (size_t)IMAGES * 3 * (size_t)macro.resolution * (size_t)macro.resolution;
  f->pixels = malloc(pixels * sizeof(float));
  nsw_random_normal((struct nsw_stream){.seed = seed, .purpose = NSW_FOR_NOISE}, 1, 0, f->pixels, pixels);
  for (int i = 0; i < IMAGES; i++) f->labels[i] = (i * 7) % macro.classes;
  double ***arrays[] = {&f->param, &f->g, &f->hw};
  for (int k = 0; k < 3; k++) *arrays[k] = calloc((size_t)f->net->params, sizeof **arrays[k]);
  for (int p = 0; p < f->net->params; p++) {
    size_t n = nsw_param_size(&f->net->param[p]);
    float *values = malloc(n * sizeof *values);
    for (int k = 0; k < 3; k++) (*arrays[k])[p] = calloc(n, sizeof(double));
    nsw_param_draw(&f->net->param[p], NSW_DRAW_OWN, 11, values);
    for (size_t i = 0; i < n; i++) f->param[p][i] = values[i];
    free(values);
  }
  add_gradients(f, 0, 1, f->g);
  add_gradients(f, STEP, 1 / (2 * STEP), f->hw);
  add_gradients(f, -STEP, -1 / (2 * STEP), f->hw);
}

static void tear_down(struct fixture *f) {
  for (int p = 0; p < f->net->params; p++) {
    free(f->param[p]);
    free(f->g[p]);
    free(f->hw[p]);
  }
  free(f->param);
  free(f->g);
  free(f->hw);
  free(f->pixels);
  nsw_net_free(&f->net);
  nsw_space_close(&f->space);
}

/* Error of H w over its norm, and of g' H w over the sum of its tensors' absolute parts; the larger one. */
static double error_of(const struct fixture *f, const struct nsw_engine *engine) {
  double error = 0, whole = 0, ours = 0, true_value = 0, parts = 0;
  for (int p = 0; p < f->net->params; p++) {
    size_t n = nsw_param_size(&f->net->param[p]);
    if (!moves(&f->net->param[p])) continue;
    float *left = malloc(n * sizeof *left);
    double part = 0;
    nsw_engine_gradient(engine, p, left);
    for (size_t i = 0; i < n; i++) {
      double hw = left[i] - f->g[p][i];
      error += (hw - f->hw[p][i]) * (hw - f->hw[p][i]);
      whole += f->hw[p][i] * f->hw[p][i];
      ours += hw * f->g[p][i];
      part += f->hw[p][i] * f->g[p][i];
    }
    true_value += part;
    parts += fabs(part);
    free(left);
  }
  assert_true(whole > 0);
  return fmax(sqrt(error / whole), fabs(ours - true_value) / parts);
}

/* The error, and that of a second time on used memory, after another way of use; the larger one. */
static double error_with(const struct fixture *f, enum nsw_isa isa) {
  struct nsw_engine *engine = NULL;
  struct nsw_weights *weights = NULL;
  struct nsw_batch batch = {0};
  double worst = 0;
  assert_int_equal(nsw_engine_create(isa, &engine, &err), NSW_OK);
  assert_int_equal(nsw_batch_fill(&batch, f->pixels, f->labels, IMAGES, f->net->resolution, &err), NSW_OK);
  assert_int_equal(nsw_weights_draw(&weights, f->net, NSW_DRAW_OWN, 11, &err), NSW_OK);
  for (int again = 0; again < 2; again++) {
    struct nsw_run run = {.norm = NSW_NORM_BATCH, .wanted = NSW_WANT_TANGENT};
    assert_int_equal(nsw_engine_bind(engine, f->net, weights, &batch, run, &err), NSW_OK);
    nsw_engine_tangent(engine);
    worst = fmax(worst, error_of(f, engine));
    run.wanted = NSW_WANT_WEIGHT_GRADS;
    assert_int_equal(nsw_engine_bind(engine, f->net, weights, &batch, run, &err), NSW_OK);
    nsw_engine_run(engine);
  }
  nsw_engine_free(&engine);
  nsw_weights_free(&weights);
  nsw_batch_free(&batch);
  return worst;
}

/* Every instruction set against one run of the reference; other images where a value lies within float's rounding of a
 * ReLU's edge, as in test_engine.c. */
static void compare(const char *space, uint32_t index, struct nsw_macro macro) {
  double error[NSW_ISAS], worst = 1;
  for (int isa = 0; isa <= (int)nsw_cpu_isa(); isa++) error[isa] = 1;
  for (uint64_t seed = 1; seed <= 4 && !(worst < 1e-4); seed++) {
    struct fixture f;
    set_up(&f, space, index, macro, seed);
    worst = 0;
    for (int isa = 0; isa <= (int)nsw_cpu_isa(); isa++) {
      if (!(error[isa] < 1e-4)) error[isa] = error_with(&f, (enum nsw_isa)isa);
      worst = fmax(worst, isnan(error[isa]) ? INFINITY : error[isa]);
    }
    tear_down(&f);
  }
  for (int isa = 0; isa <= (int)nsw_cpu_isa(); isa++)
    if (!(error[isa] < 1e-4))
      fail_msg("%s %u %s: off by %g", space, (unsigned)index, nsw_isa_name((enum nsw_isa)isa), error[isa]);
}

static void test_nb201(void **state) {
  (void)state;
  struct nsw_macro macro = {.channels = 16, .cells = 1, .resolution = 16};
  for (uint32_t i = 0; i < (brief() ? 1 : 6); i++) compare("nb201", (i * 2977 + 9) % 15625, macro);
  if (!brief())
    compare("nb201", 1111, (struct nsw_macro){.channels = 20, .cells = 1, .resolution = 12, .classes = 100});
}

static void test_nb101(void **state) {
  (void)state;
  struct nsw_macro macro = {.channels = 16, .cells = 1, .resolution = 8};
  for (uint32_t i = 0; i < (brief() ? 0 : 3); i++)
    compare("nb101", i, macro); /* without inner vertices, and with one */
  for (uint32_t i = 1; i < (brief() ? 2 : 5); i++) compare("nb101", i * 87011 % 423624, macro);
  if (!brief()) compare("nb101", 400000, (struct nsw_macro){.channels = 20, .cells = 1, .resolution = 12});
}

/* Where nothing comes out, nothing depends on the weights. */
static void test_no_path(void **state) {
  (void)state;
  struct nsw_space *space = NULL;
  struct nsw_net *net = NULL;
  struct nsw_engine *engine = NULL;
  struct nsw_weights *weights = NULL;
  struct nsw_batch batch = {0};
  static const float pixels[2 * 3 * 16 * 16];
  static const int32_t labels[2];
  assert_int_equal(nsw_space_open("nb201", &space, &err), NSW_OK);
  struct nsw_macro macro = nsw_space_macro(space, (struct nsw_macro){.channels = 16, .cells = 1, .resolution = 16});
  for (uint32_t i = 0; !net || net->features >= 0; i++) {
    nsw_net_free(&net);
    assert_int_equal(nsw_net_build(space, i, &macro, &net, &err), NSW_OK);
  }
  assert_int_equal(nsw_engine_create(nsw_cpu_isa(), &engine, &err), NSW_OK);
  assert_int_equal(nsw_batch_fill(&batch, pixels, labels, 2, 16, &err), NSW_OK);
  assert_int_equal(nsw_weights_draw(&weights, net, NSW_DRAW_OWN, 1, &err), NSW_OK);
  struct nsw_run run = {.norm = NSW_NORM_BATCH, .wanted = NSW_WANT_TANGENT};
  assert_int_equal(nsw_engine_bind(engine, net, weights, &batch, run, &err), NSW_OK);
  nsw_engine_tangent(engine);
  assert_true(nsw_engine_gradient_square(engine, net->head_weight) == 0);
  /* Tangents know neither other gammas and betas nor other normalisations. */
  run.norm = NSW_NORM_SAMPLE;
  assert_int_equal(nsw_engine_bind(engine, net, weights, &batch, run, &err), NSW_USAGE);
  run.norm = NSW_NORM_BATCH;
  assert_int_equal(nsw_weights_draw(&weights, net, NSW_DRAW_AFFINE, 1, &err), NSW_OK);
  assert_int_equal(nsw_engine_bind(engine, net, weights, &batch, run, &err), NSW_USAGE);
  nsw_engine_free(&engine);
  nsw_weights_free(&weights);
  nsw_batch_free(&batch);
  nsw_net_free(&net);
  nsw_space_close(&space);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_nb201), cmocka_unit_test(test_nb101),
                                     cmocka_unit_test(test_no_path)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
