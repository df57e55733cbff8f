/* Models by kernels: ridge regression, whose kernel is linear, and a Gaussian process. Both come from one system of as
 * many equations as there are trainings. */
#include "search/kernel.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/linalg.h"
#include "search/inputs.h"
#include "search/model.h"

struct nsw_kernel {
  struct nsw_inputs inputs;
  bool gaussian;
  float *square;  /* [n] length of each row's inputs, squared */
  double *gram;   /* [m][m] inner products of those trained */
  double *factor; /* [m][m] scratch */
  double *alpha;  /* [m] weights of those trained */
  double *try;    /* [m] scratch */
  float *sample;  /* [m][width] inputs of those trained */
  float *weights; /* [width] of a linear model */
  float *product; /* [rows of a block][m] */
  float *sample_square;
  size_t m, room;
  double noise, length; /* chosen last: variance of the noise, and the kernel's length squared */
};

enum { BLOCK = 1024 };

void nsw_kernel_free(struct nsw_kernel *k) {
  if (!k) return;
  nsw_inputs_free(&k->inputs);
  free(k->square);
  free(k->gram);
  free(k->factor);
  free(k->alpha);
  free(k->try);
  free(k->sample);
  free(k->weights);
  free(k->product);
  free(k->sample_square);
  free(k);
}

int nsw_kernel_make(const struct nsw_ground *ground, unsigned kinds, bool gaussian, struct nsw_kernel **kernel,
                    struct nsw_error *err) {
  struct nsw_kernel *k = *kernel = calloc(1, sizeof *k);
  if (!k) return nsw_no_memory(err, "a model");
  k->gaussian = gaussian;
  int status = nsw_inputs_make(ground, kinds, &k->inputs, err);
  if (status) return status;
  k->square = malloc((k->inputs.n + 1) * sizeof *k->square);
  k->weights = malloc((k->inputs.width + 1) * sizeof *k->weights);
  if (!k->square || !k->weights) return nsw_no_memory(err, "a model of %zu inputs", k->inputs.width);
  for (size_t i = 0; i < k->inputs.n; i++) {
    const float *x = k->inputs.x + i * k->inputs.width;
    k->square[i] = cblas_sdot((int)k->inputs.width, x, 1, x, 1);
  }
  return NSW_OK;
}

static void *grown(void *old, size_t bytes, bool *ok) {
  void *new = realloc(old, bytes + 1);
  if (!new) *ok = false;
  return new ? new : old;
}

static bool make_room(struct nsw_kernel *k, size_t m) {
  bool ok = true;
  if (m <= k->room) return true;
  size_t room = m < 128 ? 128 : 2 * m;
  k->gram = grown(k->gram, room * room * sizeof *k->gram, &ok);
  k->factor = grown(k->factor, room * room * sizeof *k->factor, &ok);
  k->alpha = grown(k->alpha, room * sizeof *k->alpha, &ok);
  k->try = grown(k->try, room * sizeof *k->try, &ok);
  k->sample = grown(k->sample, room * k->inputs.width * sizeof *k->sample, &ok);
  k->product = grown(k->product, (room > BLOCK ? room : BLOCK) * room * sizeof *k->product, &ok);
  k->sample_square = grown(k->sample_square, room * sizeof *k->sample_square, &ok);
  if (ok) k->room = room;
  return ok;
}

/* e to the -x, x >= 0, to seven digits, in a form that compilers make vectors of. */
static inline float exp_minus(float x) {
  float t = (x < 80 ? x : 80) * -1.44269504f, whole = (float)(int)(t - .5f), f = t - whole; /* -1/2 <= f <= 1/2 */
  union {
    int32_t i;
    float f;
  } scale = {.i = ((int)whole + 127) << 23};
  float p = 1.5403530e-4f;
  p = p * f + 1.3333558e-3f;
  p = p * f + 9.6181291e-3f;
  p = p * f + 5.5504109e-2f;
  p = p * f + 2.4022651e-1f;
  p = p * f + 6.9314718e-1f;
  p = p * f + 1;
  return p * scale.f;
}

