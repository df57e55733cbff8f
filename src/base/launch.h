/* What the environment says of how this process was launched, before MPI is started. */
#ifndef NSW_BASE_LAUNCH_H
#define NSW_BASE_LAUNCH_H

#include <stdbool.h>

/* The rank a launcher (mpirun, srun) gave this process; 0 where there is none. Good enough to decide who speaks. */
int nsw_launch_rank(void);

/* How many tasks a launcher says it started together with this one, and by which variable; 1 where none says so. To be
 * asked before MPI starts, which sets such variables itself. */
int nsw_launch_tasks(const char **variable);

/* Whether a launcher started this process. */
bool nsw_launched(void);

#endif
