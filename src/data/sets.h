/* The data sets, and the facts about them: once, whatever layouts of files they come in. */
#ifndef NSW_DATA_SETS_H
#define NSW_DATA_SETS_H

#include <stddef.h>

struct nsw_data_set {
  const char *name;    /* as in results */
  int classes;         /* labels are 0..classes-1 */
  int resolution;      /* height = width, pixels */
  size_t most;         /* training images of the whole of it */
  double mean[3];      /* per channel, on the 0..255 scale */
  double deviation[3]; /* likewise */
};

extern const struct nsw_data_set nsw_cifar10, nsw_cifar100, nsw_imagenet16;

#endif
