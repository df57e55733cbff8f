#include "proxy/pass.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/images.h"
#include "net/tangent.h"

/* ---- what several passes need ---- */

static bool reserve(float **array, size_t *room, size_t floats) {
  if (floats <= *room) return true;
  free(*array);
  *array = malloc(floats * sizeof **array);
  *room = *array ? floats : 0;
  return *array != NULL;
}

bool nsw_is_weight(const struct nsw_param *p) {
  return p->live && (p->kind == NSW_PARAM_CONV || p->kind == NSW_PARAM_LINEAR);
}

static void scale(float *x, size_t n, float factor) {
  for (size_t i = 0; i < n; i++) x[i] *= factor;
}

static int bind(struct nsw_lab *lab, enum nsw_norm_mode norm, unsigned wanted, struct nsw_error *err) {
  return nsw_engine_bind(lab->engine, lab->net, lab->weights, lab->batch,
                         (struct nsw_run){.norm = norm, .wanted = wanted}, err);
}

/* ---- the data's images, normalised by batch: forward, train, jacobian ---- */

static int bind_data(struct nsw_lab *lab, struct nsw_error *err) { return bind(lab, NSW_NORM_BATCH, lab->wanted, err); }

static double work_forward(int n) {
  (void)n;
  return 1;
}

static int run_forward(struct nsw_lab *lab, struct nsw_error *err) {
  (void)err;
  nsw_engine_forward(lab->engine);
  return NSW_OK;
}

const struct nsw_pass nsw_pass_forward = {.name = "forward",
                                          .text = "forward, normalised by batch",
                                          .work = work_forward,
                                          .bind = bind_data,
                                          .run = run_forward,
                                          .included = &nsw_pass_train};

static double work_train(int n) {
  (void)n;
  return 3;
}

static int run_train(struct nsw_lab *lab, struct nsw_error *err) {
  (void)err;
  nsw_engine_clear(lab->engine);
  nsw_engine_forward(lab->engine);
  nsw_engine_backward(lab->engine, NULL, NSW_WANT_WEIGHT_GRADS);
  return NSW_OK;
}

const struct nsw_pass nsw_pass_train = {.name = "train",
                                        .text = "forward and back from the cross-entropy to the weights",
                                        .work = work_train,
                                        .bind = bind_data,
                                        .run = run_train,
                                        .wanted = NSW_WANT_WEIGHT_GRADS,
                                        .reads_weights = true};

static double work_jacobian(int n) {
  (void)n;
  return 2;
}

static int run_jacobian(struct nsw_lab *lab, struct nsw_error *err) {
  size_t logits = (size_t)lab->samples * (size_t)lab->net->classes, side = (size_t)lab->net->resolution;
  float *ones = malloc(logits * sizeof *ones);
  if (!ones) return nsw_no_memory(err, "the Jacobian");
  for (size_t i = 0; i < logits; i++) ones[i] = 1;
  nsw_engine_forward(lab->engine);
  nsw_engine_backward(lab->engine, ones, NSW_WANT_IMAGE_GRADS);
  free(ones);
  for (int i = 0; i < lab->samples; i++)
    nsw_engine_input_gradient(lab->engine, i, lab->jacobian + (size_t)i * 3 * side * side);
  return NSW_OK;
}

const struct nsw_pass nsw_pass_jacobian = {.name = "jacobian",
                                           .text = "forward and back from the sum of all logits to the images",
                                           .work = work_jacobian,
                                           .bind = bind_data,
                                           .run = run_jacobian,
                                           .wanted = NSW_WANT_IMAGE_GRADS};

/* ---- tangents ---- */

/* Copies all gradients of nsw_pass_train, of the mean loss, one behind the other. */
static int keep_base(struct nsw_lab *lab, struct nsw_error *err) {
  size_t all = nsw_weights_in(lab->net);
  if (!reserve(&lab->base, &lab->base_room, all)) return nsw_no_memory(err, "%zu gradients", all);
  float *to = lab->base;
  for (int p = 0; p < lab->net->params; p++) {
    size_t n = nsw_param_size(&lab->net->param[p]);
    if (!nsw_is_weight(&lab->net->param[p])) continue;
    nsw_engine_gradient(lab->engine, p, to);
    scale(to, n, 1.0f / (float)lab->samples);
    to += n;
  }
  return NSW_OK;
}

static double work_tangent(int n) {
  (void)n;
  return 6;
}

