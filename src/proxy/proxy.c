#include "nasweep/proxy.h"

#include <string.h>

#include "proxy/knas.h"
#include "proxy/network.h"
#include "proxy/topology.h"

/* clang-format off */
const struct nsw_proxy *const nsw_proxies[] = {
    &nsw_proxy_sed,
    &nsw_proxy_params,
    &nsw_proxy_macs,
    &nsw_proxy_depth,
    &nsw_proxy_degree,
    &nsw_proxy_knas,
    &nsw_proxy_grad_norm,
    &nsw_proxy_snip,
    &nsw_proxy_plain,
    &nsw_proxy_fisher,
    &nsw_proxy_grasp,
    &nsw_proxy_l2_norm,
    &nsw_proxy_synflow,
    &nsw_proxy_logsynflow,
    &nsw_proxy_jacov,
    &nsw_proxy_epe_nas,
    &nsw_proxy_naswot,
    &nsw_proxy_zen,
    &nsw_proxy_regions,
    &nsw_proxy_az_nas,
    &nsw_proxy_ntk_cond,
    &nsw_proxy_lga,
    &nsw_proxy_random,
    &nsw_proxy_dummy,
    NULL,
};
/* clang-format on */

const struct nsw_proxy *nsw_proxy_find(const char *column, int *place) {
  for (int p = 0; nsw_proxies[p]; p++)
    for (int c = 0; nsw_proxies[p]->columns[c].name; c++)
      if (!strcmp(nsw_proxies[p]->columns[c].name, column)) {
        if (place) *place = c;
        return nsw_proxies[p];
      }
  return NULL;
}

bool nsw_proxy_in(const struct nsw_proxy *proxy, const char *word) {
  bool scores = strcmp(proxy->group, "control") != 0;
  if (!strcmp(word, "all")) return scores;
  if (!strcmp(word, "cheap")) return scores && !(proxy->needs & NSW_NEEDS_NETWORK);
  return !strcmp(word, proxy->group);
}

int nsw_proxy_columns(const struct nsw_proxy *proxy) {
  int n = 0;
  while (proxy->columns[n].name) n++;
  return n;
}

int nsw_proxy_options(const struct nsw_proxy *proxy) {
  int n = 0;
  while (proxy->options && proxy->options[n].key) n++;
  return n;
}
