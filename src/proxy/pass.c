/* The passes that measures share; what each leaves is told in measure.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/images.h"
#include "net/tangent.h"
#include "proxy/measure.h"

/* ---- what passes start from ---- */

static bool reserve(float **array, size_t *room, size_t floats) {
  if (floats <= *room) return true;
  free(*array);
  *array = malloc(floats * sizeof **array);
  *room = *array ? floats : 0;
  return *array != NULL;
}

/* Room for the largest parameter, twice. */
static bool reserve_params(struct nsw_lab *lab) {
  size_t most = 1, room = lab->room;
  for (int p = 0; p < lab->net->params; p++)
    if (nsw_param_size(&lab->net->param[p]) > most) most = nsw_param_size(&lab->net->param[p]);
  return reserve(&lab->weight, &room, most) && reserve(&lab->gradient, &lab->room, most);
}

static int give_images(struct nsw_lab *lab, struct nsw_error *err) {
  const struct nsw_images *images = lab->context->images;
  return nsw_engine_set_images(lab->engine, images->pixels, images->labels, lab->samples, images->resolution, err);
}

/* Takes the network up anew. */
static int load_network(struct nsw_lab *lab, bool tangent, struct nsw_error *err) {
  struct nsw_load load = {.seed = lab->seed,
                          .norm = NSW_NORM_BATCH,
                          .input = lab->input && !tangent,
                          .tangent = tangent,
                          .forward = lab->forward && !tangent,
                          .drawn = !lab->forward && !tangent};
  if (!reserve_params(lab)) return nsw_fail(err, "out of memory for the largest parameter");
  int status = give_images(lab, err);
  if (status == NSW_OK) status = nsw_engine_load(lab->engine, lab->net, &load, err);
  lab->loaded = status == NSW_OK && !tangent;
  return status;
}

int nsw_lab_load(struct nsw_lab *lab, struct nsw_error *err) {
  if (lab->loaded) {
    nsw_engine_clear(lab->engine);
    return NSW_OK;
  }
  return load_network(lab, false, err);
}

/* ---- sums over weights ---- */

static bool is_weight(const struct nsw_param *p) {
  return p->live && (p->kind == NSW_PARAM_CONV || p->kind == NSW_PARAM_LINEAR);
}

static void scale(float *x, size_t n, float factor) {
  for (size_t i = 0; i < n; i++) x[i] *= factor;
}

double nsw_lab_sum(struct nsw_lab *lab, double (*term)(const float *w, const float *g, size_t n)) {
  double sum = 0;
  for (int p = 0; p < lab->net->params; p++) {
    size_t n = nsw_param_size(&lab->net->param[p]);
    if (!is_weight(&lab->net->param[p])) continue;
    nsw_engine_gradient(lab->engine, p, lab->gradient);
    scale(lab->gradient, n, 1.0f / (float)nsw_engine_images(lab->engine));
    sum += term(nsw_engine_drawn(lab->engine, p), lab->gradient, n);
  }
  return sum;
}

/* ---- the passes ---- */

static size_t weights_size(const struct nsw_net *net) {
  size_t all = 0;
  for (int p = 0; p < net->params; p++)
    if (is_weight(&net->param[p])) all += nsw_param_size(&net->param[p]);
  return all;
}

/* Copies all gradients of the mean loss one behind the other. */
static int keep_base(struct nsw_lab *lab, struct nsw_error *err) {
  if (!reserve(&lab->base, &lab->base_size, weights_size(lab->net)))
    return nsw_fail(err, "out of memory for %zu gradients", weights_size(lab->net));
  float *to = lab->base;
  for (int p = 0; p < lab->net->params; p++) {
    size_t n = nsw_param_size(&lab->net->param[p]);
    if (!is_weight(&lab->net->param[p])) continue;
    nsw_engine_gradient(lab->engine, p, to);
    scale(to, n, 1.0f / (float)lab->samples);
    to += n;
  }
  return NSW_OK;
}

/* g' H w, where the engine has H w + g of the summed loss and g was kept. */
static double base_product(struct nsw_lab *lab) {
  const float *base = lab->base;
  double sum = 0;
  for (int p = 0; p < lab->net->params; p++) {
    size_t n = nsw_param_size(&lab->net->param[p]);
    if (!is_weight(&lab->net->param[p])) continue;
    nsw_engine_gradient(lab->engine, p, lab->gradient);
    for (size_t i = 0; i < n; i++) sum += base[i] * ((double)lab->gradient[i] / lab->samples - base[i]);
    base += n;
  }
  return sum;
}

static int run_forward(struct nsw_lab *lab, struct nsw_error *err) {
  int status = nsw_lab_load(lab, err);
  if (status == NSW_OK) nsw_engine_forward(lab->engine);
  return status;
}

static int run_train(struct nsw_lab *lab, bool base, struct nsw_error *err) {
  int status = nsw_lab_load(lab, err);
  if (status != NSW_OK) return status;
  nsw_engine_forward(lab->engine);
  nsw_engine_backward(lab->engine, NULL, true);
  return base ? keep_base(lab, err) : NSW_OK;
}

static int run_tangent(struct nsw_lab *lab, struct nsw_error *err) {
  int status = load_network(lab, true, err);
  if (status != NSW_OK) return status;
  nsw_engine_tangent(lab->engine);
  lab->curvature = base_product(lab);
  return NSW_OK;
}

