/* Numbers of one stream, one after the other. */
#ifndef NSW_SEARCH_DICE_H
#define NSW_SEARCH_DICE_H

#include "base/random.h"

enum { NSW_DICE_WORDS = 256 };

struct nsw_dice {
  struct nsw_stream stream;
  uint64_t block; /* next to be made */
  unsigned used;  /* of words */
  uint32_t words[NSW_DICE_WORDS];
};

static inline void nsw_dice_begin(struct nsw_dice *dice, struct nsw_stream stream) {
  dice->stream = stream;
  dice->block = 0;
  dice->used = NSW_DICE_WORDS;
}

static inline uint32_t nsw_dice_word(struct nsw_dice *dice) {
  if (dice->used == NSW_DICE_WORDS) {
    nsw_random_words(dice->stream, dice->block, dice->words, NSW_DICE_WORDS);
    dice->block += NSW_DICE_WORDS / 4;
    dice->used = 0;
  }
  return dice->words[dice->used++];
}

/* Uniform integer in [0, n), 0 < n < 2^32, exactly (Lemire's multiplication with rejection). */
static inline uint32_t nsw_dice_below(struct nsw_dice *dice, uint32_t n) {
  uint64_t product = (uint64_t)nsw_dice_word(dice) * n;
  if ((uint32_t)product < n)
    for (uint32_t least = -n % n; (uint32_t)product < least;) product = (uint64_t)nsw_dice_word(dice) * n;
  return (uint32_t)(product >> 32);
}

/* Uniform in [0, 1), 32 bits. */
static inline double nsw_dice_double(struct nsw_dice *dice) { return nsw_dice_word(dice) * 0x1p-32; }

#endif
