/* Sum over weight tensors of the gradient's Euclidean norm. */
#include <math.h>

#include "proxy/measure.h"
#include "proxy/table.h"

static double term(const float *w, const float *g, size_t n) {
  double sum = 0;
  (void)w;
  for (size_t i = 0; i < n; i++) sum += (double)g[i] * g[i];
  return sqrt(sum);
}

static const struct nsw_measure measure = {.pass = &nsw_pass_train, .term = term};

static const struct nsw_proxy_column columns[] = {
    {"grad_norm", "sum over weight tensors of the norm of the gradient of the mean loss", +1}, {0}};

const struct nsw_proxy nsw_proxy_grad_norm = {
    .name = "grad_norm",
    .group = "gradient",
    .source = "Abdelfattah et al., Zero-Cost Proxies for Lightweight NAS, arXiv 2101.08134",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
    .samples = NSW_MEASURE_SAMPLES,
    .columns = columns,
    .measure = &measure,
};
