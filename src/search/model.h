/* Methods that fit a model to what was trained and go by its predictions. */
#ifndef NSW_SEARCH_MODEL_H
#define NSW_SEARCH_MODEL_H

#include "search/run.h"

/* A model of the accuracy looked at. State is the model's own, made by the method's open. */
struct nsw_model {
  /* Fits to n candidates with targets y[n]: normal scores, mean 0, variance 1. Random numbers from dice alone. */
  int (*fit)(void *state, const uint32_t *candidate, const double *y, size_t n, struct nsw_dice *dice,
             struct nsw_error *err);
  /* Predictions of all candidates, value[n of the ground], on any scale. */
  int (*predict)(void *state, double *value, struct nsw_error *err);
};

/* The first settings of every such method, in this order. */
enum { NSW_MODEL_FIRST, NSW_MODEL_BATCH, NSW_MODEL_TOP, NSW_MODEL_SETTINGS };
#define NSW_MODEL_OPTIONS                                                      \
  {"first", 10, 1, 1e6, "architectures trained before a model is fitted"},     \
      {"batch", 10, 1, 1e6, "trained between two fits"}, {                     \
    "top", 100, 1, 1e8, "best predicted, untrained, from which they are drawn" \
  }

/* WeakNAS's loop (arXiv 2102.10490): train some, fit, rank all candidates, train some more drawn from the predicted
 * top, and again. At the end a fit to as many others, drawn at random, whose ranking of all is compared with the
 * columns. */
int nsw_model_run(struct nsw_repeat *run, const struct nsw_model *model, struct nsw_error *err);

/* The `count` largest of value[n] that are not yet trained in this run, in no order, into out; returns how many. */
size_t nsw_top_untrained(struct nsw_repeat *run, const double *value, size_t count, uint32_t *out);

#endif
