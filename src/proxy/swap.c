/* SWAP: how many different ways the network's ReLUs answer to a batch. A ReLU's pattern is one bit an image, open or
 * shut; the score is the number of different patterns over all ReLUs of all layers.
 *
 * The released program gathers the outputs of every ReLU module; several in front of the same sum repeat its patterns,
 * which a set does not see, so each tensor is taken once. Its regularised form, times exp(-(parameters - mu)^2 /
 * sigma), needs a size that is wanted beforehand and is left to whoever has one: both factors are columns. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "proxy/measure.h"
#include "proxy/relu_codes.h"
#include "proxy/table.h"

enum { WORD = 64 }; /* images at most: a pattern is one word */

/* Patterns seen, in open addressing; zero stands for itself in a flag of its own. */
struct swap {
  uint64_t *slot; /* [size], 0: empty */
  size_t size;    /* a power of two */
  size_t count;   /* slots taken */
  bool zero;      /* the pattern of ReLUs that no image opens */
  int images;
  struct nsw_relu_codes codes;
};

static void close_swap(void *state) {
  struct swap *s = state;
  free(s->slot);
  free(s->codes.words);
  free(s);
}

static int open_swap(const struct nsw_context *context, const char *const *values, void **state,
                     struct nsw_error *err) {
  (void)values;
  if (context->samples > WORD)
    return nsw_usage(err, "swap: at most %d images, as a pattern is one word; not %d", WORD, context->samples);
  *state = calloc(1, sizeof(struct swap));
  return *state ? NSW_OK : nsw_no_memory(err, "a score");
}

/* ---- the set ---- */

static size_t place_of(const struct swap *s, uint64_t pattern) {
  size_t at = nsw_hash_word(0, pattern) & (s->size - 1);
  while (s->slot[at] && s->slot[at] != pattern) at = (at + 1) & (s->size - 1);
  return at;
}

static bool grow(struct swap *s) {
  uint64_t *old = s->slot;
  size_t size = s->size;
  s->size = size ? 2 * size : 1 << 16;
  s->slot = calloc(s->size, sizeof *s->slot);
  if (!s->slot) {
    s->slot = old;
    s->size = size;
    return false;
  }
  for (size_t i = 0; i < size; i++)
    if (old[i]) s->slot[place_of(s, old[i])] = old[i];
  free(old);
  return true;
}

static void add(struct swap *s, uint64_t pattern) {
  if (!pattern) {
    s->zero = true;
    return;
  }
  if (2 * s->count >= s->size && !grow(s)) {
    s->codes.failed = true;
    return;
  }
  size_t at = place_of(s, pattern);
  s->count += !s->slot[at];
  s->slot[at] = pattern;
}

/* ---- the measure ---- */

static int begin(void *state, struct nsw_lab *lab, struct nsw_error *err) {
  struct swap *s = state;
  s->images = lab->samples;
  s->count = 0;
  s->zero = s->codes.failed = false;
  if (!s->slot && !grow(s)) return nsw_no_memory(err, "activation patterns");
  memset(s->slot, 0, s->size * sizeof *s->slot);
  return NSW_OK;
}

/* Rows of a square of bits become its columns: bit c of word r and bit r of word c change places. */
static void transpose(uint64_t a[WORD]) {
  uint64_t mask = UINT64_C(0x00000000ffffffff);
  for (int step = 32; step; step >>= 1, mask ^= mask << step)
    for (int r = 0; r < WORD; r = ((r | step) + 1) & ~step) {
      uint64_t t = (a[r] >> step ^ a[r | step]) & mask;
      a[r] ^= t << step;
      a[r | step] ^= t;
    }
}

static void observe(void *state, const struct nsw_engine *engine, int layer, enum nsw_moment moment) {
  struct swap *s = state;
  struct nsw_relu_codes *c = &s->codes;
  if (moment != NSW_AFTER_LAYER || c->failed || !nsw_relu_codes(engine, layer, c)) return;
  for (size_t w = 0; w < c->length && !c->failed; w++) {
    uint64_t square[WORD] = {0};
    size_t bits = c->bits - w * WORD < WORD ? c->bits - w * WORD : WORD;
    for (int i = 0; i < s->images; i++) square[i] = c->words[(size_t)i * c->length + w];
    transpose(square);
    for (size_t b = 0; b < bits; b++) add(s, square[b]);
  }
}

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  struct swap *s = state;
  (void)lab;
  if (s->codes.failed) return nsw_no_memory(err, "activation patterns");
  values[0] = (double)(s->count + s->zero);
  return NSW_OK;
}

static const struct nsw_measure measure = {.pass = &nsw_pass_forward,
                                           .open = open_swap,
                                           .close = close_swap,
                                           .begin = begin,
                                           .observe = observe,
                                           .take = take};

static const struct nsw_proxy_column columns[] = {
    {"swap", "different activation patterns of ReLUs over the images of a batch", +1}, {0}};

const struct nsw_proxy nsw_proxy_swap = {
    .name = "swap",
    .group = "forward",
    .source =
        "Peng et al., SWAP-NAS: Sample-Wise Activation Patterns for Ultra-fast NAS, arXiv 2403.04161, and its "
        "released program",
    .note =
        "ReLUs on branches that reach no output do not count; the paper's regularised form, which needs a wanted "
        "size, is not built; the paper takes 16 to 32 images and means over 32 draws of weights",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
    .samples = NSW_MEASURE_SAMPLES,
    .columns = columns,
    .measure = &measure,
};
