/* KNAS (Xu et al., arXiv 2111.13293): the mean of the Gram matrix of per-sample gradients, averaged over the weight
 * tensors of a randomly initialised network.
 *
 * (1/n^2) sum_ij <g_i, g_j> = |(1/n) sum_i g_i|^2, so one summed gradient a tensor is all that is needed. Weights are
 * those of convolutions and the classifier. All L of them count, also on branches that reach no output: their gradient
 * is zero, as in the released program, where `none` multiplies by zero.
 *
 * Architectures whose live network is the same program (net/fold.h) share one evaluation. What differs between them is
 * which dead tensors stand between the live ones: that changes L, and the tensors that knas_ref walks over. So the
 * evaluation keeps its results by tensor, and every member adds up its own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/images.h"
#include "net/engine.h"
#include "proxy/table.h"
#include "proxy/units.h"

/* The released program: the first 11 parameter tensors of at least 50 elements, 50 elements of each. */
enum { REF_TENSORS = 11, REF_ELEMENTS = 50, COLUMNS = 3 };

struct knas {
  const struct nsw_context *context;
  int samples;
  struct nsw_engine *engine;
  struct nsw_units units;
  float *probe; /* [samples][tensors probed][REF_ELEMENTS] */
  size_t probe_size;
};

/* One parameter tensor of an evaluated network. */
struct tensor_result {
  uint64_t key; /* of the parameter: members find their tensors by it */
  double gram;  /* mean of the Gram matrix; weights only */
  double ref;   /* its part of knas_ref */
};

/* All of them, in no order that matters. */
struct results {
  struct tensor_result *list;
  int count;
};

static bool is_weight(const struct nsw_param *p) { return p->kind == NSW_PARAM_CONV || p->kind == NSW_PARAM_LINEAR; }

/* ---- knas_ref ---- */

/* Lists the parameters that the released program looks at, in definition order; returns how many. */
static int ref_tensors(const struct nsw_net *net, int list[REF_TENSORS]) {
  int count = 0;
  for (int p = 0; p < net->params && count < REF_TENSORS; p++)
    if (nsw_param_size(&net->param[p]) >= REF_ELEMENTS) list[count++] = p;
  return count;
}

/* sum_e sum_k (A_ke - mean A_e)(B_ke - mean B_e) over the halves A and B of the samples, divided by n^2 (2500 for the
 * released 50). g[n][stride] are the gradients' first elements. */
static double ref_covariance(const float *g, size_t stride, int samples) {
  double total = 0;
  int half = samples / 2;
  for (int e = 0; e < REF_ELEMENTS; e++) {
    double mean_a = 0, mean_b = 0;
    for (int k = 0; k < half; k++) {
      mean_a += g[(size_t)k * stride + (size_t)e] / half;
      mean_b += g[(size_t)(half + k) * stride + (size_t)e] / half;
    }
    for (int k = 0; k < half; k++)
      total += (g[(size_t)k * stride + (size_t)e] - mean_a) * (g[(size_t)(half + k) * stride + (size_t)e] - mean_b);
  }
  return total / ((double)samples * samples);
}

/* ---- one evaluation ---- */

static struct tensor_result *find_result(const struct results *r, uint64_t key) {
  for (int i = 0; i < r->count; i++)
    if (r->list[i].key == key) return &r->list[i];
  return NULL;
}

/* The place of a live parameter of another member's network in the evaluated one; -1 where there is none. */
static int find_param(const struct nsw_net *net, uint64_t key) {
  for (int p = 0; p < net->params; p++)
    if (net->param[p].live && net->param[p].key == key) return p;
  return -1;
}

/* Parameters of the first member's network that knas_ref of any member needs. list[net->params]. */
static int probed_params(struct nsw_net *const *nets, size_t members, int *list) {
  int count = 0;
  for (size_t m = 0; m < members; m++) {
    int wanted[REF_TENSORS], n = ref_tensors(nets[m], wanted);
    for (int i = 0; i < n; i++) {
      const struct nsw_param *param = &nets[m]->param[wanted[i]];
      int p = param->live ? find_param(nets[0], param->key) : -1;
      for (int k = 0; k < count && p >= 0; k++)
        if (list[k] == p) p = -1;
      if (p >= 0) list[count++] = p;
    }
  }
  return count;
}

static bool reserve_probe(struct knas *s, size_t floats) {
  if (floats <= s->probe_size) return true;
  free(s->probe);
  s->probe = malloc(floats * sizeof *s->probe);
  s->probe_size = s->probe ? floats : 0;
  return s->probe != NULL;
}

/* Runs the first member's network and keeps every tensor's part. */
static int evaluate(struct knas *s, uint64_t seed, struct nsw_net *const *nets, size_t members, int *probed,
                    struct results *r, struct nsw_error *err) {
  const struct nsw_net *net = nets[0];
  int samples = s->samples, probes = probed_params(nets, members, probed);
  size_t stride = (size_t)probes * REF_ELEMENTS;
  int status = nsw_engine_load(s->engine, net, &(struct nsw_load){.seed = seed, .norm = NSW_NORM_SAMPLE}, err);
  if (status != NSW_OK) return status;
  if (!reserve_probe(s, (size_t)samples * stride + 1)) return nsw_fail(err, "out of memory for single gradients");
  nsw_engine_probe(s->engine, probed, probes, REF_ELEMENTS, s->probe);
  nsw_engine_run(s->engine, true);
  for (int p = 0; p < net->params; p++) {
    if (!net->param[p].live) continue;
    struct tensor_result *t = &r->list[r->count++];
    *t = (struct tensor_result){.key = net->param[p].key};
    if (is_weight(&net->param[p])) t->gram = nsw_engine_gradient_square(s->engine, p) / ((double)samples * samples);
    for (int k = 0; k < probes; k++)
      if (probed[k] == p) t->ref = ref_covariance(s->probe + k * REF_ELEMENTS, stride, samples);
  }
  return NSW_OK;
}

