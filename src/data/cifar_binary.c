/* CIFAR's binary layout (https://www.cs.toronto.edu/~kriz/cifar.html): fixed records of label bytes and 3 planes of
 * 32x32 bytes, row by row, red first. CIFAR-10: one label byte, data_batch_1..5.bin of 10,000 records each, fewer in a
 * partial file. CIFAR-100: coarse and fine label bytes, of which the fine one counts, and one train.bin of 50,000. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "data/layout.h"

enum { PICTURE = 3 * 32 * 32 };

/* One file of the data set. */
struct part {
  const char *name; /* in the folder */
  size_t most;      /* records in the full file */
  int label_bytes;  /* before the picture; the last is the label */
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

/* Reads up to count records; *got is how many. */
static int read_part(const struct nsw_layout *layout, FILE *file, const char *path, const struct part *part,
                     size_t count, uint8_t *pixels, uint8_t *labels, size_t *got, struct nsw_error *err) {
  size_t records = 0;
  int status = count_records(file, path, part, &records, err);
  if (status) return status;
  *got = records < count ? records : count;
  for (size_t i = 0; i < *got; i++) {
    uint8_t label[2];
    if (fread(label, 1, (size_t)part->label_bytes, file) != (size_t)part->label_bytes ||
        fread(pixels + i * PICTURE, 1, PICTURE, file) != PICTURE)
      return nsw_fail(err, "%s: record %zu: %s", path, i, ferror(file) ? strerror(errno) : "ends too early");
    status = nsw_layout_label(layout, path, i, label[part->label_bytes - 1], labels + i, err);
    if (status) return status;
  }
  return NSW_OK;
}

/* Reads the parts in order until there are enough images. */
static int read_parts(const struct nsw_layout *layout, const char *folder, const struct part *parts, size_t count,
                      uint8_t *pixels, uint8_t *labels, struct nsw_error *err) {
  size_t have = 0;
  for (; parts->name && have < count; parts++) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, parts->name);
    FILE *file = fopen(path, "rb");
    if (!file && errno == ENOENT) return nsw_layout_too_few(folder, have, count, parts->name, err);
    if (!file) return nsw_fail(err, "%s: %s", path, strerror(errno));
    size_t got = 0;
    int status = read_part(layout, file, path, parts, count - have, pixels + have * PICTURE, labels + have, &got, err);
    fclose(file);
    if (status) return status;
    have += got;
  }
  return have < count ? nsw_layout_too_few(folder, have, count, NULL, err) : NSW_OK;
}

static int read_cifar10(const struct nsw_layout *layout, const char *folder, size_t count, uint8_t *pixels,
                        uint8_t *labels, struct nsw_error *err) {
  static const struct part parts[] = {{"data_batch_1.bin", 10000, 1}, {"data_batch_2.bin", 10000, 1},
                                      {"data_batch_3.bin", 10000, 1}, {"data_batch_4.bin", 10000, 1},
                                      {"data_batch_5.bin", 10000, 1}, {NULL, 0, 0}};
  return read_parts(layout, folder, parts, count, pixels, labels, err);
}

const struct nsw_layout nsw_layout_cifar10_binary = {
    .dataset = "cifar10",
    .folder = "cifar-10-batches-bin",
    .mark = "data_batch_1.bin",
    .classes = 10,
    .resolution = 32,
    .most = 50000,
    .mean = {125.3, 123.0, 113.9},
    .deviation = {63.0, 62.1, 66.7},
    .read = read_cifar10,
};

static int read_cifar100(const struct nsw_layout *layout, const char *folder, size_t count, uint8_t *pixels,
                         uint8_t *labels, struct nsw_error *err) {
  static const struct part parts[] = {{"train.bin", 50000, 2}, {NULL, 0, 0}};
  return read_parts(layout, folder, parts, count, pixels, labels, err);
}

const struct nsw_layout nsw_layout_cifar100_binary = {
    .dataset = "cifar100",
    .folder = "cifar-100-binary",
    .mark = "train.bin",
    .classes = 100,
    .resolution = 32,
    .most = 50000,
    .mean = {129.3, 124.1, 112.4},
    .deviation = {68.2, 65.4, 70.4},
    .read = read_cifar100,
};
