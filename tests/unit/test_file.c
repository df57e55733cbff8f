/* Result files: what is written comes back, files are whole or untouched, damaged and hostile ones are refused. */
#include <errno.h>
#include <hdf5.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nasweep/row.h"
#include "store/file.h"
#include "store/seal.h"
#include "unit.h"

static char folder[] = "/tmp/nasweep-file-XXXXXX";
static char path[256];

static struct nsw_table *sample(const char *space, size_t rows) {
  struct nsw_table *t;
  struct nsw_score *s;
  struct nsw_accuracy *a;
  struct nsw_error err = {{0}};
  assert_int_equal(nsw_table_create(space, rows, 12, &t, &err), NSW_OK);
  for (size_t i = 0; i < rows; i++) {
    char id[32];
    memcpy(t->id + 12 * i, id, (size_t)snprintf(id, sizeof id, "arch%zu", i));
    t->index[i] = (uint32_t)(2 * i);
    t->class_of[i] = (uint32_t)(2 * (i / 3));
    t->params[i] = ((uint64_t)1 << 40) + i;
    t->macs[i] = 5 * i;
  }
  assert_int_equal(nsw_table_add_score(t, "zed", 1, 2, &s, &err), NSW_OK);
  for (size_t i = 0; i < rows; i++) {
    s->status[i] = (uint8_t)(i % 4);
    s->value[i] = i % 4 == NSW_ROW_SCORED ? (double)i / 7 : NAN;
    s->by_seed[2 * i] = s->value[i] - 1;
    s->by_seed[2 * i + 1] = s->value[i] + 1;
    s->seconds[i] = (float)i * 0.25f;
  }
  nsw_attributes_set(&s->attributes, "long_name", "a score / nats", &err);
  assert_int_equal(nsw_table_add_score(t, "abc", -1, 1, &s, &err), NSW_OK);
  assert_int_equal(nsw_table_add_accuracy(t, "cifar10", "test", 3, &a, &err), NSW_OK);
  for (size_t i = 0; i < rows; i++) a->value[i] = i % 5 ? 90 + (double)i / 1000 : NAN;
  for (size_t i = 0; i < 3 * rows; i++) a->by_repeat[i] = 80 + (double)i / 1000;
  nsw_attributes_set(&a->attributes, "epochs", "200", &err);
  assert_int_equal(nsw_table_add_accuracy(t, "cifar10", "valid", 1, &a, &err), NSW_OK);
  assert_int_equal(nsw_table_add_accuracy(t, "cifar100", "test", 1, &a, &err), NSW_OK);
  struct nsw_curves *c;
  assert_int_equal(nsw_table_add_curve(t, "loss", 5, &c, &err), NSW_OK);
  for (size_t i = 0; i + 3 < 5 * rows; i++) c->value[i] = (float)i / 3; /* the last points stay unknown */
  nsw_attributes_set(&c->attributes, "unit", "nats", &err);
  nsw_attributes_set(&t->attributes, "ranks", "5", &err);
  nsw_attributes_set(&t->attributes, "git", "1234567", &err);
  nsw_attributes_set(&t->attributes, "seed", "1,2", &err);
  nsw_attributes_set(&t->attributes, "command", "nasweep 'na\xc3\xafve'", &err);
  nsw_attributes_set(&t->attributes, "data", "", &err);
  return t;
}

static void same_attributes(const struct nsw_attributes *a, const struct nsw_attributes *b) {
  for (size_t i = 0; i < a->count; i++) {
    const char *text = nsw_attributes_get(b, a->list[i].name);
    assert_non_null(text);
    assert_string_equal(text, a->list[i].text);
  }
}

