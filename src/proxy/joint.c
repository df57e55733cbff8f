#include "proxy/joint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/images.h"
#include "proxy/measure.h"
#include "proxy/units.h"

/* One measure that takes part. */
struct part {
  const struct nsw_measure *measure;
  void *state;
  int first, columns; /* its columns among all */
};

struct joint {
  const struct nsw_context *context;
  struct nsw_units units;
  struct nsw_lab lab;
  struct part *part;
  int parts, columns;
  double work;           /* forward passes of all images that an evaluation costs */
  enum nsw_pass running; /* whose watchers are called */
};

/* ---- one evaluation ---- */

static bool wants(const struct joint *j, enum nsw_pass pass) {
  for (int k = 0; k < j->parts; k++)
    if (j->part[k].measure->pass == pass) return true;
  return false;
}

/* Whether a pass is run: what wants a way forward alone is content with that of NSW_PASS_TRAIN, which NSW_PASS_TANGENT
 * starts from. */
static bool runs(const struct joint *j, enum nsw_pass pass) {
  bool train = wants(j, NSW_PASS_TRAIN) || wants(j, NSW_PASS_TANGENT);
  if (pass == NSW_PASS_TRAIN) return train;
  return wants(j, pass) && !(pass == NSW_PASS_FORWARD && train);
}

/* Whether the pass that is running is the measure's. */
static bool serves(const struct joint *j, const struct nsw_measure *m) {
  return m->pass == j->running || (m->pass == NSW_PASS_FORWARD && j->running == NSW_PASS_TRAIN);
}

/* Hands an event to every measure of the pass that watches. */
static void watch(void *with, const struct nsw_engine *engine, int layer, enum nsw_moment moment) {
  const struct joint *j = with;
  for (int k = 0; k < j->parts; k++) {
    const struct nsw_measure *m = j->part[k].measure;
    if (m->watch && serves(j, m)) m->watch(j->part[k].state, engine, layer, moment);
  }
}

static int begin_all(struct joint *j, struct nsw_error *err) {
  int status = NSW_OK;
  for (int k = 0; k < j->parts && status == NSW_OK; k++) {
    const struct nsw_measure *m = j->part[k].measure;
    if (m->begin && serves(j, m)) status = m->begin(j->part[k].state, &j->lab, err);
  }
  return status;
}

/* One pass, and what its measures take from it. */
static int run_pass(struct joint *j, enum nsw_pass pass, double *values, struct nsw_error *err) {
  j->running = pass;
  int status = begin_all(j, err);
  nsw_engine_watch(j->lab.engine, pass == NSW_PASS_OWN ? NULL : watch, j);
  if (status == NSW_OK) status = nsw_lab_run(&j->lab, pass, wants(j, NSW_PASS_TANGENT), err);
  nsw_engine_watch(j->lab.engine, NULL, NULL);
  for (int k = 0; k < j->parts && status == NSW_OK; k++) {
    const struct part *p = &j->part[k];
    if (!serves(j, p->measure)) continue;
    status = p->measure->take(p->state, &j->lab, values + p->first, err);
    if (pass == NSW_PASS_OWN) j->lab.loaded = false; /* it may have done anything to the engine */
  }
  return status;
}

static int run_all(struct joint *j, double *values, struct nsw_error *err) {
  int status = NSW_OK;
  j->lab.loaded = false;
  for (enum nsw_pass pass = 0; pass < NSW_PASSES && status == NSW_OK; pass++) {
    if (runs(j, pass)) status = run_pass(j, pass, values, err);
  }
  return status;
}

/* A member's own values from its unit's. */
static int adapt(struct joint *j, uint32_t member, double *values, struct nsw_error *err) {
  struct nsw_net *net = NULL;
  int status = nsw_net_build(j->context->space, member, &j->context->macro, &net, err);
  for (int k = 0; k < j->parts && status == NSW_OK; k++) {
    const struct part *p = &j->part[k];
    if (p->measure->member) status = p->measure->member(p->state, &j->lab, member, net, values + p->first, err);
  }
  nsw_net_free(&net);
  return status;
}

