#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/isa.h"
#include "train/course.h"

struct nsw_trainer {
  struct nsw_recipe recipe;
  struct nsw_parts parts;
  struct nsw_engine *engine;
  struct nsw_weights *weights, *velocity, *gradient;
  struct nsw_batch batch;
  uint32_t *order; /* [train] of the epoch */
  float *pixels;   /* [largest batch][3][resolution][resolution] */
  int32_t *labels; /* [largest batch] */
  float *slopes;   /* [largest batch][classes] */
  int largest;     /* images of a batch */
};

/* A training under way. */
struct course {
  struct nsw_trainer *t;
  const struct nsw_net *net;
  uint64_t seed;
  const struct nsw_break *rest;
  float *curve;
  struct nsw_course_now now;
  bool bound;  /* the engine has the network, in training mode */
  double kept; /* when the state was kept last, nsw_now() */
};

enum { EVALUATED = 128 }; /* images at a time */
enum { KEEP_EVERY = 60 }; /* seconds between states that are kept in case of a kill */

/* ---- losses ---- */

bool nsw_cross_entropy(const float *logits, int classes, int label, double smoothing, double *loss, float *slopes) {
  double most = logits[0], sum = 0, mean = 0;
  int best = 0;
  for (int k = 1; k < classes; k++)
    if (logits[k] > logits[best]) best = k;
  most = logits[best];
  for (int k = 0; k < classes; k++) sum += exp(logits[k] - most);
  double log_sum = log(sum) + most;
  for (int k = 0; k < classes; k++) mean += logits[k];
  mean /= classes;
  *loss = log_sum - (1 - smoothing) * logits[label] - smoothing * mean;
  for (int k = 0; k < classes && slopes; k++)
    slopes[k] = (float)(exp(logits[k] - log_sum) - (k == label ? 1 - smoothing : 0) - smoothing / classes);
  return best == label;
}

/* ---- making ---- */

int nsw_trainer_create(const struct nsw_recipe *recipe, const struct nsw_images *images, int resolution,
                       struct nsw_trainer **trainer, struct nsw_error *err) {
  struct nsw_trainer *t = calloc(1, sizeof *t);
  if (!t) return nsw_no_memory(err, "a training");
  t->recipe = *recipe;
  t->largest = recipe->batch > EVALUATED ? recipe->batch : EVALUATED;
  size_t one = 3 * (size_t)resolution * (size_t)resolution, most = (size_t)t->largest;
  int status = nsw_parts_make(recipe, images, resolution, &t->parts, err);
  if (!status) status = nsw_engine_create(nsw_cpu_isa(), &t->engine, err);
  if (!status) {
    t->order = malloc(t->parts.train * sizeof *t->order);
    t->pixels = malloc(most * one * sizeof *t->pixels);
    t->labels = malloc(most * sizeof *t->labels);
    if (!t->order || !t->pixels || !t->labels) status = nsw_no_memory(err, "a batch of %d images", t->largest);
  }
  if (!status)
    *trainer = t;
  else
    nsw_trainer_free(&t);
  return status;
}

void nsw_trainer_free(struct nsw_trainer **trainer) {
  struct nsw_trainer *t = *trainer;
  if (!t) return;
  nsw_parts_free(&t->parts);
  nsw_engine_free(&t->engine);
  nsw_weights_free(&t->weights);
  nsw_weights_free(&t->velocity);
  nsw_weights_free(&t->gradient);
  nsw_batch_free(&t->batch);
  free(t->order);
  free(t->pixels);
  free(t->labels);
  free(t->slopes);
  free(t);
  *trainer = NULL;
}

struct nsw_weights *nsw_trainer_weights(struct nsw_trainer *trainer) {
  return trainer->weights;
}
const struct nsw_parts *nsw_trainer_parts(const struct nsw_trainer *trainer) { return &trainer->parts; }

/* ---- batches ---- */

static int fill(struct nsw_trainer *t, int count, struct nsw_error *err) {
  return nsw_batch_fill(&t->batch, t->pixels, t->labels, count, t->parts.resolution, err);
}

