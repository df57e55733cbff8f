/* Random weights, and the classifier alone trained: how well what an untrained network makes of images can be told
 * apart. Features are made once, in batches of GROUP images each normalised by itself; then the classifier is fitted to
 * the first half of the images and judged by the other half, in closed form (ridge regression on one-hot labels) and by
 * SGD on the cross-entropy. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/linalg.h"
#include "base/random.h"
#include "data/images.h"
#include "proxy/measure.h"
#include "proxy/table.h"
#include "train/trainer.h"

enum { RIDGE, SGD, COLUMNS };
enum { SAMPLES = 1000, LEAST = 4, GROUP = 100, EPOCHS = 40, BATCH = 50 };
#define PENALTY 1.0 /* of ridge, features having variance 1 */
#define RATE 0.02   /* of SGD at first; half a cosine down to 0, momentum 0.9 */

/* Features and labels of one network. */
struct rwe {
  int n, half, features, classes;
  float *x;       /* [n][features], centred and scaled by the first half */
  int32_t *label; /* [n], borrowed */
};

/* ---- features ---- */

static int make_features(struct rwe *s, struct nsw_lab *lab, struct nsw_error *err) {
  const struct nsw_images *images = lab->context->images;
  size_t one = 3 * (size_t)images->resolution * (size_t)images->resolution, f = (size_t)s->features;
  for (int first = 0; first < s->n; first += GROUP) {
    int count = s->n - first < GROUP ? s->n - first : GROUP;
    int status = nsw_batch_fill(&lab->spare, images->pixels + (size_t)first * one, images->labels + first, count,
                                images->resolution, err);
    if (!status)
      status = nsw_engine_bind(lab->engine, lab->net, lab->weights, &lab->spare,
                               (struct nsw_run){.norm = NSW_NORM_BATCH}, err);
    if (status) return status;
    nsw_engine_forward(lab->engine);
    memcpy(s->x + (size_t)first * f, nsw_engine_features(lab->engine), (size_t)count * f * sizeof *s->x);
  }
  return NSW_OK;
}

/* Every feature with mean 0 and variance 1 over the first half. */
static void standardise(struct rwe *s) {
  for (int k = 0; k < s->features; k++) {
    double mean = 0, square = 0;
    for (int i = 0; i < s->half; i++) mean += s->x[i * s->features + k];
    mean /= s->half;
    for (int i = 0; i < s->half; i++) square += pow(s->x[i * s->features + k] - mean, 2);
    double factor = square > 0 ? 1 / sqrt(square / s->half) : 0;
    for (int i = 0; i < s->n; i++) s->x[i * s->features + k] = (float)((s->x[i * s->features + k] - mean) * factor);
  }
}

/* Percent of the second half that w[features + 1][classes], the last row a constant, gets right. */
static double accuracy_of(const struct rwe *s, const double *w) {
  int right = 0;
  for (int i = s->half; i < s->n; i++) {
    int best = 0;
    double most = -INFINITY;
    for (int c = 0; c < s->classes; c++) {
      double sum = w[s->features * s->classes + c];
      for (int k = 0; k < s->features; k++) sum += s->x[i * s->features + k] * w[k * s->classes + c];
      if (sum > most) most = sum, best = c;
    }
    right += best == s->label[i];
  }
  return 100.0 * right / (s->n - s->half);
}

/* ---- in closed form ---- */

static bool ridge(const struct rwe *s, double *w) {
  int f = s->features;
  double *a = calloc((size_t)f * (size_t)f, sizeof *a), *b = malloc((size_t)f * sizeof *b);
  bool ok = a && b;
  for (int i = 0; i < s->half && ok; i++)
    for (int j = 0; j < f; j++)
      for (int k = 0; k <= j; k++) a[j * f + k] += (double)s->x[i * f + j] * s->x[i * f + k];
  for (int k = 0; k < f && ok; k++) a[k * f + k] += PENALTY;
  ok = ok && nsw_cholesky(a, f);
  for (int c = 0; c < s->classes && ok; c++) {
    double share = 0;
    for (int i = 0; i < s->half; i++) share += (s->label[i] == c) / (double)s->half;
    memset(b, 0, (size_t)f * sizeof *b);
    for (int i = 0; i < s->half; i++)
      for (int k = 0; k < f; k++) b[k] += s->x[i * f + k] * ((s->label[i] == c) - share);
    nsw_cholesky_solve(a, f, b);
    for (int k = 0; k < f; k++) w[k * s->classes + c] = b[k];
    w[f * s->classes + c] = share;
  }
  free(a);
  free(b);
  return ok;
}

