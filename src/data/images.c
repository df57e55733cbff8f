#include "data/images.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "base/sha256.h"
#include "data/layout.h"

static const struct nsw_image_layout *const layouts[] = {
    &nsw_layout_cifar10_binary,  &nsw_layout_cifar10_python, &nsw_layout_cifar100_binary,
    &nsw_layout_cifar100_python, &nsw_layout_imagenet16,     NULL,
};

enum { MOST_SYNTHETIC = 1000000 }; /* images; more is a mistake rather than a wish */

int nsw_image_layout_label(const struct nsw_image_layout *layout, const char *path, size_t record, long long label,
                           uint8_t *stored, struct nsw_error *err) {
  if (label < 0 || label >= layout->set->classes)
    return nsw_fail(err, "%s: record %zu: label %lld is beyond the %d classes of %s", path, record, label,
                    layout->set->classes, layout->set->name);
  *stored = (uint8_t)label;
  return NSW_OK;
}

int nsw_image_layout_walk(const struct nsw_image_layout *layout, const char *folder,
                          const struct nsw_image_layout_file *files, nsw_image_layout_reader read, size_t count,
                          uint8_t *pixels, uint8_t *labels, struct nsw_error *err) {
  struct nsw_taken taken = {0, count, pixels, labels};
  for (; files->name && taken.have < count; files++) {
    char path[1024];
    bool missing;
    snprintf(path, sizeof path, "%s/%s", folder, files->name);
    int status = read(layout, path, files->about, &taken, &missing, err);
    if (status) return status;
    if (missing)
      return nsw_fail(err, "%s: %zu images asked, %zu there: %s is missing", folder, count, taken.have, files->name);
  }
  return taken.have < count ? nsw_fail(err, "%s: %zu images asked, %zu there", folder, count, taken.have) : NSW_OK;
}

static bool is_file(const char *folder, const char *name) {
  char path[4096];
  struct stat status;
  int n = snprintf(path, sizeof path, "%s/%s", folder, name);
  return n > 0 && (size_t)n < sizeof path && !stat(path, &status) && S_ISREG(status.st_mode);
}

/* Fills folder with where the layout's files are: in data itself, or in a folder of the usual name in it. */
static bool recognise(const struct nsw_image_layout *layout, const char *data, char folder[512]) {
  int n = snprintf(folder, 512, "%s", data);
  if (n > 0 && n < 512 && is_file(folder, layout->mark)) return true;
  n = snprintf(folder, 512, "%s/%s", data, layout->folder);
  return n > 0 && n < 512 && is_file(folder, layout->mark);
}

/* "cifar10, cifar100, ..." or "data_batch_1.bin (cifar10), ..." for messages; each data set once in the first form. */
static void list_layouts(bool marks, const char *dataset, char *text, size_t size) {
  size_t used = 0;
  text[0] = 0;
  for (int i = 0; layouts[i] && used < size; i++) {
    bool seen = false;
    for (int k = 0; k < i && !marks; k++) seen = seen || !strcmp(layouts[k]->set->name, layouts[i]->set->name);
    if (seen || (dataset && strcasecmp(dataset, layouts[i]->set->name))) continue;
    const char *comma = used ? ", " : "";
    int n = marks ? snprintf(text + used, size - used, "%s%s (%s)", comma, layouts[i]->mark, layouts[i]->set->name)
                  : snprintf(text + used, size - used, "%s%s", comma, layouts[i]->set->name);
    if (n < 0) return;
    used += (size_t)n;
  }
}

size_t nsw_images_datasets(const char **names, size_t room) {
  size_t count = 0;
  for (int i = 0; layouts[i]; i++) {
    bool seen = false;
    for (size_t k = 0; k < count; k++) seen = seen || !strcmp(names[k], layouts[i]->set->name);
    if (!seen && count < room) names[count++] = layouts[i]->set->name;
  }
  return count;
}

static const struct nsw_image_layout *layout_of_dataset(const char *dataset) {
  for (int i = 0; layouts[i]; i++)
    if (!strcasecmp(dataset, layouts[i]->set->name)) return layouts[i];
  return NULL;
}

