/* Weights as a value: all numbers of a program's parameters, and the running statistics of its normalisations. Drawn by
 * (rule, seed, key of the parameter), they are numbers only where somebody reads them; those that are held, set or
 * stepped lie in memory. All arrays are in PyTorch's layout (struct nsw_param). */
#ifndef NSW_NET_WEIGHTS_H
#define NSW_NET_WEIGHTS_H

#include "net/net.h"

#define NSW_NORM_MOMENTUM 0.1 /* PyTorch's and both benchmarks' momentum of running statistics */

/* How weights are drawn. */
enum nsw_draw {
  NSW_DRAW_OWN,      /* as the benchmark does, struct nsw_param's init */
  NSW_DRAW_ABSOLUTE, /* those without their signs, biases too */
  NSW_DRAW_NORMAL,   /* normal with deviation 1, biases 0 */
  NSW_DRAW_KAIMING,  /* normal with deviation sqrt(2 / fan-in), biases 0 */
  NSW_DRAW_AFFINE,   /* the benchmark's own, with gammas and running variances 1 +- 1/2, betas and means 0 +- 1/2 */
  NSW_DRAW_ZERO,     /* nothing but zeros: where gradients or velocities are gathered */
  NSW_DRAWS
};

/* Its word on the command line. */
extern const char *const nsw_draw_names[NSW_DRAWS];

/* A parameter's values by a rule into out[size]. */
void nsw_param_draw(const struct nsw_param *param, enum nsw_draw rule, uint64_t seed, float *out);

struct nsw_weights;

/* Weights of a program, of which they keep a pointer. *weights is NULL at first, or what an earlier call left there,
 * whose memory is used again. Free with nsw_weights_free. */
int nsw_weights_draw(struct nsw_weights **weights, const struct nsw_net *net, enum nsw_draw rule, uint64_t seed,
                     struct nsw_error *err);
void nsw_weights_free(struct nsw_weights **weights);

/* Which parameters are drawn into memory. */
enum nsw_hold {
  NSW_HOLD_MATRICES, /* live convolutions and the classifier's matrix */
  NSW_HOLD_LIVE,     /* all live parameters: for steps */
  NSW_HOLD_ALL       /* dead ones too */
};

/* Draws them now; from then on nsw_weights_at has them. */
int nsw_weights_hold(struct nsw_weights *weights, enum nsw_hold what, struct nsw_error *err);

/* A parameter's values into out[size], from memory or drawn. */
void nsw_weights_get(const struct nsw_weights *weights, int param, float *out);

/* Those in memory; NULL: it is not held. Valid until the weights are drawn again. */
const float *nsw_weights_at(const struct nsw_weights *weights, int param);

/* Sets a parameter from values[size]. */
int nsw_weights_set(struct nsw_weights *weights, int param, const float *values, struct nsw_error *err);

/* Its memory, to be written; holds it (drawn, where it was not). NULL: no memory. */
float *nsw_weights_edit(struct nsw_weights *weights, int param, struct nsw_error *err);

/* The running statistics of a normalisation, named by its gamma: mean[channels] and unbiased variance[channels]. */
void nsw_weights_running(const struct nsw_weights *weights, int gamma, float *mean, float *variance);
int nsw_weights_set_running(struct nsw_weights *weights, int gamma, const float *mean, const float *variance,
                            struct nsw_error *err);

/* Whether a gamma or beta may be other than 1 or 0: some are held, or the rule draws them. */
bool nsw_weights_affine(const struct nsw_weights *weights);

/* Whether the parameter is still as the benchmark's own rule draws it, and from which seed. */
bool nsw_weights_own(const struct nsw_weights *weights, int param, uint64_t *seed);

/* One step of stochastic gradient descent, as PyTorch's SGD takes it. */
struct nsw_step {
  float rate;     /* learning rate */
  float momentum; /* 0: none, and no velocity is needed */
  float decay;    /* of the weights, all parameters alike: added to the gradient times the weight */
  bool nesterov;
};

/* Takes it with every live parameter: gradient and velocity are weights of the same program, drawn by NSW_DRAW_ZERO at
 * first; those of the gradient that are not held count as zero. velocity may be NULL without momentum. */
int nsw_weights_step(struct nsw_weights *weights, struct nsw_weights *velocity, const struct nsw_weights *gradient,
                     const struct nsw_step *step, struct nsw_error *err);

/* Whether all that is held are numbers. A run does not tell: to a ReLU what is no number is zero. */
bool nsw_weights_finite(const struct nsw_weights *weights);

#endif
