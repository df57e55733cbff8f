/* Fisher information of activations: half the mean square, over images, of the sum over pixels of activation times
 * gradient; summed over the channels of every convolution's raw output, and over the logits. */
#include <math.h>
#include <stdlib.h>

#include "net/conv.h"
#include "proxy/measure.h"
#include "proxy/network.h"

struct fisher {
  double sum; /* over images and channels, of squares */
};

static int open_fisher(const struct nsw_context *context, const char *const *values, void **state,
                       struct nsw_error *err) {
  (void)context;
  (void)values;
  *state = calloc(1, sizeof(struct fisher));
  return *state ? NSW_OK : nsw_fail(err, "out of memory");
}

static int begin(void *state, const struct nsw_lab *lab, struct nsw_error *err) {
  (void)lab;
  (void)err;
  *(struct fisher *)state = (struct fisher){0};
  return NSW_OK;
}

/* Squares of one channel's sums over pixels; value and slope lie in rows of their own length. */
static double squares(struct nsw_plane y, struct nsw_plane d, int channels) {
  double all = 0, sum[NSW_BLOCK];
  for (int first = 0; first < channels; first += NSW_BLOCK) {
    int n = channels - first < NSW_BLOCK ? channels - first : NSW_BLOCK;
    for (int c = 0; c < n; c++) sum[c] = 0;
    for (int h = 0; h < y.size; h++) {
      float row[NSW_BLOCK] = {0};
      for (int w = 0; w < y.size; w++)
        for (int c = 0; c < NSW_BLOCK; c++)
          row[c] += y.p[h * y.row + w * y.col + first + c] * d.p[h * d.row + w * d.col + first + c];
      for (int c = 0; c < n; c++) sum[c] += row[c];
    }
    for (int c = 0; c < n; c++) all += sum[c] * sum[c];
  }
  return all;
}

static void watch(void *state, const struct nsw_engine *engine, int layer, enum nsw_moment moment) {
  const struct nsw_net *net = nsw_engine_net(engine);
  struct fisher *f = state;
  if (moment != NSW_AFTER_SLOPE) return;
  int dst = net->layer[layer].dst;
  for (int i = 0; i < nsw_engine_images(engine); i++)
    f->sum +=
        squares(nsw_engine_value(engine, dst, i).plane, nsw_engine_slope(engine, layer, i), net->tensor[dst].channels);
}

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  const struct fisher *f = state;
  const float *logit = nsw_engine_logits(lab->engine), *slope = nsw_engine_slopes(lab->engine);
  double n = lab->samples, sum = f->sum;
  (void)err;
  for (int i = 0; i < lab->samples * lab->net->classes; i++) sum += pow((double)logit[i] * slope[i], 2);
  values[0] = 0.5 * sum / (n * n * n); /* slopes are of the summed loss: n times those of the mean; then the mean */
  return NSW_OK;
}

static const struct nsw_measure measure = {
    .pass = NSW_PASS_TRAIN, .open = open_fisher, .close = free, .begin = begin, .watch = watch, .take = take};

static const struct nsw_proxy_column columns[] = {
    {"fisher", "sum over channels of half the mean square of activation x gradient", +1}, {0}};

const struct nsw_proxy nsw_proxy_fisher = {
    .name = "fisher",
    .group = "gradient",
    .source =
        "Turner et al., BlockSwap: Fisher-guided Block Substitution, arXiv 1906.04113; as a score of networks in "
        "Abdelfattah et al., arXiv 2101.08134",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
    .samples = NSW_MEASURE_SAMPLES,
    .columns = columns,
    .measure = &measure,
};
