#include "net/weights.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "net/floats.h"

const char *const nsw_draw_names[NSW_DRAWS] = {"own", "absolute", "normal", "kaiming", "affine", "zero"};

/* Where a parameter lies, in floats from the start of the block. A gamma's running mean and variance follow behind all
 * parameters. */
struct place {
  size_t value, running;
  bool held, has_running; /* whether they are in memory */
  bool changed;           /* held, and may be other than drawn */
};

struct nsw_weights {
  const struct nsw_net *net;
  enum nsw_draw rule;
  uint64_t seed;
  bool affine;           /* some gamma or beta is held */
  struct nsw_floats all; /* room for everything, where anything is held: what is not is never touched */
  size_t size;           /* floats of everything */
  struct place *place;   /* [params] */
  int room;              /* places there is memory for */
};

/* ---- drawing ---- */

/* As the benchmark draws it. */
static void draw_own(const struct nsw_param *param, struct nsw_stream stream, float *out, size_t n) {
  switch (param->init) {
    case NSW_INIT_UNIFORM:
      nsw_random_uniform(stream, param->scale, out, n);
      break;
    case NSW_INIT_TRUNCATED_NORMAL:
      nsw_random_normal(stream, param->scale, 2.0f, out, n);
      break;
    case NSW_INIT_ONES:
      for (size_t i = 0; i < n; i++) out[i] = 1.0f;
      break;
    case NSW_INIT_ZEROS:
      memset(out, 0, n * sizeof *out);
      break;
  }
}

/* centre +- 1/2. */
static void draw_around(struct nsw_stream stream, float centre, float *out, size_t n) {
  nsw_random_uniform(stream, 0.5f, out, n);
  for (size_t i = 0; i < n; i++) out[i] += centre;
}

static struct nsw_stream stream_of(const struct nsw_param *param, uint64_t seed) {
  return (struct nsw_stream){.seed = seed, .which = param->key, .purpose = NSW_FOR_WEIGHTS};
}

void nsw_param_draw(const struct nsw_param *param, enum nsw_draw rule, uint64_t seed, float *out) {
  size_t n = nsw_param_size(param);
  struct nsw_stream stream = stream_of(param, seed);
  bool normal = rule == NSW_DRAW_NORMAL || rule == NSW_DRAW_KAIMING;
  bool vector = param->kind == NSW_PARAM_GAMMA || param->kind == NSW_PARAM_BETA;
  if (normal && (param->kind == NSW_PARAM_CONV || param->kind == NSW_PARAM_LINEAR)) {
    double fan_in = (double)n / param->shape[0];
    nsw_random_normal(stream, rule == NSW_DRAW_NORMAL ? 1.0f : (float)sqrt(2 / fan_in), 0, out, n);
  } else if (rule == NSW_DRAW_ZERO || (normal && param->kind == NSW_PARAM_BIAS)) {
    memset(out, 0, n * sizeof *out);
  } else if (rule == NSW_DRAW_AFFINE && vector) {
    draw_around(stream, param->kind == NSW_PARAM_GAMMA, out, n);
  } else {
    draw_own(param, stream, out, n);
  }
  for (size_t i = 0; rule == NSW_DRAW_ABSOLUTE && i < n; i++) out[i] = fabsf(out[i]);
}

/* Running statistics have streams of their own: the gamma's seed with its bits turned. */
static void draw_running(const struct nsw_weights *w, int gamma, float *mean, float *variance) {
  const struct nsw_param *param = &w->net->param[gamma];
  size_t n = nsw_param_size(param);
  for (size_t i = 0; i < n; i++) {
    mean[i] = 0;
    variance[i] = w->rule == NSW_DRAW_ZERO ? 0 : 1;
  }
  if (w->rule != NSW_DRAW_AFFINE) return;
  struct nsw_stream stream = stream_of(param, ~w->seed);
  draw_around(stream, 0, mean, n);
  stream.which = w->net->param[gamma + 1].key;
  draw_around(stream, 1, variance, n);
}

