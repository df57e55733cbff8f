#include "search/gcn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "search/dense.h"
#include "search/inputs.h"
#include "search/model.h"

static size_t width_in(const struct nsw_gcn *g, size_t layer) { return layer ? g->width : NSW_GRAPH_PROPERTIES; }
static size_t width_read(const struct nsw_gcn *g) { return 2 * g->width + g->extras; }

bool nsw_gcn_make(struct nsw_gcn *g, size_t layers, size_t width, size_t extras) {
  *g = (struct nsw_gcn){.layers = layers, .width = width, .extras = extras};
  if (!layers || layers > NSW_GCN_LAYERS) return false;
  size_t total = 0;
  for (size_t l = 0; l < layers; l++) {
    g->at[l] = total;
    total += (3 * width_in(g, l) + 1) * width;
  }
  g->at[layers] = total;
  total += (width_read(g) + 1) * width;
  g->at[layers + 1] = total;
  return nsw_adam_make(&g->adam, total + width + 1);
}

static void free_room(struct nsw_gcn *g) {
  free(g->first);
  for (size_t l = 0; l < NSW_GCN_LAYERS; l++) {
    free(g->seen[l]);
    free(g->node[l]);
    g->seen[l] = g->node[l] = NULL;
  }
  free(g->dnode);
  free(g->dseen);
  free(g->read);
  free(g->dread);
  free(g->hidden);
  free(g->dhidden);
  free(g->value);
  free(g->dvalue);
  g->first = NULL;
  g->dnode = g->dseen = g->read = g->dread = g->hidden = g->dhidden = g->value = g->dvalue = NULL;
  g->node_room = g->row_room = 0;
}

void nsw_gcn_free(struct nsw_gcn *g) {
  nsw_adam_free(&g->adam);
  free_room(g);
}

void nsw_gcn_begin(struct nsw_gcn *g, struct nsw_dice *dice) {
  nsw_adam_reset(&g->adam);
  for (size_t l = 0; l < g->layers; l++)
    nsw_adam_draw(g->adam.w + g->at[l], 3 * width_in(g, l) * g->width, 3 * width_in(g, l), dice);
  nsw_adam_draw(g->adam.w + g->at[g->layers], width_read(g) * g->width, width_read(g), dice);
  nsw_adam_draw(g->adam.w + g->at[g->layers + 1], g->width, g->width, dice);
}

static bool make_room(struct nsw_gcn *g, size_t rows, size_t nodes) {
  if (rows <= g->row_room && nodes <= g->node_room) return true;
  free_room(g);
  bool ok = (g->first = malloc((rows + 1) * sizeof *g->first));
  for (size_t l = 0; l < g->layers; l++) {
    ok &= (g->seen[l] = malloc(nodes * 3 * width_in(g, l) * sizeof **g->seen)) != NULL;
    ok &= (g->node[l] = malloc(nodes * g->width * sizeof **g->node)) != NULL;
  }
  ok &= (g->dnode = malloc(nodes * g->width * sizeof *g->dnode)) != NULL;
  ok &= (g->dseen = malloc(nodes * 3 * g->width * sizeof *g->dseen)) != NULL;
  ok &= (g->read = malloc(rows * width_read(g) * sizeof *g->read)) != NULL;
  ok &= (g->dread = malloc(rows * width_read(g) * sizeof *g->dread)) != NULL;
  ok &= (g->hidden = malloc(rows * g->width * sizeof *g->hidden)) != NULL;
  ok &= (g->dhidden = malloc(rows * g->width * sizeof *g->dhidden)) != NULL;
  ok &= (g->value = malloc(rows * sizeof *g->value)) != NULL;
  ok &= (g->dvalue = malloc(rows * sizeof *g->dvalue)) != NULL;
  if (!ok) return false;
  g->row_room = rows;
  g->node_room = nodes;
  return true;
}

/* ---- along the edges ---- */

static void add(float *to, const float *from, float scale, size_t n) {
  for (size_t i = 0; i < n; i++) to[i] += scale * from[i];
}

/* 1 / edges into, and out of, every node of a graph. */
static void shares(const uint32_t *from, size_t nodes, float into[NSW_GRAPH_NODES], float out[NSW_GRAPH_NODES]) {
  int leads[NSW_GRAPH_NODES] = {0};
  for (size_t v = 0; v < nodes; v++) {
    into[v] = from[v] ? 1 / (float)__builtin_popcount(from[v]) : 0;
    for (uint32_t edges = from[v]; edges; edges &= edges - 1) leads[__builtin_ctz(edges)]++;
  }
  for (size_t v = 0; v < nodes; v++) out[v] = leads[v] ? 1 / (float)leads[v] : 0;
}

