/* Result files: putting the tables of a file together. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/aside.h"
#include "store/file.h"
#include "store/format.h"
#include "store/hdf5.h"
#include "store/seal.h"

/* ---- attributes ---- */

static bool integer_attribute(const char *name, const char *text, int64_t *value) {
  static const char *const names[] = {"ranks", "repeats", "epochs", "seed", "direction"};
  char back[32], *end;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(name, names[i])) continue;
    errno = 0;
    *value = strtoll(text, &end, 10);
    snprintf(back, sizeof back, "%" PRId64, *value);
    return !errno && !strcmp(back, text);
  }
  return false;
}

static int write_attributes(hid_t object, const struct nsw_attributes *attributes) {
  for (size_t i = 0; i < attributes->count; i++) {
    const struct nsw_attribute *a = &attributes->list[i];
    int64_t number;
    if (!strcmp(a->name, "format") || !strcmp(a->name, "format_version") || !strcmp(a->name, "hdf5"))
      continue; /* written here, as of this file */
    int done = integer_attribute(a->name, a->text, &number) ? nsw_h5_write_integer(object, a->name, number)
                                                            : nsw_h5_write_text(object, a->name, a->text);
    if (done < 0) return -1;
  }
  return 0;
}

/* ---- writing ---- */

/* The group of that name, made where it is not there yet. */
static hid_t group_at(hid_t parent, const char *name) {
  if (H5Lexists(parent, name, H5P_DEFAULT) > 0) return H5Gopen2(parent, name, H5P_DEFAULT);
  return nsw_h5_group(parent, name);
}

/* Writes space/group/name, making the group. */
static int write_in(hid_t space, const char *group, const char *name, hid_t type, size_t rows, size_t width,
                    bool deflate, const void *data) {
  hid_t g = group_at(space, group);
  if (g < 0) return -1;
  int done = nsw_h5_write(g, name, type, rows, width, deflate, data);
  H5Gclose(g);
  return done;
}

static int write_attributes_in(hid_t space, const char *group, const char *name,
                               const struct nsw_attributes *attributes, int direction) {
  hid_t g = H5Gopen2(space, group, H5P_DEFAULT), set = g >= 0 ? H5Dopen2(g, name, H5P_DEFAULT) : -1;
  int done = set >= 0 ? write_attributes(set, attributes) : -1;
  if (done >= 0 && direction && !nsw_attributes_get(attributes, "direction"))
    done = nsw_h5_write_integer(set, "direction", direction);
  if (set >= 0) H5Dclose(set);
  if (g >= 0) H5Gclose(g);
  return done;
}

static int write_score(hid_t space, const struct nsw_score *s, size_t rows, bool deflate) {
  if (write_in(space, "score", s->name, H5T_NATIVE_DOUBLE, rows, 1, deflate, s->value) < 0 ||
      write_in(space, "status", s->name, H5T_NATIVE_UINT8, rows, 1, deflate, s->status) < 0 ||
      write_in(space, "seconds", s->name, H5T_NATIVE_FLOAT, rows, 1, deflate, s->seconds) < 0 ||
      write_attributes_in(space, "score", s->name, &s->attributes, s->direction) < 0)
    return -1;
  if (!s->by_seed) return 0;
  return write_in(space, "by_seed", s->name, H5T_NATIVE_DOUBLE, rows, s->seeds, deflate, s->by_seed);
}

static int write_accuracy(hid_t space, const struct nsw_accuracy *a, size_t rows, bool deflate) {
  hid_t all = group_at(space, "accuracy"), repeats = a->by_repeat ? group_at(space, "accuracy_by_repeat") : -1;
  int done = all < 0 ? -1 : write_in(all, a->dataset, a->split, H5T_NATIVE_DOUBLE, rows, 1, deflate, a->value);
  if (done >= 0) done = write_attributes_in(all, a->dataset, a->split, &a->attributes, 0);
  if (done >= 0 && a->by_repeat)
    done = repeats < 0
               ? -1
               : write_in(repeats, a->dataset, a->split, H5T_NATIVE_DOUBLE, rows, a->repeats, deflate, a->by_repeat);
  if (repeats >= 0) H5Gclose(repeats);
  if (all >= 0) H5Gclose(all);
  return done;
}

static int write_curve(hid_t space, const struct nsw_curves *c, size_t rows, bool deflate) {
  if (write_in(space, "curve", c->name, H5T_NATIVE_FLOAT, rows, c->width, deflate, c->value) < 0) return -1;
  return write_attributes_in(space, "curve", c->name, &c->attributes, 0);
}

