/* Label-gradient alignment: cosine between the neural tangent kernel, less its mean, and the matrix that has 1 where
 * two images have the same label and -1 where not. */
#include <math.h>

#include "data/images.h"
#include "proxy/measure.h"
#include "proxy/table.h"

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  const int32_t *label = lab->context->images->labels;
  int n = lab->samples;
  double mean = 0, product = 0, square = 0;
  (void)state;
  (void)err;
  for (int i = 0; i < n * n; i++) mean += lab->kernel[i] / ((double)n * n);
  for (int i = 0; i < n * n; i++) {
    double k = lab->kernel[i] - mean;
    product += label[i / n] == label[i % n] ? k : -k;
    square += k * k;
  }
  values[0] = product / (sqrt(square) * n);
  return NSW_OK;
}

static const struct nsw_measure measure = {.pass = &nsw_pass_kernel, .take = take};

static const struct nsw_proxy_column columns[] = {{"lga", "alignment of the neural tangent kernel with the labels", +1},
                                                  {0}};

const struct nsw_proxy nsw_proxy_lga = {
    .name = "lga",
    .group = "kernel",
    .source = "Mok et al., Demystifying the Neural Tangent Kernel from a Practical Perspective, arXiv 2203.14577",
    .note = "a way back for every image: many times the work of the other scores",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
    .samples = NSW_MEASURE_SAMPLES,
    .columns = columns,
    .measure = &measure,
};