/* x[nodes][in] of one graph into seen[nodes][3 in]: itself, the mean of what leads to it, of what it leads to. */
static void look_around(const uint32_t *from, size_t nodes, size_t in, const float *x, float *seen) {
  float into[NSW_GRAPH_NODES], out[NSW_GRAPH_NODES];
  shares(from, nodes, into, out);
  for (size_t v = 0; v < nodes; v++) {
    memcpy(seen + v * 3 * in, x + v * in, in * sizeof *x);
    memset(seen + v * 3 * in + in, 0, 2 * in * sizeof *x);
  }
  for (size_t v = 0; v < nodes; v++)
    for (uint32_t edges = from[v]; edges; edges &= edges - 1) {
      size_t u = (size_t)__builtin_ctz(edges);
      add(seen + v * 3 * in + in, x + u * in, into[v], in);
      add(seen + u * 3 * in + 2 * in, x + v * in, out[u], in);
    }
}

/* Its transpose: dseen into dx, which it sets. */
static void look_back(const uint32_t *from, size_t nodes, size_t in, const float *dseen, float *dx) {
  float into[NSW_GRAPH_NODES], out[NSW_GRAPH_NODES];
  shares(from, nodes, into, out);
  for (size_t v = 0; v < nodes; v++) memcpy(dx + v * in, dseen + v * 3 * in, in * sizeof *dx);
  for (size_t v = 0; v < nodes; v++)
    for (uint32_t edges = from[v]; edges; edges &= edges - 1) {
      size_t u = (size_t)__builtin_ctz(edges);
      add(dx + u * in, dseen + v * 3 * in + in, into[v], in);
      add(dx + v * in, dseen + u * 3 * in + 2 * in, out[u], in);
    }
}

static const uint32_t *edges_of(const struct nsw_gcn *g, uint32_t candidate) {
  return g->graphs->from + g->graphs->first[candidate];
}

/* ---- forward and backward ---- */

const float *nsw_gcn_forward(struct nsw_gcn *g, const uint32_t *candidate, size_t rows) {
  const struct nsw_graphs *graphs = g->graphs;
  size_t nodes = 0, width = g->width, wide = width_read(g);
  for (size_t i = 0; i < rows; i++) nodes += graphs->first[candidate[i] + 1] - graphs->first[candidate[i]];
  if (!make_room(g, rows, nodes)) return NULL;
  g->first[0] = 0;
  for (size_t i = 0; i < rows; i++)
    g->first[i + 1] = g->first[i] + graphs->first[candidate[i] + 1] - graphs->first[candidate[i]];
  for (size_t l = 0; l < g->layers; l++) {
    size_t in = width_in(g, l);
    for (size_t i = 0; i < rows; i++) {
      size_t count = g->first[i + 1] - g->first[i];
      float properties[NSW_GRAPH_NODES * NSW_GRAPH_PROPERTIES];
      const float *x = properties;
      if (l) x = g->node[l - 1] + g->first[i] * width;
      for (size_t v = 0; !l && v < count; v++)
        memcpy(properties + v * in, nsw_graph_properties[graphs->op[graphs->first[candidate[i]] + v]],
               in * sizeof *properties);
      look_around(edges_of(g, candidate[i]), count, in, x, g->seen[l] + g->first[i] * 3 * in);
    }
    nsw_dense_forward(g->seen[l], g->adam.w + g->at[l], nodes, 3 * in, width, true, g->node[l]);
  }
  for (size_t i = 0; i < rows; i++) {
    float *read = g->read + i * wide;
    const float *x = g->node[g->layers - 1];
    size_t count = g->first[i + 1] - g->first[i];
    memset(read, 0, width * sizeof *read);
    for (size_t v = g->first[i]; v < g->first[i + 1]; v++) add(read, x + v * width, 1 / (float)count, width);
    memcpy(read + width, x + (g->first[i + 1] - 1) * width, width * sizeof *read);
    if (g->extras) memcpy(read + 2 * width, g->extra + candidate[i] * g->extras, g->extras * sizeof *read);
  }
  nsw_dense_forward(g->read, g->adam.w + g->at[g->layers], rows, wide, width, true, g->hidden);
  nsw_dense_forward(g->hidden, g->adam.w + g->at[g->layers + 1], rows, width, 1, false, g->value);
  return g->value;
}

