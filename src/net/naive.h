/* The network run plainly, in double precision, one loop nest a layer: what the engine is tested against. */
#ifndef NSW_NET_NAIVE_H
#define NSW_NET_NAIVE_H

#include "net/net.h"

/* Over what a normalisation takes its mean and variance. */
enum nsw_norm_mode {
  NSW_NORM_SAMPLE, /* each image's own pixels: batches of one, as KNAS runs them */
  NSW_NORM_BATCH,  /* all pixels of all images */
  NSW_NORM_NONE    /* not at all: readers see the raw value */
};

/* Input and output of one run. Arrays are the caller's. */
struct nsw_naive_run {
  int images;                 /* n */
  const float *pixels;        /* [n][3][H][W] */
  const int32_t *labels;      /* [n] */
  const double *const *param; /* one array per parameter, PyTorch's layout */
  enum nsw_norm_mode mode;
  double *logits;      /* [n][classes] */
  double *loss;        /* [n], cross-entropy */
  double *const *grad; /* per parameter, gradient of the sum of the losses, added to; NULL: forward only */
};

/* Runs it. NSW_FAILED only for lack of memory. */
int nsw_naive_run(const struct nsw_net *net, const struct nsw_naive_run *run, struct nsw_error *err);

#endif