static int write_table(hid_t file, const struct nsw_table *t, bool deflate) {
  hid_t space = nsw_h5_group(file, t->space), text = nsw_h5_text_type(t->id_size);
  int done = space >= 0 && text >= 0 ? 0 : -1;
  if (done >= 0) done = nsw_h5_write(space, "index", H5T_NATIVE_UINT32, t->rows, 1, deflate, t->index);
  if (done >= 0) done = nsw_h5_write(space, "id", text, t->rows, 1, deflate, t->id);
  if (done >= 0) done = nsw_h5_write(space, "class", H5T_NATIVE_UINT32, t->rows, 1, deflate, t->class_of);
  if (done >= 0) done = nsw_h5_write(space, "params", H5T_NATIVE_UINT64, t->rows, 1, deflate, t->params);
  if (done >= 0) done = nsw_h5_write(space, "macs", H5T_NATIVE_UINT64, t->rows, 1, deflate, t->macs);
  for (size_t i = 0; done >= 0 && i < t->scores; i++) done = write_score(space, &t->score[i], t->rows, deflate);
  for (size_t i = 0; done >= 0 && i < t->accuracies; i++)
    done = write_accuracy(space, &t->accuracy[i], t->rows, deflate);
  for (size_t i = 0; done >= 0 && i < t->curves; i++) done = write_curve(space, &t->curve[i], t->rows, deflate);
  for (size_t i = 0; done >= 0 && i < t->series_count; i++)
    done = write_in(space, "timing", t->series[i].name, H5T_NATIVE_DOUBLE, t->series[i].count, 1, false,
                    t->series[i].value);
  if (text >= 0) H5Tclose(text);
  if (space >= 0) H5Gclose(space);
  return done;
}

/* A table that breaks the format's promises must not reach a file. */
static int check_table(const char *path, const struct nsw_table *t, struct nsw_error *err) {
  for (size_t i = 1; i < t->rows; i++)
    if (t->index[i - 1] >= t->index[i])
      return nsw_fail(err, "%s: %s: row %zu: indexes are not in ascending order", path, t->space, i);
  return NSW_OK;
}

/* Bytes of all columns, and some for what is around them: a checkpoint's memory is allocated once. */
static size_t plain_size(struct nsw_table *const *tables, size_t count) {
  size_t size = (size_t)1 << 18;
  for (size_t i = 0; i < count; i++) {
    const struct nsw_table *t = tables[i];
    size_t row = t->id_size + 2 * sizeof *t->index + 2 * sizeof *t->params;
    for (size_t c = 0; c < t->scores; c++) row += 13 + (t->score[c].by_seed ? 8 * t->score[c].seeds : 0);
    for (size_t c = 0; c < t->accuracies; c++) row += 8 + (t->accuracy[c].by_repeat ? 8 * t->accuracy[c].repeats : 0);
    for (size_t c = 0; c < t->curves; c++) row += sizeof *t->curve[c].value * t->curve[c].width;
    size += row * t->rows + 4096 * (t->scores + t->accuracies + t->curves);
  }
  return size;
}

void nsw_file_hdf5_version(char text[NSW_HDF5_VERSION_SIZE]) {
  unsigned major, minor, release;
  H5get_libversion(&major, &minor, &release);
  snprintf(text, NSW_HDF5_VERSION_SIZE, "%u.%u.%u", major, minor, release);
}

static int write_library(hid_t file) {
  char text[NSW_HDF5_VERSION_SIZE];
  nsw_file_hdf5_version(text);
  return nsw_h5_write_text(file, "hdf5", text);
}

static int write_sealed(const char *path, struct nsw_h5_image *image, struct nsw_error *err) {
  char *bytes = realloc(image->bytes, image->size + NSW_SEAL_SIZE);
  if (!bytes) return nsw_no_memory(err, "the %zu bytes of %s", image->size, path);
  image->bytes = bytes;
  nsw_seal_make(bytes, image->size, bytes + image->size);
  return nsw_aside_write(path, bytes, image->size + NSW_SEAL_SIZE, err);
}

int nsw_file_write(const char *path, struct nsw_table *const *tables, size_t count, bool compress,
                   struct nsw_error *err) {
  struct nsw_h5_quiet quiet;
  struct nsw_h5_image image;
  for (size_t i = 0; i < count; i++)
    if (check_table(path, tables[i], err) != NSW_OK) return NSW_FAILED;
  int status = nsw_aside_check(path, err);
  if (status) return status;
  nsw_h5_quiet_begin(&quiet);
  hid_t file = nsw_h5_create(&image, compress ? (size_t)1 << 22 : plain_size(tables, count));
  int done = file < 0 ? -1 : nsw_h5_write_text(file, "format", "nasweep");
  if (done >= 0) done = nsw_h5_write_integer(file, "format_version", NSW_FORMAT_VERSION);
  if (done >= 0) done = write_library(file);
  if (done >= 0 && count) done = write_attributes(file, &tables[0]->attributes);
  for (size_t i = 0; done >= 0 && i < count; i++) done = write_table(file, tables[i], compress);
  if (done < 0) nsw_h5_fail(err, path, "the file could not be put together");
  if (file >= 0 && nsw_h5_finish(file, &image) < 0 && done >= 0)
    done = -nsw_h5_fail(err, path, "the file could not be put together");
  nsw_h5_quiet_end(&quiet);
  status = done < 0 ? NSW_FAILED : write_sealed(path, &image, err);
  free(image.bytes);
  return status;
}

int nsw_file_writable(const char *path, struct nsw_error *err) { return nsw_aside_check(path, err); }
