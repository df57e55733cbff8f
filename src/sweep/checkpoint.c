#include "sweep/checkpoint.h"

#include <string.h>

#include "base/clock.h"
#include "store/file.h"

static void *write_copy(void *argument) {
  struct nsw_checkpoint *c = argument;
  struct nsw_table *table = &c->copy;
  double start = nsw_now();
  c->status = nsw_file_write(c->path, &table, 1, false, &c->err);
  c->seconds = nsw_now() - start;
  __atomic_store_n(&c->ready, 1, __ATOMIC_RELEASE);
  return NULL;
}

int nsw_checkpoint_begin(struct nsw_checkpoint *c, const struct nsw_results *results, const char *path,
                         struct nsw_error *err) {
  int status = nsw_results_snapshot(results, &c->copy, err);
  if (status) return status;
  c->path = path;
  c->ready = 0;
  int code = pthread_create(&c->thread, NULL, write_copy, c);
  if (code) return nsw_fail(err, "no thread to write results: %s", strerror(code));
  c->running = true;
  return NSW_OK;
}

bool nsw_checkpoint_ended(struct nsw_checkpoint *c, bool wait, int *status, struct nsw_error *err) {
  *status = NSW_OK;
  if (!c->running) return true;
  if (!wait && !__atomic_load_n(&c->ready, __ATOMIC_ACQUIRE)) return false;
  pthread_join(c->thread, NULL);
  c->running = false;
  c->total += c->seconds;
  c->writes++;
  *status = c->status;
  if (c->status && err) *err = c->err;
  return true;
}

void nsw_checkpoint_close(struct nsw_checkpoint *c) { nsw_results_snapshot_free(&c->copy); }
