#include "net/batch.h"

#include <stdlib.h>
#include <string.h>

#include "net/conv.h"

static void fill_pixels(struct nsw_batch *b, const float *pixels) {
  size_t size = (size_t)b->size, side = size + 2, image = nsw_batch_image(b->size);
  for (size_t i = 0; i < (size_t)b->images; i++)
    for (size_t c = 0; c < 3; c++)
      for (size_t h = 0; h < size; h++)
        for (size_t w = 0; w < size; w++)
          b->pixels.p[i * image + ((h + 1) * side + w + 1) * NSW_IMAGE_COL + c] =
              pixels[((i * 3 + c) * size + h) * size + w];
}

int nsw_batch_fill(struct nsw_batch *b, const float *pixels, const int32_t *labels, int images, int size,
                   struct nsw_error *err) {
  /* A block of room behind the last image: probes read 16 channels from every pixel, whatever it has. */
  size_t n = (size_t)images, all = n * nsw_batch_image(size) + NSW_BLOCK;
  b->stem.valid = false;
  b->images = 0;
  if (images > b->room) {
    free(b->labels);
    b->labels = malloc(n * sizeof *b->labels);
    b->room = b->labels ? images : 0;
  }
  if (!b->labels || !nsw_floats_need(&b->pixels, all))
    return nsw_no_memory(err, "%d images of %d x %d", images, size, size);
  b->images = images;
  b->size = size;
  memset(b->pixels.p, 0, all * sizeof *b->pixels.p);
  fill_pixels(b, pixels);
  if (labels)
    memcpy(b->labels, labels, n * sizeof *labels);
  else
    memset(b->labels, 0, n * sizeof *b->labels);
  return NSW_OK;
}

void nsw_batch_free(struct nsw_batch *b) {
  nsw_floats_free(&b->pixels);
  nsw_floats_free(&b->stem.y);
  nsw_floats_free(&b->stem.stats);
  free(b->labels);
  *b = (struct nsw_batch){0};
}
