#include "base/random.h"

#include "proxy/table.h"

static int open_random(const struct nsw_context *context, const char *const *values, void **state,
                       struct nsw_error *err) {
  (void)context, (void)values, (void)err;
  *state = NULL;
  return NSW_OK;
}

static void close_random(void *state) { (void)state; }

static int score_random(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                        struct nsw_error *err) {
  (void)state, (void)err;
  for (size_t i = 0; i < n; i++) {
    struct nsw_stream stream = {.seed = seed, .which = members[i], .purpose = NSW_FOR_RANDOM};
    values[i] = nsw_random_double(stream, 0);
    status[i] = NSW_ROW_SCORED;
  }
  return NSW_OK;
}

static const struct nsw_proxy_column columns[] = {{"random", "uniform random number in [0, 1)", +1}, {0}};

const struct nsw_proxy nsw_proxy_random = {
    .name = "random",
    .group = "control",
    .source = "Philox 4x32-10, keyed by the seed and the architecture's index",
    .note = "a control: any correlation it shows is chance",
    .needs = NSW_NEEDS_TOPOLOGY | NSW_NEEDS_SEED,
    .columns = columns,
    .open = open_random,
    .close = close_random,
    .score = score_random,
};
