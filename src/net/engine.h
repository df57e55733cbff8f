/* The engine: runs a network forward and backward over images, on the kernels of this CPU.
 *
 * Images go through in groups of `slots`; everything a group needs lies in memory planned ahead (net/plan.h). Gradients
 * of the summed loss pile up over all images: the mean of per-image gradients is that sum over n, so that no
 * per-image gradient is ever stored. */
#ifndef NSW_NET_ENGINE_H
#define NSW_NET_ENGINE_H

#include "base/cpu.h"
#include "net/naive.h" /* enum nsw_norm_mode */
#include "net/net.h"

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

/* Makes an engine without a network. isa: nsw_cpu_isa() but in tests. */
int nsw_engine_create(enum nsw_isa isa, struct nsw_engine **engine, struct nsw_error *err);
void nsw_engine_free(struct nsw_engine **engine);

/* Gives it images: pixels[n][3][size][size], labels[n]; copied. */
int nsw_engine_set_images(struct nsw_engine *engine, const float *pixels, const int32_t *labels, int images, int size,
                          struct nsw_error *err);

/* Takes a network, makes its weights from the seed, and sets the gradients to zero. The engine keeps a pointer to the
 * network. slots: images in a group (0: chosen for the network; NSW_NORM_BATCH takes all). Memory is reused from the
 * network before; NSW_FAILED names the size where there is not enough, before any is touched. */
int nsw_engine_load(struct nsw_engine *engine, const struct nsw_net *net, uint64_t seed, enum nsw_norm_mode mode,
                    int slots, struct nsw_error *err);

/* Asks that the first `elements` gradient entries of these parameters be kept for every image, in
 * out[images][count][elements]; entries past a parameter's end, and of dead ones, are zero. Holds until the next load.
 */
void nsw_engine_probe(struct nsw_engine *engine, const int *param, int count, int elements, float *out);

/* All images, forward and (backward) backward. */
void nsw_engine_run(struct nsw_engine *engine, bool backward);

/* After a run. logits[images][classes], losses[images]: the engine's own. */
const float *nsw_engine_logits(const struct nsw_engine *engine);
const double *nsw_engine_losses(const struct nsw_engine *engine);

/* Weights, and the gradient of the summed loss, of a parameter into out[size], PyTorch's layout. */
void nsw_engine_weights(const struct nsw_engine *engine, int param, float *out);
void nsw_engine_gradient(const struct nsw_engine *engine, int param, float *out);

/* Squared norm of the gradient of the summed loss of one parameter, in double. */
double nsw_engine_gradient_square(const struct nsw_engine *engine, int param);

/* Seconds by kind of work since the engine was made; counted from the first call on. */
const double *nsw_engine_seconds(struct nsw_engine *engine);

/* Bytes the loaded network takes. */
size_t nsw_engine_bytes(const struct nsw_engine *engine);

#endif
