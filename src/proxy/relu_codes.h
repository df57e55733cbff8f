/* Which ReLUs are open, as bits: the activation pattern of every image. */
#ifndef NSW_PROXY_RELU_CODES_H
#define NSW_PROXY_RELU_CODES_H

#include <stdint.h>

#include "net/engine.h"

/* The codes of one tensor of ReLUs: words[images][length] of 64 bits; unused bits are zero. */
struct nsw_relu_codes {
  uint64_t *words;
  size_t room; /* words there is room for */
  size_t length;
  size_t bits; /* ReLUs of an image */
  int modules; /* ReLUs of the benchmark's network that do this: one in front of each convolution that reads it */
  bool failed; /* memory ran out */
};

/* At NSW_AFTER_LAYER: fills in the codes of the ReLU that the layer ends with. False where it has none. */
bool nsw_relu_codes(const struct nsw_engine *engine, int layer, struct nsw_relu_codes *codes);

/* ReLUs that two images' codes of so many words open differently. */
size_t nsw_relu_codes_apart(const uint64_t *a, const uint64_t *b, size_t length);

/* ---- kernels, by instruction set ---- */

/* A bit for every value above zero, pixel by pixel, channel by channel: words[(H W channels + 63) / 64]. The planes'
 * pixels are filled up to whole blocks of 16 channels. */
typedef void nsw_codes_pack_fn(const struct nsw_view *x, int channels, uint64_t *words);
typedef size_t nsw_codes_apart_fn(const uint64_t *a, const uint64_t *b, size_t length);

NSW_KERNEL(nsw_codes_pack_fn, nsw_codes_pack);
NSW_KERNEL(nsw_codes_apart_fn, nsw_codes_apart);

#endif
