/* The engine against the naive reference: logits, losses, every gradient, both spaces, every instruction set. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "net/engine.h"
#include "net/naive.h"
#include "unit.h"

enum { IMAGES = 3 };

static struct nsw_error err;

/* A network, images, and what the reference makes of them. */
struct fixture {
  struct nsw_space *space;
  struct nsw_net *net;
  float *pixels;
  int32_t labels[IMAGES];
  double **param, **grad, **mean, **variance, *logits, loss[IMAGES];
  struct nsw_weights *weights;
  double coefficients[64]; /* the gradients of a supernet's */
};

#define SUPERNET UINT32_MAX /* in an architecture's place */

/* Everything the reference knows of a parameter, from the weights. */
static void copy_weights(struct fixture *f, int p) {
  size_t n = nsw_param_size(&f->net->param[p]);
  float *values = malloc(2 * n * sizeof *values);
  double **arrays[] = {&f->param[p], &f->grad[p], &f->mean[p], &f->variance[p]};
  for (int k = 0; k < 4; k++) *arrays[k] = calloc(n, sizeof(double));
  nsw_weights_get(f->weights, p, values);
  for (size_t i = 0; i < n; i++) f->param[p][i] = values[i];
  if (f->net->param[p].kind == NSW_PARAM_GAMMA) {
    nsw_weights_running(f->weights, p, values, values + n);
    for (size_t i = 0; i < n; i++) {
      f->mean[p][i] = values[i];
      f->variance[p][i] = values[n + i];
    }
  }
  free(values);
}

static void run_reference(struct fixture *f, enum nsw_norm_mode mode, double *const *grad) {
  struct nsw_naive_run run = {.images = IMAGES,
                              .pixels = f->pixels,
                              .labels = f->labels,
                              .param = (const double *const *)f->param,
                              .mode = mode,
                              .mean = f->mean,
                              .variance = f->variance,
                              .logits = f->logits,
                              .loss = f->loss,
                              .coefficients = f->coefficients,
                              .grad = grad};
  assert_int_equal(nsw_naive_run(f->net, &run, &err), NSW_OK);
}

static void set_up(struct fixture *f, const char *space, uint32_t index, struct nsw_macro macro,
                   enum nsw_norm_mode mode, enum nsw_draw rule, uint64_t seed) {
  memset(f, 0, sizeof *f);
  assert_int_equal(nsw_space_open(space, &f->space, &err), NSW_OK);
  macro = nsw_space_macro(f->space, macro);
  if (index == SUPERNET) {
    struct nsw_arch arch;
    nsw_space_kind(f->space)->supernet(&macro, 0.3f, &arch);
    assert_int_equal(nsw_program_make(&arch, NSW_KEEP_NOTHING, &f->net, &err), NSW_OK);
  } else {
    assert_int_equal(nsw_net_build(f->space, index, &macro, &f->net, &err), NSW_OK);
  }
  assert_int_equal(nsw_weights_draw(&f->weights, f->net, rule, 11, &err), NSW_OK);
  size_t pixels = (size_t)IMAGES * 3 * (size_t)macro.resolution * (size_t)macro.resolution;
  f->pixels = malloc(pixels * sizeof(float));
  nsw_random_normal((struct nsw_stream){.seed = seed, .purpose = NSW_FOR_NOISE}, 1, 0, f->pixels, pixels);
  for (int i = 0; i < IMAGES; i++) f->labels[i] = (i * 7) % macro.classes;
  double ***lists[] = {&f->param, &f->grad, &f->mean, &f->variance};
  for (int k = 0; k < 4; k++) *lists[k] = calloc((size_t)f->net->params, sizeof **lists[k]);
  f->logits = calloc((size_t)IMAGES * (size_t)macro.classes, sizeof(double));
  for (int p = 0; p < f->net->params; p++) copy_weights(f, p);
  run_reference(f, mode, f->grad);
}

