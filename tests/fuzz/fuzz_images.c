/* libFuzzer target: image files of every layout. The first byte chooses the layout; the rest is the file. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/images.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const names[4] = {"data_batch_1.bin", "train.bin", "data_batch_1", "train_data_batch_1"};
  static const char *const datasets[4] = {"cifar10", "cifar100", "cifar10", "ImageNet16-120"};
  static char folder[64];
  if (!size) return 0;
  if (!folder[0]) {
    snprintf(folder, sizeof folder, "/dev/shm/nasweep_fuzz_XXXXXX");
    if (!mkdtemp(folder)) abort();
  }
  char path[128];
  int layout = data[0] % 4;
  snprintf(path, sizeof path, "%s/%s", folder, names[layout]);
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(data + 1, 1, size - 1, file) != size - 1 || fclose(file)) abort();
  for (size_t count = 1; count < 4; count += 2) {
    struct nsw_images *images = NULL;
    struct nsw_error err;
    volatile float sum = 0; /* so that the pixels are read */
    if (!nsw_images_load(folder, datasets[layout], count, &images, &err))
      for (size_t i = 0; i < 3 * count * (size_t)images->resolution * (size_t)images->resolution; i++)
        sum += images->pixels[i];
    (void)sum;
    nsw_images_free(&images);
  }
  unlink(path);
  return 0;
}
