/* Eproxy: how close a few steps of training bring a network to maps that mean nothing. Noise images go through the
 * network up to what is averaged for the classifier, then through the barrier, a 3x3 convolution of random weights that
 * is never trained; the mean squared distance of what comes out from fixed random waves is the loss. The score is the
 * loss after so many steps of SGD by all weights in front of the barrier.
 *
 * Images, barrier and waves are drawn by the seed: the same for all architectures whose features are as many. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/random.h"
#include "proxy/measure.h"
#include "proxy/noise.h"
#include "proxy/table.h"
#include "train/trainer.h"

enum { STEPS, RATE, MOMENTUM, DECAY, MAPS, WAVES, OPTIONS };
enum { IMAGES = 16, TAPS = 9 };
enum { SET_EPROXY = 8, SET_BARRIER, SET_WAVES }; /* of the noise */

struct eproxy {
  double option[OPTIONS];
  struct nsw_weights *velocity, *gradient;
  float *room; /* of all arrays below, one behind the other */
  size_t floats;

  /* Of the network at hand. */
  size_t images, side, channels, maps;
  float *pixels;   /* [images][3][resolution][resolution] */
  float *features; /* [images][side][side][channels], then the loss's gradient in their place */
  float *patches;  /* [side][side][taps][channels] of one image, zeros around it; or their gradient */
  float *barrier;  /* [maps][taps][channels] */
  float *target;   /* [images][side][side][maps] */
  float *out;      /* [side][side][maps] of one image: what comes out, then its gradient */
};

/* ---- making ---- */

static void close_eproxy(void *state) {
  struct eproxy *s = state;
  if (!s) return;
  nsw_weights_free(&s->velocity);
  nsw_weights_free(&s->gradient);
  free(s->room);
  free(s);
}

static int open_eproxy(const struct nsw_context *context, const char *const *values, void **state,
                       struct nsw_error *err) {
  static const struct {
    const char *key;
    double least, most;
    bool whole;
  } option[OPTIONS] = {{"steps", 0, 10000, true}, {"rate", 0, 1e6, false}, {"momentum", 0, 1, false},
                       {"decay", 0, 1e3, false},  {"maps", 1, 4096, true}, {"waves", 0, 1e3, false}};
  struct eproxy *s = calloc(1, sizeof *s);
  (void)context;
  int status = s ? NSW_OK : nsw_no_memory(err, "eproxy");
  for (int k = 0; k < OPTIONS && !status; k++) {
    char *end;
    double x = s->option[k] = strtod(values[k], &end);
    if (end == values[k] || *end || !(x >= option[k].least && x <= option[k].most) ||
        (option[k].whole && x != floor(x)))
      status = nsw_usage(err, "eproxy: %s is a %snumber from %g to %g, not '%.40s'", option[k].key,
                         option[k].whole ? "whole " : "", option[k].least, option[k].most, values[k]);
  }
  if (!status)
    *state = s;
  else
    close_eproxy(s);
  return status;
}

static bool reserve(struct eproxy *s, const struct nsw_net *net) {
  const struct nsw_tensor *x = &net->tensor[net->features];
  size_t area = (size_t)x->size * (size_t)x->size, resolution = (size_t)net->resolution;
  s->side = (size_t)x->size;
  s->channels = (size_t)x->channels;
  s->maps = (size_t)s->option[MAPS];
  size_t size[] = {s->images * 3 * resolution * resolution,
                   s->images * area * s->channels,
                   area * TAPS * s->channels,
                   s->maps * TAPS * s->channels,
                   s->images * area * s->maps,
                   area * s->maps};
  float **array[] = {&s->pixels, &s->features, &s->patches, &s->barrier, &s->target, &s->out};
  size_t all = 0;
  for (size_t k = 0; k < sizeof size / sizeof *size; k++) all += size[k];
  if (!NSW_RESERVE(s->room, s->floats, all)) return false;
  float *at = s->room;
  for (size_t k = 0; k < sizeof size / sizeof *size; at += size[k++]) *array[k] = at;
  return true;
}