/* Images first..first+count-1 of the epoch's order, cut. */
static int training_batch(struct course *c, size_t first, int count, struct nsw_error *err) {
  struct nsw_trainer *t = c->t;
  size_t one = 3 * (size_t)t->parts.resolution * (size_t)t->parts.resolution;
  for (int k = 0; k < count; k++) {
    uint32_t image = t->parts.member[t->order[first + (size_t)k]];
    struct nsw_cut cut = nsw_parts_cut(&t->recipe, c->seed, c->now.epoch, image);
    nsw_parts_apply(&t->parts, image, cut, t->pixels + (size_t)k * one);
    t->labels[k] = t->parts.labels[image];
  }
  return fill(t, count, err);
}

/* ---- evaluation ---- */

int nsw_trainer_evaluate(struct nsw_trainer *t, const struct nsw_net *net, const struct nsw_weights *weights,
                         const uint32_t *image, size_t count, double *accuracy, double *loss, struct nsw_error *err) {
  size_t one = 3 * (size_t)t->parts.resolution * (size_t)t->parts.resolution, right = 0;
  double sum = 0;
  for (size_t first = 0; first < count; first += EVALUATED) {
    int n = (int)(count - first < EVALUATED ? count - first : EVALUATED);
    for (int k = 0; k < n; k++) {
      nsw_parts_apply(&t->parts, image[first + (size_t)k], (struct nsw_cut){0}, t->pixels + (size_t)k * one);
      t->labels[k] = t->parts.labels[image[first + (size_t)k]];
    }
    int status = fill(t, n, err);
    if (!status)
      status =
          first ? nsw_engine_show(t->engine, &t->batch, err)
                : nsw_engine_bind(t->engine, net, weights, &t->batch, (struct nsw_run){.norm = NSW_NORM_RUNNING}, err);
    if (status) return status;
    nsw_engine_run(t->engine);
    const float *logits = nsw_engine_logits(t->engine);
    for (int k = 0; k < n; k++) {
      double one_loss;
      right +=
          nsw_cross_entropy(logits + (size_t)k * (size_t)net->classes, net->classes, t->labels[k], 0, &one_loss, NULL);
      sum += one_loss;
    }
  }
  *accuracy = count ? 100.0 * (double)right / (double)count : NAN;
  *loss = count ? sum / (double)count : NAN;
  return NSW_OK;
}

/* ---- one step ---- */

/* The gradient shortened to the recipe's norm. */
static double norm_of(const struct nsw_net *net, const struct nsw_weights *gradient) {
  double sum = 0;
  for (int p = 0; p < net->params; p++) {
    const float *g = nsw_weights_at(gradient, p);
    size_t n = nsw_param_size(&net->param[p]);
    for (size_t i = 0; g && i < n; i++) sum += (double)g[i] * g[i];
  }
  return sqrt(sum);
}

static int clip(struct course *c, struct nsw_error *err) {
  struct nsw_trainer *t = c->t;
  double norm = t->recipe.clip > 0 ? norm_of(c->net, t->gradient) : 0;
  double factor = norm > 0 ? t->recipe.clip / (norm + 1e-6) : 1; /* PyTorch's clip_grad_norm_ */
  if (factor >= 1) return NSW_OK;
  for (int p = 0; p < c->net->params; p++) {
    if (!nsw_weights_at(t->gradient, p)) continue;
    float *g = nsw_weights_edit(t->gradient, p, err);
    if (!g) return NSW_FAILED;
    for (size_t i = 0; i < nsw_param_size(&c->net->param[p]); i++) g[i] *= (float)factor;
  }
  return NSW_OK;
}

/* Binds at first and after an evaluation; else shows the batch and the stepped weights. */
static int take_up(struct course *c, struct nsw_error *err) {
  struct nsw_trainer *t = c->t;
  struct nsw_run run = {.norm = NSW_NORM_BATCH, .wanted = NSW_WANT_WEIGHT_GRADS | NSW_WANT_ABREAST};
  if (!c->bound) {
    c->bound = true;
    return nsw_engine_bind(t->engine, c->net, t->weights, &t->batch, run, err);
  }
  int status = nsw_engine_show(t->engine, &t->batch, err);
  if (!status) status = nsw_engine_reweigh(t->engine, t->weights, err);
  if (!status) nsw_engine_clear(t->engine);
  return status;
}