double nsw_gcn_loss(struct nsw_gcn *g, const uint32_t *candidate, const float *target, size_t rows) {
  size_t width = g->width, wide = width_read(g), layers = g->layers;
  if (!nsw_gcn_forward(g, candidate, rows)) return NAN;
  double loss = 0;
  for (size_t i = 0; i < rows; i++) {
    float error = g->value[i] - target[i];
    g->dvalue[i] = 2 * error / (float)rows;
    loss += (double)error * error / (double)rows;
  }
  float *w = g->adam.w, *dw = g->adam.g;
  nsw_dense_backward(g->hidden, w + g->at[layers + 1], g->value, rows, width, 1, false, g->dvalue,
                     dw + g->at[layers + 1], g->dhidden);
  nsw_dense_backward(g->read, w + g->at[layers], g->hidden, rows, wide, width, true, g->dhidden, dw + g->at[layers],
                     g->dread);
  for (size_t i = 0; i < rows; i++) {
    const float *dread = g->dread + i * wide;
    float share = 1 / (float)(g->first[i + 1] - g->first[i]);
    for (size_t v = g->first[i]; v < g->first[i + 1]; v++) {
      float *d = g->dnode + v * width;
      for (size_t k = 0; k < width; k++) d[k] = share * dread[k];
      if (v + 1 == g->first[i + 1]) add(d, dread + width, 1, width);
    }
  }
  size_t nodes = g->first[rows];
  for (size_t l = layers; l-- > 0;) {
    size_t in = width_in(g, l);
    nsw_dense_backward(g->seen[l], w + g->at[l], g->node[l], nodes, 3 * in, width, true, g->dnode, dw + g->at[l],
                       l ? g->dseen : NULL);
    for (size_t i = 0; l && i < rows; i++)
      look_back(edges_of(g, candidate[i]), g->first[i + 1] - g->first[i], width, g->dseen + g->first[i] * 3 * width,
                g->dnode + g->first[i] * width);
  }
  return loss;
}

bool nsw_gcn_predict(struct nsw_gcn *g, size_t first, size_t end, double *value) {
  enum { BLOCK = 256 };
  uint32_t candidate[BLOCK];
  for (; first < end; first += BLOCK) {
    size_t rows = end - first < BLOCK ? end - first : BLOCK;
    for (size_t i = 0; i < rows; i++) candidate[i] = (uint32_t)(first + i);
    const float *out = nsw_gcn_forward(g, candidate, rows);
    if (!out) return false;
    for (size_t i = 0; i < rows; i++) value[first + i] = out[i];
  }
  return true;
}

/* ---- fitted to one space, applied to another ---- */

/* A sample of candidates in random order, and the normal scores of what was looked at. */
static int draw_sample(const struct nsw_ground *ground, size_t n, struct nsw_dice *dice, uint32_t **candidate,
                       float **target, struct nsw_error *err) {
  uint32_t *all = malloc((ground->n + 1) * sizeof *all);
  double *z = malloc((ground->n + 1) * sizeof *z);
  *target = malloc((n + 1) * sizeof **target);
  *candidate = all;
  int status = all && z && *target ? NSW_OK : nsw_no_memory(err, "a sample of %zu", n);
  if (!status) status = nsw_normal_scores(ground->look, ground->n, z, err);
  for (size_t i = 0; i < ground->n && !status; i++) all[i] = (uint32_t)i;
  for (size_t i = 0; i < n && !status; i++) {
    size_t j = i + nsw_dice_below(dice, (uint32_t)(ground->n - i));
    uint32_t t = all[i];
    all[i] = all[j];
    all[j] = t;
    (*target)[i] = (float)z[all[i]];
  }
  free(z);
  return status;
}

/* Batches in the sample's order, which is random; the rate falls along half a cosine. */
static int fit_all(struct nsw_gcn *g, const struct nsw_gcn_plan *plan, const uint32_t *candidate, const float *target,
                   size_t n, double *loss, struct nsw_error *err) {
  size_t steps = plan->epochs * ((n + plan->batch - 1) / plan->batch), step = 0;
  for (size_t epoch = 0; epoch < plan->epochs; epoch++) {
    *loss = 0;
    for (size_t at = 0; at < n; at += plan->batch) {
      size_t rows = n - at < plan->batch ? n - at : plan->batch;
      double one = nsw_gcn_loss(g, candidate + at, target + at, rows);
      if (isnan(one)) return nsw_fail(err, "the network diverged, or there is no memory for it");
      *loss += one * (double)rows / (double)n;
      float rate = plan->rate * .5f * (1 + cosf((float)M_PI * (float)step++ / (float)steps));
      nsw_adam_step(&g->adam, rate, plan->decay);
    }
  }
  return NSW_OK;
}

