/* A proxy that only passes time: for trying out clusters, job scripts and the scheduler before real work is paid for,
 * and for testing what happens when an evaluation crashes. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "proxy/table.h"

enum { RATE, SPREAD, BUSY, CRASH, FAIL }; /* places in options[] */

static const struct nsw_proxy_option options[] = {
    {"rate", "1e10", "multiply-adds passed a second: an evaluation lasts macs/rate seconds"},
    {"spread", "0", "times vary around that by this part, in a way the scheduler cannot foresee (0 to 1)"},
    {"busy", "0", "1: keep the core busy meanwhile; 0: sleep"},
    {"crash", "none", "the evaluation of this class ends its process"},
    {"fail", "none", "the evaluation of this class gives no number"},
    {0}};

static const struct nsw_proxy_column columns[] = {{"dummy", "uniform random number in [0, 1) of the class", +1}, {0}};

struct dummy {
  const struct nsw_context *context;
  double rate, spread;
  bool busy;
  int64_t crash, fail; /* units, or -1 */
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
  double busy = 0;
  struct dummy *d = calloc(1, sizeof *d);
  *state = d;
  if (!d) return nsw_fail(err, "out of memory");
  d->context = context;
  int status = read_number(values, RATE, 1, 1e300, &d->rate, err);
  if (!status) status = read_number(values, SPREAD, 0, 1, &d->spread, err);
  if (!status) status = read_number(values, BUSY, 0, 1, &busy, err);
  if (!status) status = read_unit(context, values, CRASH, &d->crash, err);
  if (!status) status = read_unit(context, values, FAIL, &d->fail, err);
  d->busy = busy > 0;
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

static int score_dummy(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                       struct nsw_error *err) {
  const struct dummy *d = state;
  (void)err;
  uint32_t class_of = unit(d, members[0]);
  struct nsw_stream stream = {.seed = seed, .which = class_of, .purpose = NSW_FOR_RANDOM};
  double factor = 1 + d->spread * (2 * nsw_random_double(stream, 1) - 1);
  struct nsw_graph graph = {.shape = 0};
  nsw_space_graph(d->context->space, class_of, &graph);
  bool path = nsw_graph_has_path(&graph);
  if (class_of == d->crash) abort();
  pass((double)nsw_space_macs(d->context->space, class_of, &d->context->macro) / d->rate * factor, d->busy);
  for (size_t i = 0; i < n; i++) {
    values[i] = class_of == d->fail ? NAN : nsw_random_double(stream, 0);
    status[i] = path ? NSW_ROW_SCORED : NSW_ROW_NO_PATH;
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
    .open = open_dummy,
    .close = free,
    .unit = unit,
    .cost = cost,
    .score = score_dummy,
};
