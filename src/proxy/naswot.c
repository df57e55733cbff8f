/* NASWOT: how differently images open the network's ReLUs. K_ij counts the ReLUs that treat images i and j alike; the
 * score is log |det K|. As in the released code every ReLU module counts, so a sum that three convolutions read, each
 * behind its own ReLU, counts three times; unlike there, branches that reach no output do not count. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/linalg.h"
#include "proxy/measure.h"
#include "proxy/relu_codes.h"
#include "proxy/table.h"

struct naswot {
  double *kernel; /* [n][n] */
  int n;
  struct nsw_relu_codes codes;
};

static void close_naswot(void *state) {
  struct naswot *s = state;
  free(s->kernel);
  free(s->codes.words);
  free(s);
}

static int open_naswot(const struct nsw_context *context, const char *const *values, void **state,
                       struct nsw_error *err) {
  (void)context;
  (void)values;
  *state = calloc(1, sizeof(struct naswot));
  return *state ? NSW_OK : nsw_no_memory(err, "a score");
}

static int begin(void *state, struct nsw_lab *lab, struct nsw_error *err) {
  struct naswot *s = state;
  size_t n = (size_t)lab->samples;
  if (s->n != lab->samples) {
    free(s->kernel);
    s->kernel = malloc(n * n * sizeof *s->kernel);
    s->n = s->kernel ? lab->samples : 0;
  }
  if (!s->kernel) return nsw_no_memory(err, "a kernel of %zu images", n);
  memset(s->kernel, 0, n * n * sizeof *s->kernel);
  s->codes.failed = false;
  return NSW_OK;
}

static void observe(void *state, const struct nsw_engine *engine, int layer, enum nsw_moment moment) {
  struct naswot *s = state;
  struct nsw_relu_codes *c = &s->codes;
  if (moment != NSW_AFTER_LAYER || c->failed || !nsw_relu_codes(engine, layer, c)) return;
  for (int i = 0; i < s->n; i++)
    for (int j = 0; j <= i; j++) {
      size_t apart =
          nsw_relu_codes_apart(c->words + (size_t)i * c->length, c->words + (size_t)j * c->length, c->length);
      s->kernel[i * s->n + j] += (double)c->modules * (double)(c->bits - apart);
    }
}

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  struct naswot *s = state;
  (void)lab;
  if (s->codes.failed) return nsw_no_memory(err, "the codes of ReLUs");
  for (int i = 0; i < s->n; i++)
    for (int j = 0; j < i; j++) s->kernel[j * s->n + i] = s->kernel[i * s->n + j];
  values[0] = nsw_log_determinant(s->kernel, s->n);
  return NSW_OK;
}

static const struct nsw_measure measure = {.pass = &nsw_pass_forward,
                                           .open = open_naswot,
                                           .close = close_naswot,
                                           .begin = begin,
                                           .observe = observe,
                                           .take = take};

static const struct nsw_proxy_column columns[] = {
    {"naswot", "log-determinant of the kernel of ReLU activation patterns", +1}, {0}};

const struct nsw_proxy nsw_proxy_naswot = {
    .name = "naswot",
    .group = "forward",
    .source = "Mellor et al., Neural Architecture Search without Training, arXiv 2006.04647v3",
    .note = "ReLUs on branches that reach no output do not count; in the released code they do",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
    .samples = NSW_MEASURE_SAMPLES,
    .columns = columns,
    .measure = &measure,
};
