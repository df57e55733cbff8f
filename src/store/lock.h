/* One writer for a file: PATH.lock, held by flock as long as its writer lives. The system lets go of it when the
 * process ends in whatever way, so a killed run never stands in the way of the next one. */
#ifndef NSW_STORE_LOCK_H
#define NSW_STORE_LOCK_H

#include "nasweep/error.h"

struct nsw_lock {
  char *path; /* of the lock file; owned */
  int file;   /* open and locked; -1: not held */
};

/* Takes the lock of `path`. Where another process holds it, it waits for up to `patience` seconds, or until
 * `asked`, looked at ten times a second, says that the run is to stop, and is then NSW_FAILED, saying which process
 * that is. Where a lock file cannot be made or the file system has no locks there is none, and that is no error. Give
 * it back by nsw_lock_free. */
int nsw_lock_take(const char *path, double patience, int (*asked)(void), struct nsw_lock *lock, struct nsw_error *err);

/* Removes the lock file where it is held; may be called twice, and on a lock that is all zero but file = -1. */
void nsw_lock_free(struct nsw_lock *lock);

#endif