int nsw_gcn_transfer(const struct nsw_ground *train, const struct nsw_ground *apply, const struct nsw_gcn_plan *plan,
                     size_t sample, uint64_t seed, double *value, double *fit, struct nsw_error *err) {
  struct nsw_graphs from = {0}, to = {0};
  struct nsw_gcn g = {0};
  struct nsw_dice dice;
  uint32_t *candidate = NULL;
  float *target = NULL;
  if (!sample || sample > train->n) sample = train->n;
  nsw_dice_begin(&dice, (struct nsw_stream){seed, 0, NSW_FOR_MODEL});
  int status = nsw_graphs_make(train, &from, err);
  if (!status) status = nsw_graphs_make(apply, &to, err);
  if (!status && !nsw_gcn_make(&g, plan->layers, plan->width, 0)) status = nsw_no_memory(err, "a model");
  if (!status) status = draw_sample(train, sample, &dice, &candidate, &target, err);
  if (!status) {
    nsw_gcn_begin(&g, &dice);
    g.graphs = &from;
    status = fit_all(&g, plan, candidate, target, sample, fit, err);
  }
  g.graphs = &to;
  if (!status && !nsw_gcn_predict(&g, 0, apply->n, value)) status = nsw_no_memory(err, "a model");
  free(candidate);
  free(target);
  nsw_gcn_free(&g);
  nsw_graphs_free(&from);
  nsw_graphs_free(&to);
  return status;
}

/* ---- the method ---- */

enum { LAYERS = NSW_MODEL_SETTINGS, WIDTH, EPOCHS, RATE, DECAY };

struct state {
  struct nsw_graphs graphs;
  struct nsw_gcn gcn;
  float *extra; /* scores */
  struct nsw_gcn_plan plan;
  float *y; /* [room] */
  size_t room;
};

static void close_gcn(void *state) {
  struct state *s = state;
  nsw_graphs_free(&s->graphs);
  nsw_gcn_free(&s->gcn);
  free(s->extra);
  free(s->y);
  free(s);
}

static int open_gcn(const struct nsw_ground *ground, const struct nsw_search *search, void **state,
                    struct nsw_error *err) {
  struct state *s = *state = calloc(1, sizeof *s);
  const double *set = search->set;
  if (!s) return nsw_no_memory(err, "a model");
  s->plan = (struct nsw_gcn_plan){.epochs = (size_t)set[EPOCHS], .rate = (float)set[RATE], .decay = (float)set[DECAY]};
  bool scores = search->use & NSW_USE_INPUTS;
  int status = nsw_graphs_make(ground, &s->graphs, err);
  if (!status && scores) status = nsw_inputs_scores(ground, &s->extra, err);
  if (!status && !nsw_gcn_make(&s->gcn, (size_t)set[LAYERS], (size_t)set[WIDTH], scores ? ground->scores : 0))
    status = nsw_no_memory(err, "a model of %zu graphs", ground->n);
  s->gcn.graphs = &s->graphs;
  s->gcn.extra = s->extra;
  return status;
}

static int fit(void *state, const uint32_t *candidate, const double *y, size_t n, struct nsw_dice *dice,
               struct nsw_error *err) {
  struct state *s = state;
  double loss;
  if (n > s->room) {
    free(s->y);
    s->y = malloc(2 * n * sizeof *s->y);
    s->room = s->y ? 2 * n : 0;
  }
  if (!s->room) return nsw_no_memory(err, "a model of %zu trainings", n);
  for (size_t i = 0; i < n; i++) s->y[i] = (float)y[i];
  nsw_gcn_begin(&s->gcn, dice);
  s->plan.batch = n;
  return fit_all(&s->gcn, &s->plan, candidate, s->y, n, &loss, err);
}

static int predict(void *state, double *value, struct nsw_error *err) {
  struct state *s = state;
  return nsw_gcn_predict(&s->gcn, 0, s->graphs.n, value) ? NSW_OK : nsw_no_memory(err, "predictions");
}

static const struct nsw_model model = {fit, predict};

static int run(struct nsw_repeat *run, struct nsw_error *err) { return nsw_model_run(run, &model, err); }

static const struct nsw_method_option options[] = {NSW_MODEL_OPTIONS,
                                                   {"layers", 2, 1, NSW_GCN_LAYERS, "graph convolutions"},
                                                   {"width", 16, 1, 1024, "of each of them"},
                                                   {"epochs", 100, 1, 1e6, "steps of Adam on all of the sample"},
                                                   {"rate", .01, 0, 10, "of the first step"},
                                                   {"decay", .001, 0, 10, "of weights, decoupled"},
                                                   {NULL, 0, 0, 0, NULL}};

const struct nsw_method nsw_method_gcn = {
    .name = "gcn",
    .summary = "a graph convolution network on cells, operations told by properties of our own; batches from its top",
    .source = "the loop of WeakNAS, NeurIPS 2021; graphs after the idea of TG-NAS, arXiv 2404.00271, not its code",
    .kind = NSW_METHOD_PREDICTS,
    .options = options,
    .open = open_gcn,
    .close = close_gcn,
    .run = run,
};
