/* SiGeo: three terms over four batches, meant to be looked at after a little training (--warm-up): ZiCo's sum, the
 * logarithm of the size of the sum over weights of mean gradient times weight (the Fisher-Rao norm's root), and the
 * mean loss: a ZiCo + b FR - c loss. */
#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "proxy/measure.h"
#include "proxy/table.h"

enum { BATCHES = 4 };
enum { SIGEO, ZICO, FISHER_RAO, LOSS, COLUMNS };

struct sigeo {
  double share[3]; /* a, b, c */
  float *gradient; /* [BATCHES][weights], of the mean losses */
  size_t room;
};

static void close_sigeo(void *state) {
  if (state) free(((struct sigeo *)state)->gradient);
  free(state);
}

static int open_sigeo(const struct nsw_context *context, const char *const *values, void **state,
                      struct nsw_error *err) {
  struct sigeo *s = calloc(1, sizeof *s);
  int status = s ? NSW_OK : nsw_no_memory(err, "sigeo");
  if (s && context->samples && context->samples < 2 * BATCHES)
    status = nsw_usage(err, "sigeo: four batches of at least two images are needed, not %d images", context->samples);
  for (int k = 0; k < 3 && !status; k++) {
    char *end;
    s->share[k] = strtod(values[k], &end);
    if (end == values[k] || *end || !isfinite(s->share[k]))
      status = nsw_usage(err, "sigeo: a, b and c are numbers, not '%.40s'", values[k]);
  }
  if (!status)
    *state = s;
  else
    close_sigeo(s);
  return status;
}

/* ZiCo's term of one layer: g[BATCHES] its gradients. */
static double layer(const float *const g[BATCHES], size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) {
    double mean = 0, size = 0, square = 0;
    for (int b = 0; b < BATCHES; b++) mean += g[b][i] / (double)BATCHES, size += fabs((double)g[b][i]) / BATCHES;
    for (int b = 0; b < BATCHES; b++) square += pow(g[b][i] - mean, 2) / BATCHES;
    if (square > 0) sum += size / sqrt(square);
  }
  return sum > 0 ? log(sum) : 0;
}

/* Sum of mean gradient times weight. */
static double products(const float *const g[BATCHES], const float *w, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) {
    double mean = 0;
    for (int b = 0; b < BATCHES; b++) mean += g[b][i] / (double)BATCHES;
    sum += mean * w[i];
  }
  return sum;
}

static int run_batches(struct sigeo *s, struct nsw_lab *lab, size_t all, double *loss, struct nsw_error *err) {
  int count = lab->samples / BATCHES, status = NSW_OK;
  *loss = 0;
  for (int b = 0; b < BATCHES && !status; b++) {
    float *to = s->gradient + (size_t)b * all;
    status = nsw_lab_run_images(lab, b * count, count, err);
    if (status) break;
    nsw_lab_gradients(lab, to);
    for (size_t i = 0; i < all; i++) to[i] /= (float)count;
    for (int k = 0; k < count; k++) *loss += nsw_engine_losses(lab->engine)[k] / (count * BATCHES);
  }
  return status;
}

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  struct sigeo *s = state;
  size_t all = nsw_weights_in(lab->net), at = 0;
  double sum = 0;
  if (!NSW_RESERVE(s->gradient, s->room, BATCHES * all)) return nsw_no_memory(err, "gradients");
  int status = run_batches(s, lab, all, &values[LOSS], err);
  values[ZICO] = 0;
  for (int p = 0; p < lab->net->params && !status; p++) {
    size_t n = nsw_param_size(&lab->net->param[p]);
    const float *g[BATCHES];
    if (!nsw_is_weight(&lab->net->param[p])) continue;
    for (int b = 0; b < BATCHES; b++) g[b] = s->gradient + (size_t)b * all + at;
    nsw_weights_get(lab->weights, p, lab->gradient);
    values[ZICO] += layer(g, n);
    sum += products(g, lab->gradient, n);
    at += n;
  }
  values[FISHER_RAO] = log(fabs(sum));
  values[SIGEO] = s->share[0] * values[ZICO] + s->share[1] * values[FISHER_RAO] - s->share[2] * values[LOSS];
  return status;
}

static const struct nsw_measure measure = {
    .pass = &nsw_pass_own, .work = 3, .open = open_sigeo, .close = close_sigeo, .take = take};

static const struct nsw_proxy_column columns[] = {
    {"sigeo", "a x ZiCo + b x log of the Fisher-Rao norm - c x loss, over four batches", +1},
    {"sigeo_zico", "its first term: ZiCo over four batches", +1},
    {"sigeo_fr", "its second term: log |sum over weights of mean gradient x weight|", +1},
    {"sigeo_loss", "its third term: mean loss over four batches, nats", -1},
    {0}};

static const struct nsw_proxy_option options[] = {{"a", "1", "share of ZiCo"},
                                                  {"b", "1", "share of the Fisher-Rao norm's logarithm"},
                                                  {"c", "1", "share of the loss"},
                                                  {0}};

const struct nsw_proxy nsw_proxy_sigeo = {
    .name = "sigeo",
    .group = "gradient",
    .source = "SiGeo, arXiv 2311.13169, and its released program (Apache-2.0)",
    .note =
        "meant for networks that were trained a little (--warm-up); with b = c = 0 it is ZiCo; the paper's shares "
        "differ by space, ours are 1",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
    .samples = NSW_MEASURE_SAMPLES,
    .columns = columns,
    .options = options,
    .measure = &measure,
};
