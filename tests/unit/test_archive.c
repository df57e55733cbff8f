/* Tar and zip archives: members found in place, and archives cut short or damaged anywhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files/tar.h"
#include "files/zip.h"
#include "unit.h"

/* Two members, a/data.pkl of three bytes and a/v, as Python's zipfile stores them. */
static const char zip[] =
    "\x50\x4b\x03\x04\x14\x00\x00\x00\x00\x00\x00\x00\x21\x00\xbd\x87\x43\x46\x03\x00\x00\x00\x03\x00\x00"
    "\x00\x0a\x00\x00\x00\x61\x2f\x64\x61\x74\x61\x2e\x70\x6b\x6c\x4b\x01\x2e\x50\x4b\x03\x04\x14\x00\x00"
    "\x00\x00\x00\x00\x00\x21\x00\x9b\x8e\xd2\x6d\x01\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00\x61\x2f"
    "\x76\x33\x50\x4b\x01\x02\x14\x03\x14\x00\x00\x00\x00\x00\x00\x00\x21\x00\xbd\x87\x43\x46\x03\x00\x00"
    "\x00\x03\x00\x00\x00\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x01\x00\x00\x00\x00\x61\x2f"
    "\x64\x61\x74\x61\x2e\x70\x6b\x6c\x50\x4b\x01\x02\x14\x03\x14\x00\x00\x00\x00\x00\x00\x00\x21\x00\x9b"
    "\x8e\xd2\x6d\x01\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x01"
    "\x2b\x00\x00\x00\x61\x2f\x76\x50\x4b\x05\x06\x00\x00\x00\x00\x02\x00\x02\x00\x69\x00\x00\x00\x4d\x00"
    "\x00\x00\x00\x00";
/* a/data.pkl alone with every size and offset in zip64's fields (PKWARE APPNOTE 4.3.14, 4.3.15, 4.5.3). */
static const char zip64[] =
    "\x50\x4b\x03\x04\x2d\x00\x00\x00\x00\x00\x00\x00\x21\x00\xbd\x87\x43\x46\xff\xff\xff\xff\xff\xff\xff"
    "\xff\x0a\x00\x14\x00\x61\x2f\x64\x61\x74\x61\x2e\x70\x6b\x6c\x01\x00\x10\x00\x03\x00\x00\x00\x00\x00"
    "\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x4b\x01\x2e\x50\x4b\x01\x02\x2d\x00\x2d\x00\x00\x00\x00\x00"
    "\x00\x00\x21\x00\xbd\x87\x43\x46\xff\xff\xff\xff\xff\xff\xff\xff\x0a\x00\x1c\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\xff\xff\xff\xff\x61\x2f\x64\x61\x74\x61\x2e\x70\x6b\x6c\x01\x00\x18\x00\x03\x00"
    "\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x50\x4b\x06"
    "\x06\x2c\x00\x00\x00\x00\x00\x00\x00\x2d\x00\x2d\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00"
    "\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x54\x00\x00\x00\x00\x00\x00\x00\x3f\x00\x00\x00\x00"
    "\x00\x00\x00\x50\x4b\x06\x07\x00\x00\x00\x00\x93\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x50\x4b"
    "\x05\x06\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00";

static int file;      /* in memory: some file systems write to disk whenever a file is made anew */
static char path[64]; /* to open it by */

static int start(void **state) {
  (void)state;
  file = memfd_create("archive", 0);
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  return file < 0 ? -1 : 0;
}

static int finish(void **state) {
  (void)state;
  return close(file);
}

static void write_file(const char *bytes, size_t size) {
  assert_int_equal(ftruncate(file, 0), 0);
  assert_int_equal(pwrite(file, bytes, size, 0), size);
}

static int find(const char *bytes, size_t size, uint64_t *offset, uint64_t *length, struct nsw_error *err) {
  write_file(bytes, size);
  err->text[0] = 0;
  int status = nsw_zip_find(path, "/data.pkl", offset, length, err);
  assert_true(status == NSW_OK || (status == NSW_FAILED && !strncmp(err->text, path, strlen(path))));
  return status;
}

static void stored_members_are_found(void **state) {
  (void)state;
  uint64_t offset, length;
  struct nsw_error err;
  assert_int_equal(find(zip, sizeof zip - 1, &offset, &length, &err), NSW_OK);
  assert_int_equal(length, 3);
  assert_memory_equal(zip + offset, "K\1.", 3);
  assert_int_equal(find(zip64, sizeof zip64 - 1, &offset, &length, &err), NSW_OK);
  assert_int_equal(length, 3);
  assert_memory_equal(zip64 + offset, "K\1.", 3);
  assert_int_equal(nsw_zip_find(path, "/nothing", &offset, &length, &err), NSW_FAILED);
  assert_non_null(strstr(err.text, "no member is called */nothing"));
}

