#include "nasweep/proxy.h"

#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "nasweep/measure.h"
#include "proxy/table.h"

#define ENTRY(name) &nsw_proxy_##name,
const struct nsw_proxy *const nsw_proxies[] = {NSW_PROXY_TABLE(ENTRY) NULL};
#undef ENTRY

enum { BUILT_IN = sizeof nsw_proxies / sizeof *nsw_proxies - 1 };

const struct nsw_proxy *nsw_registry_at(const struct nsw_registry *registry, size_t i) {
  if (i < BUILT_IN) return nsw_proxies[i];
  return registry && i - BUILT_IN < registry->count ? registry->own[i - BUILT_IN] : NULL;
}

const struct nsw_proxy *nsw_registry_named(const struct nsw_registry *registry, const char *name) {
  const struct nsw_proxy *proxy;
  for (size_t i = 0; (proxy = nsw_registry_at(registry, i)); i++)
    if (!strcmp(proxy->name, name)) return proxy;
  return NULL;
}

const struct nsw_proxy *nsw_registry_find(const struct nsw_registry *registry, const char *column, int *place) {
  const struct nsw_proxy *proxy;
  for (size_t i = 0; (proxy = nsw_registry_at(registry, i)); i++)
    for (int c = 0; proxy->columns[c].name; c++)
      if (!strcmp(proxy->columns[c].name, column)) {
        if (place) *place = c;
        return proxy;
      }
  return NULL;
}

const struct nsw_proxy *nsw_proxy_find(const char *column, int *place) {
  return nsw_registry_find(NULL, column, place);
}

/* Whether a word means several proxies. */
static bool is_group(const struct nsw_registry *registry, const char *word) {
  const struct nsw_proxy *proxy;
  if (!strcmp(word, "all") || !strcmp(word, "cheap")) return true;
  for (size_t i = 0; (proxy = nsw_registry_at(registry, i)); i++)
    if (!strcmp(proxy->group, word)) return true;
  return false;
}

/* A name of the new proxy must be free. */
static int check_name(const struct nsw_registry *registry, const char *name, const char *what, struct nsw_error *err) {
  const struct nsw_proxy *has = nsw_registry_named(registry, name);
  if (!has) has = nsw_registry_find(registry, name, NULL);
  if (has) return nsw_usage(err, "the %s '%.60s' is taken by the proxy %.60s", what, name, has->name);
  if (is_group(registry, name)) return nsw_usage(err, "the %s '%.60s' is a word for several proxies", what, name);
  return NSW_OK;
}

static int check(const struct nsw_registry *registry, const struct nsw_proxy *proxy, struct nsw_error *err) {
  if (!proxy->name || !proxy->group || !proxy->columns || !proxy->columns[0].name || !proxy->source)
    return nsw_fail(err, "a proxy without name, group, source or columns");
  if (proxy->measure && !(proxy->measure->pass && (proxy->measure->take || proxy->measure->term)))
    return nsw_fail(err, "a measure without a pass or a function that takes its values");
  if (!proxy->measure && !(proxy->open && proxy->close && proxy->score))
    return nsw_fail(err, "it has neither a measure nor open, close and score");
  if (nsw_registry_named(NULL, proxy->group) || nsw_registry_find(NULL, proxy->group, NULL))
    return nsw_usage(err, "its group '%.60s' is a proxy's name", proxy->group);
  int status = check_name(registry, proxy->name, "name", err);
  for (const struct nsw_proxy_column *c = proxy->columns; c->name && !status; c++) {
    if (!c->long_name || (c->direction != 1 && c->direction != -1))
      return nsw_fail(err, "its column %.60s has no long name, or a direction that is neither 1 nor -1", c->name);
    status = check_name(registry, c->name, "column", err);
  }
  return status;
}

int nsw_registry_add(struct nsw_registry *registry, const struct nsw_proxy *proxy, struct nsw_error *err) {
  int status = check(registry, proxy, err);
  if (status) return nsw_error_prefix(err, status, "proxy %.60s", proxy->name ? proxy->name : "?");
  const struct nsw_proxy **list = realloc(registry->own, (registry->count + 1) * sizeof *list);
  if (!list) return nsw_no_memory(err, "proxies");
  registry->own = list;
  list[registry->count++] = proxy;
  return NSW_OK;
}

void nsw_registry_free(struct nsw_registry *registry) {
  free(registry->own);
  *registry = (struct nsw_registry){0};
}

bool nsw_proxy_in(const struct nsw_proxy *proxy, const char *word) {
  bool scores = strcmp(proxy->group, "control") && strcmp(proxy->group, "training");
  if (!strcmp(word, "all")) return scores;
  if (!strcmp(word, "cheap")) return scores && !(proxy->needs & NSW_NEEDS_NETWORK);
  return !strcmp(word, proxy->group);
}

bool nsw_proxy_fits(const struct nsw_proxy *proxy, const struct nsw_space_kind *kind) {
  return !(proxy->needs & NSW_NEEDS_CELLS && kind->one_cell) && !(proxy->needs & NSW_NEEDS_SUPERNET && !kind->supernet);
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

static void add_text(struct nsw_sha256 *hash, const char *text) {
  nsw_sha256_add(hash, text ? text : "", text ? strlen(text) + 1 : 1);
}

void nsw_proxy_digest(const struct nsw_proxy *proxy, char hex[65]) {
  struct nsw_sha256 hash;
  uint32_t numbers[] = {proxy->needs, (uint32_t)proxy->samples, proxy->unit != NULL, proxy->cost != NULL};
  nsw_sha256_start(&hash);
  add_text(&hash, proxy->name);
  add_text(&hash, proxy->identity);
  add_text(&hash, proxy->source);
  add_text(&hash, proxy->note);
  nsw_sha256_add(&hash, numbers, sizeof numbers);
  for (const struct nsw_proxy_column *c = proxy->columns; c->name; c++) {
    add_text(&hash, c->name);
    add_text(&hash, c->long_name);
    add_text(&hash, c->direction < 0 ? "-" : "+");
  }
  nsw_sha256_hex(&hash, hex);
}
