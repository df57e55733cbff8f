#include "search/mlp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "search/dense.h"
#include "search/inputs.h"
#include "search/model.h"

bool nsw_mlp_make(struct nsw_mlp *m, size_t in, size_t hidden, size_t width) {
  *m = (struct nsw_mlp){.layers = hidden + 1};
  if (m->layers > NSW_MLP_LAYERS) return false;
  size_t total = 0;
  for (size_t l = 0; l <= m->layers; l++) m->width[l] = l == 0 ? in : l == m->layers ? 1 : width;
  for (size_t l = 0; l < m->layers; l++) {
    m->at[l] = total;
    total += (m->width[l] + 1) * m->width[l + 1];
  }
  return nsw_adam_make(&m->adam, total);
}

void nsw_mlp_free(struct nsw_mlp *m) {
  nsw_adam_free(&m->adam);
  for (size_t l = 0; l < NSW_MLP_LAYERS; l++) {
    free(m->y[l]);
    free(m->dy[l]);
  }
  *m = (struct nsw_mlp){0};
}

void nsw_mlp_begin(struct nsw_mlp *m, struct nsw_dice *dice) {
  nsw_adam_reset(&m->adam);
  for (size_t l = 0; l < m->layers; l++)
    nsw_adam_draw(m->adam.w + m->at[l], m->width[l] * m->width[l + 1], m->width[l], dice);
}

static bool make_room(struct nsw_mlp *m, size_t rows) {
  if (rows <= m->room) return true;
  m->room = 0;
  for (size_t l = 0; l < m->layers; l++) {
    free(m->y[l]);
    free(m->dy[l]);
    m->y[l] = malloc(rows * m->width[l + 1] * sizeof **m->y);
    m->dy[l] = malloc(rows * m->width[l + 1] * sizeof **m->dy);
    if (!m->y[l] || !m->dy[l]) return false;
  }
  m->room = rows;
  return true;
}

const float *nsw_mlp_forward(struct nsw_mlp *m, const float *x, size_t rows) {
  if (!make_room(m, rows)) return NULL;
  for (size_t l = 0; l < m->layers; l++)
    nsw_dense_forward(l ? m->y[l - 1] : x, m->adam.w + m->at[l], rows, m->width[l], m->width[l + 1], l + 1 < m->layers,
                      m->y[l]);
  return m->y[m->layers - 1];
}

double nsw_mlp_loss(struct nsw_mlp *m, const float *x, const float *target, size_t rows) {
  const float *value = nsw_mlp_forward(m, x, rows);
  if (!value) return NAN;
  double loss = 0;
  for (size_t i = 0; i < rows; i++) {
    float error = value[i] - target[i];
    m->dy[m->layers - 1][i] = 2 * error / (float)rows;
    loss += (double)error * error / (double)rows;
  }
  for (size_t l = m->layers; l-- > 0;)
    nsw_dense_backward(l ? m->y[l - 1] : x, m->adam.w + m->at[l], m->y[l], rows, m->width[l], m->width[l + 1],
                       l + 1 < m->layers, m->dy[l], m->adam.g + m->at[l], l ? m->dy[l - 1] : NULL);
  return loss;
}

/* ---- the method ---- */

enum { HIDDEN = NSW_MODEL_SETTINGS, WIDTH, EPOCHS, RATE, DECAY };

struct state {
  struct nsw_inputs inputs;
  struct nsw_mlp mlp;
  double epochs, rate, decay;
  float *x, *y; /* [room] of those trained */
  size_t room;
};

static void close_mlp(void *state) {
  struct state *s = state;
  nsw_inputs_free(&s->inputs);
  nsw_mlp_free(&s->mlp);
  free(s->x);
  free(s->y);
  free(s);
}

static int open_mlp(const struct nsw_ground *ground, const struct nsw_search *search, void **state,
                    struct nsw_error *err) {
  struct state *s = *state = calloc(1, sizeof *s);
  if (!s) return nsw_no_memory(err, "a model");
  s->epochs = search->set[EPOCHS];
  s->rate = search->set[RATE];
  s->decay = search->set[DECAY];
  unsigned kinds = NSW_INPUTS_WORD | (search->use & NSW_USE_INPUTS ? NSW_INPUTS_SCORES : 0);
  int status = nsw_inputs_make(ground, kinds, &s->inputs, err);
  if (!status && !nsw_mlp_make(&s->mlp, s->inputs.width, (size_t)search->set[HIDDEN], (size_t)search->set[WIDTH]))
    status = nsw_no_memory(err, "a model of %zu inputs", s->inputs.width);
  return status;
}

static int fit(void *state, const uint32_t *candidate, const double *y, size_t n, struct nsw_dice *dice,
               struct nsw_error *err) {
  struct state *s = state;
  size_t width = s->inputs.width;
  if (n > s->room) {
    size_t room = n < 64 ? 64 : 2 * n;
    free(s->x);
    free(s->y);
    s->x = malloc((room * width + 1) * sizeof *s->x);
    s->y = malloc(room * sizeof *s->y);
    s->room = s->x && s->y ? room : 0;
  }
  if (!s->room) return nsw_no_memory(err, "a model of %zu trainings", n);
  for (size_t i = 0; i < n; i++) {
    memcpy(s->x + i * width, s->inputs.x + candidate[i] * width, width * sizeof *s->x);
    s->y[i] = (float)y[i];
  }
  nsw_mlp_begin(&s->mlp, dice);
  for (int epoch = 0; epoch < (int)s->epochs; epoch++) {
    if (isnan(nsw_mlp_loss(&s->mlp, s->x, s->y, n))) return nsw_fail(err, "a model of %zu trainings diverged", n);
    nsw_adam_step(&s->mlp.adam, (float)s->rate, (float)s->decay);
  }
  return NSW_OK;
}

static int predict(void *state, double *value, struct nsw_error *err) {
  enum { BLOCK = 512 };
  struct state *s = state;
  for (size_t first = 0; first < s->inputs.n; first += BLOCK) {
    size_t rows = s->inputs.n - first < BLOCK ? s->inputs.n - first : BLOCK;
    const float *out = nsw_mlp_forward(&s->mlp, s->inputs.x + first * s->inputs.width, rows);
    if (!out) return nsw_no_memory(err, "predictions");
    for (size_t i = 0; i < rows; i++) value[first + i] = out[i];
  }
  return NSW_OK;
}

static const struct nsw_model model = {fit, predict};

static int run(struct nsw_repeat *run, struct nsw_error *err) { return nsw_model_run(run, &model, err); }

static const struct nsw_method_option options[] = {NSW_MODEL_OPTIONS,
                                                   {"hidden", 2, 0, NSW_MLP_LAYERS - 1, "hidden layers"},
                                                   {"width", 64, 1, 4096, "of each of them"},
                                                   {"epochs", 100, 1, 1e6, "steps of Adam on all of the sample"},
                                                   {"rate", .005, 0, 10, "of a step"},
                                                   {"decay", .01, 0, 10, "of weights, decoupled"},
                                                   {NULL, 0, 0, 0, NULL}};

const struct nsw_method nsw_method_mlp = {
    .name = "mlp",
    .summary = "a small perceptron on one-hot choices, fitted anew to all trained so far; batches from its top",
    .source = "Wu et al., WeakNAS, NeurIPS 2021 (there: 4 layers of 1000)",
    .kind = NSW_METHOD_PREDICTS | NSW_METHOD_GENES,
    .options = options,
    .open = open_mlp,
    .close = close_mlp,
    .run = run,
};
