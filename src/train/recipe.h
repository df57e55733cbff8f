/* Recipes: how a network is trained. A recipe is made from a preset, a row of the table in train/recipe.c, and what is
 * changed of it by name. */
#ifndef NSW_TRAIN_RECIPE_H
#define NSW_TRAIN_RECIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "nasweep/proxy.h"

enum nsw_rate_schedule {
  NSW_COSINE,  /* from the rate to the least one along half a cosine, every step */
  NSW_CONSTANT /* the rate */
};

struct nsw_recipe {
  int epochs;
  int batch;    /* images a step; the last step of an epoch takes what is left */
  double rate;  /* learning rate at first */
  double least; /* and at the end of a cosine */
  enum nsw_rate_schedule schedule;
  double momentum; /* of SGD; 0: none */
  bool nesterov;
  double decay;           /* of weights, added to the gradient; of all parameters alike */
  double clip;            /* largest norm of the whole gradient; 0: any */
  double smoothing;       /* of labels: this share is spread over all classes alike */
  int crop;               /* pixels of zeros around an image of which it is cut out anew; 0: none */
  bool flip;              /* half of all images are turned left to right */
  int train, valid;       /* images of each part; 0 and 0: half and half; valid -1: none */
  uint64_t split;         /* seed of the division into parts */
  bool curves;            /* learning curves are wanted */
  struct nsw_macro macro; /* skeleton; zero fields are the run's own. channels and resolution below 0: so many times
                           * smaller than that */
};

/* A preset. */
struct nsw_preset {
  const char *name;
  const char *text; /* what it is, with its source */
  struct nsw_recipe recipe;
};

/* All of them; ends with a NULL name. The first is the default. */
extern const struct nsw_preset nsw_presets[];

/* The settings of a recipe, "preset" first, the word "preset" standing for what that says; ends with a NULL key. */
extern const struct nsw_proxy_option nsw_settings[];
enum { NSW_SETTINGS = 20 };

/* Makes a recipe of texts, values[NSW_SETTINGS] in the order of nsw_settings. NSW_USAGE naming the setting: an unknown
 * preset, no number, out of range. */
int nsw_recipe_read(const char *const *values, struct nsw_recipe *recipe, struct nsw_error *err);

/* The same of "KEY=VALUE,KEY=VALUE..."; what is not named is as `preset` says. NSW_USAGE for an unknown key. */
int nsw_recipe_parse(const char *text, const char *preset, struct nsw_recipe *recipe, struct nsw_error *err);

/* The skeleton it trains in a run whose own is `macro` (no zero fields). NSW_USAGE where a size does not divide. */
int nsw_recipe_macro(const struct nsw_recipe *recipe, const struct nsw_macro *macro, struct nsw_macro *made,
                     struct nsw_error *err);

/* Learning rate of step `step` (from 0) of epoch `epoch` of so many steps each. */
double nsw_recipe_rate(const struct nsw_recipe *recipe, int epoch, int step, int steps);

#endif