static int run_jacobian(struct nsw_lab *lab, struct nsw_error *err) {
  size_t logits = (size_t)lab->samples * (size_t)lab->net->classes, side = (size_t)lab->net->resolution;
  int status = nsw_lab_load(lab, err);
  if (status != NSW_OK) return status;
  float *ones = malloc(logits * sizeof *ones);
  if (!ones) return nsw_fail(err, "out of memory for the Jacobian");
  for (size_t i = 0; i < logits; i++) ones[i] = 1;
  nsw_engine_forward(lab->engine);
  nsw_engine_backward(lab->engine, ones, false);
  free(ones);
  for (int i = 0; i < lab->samples; i++)
    nsw_engine_input_gradient(lab->engine, i, lab->jacobian + (size_t)i * 3 * side * side);
  return NSW_OK;
}

static int run_flow(struct nsw_lab *lab, struct nsw_error *err) {
  size_t size = (size_t)lab->net->resolution, pixels = 3 * size * size, classes = (size_t)lab->net->classes;
  float *ones = malloc((pixels > classes ? pixels : classes) * sizeof *ones);
  struct nsw_load load = {.seed = lab->seed, .norm = NSW_NORM_NONE, .weights = NSW_WEIGHTS_ABSOLUTE, .drawn = true};
  lab->loaded = false;
  if (!ones || !reserve_params(lab)) {
    free(ones);
    return nsw_fail(err, "out of memory for an image of ones");
  }
  for (size_t i = 0; i < pixels || i < classes; i++) ones[i] = 1;
  int status = nsw_engine_set_images(lab->engine, ones, (int32_t[]){0}, 1, (int)size, err);
  if (status == NSW_OK) status = nsw_engine_load(lab->engine, lab->net, &load, err);
  if (status == NSW_OK) {
    nsw_engine_forward(lab->engine);
    nsw_engine_backward(lab->engine, ones, true);
  }
  free(ones);
  return status;
}

/* One image's gradient as a row: every live weight, and every normalisation's gamma. */
static size_t kernel_row(struct nsw_lab *lab, float *row) {
  size_t at = 0;
  for (int p = 0; p < lab->net->params; p++) {
    const struct nsw_param *param = &lab->net->param[p];
    if (!is_weight(param) && !(param->live && param->kind == NSW_PARAM_GAMMA)) continue;
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

static int run_kernel(struct nsw_lab *lab, struct nsw_error *err) {
  int n = lab->samples, classes = lab->net->classes;
  struct nsw_load load = {.seed = lab->seed, .norm = NSW_NORM_BATCH, .keep = true};
  lab->loaded = false;
  size_t size = kernel_row(lab, NULL);
  float *rows = malloc((size_t)n * size * sizeof *rows);
  float *slopes = calloc((size_t)n * (size_t)classes, sizeof *slopes);
  int status = rows && slopes
                   ? give_images(lab, err)
                   : nsw_fail(err, "out of memory for %d gradients of %zu numbers: take fewer samples", n, size);
  if (status == NSW_OK) status = nsw_engine_load(lab->engine, lab->net, &load, err);
  if (status == NSW_OK) nsw_engine_forward(lab->engine);
  for (int i = 0; i < n && status == NSW_OK; i++) {
    for (int k = 0; k < n * classes; k++) slopes[k] = k / classes == i;
    nsw_engine_clear(lab->engine);
    nsw_engine_backward(lab->engine, slopes, true);
    kernel_row(lab, rows + (size_t)i * size);
  }
  if (status == NSW_OK) gram(rows, n, size, lab->kernel);
  free(rows);
  free(slopes);
  return status;
}

int nsw_lab_run(struct nsw_lab *lab, enum nsw_pass pass, bool base, struct nsw_error *err) {
  switch (pass) {
    case NSW_PASS_FORWARD:
      return run_forward(lab, err);
    case NSW_PASS_TRAIN:
      return run_train(lab, base, err);
    case NSW_PASS_TANGENT:
      return run_tangent(lab, err);
    case NSW_PASS_JACOBIAN:
      return run_jacobian(lab, err);
    case NSW_PASS_FLOW:
      return run_flow(lab, err);
    case NSW_PASS_KERNEL:
      return run_kernel(lab, err);
    case NSW_PASS_WEIGHTS:
      return reserve_params(lab) ? NSW_OK : nsw_fail(err, "out of memory for the largest parameter");
    default:
      return NSW_OK;
  }
}

double nsw_pass_work(enum nsw_pass pass, int samples) {
  double n = samples;
  const double work[NSW_PASSES] = {1, 3, 6, 2, 3 / n, 1 + 2 * n, 0, 0};
  return work[pass];
}

/* ---- the lab ---- */

int nsw_lab_open(const struct nsw_context *context, int samples, struct nsw_lab *lab, struct nsw_error *err) {
  size_t n = (size_t)samples, side = (size_t)context->macro.resolution;
  *lab = (struct nsw_lab){.context = context, .samples = samples};
  lab->jacobian = malloc(n * 3 * side * side * sizeof *lab->jacobian);
  lab->kernel = malloc(n * n * sizeof *lab->kernel);
  if (!lab->jacobian || !lab->kernel) return nsw_fail(err, "out of memory for %d samples", samples);
  return nsw_engine_create(nsw_cpu_isa(), &lab->engine, err);
}

void nsw_lab_close(struct nsw_lab *lab) {
  nsw_engine_free(&lab->engine);
  free(lab->weight);
  free(lab->gradient);
  free(lab->base);
  free(lab->jacobian);
  free(lab->kernel);
  *lab = (struct nsw_lab){0};
}
