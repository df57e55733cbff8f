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

static bool is_operation(int op) {
  return op == NSW_OP_CONV1 || op == NSW_OP_CONV3 || op == NSW_OP_AVGPOOL3 || op == NSW_OP_MAXPOOL3;
}

/* Operations on the longest path from input to output; negative where there is none. */
static int longest(const struct nsw_cell *cell) {
  int depth[NSW_MAX_VERTICES] = {0};
  for (int v = 1; v < cell->vertices; v++) {
    depth[v] = -1;
    for (int from = 0; from < v; from++) {
      int e = nsw_edge(from, v);
      if (!(cell->edges >> e & 1) || depth[from] < 0) continue;
      int through = depth[from] + is_operation(cell->edge_op[e]);
      if (through > depth[v]) depth[v] = through;
    }
    if (depth[v] >= 0) depth[v] += is_operation(cell->vertex_op[v]);
  }
  return depth[cell->vertices - 1];
}

static int score_depth(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                       struct nsw_error *err) {
  const struct nsw_context *context = state;
  (void)seed, (void)err;
  for (size_t i = 0; i < n; i++) {
    struct nsw_cell cell;
    nsw_space_cell(context->space, members[i], &cell);
    int depth = longest(&cell);
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
    .needs = NSW_NEEDS_TOPOLOGY,
    .columns = columns,
    .open = open_depth,
    .close = close_depth,
    .score = score_depth,
};
