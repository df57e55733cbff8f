/* CIFAR's binary layout (https://www.cs.toronto.edu/~kriz/cifar.html): fixed records of label bytes and 3 planes of
 * 32x32 bytes, row by row, red first. CIFAR-10: one label byte, data_batch_1..5.bin of 10,000 records each, fewer in a
 * partial file. CIFAR-100: coarse and fine label bytes, of which the fine one counts, and one train.bin of 50,000. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "data/layout.h"

enum { PICTURE = 3 * 32 * 32 };

/* What a file of the data set holds. */
struct part {
  size_t most;     /* records in the full file */
  int label_bytes; /* before the picture; the last is the label */
};

/* Number of records in a file; an error unless it is a whole number, and one that the layout can have. */
static int count_records(FILE *file, const char *path, const struct part *part, size_t *records,
                         struct nsw_error *err) {
  struct stat status;
  if (fstat(fileno(file), &status)) return nsw_fail(err, "%s: %s", path, strerror(errno));
  if (!S_ISREG(status.st_mode)) return nsw_fail(err, "%s: not a file", path);
  unsigned long long size = (unsigned long long)status.st_size, record = PICTURE + (unsigned)part->label_bytes;
  if (!size) return nsw_fail(err, "%s: empty", path);
  if (size > part->most * record)
    return nsw_fail(err, "%s: wrong size: %llu bytes, and %zu records of %llu are the most there can be", path, size,
                    part->most, record);
  if (size % record)
    return nsw_fail(err, "%s: truncated or of wrong size: %llu bytes, %llu after the last whole record of %llu", path,
                    size, size % record, record);
  *records = (size_t)(size / record);
  return NSW_OK;
}

static int read_records(const struct nsw_image_layout *layout, FILE *file, const char *path, const struct part *part,
                        struct nsw_taken *taken, struct nsw_error *err) {
  size_t records = 0;
  int status = count_records(file, path, part, &records, err);
  for (size_t i = 0; !status && i < records && taken->have < taken->count; i++, taken->have++) {
    uint8_t label[2];
    if (fread(label, 1, (size_t)part->label_bytes, file) != (size_t)part->label_bytes ||
        fread(taken->pixels + taken->have * PICTURE, 1, PICTURE, file) != PICTURE)
      return nsw_fail(err, "%s: record %zu: %s", path, i, ferror(file) ? strerror(errno) : "ends too early");
    status = nsw_image_layout_label(layout, path, i, label[part->label_bytes - 1], taken->labels + taken->have, err);
  }
  return status;
}

static int read_part(const struct nsw_image_layout *layout, const char *path, const void *about,
                     struct nsw_taken *taken, bool *missing, struct nsw_error *err) {
  FILE *file = fopen(path, "rb");
  *missing = !file && errno == ENOENT;
  if (*missing) return NSW_OK;
  if (!file) return nsw_fail(err, "%s: %s", path, strerror(errno));
  int status = read_records(layout, file, path, about, taken, err);
  fclose(file);
  return status;
}

static int read_cifar10(const struct nsw_image_layout *layout, const char *folder, size_t count, uint8_t *pixels,
                        uint8_t *labels, struct nsw_error *err) {
  static const struct part p = {10000, 1};
  static const struct nsw_image_layout_file files[] = {{"data_batch_1.bin", &p}, {"data_batch_2.bin", &p},
                                                       {"data_batch_3.bin", &p}, {"data_batch_4.bin", &p},
                                                       {"data_batch_5.bin", &p}, {NULL, NULL}};
  return nsw_image_layout_walk(layout, folder, files, read_part, count, pixels, labels, err);
}

const struct nsw_image_layout nsw_layout_cifar10_binary = {
    .set = &nsw_cifar10,
    .folder = "cifar-10-batches-bin",
    .mark = "data_batch_1.bin",
    .read = read_cifar10,
};

static int read_cifar100(const struct nsw_image_layout *layout, const char *folder, size_t count, uint8_t *pixels,
                         uint8_t *labels, struct nsw_error *err) {
  static const struct part p = {50000, 2};
  static const struct nsw_image_layout_file files[] = {{"train.bin", &p}, {NULL, NULL}};
  return nsw_image_layout_walk(layout, folder, files, read_part, count, pixels, labels, err);
}

const struct nsw_image_layout nsw_layout_cifar100_binary = {
    .set = &nsw_cifar100,
    .folder = "cifar-100-binary",
    .mark = "train.bin",
    .read = read_cifar100,
};
