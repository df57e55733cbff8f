/* SynFlow with the gradient brought to the scale of its logarithm, |w| log(1 + g), so that no single path rules the
 * sum. */
#include <math.h>

#include "proxy/measure.h"
#include "proxy/table.h"

/* log(1 + g 2^e), also where the product is past double's range. */
static double log_flow(double g, int exponent) {
  return g > 0 && exponent > 500 ? log(g) + exponent * 0.69314718055994531 : log1p(ldexp(g, exponent));
}

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  const struct nsw_net *net = lab->net;
  int exponent = nsw_engine_exponent(lab->engine);
  double sum = 0;
  (void)state;
  (void)err;
  for (int p = 0; p < net->params; p++) {
    const struct nsw_param *param = &net->param[p];
    if (!param->live || (param->kind != NSW_PARAM_CONV && param->kind != NSW_PARAM_LINEAR)) continue;
    const float *weight = nsw_weights_at(nsw_lab_weights(lab), p);
    size_t n = nsw_param_size(param);
    nsw_engine_gradient(lab->engine, p, lab->gradient);
    for (size_t i = 0; i < n; i++) sum += weight[i] * log_flow(lab->gradient[i], exponent);
  }
  values[0] = sum;
  return NSW_OK;
}

static const struct nsw_measure measure = {.pass = &nsw_pass_flow, .take = take};

static const struct nsw_proxy_column columns[] = {
    {"logsynflow", "sum over weights of |weight| x log(1 + flow gradient)", +1}, {0}};

const struct nsw_proxy nsw_proxy_logsynflow = {
    .name = "logsynflow",
    .group = "gradient",
    .source = "Cavagnero et al., FreeREA: Training-Free Evolution-Based Architecture Search, arXiv 2207.05135",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_SEED,
    .columns = columns,
    .measure = &measure,
};
