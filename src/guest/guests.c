#include "guest/guests.h"

#include <stdlib.h>

static int open_plugins(const struct nsw_guests_wish *wish, struct nsw_guests *g, struct nsw_error *err) {
  int status = NSW_OK;
  g->plugin = calloc(wish->plugins + 1, sizeof *g->plugin);
  if (!g->plugin) return nsw_no_memory(err, "plugins");
  for (size_t i = 0; i < wish->plugins && !status; i++) {
    struct nsw_guest_plugin *plugin = &g->plugin[g->plugins++];
    status = nsw_guest_plugin_open(wish->plugin[i], plugin, err);
    if (status) return nsw_error_prefix(err, status, "--plugin");
    for (size_t k = 0; k < plugin->proxies && !status; k++)
      status = nsw_registry_add(&g->registry, &plugin->proxy[k], err);
    if (status) nsw_error_prefix(err, status, "--plugin %.200s", wish->plugin[i]);
  }
  return status;
}

static int open_workers(const struct nsw_guests_wish *wish, struct nsw_guests *g, struct nsw_error *err) {
  int status = NSW_OK;
  g->worker = calloc(wish->workers + 1, sizeof *g->worker);
  if (!g->worker) return nsw_no_memory(err, "workers");
  for (size_t i = 0; i < wish->workers && !status; i++) {
    status = nsw_guest_worker_open(wish->worker[i], &wish->terms, &g->worker[i], err);
    if (!status) g->workers++;
  }
  for (size_t i = 0; i < g->workers && !status; i++) {
    status = nsw_guest_worker_greet(g->worker[i], err);
    if (status) break;
    status = nsw_registry_add(&g->registry, nsw_guest_worker_proxy(g->worker[i]), err);
    if (status) nsw_error_prefix(err, status, "--worker %.60s", wish->worker[i]);
  }
  return status;
}

int nsw_guests_open(const struct nsw_guests_wish *wish, struct nsw_guests *guests, struct nsw_error *err) {
  *guests = (struct nsw_guests){.workers = 0};
  int status = open_plugins(wish, guests, err);
  return status ? status : open_workers(wish, guests, err);
}

void nsw_guests_close(struct nsw_guests *guests) {
  for (size_t i = 0; i < guests->workers; i++) nsw_guest_worker_close(&guests->worker[i]);
  free(guests->worker);
  nsw_registry_free(&guests->registry);
  for (size_t i = 0; i < guests->plugins; i++) nsw_guest_plugin_close(&guests->plugin[i]);
  free(guests->plugin);
  *guests = (struct nsw_guests){.workers = 0};
}