/* The kernel of those trained at a noise and length, plus noise on the diagonal, into factor. */
static void fill(struct nsw_kernel *k, double noise, double length) {
  size_t m = k->m;
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j <= i; j++) {
      double inner = k->gram[i * m + j], value = inner / (double)k->inputs.width;
      if (k->gaussian) value = exp(-.5 * (k->gram[i * m + i] + k->gram[j * m + j] - 2 * inner) / length);
      k->factor[i * m + j] = value + (i == j ? noise : 0);
    }
}

/* Weights for noise and length, and how bad they are: the mean square of errors at each of those trained by all others
 * (ridge), or the negative logarithm of the likelihood (Gaussian process). Infinity where there is no solution. */
static double attempt(struct nsw_kernel *k, const double *y, double noise, double length) {
  size_t m = k->m;
  fill(k, noise, length);
  if (!nsw_cholesky(k->factor, (int)m)) return INFINITY;
  memcpy(k->try, y, m * sizeof *y);
  nsw_cholesky_solve(k->factor, (int)m, k->try);
  double bad = 0;
  if (k->gaussian) {
    /* The scale of the kernel has its best value in closed form: y' alpha / m. */
    double fit = 0, determinant = 0;
    for (size_t i = 0; i < m; i++) fit += y[i] * k->try[i], determinant += 2 * log(k->factor[i * m + i]);
    return .5 * (double)m * log(fmax(fit, 1e-12) / (double)m) + .5 * determinant;
  }
  if (!nsw_cholesky_invert(k->factor, (int)m)) return INFINITY;
  for (size_t i = 0; i < m; i++) {
    double error = k->try[i] / k->factor[i * m + i];
    bad += error * error / (double)m;
  }
  return bad;
}

int nsw_kernel_fit(struct nsw_kernel *k, const uint32_t *candidate, const double *y, size_t m, struct nsw_error *err) {
  static const double noises[] = {.003, .01, .03, .1, .3, 1, 3}, lengths[] = {.1, .25, .5, 1, 2, 4, 8};
  size_t width = k->inputs.width;
  if (!make_room(k, m)) return nsw_no_memory(err, "a model of %zu trainings", m);
  k->m = m;
  for (size_t i = 0; i < m; i++) {
    memcpy(k->sample + i * width, k->inputs.x + candidate[i] * width, width * sizeof *k->sample);
    k->sample_square[i] = k->square[candidate[i]];
  }
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)m, (int)width, 1, k->sample, (int)width, k->sample,
              (int)width, 0, k->product, (int)m);
  for (size_t i = 0; i < m * m; i++) k->gram[i] = k->product[i];
  double best = INFINITY;
  k->noise = 1;
  k->length = 2. * (double)width;
  for (size_t a = 0; a < sizeof noises / sizeof *noises; a++)
    for (size_t b = 0; b < (k->gaussian ? sizeof lengths / sizeof *lengths : 1); b++) {
      double length = lengths[b] * 2 * (double)width, bad = attempt(k, y, noises[a], length);
      if (bad < best) best = bad, k->noise = noises[a], k->length = length;
    }
  if (attempt(k, y, k->noise, k->length) == INFINITY) return nsw_fail(err, "a model of %zu trainings is singular", m);
  memcpy(k->alpha, k->try, m * sizeof *k->alpha);
  return NSW_OK;
}

static void predict_linear(struct nsw_kernel *k, double *value) {
  size_t width = k->inputs.width;
  memset(k->weights, 0, width * sizeof *k->weights);
  for (size_t i = 0; i < k->m; i++)
    cblas_saxpy((int)width, (float)(k->alpha[i] / (double)width), k->sample + i * width, 1, k->weights, 1);
  for (size_t i = 0; i < k->inputs.n; i++) value[i] = cblas_sdot((int)width, k->inputs.x + i * width, 1, k->weights, 1);
}

