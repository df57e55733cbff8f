#include "proxy/noise.h"

#include "base/random.h"

void nsw_noise_images(uint64_t seed, unsigned set, int n, int side, float *out) {
  size_t image = 3 * (size_t)side * (size_t)side;
  for (int i = 0; i < n; i++) {
    struct nsw_stream stream = {.seed = seed, .which = ((uint64_t)set << 32) + (uint64_t)i, .purpose = NSW_FOR_NOISE};
    nsw_random_normal(stream, 1, 0, out + (size_t)i * image, image);
  }
}
