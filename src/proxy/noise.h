/* Gaussian images. */
#ifndef NSW_PROXY_NOISE_H
#define NSW_PROXY_NOISE_H

#include <stddef.h>
#include <stdint.h>

/* out[n][3][side][side], standard normal, image by image: image i of one set is the same in any number of them. */
void nsw_noise_images(uint64_t seed, unsigned set, int n, int side, float *out);

#endif
