/* ZiCo: how large gradients are beside how they change from batch to batch. The images are two batches; per weight the
 * mean over batches of |g|, divided by the deviation of g over batches; summed over a layer's weights whose gradients
 * change, logarithm, summed over layers (convolutions and classifier). */
#include <math.h>
#include <stdlib.h>

#include "data/images.h"
#include "proxy/measure.h"
#include "proxy/table.h"

enum { BATCHES = 2 };

/* Gradients of the first batch, one parameter behind the other. */
struct zico {
  float *first;
  size_t room;
};

static void close_zico(void *state) {
  free(((struct zico *)state)->first);
  free(state);
}

static int open_zico(const struct nsw_context *context, const char *const *values, void **state,
                     struct nsw_error *err) {
  (void)values;
  if (context->samples == 1 || context->samples == 3)
    return nsw_usage(err, "zico: two batches of at least two images each are needed, not %d images", context->samples);
  *state = calloc(1, sizeof(struct zico));
  return *state ? NSW_OK : nsw_fail(err, "out of memory for zico");
}

static bool is_weight(const struct nsw_param *p) {
  return p->live && (p->kind == NSW_PARAM_CONV || p->kind == NSW_PARAM_LINEAR);
}

static size_t all_weights(const struct nsw_net *net) {
  size_t all = 0;
  for (int p = 0; p < net->params; p++) all += is_weight(&net->param[p]) ? nsw_param_size(&net->param[p]) : 0;
  return all;
}

/* Forward and back of one half of the images, normalised by itself. */
static int run_half(struct nsw_lab *lab, int half, int count, struct nsw_error *err) {
  const struct nsw_images *images = lab->context->images;
  size_t first = (size_t)half * (size_t)count, one = 3 * (size_t)images->resolution * (size_t)images->resolution;
  struct nsw_run run = {.norm = NSW_NORM_BATCH, .wanted = NSW_WANT_WEIGHT_GRADS};
  int status = nsw_batch_fill(&lab->spare, images->pixels + first * one, images->labels + first, count,
                              images->resolution, err);
  if (status == NSW_OK) status = nsw_engine_bind(lab->engine, lab->net, lab->weights, &lab->spare, run, err);
  if (status != NSW_OK) return status;
  nsw_engine_forward(lab->engine);
  nsw_engine_backward(lab->engine, NULL, NSW_WANT_WEIGHT_GRADS);
  return NSW_OK;
}

/* Of one layer: a, b gradients of both batches' summed losses. With two values the deviation is half their distance. */
static double layer(const float *a, const float *b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) {
    double deviation = fabs((double)a[i] - b[i]);
    if (deviation > 0) sum += (fabs((double)a[i]) + fabs((double)b[i])) / deviation;
  }
  return sum > 0 ? log(sum) : 0;
}

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  struct zico *s = state;
  int half = lab->samples / BATCHES;
  size_t all = all_weights(lab->net);
  if (all > s->room) {
    free(s->first);
    s->first = malloc(all * sizeof *s->first);
    s->room = s->first ? all : 0;
  }
  if (!s->first) return nsw_fail(err, "out of memory for %zu gradients", all);
  int status = run_half(lab, 0, half, err);
  float *at = s->first;
  for (int p = 0; p < lab->net->params && status == NSW_OK; p++)
    if (is_weight(&lab->net->param[p])) {
      nsw_engine_gradient(lab->engine, p, at);
      at += nsw_param_size(&lab->net->param[p]);
    }
  if (status == NSW_OK) status = run_half(lab, 1, half, err);
  values[0] = 0;
  at = s->first;
  for (int p = 0; p < lab->net->params && status == NSW_OK; p++)
    if (is_weight(&lab->net->param[p])) {
      nsw_engine_gradient(lab->engine, p, lab->gradient);
      values[0] += layer(at, lab->gradient, nsw_param_size(&lab->net->param[p]));
      at += nsw_param_size(&lab->net->param[p]);
    }
  return status;
}

static const struct nsw_measure measure = {
    .pass = &nsw_pass_own, .work = 3, .open = open_zico, .close = close_zico, .take = take};

static const struct nsw_proxy_column columns[] = {
    {"zico", "log of the sum of gradients' sizes over their deviations between two batches, summed over layers", +1},
    {0}};

const struct nsw_proxy nsw_proxy_zico = {
    .name = "zico",
    .group = "gradient",
    .source = "Li et al., ZiCo: Zero-shot NAS via Inverse Coefficient of Variation on Gradients, arXiv 2301.11300",
    .note = "the two batches are the first and the second half of --samples images",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
    .samples = NSW_MEASURE_SAMPLES,
    .columns = columns,
    .measure = &measure,
};
