/* Images with labels, as proxies take them: normalised float32, from a benchmark's own files or built in. */
#ifndef NSW_DATA_IMAGES_H
#define NSW_DATA_IMAGES_H

#include <stddef.h>
#include <stdint.h>

#include "nasweep/error.h"

/* The first `count` images of a data set, in file order. Owns its arrays. */
struct nsw_images {
  char dataset[32]; /* "cifar10", "cifar100", "ImageNet16-120" or "synthetic" */
  char source[512]; /* folder it came from, or "synthetic:SEED" */
  char sha256[65];  /* of the bytes used: for each image its label (one byte, from 0), then red, green and blue plane,
                       which for CIFAR-10 are the records of its binary files; hex */
  size_t count;     /* images */
  int classes;
  int resolution;  /* height = width, pixels */
  float *pixels;   /* [count][3][resolution][resolution], (x - mean) / std per channel */
  int32_t *labels; /* [count], 0..classes-1 */
};

/* Loads images. data: a folder in a data set's own layout or the folder that holds such a one, also looked for in the
 * folder that the environment's NASWEEP_DATA names, or "synthetic[:seed]".
 * dataset: its name, or NULL to tell from the folder; synthetic images take classes and resolution from it. Errors
 * name the file and record: missing, truncated, wrong size, labels beyond the classes, fewer images than asked. */
int nsw_images_load(const char *data, const char *dataset, size_t count, struct nsw_images **images,
                    struct nsw_error *err);

/* Synthetic images of any size: classes 1..256, resolution 4..256 and even. */
int nsw_images_synthetic(uint64_t seed, int classes, int resolution, size_t count, struct nsw_images **images,
                         struct nsw_error *err);

/* The names of the data sets there are readers for, each once, into names[room]; returns how many. */
size_t nsw_images_datasets(const char **names, size_t room);

/* Classes and resolution of a data set by its name, upper or lower case; NSW_USAGE with the names there are. */
int nsw_images_shape(const char *dataset, int *classes, int *resolution, struct nsw_error *err);

/* Frees and sets to NULL; may be called twice. */
void nsw_images_free(struct nsw_images **images);

#endif