static void tear_down(struct fixture *f) {
  for (int p = 0; p < f->net->params; p++) {
    free(f->param[p]);
    free(f->grad[p]);
    free(f->mean[p]);
    free(f->variance[p]);
  }
  free(f->param);
  free(f->grad);
  free(f->mean);
  free(f->variance);
  free(f->logits);
  free(f->pixels);
  nsw_weights_free(&f->weights);
  nsw_net_free(&f->net);
  nsw_space_close(&f->space);
}

/* Largest error of any gradient tensor, over the norm of the whole gradient. */
static double gradient_error(const struct fixture *f, const struct nsw_engine *engine) {
  double whole = 0, worst = 0;
  for (int p = 0; p < f->net->params; p++)
    for (size_t i = 0; i < nsw_param_size(&f->net->param[p]); i++) whole += f->grad[p][i] * f->grad[p][i];
  for (int p = 0; p < f->net->params; p++) {
    size_t n = nsw_param_size(&f->net->param[p]);
    float *ours = malloc(n * sizeof *ours);
    double error = 0, square = 0;
    nsw_engine_gradient(engine, p, ours);
    for (size_t i = 0; i < n; i++) {
      error += (ours[i] - f->grad[p][i]) * (ours[i] - f->grad[p][i]);
      square += (double)ours[i] * ours[i];
    }
    free(ours);
    if (error > worst) worst = error;
    enum nsw_param_kind kind = f->net->param[p].kind;
    if (kind == NSW_PARAM_CONV || kind == NSW_PARAM_LINEAR || kind == NSW_PARAM_BIAS)
      assert_true(fabs(nsw_engine_gradient_square(engine, p) - square) <= 1e-9 * square);
  }
  return sqrt(worst / (whole > 0 ? whole : 1));
}

/* Largest error of a logit or a loss, relative where they are large. */
static double value_error(const struct fixture *f, const struct nsw_engine *engine) {
  double worst = 0;
  for (int i = 0; i < IMAGES; i++) {
    worst = fmax(worst, fabs(nsw_engine_losses(engine)[i] - f->loss[i]) / fmax(1, fabs(f->loss[i])));
    for (int k = 0; k < f->net->classes; k++)
      worst =
          fmax(worst, fabs(nsw_engine_logits(engine)[i * f->net->classes + k] - f->logits[i * f->net->classes + k]));
  }
  return worst;
}

/* Largest error of a coefficient's gradient, over the norm of them all. */
static double coefficient_error(const struct fixture *f, const struct nsw_engine *engine) {
  double whole = 0, worst = 0;
  for (int k = 0; k < f->net->coefficients; k++) {
    whole += f->coefficients[k] * f->coefficients[k];
    worst = fmax(worst, fabs(nsw_engine_coefficients(engine)[k] - f->coefficients[k]));
  }
  return worst / (whole > 0 ? sqrt(whole) : 1);
}

/* Largest error of the statistics that a batch moves the running ones to, in one whole step. */
static double statistics_error(const struct fixture *f, const struct nsw_engine *engine) {
  struct nsw_weights *moved = NULL;
  double worst = 0;
  assert_int_equal(nsw_weights_draw(&moved, f->net, NSW_DRAW_AFFINE, 11, &err), NSW_OK);
  assert_int_equal(nsw_engine_track(engine, 1, moved, &err), NSW_OK);
  for (int p = 0; p < f->net->params; p++) {
    size_t n = nsw_param_size(&f->net->param[p]);
    if (f->net->param[p].kind != NSW_PARAM_GAMMA || !f->net->param[p].live) continue;
    float *mean = malloc(2 * n * sizeof *mean), *variance = mean + n;
    double most = 0, error = 0;
    nsw_weights_running(moved, p, mean, variance);
    for (size_t c = 0; c < n; c++) {
      most = fmax(most, fmax(fabs(f->mean[p][c]), f->variance[p][c]));
      error = fmax(error, fmax(fabs(mean[c] - f->mean[p][c]), fabs(variance[c] - f->variance[p][c])));
    }
    worst = fmax(worst, error / most);
    free(mean);
  }
  nsw_weights_free(&moved);
  return worst;
}