/* Map m of image i: the sine of a plane wave, with up to so many periods across the map either way, falling or rising,
 * and any phase. */
static void draw_waves(struct eproxy *s, uint64_t seed) {
  const double turn = 2 * acos(-1), most = s->option[WAVES];
  struct nsw_stream stream = {.seed = seed, .which = (uint64_t)SET_WAVES << 32, .purpose = NSW_FOR_NOISE};
  for (size_t i = 0; i < s->images; i++)
    for (size_t m = 0; m < s->maps; m++) {
      uint32_t word[4];
      nsw_random_block(stream, i * s->maps + m, word);
      double unit[3];
      for (int k = 0; k < 3; k++) unit[k] = (word[k] + 0.5) / 4294967296.0;
      for (size_t h = 0; h < s->side; h++)
        for (size_t w = 0; w < s->side; w++) {
          double periods = (most * (2 * unit[0] - 1) * (double)h + most * unit[1] * (double)w) / (double)s->side;
          s->target[((i * s->side + h) * s->side + w) * s->maps + m] = (float)sin(turn * (periods + unit[2]));
        }
    }
}

/* What does not change from step to step, and the network's weights where they can. net: as it is trained. */
static int prepare(struct eproxy *s, struct nsw_lab *lab, const struct nsw_net *net, struct nsw_error *err) {
  s->images = (size_t)lab->samples;
  if (!reserve(s, net)) return nsw_no_memory(err, "the images and maps of eproxy");
  size_t inputs = TAPS * s->channels;
  struct nsw_stream stream = {.seed = lab->seed, .which = (uint64_t)SET_BARRIER << 32, .purpose = NSW_FOR_NOISE};
  nsw_random_normal(stream, (float)(1 / sqrt((double)inputs)), 0, s->barrier, s->maps * inputs);
  draw_waves(s, lab->seed);
  nsw_noise_images(lab->seed, SET_EPROXY, lab->samples, net->resolution, s->pixels);
  int status = nsw_batch_fill(&lab->spare, s->pixels, NULL, lab->samples, net->resolution, err);
  struct nsw_weights **zero[] = {&s->velocity, &s->gradient};
  for (int k = 0; k < 2 && !status; k++) status = nsw_weights_draw(zero[k], net, NSW_DRAW_ZERO, 0, err);
  if (!status) status = nsw_weights_draw(&lab->other, net, NSW_DRAW_OWN, lab->seed, err);
  for (int p = 0; p < net->params && !status; p++) {
    float *w = net->param[p].live ? nsw_weights_edit(lab->other, p, err) : NULL;
    if (w) nsw_weights_get(lab->weights, p, w);
    if (!w && net->param[p].live) status = NSW_FAILED;
  }
  return status;
}

/* ---- the barrier ---- */

/* Every pixel's neighbours of one image, or, back, what they give added up in `image`. */
static void gather(const struct eproxy *s, float *image, bool back) {
  ptrdiff_t side = (ptrdiff_t)s->side, channels = (ptrdiff_t)s->channels;
  float *patch = s->patches;
  if (back) memset(image, 0, s->side * s->side * s->channels * sizeof *image);
  for (ptrdiff_t pixel = 0; pixel < side * side; pixel++)
    for (ptrdiff_t t = 0; t < TAPS; t++, patch += channels) {
      ptrdiff_t h = pixel / side + t / 3 - 1, w = pixel % side + t % 3 - 1;
      bool inside = h >= 0 && h < side && w >= 0 && w < side;
      float *x = inside ? image + (h * side + w) * channels : NULL;
      if (!back && inside) memcpy(patch, x, s->channels * sizeof *patch);
      if (!back && !inside) memset(patch, 0, s->channels * sizeof *patch);
      for (ptrdiff_t c = 0; back && inside && c < channels; c++) x[c] += patch[c];
    }
}

