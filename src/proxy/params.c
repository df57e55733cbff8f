#include "proxy/table.h"

/* The state is the context itself: there is nothing to prepare. */
static int open_params(const struct nsw_context *context, const char *const *values, void **state,
                       struct nsw_error *err) {
  (void)values, (void)err;
  *state = (void *)context;
  return NSW_OK;
}

static void close_params(void *state) { (void)state; }

/* Known for every architecture, connected or not: no row is marked as having no path. */
static int score_params(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                        struct nsw_error *err) {
  const struct nsw_context *context = state;
  (void)seed, (void)err;
  struct nsw_space_counter counter = {.sizes = {0}};
  for (size_t i = 0; i < n; i++) {
    uint64_t params, macs;
    nsw_space_counter_next(&counter, context->space, members[i], &context->macro, &params, &macs);
    values[i] = (double)params;
    status[i] = NSW_ROW_SCORED;
  }
  return NSW_OK;
}

static const struct nsw_proxy_column columns[] = {{"params", "trainable parameters", +1}, {0}};

const struct nsw_proxy nsw_proxy_params = {
    .name = "params",
    .group = "topology",
    .source = "counted from the network of the benchmark",
    .needs = NSW_NEEDS_TOPOLOGY,
    .columns = columns,
    .open = open_params,
    .close = close_params,
    .score = score_params,
};