/* How a comparison is run. */
struct way {
  enum nsw_norm_mode mode;
  enum nsw_isa isa;
  int slots;
};

/* The largest error, over a run and a second one on used memory and the kept stem. */
static double error_of(const struct fixture *f, struct way way) {
  struct nsw_engine *engine = NULL;
  struct nsw_batch batch = {0};
  struct nsw_run run = {.norm = way.mode, .wanted = NSW_WANT_WEIGHT_GRADS, .group = way.slots};
  double worst = 0;
  assert_int_equal(nsw_engine_create(way.isa, &engine, &err), NSW_OK);
  assert_int_equal(nsw_batch_fill(&batch, f->pixels, f->labels, IMAGES, f->net->resolution, &err), NSW_OK);
  for (int again = 0; again < 2; again++) {
    assert_int_equal(nsw_engine_bind(engine, f->net, f->weights, &batch, run, &err), NSW_OK);
    nsw_engine_run(engine);
    worst = fmax(worst, fmax(value_error(f, engine), gradient_error(f, engine)));
    worst = fmax(worst, coefficient_error(f, engine));
    if (way.mode == NSW_NORM_BATCH) worst = fmax(worst, statistics_error(f, engine));
  }
  nsw_engine_free(&engine);
  nsw_batch_free(&batch);
  return worst;
}

/* Every instruction set, with one slot of images and with three, against one run of the reference. A value that lies
 * within float's rounding of a ReLU's edge may fall on the other side of it than in the reference's double, and take a
 * whole pixel's gradient along: such a way is tried on other images. What is wrong is wrong in every draw. */
static void each_way(const char *space, uint32_t index, struct nsw_macro macro, enum nsw_norm_mode mode,
                     enum nsw_draw rule) {
  const int ways = 2 * ((int)nsw_cpu_isa() + 1);
  double error[2 * NSW_ISAS], worst = 1;
  for (int k = 0; k < ways; k++) error[k] = 1;
  for (uint64_t seed = 1; seed <= 4 && !(worst < 1e-4); seed++) {
    struct fixture f;
    set_up(&f, space, index, macro, mode, rule, seed);
    worst = 0;
    for (int k = 0; k < ways; k++) {
      struct way way = {.mode = mode, .isa = (enum nsw_isa)(k / 2), .slots = k % 2 ? 3 : 1};
      if (!(error[k] < 1e-4)) error[k] = error_of(&f, way);
      worst = fmax(worst, isnan(error[k]) ? INFINITY : error[k]);
    }
    tear_down(&f);
  }
  for (int k = 0; k < ways; k++)
    if (!(error[k] < 1e-4))
      fail_msg("%s %u %s: off by %g", space, (unsigned)index, nsw_isa_name((enum nsw_isa)(k / 2)), error[k]);
}

static void each_isa(const char *space, uint32_t index, struct nsw_macro macro, enum nsw_norm_mode mode) {
  each_way(space, index, macro, mode, NSW_DRAW_OWN);
}

static void test_nb201(void **state) {
  (void)state;
  /* 16 pixels: at 8 the last stage is 2x2, where a pooled image is constant and its normalisation all rounding. */
  struct nsw_macro macro = {.channels = 16, .cells = 1, .resolution = 16};
  for (uint32_t i = 0; i < (brief() ? 2 : 16); i++) each_isa("nb201", i * 977 % 15625, macro, NSW_NORM_SAMPLE);
  each_isa("nb201", 9, (struct nsw_macro){.channels = 16, .cells = 2, .resolution = 12}, NSW_NORM_BATCH);
  if (brief()) return;
  each_isa("nb201", 1111, (struct nsw_macro){.channels = 20, .cells = 1, .resolution = 16, .classes = 100},
           NSW_NORM_BATCH);
}

