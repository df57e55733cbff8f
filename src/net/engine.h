/* The engine: runs a network forward and backward over images, on the kernels of this CPU.
 *
 * Images go through in groups of `slots`; everything a group needs lies in memory planned ahead (net/plan.h). Gradients
 * of the summed loss pile up over all images: the mean of per-image gradients is that sum over n, so that no
 * per-image gradient is ever stored.
 *
 * Two ways to use it. nsw_engine_run takes all images through, a few at a time. Where normalisation couples the images
 * (NSW_NORM_BATCH), or a score wants to look inside, all images are one group: nsw_engine_forward, then any number of
 * ways back, with watchers called at every layer. */
#ifndef NSW_NET_ENGINE_H
#define NSW_NET_ENGINE_H

#include "base/isa.h"
#include "net/naive.h" /* enum nsw_norm_mode */
#include "net/net.h"
#include "net/pixel.h"

struct nsw_engine;

/* What a run spends its time on, for benchmarks. */
enum nsw_work {
  NSW_WORK_CONV3,
  NSW_WORK_CONV1,
  NSW_WORK_NORM,    /* statistics and their way back */
  NSW_WORK_COMBINE, /* sums, ReLU, concatenation */
  NSW_WORK_POOL,
  NSW_WORK_HEAD,
  NSW_WORK_LOAD, /* weights: numbers, packing */
  NSW_WORKS
};
extern const char *const nsw_work_names[NSW_WORKS];

/* How a network is taken up. */
struct nsw_load {
  uint64_t seed; /* of the weights */
  enum nsw_norm_mode norm;
  enum nsw_weights weights;
  int slots;    /* images in a group; 0: chosen for the network. Only NSW_NORM_SAMPLE; the others take all. */
  bool whole;   /* NSW_NORM_SAMPLE too takes all images as one group */
  bool keep;    /* values stay, so that there can be several ways back */
  bool input;   /* the images' gradient is wanted */
  bool tangent; /* NSW_NORM_BATCH: room for every image's tangent (net/tangent.h) */
  bool forward; /* there will be no way back: neither room nor weights for it */
  bool drawn;   /* weights stay as they were drawn, besides being packed: nsw_engine_drawn */
};

/* Makes an engine without a network. isa: nsw_cpu_isa() but in tests. */
int nsw_engine_create(enum nsw_isa isa, struct nsw_engine **engine, struct nsw_error *err);
void nsw_engine_free(struct nsw_engine **engine);

/* Gives it images: pixels[n][3][size][size], labels[n]; copied. */
int nsw_engine_set_images(struct nsw_engine *engine, const float *pixels, const int32_t *labels, int images, int size,
                          struct nsw_error *err);

/* Takes a network, makes its weights, and sets the gradients to zero. The engine keeps a pointer to the network. Memory
 * is reused from the network before; NSW_FAILED names the size where there is not enough, before any is touched. */
int nsw_engine_load(struct nsw_engine *engine, const struct nsw_net *net, const struct nsw_load *load,
                    struct nsw_error *err);

/* Asks that the first `elements` gradient entries of these parameters be kept for every image, in
 * out[images][count][elements]; entries past a parameter's end, and of dead ones, are zero. Holds until the next load.
 */
void nsw_engine_probe(struct nsw_engine *engine, const int *param, int count, int elements, float *out);

/* All images, forward and (backward) backward. */
void nsw_engine_run(struct nsw_engine *engine, bool backward);

/* ---- all images as one group ---- */

/* When a watcher is called. */
enum nsw_moment {
  NSW_AFTER_LAYER, /* forward: the layer's tensors, and their normalisation, are there */
  NSW_AFTER_SLOPE  /* backward: the gradient of a convolution's raw output is there */
};
typedef void nsw_watch_fn(void *with, const struct nsw_engine *engine, int layer, enum nsw_moment moment);

/* Calls a function at every layer from now on, of every network; NULL: no more. */
void nsw_engine_watch(struct nsw_engine *engine, nsw_watch_fn *watch, void *with);

void nsw_engine_forward(struct nsw_engine *engine);

/* The way back, adding to the gradients. slopes[images][classes]: the gradient of what is differentiated with respect
 * to the logits; NULL: that of the summed losses. weights: whether the weights' gradients are wanted. Without
 * nsw_load.keep there is one way back only. */
void nsw_engine_backward(struct nsw_engine *engine, const float *slopes, bool weights);

/* The way back through layers first..last only, from gradients set by nsw_engine_set_gradient: from the last layers to
 * the first, each once. */
void nsw_engine_backward_layers(struct nsw_engine *engine, int first, int last);

/* Sets the gradient of a kept tensor (net.h) to g[H][W][C], for one image. */
void nsw_engine_set_gradient(struct nsw_engine *engine, int tensor, int image, const float *g);

/* The gradient of a kept tensor once the layers behind it are done, into g[H][W][C]. */
void nsw_engine_tensor_gradient(const struct nsw_engine *engine, int tensor, int image, float *g);

/* Sets all gradients to zero. */
void nsw_engine_clear(struct nsw_engine *engine);

/* A tensor of one image as its readers see it; alive when its layer is watched, later only what is kept. */
struct nsw_view nsw_engine_value(const struct nsw_engine *engine, int tensor, int image);

/* The same as numbers: out[H][W][C], normalised and rectified. */
void nsw_engine_values(const struct nsw_engine *engine, int tensor, int image, float *out);

/* The gradient of a convolution's raw output, at NSW_AFTER_SLOPE. */
struct nsw_plane nsw_engine_slope(const struct nsw_engine *engine, int layer, int image);

/* The images' gradient into out[3][H][W]. */
void nsw_engine_input_gradient(const struct nsw_engine *engine, int image, float *out);

/* NSW_NORM_NONE: values are kept in range by powers of two at the cells' outputs; logits and gradients are so many
 * times too small: the true ones are theirs times 2 to this. */
int nsw_engine_exponent(const struct nsw_engine *engine);

int nsw_engine_images(const struct nsw_engine *engine);
const struct nsw_net *nsw_engine_net(const struct nsw_engine *engine);

/* ---- after a run ---- */

/* logits[images][classes], losses[images], classifier's inputs [images][channels], gradient of the logits
 * [images][classes]: the engine's own. */
const float *nsw_engine_logits(const struct nsw_engine *engine);
const double *nsw_engine_losses(const struct nsw_engine *engine);
const float *nsw_engine_slopes(const struct nsw_engine *engine);

/* Weights, and the gradient of the summed loss, of a parameter into out[size], PyTorch's layout. */
void nsw_engine_weights(const struct nsw_engine *engine, int param, float *out);

/* The weights of a live convolution or of the classifier, where nsw_load.drawn: the engine's own, until the next load.
 */
const float *nsw_engine_drawn(const struct nsw_engine *engine, int param);

void nsw_engine_gradient(const struct nsw_engine *engine, int param, float *out);

/* Squared norm of the gradient of the summed loss of one parameter, in double. */
double nsw_engine_gradient_square(const struct nsw_engine *engine, int param);

/* Seconds by kind of work since the engine was made; counted from the first call on. */
const double *nsw_engine_seconds(struct nsw_engine *engine);

/* Bytes the loaded network takes. */
size_t nsw_engine_bytes(const struct nsw_engine *engine);

#endif