/* Bit for bit, NaNs and order of columns included. */
static void same_tables(const struct nsw_table *a, const struct nsw_table *b) {
  assert_string_equal(a->space, b->space);
  assert_int_equal(a->rows, b->rows);
  assert_int_equal(a->id_size, b->id_size);
  assert_memory_equal(a->index, b->index, a->rows * 4);
  assert_memory_equal(a->id, b->id, a->rows * a->id_size);
  assert_memory_equal(a->class_of, b->class_of, a->rows * 4);
  assert_memory_equal(a->params, b->params, a->rows * 8);
  assert_memory_equal(a->macs, b->macs, a->rows * 8);
  assert_int_equal(a->scores, b->scores);
  for (size_t i = 0; i < a->scores; i++) {
    const struct nsw_score *s = &a->score[i], *r = &b->score[i];
    assert_string_equal(s->name, r->name);
    assert_int_equal(s->direction, r->direction);
    assert_int_equal(s->seeds, r->seeds);
    assert_memory_equal(s->value, r->value, a->rows * 8);
    assert_memory_equal(s->status, r->status, a->rows);
    assert_memory_equal(s->seconds, r->seconds, a->rows * 4);
    if (s->by_seed) assert_memory_equal(s->by_seed, r->by_seed, a->rows * 8 * s->seeds);
    same_attributes(&s->attributes, &r->attributes);
  }
  assert_int_equal(a->accuracies, b->accuracies);
  for (size_t i = 0; i < a->accuracies; i++) {
    const struct nsw_accuracy *s = &a->accuracy[i], *r = &b->accuracy[i];
    assert_string_equal(s->dataset, r->dataset);
    assert_string_equal(s->split, r->split);
    assert_int_equal(s->repeats, r->repeats);
    assert_memory_equal(s->value, r->value, a->rows * 8);
    if (s->by_repeat) assert_memory_equal(s->by_repeat, r->by_repeat, a->rows * 8 * s->repeats);
    same_attributes(&s->attributes, &r->attributes);
  }
  assert_int_equal(a->curves, b->curves);
  for (size_t i = 0; i < a->curves; i++) {
    const struct nsw_curves *s = &a->curve[i], *r = &b->curve[i];
    assert_string_equal(s->name, r->name);
    assert_int_equal(s->width, r->width);
    assert_memory_equal(s->value, r->value, a->rows * s->width * sizeof *s->value);
    same_attributes(&s->attributes, &r->attributes);
  }
  same_attributes(&a->attributes, &b->attributes);
}

static void comes_back(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 1000, 70000}; /* the last needs two chunks */
  for (int deflate = 0; deflate < 2; deflate++)
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      struct nsw_table *t = sample("nb201", sizes[i]), *back;
      struct nsw_error err = {{0}};
      assert_int_equal(nsw_file_write(path, &t, 1, deflate, &err), NSW_OK);
      assert_int_equal(nsw_file_read(path, NULL, &back, &err), NSW_OK);
      same_tables(t, back);
      nsw_table_free(&back);
      nsw_table_free(&t);
    }
}

/* Number of files in the folder: nothing may be left beside the result. */
static int files(const char *where) {
  char command[300], text[32] = "";
  snprintf(command, sizeof command, "ls -A %s | wc -l", where);
  FILE *p = popen(command, "r");
  assert_non_null(p);
  assert_non_null(fgets(text, sizeof text, p));
  pclose(p);
  return atoi(text);
}

static char *bytes_of(const char *file, size_t *size) {
  FILE *f = fopen(file, "rb");
  assert_non_null(f);
  fseek(f, 0, SEEK_END);
  *size = (size_t)ftell(f);
  rewind(f);
  char *bytes = malloc(*size + 1);
  assert_int_equal(fread(bytes, 1, *size, f), *size);
  fclose(f);
  return bytes;
}

static void same_columns_give_the_same_bytes(void **state) {
  (void)state;
  struct nsw_table *t = sample("nb201", 500);
  struct nsw_error err = {{0}};
  size_t size[2];
  char *bytes[2];
  for (int i = 0; i < 2; i++) {
    assert_int_equal(nsw_file_write(path, &t, 1, true, &err), NSW_OK);
    bytes[i] = bytes_of(path, &size[i]);
  }
  assert_int_equal(size[0], size[1]);
  assert_memory_equal(bytes[0], bytes[1], size[0]);
  assert_int_equal(files(folder), 1);
  free(bytes[0]);
  free(bytes[1]);
  nsw_table_free(&t);
}