static void damaged_zips_never_lead_outside(void **state) {
  (void)state;
  const char *const archives[2] = {zip, zip64};
  const size_t sizes[2] = {sizeof zip - 1, sizeof zip64 - 1};
  uint64_t offset, length;
  struct nsw_error err;
  for (int a = 0; a < 2; a++) {
    for (size_t cut = 0; cut < sizes[a]; cut++)
      assert_int_equal(find(archives[a], cut, &offset, &length, &err), NSW_FAILED);
    for (size_t bit = 0; bit < 8 * sizes[a]; bit++) {
      char flipped[512];
      memcpy(flipped, archives[a], sizes[a]);
      flipped[bit / 8] = (char)(flipped[bit / 8] ^ 1 << bit % 8);
      if (find(flipped, sizes[a], &offset, &length, &err) == NSW_OK)
        assert_true(offset <= sizes[a] && length <= sizes[a] - offset);
    }
  }
}

/* A header block with its checksum; returns the block after it. */
static char *put_header(char *block, const char *name, char type, unsigned size) {
  memset(block, 0, 512);
  snprintf(block, 100, "%s", name);
  snprintf(block + 124, 12, "%011o", size);
  memcpy(block + 257,
         "ustar\0"
         "00",
         8);
  block[156] = type;
  memset(block + 148, ' ', 8);
  unsigned sum = 0;
  for (int i = 0; i < 512; i++) sum += (uint8_t)block[i];
  snprintf(block + 148, 8, "%06o", sum);
  return block + 512;
}

/* A folder, a file of 600 bytes, a name of 150 characters for an empty file, the end. */
static size_t make_tar(char *tar) {
  char *to = put_header(tar, "x/", '5', 0);
  to = put_header(to, "x/a", '0', 600);
  memset(to, 'a', 1024);
  to = put_header(to + 1024, "././@LongLink", 'L', 151);
  memset(to, 0, 512);
  memset(to, 'n', 150);
  to = put_header(to + 512, "nnnn", '0', 0);
  memset(to, 0, 1024);
  return (size_t)(to + 1024 - tar);
}

/* Lists the archive; the number of members, or -1. */
static int list(const char *bytes, size_t size, struct nsw_tar_member *members, struct nsw_error *err) {
  struct nsw_tar *tar;
  bool end = false;
  int n = 0, status;
  write_file(bytes, size);
  assert_int_equal(nsw_tar_open(path, &tar, err), NSW_OK);
  while (!(status = nsw_tar_next(tar, &members[n], &end, err)) && !end && n < 3) {
    assert_true(members[n].offset <= size && members[n].size <= size - members[n].offset);
    n++;
  }
  nsw_tar_close(&tar);
  return status ? -1 : n;
}

static void members_of_a_tar_are_found(void **state) {
  (void)state;
  char tar[8192];
  struct nsw_tar_member members[4];
  struct nsw_error err;
  size_t size = make_tar(tar);
  assert_int_equal(list(tar, size, members, &err), 2);
  assert_string_equal(members[0].name, "x/a");
  assert_int_equal(members[0].offset, 1024);
  assert_int_equal(members[0].size, 600);
  assert_int_equal(strlen(members[1].name), 150);
  assert_int_equal(members[1].size, 0);
}

static void damaged_tars_are_errors(void **state) {
  (void)state;
  char tar[8192], damaged[8192];
  struct nsw_tar_member members[4];
  struct nsw_error err;
  size_t size = make_tar(tar);
  for (size_t cut = 0; cut < size - 1024; cut += 7) {
    assert_int_equal(list(tar, cut, members, &err), -1);
    assert_non_null(strstr(err.text, "tar header at byte "));
  }
  for (size_t byte = 0; byte < size; byte++) {
    memcpy(damaged, tar, size);
    damaged[byte] ^= 1;
    /* The last byte of the checksum field, after its NUL, means nothing. */
    bool in_header =
        byte % 512 != 155 && (byte < 1024 || (byte >= 2048 && byte < 2560) || (byte >= 3072 && byte < 3584));
    int n = list(damaged, size, members, &err);
    if (in_header) assert_int_equal(n, -1);
  }
  put_header(damaged, "x", '0', 0);
  memcpy(damaged + 124, "\x80\0\0\0\x80\0\0\0\0\0\0\0", 12); /* 2^63 bytes, GNU's way; the checksum made right */
  memset(damaged + 148, ' ', 8);
  unsigned sum = 0;
  for (int i = 0; i < 512; i++) sum += (uint8_t)damaged[i];
  snprintf(damaged + 148, 8, "%06o", sum);
  assert_int_equal(list(damaged, 512, members, &err), -1);
  assert_non_null(strstr(err.text, "a member larger than the archive"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stored_members_are_found),
      cmocka_unit_test(damaged_zips_never_lead_outside),
      cmocka_unit_test(members_of_a_tar_are_found),
      cmocka_unit_test(damaged_tars_are_errors),
  };
  return cmocka_run_group_tests(tests, start, finish);
}
