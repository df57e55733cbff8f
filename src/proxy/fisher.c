/* Fisher information of activations: half the mean square, over images, of the sum over pixels of activation times
 * gradient; summed over the channels of every convolution's raw output, and over the logits. The released code spreads
 * a channel's value over all weights that lead to it before it sums, so that it counts as often as there are of them.
 */
#include <math.h>
#include <stdlib.h>

#include "net/conv.h"
#include "proxy/measure.h"
#include "proxy/table.h"

struct fisher {
  double channels, weights; /* sums over images and channels of squares, and of them times the weights of a channel */
};

static int open_fisher(const struct nsw_context *context, const char *const *values, void **state,
                       struct nsw_error *err) {
  (void)context;
  (void)values;
  *state = calloc(1, sizeof(struct fisher));
  return *state ? NSW_OK : nsw_no_memory(err, "a score");
}

static int begin(void *state, struct nsw_lab *lab, struct nsw_error *err) {
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

/* Weights that lead to one output channel. */
static double per_channel(const struct nsw_param *weight) { return (double)nsw_param_size(weight) / weight->shape[0]; }

static void observe(void *state, const struct nsw_engine *engine, int layer, enum nsw_moment moment) {
  const struct nsw_net *net = nsw_engine_net(engine);
  struct fisher *f = state;
  if (moment != NSW_AFTER_SLOPE) return;
  int dst = net->layer[layer].dst;
  double sum = 0;
  for (int i = 0; i < nsw_engine_images(engine); i++)
    sum +=
        squares(nsw_engine_value(engine, dst, i).plane, nsw_engine_slope(engine, layer, i), net->tensor[dst].channels);
  f->channels += sum;
  f->weights += sum * per_channel(&net->param[net->layer[layer].param]);
}

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  const struct fisher *f = state;
  const float *logit = nsw_engine_logits(lab->engine), *slope = nsw_engine_slopes(lab->engine);
  double n = lab->samples, head = 0;
  (void)err;
  for (int i = 0; i < lab->samples * lab->net->classes; i++) head += pow((double)logit[i] * slope[i], 2);
  double scale = 0.5 / (n * n * n); /* slopes are of the summed loss: n times those of the mean; then the mean */
  values[0] = scale * (f->weights + head * per_channel(&lab->net->param[lab->net->head_weight]));
  values[1] = scale * (f->channels + head);
  return NSW_OK;
}

static const struct nsw_measure measure = {
    .pass = &nsw_pass_train, .open = open_fisher, .close = free, .begin = begin, .observe = observe, .take = take};

static const struct nsw_proxy_column columns[] = {
    {"fisher", "sum over weights of their channel's half mean square of activation x gradient", +1},
    {"fisher_channels", "the same summed over channels", +1},
    {0}};

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
