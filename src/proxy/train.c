/* Training as a score: what a network reaches in a few epochs, or in many on small images and few channels. The recipe
 * is an option, or a preset of those that the field compares training-free scores with (train/recipe.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/images.h"
#include "net/net.h"
#include "proxy/table.h"
#include "proxy/units.h"
#include "store/state.h"
#include "train/trainer.h"

enum { SAMPLES = 1000 }; /* images where --samples does not say */
enum { TRAIN_ACCURACY, TRAIN_LOSS, VALID_ACCURACY, VALID_LOSS, VALID_BEST, SOTL_E, SOTL, COLUMNS };

struct train {
  const struct nsw_context *context;
  struct nsw_recipe recipe;
  struct nsw_macro macro; /* the skeleton that is trained */
  struct nsw_units units;
  struct nsw_trainer *trainer;
  size_t images;
};

static void close_train(void *state) {
  struct train *s = state;
  if (!s) return;
  nsw_trainer_free(&s->trainer);
  nsw_units_close(&s->units);
  free(s);
}

static int make(struct train *s, const char *const *values, struct nsw_error *err) {
  const struct nsw_context *c = s->context;
  int status = nsw_recipe_read(values, &s->recipe, err);
  if (!status && s->recipe.valid < 0) status = nsw_usage(err, "valid = -1: images to validate on are wanted");
  if (!status) status = nsw_recipe_macro(&s->recipe, &c->macro, &s->macro, err);
  if (status) return nsw_error_prefix(err, status, "--set train");
  s->images = (size_t)(c->samples ? c->samples : SAMPLES);
  if (!c->images || s->images > c->images->count)
    return nsw_usage(err, "%zu images are needed, and there are %zu", s->images, c->images ? c->images->count : 0);
  struct nsw_images first = *c->images;
  first.count = s->images;
  status = nsw_trainer_create(&s->recipe, &first, s->macro.resolution, &s->trainer, err);
  if (status) return nsw_error_prefix(err, status, "--set train");
  return nsw_units_open(c->space, true, &s->units, err);
}

static int open_train(const struct nsw_context *context, const char *const *values, void **state,
                      struct nsw_error *err) {
  struct train *s = calloc(1, sizeof *s);
  if (!s) return nsw_no_memory(err, "a training");
  s->context = context;
  int status = make(s, values, err);
  if (!status)
    *state = s;
  else
    close_train(s);
  return status;
}

static uint32_t unit(const void *state, uint32_t index) { return ((const struct train *)state)->units.of[index]; }

/* Forward and back of the part to train on, forward of the other, every epoch; two operations a multiply-add. */
static double cost(const void *state, uint32_t index) {
  const struct train *s = state;
  const struct nsw_parts *parts = nsw_trainer_parts(s->trainer);
  struct nsw_context small = *s->context;
  small.macro = s->macro;
  return 2.0 * nsw_units_macs(&s->units, &small, index) * s->recipe.epochs *
         (3.0 * (double)parts->train + (double)parts->valid);
}

/* ---- longer than a job ---- */

/* A training's state among those of a run. */
struct kept {
  const struct nsw_context *context;
  char name[64];
};

static bool asked(void *with) { return nsw_asked_to_pause(((const struct kept *)with)->context); }

static const char *folder_of(const struct kept *k) { return k->context->pause ? k->context->pause->folder : NULL; }

static int keep(void *with, const void *bytes, size_t size, struct nsw_error *err) {
  const struct kept *k = with;
  return folder_of(k) ? nsw_state_write(folder_of(k), k->name, bytes, size, err) : NSW_OK;
}

static int fetch(void *with, void **bytes, size_t *size, struct nsw_error *err) {
  const struct kept *k = with;
  *bytes = NULL;
  return folder_of(k) ? nsw_state_read(folder_of(k), k->name, bytes, size, err) : NSW_OK;
}

static bool lasts(const void *state) {
  (void)state;
  return true;
}

static size_t points(const void *state) {
  const struct nsw_recipe *r = &((const struct train *)state)->recipe;
  return r->curves ? (size_t)r->epochs : 0;
}

/* ---- scoring ---- */

static void fill(const struct nsw_trained *t, double *values) {
  values[TRAIN_ACCURACY] = t->train_accuracy;
  values[TRAIN_LOSS] = t->train_loss;
  values[VALID_ACCURACY] = t->valid_accuracy;
  values[VALID_LOSS] = t->valid_loss;
  values[VALID_BEST] = t->valid_best;
  values[SOTL_E] = t->sotl_e;
  values[SOTL] = t->sotl;
}

