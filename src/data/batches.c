/* Image batches that are Python pickles of a dict with `data`, a uint8 array [N][3*R*R] (planes, red first), and
 * labels: CIFAR-10 and CIFAR-100 for Python (https://www.cs.toronto.edu/~kriz/cifar.html), and ImageNet16-120, the
 * first 120 classes of the downsampled ImageNet of 16x16 pixels (Chrabaszcz et al., arXiv 1707.08819; labels from 1),
 * as NAS-Bench-201 uses it. Read by the closed pickle reader: nothing in them is run. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "data/layout.h"
#include "files/pickle.h"

enum {
  MOST_MEMORY = 400 << 20, /* bytes; ImageNet's batches have 98 MB, more where Python 3 has written them anew */
  LARGEST_LABEL = 1000
};

/* How the batches of a data set are labelled. */
struct batches {
  const char *labels; /* key of the labels */
  int first_label;    /* what the labels begin with */
  bool some_classes;  /* labels beyond the classes are of pictures to pass over */
};

/* Data and labels of a batch, checked against the layout. */
static int check_batch(const struct nsw_image_layout *layout, const struct batches *batches, const char *path,
                       const struct nsw_value *root, struct nsw_array *data, const struct nsw_value **labels,
                       struct nsw_error *err) {
  uint64_t picture = 3 * (uint64_t)layout->set->resolution * (uint64_t)layout->set->resolution;
  *labels = nsw_value_get(root, batches->labels);
  if (!nsw_value_array(nsw_value_get(root, "data"), data) || !*labels)
    return nsw_fail(err, "%s: not a dict of data and %s", path, batches->labels);
  if (data->type != 'u' || data->size != 1 || data->dimensions != 2 || data->shape[1] != picture)
    return nsw_fail(err, "%s: wrong size: its data are not rows of %llu bytes", path, (unsigned long long)picture);
  if ((*labels)->kind != NSW_PICKLE_LIST || nsw_value_count(*labels) != data->shape[0])
    return nsw_fail(err, "%s: %llu pictures and %zu labels", path, (unsigned long long)data->shape[0],
                    nsw_value_count(*labels));
  return NSW_OK;
}

static int take_batch(const struct nsw_image_layout *layout, const struct batches *batches, const char *path,
                      const struct nsw_value *root, struct nsw_taken *taken, struct nsw_error *err) {
  struct nsw_array data;
  const struct nsw_value *labels;
  int status = check_batch(layout, batches, path, root, &data, &labels, err);
  size_t picture = 3 * (size_t)layout->set->resolution * (size_t)layout->set->resolution;
  for (size_t i = 0; !status && i < data.shape[0] && taken->have < taken->count; i++) {
    int64_t label;
    if (!nsw_value_integer(nsw_value_item(labels, i), &label))
      return nsw_fail(err, "%s: record %zu: its label is no whole number", path, i);
    label -= batches->first_label;
    if (batches->some_classes && label >= layout->set->classes && label < LARGEST_LABEL) continue;
    status = nsw_image_layout_label(layout, path, i, label, taken->labels + taken->have, err);
    memcpy(taken->pixels + taken->have * picture, data.data + i * picture, picture);
    taken->have++;
  }
  return status;
}

static int read_batch(const struct nsw_image_layout *layout, const char *path, const void *about,
                      struct nsw_taken *taken, bool *missing, struct nsw_error *err) {
  static const struct nsw_pickle_options options = {.memory = MOST_MEMORY, .whole = true};
  struct nsw_input *input = NULL;
  struct nsw_pickle *pickle = NULL;
  struct stat state;
  *missing = stat(path, &state) && errno == ENOENT;
  if (*missing) return NSW_OK;
  int status = nsw_input_file(path, 0, NSW_TO_THE_END, &input, err);
  if (!status) status = nsw_pickle_read(input, &options, &pickle, err);
  if (!status) status = take_batch(layout, about, path, nsw_pickle_root(pickle), taken, err);
  nsw_pickle_free(&pickle);
  nsw_input_close(&input);
  return status;
}

static int read_cifar10(const struct nsw_image_layout *layout, const char *folder, size_t count, uint8_t *pixels,
                        uint8_t *labels, struct nsw_error *err) {
  static const struct batches b = {"labels", 0, false};
  static const struct nsw_image_layout_file files[] = {{"data_batch_1", &b}, {"data_batch_2", &b}, {"data_batch_3", &b},
                                                       {"data_batch_4", &b}, {"data_batch_5", &b}, {NULL, NULL}};
  return nsw_image_layout_walk(layout, folder, files, read_batch, count, pixels, labels, err);
}

static int read_cifar100(const struct nsw_image_layout *layout, const char *folder, size_t count, uint8_t *pixels,
                         uint8_t *labels, struct nsw_error *err) {
  static const struct batches b = {"fine_labels", 0, false};
  static const struct nsw_image_layout_file files[] = {{"train", &b}, {NULL, NULL}};
  return nsw_image_layout_walk(layout, folder, files, read_batch, count, pixels, labels, err);
}

static int read_imagenet16(const struct nsw_image_layout *layout, const char *folder, size_t count, uint8_t *pixels,
                           uint8_t *labels, struct nsw_error *err) {
  static const struct batches b = {"labels", 1, true};
  static const struct nsw_image_layout_file files[] = {{"train_data_batch_1", &b},
                                                       {"train_data_batch_2", &b},
                                                       {"train_data_batch_3", &b},
                                                       {"train_data_batch_4", &b},
                                                       {"train_data_batch_5", &b},
                                                       {"train_data_batch_6", &b},
                                                       {"train_data_batch_7", &b},
                                                       {"train_data_batch_8", &b},
                                                       {"train_data_batch_9", &b},
                                                       {"train_data_batch_10", &b},
                                                       {NULL, NULL}};
  return nsw_image_layout_walk(layout, folder, files, read_batch, count, pixels, labels, err);
}

const struct nsw_image_layout nsw_layout_cifar10_python = {
    .set = &nsw_cifar10,
    .folder = "cifar-10-batches-py",
    .mark = "data_batch_1",
    .read = read_cifar10,
};

const struct nsw_image_layout nsw_layout_cifar100_python = {
    .set = &nsw_cifar100,
    .folder = "cifar-100-python",
    .mark = "train",
    .read = read_cifar100,
};

const struct nsw_image_layout nsw_layout_imagenet16 = {
    .set = &nsw_imagenet16,
    .folder = "ImageNet16",
    .mark = "train_data_batch_1",
    .read = read_imagenet16,
};
