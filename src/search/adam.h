/* Parameters of a small network, their gradients, and Adam's step (Kingma and Ba, ICLR 2015). */
#ifndef NSW_SEARCH_ADAM_H
#define NSW_SEARCH_ADAM_H

#include <stdbool.h>
#include <stddef.h>

#include "search/dice.h"

/* [n] each, in one block. Owned; nsw_adam_free. */
struct nsw_adam {
  size_t n;
  float *w, *g, *first, *second;
  int step;
};

bool nsw_adam_make(struct nsw_adam *adam, size_t n);
void nsw_adam_free(struct nsw_adam *adam);

/* Zeroes everything, to begin a fit. */
void nsw_adam_reset(struct nsw_adam *adam);

/* w[0..n-1] normal with the deviation sqrt(2 / fan_in), from a stream that dice names. */
void nsw_adam_draw(float *w, size_t n, size_t fan_in, struct nsw_dice *dice);

/* One step down g, which is zeroed; decay: decoupled, of all parameters. */
void nsw_adam_step(struct nsw_adam *adam, float rate, float decay);

#endif
