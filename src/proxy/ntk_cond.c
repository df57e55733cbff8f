/* Condition number of the neural tangent kernel: largest over smallest eigenvalue of the products of the images'
 * gradients of their own summed logits, with respect to all weights and normalisations' gammas. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/linalg.h"
#include "proxy/measure.h"
#include "proxy/table.h"

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  size_t n = (size_t)lab->samples;
  double *copy = malloc(n * n * sizeof *copy), *value = malloc(n * sizeof *value);
  (void)state;
  bool ok = copy && value;
  if (ok) {
    memcpy(copy, lab->kernel, n * n * sizeof *copy);
    values[0] = nsw_eigenvalues(copy, (int)n, value) && value[0] > 0 ? value[n - 1] / value[0] : NAN;
  }
  free(copy);
  free(value);
  return ok ? NSW_OK : nsw_no_memory(err, "a kernel of %zu images", n);
}

static const struct nsw_measure measure = {.pass = &nsw_pass_kernel, .take = take};

static const struct nsw_proxy_column columns[] = {{"ntk_cond", "condition number of the neural tangent kernel", -1},
                                                  {0}};

const struct nsw_proxy nsw_proxy_ntk_cond = {
    .name = "ntk_cond",
    .group = "kernel",
    .source = "Chen et al., Neural Architecture Search on ImageNet in Four GPU Hours, arXiv 2102.11535",
    .note = "a way back for every image: many times the work of the other scores",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
    .samples = NSW_MEASURE_SAMPLES,
    .columns = columns,
    .measure = &measure,
};