static void test_nb101(void **state) {
  (void)state;
  struct nsw_macro macro = {.channels = 16, .cells = 1, .resolution = 8};
  for (uint32_t i = 0; i < (brief() ? 0 : 7); i++) each_isa("nb101", i, macro, NSW_NORM_SAMPLE);
  for (uint32_t i = 1; i < (brief() ? 3 : 12); i++) each_isa("nb101", i * 37011 % 423624, macro, NSW_NORM_SAMPLE);
  if (brief()) return;
  each_isa("nb101", 400000, (struct nsw_macro){.channels = 32, .cells = 2, .resolution = 8}, NSW_NORM_BATCH);
}

/* Sums with coefficients, normalised by the image and by the batch. */
static void test_supernet(void **state) {
  (void)state;
  struct nsw_macro macro = {.channels = brief() ? 8 : 16, .cells = 1, .resolution = brief() ? 12 : 16};
  each_isa("nb201", SUPERNET, macro, NSW_NORM_SAMPLE);
  each_isa("nb201", SUPERNET, macro, NSW_NORM_BATCH);
}

/* Gammas, betas and running statistics other than 1 and 0, in every way of normalising. */
static void test_affine(void **state) {
  (void)state;
  static const enum nsw_norm_mode modes[] = {NSW_NORM_SAMPLE, NSW_NORM_BATCH, NSW_NORM_RUNNING};
  for (int k = 0; k < 3; k++) {
    each_way("nb201", 4374, (struct nsw_macro){.channels = 16, .cells = 1, .resolution = 16}, modes[k],
             NSW_DRAW_AFFINE);
    each_way("nb201", 1111, (struct nsw_macro){.channels = 20, .cells = 1, .resolution = 12}, modes[k],
             NSW_DRAW_AFFINE);
    each_way("nb101", 51234, (struct nsw_macro){.channels = 16, .cells = 1, .resolution = 8}, modes[k],
             NSW_DRAW_AFFINE);
  }
  each_way("nb201", 4374, (struct nsw_macro){.channels = 16, .cells = 1, .resolution = 16}, NSW_NORM_RUNNING,
           NSW_DRAW_OWN);
}

/* Looks on, so that images go through layer by layer. */
static void look_on(void *with, const struct nsw_engine *engine, int layer, enum nsw_moment moment) {
  (void)engine;
  (void)layer;
  *(int *)with += moment == NSW_AFTER_SLOPE;
}

/* All results of a run: logits, running statistics, gradients. */
static float *results_of(struct nsw_engine *engine, const struct nsw_net *net, size_t *size) {
  struct nsw_weights *moved = NULL;
  size_t logits = (size_t)nsw_engine_images(engine) * (size_t)net->classes, at = logits;
  for (int p = 0; p < net->params; p++) at += 3 * nsw_param_size(&net->param[p]);
  float *all = calloc(at, sizeof *all);
  memcpy(all, nsw_engine_logits(engine), logits * sizeof *all);
  assert_int_equal(nsw_weights_draw(&moved, net, NSW_DRAW_OWN, 11, &err), NSW_OK);
  assert_int_equal(nsw_engine_track(engine, 0.1f, moved, &err), NSW_OK);
  at = logits;
  for (int p = 0; p < net->params; p++) {
    size_t n = nsw_param_size(&net->param[p]);
    nsw_engine_gradient(engine, p, all + at);
    if (net->param[p].kind == NSW_PARAM_GAMMA) nsw_weights_running(moved, p, all + at + n, all + at + 2 * n);
    at += 3 * n;
  }
  nsw_weights_free(&moved);
  *size = at;
  return all;
}

/* A network on noise: all that a run takes. */
struct trial {
  struct nsw_space *space;
  struct nsw_net *net;
  struct nsw_engine *engine;
  struct nsw_weights *weights;
  struct nsw_batch batch;
};

