/* Work of a command spread over the ranks of MPI. */
#ifndef NSW_CLI_RANKS_H
#define NSW_CLI_RANKS_H

#include "study/compare.h"

/* This rank's share of MPI_COMM_WORLD, with a sum over all of it where there are several. MPI must have started. */
struct nsw_share nsw_ranks_share(void);

#endif
