#include "files/zip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/quote.h"

enum {
  END_SIZE = 22,     /* of the end record, without its comment */
  LOCATOR_SIZE = 20, /* of zip64's locator, right before it */
  END64_SIZE = 56,   /* of zip64's end record */
  ENTRY_SIZE = 46,   /* of an entry of the directory, without name, extra field and comment */
  LOCAL_SIZE = 30,   /* of the header right before the data, without name and extra field */
  MOST_TAIL = END_SIZE + 65535 + LOCATOR_SIZE,
  MOST_DIRECTORY = 64 << 20
};

/* An archive that is being searched. */
struct archive {
  const char *path;
  FILE *file;
  uint64_t size;
  struct nsw_error *err;
};

static uint64_t number(const uint8_t *at, int width) {
  uint64_t value = 0;
  for (int i = 0; i < width; i++) value |= (uint64_t)at[i] << 8 * i;
  return value;
}

static int bad(const struct archive *a, const char *what) {
  return nsw_fail(a->err, "%s: zip archive: %s", a->path, what);
}

static int read_at(const struct archive *a, uint64_t offset, void *bytes, size_t count) {
  if (offset > a->size || count > a->size - offset) return bad(a, "something lies beyond its end");
  if (fseeko(a->file, (off_t)offset, SEEK_SET) || fread(bytes, 1, count, a->file) != count)
    return bad(a, ferror(a->file) ? strerror(errno) : "ends too early");
  return NSW_OK;
}

/* Zip64's end record: place and size of the directory. */
static int read_end64(const struct archive *a, uint64_t at, uint64_t *offset, uint64_t *size) {
  uint8_t end[END64_SIZE];
  int status = read_at(a, at, end, sizeof end);
  if (!status && number(end, 4) != 0x06064b50) status = bad(a, "its zip64 end record is damaged");
  *size = number(end + 40, 8);
  *offset = number(end + 48, 8);
  return status;
}

/* The end record is the last that has its signature and a comment that reaches the end of the file. */
static int find_directory(const struct archive *a, uint64_t *offset, uint64_t *size) {
  size_t tail = a->size < MOST_TAIL ? (size_t)a->size : MOST_TAIL;
  uint8_t *bytes = malloc(tail + 1);
  if (!bytes) return bad(a, "not enough memory");
  int status = read_at(a, a->size - tail, bytes, tail);
  size_t at = tail >= END_SIZE ? tail - END_SIZE + 1 : 0;
  bool found = false;
  while (!status && !found && at > 0) {
    at--;
    found = number(bytes + at, 4) == 0x06054b50 && at + END_SIZE + number(bytes + at + 20, 2) == tail;
  }
  if (!status && !found) status = bad(a, "no end record; not a zip archive, or cut short");
  if (!status) {
    *size = number(bytes + at + 12, 4);
    *offset = number(bytes + at + 16, 4);
    if (at >= LOCATOR_SIZE && number(bytes + at - LOCATOR_SIZE, 4) == 0x07064b50)
      status = read_end64(a, number(bytes + at - LOCATOR_SIZE + 8, 8), offset, size);
  }
  free(bytes);
  return status;
}

/* Replaces sizes and offset that are all ones by those of the zip64 extra field, in its order. */
static bool widen(const uint8_t *extra, size_t length, uint64_t *packed_and_not[3]) {
  bool wanted = false;
  for (int i = 0; i < 3; i++) wanted = wanted || *packed_and_not[i] == UINT32_MAX;
  for (size_t at = 0; wanted && at + 4 <= length;) {
    size_t size = (size_t)number(extra + at + 2, 2), from = at + 4;
    if (size > length - from) return false;
    if (number(extra + at, 2) == 1) {
      size_t end = from + size;
      for (int i = 0; i < 3; i++) {
        if (*packed_and_not[i] != UINT32_MAX) continue;
        if (end - from < 8) return false;
        *packed_and_not[i] = number(extra + from, 8);
        from += 8;
      }
      return true;
    }
    at = from + size;
  }
  return !wanted;
}

/* Data of the member whose local header is at `header`. */
static int locate(const struct archive *a, uint64_t header, uint64_t size, uint64_t *offset) {
  uint8_t local[LOCAL_SIZE];
  int status = read_at(a, header, local, sizeof local);
  if (status) return status;
  if (number(local, 4) != 0x04034b50) return bad(a, "a member's header is damaged");
  *offset = header + LOCAL_SIZE + number(local + 26, 2) + number(local + 28, 2);
  if (*offset > a->size || size > a->size - *offset) return bad(a, "a member lies beyond its end");
  return NSW_OK;
}

/* One entry of the directory. */
struct entry {
  const char *name; /* length bytes, no terminator */
  size_t length;
  uint64_t packed, size, header;
  unsigned method; /* 0 stored, 8 deflate */
};

