/* Which architectures a sweep scores. */
#ifndef NSW_SWEEP_SELECTION_H
#define NSW_SWEEP_SELECTION_H

#include "sweep/request.h"

/* Indices in ascending order, each once, malloc'd into *index. Needs the keys where architectures are named by hash.
 * NSW_USAGE for unknown ids, ranges beyond the space, samples larger than what there is. */
int nsw_selection_make(const struct nsw_space *space, const struct nsw_request *request, uint32_t **index,
                       size_t *count, struct nsw_error *err);

/* The same in words, for the file's options: "all", "range=0:100,unique,sample=10,sample_seed=0" ... Owned by the
 * caller; NULL for lack of memory. */
char *nsw_selection_text(const struct nsw_space *space, const struct nsw_request *request);

#endif
