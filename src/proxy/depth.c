#include <math.h>

#include "proxy/table.h"

/* The state is the context itself: there is nothing to prepare. */
static int open_depth(const struct nsw_context *context, const char *const *values, void **state,
                      struct nsw_error *err) {
  (void)values, (void)err;
  *state = (void *)context;
  return NSW_OK;
}

static void close_depth(void *state) { (void)state; }

static int score_depth(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                       struct nsw_error *err) {
  const struct nsw_context *context = state;
  struct nsw_graph graph = {.shape = 0};
  (void)seed, (void)err;
  for (size_t i = 0; i < n; i++) {
    nsw_space_graph(context->space, members[i], &graph);
    int depth = nsw_graph_longest(&graph, NSW_COUNTED_OPS);
    values[i] = depth < 0 ? (double)NAN : depth;
    status[i] = depth < 0 ? NSW_ROW_NO_PATH : NSW_ROW_SCORED;
  }
  return NSW_OK;
}

static const struct nsw_proxy_column columns[] = {
    {"depth", "convolutions and pools on the cell's longest path from input to output", +1}, {0}};

const struct nsw_proxy nsw_proxy_depth = {
    .name = "depth",
    .group = "topology",
    .source = "counted from the cell; skip connections and nb101's input projections do not count",
    .needs = NSW_NEEDS_TOPOLOGY | NSW_NEEDS_CELLS,
    .columns = columns,
    .open = open_depth,
    .close = close_depth,
    .score = score_depth,
};
