/* Zen score: how far the features before global pooling move when a Gaussian image is disturbed a little, with Gaussian
 * weights, and the normalisations' scales multiplied back in:
 *
 *   log mean_i sum |f(x_i) - f(x_i + gamma x'_i)| + sum over normalisations of log sqrt(mean over channels of variance)
 *
 * The variance is the released code's: the running one, after both batches, from 1 with momentum 0.1. That code goes
 * through all normalisations of the network, also those on branches that reach no output, and those that see nothing
 * but zeros: `zen`. `zen_live` leaves these out, which have no part in the network's function. */
#include <math.h>
#include <stdlib.h>

#include "proxy/measure.h"
#include "proxy/noise.h"
#include "proxy/table.h"

#define MOMENTUM 0.1 /* of running variances, PyTorch's default */

enum { GAMMA, REPEATS }; /* options */
enum { ALL, LIVE };      /* columns */

struct zen {
  double gamma;
  int repeats;
  bool whole; /* whether the score of all normalisations is asked for */
};

static int open_zen(const struct nsw_context *context, const char *const *values, void **state, struct nsw_error *err) {
  char *end = NULL, *end2 = NULL;
  struct zen z = {.gamma = strtod(values[GAMMA], &end), .repeats = (int)strtol(values[REPEATS], &end2, 10)};
  (void)context;
  if (end == values[GAMMA] || *end || !(z.gamma > 0 && z.gamma < 1e6))
    return nsw_usage(err, "gamma=%.40s is not a positive number", values[GAMMA]);
  if (end2 == values[REPEATS] || *end2 || z.repeats < 1 || z.repeats > 1000)
    return nsw_usage(err, "repeats=%.40s is not a whole number from 1 to 1000", values[REPEATS]);
  struct zen *s = malloc(sizeof *s);
  if (!s) return nsw_no_memory(err, "a score");
  *s = z;
  *state = s;
  return NSW_OK;
}

/* The unbiased batch variance of each normalisation's channels, averaged: added to mean[tensors] with a weight. */
static void add_variances(const struct nsw_lab *lab, double weight, double *mean) {
  const struct nsw_net *net = nsw_engine_net(lab->engine);
  for (int t = 0; t < net->tensors; t++) {
    const struct nsw_tensor *x = &net->tensor[t];
    if (!x->norm) continue;
    const float *scale = nsw_engine_value(lab->engine, t, 0).scale;
    double n = (double)lab->samples * x->size * x->size, sum = 0;
    for (int c = 0; c < x->channels; c++) sum += 1 / ((double)scale[c] * scale[c]) - NSW_NORM_EPS;
    mean[t] += weight * sum / x->channels * n / (n - 1);
  }
}

static void read_features(const struct nsw_lab *lab, float *out) {
  const struct nsw_net *net = nsw_engine_net(lab->engine);
  const struct nsw_tensor *x = &net->tensor[net->features];
  size_t one = (size_t)x->size * (size_t)x->size * (size_t)x->channels;
  for (int i = 0; i < lab->samples; i++) nsw_engine_values(lab->engine, net->features, i, out + (size_t)i * one);
}

/* Room of one evaluation. */
struct room {
  float *image, *other;  /* [n][3][H][W] */
  float *before, *after; /* features */
  double *variance;      /* [tensors] */
};

static int give(struct nsw_lab *lab, const struct room *r, struct nsw_error *err) {
  return nsw_batch_fill(&lab->spare, r->image, NULL, lab->samples, lab->context->macro.resolution, err);
}

/* The score of one draw of weights and images, over the normalisations that net has. */
static int draw(const struct zen *z, struct nsw_lab *lab, const struct nsw_net *net, const struct room *r,
                uint64_t seed, double *score, struct nsw_error *err) {
  const struct nsw_tensor *f = &net->tensor[net->features];
  int side = net->resolution, n = lab->samples;
  size_t pixels = (size_t)n * 3 * (size_t)side * (size_t)side;
  size_t features = (size_t)n * (size_t)f->size * (size_t)f->size * (size_t)f->channels;
  nsw_noise_images(seed, 0, n, side, r->image);
  nsw_noise_images(seed, 1, n, side, r->other);
  int status = give(lab, r, err);
  if (!status) status = nsw_weights_draw(&lab->other, net, NSW_DRAW_NORMAL, seed, err);
  if (!status)
    status = nsw_engine_bind(lab->engine, net, lab->other, &lab->spare, (struct nsw_run){.norm = NSW_NORM_BATCH}, err);
  if (status) return status;
  for (int t = 0; t < net->tensors; t++) r->variance[t] = (1 - MOMENTUM) * (1 - MOMENTUM);
  nsw_engine_forward(lab->engine);
  read_features(lab, r->before);
  add_variances(lab, MOMENTUM * (1 - MOMENTUM), r->variance);
  for (size_t k = 0; k < pixels; k++) r->image[k] += (float)z->gamma * r->other[k];
  status = give(lab, r, err);
  if (!status) status = nsw_engine_show(lab->engine, &lab->spare, err);
  if (status) return status;
  nsw_engine_forward(lab->engine);
  read_features(lab, r->after);
  add_variances(lab, MOMENTUM, r->variance);
  double moved = 0, scales = 0;
  for (size_t k = 0; k < features; k++) moved += fabs((double)r->before[k] - r->after[k]);
  for (int t = 0; t < net->tensors; t++)
    if (net->tensor[t].norm) scales += 0.5 * log(r->variance[t]);
  *score = log(moved / n) + scales;
  return NSW_OK;
}

