/* Images as a value: pixels as the engine reads them, labels, and what a network's stem makes of them, which is the
 * same for every architecture of a run. */
#ifndef NSW_NET_BATCH_H
#define NSW_NET_BATCH_H

#include <stdint.h>

#include "nasweep/error.h"
#include "net/floats.h"

enum { NSW_IMAGE_COL = 4 }; /* channels as stored: three and a zero */

/* Kept by the engine: raw outputs of a stem, normalised by sample, from the weights of a key and a seed. */
struct nsw_stem {
  struct nsw_floats y, stats; /* [images][...], scale and shift [images][2 * col] */
  uint64_t key, seed;
  size_t image; /* floats of one image's raw output */
  bool valid;
};

/* n images. All zeros at first; the engine reads it while it is bound (net/engine.h). */
struct nsw_batch {
  int images, size;         /* n; height and width */
  struct nsw_floats pixels; /* [n] framed by zeros, channels last, NSW_IMAGE_COL channels */
  int32_t *labels;          /* [n] */
  int room;                 /* labels there is memory for */
  struct nsw_stem stem;
};

/* Floats of one image, its frame included. */
static inline size_t nsw_batch_image(int size) { return ((size_t)size + 2) * ((size_t)size + 2) * NSW_IMAGE_COL; }

/* Fills it with pixels[images][3][size][size] and labels[images] (NULL: all zero), copied; memory is used again. Free
 * with nsw_batch_free. */
int nsw_batch_fill(struct nsw_batch *batch, const float *pixels, const int32_t *labels, int images, int size,
                   struct nsw_error *err);
void nsw_batch_free(struct nsw_batch *batch);

#endif
