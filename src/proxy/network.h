/* The proxies that are measured on passes through a network; each in the file of its name. */
#ifndef NSW_PROXY_NETWORK_H
#define NSW_PROXY_NETWORK_H

#include "nasweep/proxy.h"

extern const struct nsw_proxy nsw_proxy_grad_norm, nsw_proxy_snip, nsw_proxy_plain, nsw_proxy_l2_norm, nsw_proxy_fisher;
extern const struct nsw_proxy nsw_proxy_grasp, nsw_proxy_synflow, nsw_proxy_logsynflow;
extern const struct nsw_proxy nsw_proxy_jacov, nsw_proxy_epe_nas, nsw_proxy_ntk_cond, nsw_proxy_lga;
extern const struct nsw_proxy nsw_proxy_naswot, nsw_proxy_zen, nsw_proxy_az_nas, nsw_proxy_regions;

#endif
