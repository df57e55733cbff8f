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
#include <stdlib.h>
#include <string.h>

#include "proxy/measure.h"
#include "proxy/table.h"

/* The released program: the first 11 parameter tensors of at least 50 elements, 50 elements of each. */
enum { REF_TENSORS = 11, REF_ELEMENTS = 50, COLUMNS = 3 };

/* One parameter tensor of an evaluated network. */
struct tensor_result {
  uint64_t key; /* of the parameter: members find their tensors by it */
  double gram;  /* mean of the Gram matrix; weights only */
  double ref;   /* its part of knas_ref */
};

struct knas {
  int *probed; /* parameters of the evaluated network that knas_ref of any member needs */
  int probes;
  float *probe; /* [samples][probes][REF_ELEMENTS] */
  size_t probe_room;
  struct tensor_result *list; /* the live tensors, in definition order */
  int count, room;            /* how many; parameters that list and probed have room for */
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

/* The place of a live parameter of another member's network in the evaluated one; -1 where there is none. */
static int find_param(const struct nsw_net *net, uint64_t key) {
  for (int p = 0; p < net->params; p++)
    if (net->param[p].live && net->param[p].key == key) return p;
  return -1;
}

/* Lists the parameters of the first member's network that knas_ref of any member needs. */
static void list_probed(struct knas *s, const struct nsw_lab *lab) {
  s->probes = 0;
  for (size_t m = 0; m < lab->members; m++) {
    int wanted[REF_TENSORS], n = ref_tensors(lab->nets[m], wanted);
    for (int i = 0; i < n; i++) {
      const struct nsw_param *param = &lab->nets[m]->param[wanted[i]];
      int p = param->live ? find_param(lab->net, param->key) : -1;
      for (int k = 0; k < s->probes && p >= 0; k++)
        if (s->probed[k] == p) p = -1;
      if (p >= 0) s->probed[s->probes++] = p;
    }
  }
}

/* ---- one evaluation ---- */

static bool reserve_params(struct knas *s, int params) {
  if (params <= s->room) return true;
  free(s->probed);
  free(s->list);
  s->probed = malloc((size_t)params * sizeof *s->probed);
  s->list = malloc((size_t)params * sizeof *s->list);
  s->room = s->probed && s->list ? params : 0;
  return s->room > 0;
}

static bool reserve_probe(struct knas *s, size_t floats) {
  if (floats <= s->probe_room) return true;
  free(s->probe);
  s->probe = malloc(floats * sizeof *s->probe);
  s->probe_room = s->probe ? floats : 0;
  return s->probe != NULL;
}

static int begin(void *state, struct nsw_lab *lab, struct nsw_error *err) {
  struct knas *s = state;
  if (!reserve_params(s, lab->net->params)) return nsw_no_memory(err, "%d tensors", lab->net->params);
  list_probed(s, lab);
  if (!reserve_probe(s, (size_t)lab->samples * (size_t)s->probes * REF_ELEMENTS + 1))
    return nsw_no_memory(err, "single gradients");
  nsw_engine_probe(lab->engine, s->probed, s->probes, REF_ELEMENTS, s->probe);
  return NSW_OK;
}

/* Keeps every tensor's part; the values are the members'. */
static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  struct knas *s = state;
  const struct nsw_net *net = lab->net;
  double n = lab->samples;
  (void)values;
  (void)err;
  s->count = 0;
  for (int p = 0; p < net->params; p++) {
    if (!net->param[p].live) continue;
    struct tensor_result *t = &s->list[s->count++];
    *t = (struct tensor_result){.key = net->param[p].key};
    if (is_weight(&net->param[p])) t->gram = nsw_engine_gradient_square(lab->engine, p) / (n * n);
    for (int k = 0; k < s->probes; k++)
      if (s->probed[k] == p)
        t->ref = ref_covariance(s->probe + k * REF_ELEMENTS, (size_t)s->probes * REF_ELEMENTS, lab->samples);
  }
  return NSW_OK;
}

/* A member's tensor in the evaluated network; NULL where it is dead. */
static const struct tensor_result *find_result(const struct knas *s, const struct nsw_param *param) {
  for (int i = 0; i < s->count && param->live; i++)
    if (s->list[i].key == param->key) return &s->list[i];
  return NULL;
}

/* A member's own values from the tensors it has. */
static int member(void *state, struct nsw_lab *lab, uint32_t index, const struct nsw_net *net, double *values,
                  struct nsw_error *err) {
  const struct knas *s = state;
  int weights = 0, list[REF_TENSORS], refs = ref_tensors(net, list);
  double sum = 0, ref = 0;
  (void)lab;
  (void)index;
  (void)err;
  for (int p = 0; p < net->params; p++) {
    if (!is_weight(&net->param[p])) continue;
    weights++;
    const struct tensor_result *t = find_result(s, &net->param[p]);
    if (t) sum += t->gram;
  }
  for (int i = 0; i < refs; i++) {
    const struct tensor_result *t = find_result(s, &net->param[list[i]]);
    if (t) ref += t->ref;
  }
  values[0] = sum / weights;
  values[1] = sum;
  values[2] = ref;
  return NSW_OK;
}

/* ---- the measure ---- */

static void close_knas(void *state) {
  struct knas *s = state;
  free(s->probed);
  free(s->probe);
  free(s->list);
  free(s);
}

static int open_knas(const struct nsw_context *context, const char *const *values, void **state,
                     struct nsw_error *err) {
  (void)context;
  (void)values;
  *state = calloc(1, sizeof(struct knas));
  return *state ? NSW_OK : nsw_no_memory(err, "a score");
}

static const struct nsw_measure measure = {.pass = &nsw_pass_sample,
                                           .zero_without_path = true,
                                           .open = open_knas,
                                           .close = close_knas,
                                           .begin = begin,
                                           .take = take,
                                           .member = member};

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
    .measure = &measure,
};
