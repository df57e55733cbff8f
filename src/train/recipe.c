#include "train/recipe.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"

/* ---- presets ---- */

const struct nsw_preset nsw_presets[] = {
    {"smoke",
     "a short training of a small network, to see that everything works: two epochs, 8 channels, one cell a stage",
     {.epochs = 2,
      .batch = 64,
      .rate = 0.05,
      .momentum = 0.9,
      .decay = 5e-4,
      .flip = true,
      .crop = 4,
      .macro = {.channels = 8, .cells = 1}}},
    {"nb201-12",
     "NAS-Bench-201's own recipe at 12 epochs (arXiv 2001.00326): SGD of rate 0.1 with Nesterov's momentum 0.9, decay "
     "5e-4, cosine to 0, batches of 256, random crops and flips, half the training set",
     {.epochs = 12,
      .batch = 256,
      .rate = 0.1,
      .momentum = 0.9,
      .nesterov = true,
      .decay = 5e-4,
      .flip = true,
      .crop = 4}},
    {"econas",
     "EcoNAS's reduced training (arXiv 2001.01233): a quarter of the channels, images of a quarter of the size, 60 "
     "epochs, SGD of rate 0.1 with momentum 0.9, decay 3e-4, cosine, batches of 384, gradients clipped at 5",
     {.epochs = 60,
      .batch = 384,
      .rate = 0.1,
      .momentum = 0.9,
      .decay = 3e-4,
      .clip = 5,
      .flip = true,
      .crop = 1,
      .macro = {.channels = -4, .resolution = -4}}},
    {"warm-up",
     "a little training before a score looks (--warm-up): one epoch of 1,000 images in batches of 128, else as LGA's "
     "(arXiv 2203.14577: rate 0.025, momentum 0.9, decay 3e-4, batches of 1024 of all images)",
     {.epochs = 1,
      .batch = 128,
      .rate = 0.025,
      .schedule = NSW_CONSTANT,
      .momentum = 0.9,
      .decay = 3e-4,
      .flip = true,
      .crop = 4,
      .train = 1000,
      .valid = -1}},
    {.name = NULL}};

/* ---- settings ---- */

/* X(key, value unless set, member of the recipe, what is read, from, to, text); "preset" stands before them. */
#define SETTINGS(X)                                                                                                    \
  X("epochs", "preset", epochs, WHOLE, 0, 100000, "epochs of training")                                                \
  X("batch", "preset", batch, WHOLE, 2, 1 << 20, "images a step")                                                      \
  X("rate", "preset", rate, REAL, 0, 1e6, "learning rate at first")                                                    \
  X("least", "preset", least, REAL, 0, 1e6, "learning rate at the end of a cosine")                                    \
  X("schedule", "preset", schedule, SCHEDULE, 0, 0, "cosine or constant")                                              \
  X("momentum", "preset", momentum, REAL, 0, 1, "momentum of SGD")                                                     \
  X("nesterov", "preset", nesterov, FLAG, 0, 1, "0 or 1: Nesterov's momentum")                                         \
  X("decay", "preset", decay, REAL, 0, 1e3, "weight decay")                                                            \
  X("clip", "preset", clip, REAL, 0, 1e9, "largest norm of the gradient, 0: any")                                      \
  X("smoothing", "preset", smoothing, REAL, 0, 1, "label smoothing")                                                   \
  X("crop", "preset", crop, WHOLE, 0, 64, "pixels of zeros around an image, of which it is cut out at random")         \
  X("flip", "preset", flip, FLAG, 0, 1, "0 or 1: half of all images are turned left to right")                         \
  X("train", "preset", train, WHOLE, 0, MANY, "images to train on; with valid 0 too: half of --samples")               \
  X("valid", "preset", valid, WHOLE, -1, MANY, "images to validate on")                                                \
  X("split", "0", split, SEED, 0, MANY, "seed of the division into both parts")                                        \
  X("channels", "preset", macro.channels, WHOLE, -64, 4096, "channels of the first stage; -4: a quarter of the run's") \
  X("cells", "preset", macro.cells, WHOLE, 0, 64, "cells a stage")                                                     \
  X("resolution", "preset", macro.resolution, WHOLE, -64, 1024,                                                        \
    "height and width of the images, made by averages over squares; -4: a quarter")                                    \
  X("curves", "0", curves, FLAG, 0, 1, "0 or 1: keep accuracies and losses of every epoch")