static void keeps_permissions_and_links(void **state) {
  (void)state;
  struct nsw_table *t = sample("nb201", 10);
  struct nsw_error err = {{0}};
  struct stat s;
  char link[300];
  assert_int_equal(nsw_file_write(path, &t, 1, false, &err), NSW_OK);
  assert_int_equal(chmod(path, 0640), 0);
  snprintf(link, sizeof link, "%s/link", folder);
  assert_int_equal(symlink(path, link), 0);
  assert_int_equal(nsw_file_write(link, &t, 1, false, &err), NSW_OK);
  assert_int_equal(lstat(link, &s), 0);
  assert_true(S_ISLNK(s.st_mode));
  assert_int_equal(lstat(path, &s), 0);
  assert_int_equal(s.st_mode & 07777, 0640);
  unlink(link);
  nsw_table_free(&t);
}

static void one_table_per_space(void **state) {
  (void)state;
  struct nsw_table *t[2] = {sample("nb101", 20), sample("nb201", 30)}, *back;
  struct nsw_error err = {{0}};
  char *spaces;
  unlink(path);
  assert_int_equal(nsw_file_write(path, t, 2, true, &err), NSW_OK);
  assert_int_equal(nsw_file_probe(path, &spaces, &err), NSW_OK);
  assert_true(!strcmp(spaces, "nb101,nb201") || !strcmp(spaces, "nb201,nb101"));
  free(spaces);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(nsw_file_read(path, t[i]->space, &back, &err), NSW_OK);
    same_tables(t[i], back);
    nsw_table_free(&back);
  }
  assert_int_equal(nsw_file_read(path, NULL, &back, &err), NSW_USAGE);
  assert_non_null(strstr(err.text, "say which space"));
  assert_int_equal(nsw_file_read(path, "darts", &back, &err), NSW_USAGE);
  assert_null(back);
  nsw_table_free(&t[0]);
  nsw_table_free(&t[1]);
}

static void unwritable_places(void **state) {
  (void)state;
  struct nsw_table *t = sample("nb201", 3);
  struct nsw_error err = {{0}};
  char place[300];
  snprintf(place, sizeof place, "%s/no/such/x.h5", folder);
  assert_int_equal(nsw_file_write(place, &t, 1, false, &err), NSW_FAILED);
  assert_non_null(strstr(err.text, "does not exist"));
  assert_non_null(strstr(err.text, place));
  assert_int_equal(nsw_file_writable(place, &err), NSW_FAILED);
  assert_int_equal(nsw_file_write(folder, &t, 1, false, &err), NSW_FAILED);
  assert_non_null(strstr(err.text, "not a plain file"));
  assert_int_equal(nsw_file_write("", &t, 1, false, &err), NSW_FAILED);
  assert_int_equal(nsw_file_writable(path, &err), NSW_OK);
  t->index[2] = t->index[1];
  assert_int_equal(nsw_file_write(path, &t, 1, false, &err), NSW_FAILED);
  assert_non_null(strstr(err.text, "ascending"));
  nsw_table_free(&t);
}

