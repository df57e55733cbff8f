/* Sum over weight tensors of their Euclidean norm at initialisation: the same for any data. Dead branches have weights
 * too, and count. */
#include <math.h>
#include <stdlib.h>

#include "proxy/measure.h"
#include "proxy/table.h"

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  (void)state;
  (void)lab;
  (void)err;
  values[0] = 0; /* set for every member */
  return NSW_OK;
}

static int member(void *state, struct nsw_lab *lab, uint32_t index, const struct nsw_net *net, double *values,
                  struct nsw_error *err) {
  double sum = 0;
  (void)state;
  (void)index;
  (void)err;
  for (int p = 0; p < net->params; p++) {
    const struct nsw_param *param = &net->param[p];
    if (param->kind != NSW_PARAM_CONV && param->kind != NSW_PARAM_LINEAR) continue;
    size_t n = nsw_param_size(param);
    double square = 0;
    nsw_param_draw(param, NSW_DRAW_OWN, lab->seed, lab->gradient);
    for (size_t i = 0; i < n; i++) square += (double)lab->gradient[i] * lab->gradient[i];
    sum += sqrt(square);
  }
  values[0] = sum;
  return NSW_OK;
}

static const struct nsw_measure measure = {.pass = &nsw_pass_weights, .member = member, .take = take};

static const struct nsw_proxy_column columns[] = {
    {"l2_norm", "sum over weight tensors of their norm at initialisation", +1}, {0}};

const struct nsw_proxy nsw_proxy_l2_norm = {
    .name = "l2_norm",
    .group = "gradient",
    .source = "Abdelfattah et al., Zero-Cost Proxies for Lightweight NAS, arXiv 2101.08134",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_SEED,
    .columns = columns,
    .measure = &measure,
};
