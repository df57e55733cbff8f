/* AZ-NAS: four scores of the features between cells, f_0 the stem's output and f_i that of cell i, with Gaussian images
 * and Gaussian weights of deviation sqrt(2 / fan-in).
 *
 * Expressivity: the entropy e_i of the normalised eigenvalues of the covariance of f_i's channels, summed over i.
 * Progressivity: the smallest e_i - e_(i-1).
 * Trainability: signs g at random are sent back through cell i; with s the largest singular value of the mean over
 * pixels of (gradient at f_(i-1)) x g', the mean over i of 2 - s - 1/s. A cell that hands its input on gives minus
 * infinity.
 * Complexity: multiply-adds.
 *
 * What the paper ranks by, the sum of the logarithms of the four ranks, is made from whole columns (nasweep correlate
 * --ensemble). */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/linalg.h"
#include "base/random.h"
#include "proxy/measure.h"
#include "proxy/noise.h"
#include "proxy/table.h"

#define SMALL_SHARE 1e-8    /* added to an eigenvalue's share before its logarithm, as in the released code */
#define SMALL_SINGULAR 1e-6 /* added to the singular value, likewise */

enum { EXPRESSIVITY, PROGRESSIVITY, TRAINABILITY, COMPLEXITY, COLUMNS };

/* Draws of noise: images, and the signs sent back through cell i. */
enum { SET_IMAGES = 2, SET_SIGNS = 16 };

/* One evaluation. */
struct az {
  struct nsw_lab *lab;
  const bool *wanted;  /* [COLUMNS] */
  struct nsw_net *net; /* with the cells' outputs kept */
  double *entropy;     /* [cells], not a number until known */
  float *a, *b;        /* [n][H][W][C] of the largest feature map; the same of a gradient, where it is wanted */
  size_t room;         /* floats of each */
  struct nsw_error *err;
  int status;
};

static size_t image_floats(const struct nsw_tensor *x) {
  return (size_t)x->size * (size_t)x->size * (size_t)x->channels;
}

/* ---- forward: entropies ---- */

static bool wants_entropy(const bool *wanted) { return wanted[EXPRESSIVITY] || wanted[PROGRESSIVITY]; }

/* Takes the mean over rows from every channel, a few channels at a time. */
static void centre(float *x, size_t rows, size_t channels) {
  enum { TOGETHER = 64 };
  for (size_t first = 0; first < channels; first += TOGETHER) {
    size_t n = channels - first < TOGETHER ? channels - first : TOGETHER;
    double mean[TOGETHER] = {0};
    for (size_t r = 0; r < rows; r++)
      for (size_t c = 0; c < n; c++) mean[c] += x[r * channels + first + c];
    for (size_t c = 0; c < n; c++) mean[c] /= (double)rows;
    for (size_t r = 0; r < rows; r++)
      for (size_t c = 0; c < n; c++) x[r * channels + first + c] = (float)(x[r * channels + first + c] - mean[c]);
  }
}

/* Of the eigenvalues of x'x for centred x[rows][channels], as shares of their sum. */
static double entropy_of(const float *x, size_t rows, size_t channels) {
  int c = (int)channels;
  float *product = malloc(channels * channels * sizeof *product);
  double *matrix = malloc(channels * channels * sizeof *matrix), *value = malloc(channels * sizeof *value);
  double sum = 0, entropy = NAN;
  bool ok = product && matrix && value;
  if (ok) {
    cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, c, (int)rows, 1.0f / (float)rows, x, c, 0.0f, product, c);
    for (int i = 0; i < c; i++)
      for (int j = 0; j <= i; j++) matrix[i * c + j] = matrix[j * c + i] = product[i * c + j];
    ok = nsw_eigenvalues(matrix, c, value);
  }
  for (int i = 0; ok && i < c; i++) sum += value[i];
  if (ok) entropy = 0;
  for (int i = 0; ok && i < c; i++) {
    double share = fmax(0, value[i] / sum);
    entropy -= share * log(share + SMALL_SHARE);
  }
  free(product);
  free(matrix);
  free(value);
  return entropy;
}

static void observe(void *with, const struct nsw_engine *engine, int layer, enum nsw_moment moment) {
  struct az *s = with;
  if (moment != NSW_AFTER_LAYER) return;
  for (int i = 0; i < s->net->cells; i++) {
    const struct nsw_tensor *x = &s->net->tensor[s->net->cell[i]];
    if (x->producer != layer) continue;
    size_t one = image_floats(x), n = (size_t)s->lab->samples;
    for (size_t k = 0; k < n; k++) nsw_engine_values(engine, s->net->cell[i], (int)k, s->a + k * one);
    size_t rows = n * (size_t)x->size * (size_t)x->size;
    centre(s->a, rows, (size_t)x->channels);
    s->entropy[i] = entropy_of(s->a, rows, (size_t)x->channels);
  }
}

