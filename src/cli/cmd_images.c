/* nasweep images: the images of a sweep as a file, for scores that are computed elsewhere. */
#include <stdlib.h>

#include "base/version.h"
#include "cli/args.h"
#include "data/images.h"
#include "store/aside.h"
#include "store/hdf5.h"

static const struct nsw_option options[] = {
    {"out", "FILE.h5", NULL, "file to write", false},
    {"data", "FOLDER|synthetic[:seed]", NULL, "a folder in a data set's own layout, or built-in ones (the default)",
     false},
    {"dataset", "NAME", NULL, "cifar10, cifar100 or ImageNet16-120, where the folder does not tell", false},
    {"samples", "N", "64", "how many, the first of the data set", false},
    {0}};

static int write_arrays(hid_t file, const struct nsw_images *images) {
  size_t side = (size_t)images->resolution;
  int bad =
      nsw_h5_write_array(file, "x", H5T_NATIVE_FLOAT, 4, (size_t[]){images->count, 3, side, side}, images->pixels);
  return bad | nsw_h5_write_array(file, "y", H5T_NATIVE_INT32, 1, (size_t[]){images->count}, images->labels);
}

static int write_texts(hid_t file, const struct nsw_args *args, const struct nsw_images *images) {
  int bad = nsw_h5_write_text(file, "format", "nasweep images") | nsw_h5_write_integer(file, "format_version", 1);
  bad |= nsw_h5_write_text(file, "version", nsw_version()) | nsw_h5_write_text(file, "git", nsw_git());
  bad |= nsw_h5_write_text(file, "command", nsw_args_line(args)) | nsw_h5_write_text(file, "dataset", images->dataset);
  bad |= nsw_h5_write_integer(file, "classes", images->classes) | nsw_h5_write_text(file, "data", images->source);
  return bad | nsw_h5_write_text(file, "data_sha256", images->sha256);
}

static int write_file(const struct nsw_args *args, const struct nsw_images *images, struct nsw_error *err) {
  const char *path = nsw_args_text(args, "out");
  struct nsw_h5_image image = {0};
  struct nsw_h5_quiet quiet;
  nsw_h5_quiet_begin(&quiet);
  hid_t file = nsw_h5_create(&image, (size_t)1 << 22);
  int status = NSW_OK;
  if (file < 0 || write_texts(file, args, images) || write_arrays(file, images))
    status = nsw_h5_fail(err, path, "cannot write the images");
  nsw_h5_quiet_end(&quiet);
  return nsw_h5_put(path, file, &image, status, err);
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  const char *out = nsw_args_text(args, "out"), *data = nsw_args_text(args, "data");
  struct nsw_images *images = NULL;
  int64_t samples;
  if (!out) return nsw_usage(err, "images: --out FILE.h5 is missing");
  int status = nsw_args_integer(args, "samples", 1, 100000, &samples, err);
  if (!status) status = nsw_aside_check(out, err);
  if (!status)
    status = nsw_images_load(data ? data : "synthetic", nsw_args_text(args, "dataset"), (size_t)samples, &images, err);
  if (!status) status = write_file(args, images, err);
  nsw_images_free(&images);
  return status;
}

const struct nsw_command nsw_cmd_images = {
    .name = "images",
    .operands = "",
    .summary = "writes the images that a sweep uses, for scores computed elsewhere",
    .text =
        "Writes /x, float32 [samples, 3, height, width], normalised as networks see them, and /y, int32 [samples], "
        "with the data set's name, its number of classes and the SHA-256 of the bytes as attributes: the same "
        "images in the same order as `nasweep score` takes them.\n\n"
        "Example: nasweep images --data cifar-10-batches-bin --samples 64 --out images.h5",
    .options = options,
    .max_operands = 0,
    .run = run,
};