/* The engine still has what nsw_pass_train left. */
static int bind_tangent(struct nsw_lab *lab, struct nsw_error *err) {
  int status = keep_base(lab, err);
  return !status ? bind(lab, NSW_NORM_BATCH, NSW_WANT_TANGENT, err) : status;
}

/* g' H w, where the engine has H w + g of the summed loss and g was kept. */
static double base_product(struct nsw_lab *lab) {
  const float *base = lab->base;
  double sum = 0;
  for (int p = 0; p < lab->net->params; p++) {
    size_t n = nsw_param_size(&lab->net->param[p]);
    if (!nsw_is_weight(&lab->net->param[p])) continue;
    nsw_engine_gradient(lab->engine, p, lab->gradient);
    for (size_t i = 0; i < n; i++) sum += base[i] * ((double)lab->gradient[i] / lab->samples - base[i]);
    base += n;
  }
  return sum;
}

static int run_tangent(struct nsw_lab *lab, struct nsw_error *err) {
  (void)err;
  nsw_engine_tangent(lab->engine);
  lab->curvature = base_product(lab);
  return NSW_OK;
}

const struct nsw_pass nsw_pass_tangent = {.name = "tangent",
                                          .text = "forward and back with tangents along the weights",
                                          .work = work_tangent,
                                          .bind = bind_tangent,
                                          .run = run_tangent,
                                          .after = &nsw_pass_train};

/* ---- the data's images, each normalised by itself ---- */

static int bind_sample(struct nsw_lab *lab, struct nsw_error *err) {
  return bind(lab, NSW_NORM_SAMPLE, NSW_WANT_WEIGHT_GRADS, err);
}

static int run_sample(struct nsw_lab *lab, struct nsw_error *err) {
  (void)err;
  nsw_engine_run(lab->engine);
  return NSW_OK;
}

const struct nsw_pass nsw_pass_sample = {.name = "sample",
                                         .text = "forward and back to the weights, each image normalised by itself",
                                         .work = work_train,
                                         .bind = bind_sample,
                                         .run = run_sample};

/* ---- flow ---- */

static int bind_flow(struct nsw_lab *lab, struct nsw_error *err) {
  size_t size = (size_t)lab->net->resolution, pixels = 3 * size * size;
  float *ones = malloc(pixels * sizeof *ones);
  if (!ones) return nsw_no_memory(err, "an image of ones");
  for (size_t i = 0; i < pixels; i++) ones[i] = 1;
  int status = nsw_batch_fill(&lab->spare, ones, NULL, 1, (int)size, err);
  free(ones);
  if (!status) status = nsw_weights_draw(&lab->other, lab->net, NSW_DRAW_ABSOLUTE, lab->seed, err);
  if (!status) status = nsw_weights_hold(lab->other, NSW_HOLD_MATRICES, err);
  if (status) return status;
  return nsw_engine_bind(lab->engine, lab->net, lab->other, &lab->spare,
                         (struct nsw_run){.norm = NSW_NORM_NONE, .wanted = NSW_WANT_WEIGHT_GRADS}, err);
}

static double work_flow(int n) { return 3.0 / n; }

static int run_flow(struct nsw_lab *lab, struct nsw_error *err) {
  size_t classes = (size_t)lab->net->classes;
  float *ones = malloc(classes * sizeof *ones);
  if (!ones) return nsw_no_memory(err, "the slopes of an image of ones");
  for (size_t k = 0; k < classes; k++) ones[k] = 1;
  nsw_engine_forward(lab->engine);
  nsw_engine_backward(lab->engine, ones, NSW_WANT_WEIGHT_GRADS);
  free(ones);
  return NSW_OK;
}

const struct nsw_pass nsw_pass_flow = {.name = "flow",
                                       .text = "absolute weights, an image of ones, back from the sum of logits",
                                       .work = work_flow,
                                       .bind = bind_flow,
                                       .run = run_flow};

/* ---- kernel ---- */

/* One image's gradient as a row: every live weight, and every normalisation's gamma. */
static size_t kernel_row(struct nsw_lab *lab, float *row) {
  size_t at = 0;
  for (int p = 0; p < lab->net->params; p++) {
    const struct nsw_param *param = &lab->net->param[p];
    if (!nsw_is_weight(param) && !(param->live && param->kind == NSW_PARAM_GAMMA)) continue;
    if (row) nsw_engine_gradient(lab->engine, p, row + at);
    at += nsw_param_size(param);
  }
  return at;
}

