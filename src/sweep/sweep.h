/* A whole sweep on all ranks: from a request to a result file. */
#ifndef NSW_SWEEP_SWEEP_H
#define NSW_SWEEP_SWEEP_H

#include "sweep/request.h"

/* Stops for the signals of sweep/stop.h where nsw_stop_catch was called before. Collective: every rank calls it with
 * the same request and gets the same status; messages to a user come from rank 0. NSW_OK: the file is complete.
 * NSW_FLAWED: complete, but architectures failed and the request does not allow that. NSW_STOPPED, NSW_HALTED: asked to
 * stop; the same call goes on. NSW_USAGE: the request cannot be. NSW_FAILED: the file under
 * request->out, if there was one, is whole, and holds what had been kept. */
int nsw_sweep(const struct nsw_request *request, struct nsw_error *err);

/* Whether nsw_sweep would take the request: the same errors, on this rank alone, and nothing is written or begun. */
int nsw_sweep_check(const struct nsw_request *request, struct nsw_error *err);

#endif
