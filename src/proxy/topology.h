/* The proxies that read the cell alone: no network is built, no data read. */
#ifndef NSW_PROXY_TOPOLOGY_H
#define NSW_PROXY_TOPOLOGY_H

#include "nasweep/proxy.h"

extern const struct nsw_proxy nsw_proxy_sed;    /* sed.c */
extern const struct nsw_proxy nsw_proxy_params; /* params.c */
extern const struct nsw_proxy nsw_proxy_macs;   /* macs.c */
extern const struct nsw_proxy nsw_proxy_depth;  /* depth.c */
extern const struct nsw_proxy nsw_proxy_degree; /* degree.c */
extern const struct nsw_proxy nsw_proxy_random; /* random.c */
extern const struct nsw_proxy nsw_proxy_dummy;  /* dummy.c */

#endif