/* ---- the value ---- */

static void lay_out(struct nsw_weights *w) {
  const struct nsw_net *net = w->net;
  size_t at = 0;
  for (int p = 0; p < net->params; p++) {
    w->place[p] = (struct place){.value = at};
    at += nsw_param_size(&net->param[p]);
  }
  for (int p = 0; p < net->params; p++) {
    w->place[p].running = at;
    at += net->param[p].kind == NSW_PARAM_GAMMA ? 2 * nsw_param_size(&net->param[p]) : 0;
  }
  w->size = at;
}

int nsw_weights_draw(struct nsw_weights **weights, const struct nsw_net *net, enum nsw_draw rule, uint64_t seed,
                     struct nsw_error *err) {
  struct nsw_weights *w = *weights ? *weights : calloc(1, sizeof *w);
  if (!w) return nsw_no_memory(err, "the weights of a network");
  *weights = w;
  if (net->params > w->room) {
    free(w->place);
    w->place = malloc((size_t)net->params * sizeof *w->place);
    w->room = w->place ? net->params : 0;
    if (!w->place) return nsw_no_memory(err, "the weights of a network");
  }
  w->net = net;
  w->rule = rule;
  w->seed = seed;
  w->affine = false;
  lay_out(w);
  return NSW_OK;
}

void nsw_weights_free(struct nsw_weights **weights) {
  if (!*weights) return;
  nsw_floats_free(&(*weights)->all);
  free((*weights)->place);
  free(*weights);
  *weights = NULL;
}

/* Memory for everything; it grows only while nothing is in it, as all of a program's is reserved at once. */
static int reserve(struct nsw_weights *w, struct nsw_error *err) {
  return nsw_floats_need(&w->all, w->size) ? NSW_OK : nsw_no_memory(err, "%zu weights", w->size);
}

/* Marks a parameter as held and gives its memory out, which nsw_weights_get no longer reads from the rule. */
static float *hold(struct nsw_weights *w, int param) {
  enum nsw_param_kind kind = w->net->param[param].kind;
  w->place[param].held = true;
  w->affine |= kind == NSW_PARAM_GAMMA || kind == NSW_PARAM_BETA;
  return w->all.p + w->place[param].value;
}

static void hold_drawn(struct nsw_weights *w, int param) {
  if (w->place[param].held) return;
  nsw_param_draw(&w->net->param[param], w->rule, w->seed, hold(w, param));
}

int nsw_weights_hold(struct nsw_weights *w, enum nsw_hold what, struct nsw_error *err) {
  int status = reserve(w, err);
  for (int p = 0; p < w->net->params && !status; p++) {
    const struct nsw_param *param = &w->net->param[p];
    bool matrix = param->kind == NSW_PARAM_CONV || param->kind == NSW_PARAM_LINEAR;
    if (what == NSW_HOLD_ALL || (param->live && (matrix || what == NSW_HOLD_LIVE))) hold_drawn(w, p);
  }
  return status;
}

void nsw_weights_get(const struct nsw_weights *w, int param, float *out) {
  const float *held = nsw_weights_at(w, param);
  if (held)
    memcpy(out, held, nsw_param_size(&w->net->param[param]) * sizeof *out);
  else
    nsw_param_draw(&w->net->param[param], w->rule, w->seed, out);
}

const float *nsw_weights_at(const struct nsw_weights *w, int param) {
  return w->place[param].held ? w->all.p + w->place[param].value : NULL;
}

float *nsw_weights_edit(struct nsw_weights *w, int param, struct nsw_error *err) {
  if (reserve(w, err) != NSW_OK) return NULL;
  hold_drawn(w, param);
  w->place[param].changed = true;
  return w->all.p + w->place[param].value;
}

