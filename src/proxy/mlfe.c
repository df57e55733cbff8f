/* MLFE: the local entropy of feature maps, measured in a network with random weights on an image of ones. Looked at are
 * the outputs of the last three cells and what the classifier averages, each at a grid of 4 x 4 windows of 3 x 3 pixels
 * over all channels. A window's value is the entropy of a histogram of its numbers (as many bins as numbers, of equal
 * width) times the entropy of the softmax of their absolute values, in bits; a map's is the sum over its windows. The
 * score is the range of the maps' values, zeros left out below, times their sum.
 * `mlfe_entropy` is that sum alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/measure.h"
#include "proxy/table.h"

enum { SCORE, ENTROPY, COLUMNS };
enum { MAPS = 4, CELLS = 3, GRID = 4, WINDOW = 3 };

struct mlfe {
  float *map; /* [H][W][C] */
  size_t *bins;
  float *values; /* of a window */
  size_t room, window;
};

static void close_mlfe(void *state) {
  struct mlfe *s = state;
  free(s->map);
  free(s->bins);
  free(s->values);
  free(s);
}

static int open_mlfe(const struct nsw_context *context, const char *const *values, void **state,
                     struct nsw_error *err) {
  (void)context;
  (void)values;
  *state = calloc(1, sizeof(struct mlfe));
  return *state ? NSW_OK : nsw_no_memory(err, "mlfe");
}

/* ---- entropies ---- */

/* Of a histogram with n bins between the least and the largest of n values, bits. */
static double histogram_entropy(struct mlfe *s, size_t n) {
  double low = s->values[0], high = s->values[0], entropy = 0;
  for (size_t i = 1; i < n; i++) {
    low = fmin(low, s->values[i]);
    high = fmax(high, s->values[i]);
  }
  if (high - low < 1e-10) return 0;
  memset(s->bins, 0, n * sizeof *s->bins);
  for (size_t i = 0; i < n; i++) {
    size_t bin = (size_t)((s->values[i] - low) / (high - low) * (double)n);
    s->bins[bin < n ? bin : n - 1]++;
  }
  for (size_t i = 0; i < n; i++) {
    double p = (double)s->bins[i] / (double)n;
    if (p > 0) entropy -= p * log2(p);
  }
  return entropy;
}

/* Of the softmax of absolute values, bits. */
static double softmax_entropy(const struct mlfe *s, size_t n) {
  double most = 0, sum = 0, mean = 0;
  for (size_t i = 0; i < n; i++) most = fmax(most, fabs(s->values[i]));
  for (size_t i = 0; i < n; i++) {
    double e = exp(fabs(s->values[i]) - most);
    sum += e;
    mean += e * (fabs(s->values[i]) - most);
  }
  return (log(sum) - mean / sum) / log(2);
}

/* Place of window i of the grid: evenly from one pixel off the border to the other side. */
static int place(int i, int size) { return 1 + (int)((double)i * (size - 3) / (GRID - 1)); }

static double map_entropy(struct mlfe *s, int size, int channels) {
  size_t row = (size_t)channels, n = (size_t)(WINDOW * WINDOW) * row;
  double sum = 0;
  if (size < WINDOW) return 0; /* no window fits */
  for (int a = 0; a < GRID; a++)
    for (int b = 0; b < GRID; b++) {
      size_t k = 0;
      for (int h = place(a, size) - 1; h <= place(a, size) + 1; h++)
        for (int w = place(b, size) - 1; w <= place(b, size) + 1; w++, k += row)
          memcpy(s->values + k, s->map + ((size_t)h * (size_t)size + (size_t)w) * row, row * sizeof *s->map);
      sum += histogram_entropy(s, n) * softmax_entropy(s, n);
    }
  return sum;
}

/* ---- the network ---- */

