/* Workers: scores computed by processes of the user's, one a rank, as proxies like any other.
 *
 * A worker is started when the run begins and kept; a line goes in for each architecture, one comes out
 * (guest/protocol.h). One that ends, hangs, writes what is no answer or too much is replaced by a new one; the
 * architecture it was at is tried again, and marked failed when that happened `retries` times. */
#ifndef NSW_GUEST_WORKER_H
#define NSW_GUEST_WORKER_H

#include "nasweep/proxy.h"

struct nsw_guest_worker;

/* What a run says of its workers. */
struct nsw_guest_terms {
  double timeout;      /* seconds without an answer after which a worker hangs, 0: never */
  uint64_t retries;    /* an architecture that ended so many workers is failed; 0: the run ends at the first */
  const char *dataset; /* name where no images are loaded, or NULL */
  int rank;            /* for messages, and for the worker; -1: there is one process only */
};

/* Starts "NAME=COMMAND". terms are copied, dataset borrowed. Needs the keeper
 * (guest/keeper.h). */
int nsw_guest_worker_open(const char *text, const struct nsw_guest_terms *terms, struct nsw_guest_worker **worker,
                          struct nsw_error *err);

/* Reads its first line: to be called once, before it is a proxy. Several can be started before the first is waited for,
 * as interpreters and their libraries take their time. */
int nsw_guest_worker_greet(struct nsw_guest_worker *worker, struct nsw_error *err);

/* Lets it end by itself, for two seconds, and frees. */
void nsw_guest_worker_close(struct nsw_guest_worker **worker);

/* It as a proxy once it was greeted, valid as long as the worker is. */
const struct nsw_proxy *nsw_guest_worker_proxy(const struct nsw_guest_worker *worker);

#endif