static void make_trial(struct trial *t, const char *space, uint32_t index, struct nsw_macro macro, enum nsw_draw rule,
                       int images, uint64_t seed, enum nsw_isa isa) {
  *t = (struct trial){.space = NULL};
  assert_int_equal(nsw_space_open(space, &t->space, &err), NSW_OK);
  macro = nsw_space_macro(t->space, macro);
  size_t pixels = (size_t)images * 3 * (size_t)macro.resolution * (size_t)macro.resolution;
  float *noise = malloc(pixels * sizeof *noise);
  nsw_random_normal((struct nsw_stream){.seed = seed, .purpose = NSW_FOR_NOISE}, 1, 0, noise, pixels);
  assert_int_equal(nsw_net_build(t->space, index, &macro, &t->net, &err), NSW_OK);
  assert_int_equal(nsw_weights_draw(&t->weights, t->net, rule, 11, &err), NSW_OK);
  assert_int_equal(nsw_batch_fill(&t->batch, noise, NULL, images, macro.resolution, &err), NSW_OK);
  assert_int_equal(nsw_engine_create(isa, &t->engine, &err), NSW_OK);
  free(noise);
}

static void free_trial(struct trial *t) {
  nsw_engine_free(&t->engine);
  nsw_weights_free(&t->weights);
  nsw_batch_free(&t->batch);
  nsw_net_free(&t->net);
  nsw_space_close(&t->space);
}

/* Images side by side in a block give what they give by themselves, but for rounding, and take less memory. Returns
 * the distance of all results beside their norm. */
static double abreast_error(const char *space_name, uint32_t index, struct nsw_macro macro, int images,
                            enum nsw_isa isa, uint64_t seed) {
  struct trial t;
  float *results[2];
  size_t size = 0, bytes[2];
  make_trial(&t, space_name, index, macro, NSW_DRAW_AFFINE, images, seed, isa);
  for (int i = 0; i < images; i++) t.batch.labels[i] = i % t.net->classes;
  for (int k = 0; k < 2; k++) {
    unsigned wanted = NSW_WANT_WEIGHT_GRADS | (k ? NSW_WANT_ABREAST : 0);
    struct nsw_run run = {.norm = NSW_NORM_BATCH, .wanted = wanted};
    assert_int_equal(nsw_engine_bind(t.engine, t.net, t.weights, &t.batch, run, &err), NSW_OK);
    nsw_engine_run(t.engine);
    results[k] = results_of(t.engine, t.net, &size);
    bytes[k] = nsw_engine_bytes(t.engine);
  }
  assert_true((double)bytes[1] < 0.9 * (double)bytes[0]);
  double apart = 0, square = 0;
  for (size_t i = 0; i < size; i++) {
    double d = (double)results[1][i] - results[0][i];
    apart += d * d;
    square += (double)results[0][i] * results[0][i];
  }
  for (int k = 0; k < 2; k++) free(results[k]);
  free_trial(&t);
  return sqrt(apart / square);
}

/* Where a value falls on the other side of a ReLU's edge, other images are drawn, as above. */
static void compare_abreast(const char *space, uint32_t index, struct nsw_macro macro, int images) {
  for (int isa = 0; isa <= (int)nsw_cpu_isa(); isa++) {
    double error = 1;
    for (uint64_t seed = 1; seed <= 4 && !(error < 1e-5); seed++)
      error = abreast_error(space, index, macro, images, (enum nsw_isa)isa, seed);
    if (!(error < 1e-5))
      fail_msg("%s %u %s: off by %g", space, (unsigned)index, nsw_isa_name((enum nsw_isa)isa), error);
  }
}

/* Four of four channels, two of eight, and widths that do not fill their lanes; a last piece that is not full; and so
 * many images that statistics are taken in one walk. */
static void test_abreast(void **state) {
  (void)state;
  static const uint32_t cells[] = {4374, 99, 13985, 5, 7031};
  static const int channels[] = {4, 3, 6, 8, 2};
  for (int k = 0; k < (brief() ? 2 : 5); k++)
    compare_abreast("nb201", cells[k], (struct nsw_macro){.channels = channels[k], .cells = 1, .resolution = 8},
                    k % 2 ? 68 : 28);
  compare_abreast("sss", 0, (struct nsw_macro){.resolution = 8}, 36);
}

