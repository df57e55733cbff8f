/* Passes: runs of an architecture's network that several measures share. One is a row of the table in proxy/pass.c:
 * what it is bound to, what is run, and what it costs. Measures (proxy/measure.h) point at the row whose results they
 * read. */
#ifndef NSW_PROXY_PASS_H
#define NSW_PROXY_PASS_H

#include "nasweep/measure.h"
#include "net/engine.h"

/* What passes leave and measures find; belongs to the joint evaluation. */
struct nsw_lab {
  const struct nsw_context *context;
  struct nsw_engine *engine; /* as the pass left it */
  uint64_t seed;
  int samples; /* n, images of the pass that is running, and what its arrays are sized by */

  /* The unit that is evaluated: the members' networks, of which the first is run. */
  uint32_t index; /* the first member */
  const struct nsw_net *net;
  struct nsw_net *const *nets; /* [members] */
  size_t members;

  struct nsw_weights *weights; /* the network's own, drawn by the benchmark's rule */
  bool held;                   /* they are in memory: some pass lets its measures read them */
  struct nsw_weights *other;   /* by other rules, of the flow and of measures that run something of their own */
  struct nsw_batch *batch;     /* the first n images of the data; NULL: no measure needs any */
  struct nsw_batch spare;      /* images made up by a pass or a measure */
  unsigned wanted;             /* enum nsw_want of all passes that share the run of the data's images */

  float *gradient; /* [largest parameter]: room for its gradient */
  size_t room;     /* floats of it */
  float *jacobian; /* nsw_pass_jacobian: [n][3 * H * W] */
  double *kernel;  /* nsw_pass_kernel: [n][n] */
  float *base;     /* all gradients of nsw_pass_train, where nsw_pass_tangent follows */
  size_t base_room;
  double curvature; /* nsw_pass_tangent: weights' x Hessian x gradient, of the mean loss */
};

struct nsw_pass {
  const char *name; /* the word by which measures loaded at run time ask for it */
  const char *text; /* for people */

  /* Forward passes of n images that it costs. */
  double (*work)(int samples);

  /* Takes network, weights and images up; passes that follow one another and share it are bound once. NULL: nothing. */
  int (*bind)(struct nsw_lab *lab, struct nsw_error *err);

  /* Runs; the measures have begun. NULL: nothing is run. */
  int (*run)(struct nsw_lab *lab, struct nsw_error *err);

  unsigned wanted;                 /* enum nsw_want of the data's images, where it is bound to these */
  bool reads_weights;              /* its measures read the weights: nsw_weights_at(lab->weights or lab->other, p) */
  const struct nsw_pass *after;    /* run before it with as many images, asked for or not; NULL: none */
  const struct nsw_pass *included; /* where this one is run with as many images, it has done the work already */
};

/* All of them, in the order they are run; ends with NULL. */
extern const struct nsw_pass *const nsw_passes[];

/* Whether scores count a parameter among the weights: live convolutions and the classifier's matrix; and how many
 * numbers those of a network are. */
bool nsw_is_weight(const struct nsw_param *param);
size_t nsw_weights_in(const struct nsw_net *net);

/* For measures that run something of their own: forward and back of images first..first+count-1 of the data, normalised
 * by themselves; and the gradients of the summed loss that this left, those of all weights one behind the other. */
int nsw_lab_run_images(struct nsw_lab *lab, int first, int count, struct nsw_error *err);
void nsw_lab_gradients(struct nsw_lab *lab, float *out);

/* The weights that nsw_pass_flow or, elsewhere, the network's own rule gave the engine. */
const struct nsw_weights *nsw_lab_weights(const struct nsw_lab *lab);

/* Refuses samples whose arrays memory does not hold; resolution: of the images in pixels, 0 where it is not known yet.
 */
int nsw_lab_check(uint64_t samples, int resolution, struct nsw_error *err);

/* Opens and frees what is in it; samples: the largest n. */
int nsw_lab_open(const struct nsw_context *context, int samples, struct nsw_lab *lab, struct nsw_error *err);
void nsw_lab_close(struct nsw_lab *lab);

/* Begins with a unit: its networks and its weights. */
int nsw_lab_begin(struct nsw_lab *lab, uint32_t index, struct nsw_net *const *nets, size_t members, uint64_t seed,
                  struct nsw_error *err);

/* The architecture on another skeleton, forward on images of its own (pixels [images][3][resolution][resolution]), with
 * weights drawn by `rule` and normalised by batch, while observe(state, ...) looks on; the lab's own network is bound
 * anew by whoever comes after. */
int nsw_lab_aside(struct nsw_lab *lab, const struct nsw_macro *macro, enum nsw_draw rule, const float *pixels,
                  int images, nsw_observe_fn *observe, void *state, struct nsw_error *err);

#endif