/* The entry at *at, which moves past it. */
static int read_entry(const struct archive *a, const uint8_t *directory, size_t length, size_t *at, struct entry *e) {
  const uint8_t *entry = directory + *at;
  if (length - *at < ENTRY_SIZE || number(entry, 4) != 0x02014b50) return bad(a, "its directory is damaged");
  size_t name = (size_t)number(entry + 28, 2), extra = (size_t)number(entry + 30, 2);
  size_t whole = ENTRY_SIZE + name + extra + (size_t)number(entry + 32, 2);
  if (whole > length - *at) return bad(a, "its directory is damaged");
  *at += whole;
  *e = (struct entry){.name = (const char *)entry + ENTRY_SIZE,
                      .length = name,
                      .packed = number(entry + 20, 4),
                      .size = number(entry + 24, 4),
                      .header = number(entry + 42, 4),
                      .method = (unsigned)number(entry + 10, 2)};
  if (!widen(entry + ENTRY_SIZE + name, extra, (uint64_t *[3]){&e->size, &e->packed, &e->header}))
    return bad(a, "a size in its directory is damaged");
  return NSW_OK;
}

static int search(const struct archive *a, const uint8_t *directory, size_t length, const char *suffix,
                  uint64_t *offset, uint64_t *size) {
  size_t suffix_length = strlen(suffix);
  for (size_t at = 0; at < length;) {
    struct entry e;
    int status = read_entry(a, directory, length, &at, &e);
    if (status) return status;
    if (e.length < suffix_length || memcmp(e.name + e.length - suffix_length, suffix, suffix_length)) continue;
    if (e.method != 0) return bad(a, "its member is compressed, which torch.save does not do");
    if (e.packed != e.size) return bad(a, "a size in its directory is damaged");
    *size = e.packed;
    return locate(a, e.header, e.packed, offset);
  }
  return nsw_fail(a->err, "%s: zip archive: no member is called *%s", a->path, suffix);
}

/* Folders, and the second half that macOS gives every file. */
static bool is_filler(const struct entry *e) {
  return !e->length || e->name[e->length - 1] == '/' || (e->length > 9 && !memcmp(e->name, "__MACOSX/", 9));
}

static const char *show_name(const struct entry *e, char shown[NSW_QUOTE_SIZE]) {
  char name[2 * NSW_QUOTE_SIZE];
  snprintf(name, sizeof name, "%.*s", (int)(e->length < sizeof name ? e->length : sizeof name - 1), e->name);
  return nsw_quote(shown, name);
}

static int search_only(const struct archive *a, const uint8_t *directory, size_t length,
                       struct nsw_zip_member *member) {
  struct entry only = {.length = 0};
  for (size_t at = 0; at < length;) {
    struct entry e;
    int status = read_entry(a, directory, length, &at, &e);
    if (status) return status;
    if (is_filler(&e)) continue;
    if (only.length) {
      char names[2][NSW_QUOTE_SIZE];
      return nsw_fail(a->err, "%s: zip archive of several files ('%s', '%s', ...): unpack it and name one", a->path,
                      show_name(&only, names[0]), show_name(&e, names[1]));
    }
    only = e;
  }
  if (!only.length) return bad(a, "no file in it");
  if (only.method != 0 && only.method != 8)
    return bad(a, "its file is packed by another method than deflate: unpack it first");
  *member = (struct nsw_zip_member){.packed = only.packed, .size = only.size, .stored = only.method == 0};
  return locate(a, only.header, only.packed, &member->offset);
}

/* Opens the archive and reads its directory, malloc'd. The file stays open where that went well. */
static int open_archive(struct archive *a, uint8_t **directory, size_t *size) {
  struct stat state;
  uint64_t at = 0, length = 0;
  *directory = NULL;
  a->file = fopen(a->path, "rb");
  if (!a->file || fstat(fileno(a->file), &state)) {
    int status = nsw_fail(a->err, "%s: %s", a->path, strerror(errno));
    if (a->file) fclose(a->file);
    return status;
  }
  a->size = (uint64_t)state.st_size;
  int status = find_directory(a, &at, &length);
  if (!status && length > MOST_DIRECTORY) status = bad(a, "a directory of more than 64 MiB");
  if (!status && (at > a->size || length > a->size - at)) status = bad(a, "its directory lies beyond its end");
  if (!status && !(*directory = malloc((size_t)length + 1))) status = bad(a, "not enough memory");
  if (!status) status = read_at(a, at, *directory, (size_t)length);
  *size = (size_t)length;
  if (!status) return NSW_OK;
  free(*directory);
  fclose(a->file);
  return status;
}

int nsw_zip_find(const char *path, const char *suffix, uint64_t *offset, uint64_t *size, struct nsw_error *err) {
  struct archive a = {.path = path, .err = err};
  uint8_t *directory;
  size_t length;
  int status = open_archive(&a, &directory, &length);
  if (status) return status;
  status = search(&a, directory, length, suffix, offset, size);
  free(directory);
  fclose(a.file);
  return status;
}

int nsw_zip_only(const char *path, struct nsw_zip_member *member, struct nsw_error *err) {
  struct archive a = {.path = path, .err = err};
  uint8_t *directory;
  size_t length;
  int status = open_archive(&a, &directory, &length);
  if (status) return status;
  status = search_only(&a, directory, length, member);
  free(directory);
  fclose(a.file);
  return status;
}