/* A batch that goes through in pieces gives what it gives layer by layer, bit for bit. */
static void compare_pieces(const char *space_name, uint32_t index, struct nsw_macro macro, enum nsw_draw rule,
                           int images) {
  struct trial t;
  float *results[3];
  size_t size = 0;
  int slopes = 0;
  make_trial(&t, space_name, index, macro, rule, images, 1, nsw_cpu_isa());
  for (int k = 0; k < 3; k++) { /* the last time on memory that was used in the other way */
    struct nsw_run run = {.norm = NSW_NORM_BATCH, .wanted = NSW_WANT_WEIGHT_GRADS};
    assert_int_equal(nsw_engine_bind(t.engine, t.net, t.weights, &t.batch, run, &err), NSW_OK);
    nsw_engine_observe(t.engine, k == 1 ? look_on : NULL, &slopes);
    nsw_engine_run(t.engine);
    results[k] = results_of(t.engine, t.net, &size);
  }
  assert_true(slopes > 0);
  for (int k = 1; k < 3; k++) assert_memory_equal(results[0], results[k], size * sizeof **results);
  for (int k = 0; k < 3; k++) free(results[k]);
  free_trial(&t);
}

static void test_pieces(void **state) {
  (void)state;
  struct nsw_macro large = {.channels = 16, .cells = 2, .resolution = 16};
  struct nsw_macro small = {.channels = 24, .cells = 2, .resolution = 8};
  for (uint32_t i = 0; i < (brief() ? 1 : 12); i++)
    compare_pieces("nb201", (i * 1301 + 9) % 15625, large, i % 2 ? NSW_DRAW_OWN : NSW_DRAW_AFFINE, 25 + (int)i);
  for (uint32_t i = 0; i < (brief() ? 1 : 8); i++)
    compare_pieces("nb101", (i * 57011 + 1) % 423624, small, i % 2 ? NSW_DRAW_OWN : NSW_DRAW_AFFINE, 32 - (int)i);
  /* Rows that do not fill the last strip of convolutions that go together. */
  compare_pieces("nb101", 57012, (struct nsw_macro){.channels = 24, .cells = 1, .resolution = 12}, NSW_DRAW_OWN, 9);
  if (brief()) return;
  /* So many that statistics are taken in one walk. */
  compare_pieces("nb201", 4374, (struct nsw_macro){.channels = 8, .cells = 1, .resolution = 8}, NSW_DRAW_AFFINE, 67);
}

/* ---- the reference itself, against differences of its losses ---- */

static double summed_loss(struct fixture *f, enum nsw_norm_mode mode) {
  double sum = 0;
  memset(f->logits, 0, (size_t)IMAGES * (size_t)f->net->classes * sizeof(double));
  run_reference(f, mode, NULL);
  for (int i = 0; i < IMAGES; i++) sum += f->loss[i];
  return sum;
}

/* The loss a step to either side of one entry: the slope between them must be the gradient's entry. */
static void check_slope(struct fixture *f, enum nsw_norm_mode mode, int param, size_t entry) {
  const double step = 1e-6, was = f->param[param][entry], gradient = f->grad[param][entry];
  f->param[param][entry] = was + step;
  double above = summed_loss(f, mode);
  f->param[param][entry] = was - step;
  double slope = (above - summed_loss(f, mode)) / (2 * step);
  f->param[param][entry] = was;
  if (!(fabs(slope - gradient) <= 1e-6 * (1 + fabs(gradient))))
    fail_msg("parameter %d, entry %zu: gradient %.9g, slope %.9g", param, entry, gradient, slope);
}

/* First and last live parameter of every kind, with a gamma and a beta that are not 1 and 0; first, middle and last
 * entry. */
static void check_slopes(const char *space, uint32_t index, struct nsw_macro macro, enum nsw_norm_mode mode) {
  struct fixture f;
  set_up(&f, space, index, macro, mode, NSW_DRAW_AFFINE, 5);
  for (int kind = NSW_PARAM_CONV; kind <= NSW_PARAM_BIAS; kind++) {
    int list[2] = {-1, -1};
    for (int p = 0; p < f.net->params; p++)
      if ((int)f.net->param[p].kind == kind && f.net->param[p].live) list[list[0] >= 0] = p;
    for (int k = 0; k < 2; k++) {
      size_t size = list[k] >= 0 ? nsw_param_size(&f.net->param[list[k]]) : 0;
      for (size_t i = 0; size && i < 3; i++) check_slope(&f, mode, list[k], i * (size - 1) / 2);
    }
  }
  tear_down(&f);
}

