/* Measures: scores read off passes through a network that several of them share.
 *
 * A measure is a proxy whose struct nsw_proxy has `measure` instead of open and score. All measures asked for in a run
 * are evaluated together (proxy/joint.h): an architecture's network is built once, every pass that some of them want is
 * run once, and each takes its values from it. A new one is one file, and its line in the table of proxies. */
#ifndef NSW_PROXY_MEASURE_H
#define NSW_PROXY_MEASURE_H

#include "nasweep/proxy.h"
#include "net/engine.h"

/* Images of a batch where --samples does not say: what the papers of these scores take. */
enum { NSW_MEASURE_SAMPLES = 64 };

/* The passes, in the order they are run. n images, batch normalisation over all of them unless said otherwise. */
enum nsw_pass {
  NSW_PASS_FORWARD,  /* forward alone; the one of NSW_PASS_TRAIN where that is run */
  NSW_PASS_TRAIN,    /* forward, and backward from the cross-entropy: every weight's gradient */
  NSW_PASS_TANGENT,  /* forward and backward with tangents along the weights: Hessian times weights */
  NSW_PASS_JACOBIAN, /* backward from the sum of all logits to the images */
  NSW_PASS_FLOW,     /* absolute weights, one image of ones, no normalisation, backward from the sum of logits */
  NSW_PASS_KERNEL,   /* every image's gradient of its own logits: the neural tangent kernel */
  NSW_PASS_WEIGHTS,  /* nothing is run: the weights are enough */
  NSW_PASS_OWN,      /* the measure runs what it needs itself */
  NSW_PASSES
};

/* What a measure finds when it takes its values; belongs to the joint evaluation. */
struct nsw_lab {
  const struct nsw_context *context;
  struct nsw_engine *engine; /* as the pass left it */
  uint32_t index;            /* the architecture evaluated, which stands for its unit */
  const struct nsw_net *net; /* its network */
  uint64_t seed;
  int samples;      /* n */
  float *weight;    /* [largest parameter]: room for its weights */
  float *gradient;  /* the same */
  float *jacobian;  /* NSW_PASS_JACOBIAN: [n][3 * H * W] */
  double *kernel;   /* NSW_PASS_KERNEL: [n][n] */
  double curvature; /* NSW_PASS_TANGENT: weights' x Hessian x gradient, of the mean loss */
  float *base;      /* all gradients of NSW_PASS_TRAIN, where NSW_PASS_TANGENT follows */
  size_t base_size; /* floats there is room for */
  size_t room;      /* floats of weight and of gradient */
  bool input;       /* the images' gradient will be wanted */
  bool forward;     /* no pass of the data's images goes back */
  bool loaded;      /* the engine has the network with its own weights and the data's images */
};

struct nsw_measure {
  enum nsw_pass pass;

  /* Work of NSW_PASS_OWN in forward passes of the n images, for scheduling; the others' is known. */
  double work;

  /* Makes the measure's state; values: one text per option of the proxy. NULL: there is none. */
  int (*open)(const struct nsw_context *context, const char *const *values, void **state, struct nsw_error *err);
  void (*close)(void *state);

  /* Told once, after open, which of its columns are asked for; NSW_PASS_OWN gives the work that these take. The others'
   * values do not matter, and the ones asked for must not depend on it. NULL: it makes all of them. */
  double (*want)(void *state, const bool *column);

  /* Before the pass; may be NULL. */
  int (*begin)(void *state, const struct nsw_lab *lab, struct nsw_error *err);

  /* Called at every layer of the pass; may be NULL. */
  nsw_watch_fn *watch;

  /* values[columns] from what the pass left. Not a number, or infinity: the column has no value here; minus infinity:
   * the lowest there is. An error ends the run. */
  int (*take)(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err);

  /* Adapts the unit's values to one of its members, whose dead branches differ; may be NULL. The engine may be used. */
  int (*member)(void *state, struct nsw_lab *lab, uint32_t index, const struct nsw_net *net, double *values,
                struct nsw_error *err);
};

/* Sum over the weights (convolutions and classifier, live ones) of term(w, g, n): g the gradient of the mean loss, or
 * of the flow without its power of two. */
double nsw_lab_sum(struct nsw_lab *lab, double (*term)(const float *w, const float *g, size_t n));

/* Gives the engine the images of the data, and the network with its own weights, batch normalised. */
int nsw_lab_load(struct nsw_lab *lab, struct nsw_error *err);

/* Runs a pass (not NSW_PASS_OWN). base: keep the gradients of NSW_PASS_TRAIN for NSW_PASS_TANGENT. */
int nsw_lab_run(struct nsw_lab *lab, enum nsw_pass pass, bool base, struct nsw_error *err);

/* Work of a pass in forward passes of n images. */
double nsw_pass_work(enum nsw_pass pass, int samples);

/* Opens and frees what is in it; samples: n. */
int nsw_lab_open(const struct nsw_context *context, int samples, struct nsw_lab *lab, struct nsw_error *err);
void nsw_lab_close(struct nsw_lab *lab);

#endif
