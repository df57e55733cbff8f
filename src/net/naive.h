/* The network run plainly, in double precision, one loop nest a layer: what the engine is tested against. */
#ifndef NSW_NET_NAIVE_H
#define NSW_NET_NAIVE_H

#include "net/net.h"
#include "net/run.h"

/* Input and output of one run. Arrays are the caller's. */
struct nsw_naive_run {
  int images;                 /* n */
  const float *pixels;        /* [n][3][H][W] */
  const int32_t *labels;      /* [n] */
  const double *const *param; /* one array per parameter, PyTorch's layout */
  enum nsw_norm_mode mode;
  double *const *mean, *const *variance; /* [params], at gammas [channels]: running statistics, read by
                                          * NSW_NORM_RUNNING; with NSW_NORM_BATCH those of the images are left there,
                                          * unbiased, as a step of momentum 1 would. NULL: not needed */
  double *logits;                        /* [n][classes] */
  double *loss;                          /* [n], cross-entropy */
  double *coefficients; /* [coefficients] their gradients, added to; wanted with grad, if there are any */
  double *const *grad;  /* per parameter, gradient of the sum of the losses, added to; NULL: forward only */
};

/* Runs it. NSW_FAILED only for lack of memory. */
int nsw_naive_run(const struct nsw_net *net, const struct nsw_naive_run *run, struct nsw_error *err);

#endif
