#include "proxy/sed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "proxy/topology.h"
#include "space/nb101.h"

/* Every feature map is taken as locally Gaussian and described by its entropy power N = exp(2H)/(2 pi e), its variance
 * up to a constant. The input has N = 1, every operation multiplies N by its gain, a sum of maps adds their powers (the
 * entropy power inequality, taken as an equality), a concatenation averages them, weighted by channels. The score is
 * the cell's output entropy, half the logarithm of its N, in nats. */

enum { COLUMNS = 4 };

/* Four recursions at once: all gains, and those of convolutions, pooling and skips alone (the others set to 1). */
typedef double lanes __attribute__((vector_size(COLUMNS * sizeof(double))));

struct sed {
  const struct nsw_space *space;
  bool concat;         /* the output concatenates, and the input is projected (nb101) */
  int channels;        /* of the first stage: the weights of a concatenation */
  lanes gain[NSW_OPS]; /* by operation; NONE 0, vertices without an operation 1 */
};

double nsw_sed_max_variance(int n) {
  /* Moments of the density n phi(x) Phi(x)^(n-1) by the trapezoidal rule, which converges exponentially here. */
  const double step = 1.0 / 64, end = 10;
  double first = 0, second = 0;
  for (double x = -end; x <= end; x += step) {
    double density = exp(-x * x / 2) / sqrt(2 * M_PI), below = 0.5 * erfc(-x * M_SQRT1_2);
    double weight = step * n * density * pow(below, n - 1);
    first += weight * x;
    second += weight * x * x;
  }
  return second - first * first;
}

enum { OPTION_CONV1, OPTION_CONV3, OPTION_AVGPOOL, OPTION_MAXPOOL, OPTION_SKIP, OPTIONS };

static const struct nsw_proxy_option options[] = {
    [OPTION_CONV1] = {"conv1", "1", "gain of a 1x1 convolution, also of nb101's input projections (k*k terms summed)"},
    [OPTION_CONV3] = {"conv3", "9", "gain of a 3x3 convolution (k*k terms summed)"},
    [OPTION_AVGPOOL] = {"avgpool", "1/9", "gain of a 3x3 average pool (k*k terms averaged)"},
    [OPTION_MAXPOOL] = {"maxpool", "auto",
                        "gain of a 3x3 maximum pool; auto: the variance of the largest of nine standard normals"},
    [OPTION_SKIP] = {"skip", "1", "gain of a skip connection as an operation (nb201)"},
    [OPTIONS] = {0}};

/* A gain: a positive number, a quotient of two, or `auto` for the maximum pool. */
static int read_gain(int option, const char *text, double *gain, struct nsw_error *err) {
  char *end, quoted[NSW_QUOTE_SIZE];
  if (option == OPTION_MAXPOOL && !strcmp(text, "auto")) {
    *gain = nsw_sed_max_variance(9);
    return NSW_OK;
  }
  *gain = strtod(text, &end);
  if (end != text && *end == '/') {
    const char *divisor = end + 1;
    *gain /= strtod(divisor, &end);
    if (end == divisor) end = (char *)text;
  }
  if (end == text || *end || !isfinite(*gain) || *gain < 1e-6 || *gain > 1e6)
    return nsw_usage(err, "sed.%s=%s: a gain is a number from 1e-6 to 1e6, or a quotient such as 1/9%s",
                     options[option].key, nsw_quote(quoted, text), option == OPTION_MAXPOOL ? ", or auto" : "");
  return NSW_OK;
}

static int open_sed(const struct nsw_context *context, const char *const *values, void **state, struct nsw_error *err) {
  double gain[OPTIONS];
  for (int i = 0; i < OPTIONS; i++) {
    int status = read_gain(i, values[i], &gain[i], err);
    if (status) return status;
  }
  struct sed *s = aligned_alloc(sizeof(lanes), (sizeof *s + sizeof(lanes) - 1) / sizeof(lanes) * sizeof(lanes));
  if (!s) return nsw_fail(err, "sed: out of memory");
  s->space = context->space;
  s->concat = nsw_space_kind(context->space)->ops_on_vertices;
  s->channels = context->macro.channels;
  for (int op = 0; op < NSW_OPS; op++) s->gain[op] = (lanes){1, 1, 1, 1};
  s->gain[NSW_OP_NONE] = (lanes){0, 0, 0, 0};
  s->gain[NSW_OP_CONV1] = (lanes){gain[OPTION_CONV1], gain[OPTION_CONV1], 1, 1};
  s->gain[NSW_OP_CONV3] = (lanes){gain[OPTION_CONV3], gain[OPTION_CONV3], 1, 1};
  s->gain[NSW_OP_AVGPOOL3] = (lanes){gain[OPTION_AVGPOOL], 1, gain[OPTION_AVGPOOL], 1};
  s->gain[NSW_OP_MAXPOOL3] = (lanes){gain[OPTION_MAXPOOL], 1, gain[OPTION_MAXPOOL], 1};
  s->gain[NSW_OP_SKIP] = (lanes){gain[OPTION_SKIP], 1, 1, gain[OPTION_SKIP]};
  *state = s;
  return NSW_OK;
}

