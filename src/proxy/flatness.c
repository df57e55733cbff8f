/* Flatness: how little the loss moves when all parameters are disturbed by Gaussian noise of growing size. With s_1 <
 * s_2 < s_3 the noises' deviations and L(s) the mean loss then, statistics of normalisations taken again, 1 / (|L(s_1)
 * / s_1| + sum of |L(s_i+1) - L(s_i)| / (s_i+1 - s_i) + 1e-5). Meant for trained networks (--warm-up); the paper looks
 * at paths of a trained supernet, which there is none of here. */
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "proxy/measure.h"
#include "proxy/table.h"

enum { NOISES = 3, SET_FLATNESS = 5 };
static const double deviation[NOISES] = {1e-3, 3e-3, 6e-3};

/* The network's parameters, each with noise, as other weights. */
static int disturb(struct nsw_lab *lab, int noise, struct nsw_error *err) {
  int status = nsw_weights_draw(&lab->other, lab->net, NSW_DRAW_OWN, lab->seed, err);
  for (int p = 0; p < lab->net->params && !status; p++) {
    size_t n = nsw_param_size(&lab->net->param[p]);
    struct nsw_stream stream = {.seed = lab->seed,
                                .which = (uint64_t)(SET_FLATNESS + noise) << 32 | (uint32_t)lab->net->param[p].key,
                                .purpose = NSW_FOR_NOISE};
    if (!lab->net->param[p].live) continue;
    float *w = nsw_weights_edit(lab->other, p, err);
    if (!w) return NSW_FAILED;
    nsw_weights_get(lab->weights, p, w);
    nsw_random_normal(stream, (float)deviation[noise], 0, lab->gradient, n);
    for (size_t i = 0; i < n; i++) w[i] += lab->gradient[i];
  }
  return status;
}

static int loss_at(struct nsw_lab *lab, int noise, double *loss, struct nsw_error *err) {
  int status = disturb(lab, noise, err);
  if (!status)
    status =
        nsw_engine_bind(lab->engine, lab->net, lab->other, lab->batch, (struct nsw_run){.norm = NSW_NORM_BATCH}, err);
  if (status) return status;
  nsw_engine_forward(lab->engine);
  *loss = 0;
  for (int k = 0; k < lab->samples; k++) *loss += nsw_engine_losses(lab->engine)[k] / lab->samples;
  return NSW_OK;
}

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  double loss[NOISES], sum = 1e-5;
  (void)state;
  for (int i = 0; i < NOISES; i++) {
    int status = loss_at(lab, i, &loss[i], err);
    if (status) return status;
  }
  sum += fabs(loss[0] / deviation[0]);
  for (int i = 1; i < NOISES; i++) sum += fabs(loss[i] - loss[i - 1]) / (deviation[i] - deviation[i - 1]);
  values[0] = 1 / sum;
  return NSW_OK;
}

static const struct nsw_measure measure = {.pass = &nsw_pass_own, .work = 3, .take = take};

static const struct nsw_proxy_column columns[] = {
    {"flatness", "inverse of how much the loss moves with noise on all parameters", +1}, {0}};

const struct nsw_proxy nsw_proxy_flatness = {
    .name = "flatness",
    .group = "training",
    .source =
        "Zhang et al., GeNAS: Neural Architecture Search with Better Generalization, arXiv 2305.08611, and its "
        "released program (MIT)",
    .note = "GeNAS's measure on a network by itself, without its supernet; meant for trained ones (--warm-up)",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
    .samples = NSW_MEASURE_SAMPLES,
    .columns = columns,
    .measure = &measure,
};