/* Products of rows, in double. */
static void gram(const float *rows, int n, size_t size, double *kernel) {
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= i; j++) {
      const float *a = rows + (size_t)i * size, *b = rows + (size_t)j * size;
      double sum = 0;
      for (size_t k = 0; k < size; k += 1024) { /* pieces in float would lose digits, all in double is slow */
        float part[8] = {0};
        size_t end = k + 1024 < size ? k + 1024 : size, l = k;
        for (; l + 8 <= end; l += 8)
          for (int m = 0; m < 8; m++) part[m] += a[l + (size_t)m] * b[l + (size_t)m];
        for (; l < end; l++) part[0] += a[l] * b[l];
        for (int m = 0; m < 8; m++) sum += part[m];
      }
      kernel[i * n + j] = kernel[j * n + i] = sum;
    }
}

static double work_kernel(int n) { return 1 + 2.0 * n; }

static int bind_kernel(struct nsw_lab *lab, struct nsw_error *err) {
  return bind(lab, NSW_NORM_BATCH, NSW_WANT_WEIGHT_GRADS | NSW_WANT_AGAIN, err);
}

static int run_kernel(struct nsw_lab *lab, struct nsw_error *err) {
  int n = lab->samples, classes = lab->net->classes;
  size_t size = kernel_row(lab, NULL);
  float *rows = malloc((size_t)n * size * sizeof *rows);
  float *slopes = calloc((size_t)n * (size_t)classes, sizeof *slopes);
  bool ok = rows && slopes;
  if (ok) nsw_engine_forward(lab->engine);
  for (int i = 0; i < n && ok; i++) {
    for (int k = 0; k < n * classes; k++) slopes[k] = k / classes == i;
    nsw_engine_clear(lab->engine);
    nsw_engine_backward(lab->engine, slopes, NSW_WANT_WEIGHT_GRADS);
    kernel_row(lab, rows + (size_t)i * size);
  }
  if (ok) gram(rows, n, size, lab->kernel);
  free(rows);
  free(slopes);
  return ok ? NSW_OK : nsw_no_memory(err, "%d gradients of %zu numbers: take fewer samples", n, size);
}

const struct nsw_pass nsw_pass_kernel = {.name = "kernel",
                                         .text = "every image's own way back: the neural tangent kernel",
                                         .work = work_kernel,
                                         .bind = bind_kernel,
                                         .run = run_kernel};

/* ---- nothing ---- */

static double work_none(int n) {
  (void)n;
  return 0;
}

const struct nsw_pass nsw_pass_weights = {.name = "weights", .text = "nothing is run", .work = work_none};
const struct nsw_pass nsw_pass_own = {.name = "own", .text = "what the measure runs itself", .work = work_none};

/* Those of the data's images first: they are bound once. */
const struct nsw_pass *const nsw_passes[] = {
    &nsw_pass_forward, &nsw_pass_jacobian, &nsw_pass_train,   &nsw_pass_tangent, &nsw_pass_sample,
    &nsw_pass_flow,    &nsw_pass_kernel,   &nsw_pass_weights, &nsw_pass_own,     NULL};

/* ---- the lab ---- */

size_t nsw_weights_in(const struct nsw_net *net) {
  size_t all = 0;
  for (int p = 0; p < net->params; p++) all += nsw_is_weight(&net->param[p]) ? nsw_param_size(&net->param[p]) : 0;
  return all;
}

int nsw_lab_run_images(struct nsw_lab *lab, int first, int count, struct nsw_error *err) {
  const struct nsw_images *images = lab->context->images;
  size_t one = 3 * (size_t)images->resolution * (size_t)images->resolution;
  struct nsw_run run = {.norm = NSW_NORM_BATCH, .wanted = NSW_WANT_WEIGHT_GRADS};
  int status = nsw_batch_fill(&lab->spare, images->pixels + (size_t)first * one, images->labels + first, count,
                              images->resolution, err);
  if (!status) status = nsw_engine_bind(lab->engine, lab->net, lab->weights, &lab->spare, run, err);
  if (status) return status;
  nsw_engine_forward(lab->engine);
  nsw_engine_backward(lab->engine, NULL, NSW_WANT_WEIGHT_GRADS);
  return NSW_OK;
}

void nsw_lab_gradients(struct nsw_lab *lab, float *out) {
  for (int p = 0; p < lab->net->params; p++) {
    if (!nsw_is_weight(&lab->net->param[p])) continue;
    nsw_engine_gradient(lab->engine, p, out);
    out += nsw_param_size(&lab->net->param[p]);
  }
}