static void full_disk_keeps_the_old_file(void **state) {
  (void)state;
  char disk[300], file[320];
  snprintf(disk, sizeof disk, "%s/disk", folder);
  snprintf(file, sizeof file, "%s/x.h5", disk);
  assert_int_equal(mkdir(disk, 0755), 0);
  if (geteuid() != 0 || mount("tmpfs", disk, "tmpfs", 0, "size=256k")) {
    rmdir(disk);
    print_message("# skip: needs root and a small tmpfs\n");
    skip();
  }
  struct nsw_table *small = sample("nb201", 100), *large = sample("nb201", 20000), *back = NULL;
  struct nsw_error err = {{0}}, full = {{0}};
  int wrote = nsw_file_write(file, &small, 1, false, &err), failed = nsw_file_write(file, &large, 1, false, &full);
  int left = files(disk), read = nsw_file_read(file, NULL, &back, &err);
  int unmounted = umount(disk);
  rmdir(disk);
  assert_int_equal(unmounted, 0);
  assert_int_equal(wrote, NSW_OK);
  assert_int_equal(failed, NSW_FAILED);
  assert_non_null(strstr(full.text, "No space left on device"));
  assert_non_null(strstr(full.text, file));
  assert_int_equal(left, 1);
  assert_int_equal(read, NSW_OK);
  same_tables(small, back);
  nsw_table_free(&small);
  nsw_table_free(&large);
  nsw_table_free(&back);
}

static void write_bytes(const char *bytes, size_t size) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, size, f), size);
  fclose(f);
}

/* Reading must fail with this in its message. */
static void refuses(const char *words) {
  struct nsw_table *back = (void *)1;
  struct nsw_error err = {{0}};
  assert_int_equal(nsw_file_read(path, NULL, &back, &err), NSW_FAILED);
  assert_null(back);
  assert_non_null(strstr(err.text, path));
  if (!strstr(err.text, words)) fail_msg("'%s' lacks '%s'", err.text, words);
}

static void foreign_files(void **state) {
  (void)state;
  unlink(path);
  refuses("No such file");
  write_bytes("", 0);
  refuses("is empty");
  write_bytes("\x89HDF\r\n\x1a\n", 8);
  refuses("is no HDF5 file");
  hid_t f = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(f);
  refuses("no result file of nasweep");
}

/* Every truncation gives an error, and every flip of a bit outside the checksum itself, in checkpoints too. */
static void damaged_files(void **state) {
  (void)state;
  struct nsw_table *t = sample("nb201", 40), *back;
  struct nsw_error err = {{0}};
  size_t size;
  uint64_t seed = 88172645463325252u;
  for (int compress = 0; compress < 2; compress++) {
    assert_int_equal(nsw_file_write(path, &t, 1, compress, &err), NSW_OK);
    char *good = bytes_of(path, &size), *bad = malloc(size);
    for (size_t cut = 0; cut < size - NSW_SEAL_SIZE; cut += 1 + size / 60) {
      write_bytes(good, cut);
      assert_int_equal(nsw_file_read(path, NULL, &back, &err), NSW_FAILED);
    }
    write_bytes(good, size - NSW_SEAL_SIZE); /* as HDF5 leaves a file that it changed */
    assert_int_equal(nsw_file_read(path, NULL, &back, &err), NSW_OK);
    same_tables(t, back);
    nsw_table_free(&back);
    for (int i = 0; i < 300; i++) {
      memcpy(bad, good, size);
      for (int j = 0; j <= i % 3; j++) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        bad[seed % (size - NSW_SEAL_SIZE)] ^= (char)(1 << (seed >> 60 & 7));
      }
      if (!memcmp(bad, good, size)) continue; /* the same bit twice */
      write_bytes(bad, size);
      assert_int_equal(nsw_file_read(path, NULL, &back, &err), NSW_FAILED);
      assert_non_null(strstr(err.text, path));
    }
    free(good);
    free(bad);
  }
  nsw_table_free(&t);
}

/* Opens a good file for change with HDF5 itself. */
static hid_t tamper(void) {
  struct nsw_table *t = sample("nb201", 40);
  struct nsw_error err = {{0}};
  assert_int_equal(nsw_file_write(path, &t, 1, false, &err), NSW_OK);
  nsw_table_free(&t);
  hid_t f = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  assert_true(f >= 0);
  return f;
}