int nsw_weights_set(struct nsw_weights *w, int param, const float *values, struct nsw_error *err) {
  int status = reserve(w, err);
  if (status) return status;
  memcpy(hold(w, param), values, nsw_param_size(&w->net->param[param]) * sizeof *values);
  w->place[param].changed = true;
  return NSW_OK;
}

void nsw_weights_running(const struct nsw_weights *w, int gamma, float *mean, float *variance) {
  const struct place *at = &w->place[gamma];
  size_t n = nsw_param_size(&w->net->param[gamma]);
  if (!at->has_running) {
    draw_running(w, gamma, mean, variance);
    return;
  }
  memcpy(mean, w->all.p + at->running, n * sizeof *mean);
  memcpy(variance, w->all.p + at->running + n, n * sizeof *variance);
}

int nsw_weights_set_running(struct nsw_weights *w, int gamma, const float *mean, const float *variance,
                            struct nsw_error *err) {
  struct place *at = &w->place[gamma];
  size_t n = nsw_param_size(&w->net->param[gamma]);
  int status = reserve(w, err);
  if (status) return status;
  memcpy(w->all.p + at->running, mean, n * sizeof *mean);
  memcpy(w->all.p + at->running + n, variance, n * sizeof *variance);
  at->has_running = true;
  return NSW_OK;
}

bool nsw_weights_affine(const struct nsw_weights *w) { return w->affine || w->rule == NSW_DRAW_AFFINE; }

bool nsw_weights_own(const struct nsw_weights *w, int param, uint64_t *seed) {
  *seed = w->seed;
  return w->rule == NSW_DRAW_OWN && !w->place[param].changed;
}

/* ---- steps ---- */

/* v = momentum v + g + decay w; w -= rate times that, or, looking ahead, times g + decay w + momentum v. */
static void step_values(float *w, float *v, const float *g, size_t n, const struct nsw_step *s) {
  for (size_t i = 0; i < n; i++) {
    float d = g[i] + s->decay * w[i];
    if (v) {
      v[i] = s->momentum * v[i] + d;
      d = s->nesterov ? d + s->momentum * v[i] : v[i];
    }
    w[i] -= s->rate * d;
  }
}

int nsw_weights_step(struct nsw_weights *w, struct nsw_weights *velocity, const struct nsw_weights *gradient,
                     const struct nsw_step *step, struct nsw_error *err) {
  const struct nsw_net *net = w->net;
  struct nsw_floats zeros = {0};
  size_t most = 1;
  for (int p = 0; p < net->params; p++)
    if (nsw_param_size(&net->param[p]) > most) most = nsw_param_size(&net->param[p]);
  int status = nsw_weights_hold(w, NSW_HOLD_LIVE, err);
  bool moving = velocity && step->momentum != 0;
  if (!status && moving) status = nsw_weights_hold(velocity, NSW_HOLD_LIVE, err);
  for (int p = 0; p < net->params && !status; p++) {
    if (!net->param[p].live) continue;
    const float *g = nsw_weights_at(gradient, p);
    if (!g && !zeros.p) {
      if (!nsw_floats_need(&zeros, most)) status = nsw_no_memory(err, "a step of weights");
      if (zeros.p) memset(zeros.p, 0, most * sizeof *zeros.p);
    }
    float *v = moving ? velocity->all.p + velocity->place[p].value : NULL;
    w->place[p].changed = true;
    if (!status) step_values(w->all.p + w->place[p].value, v, g ? g : zeros.p, nsw_param_size(&net->param[p]), step);
  }
  nsw_floats_free(&zeros);
  return status;
}

bool nsw_weights_finite(const struct nsw_weights *w) {
  for (int p = 0; p < w->net->params; p++) {
    const float *x = nsw_weights_at(w, p);
    int bad = 0;
    for (size_t i = 0, n = x ? nsw_param_size(&w->net->param[p]) : 0; i < n; i++) bad |= !(fabsf(x[i]) <= FLT_MAX);
    if (bad) return false;
  }
  return true;
}
