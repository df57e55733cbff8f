#include "search/adam.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool nsw_adam_make(struct nsw_adam *adam, size_t n) {
  *adam = (struct nsw_adam){.n = n, .w = calloc(4 * n + 1, sizeof *adam->w)};
  if (!adam->w) return false;
  adam->g = adam->w + n;
  adam->first = adam->g + n;
  adam->second = adam->first + n;
  return true;
}

void nsw_adam_free(struct nsw_adam *adam) {
  free(adam->w);
  *adam = (struct nsw_adam){0};
}

void nsw_adam_reset(struct nsw_adam *adam) {
  memset(adam->w, 0, 4 * adam->n * sizeof *adam->w);
  adam->step = 0;
}

void nsw_adam_draw(float *w, size_t n, size_t fan_in, struct nsw_dice *dice) {
  uint64_t high = nsw_dice_word(dice), low = nsw_dice_word(dice);
  struct nsw_stream stream = {.seed = 0, .which = high << 32 | low, .purpose = NSW_FOR_MODEL};
  nsw_random_normal(stream, sqrtf(2 / (float)fan_in), 0, w, n);
}

void nsw_adam_step(struct nsw_adam *adam, float rate, float decay) {
  float fade1 = 1 - (float)pow(.9, ++adam->step), fade2 = 1 - (float)pow(.999, adam->step);
  for (size_t i = 0; i < adam->n; i++) {
    float g = adam->g[i];
    adam->first[i] = .9f * adam->first[i] + .1f * g;
    adam->second[i] = .999f * adam->second[i] + .001f * g * g;
    adam->w[i] -= rate * (adam->first[i] / fade1 / (sqrtf(adam->second[i] / fade2) + 1e-8f) + decay * adam->w[i]);
    adam->g[i] = 0;
  }
}
