/* Plugins: proxies in a shared object, loaded by `nasweep score --plugin ./libmine.so`.
 *
 * The object exports nsw_plugin(); it is compiled against these headers alone and linked with nothing: what it calls of
 * them is the program's. A proxy is filled in as the built-in ones are; a measure (nasweep/measure.h) shares networks
 * and passes with them. One that was compiled against other headers is refused, so nothing here needs to stay as it is:
 * but within one NSW_PLUGIN_VERSION what is there keeps its meaning. */
#ifndef NASWEEP_PLUGIN_H
#define NASWEEP_PLUGIN_H

#include "nasweep/measure.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NSW_PLUGIN_VERSION = 1 };

struct nsw_plugin {
  uint32_t version;                                           /* NSW_PLUGIN_VERSION */
  uint32_t size;                                              /* of this struct */
  uint32_t proxy_size, measure_size, context_size, arch_size; /* of those structs */
  const struct nsw_proxy *const *proxies;                     /* ends with NULL */
};

/* Everything but the list. */
#define NSW_PLUGIN_HEAD                                                                                \
  NSW_PLUGIN_VERSION, sizeof(struct nsw_plugin), sizeof(struct nsw_proxy), sizeof(struct nsw_measure), \
      sizeof(struct nsw_context), sizeof(struct nsw_arch)

/* What the object exports; valid as long as it is loaded. */
const struct nsw_plugin *nsw_plugin(void);

#ifdef __cplusplus
}
#endif
#endif
