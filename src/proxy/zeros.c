/* ZEROS: how sensitive the supernet is to each operation. In the supernet every gene (nb201: an edge) is the sum of all
 * its choices, with equal coefficients alpha; on absolute weights, without normalisation and on an image of ones R is
 * the sum of the logits, and alpha times dR/dalpha is the sensitivity of a choice. One pass gives those of all.
 *
 * An architecture's score is the sum over its own choices, so that the best one is the one that the paper chooses, the
 * most sensitive choice of every gene; and what a choice adds to a cell's score is its sensitivity. */
#include <math.h>
#include <stdlib.h>

#include "net/engine.h"
#include "proxy/table.h"

struct zeros {
  const struct nsw_context *context;
  double *sensitivity; /* [genes][choices], of `seed`; NULL: not known yet */
  uint64_t seed;
};

static int open_zeros(const struct nsw_context *context, const char *const *values, void **state,
                      struct nsw_error *err) {
  (void)values;
  if (!nsw_space_kind(context->space)->supernet)
    return nsw_usage(err, "zeros reads off the space's supernet, and %s has none",
                     nsw_space_kind(context->space)->name);
  struct zeros *s = calloc(1, sizeof *s);
  if (!s) return nsw_no_memory(err, "the sensitivities of operations");
  s->context = context;
  *state = s;
  return NSW_OK;
}

static void close_zeros(void *state) {
  struct zeros *s = state;
  if (s) free(s->sensitivity);
  free(s);
}

/* What the supernet is run with. */
struct run {
  struct nsw_net *net;
  struct nsw_engine *engine;
  struct nsw_weights *weights;
  struct nsw_batch batch;
  float *ones; /* the image, and the slopes of the logits */
};

/* Forward, and back from the sum of the logits. */
static int run_supernet(struct run *r, uint64_t seed, struct nsw_error *err) {
  size_t side = (size_t)r->net->resolution, n = 3 * side * side + (size_t)r->net->classes;
  struct nsw_run run = {.norm = NSW_NORM_NONE, .wanted = NSW_WANT_WEIGHT_GRADS};
  r->ones = malloc(n * sizeof *r->ones);
  if (!r->ones) return nsw_no_memory(err, "an image of ones");
  for (size_t i = 0; i < n; i++) r->ones[i] = 1;
  int status = nsw_batch_fill(&r->batch, r->ones, NULL, 1, (int)side, err);
  if (!status) status = nsw_weights_draw(&r->weights, r->net, NSW_DRAW_ABSOLUTE, seed, err);
  if (!status) status = nsw_engine_create(nsw_cpu_isa(), &r->engine, err);
  if (!status) status = nsw_engine_bind(r->engine, r->net, r->weights, &r->batch, run, err);
  if (status) return status;
  nsw_engine_forward(r->engine);
  nsw_engine_backward(r->engine, r->ones, NSW_WANT_WEIGHT_GRADS);
  return NSW_OK;
}

/* The sensitivities of a seed; of choices that give zeros 0. */
static int measure(struct zeros *s, uint64_t seed, struct nsw_error *err) {
  const struct nsw_space_kind *kind = nsw_space_kind(s->context->space);
  size_t all = (size_t)kind->genes * (size_t)kind->gene_choices(0);
  float alpha = 1.0f / (float)kind->gene_choices(0);
  struct nsw_arch arch = {0};
  struct run run = {0};
  if (s->sensitivity && s->seed == seed) return NSW_OK;
  free(s->sensitivity);
  s->sensitivity = calloc(all, sizeof *s->sensitivity);
  s->seed = seed;
  if (!s->sensitivity) return nsw_no_memory(err, "the sensitivities of operations");
  kind->supernet(&s->context->macro, alpha, &arch);
  int status = nsw_program_make(&arch, NSW_KEEP_NOTHING, &run.net, err);
  if (!status) status = run_supernet(&run, seed, err);
  for (int k = 0; !status && k < run.net->coefficients; k++)
    s->sensitivity[k] = ldexp(fabs(alpha * nsw_engine_coefficients(run.engine)[k]), nsw_engine_exponent(run.engine));
  free(run.ones);
  nsw_batch_free(&run.batch);
  nsw_engine_free(&run.engine);
  nsw_weights_free(&run.weights);
  nsw_net_free(&run.net);
  if (!status) return NSW_OK;
  free(s->sensitivity);
  s->sensitivity = NULL;
  return status;
}

static int score_zeros(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                       struct nsw_error *err) {
  struct zeros *s = state;
  const struct nsw_space *space = s->context->space;
  struct nsw_graph graph = {.shape = 0};
  uint8_t gene[NSW_MAX_GENES];
  int failed = measure(s, seed, err), genes = nsw_space_genes(space), choices = nsw_space_gene_choices(space, 0);
  if (failed) return failed;
  for (size_t i = 0; i < n; i++) {
    nsw_space_genes_of(space, members[i], gene);
    nsw_space_graph(space, members[i], &graph);
    values[i] = 0;
    for (int g = 0; g < genes; g++) values[i] += s->sensitivity[g * choices + gene[g]];
    status[i] = nsw_graph_has_path(&graph) ? NSW_ROW_SCORED : NSW_ROW_NO_PATH;
  }
  return NSW_OK;
}

static const struct nsw_proxy_column columns[] = {
    {"zeros", "sum over a cell's operations of alpha x dR/dalpha in the supernet", +1}, {0}};

const struct nsw_proxy nsw_proxy_zeros = {
    .name = "zeros",
    .group = "gradient",
    .source = "Zhang et al., FreeDARTS, arXiv 2106.11542, which chooses a cell by it; as a score of cells ours",
    .note =
        "the supernet runs once a seed; the best cell is the paper's choice, and what an operation adds to a cell's score "
        "is its sensitivity",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_SEED | NSW_NEEDS_SUPERNET,
    .columns = columns,
    .open = open_zeros,
    .close = close_zeros,
    .score = score_zeros,
};