enum { MANY = 1 << 30 };

#define OPTION(key, value, member, kind, low, high, text) {key, value, text},
const struct nsw_proxy_option nsw_settings[] = {
    {"preset", "smoke", "where all other settings come from: smoke, nb201-12 or econas"},
    SETTINGS(OPTION){.key = NULL}};
#undef OPTION
_Static_assert(sizeof nsw_settings / sizeof *nsw_settings == NSW_SETTINGS + 1, "the table and its size are told apart");

static int wrong(const struct nsw_proxy_option *s, const char *text, const char *range, struct nsw_error *err) {
  char quoted[NSW_QUOTE_SIZE];
  return nsw_usage(err, "%s = %s: %s", s->key, nsw_quote(quoted, text), range);
}

static int read_real(const struct nsw_proxy_option *s, const char *text, double low, double high, double *value,
                     struct nsw_error *err) {
  char *end, range[96];
  errno = 0;
  double x = strtod(text, &end);
  snprintf(range, sizeof range, "a number from %g to %g is wanted", low, high);
  if (end == text || *end || errno || !(x >= low && x <= high)) return wrong(s, text, range, err);
  *value = x;
  return NSW_OK;
}

static int read_whole(const struct nsw_proxy_option *s, const char *text, double low, double high, int *value,
                      struct nsw_error *err) {
  double x = 0;
  int status = read_real(s, text, low, high, &x, err);
  if (status) return status;
  if (x != floor(x)) return wrong(s, text, "a whole number is wanted", err);
  *value = (int)x;
  return NSW_OK;
}

static int read_flag(const struct nsw_proxy_option *s, const char *text, bool *value, struct nsw_error *err) {
  int x = 0;
  int status = read_whole(s, text, 0, 1, &x, err);
  if (!status) *value = x;
  return status;
}

static int read_schedule(const struct nsw_proxy_option *s, const char *text, enum nsw_rate_schedule *value,
                         struct nsw_error *err) {
  if (strcmp(text, "cosine") && strcmp(text, "constant")) return wrong(s, text, "cosine or constant is wanted", err);
  *value = strcmp(text, "cosine") ? NSW_CONSTANT : NSW_COSINE;
  return NSW_OK;
}

static int read_seed(const struct nsw_proxy_option *s, const char *text, double low, double high, uint64_t *value,
                     struct nsw_error *err) {
  int x = 0;
  int status = read_whole(s, text, low, high, &x, err);
  if (!status) *value = (uint64_t)x;
  return status;
}

/* Where a setting goes, and what may stand in it. */
static const struct place {
  enum { REAL, WHOLE, FLAG, SCHEDULE, SEED } kind;
  size_t at; /* offsetof in the recipe */
  double low, high;
} places[NSW_SETTINGS] = {{0},
#define PLACE(key, value, member, kind, low, high, text) {kind, offsetof(struct nsw_recipe, member), low, high},
                          SETTINGS(PLACE)
#undef PLACE
};

static int read_one(int k, const char *text, struct nsw_recipe *recipe, struct nsw_error *err) {
  const struct nsw_proxy_option *s = &nsw_settings[k];
  const struct place *p = &places[k];
  void *at = (char *)recipe + p->at;
  switch (p->kind) {
    case REAL:
      return read_real(s, text, p->low, p->high, at, err);
    case WHOLE:
      return read_whole(s, text, p->low, p->high, at, err);
    case FLAG:
      return read_flag(s, text, at, err);
    case SCHEDULE:
      return read_schedule(s, text, at, err);
    default:
      return read_seed(s, text, p->low, p->high, at, err);
  }
}