double nsw_lab_sum(struct nsw_lab *lab, double (*term)(const float *w, const float *g, size_t n)) {
  const struct nsw_weights *weights = nsw_lab_weights(lab);
  double sum = 0;
  for (int p = 0; p < lab->net->params; p++) {
    size_t n = nsw_param_size(&lab->net->param[p]);
    if (!nsw_is_weight(&lab->net->param[p])) continue;
    nsw_engine_gradient(lab->engine, p, lab->gradient);
    scale(lab->gradient, n, 1.0f / (float)nsw_engine_images(lab->engine));
    sum += term(nsw_weights_at(weights, p), lab->gradient, n);
  }
  return sum;
}

int nsw_lab_aside(struct nsw_lab *lab, const struct nsw_macro *macro, enum nsw_draw rule, const float *pixels,
                  int images, nsw_observe_fn *observe, void *state, struct nsw_error *err) {
  struct nsw_net *net = NULL;
  int status = nsw_net_build(lab->context->space, lab->index, macro, &net, err);
  if (!status) status = nsw_batch_fill(&lab->spare, pixels, NULL, images, macro->resolution, err);
  if (!status) status = nsw_weights_draw(&lab->other, net, rule, lab->seed, err);
  if (!status)
    status = nsw_engine_bind(lab->engine, net, lab->other, &lab->spare, (struct nsw_run){.norm = NSW_NORM_BATCH}, err);
  if (!status) {
    nsw_engine_observe(lab->engine, observe, state);
    nsw_engine_forward(lab->engine);
    nsw_engine_observe(lab->engine, NULL, NULL);
  }
  nsw_net_free(&net);
  return status;
}

const struct nsw_weights *nsw_lab_weights(const struct nsw_lab *lab) { return nsw_engine_weights(lab->engine); }

int nsw_lab_check(uint64_t samples, int resolution, struct nsw_error *err) {
  double n = (double)samples, plane = (double)resolution * resolution;
  double bytes = n * (3 * plane * sizeof(float) + n * sizeof(double));
  if (nsw_memory_holds(bytes)) return NSW_OK;
  return nsw_fail(err, "not enough memory for %" PRIu64 " samples: comparing every two of them takes %.0f MB", samples,
                  bytes / 1e6);
}

int nsw_lab_open(const struct nsw_context *context, int samples, struct nsw_lab *lab, struct nsw_error *err) {
  size_t n = (size_t)samples, side = (size_t)context->macro.resolution;
  *lab = (struct nsw_lab){.context = context};
  int status = nsw_lab_check(n, context->macro.resolution, err);
  if (status) return status;
  lab->jacobian = malloc(n * 3 * side * side * sizeof *lab->jacobian);
  lab->kernel = malloc(n * n * sizeof *lab->kernel);
  if (!lab->jacobian || !lab->kernel) return nsw_no_memory(err, "%d samples", samples);
  return nsw_engine_create(nsw_cpu_isa(), &lab->engine, err);
}

void nsw_lab_close(struct nsw_lab *lab) {
  nsw_engine_free(&lab->engine);
  nsw_weights_free(&lab->weights);
  nsw_weights_free(&lab->other);
  nsw_batch_free(&lab->spare);
  free(lab->gradient);
  free(lab->base);
  free(lab->jacobian);
  free(lab->kernel);
  *lab = (struct nsw_lab){0};
}

int nsw_lab_begin(struct nsw_lab *lab, uint32_t index, struct nsw_net *const *nets, size_t members, uint64_t seed,
                  struct nsw_error *err) {
  const struct nsw_net *net = nets[0];
  size_t most = 1;
  for (size_t m = 0; m < members; m++)
    for (int p = 0; p < nets[m]->params; p++)
      if (nsw_param_size(&nets[m]->param[p]) > most) most = nsw_param_size(&nets[m]->param[p]);
  if (!reserve(&lab->gradient, &lab->room, most)) return nsw_no_memory(err, "the largest parameter");
  lab->index = index;
  lab->net = net;
  lab->nets = nets;
  lab->members = members;
  lab->seed = seed;
  int status = nsw_weights_draw(&lab->weights, net, NSW_DRAW_OWN, seed, err);
  return !status && lab->held ? nsw_weights_hold(lab->weights, NSW_HOLD_MATRICES, err) : status;
}