static int check_dataset(const char *dataset, struct nsw_error *err) {
  char known[256], quoted[NSW_QUOTE_SIZE];
  const char *names[8];
  if (!dataset || layout_of_dataset(dataset)) return NSW_OK;
  list_layouts(false, NULL, known, sizeof known);
  const char *near = nsw_nearest(dataset, names, nsw_images_datasets(names, sizeof names / sizeof *names));
  return nsw_usage(err, "no data set is called '%s'%s%s%s are %s", nsw_quote(quoted, dataset),
                   near ? "; did you mean '" : "", near ? near : "", near ? "'? There" : "; there", known);
}

int nsw_images_shape(const char *dataset, int *classes, int *resolution, struct nsw_error *err) {
  int status = check_dataset(dataset, err);
  if (status) return status;
  const struct nsw_image_layout *layout = layout_of_dataset(dataset);
  *classes = layout->set->classes;
  *resolution = layout->set->resolution;
  return NSW_OK;
}

/* The folder meant: the one of that name, else that in NASWEEP_DATA. Into path[size]; false where neither is there. */
static bool find_folder(const char *data, char *path, size_t size) {
  struct stat status;
  const char *shared = getenv("NASWEEP_DATA");
  snprintf(path, size, "%s", data);
  if (!stat(path, &status)) return true;
  int why = errno;
  bool inside = why == ENOENT && *data != '/' && shared && *shared;
  int n = inside ? snprintf(path, size, "%s/%s", shared, data) : -1;
  if (n > 0 && (size_t)n < size && !stat(path, &status)) return true;
  snprintf(path, size, "%s", data);
  errno = why;
  return false;
}

/* The one layout that fits, or an error that lists what was looked for or found. */
static int find_layout(const char *data, const char *dataset, const struct nsw_image_layout **layout, char folder[512],
                       struct nsw_error *err) {
  struct stat status;
  char known[512], other[512], path[512];
  if (!find_folder(data, path, sizeof path))
    return nsw_fail(err, "%s: %s%s", data, strerror(errno),
                    getenv("NASWEEP_DATA") ? ", nor is it in NASWEEP_DATA" : "");
  data = path;
  if (stat(data, &status)) return nsw_fail(err, "%s: %s", data, strerror(errno));
  if (!S_ISDIR(status.st_mode)) return nsw_usage(err, "%s: the data is to be a folder, and this is a file", data);
  *layout = NULL;
  for (int i = 0; layouts[i]; i++) {
    if ((dataset && strcasecmp(dataset, layouts[i]->set->name)) || !recognise(layouts[i], data, other)) continue;
    if (!*layout) {
      *layout = layouts[i];
      strcpy(folder, other);
    } else if (strcmp((*layout)->set->name, layouts[i]->set->name)) {
      return nsw_usage(err, "%s holds several data sets (%s, %s, ...): say which", data, (*layout)->set->name,
                       layouts[i]->set->name);
    }
  }
  if (*layout) return NSW_OK;
  list_layouts(true, dataset, known, sizeof known);
  return nsw_fail(err, "%s: no data set's files are there; looked for %s", data, known);
}

/* Allocates for count images, the product of whose sizes the caller has checked: what memory does not hold is refused
 * before any is made or read. */
static int create(size_t count, int classes, int resolution, uint8_t **pixels, uint8_t **labels,
                  struct nsw_images **images, struct nsw_error *err) {
  size_t plane = (size_t)resolution * (size_t)resolution, bytes = count * 3 * plane * (1 + sizeof(float));
  if (!nsw_memory_holds((double)bytes))
    return nsw_fail(err, "not enough memory for %zu images: they take %.0f MB", count, (double)bytes / 1e6);
  struct nsw_images *made = calloc(1, sizeof *made);
  *pixels = malloc(count * 3 * plane);
  *labels = malloc(count);
  if (made) {
    made->count = count;
    made->classes = classes;
    made->resolution = resolution;
    made->pixels = malloc(count * 3 * plane * sizeof *made->pixels);
    made->labels = malloc(count * sizeof *made->labels);
  }
  if (!made || !*pixels || !*labels || !made->pixels || !made->labels) {
    free(*pixels);
    free(*labels);
    nsw_images_free(&made);
    return nsw_no_memory(err, "%zu images (%zu bytes)", count, bytes);
  }
  *images = made;
  return NSW_OK;
}

