/* What the environment says of how this process was launched, before MPI is started. */
#ifndef NSW_BASE_LAUNCH_H
#define NSW_BASE_LAUNCH_H

#include <stdbool.h>

/* The rank a launcher (mpirun, srun) gave this process; 0 where there is none. Good enough to decide who speaks. */
int nsw_launch_rank(void);

/* Whether a launcher started this process. */
bool nsw_launched(void);

#endif
