#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* Whether the locked file still is the one under its name: its holder may have removed it before we had it. */
static bool still_there(const struct nsw_lock *lock) {
  struct stat held, named;
  return !fstat(lock->file, &held) && !stat(lock->path, &named) && held.st_ino == named.st_ino &&
         held.st_dev == named.st_dev;
}

/* Writes who holds it, by a descriptor of its own. */
static void sign(const struct nsw_lock *lock) {
  char host[128] = "", when[32], line[256];
  time_t now = time(NULL);
  struct tm utc;
  gethostname(host, sizeof host - 1);
  strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
  int n = snprintf(line, sizeof line, "process %ld on %s, since %s\n", (long)getpid(), host, when);
  int file = open(lock->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
  if (file >= 0 && write(file, line, (size_t)n) != n) {
    /* without a name, then */
  }
  if (file >= 0) close(file);
}

/* Open for reading, so that nothing is open for writing all the time; but NFS locks only what is open for writing. */
static int try_lock(struct nsw_lock *lock) {
  lock->file = open(lock->path, O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
  if (lock->file < 0 || !flock(lock->file, LOCK_EX | LOCK_NB)) return 0;
  if (errno != EBADF) return errno;
  close(lock->file);
  lock->file = open(lock->path, O_RDWR | O_CLOEXEC);
  return lock->file < 0 || !flock(lock->file, LOCK_EX | LOCK_NB) ? 0 : errno;
}

/* Says who holds it. */
static int refuse(const struct nsw_lock *lock, const char *path, struct nsw_error *err) {
  char holder[256] = "";
  ssize_t n = pread(lock->file, holder, sizeof holder - 1, 0);
  holder[n > 0 ? n : 0] = '\0';
  for (char *c = holder; *c; c++)
    if ((unsigned char)*c < ' ' || (unsigned char)*c > '~') *c = '\0';
  return nsw_fail(err,
                  "%s: another run is writing it (%s); wait for its end, or give another --out (%s says who writes)",
                  path, *holder ? holder : "unknown", lock->path);
}

/* A moment, where there is time left; false where there is none, or the run is to stop. That a signal ends the sleep
 * would not do: it may come before the wait, or to another thread. */
static bool may_wait(double until, int (*asked)(void)) {
  if (nsw_now() >= until || asked()) return false;
  nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
  return true;
}

int nsw_lock_take(const char *path, double patience, int (*asked)(void), struct nsw_lock *lock, struct nsw_error *err) {
  double until = nsw_now() + patience;
  *lock = (struct nsw_lock){.file = -1};
  if (asprintf(&lock->path, "%s.lock", path) < 0) {
    lock->path = NULL;
    return nsw_no_memory(err, "a lock");
  }
  for (int attempt = 0; attempt < 100; attempt++) {
    int code = try_lock(lock);
    while (lock->file >= 0 && code == EWOULDBLOCK && may_wait(until, asked)) {
      close(lock->file); /* its holder may have removed it meanwhile */
      code = try_lock(lock);
    }
    if (lock->file < 0) return NSW_OK;
    if (code) {
      bool held = code == EWOULDBLOCK;
      int status = held ? refuse(lock, path, err) : NSW_OK;
      close(lock->file);
      lock->file = -1;
      if (!held) unlink(lock->path); /* a file system without locks */
      return status;
    }
    if (still_there(lock)) {
      sign(lock);
      return NSW_OK;
    }
    close(lock->file);
    lock->file = -1;
  }
  return NSW_OK;
}

void nsw_lock_free(struct nsw_lock *lock) {
  if (lock->file >= 0) {
    unlink(lock->path); /* before the lock goes: who gets it next sees that the name is another's */
    close(lock->file);
  }
  free(lock->path);
  *lock = (struct nsw_lock){.file = -1};
}
