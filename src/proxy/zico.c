/* ZiCo: how large gradients are beside how they change from batch to batch. The images are two batches; per weight the
 * mean over batches of |g|, divided by the deviation of g over batches; summed over a layer's weights whose gradients
 * change, logarithm, summed over layers (convolutions and classifier). */
#include <math.h>
#include <stdlib.h>

#include "base/array.h"
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
  return *state ? NSW_OK : nsw_no_memory(err, "zico");
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
  size_t all = nsw_weights_in(lab->net);
  if (!NSW_RESERVE(s->first, s->room, all)) return nsw_no_memory(err, "gradients");
  int status = nsw_lab_run_images(lab, 0, half, err);
  if (!status) nsw_lab_gradients(lab, s->first);
  if (!status) status = nsw_lab_run_images(lab, half, half, err);
  if (status) return status;
  const float *at = s->first;
  values[0] = 0;
  for (int p = 0; p < lab->net->params; p++) {
    if (!nsw_is_weight(&lab->net->param[p])) continue;
    nsw_engine_gradient(lab->engine, p, lab->gradient);
    values[0] += layer(at, lab->gradient, nsw_param_size(&lab->net->param[p]));
    at += nsw_param_size(&lab->net->param[p]);
  }
  return NSW_OK;
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
