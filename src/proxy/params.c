/* The sizes of an architecture: its parameters and its multiply-adds. */
#include "proxy/table.h"

/* The state is the context itself: there is nothing to prepare. */
static int open_sizes(const struct nsw_context *context, const char *const *values, void **state,
                      struct nsw_error *err) {
  (void)values, (void)err;
  *state = (void *)context;
  return NSW_OK;
}

static void close_sizes(void *state) { (void)state; }

/* Known for every architecture, connected or not: no row is marked as having no path. */
static int score_sizes(const struct nsw_context *context, bool macs, const uint32_t *members, size_t n, double *values,
                       uint8_t *status) {
  struct nsw_space_counter counter = {.sizes = {0}};
  for (size_t i = 0; i < n; i++) {
    uint64_t size[2];
    nsw_space_counter_next(&counter, context->space, members[i], &context->macro, &size[0], &size[1]);
    values[i] = (double)size[macs];
    status[i] = NSW_ROW_SCORED;
  }
  return NSW_OK;
}

static int score_params(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                        struct nsw_error *err) {
  (void)seed, (void)err;
  return score_sizes(state, false, members, n, values, status);
}

static int score_macs(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                      struct nsw_error *err) {
  (void)seed, (void)err;
  return score_sizes(state, true, members, n, values, status);
}

static const struct nsw_proxy_column params[] = {{"params", "trainable parameters", +1}, {0}};
static const struct nsw_proxy_column macs[] = {
    {"macs", "multiply-adds of convolutions and classifier, one image forward", +1}, {0}};

const struct nsw_proxy nsw_proxy_params = {
    .name = "params",
    .group = "topology",
    .source = "counted from the network of the benchmark",
    .needs = NSW_NEEDS_TOPOLOGY,
    .columns = params,
    .open = open_sizes,
    .close = close_sizes,
    .score = score_params,
};

const struct nsw_proxy nsw_proxy_macs = {
    .name = "macs",
    .group = "topology",
    .source = "counted from the network of the benchmark, at the resolution asked",
    .needs = NSW_NEEDS_TOPOLOGY,
    .columns = macs,
    .open = open_sizes,
    .close = close_sizes,
    .score = score_macs,
};
