/* SNIP with its signs. */
#include "proxy/measure.h"
#include "proxy/table.h"

static double term(const float *w, const float *g, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)w[i] * g[i];
  return sum;
}

static const struct nsw_measure measure = {.pass = &nsw_pass_train, .term = term};

static const struct nsw_proxy_column columns[] = {{"plain", "sum over weights of weight x gradient", +1}, {0}};

const struct nsw_proxy nsw_proxy_plain = {
    .name = "plain",
    .group = "gradient",
    .source = "Abdelfattah et al., Zero-Cost Proxies for Lightweight NAS, arXiv 2101.08134",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
    .samples = NSW_MEASURE_SAMPLES,
    .columns = columns,
    .measure = &measure,
};