static bool reserve(struct mlfe *s, const struct nsw_net *net) {
  size_t most = 0, widest = 0;
  for (int t = 0; t < net->tensors; t++) {
    const struct nsw_tensor *x = &net->tensor[t];
    size_t n = (size_t)x->size * (size_t)x->size * (size_t)x->channels;
    if (n > most) most = n;
    if ((size_t)x->channels > widest) widest = (size_t)x->channels;
  }
  if (most > s->room || widest > s->window) {
    free(s->map);
    free(s->bins);
    free(s->values);
    s->map = malloc(most * sizeof *s->map);
    s->bins = malloc(WINDOW * WINDOW * widest * sizeof *s->bins);
    s->values = malloc(WINDOW * WINDOW * widest * sizeof *s->values);
    bool ok = s->map && s->bins && s->values;
    s->room = ok ? most : 0;
    s->window = ok ? widest : 0;
  }
  return s->room && s->window;
}

/* Values of the maps while the network runs. */
struct look {
  struct mlfe *state;
  const struct nsw_net *net;
  int tensor[MAPS]; /* looked at; the same one twice counts twice */
  double value[MAPS];
};

static void observe(void *with, const struct nsw_engine *engine, int layer, enum nsw_moment moment) {
  struct look *l = with;
  if (moment != NSW_AFTER_LAYER) return;
  for (int m = 0; m < MAPS; m++) {
    const struct nsw_tensor *x = l->tensor[m] >= 0 ? &l->net->tensor[l->tensor[m]] : NULL;
    if (!x || x->producer != layer) continue;
    nsw_engine_values(engine, l->tensor[m], 0, l->state->map);
    l->value[m] = map_entropy(l->state, x->size, x->channels);
  }
}

static int run(struct look *look, struct nsw_lab *lab, struct nsw_error *err) {
  size_t side = (size_t)look->net->resolution, n = 3 * side * side;
  float *ones = malloc(n * sizeof *ones);
  if (!ones) return nsw_no_memory(err, "an image of ones");
  for (size_t i = 0; i < n; i++) ones[i] = 1;
  int status = nsw_batch_fill(&lab->spare, ones, NULL, 1, (int)side, err);
  free(ones);
  if (!status) status = nsw_weights_draw(&lab->other, look->net, NSW_DRAW_OWN, lab->seed, err);
  if (!status)
    status =
        nsw_engine_bind(lab->engine, look->net, lab->other, &lab->spare, (struct nsw_run){.norm = NSW_NORM_BATCH}, err);
  if (status) return status;
  nsw_engine_observe(lab->engine, observe, look);
  nsw_engine_forward(lab->engine);
  nsw_engine_observe(lab->engine, NULL, NULL);
  return NSW_OK;
}

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  struct nsw_net *net = NULL;
  int status = nsw_net_build_kept(lab->context->space, lab->index, &lab->context->macro, &net, err);
  if (status) return status;
  struct look look = {.state = state, .net = net};
  for (int m = 0; m < CELLS; m++) look.tensor[m] = net->cells > m ? net->cell[net->cells - 1 - m] : -1;
  look.tensor[CELLS] = net->features;
  status = reserve(state, net) ? run(&look, lab, err) : nsw_no_memory(err, "feature maps");
  double most = -INFINITY, least = INFINITY, sum = 0;
  for (int m = 0; m < MAPS; m++) {
    if (look.value[m] > most) most = look.value[m];
    if (look.value[m] > 0 && look.value[m] < least) least = look.value[m];
    sum += look.value[m];
  }
  values[SCORE] = isfinite(least) ? (most - least) * sum : 0;
  values[ENTROPY] = sum;
  nsw_net_free(&net);
  return status;
}

static const struct nsw_measure measure = {
    .pass = &nsw_pass_own, .work = 0.2 / NSW_MEASURE_SAMPLES, .open = open_mlfe, .close = close_mlfe, .take = take};

static const struct nsw_proxy_column columns[] = {
    {"mlfe", "range times sum of the measured local entropies of the last feature maps", +1},
    {"mlfe_entropy", "sum of the measured local entropies of the last feature maps, bits squared", +1},
    {0}};

const struct nsw_proxy nsw_proxy_mlfe = {
    .name = "mlfe",
    .group = "forward",
    .source =
        "NingW3028/MLFE (Apache-2.0), measured local entropy of feature maps, as its released program computes it",
    .note =
        "on the idea that SED is about, and not SED; of the classifier's layers only the map it averages is looked at",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_SEED,
    .columns = columns,
    .measure = &measure,
};
