/* Random numbers by counter (Random123's Philox 4x32-10): a number depends on what it is for and on nothing else,
 * so results are the same for any number of ranks, any order of work, and after resuming. */
#ifndef NSW_BASE_RANDOM_H
#define NSW_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* What a stream of numbers is for; part of the key, so that two uses never share numbers. */
enum nsw_purpose {
  NSW_FOR_WEIGHTS = 1,   /* which: the tensor's key */
  NSW_FOR_IMAGES = 2,    /* which: the image */
  NSW_FOR_SAMPLING = 3,  /* drawing architectures */
  NSW_FOR_RANDOM = 4,    /* the control proxy; which: the architecture */
  NSW_FOR_BOOTSTRAP = 5, /* which: the resample */
  NSW_FOR_PERMUTATION = 6,
  NSW_FOR_NOISE = 7,    /* Gaussian inputs of proxies */
  NSW_FOR_GRAPH = 8,    /* weights of NASGraph's network; which: the convolution */
  NSW_FOR_TRAINING = 9, /* parts, orders and cuts of images; which: what, and the epoch */
  NSW_FOR_SEARCH = 16,  /* searches; which: the method and the repeat */
  NSW_FOR_MODEL = 17    /* fitted models: weights at first and order of samples; which: the method and the repeat */
};

/* A stream: (seed, purpose, which) is its key; numbers in it are addressed by position. Compare by value. */
struct nsw_stream {
  uint64_t seed;    /* the run's seed */
  uint64_t which;   /* tensor, image, architecture ... */
  uint32_t purpose; /* enum nsw_purpose */
};

/* Four 32-bit words at position `at` (blocks of four). */
void nsw_random_block(struct nsw_stream stream, uint64_t at, uint32_t words[4]);

/* The n words of blocks first, first + 1, ..., what nsw_random_block gives one after the other. */
void nsw_random_words(struct nsw_stream stream, uint64_t first, uint32_t *words, size_t n);

/* 64 uniform bits at a position. */
uint64_t nsw_random_bits(struct nsw_stream stream, uint64_t at);

/* Uniform in [0, 1) with 53 bits. */
double nsw_random_double(struct nsw_stream stream, uint64_t at);

/* Uniform integer in [0, n), n > 0, without bias worth naming (64-bit multiply-shift). */
uint64_t nsw_random_below(struct nsw_stream stream, uint64_t at, uint64_t n);

/* out[n] uniform in (-bound, bound), positions 0..n-1. */
void nsw_random_uniform(struct nsw_stream stream, float bound, float *out, size_t n);

/* out[n] normal with the given deviation, cut off at `cut` deviations (0: not cut), positions 0..n-1. */
void nsw_random_normal(struct nsw_stream stream, float deviation, float cut, float *out, size_t n);

#endif
