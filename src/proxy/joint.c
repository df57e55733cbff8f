#include "proxy/joint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/images.h"
#include "proxy/measure.h"
#include "proxy/units.h"
#include "train/trainer.h"

/* One measure that takes part. */
struct part {
  const struct nsw_proxy *proxy;
  const struct nsw_measure *measure;
  void *state;
  int first, columns; /* its columns among all */
  int samples;        /* n of its pass */
};

/* A pass that is run with n images. */
struct turn {
  const struct nsw_pass *pass;
  int samples;
  struct nsw_batch *batch; /* the data's first n images; NULL where there are none */
  unsigned wanted;         /* enum nsw_want of all passes bound together with it */
};

struct joint {
  const struct nsw_context *context;
  struct nsw_units units;
  struct nsw_lab lab;
  struct part *part;
  int parts, columns;
  struct turn *turn; /* in the order they are run */
  int turns;
  struct nsw_batch *batch;     /* one for every n; as many as there could be */
  struct nsw_trainer *trainer; /* of the warm-up; NULL: there is none */
  double work;                 /* forward passes of single images that an evaluation costs */
  const struct turn *running;  /* whose observers are called */
};

/* ---- which passes are run ---- */

/* Whether a pass is run with n images: it is asked for, or another one comes after it. */
static bool asked(const struct joint *j, const struct nsw_pass *pass, int samples) {
  for (int k = 0; k < j->parts; k++) {
    const struct nsw_pass *p = j->part[k].measure->pass;
    if (j->part[k].samples == samples && (p == pass || p->after == pass)) return true;
  }
  return false;
}

/* Whether a turn's results are the measure's. */
static bool serves(const struct turn *t, const struct part *p) {
  const struct nsw_pass *pass = p->measure->pass;
  return p->samples == t->samples && (pass == t->pass || (pass->included && pass->included == t->pass));
}

static struct nsw_batch *batch_of(struct joint *j, int samples) {
  for (struct nsw_batch *b = j->batch; b < j->batch + j->parts; b++)
    if (!b->images || b->images == samples) return b;
  return NULL;
}

/* Turns of all passes with n images. */
static int add_turns(struct joint *j, int samples, bool data, struct nsw_error *err) {
  const struct nsw_images *images = j->context->images;
  struct nsw_batch *batch = data ? batch_of(j, samples) : NULL;
  int first = j->turns, status = NSW_OK;
  if (data) status = nsw_batch_fill(batch, images->pixels, images->labels, samples, images->resolution, err);
  for (int i = 0; nsw_passes[i] && !status; i++) {
    const struct nsw_pass *pass = nsw_passes[i];
    if (!asked(j, pass, samples) || (pass->included && asked(j, pass->included, samples))) continue;
    j->turn[j->turns++] = (struct turn){.pass = pass, .samples = samples, .batch = batch};
    j->work += pass->work(samples) * samples;
  }
  for (int a = first; a < j->turns; a++)
    for (int b = first; b < j->turns; b++)
      if (j->turn[a].pass->bind == j->turn[b].pass->bind) j->turn[a].wanted |= j->turn[b].pass->wanted;
  return status;
}

/* Whether the weights are read after a pass, or more than once before one. */
static bool holds_weights(const struct joint *j) {
  int binds = 0;
  for (int k = 0; k < j->turns; k++) {
    if (j->turn[k].pass->reads_weights) return true;
    binds +=
        j->turn[k].batch && j->turn[k].pass->bind && (k == 0 || j->turn[k].pass->bind != j->turn[k - 1].pass->bind);
  }
  return binds > 1;
}

static int plan_turns(struct joint *j, struct nsw_error *err) {
  int status = NSW_OK;
  for (int k = 0; k < j->parts && !status; k++) {
    bool data = false, done = false;
    for (int i = 0; i < j->parts; i++) {
      if (j->part[i].samples != j->part[k].samples) continue;
      data = data || (j->part[i].proxy->needs & NSW_NEEDS_DATA);
      done = done || i < k;
    }
    if (!done) status = add_turns(j, j->part[k].samples, data, err);
  }
  j->lab.held = holds_weights(j);
  return status;
}

/* ---- one evaluation ---- */

