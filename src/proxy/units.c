#include "proxy/units.h"

#include <stdlib.h>

#include "net/net.h"

int nsw_units_open(const struct nsw_space *space, bool trained, struct nsw_units *units, struct nsw_error *err) {
  uint32_t count = nsw_space_count(space);
  *units = (struct nsw_units){.of = malloc(count * sizeof *units->of), .alone = true};
  if (!units->of) return nsw_no_memory(err, "the units of %u architectures", (unsigned)count);
  int status = nsw_space_units(space, trained, units->of, err);
  for (uint32_t i = 0; !status && i < count && units->alone; i++) units->alone = units->of[i] == i;
  return status;
}

void nsw_units_close(struct nsw_units *units) {
  free(units->of);
  *units = (struct nsw_units){0};
}

double nsw_units_macs(const struct nsw_units *units, const struct nsw_context *context, uint32_t index) {
  double macs = (double)nsw_space_macs(context->space, index, &context->macro);
  struct nsw_net *net = NULL;
  struct nsw_error ignored;
  if (!units->alone && nsw_net_build(context->space, index, &context->macro, &net, &ignored) == NSW_OK)
    macs = nsw_net_macs(net);
  nsw_net_free(&net);
  return macs;
}
