#include "store/state.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/aside.h"
#include "store/seal.h"

static const char belongs_to[] = "options"; /* the file that says whose states these are */

static char *path_of(const char *folder, const char *name) {
  char *path;
  return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

int nsw_state_write(const char *folder, const char *name, const void *bytes, size_t size, struct nsw_error *err) {
  if (mkdir(folder, 0777) && errno != EEXIST) return nsw_fail(err, "%s: %s", folder, strerror(errno));
  char *path = path_of(folder, name), *sealed = malloc(size + NSW_SEAL_SIZE);
  int status = path && sealed ? NSW_OK : nsw_no_memory(err, "a state of %zu bytes in %s", size, folder);
  if (!status) {
    if (size) memcpy(sealed, bytes, size);
    nsw_seal_make(sealed, size, sealed + size);
    status = nsw_aside_write(path, sealed, size + NSW_SEAL_SIZE, err);
  }
  free(path);
  free(sealed);
  return status;
}

static int read_all(const char *path, void **bytes, size_t *size, struct nsw_error *err) {
  struct stat s;
  FILE *f = fopen(path, "rb");
  if (!f && errno == ENOENT) return NSW_OK;
  if (!f) return nsw_fail(err, "%s: %s", path, strerror(errno));
  int status = nsw_seal_check(path, err);
  if (!status && (fstat(fileno(f), &s) || s.st_size < NSW_SEAL_SIZE))
    status = nsw_fail(err, "%s: damaged: too short", path);
  if (!status) {
    *size = (size_t)s.st_size - NSW_SEAL_SIZE;
    *bytes = malloc(*size + 1);
    if (!*bytes)
      status = nsw_no_memory(err, "the %zu bytes of %s", *size, path);
    else if (fread(*bytes, 1, *size, f) != *size)
      status = nsw_fail(err, "%s: could not be read", path);
  }
  fclose(f);
  if (!status) return NSW_OK;
  free(*bytes);
  *bytes = NULL;
  return status;
}

int nsw_state_read(const char *folder, const char *name, void **bytes, size_t *size, struct nsw_error *err) {
  *bytes = NULL;
  *size = 0;
  char *path = path_of(folder, name);
  if (!path) return nsw_no_memory(err, "a file name in %s", folder);
  int status = read_all(path, bytes, size, err);
  free(path);
  return status;
}

void nsw_state_remove(const char *folder, const char *name) {
  char *path = path_of(folder, name);
  if (path) unlink(path);
  free(path);
}

void nsw_state_clear(const char *folder) {
  DIR *d = opendir(folder);
  if (!d) return;
  for (struct dirent *entry; (entry = readdir(d));)
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) nsw_state_remove(folder, entry->d_name);
  closedir(d);
  rmdir(folder);
}

int nsw_state_begin(const char *folder, const char *options, struct nsw_error *err) {
  void *there;
  size_t size;
  struct nsw_error ignored;
  bool ours = nsw_state_read(folder, belongs_to, &there, &size, &ignored) == NSW_OK && there &&
              size == strlen(options) && !memcmp(there, options, size);
  free(there);
  if (ours) return NSW_OK;
  nsw_state_clear(folder);
  return nsw_state_write(folder, belongs_to, options, strlen(options), err);
}
