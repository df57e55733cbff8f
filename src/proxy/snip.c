/* SNIP: how much the loss changes when a weight is taken away, to first order, summed over the weights. */
#include <math.h>

#include "proxy/measure.h"
#include "proxy/table.h"

double nsw_saliency(const float *w, const float *g, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += fabs((double)w[i] * g[i]);
  return sum;
}

static const struct nsw_measure measure = {.pass = &nsw_pass_train, .term = nsw_saliency};

static const struct nsw_proxy_column columns[] = {{"snip", "sum over weights of |weight x gradient|", +1}, {0}};

const struct nsw_proxy nsw_proxy_snip = {
    .name = "snip",
    .group = "gradient",
    .source = "Lee et al., SNIP, arXiv 1810.02340; as a score of networks in Abdelfattah et al., arXiv 2101.08134",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
    .samples = NSW_MEASURE_SAMPLES,
    .columns = columns,
    .measure = &measure,
};
