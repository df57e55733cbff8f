/* What a run of a program is wanted for. */
#ifndef NSW_NET_RUN_H
#define NSW_NET_RUN_H

/* Over what a normalisation takes its mean and variance. */
enum nsw_norm_mode {
  NSW_NORM_SAMPLE,  /* each image's own pixels: batches of one, as KNAS runs them */
  NSW_NORM_BATCH,   /* all pixels of all images: training */
  NSW_NORM_RUNNING, /* the weights' running statistics: evaluation */
  NSW_NORM_NONE     /* not at all: readers see the raw value, without gamma and beta */
};

/* What is wanted beyond logits, losses and the classifier's inputs, ORed. */
enum nsw_want {
  NSW_WANT_LOGITS = 0,
  NSW_WANT_WEIGHT_GRADS = 1, /* every live parameter's gradient */
  NSW_WANT_IMAGE_GRADS = 2,  /* the images' */
  NSW_WANT_TENSOR_GRADS = 4, /* those of kept tensors (net/net.h), going back through some layers */
  NSW_WANT_TANGENT = 8,      /* Hessian times weights (net/tangent.h); NSW_NORM_BATCH with gamma 1 and beta 0 only */
  NSW_WANT_AGAIN = 16,       /* several ways back from one way forward */
  NSW_WANT_TOGETHER = 32,    /* all images as one group, whose values can be looked at afterwards */
  NSW_WANT_ABREAST = 64      /* small images of few channels may lie side by side in a block: nobody observes the run,
                              * probes it or looks at its tensors. With NSW_NORM_BATCH and NSW_WANT_WEIGHT_GRADS only */
};

struct nsw_run {
  enum nsw_norm_mode norm;
  unsigned wanted; /* enum nsw_want */
  int group;       /* images that go through at a time; 0: chosen for the program. Normalisation by batch or none, and
                    * most of what can be wanted, take all. */
};

#endif