int nsw_joint_score(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                    struct nsw_error *err) {
  struct joint *j = state;
  struct nsw_net *net = NULL;
  size_t columns = (size_t)j->columns;
  int done = nsw_net_build(j->context->space, members[0], &j->context->macro, &net, err);
  bool path = done == NSW_OK && net->features >= 0;
  j->lab.net = net;
  j->lab.index = members[0];
  j->lab.seed = seed;
  for (size_t c = 0; c < n * columns; c++) values[c] = NAN;
  if (path) done = run_all(j, values, err);
  for (size_t i = 1; i < n && path; i++) memcpy(values + i * columns, values, columns * sizeof *values);
  for (size_t i = 0; i < n && done == NSW_OK; i++) {
    if (path) done = adapt(j, members[i], values + i * columns, err);
    status[i] = path ? NSW_ROW_SCORED : NSW_ROW_NO_PATH;
  }
  j->lab.net = NULL;
  nsw_net_free(&net);
  return done;
}

/* ---- the evaluator ---- */

void nsw_joint_close(void *state) {
  struct joint *j = state;
  if (!j) return;
  for (int k = 0; k < j->parts; k++)
    if (j->part[k].state) j->part[k].measure->close(j->part[k].state);
  nsw_lab_close(&j->lab);
  nsw_units_close(&j->units);
  free(j->part);
  free(j);
}

static int open_parts(struct joint *j, const struct nsw_proxy *const *proxy, const char *const *const *values,
                      int count, const bool *wanted, struct nsw_error *err) {
  for (int k = 0; k < count; k++) {
    const struct nsw_measure *m = proxy[k]->measure;
    struct part *p = &j->part[j->parts++];
    *p = (struct part){.measure = m, .first = j->columns, .columns = nsw_proxy_columns(proxy[k])};
    j->columns += p->columns;
    int status = m->open ? m->open(j->context, values[k], &p->state, err) : NSW_OK;
    if (status != NSW_OK) return nsw_error_prefix(err, status, "proxy %s", proxy[k]->name);
    double work = m->want ? m->want(p->state, wanted + p->first) : m->work;
    j->work += m->pass == NSW_PASS_OWN ? work : 0;
  }
  for (enum nsw_pass pass = 0; pass < NSW_PASSES; pass++)
    if (runs(j, pass)) j->work += nsw_pass_work(pass, j->lab.samples);
  j->lab.input = wants(j, NSW_PASS_JACOBIAN);
  j->lab.forward = !runs(j, NSW_PASS_TRAIN) && !runs(j, NSW_PASS_JACOBIAN);
  return NSW_OK;
}

static int prepare(struct joint *j, int samples, bool data, struct nsw_error *err) {
  const struct nsw_context *c = j->context;
  if (samples < 2) return nsw_usage(err, "scores of a batch need at least 2 samples, not %d", samples);
  if (data && (!c->images || (size_t)samples > c->images->count))
    return nsw_usage(err, "%d images are needed, and there are %zu", samples, c->images ? c->images->count : 0);
  if (data && c->images->classes > c->macro.classes)
    return nsw_usage(err, "the images have %d classes, and the network only %d", c->images->classes, c->macro.classes);
  int status = nsw_units_open(c->space, &j->units, err);
  return status == NSW_OK ? nsw_lab_open(c, samples, &j->lab, err) : status;
}

int nsw_joint_open(const struct nsw_context *context, const struct nsw_proxy *const *proxy,
                   const char *const *const *values, int count, const bool *wanted, void **state,
                   struct nsw_error *err) {
  int samples = context->samples ? context->samples : NSW_MEASURE_SAMPLES;
  struct joint *j = calloc(1, sizeof *j);
  if (!j) return nsw_fail(err, "out of memory for %d scores", count);
  j->context = context;
  j->part = calloc((size_t)count, sizeof *j->part);
  bool data = false;
  for (int k = 0; k < count; k++) data |= (proxy[k]->needs & NSW_NEEDS_DATA) != 0;
  int status = j->part ? prepare(j, samples, data, err) : nsw_fail(err, "out of memory for %d scores", count);
  if (status == NSW_OK) status = open_parts(j, proxy, values, count, wanted, err);
  if (status == NSW_OK)
    *state = j;
  else
    nsw_joint_close(j);
  return status;
}

uint32_t nsw_joint_unit(const void *state, uint32_t index) { return ((const struct joint *)state)->units.of[index]; }

/* Two operations a multiply-add. */
double nsw_joint_cost(const void *state, uint32_t index) {
  const struct joint *j = state;
  return 2.0 * nsw_units_macs(&j->units, j->context, index) * j->lab.samples * j->work;
}
