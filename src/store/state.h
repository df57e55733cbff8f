/* States of evaluations that last longer than a job: small files in a folder beside the result file, FILE.h5.state,
 * written whole or not at all. The sweep empties the folder where it belongs to other options, and removes it at the
 * end. A state is named by whoever keeps it, with proxy, seed and architecture in its name. */
#ifndef NSW_STORE_STATE_H
#define NSW_STORE_STATE_H

#include <stddef.h>

#include "nasweep/error.h"

/* Makes folder/name hold these bytes, and the folder where it is not there. */
int nsw_state_write(const char *folder, const char *name, const void *bytes, size_t size, struct nsw_error *err);

/* Reads a state, malloc'd; *bytes NULL where there is none. NSW_FAILED where it is damaged, naming the file. */
int nsw_state_read(const char *folder, const char *name, void **bytes, size_t *size, struct nsw_error *err);

/* Removes a state; it need not be there. */
void nsw_state_remove(const char *folder, const char *name);

/* Makes the folder belong to these options: states of others go. To be called by one process before states are read. */
int nsw_state_begin(const char *folder, const char *options, struct nsw_error *err);

/* Removes the folder and what nasweep put into it; it need not be there. */
void nsw_state_clear(const char *folder);

#endif
