#include "train/parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"

/* What streams are for; the epoch follows. */
enum { SPLIT = 0, ORDER = 1, CUT = 2 };

static struct nsw_stream stream_of(uint64_t seed, int what, int epoch) {
  return (struct nsw_stream){
      .seed = seed, .which = (uint64_t)what << 32 | (uint32_t)epoch, .purpose = NSW_FOR_TRAINING};
}

/* Fisher and Yates, from the end. */
static void shuffle(struct nsw_stream stream, uint32_t *list, size_t n) {
  for (size_t i = n; i > 1; i--) {
    size_t j = (size_t)nsw_random_below(stream, i - 1, i);
    uint32_t t = list[i - 1];
    list[i - 1] = list[j];
    list[j] = t;
  }
}

/* ---- making ---- */

static void shrink(const float *x, int size, int s, float *y) {
  int small = size / s;
  for (int c = 0; c < 3; c++)
    for (int h = 0; h < small; h++)
      for (int w = 0; w < small; w++) {
        double sum = 0;
        for (int a = 0; a < s; a++)
          for (int b = 0; b < s; b++)
            sum += x[((size_t)c * (size_t)size + (size_t)(h * s + a)) * (size_t)size + (size_t)(w * s + b)];
        y[((size_t)c * (size_t)small + (size_t)h) * (size_t)small + (size_t)w] = (float)(sum / (s * s));
      }
}

static int by_number(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static void divide(struct nsw_parts *p, uint64_t seed) {
  for (size_t i = 0; i < p->count; i++) p->member[i] = (uint32_t)i;
  shuffle(stream_of(seed, SPLIT, 0), p->member, p->count);
  qsort(p->member, p->train, sizeof *p->member, by_number);
  qsort(p->member + p->train, p->valid, sizeof *p->member, by_number);
}

static int choose_sizes(const struct nsw_recipe *recipe, struct nsw_parts *p, struct nsw_error *err) {
  p->train = recipe->train ? (size_t)recipe->train : p->count / 2;
  p->valid = recipe->valid < 0 ? 0 : recipe->valid ? (size_t)recipe->valid : p->count - p->train;
  if (p->train + p->valid > p->count)
    return nsw_usage(err, "train = %zu and valid = %zu images are more than the %zu there are (--samples)", p->train,
                     p->valid, p->count);
  if (p->train < (size_t)recipe->batch)
    return nsw_usage(err, "batch = %d is more than the %zu images to train on (--samples)", recipe->batch, p->train);
  return NSW_OK;
}

int nsw_parts_make(const struct nsw_recipe *recipe, const struct nsw_images *images, int resolution,
                   struct nsw_parts *parts, struct nsw_error *err) {
  size_t side = (size_t)resolution, one = 3 * side * side, from = (size_t)images->resolution;
  *parts = (struct nsw_parts){.resolution = resolution, .count = images->count};
  int status = choose_sizes(recipe, parts, err);
  if (status) return status;
  parts->pixels = malloc(images->count * one * sizeof *parts->pixels);
  parts->labels = malloc(images->count * sizeof *parts->labels);
  parts->member = malloc(images->count * sizeof *parts->member);
  if (!parts->pixels || !parts->labels || !parts->member)
    return nsw_no_memory(err, "%zu images of %d pixels", images->count, resolution);
  for (size_t i = 0; i < images->count; i++)
    shrink(images->pixels + i * 3 * from * from, images->resolution, images->resolution / resolution,
           parts->pixels + i * one);
  memcpy(parts->labels, images->labels, images->count * sizeof *parts->labels);
  divide(parts, recipe->split);
  return NSW_OK;
}

void nsw_parts_free(struct nsw_parts *parts) {
  free(parts->pixels);
  free(parts->labels);
  free(parts->member);
  *parts = (struct nsw_parts){0};
}

/* ---- an epoch ---- */

void nsw_parts_order(const struct nsw_parts *parts, uint64_t seed, int epoch, uint32_t *order) {
  for (size_t i = 0; i < parts->train; i++) order[i] = (uint32_t)i;
  shuffle(stream_of(seed, ORDER, epoch), order, parts->train);
}

struct nsw_cut nsw_parts_cut(const struct nsw_recipe *recipe, uint64_t seed, int epoch, uint32_t image) {
  uint32_t word[4];
  uint64_t places = 2 * (uint64_t)recipe->crop + 1;
  nsw_random_block(stream_of(seed, CUT, epoch), image, word);
  return (struct nsw_cut){.down = (int)(word[0] * places >> 32) - recipe->crop,
                          .right = (int)(word[1] * places >> 32) - recipe->crop,
                          .turned = recipe->flip && word[2] >> 31};
}

void nsw_parts_apply(const struct nsw_parts *parts, uint32_t image, struct nsw_cut cut, float *out) {
  int size = parts->resolution;
  const float *x = parts->pixels + (size_t)image * 3 * (size_t)size * (size_t)size;
  for (int c = 0; c < 3; c++)
    for (int h = 0; h < size; h++) {
      int row = h + cut.down;
      const float *from = x + ((ptrdiff_t)c * size + row) * size;
      float *to = out + ((ptrdiff_t)c * size + h) * size;
      for (int w = 0; w < size; w++) {
        int col = (cut.turned ? size - 1 - w : w) + cut.right;
        to[w] = row < 0 || row >= size || col < 0 || col >= size ? 0.0f : from[col];
      }
    }
}
