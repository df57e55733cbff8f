#include "proxy/sed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "proxy/table.h"

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
  int channels;              /* of the first stage: the weights of a concatenation */
  pair gain[NSW_OPS][PAIRS]; /* by operation; NONE 0, nodes without an operation 1 */
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
    if (in[c]) s->gain[op][c / 2][c % 2] = gain;
}

static int open_sed(const struct nsw_context *context, const char *const *values, void **state, struct nsw_error *err) {
  double gain[OPTIONS];
  for (int i = 0; i < OPTIONS; i++) {
    int status = read_gain(i, values[i], &gain[i], err);
    if (status) return status;
  }
  struct sed *s = malloc(sizeof *s);
  if (!s) return nsw_no_memory(err, "sed");
  s->space = context->space;
  s->channels = context->macro.channels;
  set_gain(s, NSW_OP_NONE, 0, (const bool[]){true, true, true, true});
  for (int op = NSW_OP_NONE + 1; op < NSW_OPS; op++) set_gain(s, op, 1, (const bool[]){true, true, true, true});
  set_gain(s, NSW_OP_CONV1, gain[OPTION_CONV1], (const bool[]){true, true, false, false});
  set_gain(s, NSW_OP_PROJECT, gain[OPTION_CONV1], (const bool[]){true, true, false, false});
  set_gain(s, NSW_OP_CONV3, gain[OPTION_CONV3], (const bool[]){true, true, false, false});
  set_gain(s, NSW_OP_AVGPOOL3, gain[OPTION_AVGPOOL], (const bool[]){true, false, true, false});
  set_gain(s, NSW_OP_MAXPOOL3, gain[OPTION_MAXPOOL], (const bool[]){true, false, true, false});
  set_gain(s, NSW_OP_SKIP, gain[OPTION_SKIP], (const bool[]){true, false, false, true});
  *state = s;
  return NSW_OK;
}

/* What a concatenation, or the output that adds a projection to one, takes of the nodes that it reads: channels as a
 * share of the concatenation's, 1 of what is added. */
struct takes {
  int count;
  uint8_t node[NSW_NODE_INPUTS];
  double share[NSW_NODE_INPUTS];
};

/* What the walk needs beside the operations: kept from one architecture to the next, as neighbours in an enumeration
 * share all else. */
struct walk {
  struct nsw_graph graph;
  uint32_t shape;    /* that the rest belongs to */
  uint64_t weighted; /* nodes that take shares */
  struct takes takes[NSW_MAX_NODES];
};

static void add_shares(const struct nsw_graph *graph, int channels, const struct nsw_node *concat,
                       struct takes *takes) {
  int total = 0;
  for (int i = 0; i < concat->inputs; i++) total += nsw_node_channels(&graph->node[concat->input[i]], channels);
  for (int i = 0; i < concat->inputs && takes->count < NSW_NODE_INPUTS; i++) {
    takes->share[takes->count] = (double)nsw_node_channels(&graph->node[concat->input[i]], channels) / total;
    takes->node[takes->count++] = concat->input[i];
  }
}

/* Finds shares. What the output adds to a concatenation is added first. */
static void prepare(struct walk *w, int channels) {
  const struct nsw_graph *graph = &w->graph;
  w->shape = graph->shape;
  w->weighted = 0;
  for (int n = 1; n < graph->nodes; n++) {
    const struct nsw_node *node = &graph->node[n];
    w->takes[n].count = 0;
    if (node->op == NSW_OP_CONCAT) add_shares(graph, channels, node, &w->takes[n]);
    if (node->op != NSW_OP_CONCAT && node->op != NSW_OP_OUTPUT) continue;
    w->weighted |= UINT64_C(1) << n;
    for (int joined = 0; joined < 2 && node->op == NSW_OP_OUTPUT; joined++)
      for (int i = 0; i < node->inputs && w->takes[n].count < NSW_NODE_INPUTS; i++) {
        const struct nsw_node *source = &graph->node[node->input[i]];
        if ((source->op == NSW_OP_CONCAT) != joined) continue;
        if (joined) {
          add_shares(graph, channels, source, &w->takes[n]);
        } else {
          w->takes[n].share[w->takes[n].count] = 1;
          w->takes[n].node[w->takes[n].count++] = node->input[i];
        }
      }
  }
}

static inline void add_takes(const struct takes *t, pair power[][PAIRS], pair *a, pair *b) {
  *a = *b = (pair){0};
  for (int i = 0; i < t->count; i++) {
    *a += power[t->node[i]][0] * t->share[i];
    *b += power[t->node[i]][1] * t->share[i];
  }
}

/* Entropy powers of the output, in pairs of columns. */
static inline void walk_graph(const struct sed *s, const struct walk *w, pair output[PAIRS]) {
  pair power[NSW_MAX_NODES][PAIRS];
  int last = w->graph.nodes - 1;
  power[0][0] = power[0][1] = (pair){1, 1};
  for (int n = 1; n <= last; n++) {
    const struct nsw_node *node = &w->graph.node[n];
    pair a = power[node->input[0]][0], b = power[node->input[0]][1]; /* without inputs it is weighted */
    for (int i = 1; i < node->inputs; i++) a += power[node->input[i]][0], b += power[node->input[i]][1];
    if (w->weighted >> n & 1) add_takes(&w->takes[n], power, &a, &b);
    power[n][0] = a * s->gain[node->op][0];
    power[n][1] = b * s->gain[node->op][1];
  }
  output[0] = power[last][0];
  output[1] = power[last][1];
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
  struct walk walk = {.shape = 0};
  pair power[PAIRS], before[PAIRS] = {{0}};
  double entropy[COLUMNS] = {0};
  (void)seed, (void)err;
  for (size_t i = 0; i < n; i++) {
    nsw_space_graph(s->space, members[i], &walk.graph);
    if (!walk.shape || walk.shape != walk.graph.shape) prepare(&walk, s->channels);
    walk_graph(s, &walk, power);
    for (int p = 0; p < PAIRS; p++) {
      power[p] = round_powers(power[p]);
      /* Neighbours often have the same power: its logarithm is known. */
      for (int c = 0; c < 2; c++) {
        if (power[p][c] != before[p][c] || !i) entropy[2 * p + c] = 0.5 * log(power[p][c]);
        values[i * COLUMNS + (size_t)(2 * p + c)] = entropy[2 * p + c];
      }
      before[p] = power[p];
    }
    /* Gains are positive and bounded, so a power is 0 exactly where no path leads to the output. */
    status[i] = power[0][0] > 0 ? NSW_ROW_SCORED : NSW_ROW_NO_PATH;
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
    .needs = NSW_NEEDS_TOPOLOGY | NSW_NEEDS_CELLS,
    .columns = columns,
    .options = options,
    .open = open_sed,
    .close = free,
    .score = score_sed,
};
