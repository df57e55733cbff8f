/* Image files and synthetic images: values, hashes, and every kind of bad file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sha256.h"
#include "data/images.h"
#include "unit.h"

enum { RECORD = 3073, PIXELS = 3072 };

static char folder[] = "/tmp/nasweep_images_XXXXXX";

static int start(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int finish(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

static const char *path_of(const char *name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

/* Writes the first `bytes` of CIFAR-10 records whose bytes are known: label r % 10, pixel (r * 31 + p * 7) % 256. */
static void write_cifar10(const char *name, size_t bytes, int first) {
  FILE *file = fopen(path_of(name), "wb");
  assert_non_null(file);
  for (size_t i = 0; i < bytes; i++) {
    size_t r = i / RECORD + (size_t)first, p = i % RECORD;
    fputc(p ? (int)((r * 31 + (p - 1) * 7) % 256) : (int)(r % 10), file);
  }
  assert_int_equal(fclose(file), 0);
}

static void expect_error(const char *dataset, size_t count, int status, const char *part) {
  struct nsw_images *images = NULL;
  struct nsw_error err = {""};
  int got = nsw_images_load(folder, dataset, count, &images, &err);
  if (got != status || !strstr(err.text, part)) print_message("status %d, message '%s'\n", got, err.text);
  assert_int_equal(got, status);
  assert_non_null(strstr(err.text, part));
  assert_null(images);
}