/* A member's own values from the tensors it has. */
static void member_values(const struct nsw_net *net, const struct results *r, double values[COLUMNS]) {
  int weights = 0, list[REF_TENSORS], refs = ref_tensors(net, list);
  double sum = 0, ref = 0;
  for (int p = 0; p < net->params; p++) {
    if (!is_weight(&net->param[p])) continue;
    weights++;
    const struct tensor_result *t = net->param[p].live ? find_result(r, net->param[p].key) : NULL;
    if (t) sum += t->gram;
  }
  for (int i = 0; i < refs; i++) {
    const struct tensor_result *t = net->param[list[i]].live ? find_result(r, net->param[list[i]].key) : NULL;
    if (t) ref += t->ref;
  }
  values[0] = sum / weights;
  values[1] = sum;
  values[2] = ref;
}

static uint8_t row_status(const struct nsw_net *net, const double values[COLUMNS]) {
  for (int c = 0; c < COLUMNS; c++)
    if (!isfinite(values[c])) return NSW_ROW_FAILED;
  return net->features < 0 ? NSW_ROW_NO_PATH : NSW_ROW_SCORED;
}

static int build_all(struct knas *s, const uint32_t *members, size_t n, struct nsw_net **nets, struct nsw_error *err) {
  for (size_t i = 0; i < n; i++) {
    int status = nsw_net_build(s->context->space, members[i], &s->context->macro, &nets[i], err);
    if (status != NSW_OK) return status;
  }
  return NSW_OK;
}

static int score(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                 struct nsw_error *err) {
  struct knas *s = state;
  struct nsw_net **nets = calloc(n, sizeof *nets);
  struct results r = {0};
  int *probed = NULL, done = nets ? build_all(s, members, n, nets, err) : nsw_fail(err, "out of memory");
  if (done == NSW_OK) {
    r.list = calloc((size_t)nets[0]->params, sizeof *r.list);
    probed = calloc((size_t)nets[0]->params, sizeof *probed);
    done = r.list && probed ? evaluate(s, seed, nets, n, probed, &r, err) : nsw_fail(err, "out of memory");
  }
  for (size_t i = 0; i < n && done == NSW_OK; i++) {
    member_values(nets[i], &r, values + i * COLUMNS);
    status[i] = row_status(nets[i], values + i * COLUMNS);
  }
  for (size_t i = 0; nets && i < n; i++) nsw_net_free(&nets[i]);
  free(nets);
  free(r.list);
  free(probed);
  return done;
}

/* ---- the evaluator ---- */

static void close_knas(void *state) {
  struct knas *s = state;
  if (!s) return;
  nsw_engine_free(&s->engine);
  nsw_units_close(&s->units);
  free(s->probe);
  free(s);
}

static int prepare(struct knas *s, struct nsw_error *err) {
  const struct nsw_context *c = s->context;
  if (s->samples < 2) return nsw_usage(err, "knas compares samples: it needs at least 2, not %d", s->samples);
  if (!c->images || (size_t)s->samples > c->images->count)
    return nsw_usage(err, "knas needs %d images, and there are %zu", s->samples, c->images ? c->images->count : 0);
  if (c->images->classes > c->macro.classes)
    return nsw_usage(err, "the images have %d classes, and the network only %d", c->images->classes, c->macro.classes);
  int status = nsw_units_open(c->space, &s->units, err);
  if (status != NSW_OK) return status;
  status = nsw_engine_create(nsw_cpu_isa(), &s->engine, err);
  if (status != NSW_OK) return status;
  return nsw_engine_set_images(s->engine, c->images->pixels, c->images->labels, s->samples, c->images->resolution, err);
}

static int open_knas(const struct nsw_context *context, const char *const *values, void **state,
                     struct nsw_error *err) {
  (void)values;
  struct knas *s = calloc(1, sizeof *s);
  if (!s) return nsw_fail(err, "out of memory for knas");
  s->context = context;
  s->samples = context->samples ? context->samples : nsw_proxy_knas.samples;
  int status = prepare(s, err);
  if (status == NSW_OK)
    *state = s;
  else
    close_knas(s);
  return status;
}

static uint32_t unit(const void *state, uint32_t index) { return ((const struct knas *)state)->units.of[index]; }

/* Forward and backward, two operations a multiply-add. */
static double cost(const void *state, uint32_t index) {
  const struct knas *s = state;
  return 6.0 * nsw_units_macs(&s->units, s->context, index) * s->samples;
}

static const struct nsw_proxy_column columns[] = {
    {"knas", "mean Gram matrix of per-sample gradients, averaged over weight tensors", +1},
    {"knas_sum", "mean Gram matrix of per-sample gradients, summed over weight tensors", +1},
    {"knas_ref", "the released program's value: covariance of two halves of the samples in few gradient entries", +1},
    {0}};

const struct nsw_proxy nsw_proxy_knas = {
    .name = "knas",
    .group = "kernel",
    .source = "Xu et al., KNAS: Green Neural Architecture Search, arXiv 2111.13293",
    .note = "knas alone ranks weakly (Spearman 0.3 to 0.4 on nb201); knas_sum ranks better, knas_ref not at all",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
    .samples = 50,
    .columns = columns,
    .open = open_knas,
    .close = close_knas,
    .unit = unit,
    .cost = cost,
    .score = score,
};