static int find_preset(const char *name, struct nsw_recipe *recipe, struct nsw_error *err) {
  char quoted[NSW_QUOTE_SIZE], known[128] = "";
  for (const struct nsw_preset *p = nsw_presets; p->name; p++) {
    if (!strcmp(p->name, name)) {
      *recipe = p->recipe;
      return NSW_OK;
    }
    snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", p == nsw_presets ? "" : ", ", p->name);
  }
  return nsw_usage(err, "preset = %s: there is no such preset; there are %s", nsw_quote(quoted, name), known);
}

int nsw_recipe_read(const char *const *values, struct nsw_recipe *recipe, struct nsw_error *err) {
  int status = find_preset(values[0], recipe, err);
  for (int k = 1; k < NSW_SETTINGS && !status; k++)
    if (strcmp(values[k], "preset")) status = read_one(k, values[k], recipe, err);
  if (status) return status;
  if (recipe->nesterov && recipe->momentum == 0) return nsw_usage(err, "nesterov = 1 wants a momentum above 0");
  if (!recipe->train != !recipe->valid)
    return nsw_usage(err, "train = %d and valid = %d: either both or none", recipe->train, recipe->valid);
  return NSW_OK;
}

/* The setting that a piece "KEY=VALUE" names, whose value becomes the text behind the sign; -1: none. */
static int find_setting(char *piece, const char **value) {
  char *equals = strchr(piece, '=');
  if (!equals) return -1;
  *equals = 0;
  *value = equals + 1;
  for (int k = 0; k < NSW_SETTINGS; k++)
    if (!strcmp(nsw_settings[k].key, piece)) return k;
  return -1;
}

int nsw_recipe_parse(const char *text, const char *preset, struct nsw_recipe *recipe, struct nsw_error *err) {
  const char *values[NSW_SETTINGS];
  char quoted[NSW_QUOTE_SIZE], *copy = strdup(text), *rest = NULL;
  int status = copy ? NSW_OK : nsw_no_memory(err, "settings of a training");
  for (int k = 0; k < NSW_SETTINGS; k++) values[k] = k ? nsw_settings[k].value : preset;
  for (char *piece = copy ? strtok_r(copy, ",", &rest) : NULL; piece && !status; piece = strtok_r(NULL, ",", &rest)) {
    const char *value = NULL;
    int k = find_setting(piece, &value);
    if (k < 0)
      status = nsw_usage(err, "'%s' is no setting of a training with its value (epochs=1,rate=0.05,...)",
                         nsw_quote(quoted, piece));
    else
      values[k] = value;
  }
  if (!status) status = nsw_recipe_read(values, recipe, err);
  free(copy);
  return status;
}

/* ---- what it means ---- */

/* A size as wished: so many, a fraction of the run's, or the run's. */
static int size_of(const char *what, int wish, int own, int *size, struct nsw_error *err) {
  *size = wish > 0 ? wish : own;
  if (wish >= 0) return NSW_OK;
  if (own % -wish) return nsw_usage(err, "%s = %d: %d cannot be divided by %d", what, wish, own, -wish);
  *size = own / -wish;
  return NSW_OK;
}

int nsw_recipe_macro(const struct nsw_recipe *recipe, const struct nsw_macro *macro, struct nsw_macro *made,
                     struct nsw_error *err) {
  *made = *macro;
  if (recipe->macro.cells > 0) made->cells = recipe->macro.cells;
  int status = size_of("channels", recipe->macro.channels, macro->channels, &made->channels, err);
  if (!status) status = size_of("resolution", recipe->macro.resolution, macro->resolution, &made->resolution, err);
  if (!status && (made->resolution > macro->resolution || macro->resolution % made->resolution))
    status = nsw_usage(err, "resolution = %d: images of %d pixels cannot be averaged to that", made->resolution,
                       macro->resolution);
  if (!status && made->resolution % 4)
    status = nsw_usage(err, "resolution = %d: it is halved twice, so it must be a multiple of 4", made->resolution);
  return status;
}

double nsw_recipe_rate(const struct nsw_recipe *recipe, int epoch, int step, int steps) {
  if (recipe->schedule == NSW_CONSTANT) return recipe->rate;
  double done = ((double)epoch * steps + step) / ((double)recipe->epochs * steps);
  return recipe->least + 0.5 * (recipe->rate - recipe->least) * (1 + cos(acos(-1) * done));
}