static void sha256_gives_published_digests(void **state) {
  (void)state;
  struct nsw_sha256 hash;
  char hex[65];
  nsw_sha256_start(&hash);
  nsw_sha256_add(&hash, "abc", 3);
  nsw_sha256_hex(&hash, hex);
  assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  nsw_sha256_start(&hash);
  for (int i = 0; i < 1000000; i++) nsw_sha256_add(&hash, "a", 1);
  nsw_sha256_hex(&hash, hex);
  assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void cifar10_is_normalised_in_file_order(void **state) {
  (void)state;
  struct nsw_images *images;
  struct nsw_error err;
  write_cifar10("data_batch_1.bin", 3 * RECORD, 0);
  write_cifar10("data_batch_2.bin", 2 * RECORD, 3);
  assert_int_equal(nsw_images_load(folder, NULL, 5, &images, &err), NSW_OK);
  assert_string_equal(images->dataset, "cifar10");
  assert_int_equal(images->classes, 10);
  assert_int_equal(images->resolution, 32);
  static const double mean[3] = {125.3, 123.0, 113.9}, deviation[3] = {63.0, 62.1, 66.7};
  for (size_t i = 0; i < 5; i++) {
    assert_int_equal(images->labels[i], i);
    for (size_t p = 0; p < PIXELS; p++) {
      double raw = (double)((i * 31 + p * 7) % 256), expected = (raw - mean[p / 1024]) / deviation[p / 1024];
      assert_true(fabs(images->pixels[i * PIXELS + p] - expected) < 1e-6);
    }
  }
  nsw_images_free(&images);
  nsw_images_free(&images);
  unlink(path_of("data_batch_2.bin"));
}

static void bad_folders_are_named(void **state) {
  (void)state;
  struct nsw_images *images;
  struct nsw_error err;
  assert_int_equal(nsw_images_load("/no/such/folder", NULL, 1, &images, &err), NSW_FAILED);
  assert_non_null(strstr(err.text, "/no/such/folder: No such file"));
  unlink(path_of("data_batch_1.bin"));
  expect_error(NULL, 1, NSW_FAILED, "data_batch_1.bin (cifar10)");
  expect_error("mnist", 1, NSW_USAGE, "'mnist'");
  char data[600];
  memset(data, 'x', sizeof data - 1);
  data[sizeof data - 1] = 0;
  assert_int_equal(nsw_images_load(data, NULL, 1, &images, &err), NSW_USAGE);
}

static void bad_cifar10_files_are_named(void **state) {
  (void)state;
  write_cifar10("data_batch_1.bin", 0, 0);
  expect_error(NULL, 1, NSW_FAILED, "data_batch_1.bin: empty");
  write_cifar10("data_batch_1.bin", 2 * RECORD - 1, 0);
  expect_error(NULL, 1, NSW_FAILED, "data_batch_1.bin: truncated or of wrong size: 6145 bytes, 3072 after");
  assert_int_equal(truncate(path_of("data_batch_1.bin"), 10001L * RECORD), 0);
  expect_error(NULL, 1, NSW_FAILED, "data_batch_1.bin: wrong size");
  write_cifar10("data_batch_1.bin", 2 * RECORD, 9); /* labels 9, 0 */
  expect_error(NULL, 3, NSW_FAILED, "3 images asked, 2 there: data_batch_2.bin is missing");
  expect_error(NULL, 50001, NSW_FAILED, "50001 images asked");
  expect_error(NULL, SIZE_MAX, NSW_FAILED, "cifar10 has 50000");
  expect_error(NULL, 0, NSW_USAGE, "no images");
  FILE *file = fopen(path_of("data_batch_1.bin"), "r+b");
  fseek(file, RECORD, SEEK_SET);
  fputc(10, file);
  fclose(file);
  expect_error("cifar10", 2, NSW_FAILED, "data_batch_1.bin: record 1: label 10 is beyond the 10 classes");
}

static void cifar100_has_fine_labels(void **state) {
  (void)state;
  struct nsw_images *images;
  struct nsw_error err;
  mkdir(path_of("cifar-100-binary"), 0777);
  FILE *file = fopen(path_of("cifar-100-binary/train.bin"), "wb");
  for (int i = 0; i < 3 * (PIXELS + 2); i++) {
    int r = i / (PIXELS + 2), p = i % (PIXELS + 2);
    fputc(p == 0 ? 19 : p == 1 ? 97 + r : (r + p) % 256, file);
  }
  fclose(file);
  assert_int_equal(nsw_images_load(folder, "cifar100", 2, &images, &err), NSW_OK);
  assert_string_equal(images->dataset, "cifar100");
  assert_int_equal(images->labels[0], 97);
  assert_int_equal(images->labels[1], 98);
  assert_true(fabs(images->pixels[PIXELS + 1024] - ((1 + 1026) % 256 - 124.1) / 65.4) < 1e-6);
  assert_true(fabs(images->pixels[0] - (2 - 129.3) / 68.2) < 1e-6);
  nsw_images_free(&images);
  expect_error("cifar100", 4, NSW_FAILED, "4 images asked, 3 there");
  expect_error(NULL, 1, NSW_USAGE, "several data sets (cifar10, cifar100");
  assert_int_equal(truncate(path_of("cifar-100-binary/train.bin"), 3000), 0);
  expect_error("cifar100", 1, NSW_FAILED, "train.bin: truncated");
}

#define WRITE(file, text) fwrite(text, 1, sizeof text - 1, file)

/* Writes a batch as Python 2 pickles it: n pictures of `width` bytes, (r * 31 + p * 7) % 256, and labels. */
static void write_batch(const char *name, const char *key, size_t n, size_t width, const int *labels, size_t count) {
  FILE *file = fopen(path_of(name), "wb");
  assert_non_null(file);
  fprintf(file, "%s%c%s", "\x80\x02}(U", 4, "data");
  fprintf(file, "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n");
  WRITE(file, "K\0\x85U\1b\x87R(K\1K");
  fprintf(file, "%cM%c%c", (int)n, (int)(width % 256), (int)(width / 256));
  WRITE(file,
        "\x86"
        "cnumpy\ndtype\nU\2u1K\0K\1\x87R(K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89T");
  for (int i = 0; i < 4; i++) fputc((int)(n * width >> 8 * i & 255), file);
  for (size_t i = 0; i < n * width; i++) fputc((int)((i / width * 31 + i % width * 7) % 256), file);
  fprintf(file, "tbU%c%s](", (int)strlen(key), key);
  for (size_t i = 0; i < count; i++) fprintf(file, "M%c%c", labels[i] % 256, labels[i] / 256);
  fprintf(file, "eu.");
  fclose(file);
}

static void pickled_batches_are_read(void **state) {
  (void)state;
  struct nsw_images *images;
  struct nsw_error err;
  static const int labels[4] = {3, 9, 0, 7}, classes[4] = {500, 120, 121, 1}, wild[4] = {3, 10, 0, 1001};
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s/*", folder);
  assert_int_equal(system(command), 0);
  write_batch("data_batch_1", "labels", 4, PIXELS, labels, 4);
  write_batch("data_batch_2", "labels", 2, PIXELS, labels, 2);
  assert_int_equal(nsw_images_load(folder, NULL, 6, &images, &err), NSW_OK);
  assert_string_equal(images->dataset, "cifar10");
  assert_int_equal(images->labels[3], 7);
  assert_int_equal(images->labels[5], 9);
  assert_true(fabs(images->pixels[5 * PIXELS + 2048] - ((31 + 2048 * 7) % 256 - 113.9) / 66.7) < 1e-6);
  nsw_images_free(&images);
  expect_error(NULL, 7, NSW_FAILED, "7 images asked, 6 there: data_batch_3 is missing");
  write_batch("data_batch_2", "labels", 2, PIXELS, wild, 2);
  expect_error(NULL, 6, NSW_FAILED, "data_batch_2: record 1: label 10 is beyond the 10 classes");
  write_batch("data_batch_1", "labels", 4, PIXELS, labels, 3);
  expect_error(NULL, 1, NSW_FAILED, "4 pictures and 3 labels");
  write_batch("data_batch_1", "labels", 4, 100, labels, 4);
  expect_error(NULL, 1, NSW_FAILED, "wrong size");
  write_batch("data_batch_1", "label", 4, PIXELS, labels, 4);
  expect_error(NULL, 1, NSW_FAILED, "not a dict of data and labels");
  write_batch("data_batch_1", "labels", 4, PIXELS, labels, 4);
  assert_int_equal(truncate(path_of("data_batch_1"), 5000), 0);
  expect_error(NULL, 1, NSW_FAILED, "data_batch_1: pickle, byte");
  write_batch("train", "fine_labels", 4, PIXELS, classes + 2, 1);
  unlink(path_of("data_batch_1"));
  expect_error(NULL, 1, NSW_FAILED, "4 pictures and 1 labels");
  write_batch("train_data_batch_1", "labels", 4, 768, classes, 4);
  assert_int_equal(nsw_images_load(folder, "imagenet16-120", 2, &images, &err), NSW_OK);
  assert_int_equal(images->resolution, 16);
  assert_int_equal(images->labels[0], 119);
  assert_int_equal(images->labels[1], 0);
  assert_true(fabs(images->pixels[768] - ((3 * 31) % 256 - 122.68) / 63.22) < 1e-6);
  nsw_images_free(&images);
  expect_error("ImageNet16-120", 3, NSW_FAILED, "3 images asked, 2 there: train_data_batch_2 is missing");
  write_batch("train_data_batch_1", "labels", 4, 768, wild, 4);
  expect_error("ImageNet16-120", 4, NSW_FAILED, "record 2: label -1 is beyond");
}

static void synthetic_images_depend_on_seed_and_index_only(void **state) {
  (void)state;
  struct nsw_images *few, *many, *other, *like;
  struct nsw_error err;
  assert_int_equal(nsw_images_load("synthetic", NULL, 3, &few, &err), NSW_OK);
  assert_int_equal(nsw_images_load("synthetic:0", NULL, 20, &many, &err), NSW_OK);
  assert_int_equal(nsw_images_load("synthetic:1", NULL, 3, &other, &err), NSW_OK);
  assert_int_equal(nsw_images_load("synthetic:1", "ImageNet16-120", 121, &like, &err), NSW_OK);
  assert_string_equal(few->dataset, "synthetic");
  assert_string_equal(other->source, "synthetic:1");
  assert_memory_equal(few->pixels, many->pixels, 3 * PIXELS * sizeof(float));
  assert_memory_not_equal(few->pixels, other->pixels, 3 * PIXELS * sizeof(float));
  assert_string_not_equal(few->sha256, other->sha256);
  assert_int_equal(many->labels[19], 9);
  assert_int_equal(like->classes, 120);
  assert_int_equal(like->resolution, 16);
  assert_int_equal(like->labels[119], 119);
  nsw_images_free(&few);
  assert_int_equal(nsw_images_load("synthetic:x", NULL, 3, &few, &err), NSW_USAGE);
  assert_int_equal(nsw_images_synthetic(0, 10, 31, 3, &few, &err), NSW_USAGE);
  nsw_images_free(&many);
  nsw_images_free(&other);
  nsw_images_free(&like);
}

static void images_that_no_memory_holds_are_not_begun(void **state) {
  (void)state;
  struct nsw_images *images;
  struct nsw_error err;
  if (nsw_memory_available() > 9e11) skip();
  assert_int_equal(nsw_images_synthetic(0, 10, 256, 1000000, &images, &err), NSW_FAILED);
  assert_string_equal(err.text, "not enough memory for 1000000 images: they take 983040 MB");
  assert_null(images);
}

/* Mean over images and channels of the squared amplitude at (k, 0), the plain way. */
static double power_at(const struct nsw_images *images, int k) {
  int size = images->resolution;
  double sum = 0;
  for (size_t plane = 0; plane < images->count * 3; plane++) {
    double re = 0, im = 0;
    for (int y = 0; y < size; y++)
      for (int x = 0; x < size; x++) {
        double value = images->pixels[(plane * (size_t)size + (size_t)y) * (size_t)size + (size_t)x];
        re += value * cos(2 * M_PI * k * x / size);
        im += value * sin(2 * M_PI * k * x / size);
      }
    sum += re * re + im * im;
  }
  return sum;
}

static void synthetic_images_look_like_photographs(void **state) {
  (void)state;
  struct nsw_images *images;
  struct nsw_error err;
  assert_int_equal(nsw_images_load("synthetic:5", NULL, 200, &images, &err), NSW_OK);
  double mean = 0, square = 0, same = 0, different = 0;
  size_t n = 200 * PIXELS, same_pairs = 0, different_pairs = 0;
  for (size_t i = 0; i < n; i++) {
    mean += images->pixels[i] / (double)n;
    square += images->pixels[i] * (double)images->pixels[i] / (double)n;
  }
  assert_true(fabs(mean) < 0.15);
  assert_true(sqrt(square) > 0.7 && sqrt(square) < 1.2);
  /* Power falls as 1/f^2: a factor of 16 from 2 to 8 waves across. */
  double ratio = power_at(images, 2) / power_at(images, 8);
  assert_true(ratio > 8 && ratio < 32);
  for (size_t i = 0; i < 60; i++)
    for (size_t k = 0; k < i; k++) {
      double product = 0;
      for (size_t p = 0; p < PIXELS; p++)
        product += images->pixels[i * PIXELS + p] * (double)images->pixels[k * PIXELS + p] / PIXELS;
      if (images->labels[i] == images->labels[k])
        same += product, same_pairs++;
      else
        different += product, different_pairs++;
    }
  assert_true(same / (double)same_pairs > different / (double)different_pairs + 0.2);
  nsw_images_free(&images);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sha256_gives_published_digests),
      cmocka_unit_test(cifar10_is_normalised_in_file_order),
      cmocka_unit_test(bad_folders_are_named),
      cmocka_unit_test(bad_cifar10_files_are_named),
      cmocka_unit_test(cifar100_has_fine_labels),
      cmocka_unit_test(pickled_batches_are_read),
      cmocka_unit_test(synthetic_images_depend_on_seed_and_index_only),
      cmocka_unit_test(images_that_no_memory_holds_are_not_begun),
      cmocka_unit_test(synthetic_images_look_like_photographs),
  };
  return cmocka_run_group_tests(tests, start, finish);
}