/* Hands an event to every measure of the turn that observes. */
static void observe(void *with, const struct nsw_engine *engine, int layer, enum nsw_moment moment) {
  const struct joint *j = with;
  for (int k = 0; k < j->parts; k++) {
    const struct nsw_measure *m = j->part[k].measure;
    if (m->observe && serves(j->running, &j->part[k])) m->observe(j->part[k].state, engine, layer, moment);
  }
}

static bool observed(const struct joint *j) {
  for (int k = 0; k < j->parts; k++)
    if (j->part[k].measure->observe && serves(j->running, &j->part[k])) return true;
  return false;
}

static int begin_all(struct joint *j, struct nsw_error *err) {
  int status = NSW_OK;
  for (int k = 0; k < j->parts && !status; k++) {
    const struct nsw_measure *m = j->part[k].measure;
    if (m->begin && serves(j->running, &j->part[k])) status = m->begin(j->part[k].state, &j->lab, err);
  }
  return status;
}

/* What a measure makes of the pass that was run. */
static int take(struct nsw_lab *lab, const struct part *p, double *values, struct nsw_error *err) {
  if (p->measure->take) return p->measure->take(p->state, lab, values, err);
  values[0] = ldexp(nsw_lab_sum(lab, p->measure->term), nsw_engine_exponent(lab->engine));
  return NSW_OK;
}

/* One pass, and what its measures take from it. bound: what the engine has been bound by. */
static int run_turn(struct joint *j, const struct turn *t, const struct turn *before, double *values,
                    struct nsw_error *err) {
  const struct nsw_pass *pass = t->pass;
  bool bound = before && before->pass->bind == pass->bind && before->samples == t->samples;
  int status = NSW_OK;
  j->running = t;
  j->lab.samples = t->samples;
  j->lab.batch = t->batch;
  j->lab.wanted = t->wanted;
  if (pass->bind && !bound) status = pass->bind(&j->lab, err);
  if (!status) status = begin_all(j, err);
  if (observed(j)) nsw_engine_observe(j->lab.engine, observe, j);
  if (!status && pass->run) status = pass->run(&j->lab, err);
  nsw_engine_observe(j->lab.engine, NULL, NULL);
  for (int k = 0; k < j->parts && !status; k++) {
    const struct part *p = &j->part[k];
    if (serves(t, p)) status = take(&j->lab, p, values + p->first, err);
  }
  return status;
}

static int run_all(struct joint *j, double *values, struct nsw_error *err) {
  int status = NSW_OK;
  for (int k = 0; k < j->turns && !status; k++)
    status = run_turn(j, &j->turn[k], k ? &j->turn[k - 1] : NULL, values, err);
  return status;
}

/* A member's own values from its unit's. */
static int adapt(struct joint *j, uint32_t member, const struct nsw_net *net, double *values, struct nsw_error *err) {
  int status = NSW_OK;
  for (int k = 0; k < j->parts && !status; k++) {
    const struct part *p = &j->part[k];
    j->lab.samples = p->samples;
    if (p->measure->member) status = p->measure->member(p->state, &j->lab, member, net, values + p->first, err);
  }
  return status;
}

/* Values of members whose input and output are not connected. */
static void no_path(const struct joint *j, size_t n, double *values, uint8_t *status) {
  for (size_t i = 0; i < n; i++) {
    for (int k = 0; k < j->parts; k++)
      for (int c = 0; c < j->part[k].columns; c++)
        values[i * (size_t)j->columns + (size_t)(j->part[k].first + c)] =
            j->part[k].measure->zero_without_path ? 0 : NAN;
    status[i] = NSW_ROW_NO_PATH;
  }
}

/* Trains the unit's network a little: its weights are what all measures find, unless the training diverged. */
static int warm_up(struct joint *j, uint64_t seed, bool *apart, struct nsw_error *err) {
  struct nsw_trained trained = {0};
  const struct nsw_net *net = j->lab.net;
  int status = nsw_trainer_run(j->trainer, net, seed, NULL, NULL, &trained, err);
  const struct nsw_weights *from = !status ? nsw_trainer_weights(j->trainer) : NULL;
  for (int p = 0; p < net->params && !status; p++) {
    const float *values = nsw_weights_at(from, p);
    if (values) status = nsw_weights_set(j->lab.weights, p, values, err);
  }
  *apart = trained.diverged;
  return nsw_error_prefix(err, status, "warm-up");
}