static void predict_gaussian(struct nsw_kernel *k, double *value) {
  size_t width = k->inputs.width, m = k->m;
  float half = (float)(.5 / k->length);
  for (size_t first = 0; first < k->inputs.n; first += BLOCK) {
    size_t rows = k->inputs.n - first < BLOCK ? k->inputs.n - first : BLOCK;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)m, (int)width, 1, k->inputs.x + first * width,
                (int)width, k->sample, (int)width, 0, k->product, (int)m);
    for (size_t i = 0; i < rows; i++) {
      float *p = k->product + i * m, own = k->square[first + i];
      for (size_t j = 0; j < m; j++) {
        float distance = own + k->sample_square[j] - 2 * p[j];
        p[j] = exp_minus((distance > 0 ? distance : 0) * half);
      }
      double sum = 0;
      for (size_t j = 0; j < m; j++) sum += k->alpha[j] * p[j];
      value[first + i] = sum;
    }
  }
}

void nsw_kernel_predict(struct nsw_kernel *k, double *value) {
  if (k->gaussian)
    predict_gaussian(k, value);
  else
    predict_linear(k, value);
}

double nsw_kernel_noise(const struct nsw_kernel *k) { return k->noise; }
double nsw_kernel_length(const struct nsw_kernel *k) { return k->length; }

/* ---- the two methods ---- */

static unsigned kinds_of(const struct nsw_search *search) {
  return NSW_INPUTS_PATHS | (search->use & NSW_USE_INPUTS ? NSW_INPUTS_SCORES : 0);
}

static int open_kernel(const struct nsw_ground *ground, const struct nsw_search *search, bool gaussian, void **state,
                       struct nsw_error *err) {
  struct nsw_kernel *k;
  int status = nsw_kernel_make(ground, kinds_of(search), gaussian, &k, err);
  *state = k;
  return status;
}

static int open_ridge(const struct nsw_ground *ground, const struct nsw_search *search, void **state,
                      struct nsw_error *err) {
  return open_kernel(ground, search, false, state, err);
}

static int open_process(const struct nsw_ground *ground, const struct nsw_search *search, void **state,
                        struct nsw_error *err) {
  return open_kernel(ground, search, true, state, err);
}

static void close_kernel(void *state) { nsw_kernel_free(state); }

static int fit(void *state, const uint32_t *candidate, const double *y, size_t n, struct nsw_dice *dice,
               struct nsw_error *err) {
  (void)dice;
  return nsw_kernel_fit(state, candidate, y, n, err);
}

static int predict(void *state, double *value, struct nsw_error *err) {
  (void)err;
  nsw_kernel_predict(state, value);
  return NSW_OK;
}

static const struct nsw_model model = {fit, predict};

static int run(struct nsw_repeat *run, struct nsw_error *err) { return nsw_model_run(run, &model, err); }

static const struct nsw_method_option options[] = {NSW_MODEL_OPTIONS, {NULL, 0, 0, 0, NULL}};

const struct nsw_method nsw_method_ridge = {
    .name = "ridge",
    .summary = "ridge regression on counts of operations and paths; penalty by the errors of leaving one out",
    .source = "the loop of Wu et al., WeakNAS, NeurIPS 2021; paths as in White et al., BANANAS, AAAI 2021",
    .kind = NSW_METHOD_PREDICTS,
    .options = options,
    .open = open_ridge,
    .close = close_kernel,
    .run = run,
};

const struct nsw_method nsw_method_gp = {
    .name = "gp",
    .summary = "a Gaussian process on counts of operations and paths; noise and length by likelihood",
    .source = "the loop of Wu et al., WeakNAS, NeurIPS 2021; Rasmussen and Williams, 2006",
    .kind = NSW_METHOD_PREDICTS,
    .options = options,
    .open = open_process,
    .close = close_kernel,
    .run = run,
};
