/* How much memory there is. */
#ifndef NSW_BASE_MEMORY_H
#define NSW_BASE_MEMORY_H

#include <stdbool.h>

/* Memory that can still be had, in bytes: what the kernel says it could free up, else all there is. */
double nsw_memory_available(void);

/* Whether so many bytes can be had; of a few megabytes nobody is asked. */
bool nsw_memory_holds(double bytes);

#endif