/* Entropy powers of the output where operations sit on edges and every vertex is a sum. */
static void sum_powers(const struct sed *s, const struct nsw_cell *cell, lanes *output) {
  lanes power[NSW_MAX_VERTICES] = {{1, 1, 1, 1}};
  for (int v = 1, e = 0; v < cell->vertices; v++) {
    power[v] = (lanes){0};
    for (int from = 0; from < v; from++, e++) power[v] += s->gain[cell->edge_op[e]] * power[from];
  }
  *output = power[cell->vertices - 1];
}

/* What the output of a concatenating cell takes of every vertex: channels as a share of the concatenation's, and 1 of
 * the input where an edge adds its projection. It depends on the edges alone, which neighbours in the enumeration
 * share: kept from one architecture to the next. */
struct shares {
  int vertices;
  uint32_t edges;
  double of[NSW_MAX_VERTICES];
};

static void find_shares(const struct sed *s, const struct nsw_cell *cell, struct shares *shares) {
  int channels[NSW_MAX_VERTICES], last = cell->vertices - 1, total = 0;
  uint32_t in = cell->edges >> nsw_edge(0, last);
  nsw_nb101_channels(cell, s->channels, s->channels, channels);
  for (int v = 1; v < last; v++) total += in >> v & 1 ? channels[v] : 0;
  *shares = (struct shares){.vertices = cell->vertices, .edges = cell->edges};
  shares->of[0] = in & 1;
  for (int v = 1; v < last; v++) shares->of[v] = in >> v & 1 ? (double)channels[v] / total : 0;
}

/* The same as sum_powers where operations sit on vertices: what comes from the input goes through a projection, a 1x1
 * convolution; the output is a concatenation of inner vertices, to which an edge from the input adds a projection. */
static void concat_powers(const struct sed *s, const struct nsw_cell *cell, struct shares *shares, lanes *output) {
  if (cell->edges != shares->edges || cell->vertices != shares->vertices) find_shares(s, cell, shares);
  lanes power[NSW_MAX_VERTICES] = {s->gain[NSW_OP_CONV1]};
  *output = power[0] * shares->of[0];
  uint32_t edges = cell->edges;
  for (int v = 1; v < cell->vertices - 1; v++) {
    lanes sum = {0};
    for (int from = 0; from < v; from++, edges >>= 1)
      if (edges & 1) sum += power[from];
    power[v] = sum * s->gain[cell->vertex_op[v]];
    *output += power[v] * shares->of[v];
  }
}

/* Drops the last 16 bits of the powers (Veltkamp's splitting). Powers that are equal as numbers come out of sums in different orders (isomorphic
 * cells, for one) and differ in their last bits: they are ties and must stay ties in a rank correlation. */
static inline void round_powers(lanes *power) {
  lanes high = *power * 65537.0;
  *power = high - (high - *power);
}

static int score_sed(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                     struct nsw_error *err) {
  const struct sed *s = state;
  struct shares shares = {0};
  (void)seed, (void)err;
  for (size_t i = 0; i < n; i++) {
    struct nsw_cell cell;
    lanes output;
    nsw_space_cell(s->space, members[i], &cell);
    if (s->concat)
      concat_powers(s, &cell, &shares, &output);
    else
      sum_powers(s, &cell, &output);
    round_powers(&output);
    /* Gains are positive and bounded, so a power is 0 exactly where no path leads to the output. */
    status[i] = output[0] > 0 ? NSW_ROW_SCORED : NSW_ROW_NO_PATH;
    for (int c = 0; c < COLUMNS; c++) values[i * COLUMNS + (size_t)c] = 0.5 * log(output[c]);
  }
  return NSW_OK;
}

static const struct nsw_proxy_column columns[] = {
    {"sed", "entropy of the cell's output, nats", +1},
    {"sed_conv", "the same with convolutions alone changing it, nats", +1},
    {"sed_pool", "the same with pooling alone changing it, nats", +1},
    {"sed_skip", "the same with skip connections alone changing it, nats", +1},
    {0}};

const struct nsw_proxy nsw_proxy_sed = {
    .name = "sed",
    .source =
        "a reconstruction after arXiv 2411.06236 (suppression of local entropy decrease): entropy powers of "
        "locally Gaussian feature maps, multiplied by operations, added by sums, averaged by concatenation",
    .note =
        "the paper's exact formula is not used: this is a reconstruction from its claims, and all gains are options",
    .needs = NSW_NEEDS_TOPOLOGY,
    .columns = columns,
    .options = options,
    .open = open_sed,
    .close = free,
    .score = score_sed,
};
