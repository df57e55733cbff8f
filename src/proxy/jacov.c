/* Jacobian covariance: how alike the images' gradients of the summed logits are. With v the eigenvalues of their
 * correlation matrix, -sum(log(v + k) + 1 / (v + k)), k = 1e-5. */
#include <math.h>
#include <stdlib.h>

#include "base/linalg.h"
#include "proxy/correlation.h"
#include "proxy/measure.h"
#include "proxy/table.h"

#define SMALL 1e-5 /* k of the released code */

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  int n = lab->samples, side = lab->net->resolution;
  double *corr = malloc((size_t)n * (size_t)n * sizeof *corr), *value = malloc((size_t)n * sizeof *value), sum = 0;
  (void)state;
  if (!corr || !value) {
    free(corr);
    free(value);
    return nsw_no_memory(err, "%d correlations", n);
  }
  bool ok = nsw_correlations(lab->jacobian, n, (size_t)(3 * side * side), corr) && nsw_eigenvalues(corr, n, value);
  for (int i = 0; i < n; i++) sum -= log(value[i] + SMALL) + 1 / (value[i] + SMALL);
  values[0] = ok ? sum : NAN;
  free(corr);
  free(value);
  return NSW_OK;
}

static const struct nsw_measure measure = {.pass = &nsw_pass_jacobian, .take = take};

static const struct nsw_proxy_column columns[] = {
    {"jacov", "spread of the eigenvalues of the correlations of the images' Jacobians", +1}, {0}};

const struct nsw_proxy nsw_proxy_jacov = {
    .name = "jacov",
    .group = "gradient",
    .source =
        "Mellor et al., Neural Architecture Search without Training, arXiv 2006.04647v1, as in Abdelfattah et al., "
        "arXiv 2101.08134",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
    .samples = NSW_MEASURE_SAMPLES,
    .columns = columns,
    .measure = &measure,
};
