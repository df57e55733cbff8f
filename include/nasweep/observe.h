/* Looking on while a network is run. */
#ifndef NASWEEP_OBSERVE_H
#define NASWEEP_OBSERVE_H

#ifdef __cplusplus
extern "C" {
#endif

struct nsw_engine; /* src/net/engine.h */

/* When an observer is called. */
enum nsw_moment {
  NSW_AFTER_LAYER, /* forward: the layer's tensors, and their normalisation, are there */
  NSW_AFTER_SLOPE  /* backward: the gradient of a convolution's raw output is there */
};
typedef void nsw_observe_fn(void *with, const struct nsw_engine *engine, int layer, enum nsw_moment moment);

#ifdef __cplusplus
}
#endif
#endif
