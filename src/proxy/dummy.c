/* A proxy that only passes time: for trying out clusters, job scripts and the scheduler before real work is paid for,
 * and for testing what happens when an evaluation crashes. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "proxy/table.h"
#include "store/state.h"

enum { RATE, SPREAD, BUSY, CRASH, FAIL, POINTS }; /* places in options[] */

static const struct nsw_proxy_option options[] = {
    {"rate", "1e10", "multiply-adds passed a second: an evaluation lasts macs/rate seconds"},
    {"spread", "0", "times vary around that by this part, in a way the scheduler cannot foresee (0 to 1)"},
    {"busy", "0", "1: keep the core busy meanwhile; 0: sleep"},
    {"crash", "none", "the evaluation of this class ends its process"},
    {"fail", "none", "the evaluation of this class gives no number"},
    {"points", "0",
     "points of a curve that each evaluation gives; where there are some it can be stopped between them"},
    {0}};

static const struct nsw_proxy_column curves[] = {{"dummy_curve", "the score's share after each part of the time", 0},
                                                 {0}};
static const struct nsw_proxy_column columns[] = {{"dummy", "uniform random number in [0, 1) of the class", +1}, {0}};

struct dummy {
  const struct nsw_context *context;
  double rate, spread;
  bool busy;
  int64_t crash, fail; /* units, or -1 */
  size_t points;       /* of the curve */
};

static int read_number(const char *const *values, int place, double low, double high, double *number,
                       struct nsw_error *err) {
  char *end;
  *number = strtod(values[place], &end);
  if (end == values[place] || *end || !(*number >= low && *number <= high))
    return nsw_usage(err, "option %s wants a number from %g to %g, got '%.40s'", options[place].key, low, high,
                     values[place]);
  return NSW_OK;
}

/* An architecture's index, or -1 for none. */
static int read_unit(const struct nsw_context *context, const char *const *values, int place, int64_t *unit,
                     struct nsw_error *err) {
  double number = -1;
  int status = NSW_OK;
  if (values[place] && values[place][0] != 'n')
    status = read_number(values, place, 0, nsw_space_count(context->space) - 1, &number, err);
  *unit = (int64_t)number;
  return status;
}

static int open_dummy(const struct nsw_context *context, const char *const *values, void **state,
                      struct nsw_error *err) {
  double busy = 0, points = 0;
  struct dummy *d = calloc(1, sizeof *d);
  *state = d;
  if (!d) return nsw_no_memory(err, "a score");
  d->context = context;
  int status = read_number(values, RATE, 1, 1e300, &d->rate, err);
  if (!status) status = read_number(values, SPREAD, 0, 1, &d->spread, err);
  if (!status) status = read_number(values, BUSY, 0, 1, &busy, err);
  if (!status) status = read_unit(context, values, CRASH, &d->crash, err);
  if (!status) status = read_unit(context, values, FAIL, &d->fail, err);
  if (!status) status = read_number(values, POINTS, 0, 1000, &points, err);
  d->busy = busy > 0;
  d->points = (size_t)points;
  if (status) {
    free(d);
    *state = NULL;
  }
  return status;
}

static uint32_t unit(const void *state, uint32_t index) {
  const struct dummy *d = state;
  return nsw_space_class(d->context->space, index);
}

static double cost(const void *state, uint32_t index) {
  const struct dummy *d = state;
  return 2.0 * (double)nsw_space_macs(d->context->space, index, &d->context->macro);
}

static void pass(double seconds, bool busy) {
  double end = nsw_now() + seconds;
  while (busy && nsw_now() < end) continue;
  if (!busy) nsw_sleep_all(seconds);
}

static size_t points(const void *state) {
  const struct dummy *d = state;
  return d->points;
}

static bool lasts(const void *state) { return points(state) > 0; }

/* Passes the time in as many parts as the curve has points, stops between two of them when asked to, and goes on where
 * an earlier run stopped: the state is the number of parts passed. */
static int pass_in_parts(const struct dummy *d, uint64_t seed, uint32_t class_of, double seconds, bool *stopped,
                         struct nsw_error *err) {
  const char *folder = d->context->pause ? d->context->pause->folder : NULL;
  char name[96];
  void *there = NULL;
  size_t size = 0;
  uint32_t part = 0;
  snprintf(name, sizeof name, "dummy-%" PRIu64 "-%" PRIu32, seed, class_of);
  int status = folder ? nsw_state_read(folder, name, &there, &size, err) : NSW_OK;
  if (there && size == sizeof part) memcpy(&part, there, size);
  free(there);
  *stopped = false;
  for (; part < d->points && !status && !*stopped; part++) {
    *stopped = folder && nsw_asked_to_pause(d->context);
    if (*stopped) return nsw_state_write(folder, name, &part, sizeof part, err);
    pass(seconds / (double)d->points, d->busy);
  }
  if (!status && folder) nsw_state_remove(folder, name);
  return status;
}

static int score_dummy(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                       struct nsw_error *err) {
  const struct dummy *d = state;
  uint32_t class_of = unit(d, members[0]);
  struct nsw_stream stream = {.seed = seed, .which = class_of, .purpose = NSW_FOR_RANDOM};
  double factor = 1 + d->spread * (2 * nsw_random_double(stream, 1) - 1);
  struct nsw_graph graph = {.shape = 0};
  nsw_space_graph(d->context->space, class_of, &graph);
  bool path = nsw_graph_has_path(&graph);
  if (class_of == d->crash) abort();
  double seconds = (double)nsw_space_macs(d->context->space, class_of, &d->context->macro) / d->rate * factor;
  bool stopped = false;
  if (!d->points)
    pass(seconds, d->busy);
  else if (pass_in_parts(d, seed, class_of, seconds, &stopped, err) != NSW_OK)
    return NSW_FAILED;
  for (size_t i = 0; i < n; i++, values += 1 + d->points) {
    values[0] = class_of == d->fail ? NAN : nsw_random_double(stream, 0);
    for (size_t p = 0; p < d->points; p++) values[1 + p] = values[0] * (double)(p + 1) / (double)d->points;
    status[i] = stopped ? NSW_ROW_INTERRUPTED : path ? NSW_ROW_SCORED : NSW_ROW_NO_PATH;
  }
  return NSW_OK;
}

const struct nsw_proxy nsw_proxy_dummy = {
    .name = "dummy",
    .group = "control",
    .source = "none: time passes in proportion to the multiply-adds of the class",
    .note = "scores nothing; for trying out machines, job scripts and the scheduler",
    .needs = NSW_NEEDS_TOPOLOGY | NSW_NEEDS_SEED,
    .columns = columns,
    .options = options,
    .lasts = lasts,
    .curves = curves,
    .points = points,
    .open = open_dummy,
    .close = free,
    .unit = unit,
    .cost = cost,
    .score = score_dummy,
};