/* ---- backward: singular values ---- */

static void draw_signs(uint64_t seed, int cell, float *out, size_t n) {
  struct nsw_stream stream = {.seed = seed, .which = (uint64_t)(SET_SIGNS + cell) << 32, .purpose = NSW_FOR_NOISE};
  enum { WORDS = 32 }; /* at a time */
  uint32_t words[WORDS], bit[32];
  for (int b = 0; b < 32; b++) bit[b] = UINT32_C(1) << b;
  for (size_t k = 0; k < n; k += 32) {
    if (k % (32 * WORDS) == 0) nsw_random_words(stream, k / 128, words, WORDS);
    uint32_t word = words[k / 32 % WORDS];
    size_t end = n - k < 32 ? n - k : 32;
    for (size_t b = 0; b < end; b++) out[k + b] = word & bit[b] ? 1.0f : -1.0f;
  }
}

/* x[size][size][c] to y[size / s][size / s][c * s * s]: the pixels of a square become channels. */
static void unshuffle(const float *x, int size, int c, int s, float *y) {
  for (int h = 0; h < size; h++)
    for (int w = 0; w < size; w++)
      memcpy(y + ((((size_t)(h / s) * (size_t)(size / s) + (size_t)(w / s)) * (size_t)(s * s)) +
                  (size_t)(h % s * s + w % s)) *
                     (size_t)c,
             x + ((size_t)h * (size_t)size + (size_t)w) * (size_t)c, (size_t)c * sizeof *x);
}

/* s of the mean over rows of in' out. */
static double singular(const float *in, int ci, const float *out, int co, size_t rows) {
  float *product = malloc((size_t)ci * (size_t)co * sizeof *product);
  double *matrix = malloc((size_t)ci * (size_t)co * sizeof *matrix), s = NAN;
  if (product && matrix) {
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, ci, co, (int)rows, 1.0f / (float)rows, in, ci, out, co, 0.0f,
                product, co);
    for (int k = 0; k < ci * co; k++) matrix[k] = product[k];
    s = nsw_largest_singular(matrix, ci, co);
  }
  free(product);
  free(matrix);
  return s;
}

/* Cell i's part of the trainability. */
static double cell_trainability(struct az *s, int i) {
  int from = s->net->cell[i], to = s->net->cell[i - 1], n = s->lab->samples;
  const struct nsw_tensor *out = &s->net->tensor[from], *in = &s->net->tensor[to];
  size_t out_one = image_floats(out), in_one = image_floats(in);
  int stride = in->size / out->size;
  if (from == to) return -INFINITY;
  draw_signs(s->lab->seed, i, s->b, out_one * (size_t)n);
  for (int k = 0; k < n; k++) nsw_engine_set_gradient(s->lab->engine, from, k, s->b + (size_t)k * out_one);
  nsw_engine_backward_layers(s->lab->engine, in->producer + 1, out->producer);
  float *one = malloc(in_one * sizeof *one);
  if (!one) return NAN;
  for (int k = 0; k < n; k++) {
    nsw_engine_tensor_gradient(s->lab->engine, to, k, one);
    unshuffle(one, in->size, in->channels, stride, s->a + (size_t)k * in_one);
  }
  free(one);
  if (in_one == out_one && !memcmp(s->a, s->b, in_one * (size_t)n * sizeof *s->a)) return -INFINITY;
  size_t rows = (size_t)n * (size_t)out->size * (size_t)out->size;
  double top = singular(s->a, in->channels * stride * stride, s->b, out->channels, rows);
  return 2 - top - 1 / (top + SMALL_SINGULAR);
}

/* ---- the measure ---- */

static int reserve(struct az *s) {
  for (int t = 0; t < s->net->tensors; t++)
    if (image_floats(&s->net->tensor[t]) > s->room) s->room = image_floats(&s->net->tensor[t]);
  size_t n = (size_t)s->lab->samples;
  s->a = malloc(s->room * n * sizeof *s->a);
  if (s->wanted[TRAINABILITY]) s->b = malloc(s->room * n * sizeof *s->b);
  s->entropy = malloc((size_t)s->net->cells * sizeof *s->entropy);
  return s->a && (s->b || !s->wanted[TRAINABILITY]) && s->entropy ? NSW_OK
                                                                  : nsw_no_memory(s->err, "the features of cells");
}