/* Forward and back; false where the loss is no number. */
static bool learn(struct course *c, int count) {
  struct nsw_trainer *t = c->t;
  size_t classes = (size_t)c->net->classes;
  double sum = 0;
  uint64_t right = 0;
  nsw_engine_forward(t->engine);
  const float *logits = nsw_engine_logits(t->engine);
  for (int k = 0; k < count; k++) {
    double loss;
    right += nsw_cross_entropy(logits + (size_t)k * classes, c->net->classes, t->labels[k], t->recipe.smoothing, &loss,
                               t->slopes + (size_t)k * classes);
    sum += loss;
  }
  if (!isfinite(sum)) return false;
  nsw_engine_backward(t->engine, t->slopes, NSW_WANT_WEIGHT_GRADS);
  c->now.loss += sum;
  c->now.right += right;
  c->now.seen += (uint64_t)count;
  c->now.sotl_e += sum / count;
  c->now.sotl += sum / count;
  return true;
}

static int steps_of(const struct nsw_trainer *t) {
  return (int)((t->parts.train + (size_t)t->recipe.batch - 1) / (size_t)t->recipe.batch);
}

static int step(struct course *c, struct nsw_error *err) {
  struct nsw_trainer *t = c->t;
  size_t first = (size_t)c->now.step * (size_t)t->recipe.batch, left = t->parts.train - first;
  int count = left < (size_t)t->recipe.batch ? (int)left : t->recipe.batch;
  struct nsw_step how = {.rate = (float)nsw_recipe_rate(&t->recipe, c->now.epoch, c->now.step, steps_of(t)),
                         .momentum = (float)t->recipe.momentum,
                         .decay = (float)t->recipe.decay,
                         .nesterov = t->recipe.nesterov};
  int status = training_batch(c, first, count, err);
  if (!status) status = take_up(c, err);
  if (status) return status;
  if (!learn(c, count)) {
    c->now.diverged = true;
    return NSW_OK;
  }
  status = nsw_engine_track(t->engine, NSW_NORM_MOMENTUM, t->weights, err);
  if (!status) status = nsw_engine_gradients(t->engine, 1.0f / (float)count, t->gradient, err);
  if (!status) status = clip(c, err);
  if (!status) status = nsw_weights_step(t->weights, t->velocity, t->gradient, &how, err);
  if (!status) c->now.diverged = !nsw_weights_finite(t->weights);
  c->now.step++;
  return status;
}

/* ---- epochs ---- */

static int end_epoch(struct course *c, struct nsw_error *err) {
  struct nsw_trainer *t = c->t;
  struct nsw_course_now *now = &c->now;
  double accuracy, loss;
  int status = nsw_trainer_evaluate(t, c->net, t->weights, t->parts.member + t->parts.train, t->parts.valid, &accuracy,
                                    &loss, err);
  c->bound = false;
  if (status) return status;
  now->train_accuracy = 100.0 * (double)now->right / (double)now->seen;
  now->train_loss = now->loss / (double)now->seen;
  now->valid_accuracy = accuracy;
  now->valid_loss = loss;
  if (!now->epoch || accuracy > now->valid_best) now->valid_best = accuracy;
  now->last_sotl_e = now->sotl_e;
  if (t->parts.valid && !isfinite(loss)) now->diverged = true;
  const float row[NSW_CURVES] = {(float)now->train_accuracy, (float)now->train_loss, (float)accuracy, (float)loss};
  if (c->curve) memcpy(c->curve + (size_t)now->epoch * NSW_CURVES, row, sizeof row);
  now->epoch++;
  now->step = 0;
  now->loss = now->sotl_e = 0;
  now->right = now->seen = 0;
  return NSW_OK;
}

static bool wants_stop(const struct course *c) { return c->rest && c->rest->stop && c->rest->stop(c->rest->with); }

