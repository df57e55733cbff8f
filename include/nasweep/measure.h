/* Measures: scores read off passes through a network that several of them share.
 *
 * A measure is a proxy whose struct nsw_proxy has `measure` instead of open and score. All measures asked for in a run,
 * built in or from plugins, are evaluated together: an architecture's network is built once and its weights are drawn
 * once, every pass that some of them want is run once, and each takes its values from what the pass left in the lab. */
#ifndef NASWEEP_MEASURE_H
#define NASWEEP_MEASURE_H

#include "nasweep/observe.h"
#include "nasweep/proxy.h"

#ifdef __cplusplus
extern "C" {
#endif

struct nsw_net; /* src/net/net.h */
struct nsw_lab; /* what passes leave; read by the functions below */

/* The passes; n images, as many as the measure's proxy says or --samples. */
struct nsw_pass;
extern const struct nsw_pass nsw_pass_forward, /* n images, normalised by batch, forward */
    nsw_pass_train,                            /* the same, and back from the cross-entropy: every weight's gradient */
    nsw_pass_jacobian,                         /* the same, back from the sum of all logits to the images */
    nsw_pass_tangent, /* forward and back with tangents along the weights: Hessian times weights */
    nsw_pass_sample,  /* n images, each normalised by itself, forward and back: every weight's summed gradient */
    nsw_pass_flow,    /* absolute weights, one image of ones, no normalisation, back from the sum of logits */
    nsw_pass_kernel,  /* every image's gradient of its own logits: the neural tangent kernel */
    nsw_pass_weights, /* nothing is run: the weights are enough */
    nsw_pass_own;     /* the measure runs what it needs itself */

/* Images of a batch where neither --samples nor the proxy says: what the papers of these scores take. */
enum { NSW_MEASURE_SAMPLES = 64 };

struct nsw_measure {
  const struct nsw_pass *pass;

  /* Work of nsw_pass_own in forward passes of the n images, for scheduling; the others' is known. */
  double work;

  /* Values of a network whose input and output are not connected: 0 instead of none. */
  bool zero_without_path;

  /* Makes the measure's state; values: one text per option of the proxy. NULL: there is none. */
  int (*open)(const struct nsw_context *context, const char *const *values, void **state, struct nsw_error *err);
  void (*close)(void *state);

  /* Told once, after open, which of its columns are asked for; nsw_pass_own gives the work that these take. The others'
   * values do not matter, and the ones asked for must not depend on it. NULL: it makes all of them. */
  double (*want)(void *state, const bool *column);

  /* When the pass is bound, before it is run; may be NULL. */
  int (*begin)(void *state, struct nsw_lab *lab, struct nsw_error *err);

  /* Called at every layer of the pass; may be NULL. */
  nsw_observe_fn *observe;

  /* values[columns] from what the pass left. Not a number, or infinity: the column has no value here; minus infinity:
   * the lowest there is. An error ends the run. NULL: the only value is the sum of `term`. */
  int (*take)(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err);

  /* Adapts the unit's values to one of its members, whose dead branches differ; may be NULL. The engine may be used. */
  int (*member)(void *state, struct nsw_lab *lab, uint32_t index, const struct nsw_net *net, double *values,
                struct nsw_error *err);

  /* Where there is no take: what a weight tensor adds to the value, as for nsw_lab_sum; a flow's power of two is put
   * in. */
  double (*term)(const float *w, const float *g, size_t n);
};

/* ---- what a measure takes its values from ---- */

/* Sum over the weights (convolutions and classifier, live ones) of term(w, g, n): g the gradient of the mean loss, or
 * of the flow without its power of two. For the takers of nsw_pass_train and nsw_pass_flow. */
double nsw_lab_sum(struct nsw_lab *lab, double (*term)(const float *w, const float *g, size_t n));

/* The architecture that is run, of those that share the evaluation, its seed, and the images of the pass. */
uint32_t nsw_lab_index(const struct nsw_lab *lab);
uint64_t nsw_lab_seed(const struct nsw_lab *lab);
int nsw_lab_samples(const struct nsw_lab *lab);

/* logits[samples][classes] and losses[samples], behind a pass of the data's images. */
const float *nsw_lab_logits(const struct nsw_lab *lab, int *classes);
const double *nsw_lab_losses(const struct nsw_lab *lab);

/* What the classifier saw: [samples][channels]. */
const float *nsw_lab_features(const struct nsw_lab *lab, int *channels);

/* Behind nsw_pass_jacobian: [samples][3 * height * width]; behind nsw_pass_kernel: [samples][samples]. */
const float *nsw_lab_jacobian(const struct nsw_lab *lab, int *values);
const double *nsw_lab_kernel(const struct nsw_lab *lab);

/* A parameter tensor in PyTorch's layout. */
struct nsw_lab_param {
  const char *name; /* "cells.3.0->1.conv" */
  int shape[4];     /* [out][in][height][width] of a convolution, [out][in] of the classifier, [n] of others; rest 1 */
  size_t size;      /* elements */
  bool matrix;      /* of a convolution or the classifier; false: of a normalisation, or a bias */
  bool live;        /* takes part in the network's function */
};
int nsw_lab_params(const struct nsw_lab *lab);
struct nsw_lab_param nsw_lab_param(const struct nsw_lab *lab, int param);

/* Behind nsw_pass_train and nsw_pass_flow: the values of a live matrix; and the gradient of a parameter, of the mean
 * loss or of the flow without its power of two, valid until the next call. */
const float *nsw_lab_weight(const struct nsw_lab *lab, int param);
const float *nsw_lab_gradient(struct nsw_lab *lab, int param);

#ifdef __cplusplus
}
#endif
#endif
