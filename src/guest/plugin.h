/* Plugins: proxies in a shared object (nasweep/plugin.h). */
#ifndef NSW_GUEST_PLUGIN_H
#define NSW_GUEST_PLUGIN_H

#include "nasweep/plugin.h"

struct nsw_guest_plugin {
  void *object;            /* of dlopen */
  char *identity;          /* recorded: the file's name and the SHA-256 of its bytes */
  struct nsw_proxy *proxy; /* [proxies] those of the object, with their identity */
  size_t proxies;
};

/* Loads a shared object. NSW_USAGE with the reason where it is none, exports no nsw_plugin, or was compiled against
 * other headers than this program. Close in any case. */
int nsw_guest_plugin_open(const char *path, struct nsw_guest_plugin *plugin, struct nsw_error *err);
void nsw_guest_plugin_close(struct nsw_guest_plugin *plugin);

#endif
