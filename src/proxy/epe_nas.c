/* EPE-NAS: correlations of the Jacobians of images of the same class. For each class, s = sum of log(|r| + k) over all
 * pairs, k = 1e-5; up to 100 classes the score is the sum of |s|, with more the mean difference between classes'
 * s / images, over those with several images. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/images.h"
#include "proxy/correlation.h"
#include "proxy/measure.h"
#include "proxy/table.h"

#define SMALL 1e-5 /* k of the released code */

enum { MANY_CLASSES = 100 };

/* s of one class from its m rows of the Jacobian; corr[m][m] is scratch. */
static double class_score(const float *rows, int m, size_t size, double *corr) {
  double sum = 0;
  if (!nsw_correlations(rows, m, size, corr)) return NAN;
  for (int i = 0; i < m * m; i++) sum += log(fabs(corr[i]) + SMALL);
  return sum;
}

/* From the classes' scores to the network's. */
static double total(const double *score, int classes, bool many) {
  double sum = 0;
  for (int a = 0; a < classes; a++) {
    if (!many) sum += fabs(score[a]);
    for (int b = 0; b < classes && many; b++) sum += fabs(score[a] - score[b]);
  }
  return many && classes ? sum / classes : sum;
}

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  const int32_t *label = lab->context->images->labels;
  int n = lab->samples, classes = lab->context->images->classes, there = 0;
  size_t size = 3 * (size_t)lab->net->resolution * (size_t)lab->net->resolution;
  float *rows = malloc((size_t)n * size * sizeof *rows);
  double *corr = malloc((size_t)n * (size_t)n * sizeof *corr), *score = malloc((size_t)classes * sizeof *score);
  (void)state;
  bool ok = rows && corr && score, many = classes > MANY_CLASSES;
  for (int k = 0; k < classes && ok; k++) {
    int m = 0;
    for (int i = 0; i < n; i++)
      if (label[i] == k) memcpy(rows + (size_t)m++ * size, lab->jacobian + (size_t)i * size, size * sizeof *rows);
    if (m > 1 || (m == 1 && !many)) score[there++] = class_score(rows, m, size, corr) / (many ? m : 1);
  }
  if (ok) values[0] = total(score, there, many);
  free(rows);
  free(corr);
  free(score);
  return ok ? NSW_OK : nsw_no_memory(err, "the correlations of %d images", n);
}

static const struct nsw_measure measure = {.pass = &nsw_pass_jacobian, .take = take};

static const struct nsw_proxy_column columns[] = {{"epe_nas", "correlations of the Jacobians within classes", +1}, {0}};

const struct nsw_proxy nsw_proxy_epe_nas = {
    .name = "epe_nas",
    .group = "gradient",
    .source = "Lopes et al., EPE-NAS: Efficient Performance Estimation Without Training, arXiv 2102.08099",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
    .samples = NSW_MEASURE_SAMPLES,
    .columns = columns,
    .measure = &measure,
};