/* Gaussian images into the engine, by way of room that is larger than them. */

/* Gaussian images, and the network with its weights, bound. */
static int bind(struct az *s) {
  struct nsw_lab *lab = s->lab;
  int side = s->net->resolution, n = lab->samples;
  float *image = malloc((size_t)n * 3 * (size_t)side * (size_t)side * sizeof *image);
  struct nsw_run how = {.norm = NSW_NORM_BATCH, .wanted = s->wanted[TRAINABILITY] ? NSW_WANT_TENSOR_GRADS : 0};
  int status = image ? NSW_OK : nsw_no_memory(s->err, "Gaussian images");
  if (!status) {
    nsw_noise_images(lab->seed, SET_IMAGES, n, side, image);
    status = nsw_batch_fill(&lab->spare, image, NULL, n, side, s->err);
  }
  if (!status) status = nsw_weights_draw(&lab->other, s->net, NSW_DRAW_KAIMING, lab->seed, s->err);
  if (!status) status = nsw_engine_bind(lab->engine, s->net, lab->other, &lab->spare, how, s->err);
  free(image);
  return status;
}

static void run(struct az *s, double *values) {
  int cells = s->net->cells;
  for (int i = 0; i < cells; i++) s->entropy[i] = NAN;
  if (wants_entropy(s->wanted)) nsw_engine_observe(s->lab->engine, observe, s);
  nsw_engine_forward(s->lab->engine);
  nsw_engine_observe(s->lab->engine, NULL, NULL);
  double least = INFINITY, all = s->entropy[0], trainable = 0;
  for (int i = 1; i < cells; i++) {
    double step = s->entropy[i] - s->entropy[i - 1];
    all += s->entropy[i];
    least = step < least || isnan(step) ? step : least;
  }
  for (int i = cells - 1; i > 0 && s->wanted[TRAINABILITY]; i--) trainable += cell_trainability(s, i) / (cells - 1);
  values[EXPRESSIVITY] = all;
  values[PROGRESSIVITY] = least;
  values[TRAINABILITY] = trainable;
}

static int open_az(const struct nsw_context *context, const char *const *values, void **state, struct nsw_error *err) {
  (void)context;
  (void)values;
  *state = calloc(COLUMNS, sizeof(bool));
  return *state ? NSW_OK : nsw_no_memory(err, "a score");
}

/* A way forward, and one back for the trainability alone. */
static double want(void *state, const bool *column) {
  memcpy(state, column, COLUMNS * sizeof *column);
  return column[TRAINABILITY] ? 2 : wants_entropy(column) ? 1 : 0;
}

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  struct az s = {.lab = lab, .wanted = state, .err = err};
  if (!wants_entropy(s.wanted) && !s.wanted[TRAINABILITY]) return NSW_OK;
  int status = nsw_net_build_kept(lab->context->space, lab->index, &lab->context->macro, &s.net, err);
  if (!status) status = reserve(&s);
  if (!status) status = bind(&s);
  if (!status) run(&s, values);
  nsw_net_free(&s.net);
  free(s.a);
  free(s.b);
  free(s.entropy);
  return status;
}

/* Of the architecture itself, dead branches included, as the benchmark counts. */
static int member(void *state, struct nsw_lab *lab, uint32_t index, const struct nsw_net *net, double *values,
                  struct nsw_error *err) {
  (void)state;
  (void)net;
  (void)err;
  values[COMPLEXITY] = (double)nsw_space_macs(lab->context->space, index, &lab->context->macro);
  return NSW_OK;
}

static const struct nsw_measure measure = {
    .pass = &nsw_pass_own, .open = open_az, .close = free, .want = want, .take = take, .member = member};

static const struct nsw_proxy_column columns[] = {
    {"az_expressivity", "entropy of the features' principal components, summed over cells", +1},
    {"az_progressivity", "smallest growth of that entropy from a cell to the next", +1},
    {"az_trainability", "how well gradients keep their size through a cell, mean over cells", +1},
    {"az_complexity", "multiply-adds", +1},
    {0}};

const struct nsw_proxy nsw_proxy_az_nas = {
    .name = "az",
    .group = "forward",
    .source = "Lee and Ham, AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture Search, arXiv 2403.19232",
    .note = "four parts; their rank aggregate az_nas is made from whole columns, by nasweep correlate",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_SEED,
    .samples = NSW_MEASURE_SAMPLES,
    .columns = columns,
    .measure = &measure,
};
