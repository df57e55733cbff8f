/* CPython's random module as far as random.seed(int) and random.shuffle(list) need it: the Mersenne Twister
 * MT19937 (Matsumoto and Nishimura, 1998), seeded by init_by_array. NAS-Bench-201 takes its order from it. */
#ifndef NSW_SPACE_MT19937_H
#define NSW_SPACE_MT19937_H

#include <stdint.h>

struct nsw_mt19937 {
  uint32_t word[624];
  int used; /* words of the present state already given out, 0..624 */
};

/* The state after Python's random.seed(seed). */
void nsw_mt19937_seed(struct nsw_mt19937 *mt, uint32_t seed);

/* The next 32 random bits. */
uint32_t nsw_mt19937_next(struct nsw_mt19937 *mt);

/* Uniform integer in 0..n-1, n > 0, drawn as Python's Random._randbelow does. */
uint32_t nsw_mt19937_below(struct nsw_mt19937 *mt, uint32_t n);

/* Python's random.shuffle of items[n]. */
void nsw_mt19937_shuffle(struct nsw_mt19937 *mt, uint16_t *items, uint32_t n);

#endif
