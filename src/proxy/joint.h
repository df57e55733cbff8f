/* All measures of a run as one proxy, so that they share networks and passes. */
#ifndef NSW_PROXY_JOINT_H
#define NSW_PROXY_JOINT_H

#include <stdbool.h>

#include "nasweep/proxy.h"

/* Opens the measures proxy[0..count-1], each with its options' values; a column of theirs after the other. wanted, one
 * for each of these columns: whether its values are asked for. */
int nsw_joint_open(const struct nsw_context *context, const struct nsw_proxy *const *proxy,
                   const char *const *const *values, int count, const bool *wanted, void **state,
                   struct nsw_error *err);

/* The functions of struct nsw_proxy. */
void nsw_joint_close(void *state);
uint32_t nsw_joint_unit(const void *state, uint32_t index);
double nsw_joint_cost(const void *state, uint32_t unit);
int nsw_joint_score(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                    struct nsw_error *err);

#endif
