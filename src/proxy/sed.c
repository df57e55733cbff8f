#include "proxy/sed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "proxy/table.h"
#include "space/nb101.h"

/* Every feature map is taken as locally Gaussian and described by its entropy power N = exp(2H)/(2 pi e), its variance
 * up to a constant. The input has N = 1, every operation multiplies N by its gain, a sum of maps adds their powers (the
 * entropy power inequality, taken as an equality), a concatenation averages them, weighted by channels. The score is
 * the cell's output entropy, half the logarithm of its N, in nats. */

/* Four recursions, one a column: all gains, and those of convolutions, pooling and skips alone (the others set to 1).
 * They run in pairs, the vector every CPU has, and so give the same bits on all. */
enum { PAIRS = 2, COLUMNS = 2 * PAIRS };
typedef double pair __attribute__((vector_size(16)));

struct sed {
  const struct nsw_space *space;
  bool concat;               /* the output concatenates, and the input is projected (nb101) */
  int channels;              /* of the first stage: the weights of a concatenation */
  pair gain[PAIRS][NSW_OPS]; /* by operation; NONE 0, vertices without an operation 1 */
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

/* Gives an operation its gain in some of the columns. */
static void set_gain(struct sed *s, int op, double gain, const bool in[COLUMNS]) {
  for (int c = 0; c < COLUMNS; c++)
    if (in[c]) s->gain[c / 2][op][c % 2] = gain;
}

static int open_sed(const struct nsw_context *context, const char *const *values, void **state, struct nsw_error *err) {
  double gain[OPTIONS];
  for (int i = 0; i < OPTIONS; i++) {
    int status = read_gain(i, values[i], &gain[i], err);
    if (status) return status;
  }
  struct sed *s = malloc(sizeof *s);
  if (!s) return nsw_fail(err, "sed: out of memory");
  s->space = context->space;
  s->concat = nsw_space_kind(context->space)->ops_on_vertices;
  s->channels = context->macro.channels;
  set_gain(s, NSW_OP_NONE, 0, (const bool[]){true, true, true, true});
  for (int op = NSW_OP_NONE + 1; op < NSW_OPS; op++) set_gain(s, op, 1, (const bool[]){true, true, true, true});
  set_gain(s, NSW_OP_CONV1, gain[OPTION_CONV1], (const bool[]){true, true, false, false});
  set_gain(s, NSW_OP_CONV3, gain[OPTION_CONV3], (const bool[]){true, true, false, false});
  set_gain(s, NSW_OP_AVGPOOL3, gain[OPTION_AVGPOOL], (const bool[]){true, false, true, false});
  set_gain(s, NSW_OP_MAXPOOL3, gain[OPTION_MAXPOOL], (const bool[]){true, false, true, false});
  set_gain(s, NSW_OP_SKIP, gain[OPTION_SKIP], (const bool[]){true, false, false, true});
  *state = s;
  return NSW_OK;
}

/* Entropy powers of the output, two columns of them, where operations sit on edges and every vertex is a sum. */
static inline pair sum_powers(const pair *gain, const struct nsw_cell *cell) {
  pair power[NSW_MAX_VERTICES];
  power[0] = (pair){1, 1};
  for (int v = 1, e = 0; v < cell->vertices; v++) {
    pair sum = {0};
    for (int from = 0; from < v; from++, e++) sum += gain[cell->edge_op[e]] * power[from];
    power[v] = sum;
  }
  return power[cell->vertices - 1];
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
static inline pair concat_powers(const pair *gain, const struct nsw_cell *cell, const struct shares *shares) {
  pair power[NSW_MAX_VERTICES], output;
  power[0] = gain[NSW_OP_CONV1];
  output = power[0] * shares->of[0];
  uint32_t edges = cell->edges;
  for (int v = 1; v < cell->vertices - 1; v++) {
    pair sum = {0};
    for (int from = 0; from < v; from++, edges >>= 1)
      if (edges & 1) sum += power[from];
    power[v] = sum * gain[cell->vertex_op[v]];
    output += power[v] * shares->of[v];
  }
  return output;
}

/* Drops the last 16 bits of the powers (Veltkamp's splitting). Powers that are equal as numbers come out of sums in
 * different orders (isomorphic cells, for one) and differ in their last bits: they are ties and must stay ties in a
 * rank correlation. */
static inline pair round_powers(pair power) {
  pair high = power * 65537.0;
  return high - (high - power);
}

static int score_sed(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                     struct nsw_error *err) {
  const struct sed *s = state;
  struct shares shares = {0};
  (void)seed, (void)err;
  for (size_t i = 0; i < n; i++) {
    struct nsw_cell cell;
    nsw_space_cell(s->space, members[i], &cell);
    if (s->concat && (cell.edges != shares.edges || cell.vertices != shares.vertices)) find_shares(s, &cell, &shares);
    for (int p = 0; p < PAIRS; p++) {
      pair power = s->concat ? concat_powers(s->gain[p], &cell, &shares) : sum_powers(s->gain[p], &cell);
      power = round_powers(power);
      /* Gains are positive and bounded, so a power is 0 exactly where no path leads to the output. */
      status[i] = power[0] > 0 ? NSW_ROW_SCORED : NSW_ROW_NO_PATH;
      for (int c = 0; c < 2; c++) values[i * COLUMNS + (size_t)(2 * p + c)] = 0.5 * log(power[c]);
    }
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
    .group = "topology",
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
