/* Which architectures a network proxy evaluates together, and what that costs. */
#ifndef NSW_PROXY_UNITS_H
#define NSW_PROXY_UNITS_H

#include <stdbool.h>

#include "nasweep/proxy.h"

struct nsw_units {
  uint32_t *of; /* [architectures of the space]: the smallest index of the unit */
  bool alone;   /* every architecture is its own */
};

/* Makes the units of a space (nsw_space_units); free with nsw_units_close, also after an error. */
int nsw_units_open(const struct nsw_space *space, bool trained, struct nsw_units *units, struct nsw_error *err);
void nsw_units_close(struct nsw_units *units);

/* Multiply-adds of one forward image; live layers only, where the space has dead ones. */
double nsw_units_macs(const struct nsw_units *units, const struct nsw_context *context, uint32_t index);

#endif
