/* A plugin: two scores of one's own in a shared object.
 *
 *   make -C jobs/examples libmine.so
 *   cc -shared -fPIC $(pkg-config --cflags nasweep) -o libmine.so plugin.c      (against an installed nasweep)
 *   nasweep score nb201 --plugin ./libmine.so --proxy mine_heads,mine_sum,grad_norm --out mine.h5 */
#include <math.h>
#include <nasweep/plugin.h>

/* ---- of the description alone: open, close, score ---- */

static int open_heads(const struct nsw_context *context, const char *const *values, void **state,
                      struct nsw_error *err) {
  (void)values;
  (void)err;
  *state = (void *)context; /* nothing is prepared */
  return NSW_OK;
}

static void close_heads(void *state) { (void)state; }

/* Nodes that read the cell's input. */
static int score_heads(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                       struct nsw_error *err) {
  const struct nsw_context *context = state;
  (void)seed;
  (void)err;
  for (size_t m = 0; m < n; m++) {
    struct nsw_graph cell;
    int heads = 0;
    cell.shape = 0;
    nsw_space_graph(context->space, members[m], &cell);
    for (int k = 1; k < cell.nodes; k++)
      for (int i = 0; i < cell.node[k].inputs && cell.node[k].op != NSW_OP_NONE; i++)
        heads += cell.node[k].input[i] == 0;
    values[m] = heads;
    status[m] = NSW_ROW_SCORED;
  }
  return NSW_OK;
}

static const struct nsw_proxy_column heads_columns[] = {{"mine_heads", "operations on the cell's input", +1}, {0}};
static const struct nsw_proxy heads = {.name = "mine_heads",
                                       .group = "mine",
                                       .source = "the plugin's example",
                                       .columns = heads_columns,
                                       .open = open_heads,
                                       .close = close_heads,
                                       .score = score_heads};

/* ---- a measure: it reads the gradients that grad_norm, snip and others read too ---- */

static int take_sum(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  (void)state;
  (void)err;
  double sum = 0;
  for (int p = 0; p < nsw_lab_params(lab); p++) {
    struct nsw_lab_param param = nsw_lab_param(lab, p);
    if (!param.matrix || !param.live) continue;
    const float *gradient = nsw_lab_gradient(lab, p);
    double squares = 0;
    for (size_t i = 0; i < param.size; i++) squares += (double)gradient[i] * gradient[i];
    sum += sqrt(squares);
  }
  values[0] = sum;
  return NSW_OK;
}

static const struct nsw_measure sum_measure = {.pass = &nsw_pass_train, .take = take_sum};
static const struct nsw_proxy_column sum_columns[] = {{"mine_sum", "sum of the gradients' norms", +1}, {0}};
static const struct nsw_proxy sum = {.name = "mine_sum",
                                     .group = "mine",
                                     .source = "the plugin's example: grad_norm once more",
                                     .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
                                     .samples = NSW_MEASURE_SAMPLES,
                                     .columns = sum_columns,
                                     .measure = &sum_measure};

static const struct nsw_proxy *const proxies[] = {&heads, &sum, NULL};
static const struct nsw_plugin plugin = {NSW_PLUGIN_HEAD, proxies};
const struct nsw_plugin *nsw_plugin(void) { return &plugin; }
