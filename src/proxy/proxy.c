#include "nasweep/proxy.h"

#include <string.h>

#include "proxy/table.h"

#define ENTRY(name) &nsw_proxy_##name,
const struct nsw_proxy *const nsw_proxies[] = {NSW_PROXY_TABLE(ENTRY) NULL};
#undef ENTRY

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