/* Curves of one row: one after the other, an epoch a point; epochs that were not reached are not numbers. */
static void fill_curves(const float *curve, size_t epochs, size_t done, double *out) {
  for (size_t c = 0; c < NSW_CURVES; c++)
    for (size_t e = 0; e < epochs; e++) out[c * epochs + e] = e < done ? curve[e * NSW_CURVES + c] : NAN;
}

static int train(struct train *s, uint64_t seed, uint32_t index, const struct nsw_net *net, float *curve,
                 struct nsw_trained *trained, struct nsw_error *err) {
  struct kept kept = {.context = s->context};
  struct nsw_break rest = {.with = &kept, .stop = asked, .keep = keep, .fetch = fetch};
  snprintf(kept.name, sizeof kept.name, "train-%llu-%lu", (unsigned long long)seed, (unsigned long)index);
  int status = nsw_trainer_run(s->trainer, net, seed, &rest, curve, trained, err);
  if (!status && folder_of(&kept)) nsw_state_remove(folder_of(&kept), kept.name);
  return status;
}

static int score(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                 struct nsw_error *err) {
  struct train *s = state;
  struct nsw_net *net = NULL;
  struct nsw_trained trained = {0};
  size_t epochs = points(s), width = COLUMNS + NSW_CURVES * epochs;
  float *curve = epochs ? malloc(epochs * NSW_CURVES * sizeof *curve) : NULL;
  int done = epochs && !curve ? nsw_no_memory(err, "a learning curve")
                              : nsw_net_build_trained(s->context->space, members[0], &s->macro, &net, err);
  bool path = done == NSW_OK && net->features >= 0;
  if (path) done = train(s, seed, members[0], net, curve, &trained, err);
  bool stopped = done == NSW_STOPPED;
  for (size_t i = 0; i < n && (done == NSW_OK || stopped); i++) {
    for (size_t c = 0; c < width; c++) values[i * width + c] = NAN;
    if (path && !stopped) fill(&trained, values + i * width);
    if (path && !stopped && curve) fill_curves(curve, epochs, (size_t)trained.epochs, values + i * width + COLUMNS);
    status[i] = stopped ? NSW_ROW_INTERRUPTED : path ? NSW_ROW_SCORED : NSW_ROW_NO_PATH;
  }
  nsw_net_free(&net);
  free(curve);
  return stopped ? NSW_OK : done;
}

static const struct nsw_proxy_column columns[] = {
    {"train_accuracy", "accuracy on the images trained on, over the last epoch of training, percent", +1},
    {"train_loss", "mean cross-entropy of the last epoch of training, nats", -1},
    {"valid_accuracy", "accuracy on images held back, after training, percent", +1},
    {"valid_loss", "mean cross-entropy on images held back, after training, nats", -1},
    {"valid_best", "best accuracy on images held back after any epoch, percent", +1},
    {"sotl_e", "sum of the training losses of the last epoch's steps, nats (SoTL-E)", -1},
    {"sotl", "sum of the training losses of all steps, nats", -1},
    {0}};

/* Learning curves, in the order of the rows that the trainer keeps. */
static const struct nsw_proxy_column curves[] = {{"train_accuracy", "accuracy on the images trained on, percent", 0},
                                                 {"train_loss", "mean cross-entropy of the epoch's training, nats", 0},
                                                 {"valid_accuracy", "accuracy on images held back, percent", 0},
                                                 {"valid_loss", "mean cross-entropy on images held back, nats", 0},
                                                 {0}};

const struct nsw_proxy nsw_proxy_train = {
    .name = "train",
    .group = "training",
    .source =
        "training by the recipe of the options; sums of losses: Ru et al., Speedy Performance Estimation for Neural "
        "Architecture Search, arXiv 2006.04492",
    .note =
        "a training that diverges has the accuracy of chance and the loss 1e30; --samples says how many images "
        "there are for both parts",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED | NSW_NEEDS_TRAINING,
    .samples = SAMPLES,
    .columns = columns,
    .options = nsw_settings,
    .lasts = lasts,
    .curves = curves,
    .points = points,
    .open = open_train,
    .close = close_train,
    .unit = unit,
    .cost = cost,
    .score = score,
};
