/* The table of proxies: X(NAME) is nsw_proxy_NAME, defined in src/proxy/NAME.c. A new proxy is its file and its line
 * here; the order is that of `nasweep list --proxies`. */
#ifndef NSW_PROXY_TABLE_H
#define NSW_PROXY_TABLE_H

#include "nasweep/proxy.h"

/* clang-format off */
#define NSW_PROXY_TABLE(X) \
  X(sed)                   \
  X(params)                \
  X(macs)                  \
  X(depth)                 \
  X(degree)                \
  X(knas)                  \
  X(grad_norm)             \
  X(snip)                  \
  X(plain)                 \
  X(fisher)                \
  X(grasp)                 \
  X(zico)                  \
  X(sigeo)                 \
  X(l2_norm)               \
  X(synflow)               \
  X(logsynflow)            \
  X(zeros)                 \
  X(jacov)                 \
  X(epe_nas)               \
  X(naswot)                \
  X(swap)                  \
  X(meco)                  \
  X(mlfe)                  \
  X(zen)                   \
  X(regions)               \
  X(az_nas)                \
  X(ntk_cond)              \
  X(lga)                   \
  X(train)                 \
  X(rwe)                   \
  X(eproxy)                \
  X(flatness)              \
  X(random)                \
  X(dummy)
/* clang-format on */

#define NSW_PROXY_DECLARE(name) extern const struct nsw_proxy nsw_proxy_##name;
NSW_PROXY_TABLE(NSW_PROXY_DECLARE)
#undef NSW_PROXY_DECLARE

#endif