static int evaluate(struct joint *j, uint64_t seed, const uint32_t *members, struct nsw_net *const *nets, size_t n,
                    double *values, uint8_t *status, struct nsw_error *err) {
  size_t columns = (size_t)j->columns;
  bool apart = false; /* then there is nothing to look at, and no column has a value */
  for (size_t c = 0; c < n * columns; c++) values[c] = NAN;
  int done = nsw_lab_begin(&j->lab, members[0], nets, n, seed, err);
  if (done == NSW_OK && j->trainer) done = warm_up(j, seed, &apart, err);
  if (done == NSW_OK && !apart) done = run_all(j, values, err);
  for (size_t i = 1; i < n && done == NSW_OK; i++) memcpy(values + i * columns, values, columns * sizeof *values);
  for (size_t i = 0; i < n && done == NSW_OK; i++) {
    if (!apart) done = adapt(j, members[i], nets[i], values + i * columns, err);
    status[i] = NSW_ROW_SCORED;
  }
  return done;
}

int nsw_joint_score(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                    struct nsw_error *err) {
  struct joint *j = state;
  struct nsw_net **nets = calloc(n, sizeof *nets);
  int done = nets ? NSW_OK : nsw_no_memory(err, "%zu networks", n);
  bool path = true;
  for (size_t i = 0; i < n && done == NSW_OK && path; i++) {
    done = (j->trainer ? nsw_net_build_trained : nsw_net_build)(j->context->space, members[i], &j->context->macro,
                                                                &nets[i], err);
    path = done == NSW_OK && nets[0]->features >= 0;
  }
  if (done == NSW_OK && path) done = evaluate(j, seed, members, nets, n, values, status, err);
  if (done == NSW_OK && !path) no_path(j, n, values, status);
  for (size_t i = 0; nets && i < n; i++) nsw_net_free(&nets[i]);
  free(nets);
  return done;
}

/* ---- the evaluator ---- */

void nsw_joint_close(void *state) {
  struct joint *j = state;
  if (!j) return;
  for (int k = 0; k < j->parts; k++)
    if (j->part[k].state) j->part[k].measure->close(j->part[k].state);
  for (int k = 0; k < j->parts; k++) nsw_batch_free(&j->batch[k]);
  nsw_lab_close(&j->lab);
  nsw_trainer_free(&j->trainer);
  nsw_units_close(&j->units);
  free(j->batch);
  free(j->turn);
  free(j->part);
  free(j);
}

/* Whether a measure can have the images it wants. */
static int check_samples(const struct nsw_context *c, const struct nsw_proxy *proxy, int samples,
                         struct nsw_error *err) {
  bool data = proxy->needs & NSW_NEEDS_DATA;
  if (samples < 2) return nsw_usage(err, "%s needs at least 2 samples, not %d", proxy->name, samples);
  if (data && (!c->images || (size_t)samples > c->images->count))
    return nsw_usage(err, "%s needs %d images, and there are %zu", proxy->name, samples,
                     c->images ? c->images->count : 0);
  return NSW_OK;
}

/* Tangents are of networks with gamma 1 and beta 0, which a training changes (net/tangent.h). */
static int check_tangents(const struct joint *j, struct nsw_error *err) {
  for (int k = 0; k < j->parts; k++)
    if (j->part[k].measure->pass == &nsw_pass_tangent)
      return nsw_usage(err, "%s takes untrained networks only: its tangents want gamma 1 and beta 0",
                       j->part[k].proxy->name);
  return NSW_OK;
}

