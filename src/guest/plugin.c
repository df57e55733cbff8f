#include "guest/plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/command.h"

/* Whether the object and the program mean the same by what they hand each other. */
static int check(const struct nsw_plugin *p, struct nsw_error *err) {
  const struct {
    const char *name;
    size_t theirs, ours;
  } sizes[] = {{"struct nsw_plugin", p->size, sizeof(struct nsw_plugin)},
               {"struct nsw_proxy", p->proxy_size, sizeof(struct nsw_proxy)},
               {"struct nsw_measure", p->measure_size, sizeof(struct nsw_measure)},
               {"struct nsw_context", p->context_size, sizeof(struct nsw_context)},
               {"struct nsw_arch", p->arch_size, sizeof(struct nsw_arch)}};
  if (p->version != NSW_PLUGIN_VERSION)
    return nsw_usage(err, "it speaks version %u of the plugins' interface, and this program version %d",
                     (unsigned)p->version, NSW_PLUGIN_VERSION);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    if (sizes[i].theirs != sizes[i].ours)
      return nsw_usage(err, "it was compiled against other headers: its %s has %zu bytes, this program's %zu",
                       sizes[i].name, sizes[i].theirs, sizes[i].ours);
  return p->proxies && p->proxies[0] ? NSW_OK : nsw_usage(err, "it has no proxies");
}

static int copy_proxies(const struct nsw_plugin *from, struct nsw_guest_plugin *to, struct nsw_error *err) {
  size_t n = 0;
  while (from->proxies[n]) n++;
  to->proxy = calloc(n, sizeof *to->proxy);
  if (!to->proxy) return nsw_no_memory(err, "a plugin");
  for (; to->proxies < n; to->proxies++) {
    to->proxy[to->proxies] = *from->proxies[to->proxies];
    to->proxy[to->proxies].identity = to->identity;
  }
  return NSW_OK;
}

/* The file's name without its folder, and its bytes. */
static int identify(const char *path, struct nsw_guest_plugin *plugin, struct nsw_error *err) {
  char hex[65];
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  int status = nsw_file_sha256(path, hex, err);
  if (status) return status;
  if (strcspn(name, "(),;=") != strlen(name)) return nsw_usage(err, "%s: a name without ( ) , ; and = is needed", path);
  return asprintf(&plugin->identity, "plugin=%s:%s", name, hex) < 0 ? nsw_no_memory(err, "a plugin") : NSW_OK;
}

/* Without a slash the dynamic linker would look elsewhere. */
static void *load(const char *path) {
  char *here;
  if (strchr(path, '/')) return dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (asprintf(&here, "./%s", path) < 0) return NULL;
  void *object = dlopen(here, RTLD_NOW | RTLD_LOCAL);
  free(here);
  return object;
}

int nsw_guest_plugin_open(const char *path, struct nsw_guest_plugin *plugin, struct nsw_error *err) {
  *plugin = (struct nsw_guest_plugin){.proxies = 0};
  int status = identify(path, plugin, err);
  if (status) return status;
  plugin->object = load(path);
  if (!plugin->object) {
    const char *why = dlerror();
    return nsw_usage(err, "%s", why ? why : path);
  }
  const struct nsw_plugin *(*give)(void) = NULL;
  void *symbol = dlsym(plugin->object, "nsw_plugin");
  memcpy(&give, &symbol, sizeof give); /* ISO C knows no other way from an object's address to a function */
  const struct nsw_plugin *given = give ? give() : NULL;
  status =
      given ? check(given, err) : nsw_usage(err, "it exports no nsw_plugin(), or gives nothing (nasweep/plugin.h)");
  if (!status) status = copy_proxies(given, plugin, err);
  return status ? nsw_error_prefix(err, status, "%s", path) : NSW_OK;
}

void nsw_guest_plugin_close(struct nsw_guest_plugin *plugin) {
  free(plugin->proxy);
  free(plugin->identity);
  if (plugin->object) dlclose(plugin->object);
  *plugin = (struct nsw_guest_plugin){.proxies = 0};
}