/* Fills hash, float pixels and labels from the bytes. */
static void finish(struct nsw_images *images, const struct nsw_data_set *constants, const uint8_t *pixels,
                   const uint8_t *labels) {
  size_t plane = (size_t)images->resolution * (size_t)images->resolution;
  struct nsw_sha256 hash;
  nsw_sha256_start(&hash);
  for (size_t i = 0; i < images->count; i++) {
    images->labels[i] = labels[i];
    nsw_sha256_add(&hash, labels + i, 1);
    nsw_sha256_add(&hash, pixels + i * 3 * plane, 3 * plane);
    for (size_t c = 0; c < 3; c++) { /* mean and deviation are per channel */
      const uint8_t *from = pixels + (i * 3 + c) * plane;
      float *to = images->pixels + (i * 3 + c) * plane;
      for (size_t p = 0; p < plane; p++) to[p] = (float)((from[p] - constants->mean[c]) / constants->deviation[c]);
    }
  }
  nsw_sha256_hex(&hash, images->sha256);
}

int nsw_images_synthetic(uint64_t seed, int classes, int resolution, size_t count, struct nsw_images **images,
                         struct nsw_error *err) {
  uint8_t *pixels, *labels;
  *images = NULL;
  if (classes < 1 || classes > 256) return nsw_usage(err, "synthetic images have 1 to 256 classes, not %d", classes);
  if (resolution < 4 || resolution > 256 || resolution % 2)
    return nsw_usage(err, "synthetic images are 4 to 256 pixels wide, an even number, not %d", resolution);
  if (count < 1 || count > MOST_SYNTHETIC)
    return nsw_usage(err, "synthetic images: from 1 to %d can be asked for, not %zu", MOST_SYNTHETIC, count);
  int status = create(count, classes, resolution, &pixels, &labels, images, err);
  if (status) return status;
  status = nsw_synthetic_make(seed, classes, resolution, count, pixels, labels, err);
  strcpy((*images)->dataset, "synthetic");
  snprintf((*images)->source, sizeof(*images)->source, "synthetic:%llu", (unsigned long long)seed);
  if (!status) finish(*images, &nsw_cifar10, pixels, labels);
  free(pixels);
  free(labels);
  if (status) nsw_images_free(images);
  return status;
}

/* "synthetic" or "synthetic:SEED", of the shape of the data set that is named (cifar10 where none is). */
static int load_synthetic(const char *data, const char *dataset, size_t count, struct nsw_images **images,
                          struct nsw_error *err) {
  unsigned long long seed = 0;
  const char *colon = strchr(data, ':');
  if (colon) {
    char *end;
    errno = 0;
    seed = strtoull(colon + 1, &end, 10);
    if (errno || *end || !isdigit((unsigned char)colon[1]))
      return nsw_usage(err, "%s: the seed of synthetic images is a whole number from 0 to 2^64-1", data);
  }
  if (dataset && strcasecmp(dataset, "synthetic")) {
    int status = check_dataset(dataset, err);
    if (status) return status;
  } else {
    dataset = "cifar10";
  }
  const struct nsw_data_set *like = layout_of_dataset(dataset)->set;
  return nsw_images_synthetic(seed, like->classes, like->resolution, count, images, err);
}

int nsw_images_load(const char *data, const char *dataset, size_t count, struct nsw_images **images,
                    struct nsw_error *err) {
  const struct nsw_image_layout *layout = NULL;
  char folder[512];
  uint8_t *pixels, *labels;
  *images = NULL;
  if (!strcmp(data, "synthetic") || !strncmp(data, "synthetic:", 10))
    return load_synthetic(data, dataset, count, images, err);
  if (strlen(data) > 400) return nsw_usage(err, "the name of the data folder is longer than 400 characters");
  int status = check_dataset(dataset, err);
  if (!status) status = find_layout(data, dataset, &layout, folder, err);
  if (status) return status;
  if (count < 1) return nsw_usage(err, "%s: no images are asked for", data);
  if (count > layout->set->most)
    return nsw_fail(err, "%s: %zu images asked, and %s has %zu", folder, count, layout->set->name, layout->set->most);
  status = create(count, layout->set->classes, layout->set->resolution, &pixels, &labels, images, err);
  if (status) return status;
  status = layout->read(layout, folder, count, pixels, labels, err);
  if (!status) {
    strcpy((*images)->dataset, layout->set->name);
    strcpy((*images)->source, folder);
    finish(*images, layout->set, pixels, labels);
  }
  free(pixels);
  free(labels);
  if (status) nsw_images_free(images);
  return status;
}

void nsw_images_free(struct nsw_images **images) {
  if (!*images) return;
  free((*images)->pixels);
  free((*images)->labels);
  free(*images);
  *images = NULL;
}