static int open_warm_up(struct joint *j, struct nsw_error *err) {
  const struct nsw_context *c = j->context;
  struct nsw_recipe recipe;
  if (!c->warm_up) return NSW_OK;
  int status = nsw_recipe_parse(c->warm_up, "warm-up", &recipe, err);
  if (!status && (!c->images || (size_t)recipe.train > c->images->count))
    status = nsw_usage(err, "train = %d images, and there are %zu", recipe.train, c->images ? c->images->count : 0);
  if (!status && (recipe.macro.channels || recipe.macro.cells || recipe.macro.resolution))
    status = nsw_usage(err, "the network is the run's: no channels, cells or resolution of its own");
  if (!status) status = check_tangents(j, err);
  if (status) return nsw_error_prefix(err, status, "--warm-up");
  struct nsw_images first = *c->images;
  if (recipe.train) first.count = (size_t)recipe.train;
  j->work += 3.0 * (double)recipe.epochs * (double)first.count;
  status = nsw_trainer_create(&recipe, &first, first.resolution, &j->trainer, err);
  return nsw_error_prefix(err, status, "--warm-up");
}

static int samples_of(const struct nsw_context *c, const struct nsw_proxy *proxy) {
  return c->samples ? c->samples : proxy->samples ? proxy->samples : NSW_MEASURE_SAMPLES;
}

static int open_part(struct joint *j, const struct nsw_proxy *proxy, const char *const *values, const bool *wanted,
                     struct nsw_error *err) {
  const struct nsw_measure *m = proxy->measure;
  struct part *p = &j->part[j->parts];
  *p = (struct part){.proxy = proxy,
                     .measure = m,
                     .first = j->columns,
                     .columns = nsw_proxy_columns(proxy),
                     .samples = samples_of(j->context, proxy)};
  int status = check_samples(j->context, proxy, p->samples, err);
  if (status) return status;
  j->parts++;
  j->columns += p->columns;
  status = m->open ? m->open(j->context, values, &p->state, err) : NSW_OK;
  if (status) return nsw_error_prefix(err, status, "proxy %s", proxy->name);
  double work = m->want ? m->want(p->state, wanted + p->first) : m->work;
  j->work += m->pass == &nsw_pass_own ? work * p->samples : 0;
  return NSW_OK;
}

static int passes(void) {
  int n = 0;
  while (nsw_passes[n]) n++;
  return n;
}

/* Whether members of a unit must stay alike when they are trained. */
static bool trains(const struct nsw_context *context, const struct nsw_proxy *const *proxy, int count) {
  bool any = context->warm_up != NULL;
  for (int k = 0; k < count; k++) any = any || proxy[k]->needs & NSW_NEEDS_TRAINING;
  return any;
}

static int open_all(struct joint *j, const struct nsw_proxy *const *proxy, const char *const *const *values, int count,
                    const bool *wanted, struct nsw_error *err) {
  int most = 2;
  j->part = calloc((size_t)count, sizeof *j->part);
  j->batch = calloc((size_t)count, sizeof *j->batch);
  j->turn = calloc((size_t)(count * passes()), sizeof *j->turn);
  int status = j->part && j->batch && j->turn ? NSW_OK : nsw_no_memory(err, "%d scores", count);
  if (!status) status = nsw_units_open(j->context->space, trains(j->context, proxy, count), &j->units, err);
  for (int k = 0; k < count && !status; k++) {
    status = open_part(j, proxy[k], values[k], wanted, err);
    if (!status && j->part[k].samples > most) most = j->part[k].samples;
  }
  if (!status) status = nsw_lab_open(j->context, most, &j->lab, err);
  return !status ? plan_turns(j, err) : status;
}

int nsw_joint_open(const struct nsw_context *context, const struct nsw_proxy *const *proxy,
                   const char *const *const *values, int count, const bool *wanted, void **state,
                   struct nsw_error *err) {
  struct joint *j = calloc(1, sizeof *j);
  if (!j) return nsw_no_memory(err, "%d scores", count);
  j->context = context;
  int status = open_all(j, proxy, values, count, wanted, err);
  if (!status) status = open_warm_up(j, err);
  if (!status)
    *state = j;
  else
    nsw_joint_close(j);
  return status;
}

uint32_t nsw_joint_unit(const void *state, uint32_t index) { return ((const struct joint *)state)->units.of[index]; }

/* Two operations a multiply-add. */
double nsw_joint_cost(const void *state, uint32_t index) {
  const struct joint *j = state;
  return 2.0 * nsw_units_macs(&j->units, j->context, index) * j->work;
}
