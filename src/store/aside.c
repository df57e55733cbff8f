#include "store/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder part of path, malloc'd; "." where it has none. */
static char *folder_of(const char *path) {
  const char *slash = strrchr(path, '/');
  if (!slash) return strdup(".");
  return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static int check_folder(const char *path, const char *folder, struct nsw_error *err) {
  struct stat s;
  if (stat(folder, &s)) {
    if (errno == ENOENT) return nsw_fail(err, "%s: the folder %s does not exist", path, folder);
    return nsw_fail(err, "%s: %s: %s", path, folder, strerror(errno));
  }
  if (!S_ISDIR(s.st_mode)) return nsw_fail(err, "%s: %s is not a folder", path, folder);
  if (access(folder, W_OK | X_OK)) return nsw_fail(err, "%s: cannot write in %s: %s", path, folder, strerror(errno));
  return NSW_OK;
}

/* Where a link leads whose target is not there; the path itself where it is no link. malloc'd; NULL with errno. */
static char *follow(const char *path) {
  enum { MOST_LINKS = 40 };
  char *at = strdup(path);
  for (int i = 0; at && i < MOST_LINKS; i++) {
    char link[4096];
    ssize_t n = readlink(at, link, sizeof link - 1);
    if (n < 0) return at;
    link[n] = '\0';
    char *folder = *link == '/' ? strdup("") : folder_of(at), *next = NULL;
    if (folder && asprintf(&next, "%s%s%s", folder, *folder ? "/" : "", link) < 0) next = NULL;
    free(folder);
    free(at);
    at = next;
  }
  free(at);
  errno = at ? ELOOP : ENOMEM;
  return NULL;
}

/* Where path leads: *target malloc'd. *old is filled where something is there (*exists). */
static int resolve(const char *path, char **target, struct stat *old, bool *exists, struct nsw_error *err) {
  *target = NULL;
  *exists = false;
  if (!*path) return nsw_fail(err, "no file name given");
  *exists = stat(path, old) == 0;
  if (*exists && !S_ISREG(old->st_mode)) return nsw_fail(err, "%s is not a plain file", path);
  *target = *exists ? realpath(path, NULL) : follow(path);
  if (!*target) return nsw_fail(err, "%s: %s", path, strerror(errno));
  char *folder = folder_of(*target);
  int status = folder ? check_folder(path, folder, err) : nsw_no_memory(err, "a file name");
  free(folder);
  if (status) {
    free(*target);
    *target = NULL;
  }
  return status;
}

int nsw_aside_check(const char *path, struct nsw_error *err) {
  struct stat old;
  bool exists;
  char *target;
  int status = resolve(path, &target, &old, &exists, err);
  free(target);
  return status;
}

/* A new file beside target: its descriptor, and its name in *name (malloc'd); -1 with errno. */
static int open_aside(const char *target, char **name) {
  for (int i = 0; i < 1000; i++) {
    if (asprintf(name, "%s.part-%ld-%d", target, (long)getpid(), i) < 0) {
      *name = NULL;
      errno = ENOMEM;
      return -1;
    }
    int fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) return fd;
    int why = errno;
    free(*name);
    *name = NULL;
    errno = why;
    if (why != EEXIST) return -1;
  }
  return -1;
}

/* All bytes, onto the disk. Returns 0, or -1 with errno. */
static int write_all(int fd, const char *bytes, size_t size) {
  enum { MOST = 1 << 30 }; /* Linux takes no more than 2 GiB a call */
  for (size_t at = 0; at < size;) {
    ssize_t n = write(fd, bytes + at, size - at < MOST ? size - at : MOST);
    if (n < 0 && errno != EINTR) return -1;
    if (n > 0) at += (size_t)n;
  }
  return fsync(fd);
}

/* The rename itself must reach the disk too; a file system that cannot do that is not an error. */
static void flush_folder(const char *target) {
  char *folder = folder_of(target);
  int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (fd >= 0) {
    (void)!fsync(fd);
    close(fd);
  }
  free(folder);
}

int nsw_aside_write(const char *path, const void *bytes, size_t size, struct nsw_error *err) {
  struct stat old;
  bool exists;
  char *target, *part = NULL;
  int status = resolve(path, &target, &old, &exists, err);
  if (status) return status;
  int fd = open_aside(target, &part), why = 0;
  if (fd < 0) {
    status = nsw_fail(err, "%s: cannot write beside it: %s", path, strerror(errno));
    free(target);
    return status;
  }
  if (exists) {
    (void)!fchown(fd, (uid_t)-1, old.st_gid); /* a shared folder's group, where that is allowed */
    (void)!fchmod(fd, old.st_mode & 07777);
  }
  if (write_all(fd, bytes, size)) why = errno;
  if (close(fd) && !why) why = errno;
  if (!why && rename(part, target)) why = errno;
  if (why) {
    unlink(part);
    status = nsw_fail(err, "%s: writing %.1f MB failed: %s%s", path, (double)size * 1e-6, strerror(why),
                      exists ? "; the file that was there is unchanged" : "");
  } else {
    flush_folder(target);
  }
  free(part);
  free(target);
  return status;
}