/* The mean score of all draws. */
static int draw_all(const struct zen *z, struct nsw_lab *lab, const struct nsw_net *net, double *score,
                    struct nsw_error *err) {
  const struct nsw_tensor *f = &net->tensor[net->features];
  size_t n = (size_t)lab->samples, side = (size_t)net->resolution;
  size_t features = n * (size_t)f->size * (size_t)f->size * (size_t)f->channels;
  struct room r = {.image = malloc(n * 3 * side * side * sizeof(float)),
                   .other = malloc(n * 3 * side * side * sizeof(float)),
                   .before = malloc(features * sizeof(float)),
                   .after = malloc(features * sizeof(float)),
                   .variance = malloc((size_t)net->tensors * sizeof(double))};
  bool ok = r.image && r.other && r.before && r.after && r.variance;
  int status = ok ? NSW_OK : nsw_no_memory(err, "the images of zen");
  double sum = 0, one;
  for (int k = 0; k < z->repeats && !status; k++) {
    status = draw(z, lab, net, &r, lab->seed + ((uint64_t)k << 40), &one, err);
    sum += !status ? one : 0;
  }
  *score = sum / z->repeats;
  free(r.image);
  free(r.other);
  free(r.before);
  free(r.after);
  free(r.variance);
  return status;
}

/* Of the network as it is drawn, also where the lab's is as it is trained. */
static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  struct nsw_net *net = NULL;
  int status = nsw_net_build(lab->context->space, lab->index, &lab->context->macro, &net, err);
  if (!status) status = draw_all(state, lab, net, &values[LIVE], err);
  values[ALL] = values[LIVE];
  nsw_net_free(&net);
  return status;
}

/* Normalisations that are computed, or those that are not. */
static int count_norms(const struct nsw_net *net, bool live) {
  int count = 0;
  for (int p = 0; p < net->params; p++) count += net->param[p].kind == NSW_PARAM_GAMMA && net->param[p].live == live;
  return count;
}

/* Adds what the member's dead branches give. What sees zeros has the running variance that it began with, less two
 * steps towards zero. */
static int member(void *state, struct nsw_lab *lab, uint32_t index, const struct nsw_net *net, double *values,
                  struct nsw_error *err) {
  const struct zen *z = state;
  struct nsw_net *own = NULL, *whole = NULL;
  (void)net;
  if (!z->whole) return NSW_OK;
  int status = nsw_net_build(lab->context->space, index, &lab->context->macro, &own, err);
  if (!status) status = nsw_net_build_whole(lab->context->space, index, &lab->context->macro, &whole, err);
  if (!status && count_norms(whole, true) > count_norms(own, true))
    status = draw_all(state, lab, whole, &values[ALL], err);
  if (!status) values[ALL] += count_norms(whole, false) * log(1 - MOMENTUM);
  nsw_net_free(&own);
  nsw_net_free(&whole);
  return status;
}

static double want(void *state, const bool *column) {
  struct zen *z = state;
  z->whole = column[ALL];
  return 2;
}

static const struct nsw_measure measure = {
    .pass = &nsw_pass_own, .open = open_zen, .close = free, .want = want, .take = take, .member = member};

static const struct nsw_proxy_column columns[] = {
    {"zen", "Zen score: log of the features' sensitivity to noise, scaled by all normalisations", +1},
    {"zen_live", "the same without normalisations on branches that reach no output", +1},
    {0}};

static const struct nsw_proxy_option options[] = {
    {"gamma", "0.01", "size of the disturbance"},
    {"repeats", "1", "draws of weights and images whose scores are averaged"},
    {0}};

const struct nsw_proxy nsw_proxy_zen = {
    .name = "zen",
    .group = "forward",
    .source = "Lin et al., Zen-NAS: A Zero-Shot NAS for High-Performance Image Recognition, arXiv 2102.01063",
    .note = "zen counts the normalisations of branches that reach no output, as the released code does",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_SEED,
    .samples = NSW_MEASURE_SAMPLES,
    .columns = columns,
    .options = options,
    .measure = &measure,
};
