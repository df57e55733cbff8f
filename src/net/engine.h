/* The engine: runs a program forward and backward over images, on the kernels of this CPU.
 *
 *   program (net/net.h) x weights (net/weights.h) x images (net/batch.h) x run (net/run.h) -> results
 *
 * nsw_engine_bind brings the four together; results are read from the engine until the next bind. Images go through in
 * groups; everything a group needs lies in memory placed ahead (net/placement.h). Gradients of the summed loss pile up
 * over all images: the mean of per-image gradients is that sum over n, so that no per-image gradient is ever stored. */
#ifndef NSW_NET_ENGINE_H
#define NSW_NET_ENGINE_H

#include "base/isa.h"
#include "nasweep/observe.h"
#include "net/batch.h"
#include "net/net.h"
#include "net/pixel.h"
#include "net/run.h"
#include "net/weights.h"

struct nsw_engine;

/* What a run spends its time on, for benchmarks. */
enum nsw_work {
  NSW_WORK_CONV3,
  NSW_WORK_CONV1,
  NSW_WORK_NORM,    /* statistics and their way back */
  NSW_WORK_COMBINE, /* sums, ReLU, concatenation */
  NSW_WORK_POOL,
  NSW_WORK_HEAD,
  NSW_WORK_BIND, /* weights: numbers, packing */
  NSW_WORKS
};
extern const char *const nsw_work_names[NSW_WORKS];

/* Makes an engine without a program. isa: nsw_cpu_isa() but in tests. */
int nsw_engine_create(enum nsw_isa isa, struct nsw_engine **engine, struct nsw_error *err);
void nsw_engine_free(struct nsw_engine **engine);

/* Takes up a program with its weights, images and what is wanted of them, and sets the gradients to zero. All are
 * borrowed until the next bind; the weights' values are read here. Memory is used again; NSW_FAILED names the size
 * where there is not enough, before any is touched; NSW_USAGE what does not go together. */
int nsw_engine_bind(struct nsw_engine *engine, const struct nsw_net *net, const struct nsw_weights *weights,
                    struct nsw_batch *batch, struct nsw_run run, struct nsw_error *err);

/* Other images for what is bound, as many or not; or other weights, or the same with other values. Gradients stay. */
int nsw_engine_show(struct nsw_engine *engine, struct nsw_batch *batch, struct nsw_error *err);
int nsw_engine_reweigh(struct nsw_engine *engine, const struct nsw_weights *weights, struct nsw_error *err);

/* Asks that the first `elements` gradient entries of these parameters be kept for every image, in
 * out[images][count][elements]; entries past a parameter's end, and of dead ones, are zero. Holds until the next bind.
 */
void nsw_engine_probe(struct nsw_engine *engine, const int *param, int count, int elements, float *out);

/* All images forward, and back from the summed losses where weight gradients are wanted, group by group. */
void nsw_engine_run(struct nsw_engine *engine);

/* ---- one way at a time; going back wants all images as one group ---- */

void nsw_engine_forward(struct nsw_engine *engine);

/* The way back, adding to the gradients. slopes[images][classes]: the gradient of what is differentiated with respect
 * to the logits; NULL: that of the summed losses. wanted: NSW_WANT_WEIGHT_GRADS or not, of what the run allows for.
 * Without NSW_WANT_AGAIN there is one way back only. */
void nsw_engine_backward(struct nsw_engine *engine, const float *slopes, unsigned wanted);

/* The same from gradient[images][H][W][C] of the features, as the classifier's average reads them, to the weights in
 * front of it; the classifier's own gradient is none of it. */
void nsw_engine_backward_features(struct nsw_engine *engine, const float *gradient);

/* The way back through layers first..last only, from gradients set by nsw_engine_set_gradient: from the last layers to
 * the first, each once. */
void nsw_engine_backward_layers(struct nsw_engine *engine, int first, int last);

/* Sets all gradients to zero. */
void nsw_engine_clear(struct nsw_engine *engine);

/* ---- looking inside ---- */

/* Calls a function at every layer from now on, of every program, all of whose images are one group; NULL: no more. */
void nsw_engine_observe(struct nsw_engine *engine, nsw_observe_fn *observe, void *with);

/* A tensor of one image as its readers see it; alive when its layer is observed, later only what is kept. */
struct nsw_view nsw_engine_value(const struct nsw_engine *engine, int tensor, int image);

/* The same as numbers: out[H][W][C], normalised and rectified. */
void nsw_engine_values(const struct nsw_engine *engine, int tensor, int image, float *out);

/* The gradient of a convolution's raw output, at NSW_AFTER_SLOPE. */
struct nsw_plane nsw_engine_slope(const struct nsw_engine *engine, int layer, int image);

/* Sets the gradient of a kept tensor (net.h) to g[H][W][C], for one image. */
void nsw_engine_set_gradient(struct nsw_engine *engine, int tensor, int image, const float *g);

/* The gradient of a kept tensor once the layers behind it are done, into g[H][W][C]. */
void nsw_engine_tensor_gradient(const struct nsw_engine *engine, int tensor, int image, float *g);

/* The images' gradient into out[3][H][W]. */
void nsw_engine_input_gradient(const struct nsw_engine *engine, int image, float *out);

/* NSW_NORM_NONE: values are kept in range by powers of two at the cells' outputs; logits and gradients are so many
 * times too small: the true ones are theirs times 2 to this. */
int nsw_engine_exponent(const struct nsw_engine *engine);

int nsw_engine_images(const struct nsw_engine *engine);
const struct nsw_net *nsw_engine_net(const struct nsw_engine *engine);
const struct nsw_weights *nsw_engine_weights(const struct nsw_engine *engine);

/* ---- results ---- */

/* logits[images][classes], losses[images], gradient of the logits [images][classes]: the engine's own. */
const float *nsw_engine_logits(const struct nsw_engine *engine);
const double *nsw_engine_losses(const struct nsw_engine *engine);
const float *nsw_engine_slopes(const struct nsw_engine *engine);

/* What the classifier saw: [images][channels]. */
const float *nsw_engine_features(const struct nsw_engine *engine);

/* The gradient of the summed loss of a parameter into out[size], PyTorch's layout; of dead ones zeros. */
void nsw_engine_gradient(const struct nsw_engine *engine, int param, float *out);

/* All live ones, times a factor (1 / n for the mean loss), into weights of the program. */
int nsw_engine_gradients(const struct nsw_engine *engine, float factor, struct nsw_weights *into,
                         struct nsw_error *err);

/* Gradients of the coefficients of operations, by number: [coefficients of the program], the engine's own. Like those
 * of the weights they add up over ways back. */
const double *nsw_engine_coefficients(const struct nsw_engine *engine);

/* Squared norm of the gradient of the summed loss of one parameter, in double. */
double nsw_engine_gradient_square(const struct nsw_engine *engine, int param);

/* NSW_NORM_BATCH: moves the running statistics of every live normalisation a step (NSW_NORM_MOMENTUM) towards those of
 * the last way forward, variances made unbiased, as PyTorch does. */
int nsw_engine_track(const struct nsw_engine *engine, float momentum, struct nsw_weights *weights,
                     struct nsw_error *err);

/* Seconds by kind of work since the engine was made; counted from the first call on. */
const double *nsw_engine_seconds(struct nsw_engine *engine);

/* Bytes that what is bound takes. */
size_t nsw_engine_bytes(const struct nsw_engine *engine);

#endif