static int keep_state(struct course *c, struct nsw_error *err) {
  c->kept = nsw_now();
  if (!c->rest || !c->rest->keep) return NSW_OK;
  struct nsw_course_parts parts = {c->net, &c->now, c->t->weights, c->t->velocity, c->curve, c->t->recipe.epochs};
  void *bytes = NULL;
  size_t size;
  int status = nsw_course_pack(&parts, &bytes, &size, err);
  if (!status) status = c->rest->keep(c->rest->with, bytes, size, err);
  free(bytes);
  return status;
}

/* What was kept, where there is something. */
static int fetch_state(struct course *c, struct nsw_error *err) {
  if (!c->rest || !c->rest->fetch) return NSW_OK;
  struct nsw_course_parts parts = {c->net, &c->now, c->t->weights, c->t->velocity, c->curve, c->t->recipe.epochs};
  void *bytes = NULL;
  size_t size = 0;
  int status = c->rest->fetch(c->rest->with, &bytes, &size, err);
  if (!status && bytes) status = nsw_course_unpack(&parts, bytes, size, err);
  free(bytes);
  return status;
}

static int train(struct course *c, struct nsw_error *err) {
  struct nsw_trainer *t = c->t;
  int steps = steps_of(t), status = NSW_OK;
  while (c->now.epoch < t->recipe.epochs && !c->now.diverged && !status) {
    nsw_parts_order(&t->parts, c->seed, c->now.epoch, t->order);
    while (c->now.step < steps && !c->now.diverged && !status) {
      status = step(c, err);
      bool stop = !status && wants_stop(c);
      if (stop || (!status && nsw_now() - c->kept > KEEP_EVERY)) status = keep_state(c, err);
      if (stop) return !status ? NSW_STOPPED : status;
    }
    if (!status && !c->now.diverged) status = end_epoch(c, err);
  }
  return status;
}

static struct nsw_trained outcome_of(const struct course *c) {
  const struct nsw_course_now *now = &c->now;
  double chance = 100.0 / c->net->classes;
  if (now->diverged)
    return (struct nsw_trained){.train_accuracy = chance,
                                .train_loss = NSW_DIVERGED,
                                .valid_accuracy = chance,
                                .valid_loss = NSW_DIVERGED,
                                .valid_best = now->epoch ? now->valid_best : chance,
                                .sotl_e = NSW_DIVERGED,
                                .sotl = NSW_DIVERGED,
                                .epochs = now->epoch,
                                .diverged = true};
  return (struct nsw_trained){.train_accuracy = now->train_accuracy,
                              .train_loss = now->train_loss,
                              .valid_accuracy = now->valid_accuracy,
                              .valid_loss = now->valid_loss,
                              .valid_best = now->valid_best,
                              .sotl_e = now->last_sotl_e,
                              .sotl = now->sotl,
                              .epochs = now->epoch};
}

int nsw_trainer_run(struct nsw_trainer *t, const struct nsw_net *net, uint64_t seed, const struct nsw_break *rest,
                    float *curve, struct nsw_trained *trained, struct nsw_error *err) {
  struct course c = {.t = t, .net = net, .seed = seed, .rest = rest, .curve = curve, .kept = nsw_now()};
  free(t->slopes);
  t->slopes = malloc((size_t)t->largest * (size_t)net->classes * sizeof *t->slopes);
  int status = t->slopes ? NSW_OK : nsw_no_memory(err, "the slopes of %d images", t->largest);
  if (!status) status = nsw_weights_draw(&t->weights, net, NSW_DRAW_OWN, seed, err);
  if (!status) status = nsw_weights_hold(t->weights, NSW_HOLD_LIVE, err);
  if (!status) status = nsw_weights_draw(&t->velocity, net, NSW_DRAW_ZERO, 0, err);
  if (!status) status = nsw_weights_hold(t->velocity, NSW_HOLD_LIVE, err);
  if (!status) status = nsw_weights_draw(&t->gradient, net, NSW_DRAW_ZERO, 0, err);
  if (!status) status = fetch_state(&c, err);
  if (!status) status = train(&c, err);
  if (!status) *trained = outcome_of(&c);
  return status;
}