static void test_differences(void **state) {
  (void)state;
  if (brief()) skip();
  check_slopes("nb201", 4400, (struct nsw_macro){.channels = 4, .cells = 1, .resolution = 16}, NSW_NORM_SAMPLE);
  check_slopes("nb101", 51234, (struct nsw_macro){.channels = 8, .cells = 1, .resolution = 8}, NSW_NORM_BATCH);
  check_slopes("nb201", 4400, (struct nsw_macro){.channels = 4, .cells = 1, .resolution = 16}, NSW_NORM_RUNNING);
}

/* What can be had is what the kernel says, give or take what others take meanwhile; in bytes. */
static void test_memory(void **state) {
  (void)state;
  char line[128];
  double kilobytes = 0, found = nsw_memory_available();
  FILE *f = fopen("/proc/meminfo", "r");
  while (f && kilobytes == 0 && fgets(line, sizeof line, f)) (void)sscanf(line, "MemAvailable: %lf", &kilobytes);
  if (f) fclose(f);
  if (kilobytes == 0) skip();
  assert_true(found > 0.5 * 1024 * kilobytes && found < 2 * 1024 * kilobytes);
}

/* A network that no machine holds is refused before anything is allocated, with its size. */
static void test_too_large(void **state) {
  (void)state;
  struct nsw_space *space = NULL;
  struct nsw_net *net = NULL;
  struct nsw_engine *engine = NULL;
  struct nsw_weights *weights = NULL;
  struct nsw_batch batch = {0};
  struct nsw_run run = {.norm = NSW_NORM_SAMPLE, .wanted = NSW_WANT_WEIGHT_GRADS};
  static const float pixels[2 * 3 * 32 * 32];
  static const int32_t labels[2];
  assert_int_equal(nsw_space_open("nb101", &space, &err), NSW_OK);
  struct nsw_macro macro = nsw_space_macro(space, (struct nsw_macro){.channels = 65536});
  assert_int_equal(nsw_net_build(space, 5, &macro, &net, &err), NSW_OK);
  assert_int_equal(nsw_weights_draw(&weights, net, NSW_DRAW_OWN, 1, &err), NSW_OK);
  assert_int_equal(nsw_engine_create(nsw_cpu_isa(), &engine, &err), NSW_OK);
  assert_int_equal(nsw_batch_fill(&batch, pixels, labels, 2, 32, &err), NSW_OK);
  assert_int_equal(nsw_engine_bind(engine, net, weights, &batch, run, &err), NSW_FAILED);
  assert_non_null(strstr(err.text, "not enough memory for a network of"));
  /* Images of another size than the network's, and labels of more classes. */
  assert_int_equal(nsw_batch_fill(&batch, pixels, labels, 2, 16, &err), NSW_OK);
  assert_int_equal(nsw_engine_bind(engine, net, weights, &batch, run, &err), NSW_USAGE);
  assert_int_equal(nsw_batch_fill(&batch, pixels, (int32_t[]){0, 10}, 2, 32, &err), NSW_OK);
  assert_int_equal(nsw_engine_bind(engine, net, weights, &batch, run, &err), NSW_USAGE);
  assert_non_null(strstr(err.text, "image 1 has the label 10"));
  nsw_engine_free(&engine);
  nsw_weights_free(&weights);
  nsw_batch_free(&batch);
  nsw_net_free(&net);
  nsw_space_close(&space);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nb201),       cmocka_unit_test(test_nb101),     cmocka_unit_test(test_affine),
      cmocka_unit_test(test_supernet),    cmocka_unit_test(test_pieces),    cmocka_unit_test(test_abreast),
      cmocka_unit_test(test_differences), cmocka_unit_test(test_too_large), cmocka_unit_test(test_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