/* Puts in place of a data set one of this many rows. */
static void replace(hid_t f, const char *name, hid_t type, hsize_t rows, hid_t create) {
  hid_t space = H5Screate_simple(1, &rows, NULL);
  H5Ldelete(f, name, H5P_DEFAULT);
  hid_t set = H5Dcreate2(f, name, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
  assert_true(set >= 0);
  H5Dclose(set);
  H5Sclose(space);
}

static void tampered_files(void **state) {
  (void)state;
  hid_t f = tamper(), create = H5Pcreate(H5P_DATASET_CREATE), type = H5Tcopy(H5T_C_S1);
  hsize_t chunk = 1 << 20;
  replace(f, "/nb201/params", H5T_NATIVE_UINT64, 39, H5P_DEFAULT);
  H5Fclose(f);
  refuses("params: 39 x 1 instead of 40 x 1");
  f = tamper();
  replace(f, "/nb201/score/zed", H5T_NATIVE_DOUBLE, 41, H5P_DEFAULT);
  H5Fclose(f);
  refuses("zed: 41 x 1 instead of 40 x 1");
  f = tamper();
  replace(f, "/nb201/index", H5T_NATIVE_UINT32, 40, H5P_DEFAULT); /* zeros */
  H5Fclose(f);
  refuses("index: not ascending");
  f = tamper();
  H5Pset_chunk(create, 1, &chunk);
  replace(f, "/nb201/index", H5T_NATIVE_UINT32, (hsize_t)1 << 40, create); /* no storage behind it */
  H5Fclose(f);
  refuses("beyond any space");
  f = tamper();
  replace(f, "/nb201/index", H5T_NATIVE_UINT32, (hsize_t)1 << 24, create);
  H5Fclose(f);
  refuses("far more data than the file can hold");
  f = tamper();
  H5Tset_size(type, H5T_VARIABLE);
  replace(f, "/nb201/id", type, 40, H5P_DEFAULT);
  H5Fclose(f);
  refuses("id: neither plain numbers nor fixed-length text");
  f = tamper();
  H5Ldelete(f, "/nb201/id", H5P_DEFAULT);
  H5Lcreate_external("/etc/hostname", "/id", f, "/nb201/id", H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(f);
  refuses("id: missing");
  H5Pclose(create);
  create = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_external(create, "/etc/passwd", 0, 160);
  f = tamper();
  replace(f, "/nb201/class", H5T_NATIVE_UINT32, 40, create);
  H5Fclose(f);
  refuses("plain storage");
  f = tamper();
  hid_t attribute = H5Aopen(f, "format_version", H5P_DEFAULT);
  int64_t later = 2;
  H5Awrite(attribute, H5T_NATIVE_INT64, &later);
  H5Aclose(attribute);
  H5Fclose(f);
  refuses("format version 2 is later than 1");
  H5Tclose(type);
  H5Pclose(create);
}

static void unknown_status_is_refused(void **state) {
  (void)state;
  struct nsw_table *t = sample("nb201", 40);
  struct nsw_error err = {{0}};
  t->score[0].status[7] = 9;
  assert_int_equal(nsw_file_write(path, &t, 1, false, &err), NSW_OK);
  nsw_table_free(&t);
  refuses("status/zed: row 7 has the unknown status 9");
}

/* HDF5 objects that were left open, in any file. */
static int none_left_open(void **state) {
  (void)state;
  return H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL) == 0 ? 0 : -1;
}

static int make_folder(void **state) {
  (void)state;
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/result.h5", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  unlink(path);
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(comes_back, none_left_open), cmocka_unit_test(same_columns_give_the_same_bytes),
      cmocka_unit_test(keeps_permissions_and_links), cmocka_unit_test_teardown(one_table_per_space, none_left_open),
      cmocka_unit_test_teardown(unwritable_places, none_left_open), cmocka_unit_test(full_disk_keeps_the_old_file),
      cmocka_unit_test_teardown(foreign_files, none_left_open),
      cmocka_unit_test_teardown(tampered_files, none_left_open),
      cmocka_unit_test_teardown(unknown_status_is_refused, none_left_open),
      /* last: HDF5 keeps open what it could not read */
      cmocka_unit_test(damaged_files)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
