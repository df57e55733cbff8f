/* Layouts of image files: a layout is one file src/data/NAME.c that fills a struct nsw_image_layout, and one line in
 * the table of src/data/images.c. */
#ifndef NSW_DATA_LAYOUT_H
#define NSW_DATA_LAYOUT_H

#include <stdbool.h>
#include <stdio.h>

#include "data/images.h"
#include "data/sets.h"

/* How one data set is laid out on disk. */
struct nsw_image_layout {
  const struct nsw_data_set *set;
  const char *folder; /* what the folder is called where it was unpacked; also looked for inside the folder given */
  const char *mark;   /* a file that only this layout has */
  /* Reads the first `count` training images in file order: pixels [count][3][resolution][resolution], labels [count].
   * An error names the file and, where there is one, the record. */
  int (*read)(const struct nsw_image_layout *layout, const char *folder, size_t count, uint8_t *pixels, uint8_t *labels,
              struct nsw_error *err);
};

extern const struct nsw_image_layout nsw_layout_cifar10_binary, nsw_layout_cifar100_binary, nsw_layout_cifar10_python,
    nsw_layout_cifar100_python, nsw_layout_imagenet16;

/* What has been read of a data set so far. */
struct nsw_taken {
  size_t have, count; /* images, and those asked */
  uint8_t *pixels;    /* [count][3][resolution][resolution] */
  uint8_t *labels;    /* [count] */
};

/* One file of a data set and how to read it. */
struct nsw_image_layout_file {
  const char *name;  /* in the folder */
  const void *about; /* what the reader wants to know of it */
};

/* Adds images of the file at `path` to `taken`, at most up to taken->count. *missing where there is no such file. */
typedef int (*nsw_image_layout_reader)(const struct nsw_image_layout *layout, const char *path, const void *about,
                                       struct nsw_taken *taken, bool *missing, struct nsw_error *err);

/* Reads the files of a data set in order (the last has a NULL name) until there are `count` images. */
int nsw_image_layout_walk(const struct nsw_image_layout *layout, const char *folder,
                          const struct nsw_image_layout_file *files, nsw_image_layout_reader read, size_t count,
                          uint8_t *pixels, uint8_t *labels, struct nsw_error *err);

/* Checks a label against the classes; the error names the file and the record (from 0). */
int nsw_image_layout_label(const struct nsw_image_layout *layout, const char *path, size_t record, long long label,
                           uint8_t *stored, struct nsw_error *err);

/* Makes synthetic images: pixels [count][3][resolution][resolution], labels [count]. Image i depends on seed, i,
 * classes and resolution only. Fails for lack of memory. */
int nsw_synthetic_make(uint64_t seed, int classes, int resolution, size_t count, uint8_t *pixels, uint8_t *labels,
                       struct nsw_error *err);

#endif
