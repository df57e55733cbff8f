/* Writing the result file beside the running sweep: a thread writes a snapshot while rank 0 goes on serving. */
#ifndef NSW_SWEEP_CHECKPOINT_H
#define NSW_SWEEP_CHECKPOINT_H

#include <pthread.h>

#include "sweep/results.h"

struct nsw_checkpoint {
  pthread_t thread;
  struct nsw_table copy;
  const char *path;     /* borrowed */
  struct nsw_error err; /* of the last write */
  int status;           /* of the last write */
  double seconds;       /* the last write took */
  double total;         /* seconds of all writes */
  unsigned writes;      /* made */
  bool running;         /* a thread is there to be joined */
  volatile int ready;   /* and has ended */
};

/* Begins to write; what the results hold now is what the file will hold. The one before must have ended. */
int nsw_checkpoint_begin(struct nsw_checkpoint *checkpoint, const struct nsw_results *results, const char *path,
                         struct nsw_error *err);

/* Whether none is being written any more; then *status and err tell of the one that was. Waits for it where `wait`. */
bool nsw_checkpoint_ended(struct nsw_checkpoint *checkpoint, bool wait, int *status, struct nsw_error *err);

/* Frees; no write may be under way. */
void nsw_checkpoint_close(struct nsw_checkpoint *checkpoint);

#endif