/* The loss of what the engine has made; the features become its gradient. */
static double loss_of(struct eproxy *s, const struct nsw_engine *engine) {
  size_t area = s->side * s->side, inputs = TAPS * s->channels, all = s->images * area * s->maps;
  double sum = 0;
  for (size_t i = 0; i < s->images; i++) {
    float *image = s->features + i * area * s->channels;
    nsw_engine_values(engine, nsw_engine_net(engine)->features, (int)i, image);
    gather(s, image, false);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)area, (int)s->maps, (int)inputs, 1, s->patches,
                (int)inputs, s->barrier, (int)inputs, 0, s->out, (int)s->maps);
    for (size_t k = 0; k < area * s->maps; k++) {
      double off = (double)s->out[k] - s->target[i * area * s->maps + k];
      sum += off * off;
      s->out[k] = (float)(2 * off / (double)all);
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)area, (int)inputs, (int)s->maps, 1, s->out,
                (int)s->maps, s->barrier, (int)inputs, 0, s->patches, (int)inputs);
    gather(s, image, true);
  }
  return sum / (double)all;
}

/* ---- the score ---- */

static int step(struct eproxy *s, struct nsw_lab *lab, struct nsw_error *err) {
  struct nsw_step how = {
      .rate = (float)s->option[RATE], .momentum = (float)s->option[MOMENTUM], .decay = (float)s->option[DECAY]};
  nsw_engine_backward_features(lab->engine, s->features);
  int status = nsw_engine_gradients(lab->engine, 1, s->gradient, err);
  if (!status) status = nsw_weights_step(lab->other, s->velocity, s->gradient, &how, err);
  if (!status) status = nsw_engine_reweigh(lab->engine, lab->other, err);
  nsw_engine_clear(lab->engine);
  return status;
}

static int descend(struct eproxy *s, struct nsw_lab *lab, const struct nsw_net *net, double *values,
                   struct nsw_error *err) {
  struct nsw_run run = {.norm = NSW_NORM_BATCH, .wanted = NSW_WANT_WEIGHT_GRADS};
  int status = prepare(s, lab, net, err);
  if (!status) status = nsw_engine_bind(lab->engine, net, lab->other, &lab->spare, run, err);
  for (int k = 0; !status; k++) {
    nsw_engine_forward(lab->engine);
    double loss = loss_of(s, lab->engine);
    bool apart = !isfinite(loss) || !nsw_weights_finite(lab->other);
    values[0] = apart ? NSW_DIVERGED : loss;
    if (k == (int)s->option[STEPS] || apart) break;
    status = step(s, lab, err);
  }
  return status;
}

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  struct nsw_net *net = NULL;
  int status = nsw_net_build_trained(lab->context->space, lab->index, &lab->context->macro, &net, err);
  if (!status) status = descend(state, lab, net, values, err);
  nsw_net_free(&net);
  return status;
}

static double want(void *state, const bool *column) {
  (void)column;
  return 3 * ((struct eproxy *)state)->option[STEPS] + 1;
}

static const struct nsw_measure measure = {
    .pass = &nsw_pass_own, .open = open_eproxy, .close = close_eproxy, .want = want, .take = take};

static const struct nsw_proxy_column columns[] = {
    {"eproxy", "mean squared distance from fixed random maps after ten steps of training", -1}, {0}};

static const struct nsw_proxy_option options[OPTIONS + 1] = {{"steps", "10", "steps of SGD"},
                                                             {"rate", "0.1", "learning rate"},
                                                             {"momentum", "0.9", "momentum of SGD"},
                                                             {"decay", "4e-5", "weight decay"},
                                                             {"maps", "16", "maps of an image behind the barrier"},
                                                             {"waves", "2", "largest number of periods across a map"},
                                                             {0}};

const struct nsw_proxy nsw_proxy_eproxy = {
    .name = "eproxy",
    .group = "training",
    .source = "Li et al., Extensible Proxy for Efficient NAS, arXiv 2210.09459",
    .note =
        "targets are drawn from the paper's description (fixed synthetic maps), as are barrier and images; rate and "
        "number of maps are ours; a training that diverges has the loss 1e30",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_SEED | NSW_NEEDS_TRAINING,
    .samples = IMAGES,
    .columns = columns,
    .options = options,
    .measure = &measure,
};