/* ---- by SGD ---- */

/* The gradient of one image's loss, added. */
static void add_slope(const struct rwe *s, int image, const double *w, double *g, float *logits, float *slope) {
  double loss;
  const float *x = s->x + (size_t)image * (size_t)s->features;
  for (int c = 0; c < s->classes; c++) {
    double sum = w[s->features * s->classes + c];
    for (int k = 0; k < s->features; k++) sum += x[k] * w[k * s->classes + c];
    logits[c] = (float)sum;
  }
  nsw_cross_entropy(logits, s->classes, s->label[image], 0, &loss, slope);
  for (int k = 0; k <= s->features; k++)
    for (int c = 0; c < s->classes; c++) g[k * s->classes + c] += (k < s->features ? x[k] : 1) * slope[c];
}

/* From zeros; batches in the order of the images, turned by the epoch. */
static bool descend(const struct rwe *s, double *w) {
  size_t all = (size_t)(s->features + 1) * (size_t)s->classes;
  double *g = malloc(all * sizeof *g), *v = calloc(all, sizeof *v);
  float *logits = malloc(2 * (size_t)s->classes * sizeof *logits);
  bool ok = g && v && logits;
  int steps = (s->half + BATCH - 1) / BATCH;
  memset(w, 0, all * sizeof *w);
  for (int t = 0; t < EPOCHS * steps && ok; t++) {
    double rate = 0.5 * RATE * (1 + cos(acos(-1) * t / (EPOCHS * steps)));
    int first = t % steps * BATCH, count = s->half - first < BATCH ? s->half - first : BATCH;
    memset(g, 0, all * sizeof *g);
    for (int i = 0; i < count; i++) add_slope(s, (first + i + t / steps) % s->half, w, g, logits, logits + s->classes);
    for (size_t i = 0; i < all; i++) {
      v[i] = 0.9 * v[i] + g[i] / count;
      w[i] -= rate * v[i];
    }
  }
  free(g);
  free(v);
  free(logits);
  return ok;
}

/* ---- the measure ---- */

static int open_rwe(const struct nsw_context *context, const char *const *values, void **state, struct nsw_error *err) {
  (void)values;
  *state = NULL;
  if (context->samples && context->samples < LEAST)
    return nsw_usage(err, "rwe: at least %d images are needed to fit and judge a classifier, not %d", LEAST,
                     context->samples);
  return NSW_OK;
}

static void close_rwe(void *state) { (void)state; }

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  (void)state;
  struct rwe s = {.n = lab->samples,
                  .half = lab->samples / 2,
                  .features = lab->net->feature_channels,
                  .classes = lab->net->classes,
                  .label = lab->context->images->labels};
  size_t f = (size_t)s.features;
  double *w = malloc((f + 1) * (size_t)s.classes * sizeof *w);
  s.x = malloc((size_t)s.n * f * sizeof *s.x);
  int status = w && s.x ? make_features(&s, lab, err) : nsw_no_memory(err, "%d features", s.features);
  if (!status) {
    standardise(&s);
    values[RIDGE] = ridge(&s, w) ? accuracy_of(&s, w) : NAN;
    values[SGD] = descend(&s, w) ? accuracy_of(&s, w) : NAN;
  }
  free(w);
  free(s.x);
  return status;
}

static const struct nsw_measure measure = {
    .pass = &nsw_pass_own, .work = 1, .open = open_rwe, .close = close_rwe, .take = take};

static const struct nsw_proxy_column columns[] = {
    {"rwe_ridge", "accuracy of a ridge classifier on an untrained network's features, held-back images, percent", +1},
    {"rwe_sgd", "accuracy of a classifier trained by SGD on an untrained network's features, the same, percent", +1},
    {0}};

const struct nsw_proxy nsw_proxy_rwe = {
    .name = "rwe",
    .group = "training",
    .source =
        "Hu et al., Random Weight Evaluation, arXiv 2011.13591 (from its abstract: neither recipe nor program could "
        "be found)",
    .note =
        "the classifier's recipe is ours: half of --samples images to fit, half to judge; ridge with penalty 1 on "
        "standardised features, or 40 epochs of SGD",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
    .samples = SAMPLES,
    .columns = columns,
    .measure = &measure,
};
