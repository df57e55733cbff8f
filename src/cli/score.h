/* The options of `nasweep score` read into a request; shared with the commands that need the same plan. */
#ifndef NSW_CLI_SCORE_H
#define NSW_CLI_SCORE_H

#include "cli/args.h"
#include "sweep/request.h"

/* A request with the lists it borrows. */
struct nsw_score_request {
  struct nsw_request request;
  struct nsw_list proxies, seeds;
  uint64_t *seed;
  const char **arch, **set, **worker, **plugin;
};

/* Reads and checks; free in any case. The arguments must outlive it. */
int nsw_score_read(const struct nsw_args *args, struct nsw_score_request *request, struct nsw_error *err);
void nsw_score_free(struct nsw_score_request *request);

#endif
