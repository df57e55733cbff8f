/* All that a run brings along: its workers and plugins, as one registry of proxies. */
#ifndef NSW_GUEST_GUESTS_H
#define NSW_GUEST_GUESTS_H

#include "guest/plugin.h"
#include "guest/worker.h"

struct nsw_guests {
  struct nsw_registry registry;    /* the plugins' proxies, then the workers */
  struct nsw_guest_plugin *plugin; /* [plugins] */
  size_t plugins;
  struct nsw_guest_worker **worker; /* [workers] */
  size_t workers;
};

/* What is asked for; texts are borrowed. */
struct nsw_guests_wish {
  const char *const *plugin; /* paths of shared objects */
  size_t plugins;
  const char *const *worker; /* "NAME=COMMAND" */
  size_t workers;
  struct nsw_guest_terms terms;
};

/* Loads the plugins, and starts the workers. Close in any case. */
int nsw_guests_open(const struct nsw_guests_wish *wish, struct nsw_guests *guests, struct nsw_error *err);
void nsw_guests_close(struct nsw_guests *guests);

#endif
