/* The images of a training: divided into a part to train on and one to validate on, reduced in size, in the order of
 * each epoch, cut and turned at random. Everything is keyed by (seed, epoch, image), so that an image looks the same
 * whatever batch it stands in, and training goes on anywhere. */
#ifndef NSW_TRAIN_PARTS_H
#define NSW_TRAIN_PARTS_H

#include "data/images.h"
#include "train/recipe.h"

struct nsw_parts {
  int resolution;  /* height and width, pixels */
  size_t count;    /* images of both */
  float *pixels;   /* [count][3][resolution][resolution] */
  int32_t *labels; /* [count] */
  size_t train, valid;
  uint32_t *member; /* [train + valid]: images of the first part, then of the second, ascending in each */
};

/* Reduces images to `resolution`, which divides theirs, by averages over squares, and divides them. NSW_USAGE where the
 * recipe asks for more images than there are, or for a batch larger than the part to train on. Free with
 * nsw_parts_free in any case. */
int nsw_parts_make(const struct nsw_recipe *recipe, const struct nsw_images *images, int resolution,
                   struct nsw_parts *parts, struct nsw_error *err);
void nsw_parts_free(struct nsw_parts *parts);

/* The order of an epoch: order[train], places in member[]. */
void nsw_parts_order(const struct nsw_parts *parts, uint64_t seed, int epoch, uint32_t *order);

/* How an image is cut and turned in an epoch: from (-crop..crop) rows and columns further down and right, then turned.
 */
struct nsw_cut {
  int down, right;
  bool turned;
};
struct nsw_cut nsw_parts_cut(const struct nsw_recipe *recipe, uint64_t seed, int epoch, uint32_t image);

/* An image so cut into out[3][resolution][resolution]; zeros where the cut goes past its edge. */
void nsw_parts_apply(const struct nsw_parts *parts, uint32_t image, struct nsw_cut cut, float *out);

#endif
