#include "search/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "search/inputs.h"
#include "study/correlation.h"
#include "study/kendall.h"

/* What the loop keeps. */
struct loop {
  uint32_t *trained; /* [n] each once */
  size_t count;
  double *y;         /* [n] */
  double *predicted; /* [n] */
  uint32_t *top;     /* [n] */
  size_t tops;
};

/* A heap of the largest so far, the least of them on top. */
static void sift(const double *value, uint32_t *heap, size_t n, size_t at) {
  for (size_t child; (child = 2 * at + 1) < n; at = child) {
    if (child + 1 < n && value[heap[child + 1]] < value[heap[child]]) child++;
    if (value[heap[at]] <= value[heap[child]]) return;
    uint32_t t = heap[at];
    heap[at] = heap[child];
    heap[child] = t;
  }
}

size_t nsw_top_untrained(struct nsw_repeat *run, const double *value, size_t count, uint32_t *out) {
  size_t n = 0;
  for (size_t i = 0; i < run->ground->n; i++) {
    if (nsw_trained(run, (uint32_t)i)) continue;
    if (n < count) {
      out[n++] = (uint32_t)i;
      if (n == count)
        for (size_t k = n / 2; k-- > 0;) sift(value, out, n, k);
    } else if (value[i] > value[out[0]]) {
      out[0] = (uint32_t)i;
      sift(value, out, n, 0);
    }
  }
  return n;
}

/* Normal scores of what was looked at: a few accuracies at the level of chance would else be all that a model of least
 * squares sees. */
static int targets(struct nsw_repeat *run, struct loop *l, struct nsw_error *err) {
  for (size_t i = 0; i < l->count; i++) l->predicted[i] = run->ground->look[l->trained[i]];
  return nsw_normal_scores(l->predicted, l->count, l->y, err);
}

static int fit(struct nsw_repeat *run, const struct nsw_model *model, struct loop *l, struct nsw_error *err) {
  int status = targets(run, l, err);
  if (!status) status = model->fit(run->state, l->trained, l->y, l->count, &run->dice, err);
  return !status ? model->predict(run->state, l->predicted, err) : status;
}

static uint32_t draw_top(struct nsw_repeat *run, const void *state) {
  const struct loop *l = state;
  return l->top[nsw_dice_below(&run->dice, (uint32_t)l->tops)];
}

/* Trains it if it is new; false where the budget is spent. */
static bool train(struct nsw_repeat *run, struct loop *l, uint32_t candidate) {
  if (!nsw_train(run, candidate)) return false;
  l->trained[l->count++] = candidate;
  return true;
}

/* As many candidates as were trained, at random: what the loop trained is too much alike to tell of all the others. */
static void sample(struct nsw_repeat *run, struct loop *l) {
  memset(run->drawn, 0, run->ground->n * sizeof *run->drawn);
  for (size_t i = 0; i < l->count;) {
    uint32_t candidate = nsw_draw_any(run);
    if (run->drawn[candidate]) continue;
    run->drawn[candidate] = UINT32_MAX;
    l->trained[i++] = candidate;
  }
}

/* How the model ranks all candidates beside what was looked at and what is reported. */
static int compare(struct nsw_repeat *run, struct loop *l, struct nsw_error *err) {
  const struct nsw_ground *g = run->ground;
  struct nsw_ranks predicted;
  int status = nsw_ranks_make(l->predicted, g->n, &predicted, err);
  for (size_t c = 0; c < 1 + g->reports && !status; c++) {
    struct nsw_ranks other;
    struct nsw_kendall kendall = {.tau_b = NAN};
    status = nsw_ranks_make(c ? g->report[c - 1] : g->look, g->n, &other, err);
    if (!status) status = nsw_kendall(&predicted, &other, &kendall, err);
    if (!status) {
      run->rank[2 * c] = nsw_spearman(&predicted, &other);
      run->rank[2 * c + 1] = kendall.tau_b;
    }
    nsw_ranks_free(&other);
  }
  nsw_ranks_free(&predicted);
  return status;
}

int nsw_model_run(struct nsw_repeat *run, const struct nsw_model *model, struct nsw_error *err) {
  const double *set = run->search->set;
  size_t n = run->ground->n, top = (size_t)set[NSW_MODEL_TOP];
  struct loop l = {.trained = malloc((n + 1) * sizeof *l.trained),
                   .y = malloc((n + 1) * sizeof *l.y),
                   .predicted = malloc((n + 1) * sizeof *l.predicted),
                   .top = malloc((n + 1) * sizeof *l.top)};
  bool pays = l.trained && l.y && l.predicted && l.top;
  int status = pays ? NSW_OK : nsw_no_memory(err, "predictions of %zu candidates", n);
  for (size_t i = 0; i < (size_t)set[NSW_MODEL_FIRST] && pays && l.count < n; i++) {
    uint32_t candidate = nsw_first_ones(run);
    while (nsw_trained(run, candidate)) candidate = nsw_draw_any(run);
    pays = train(run, &l, candidate);
  }
  while (pays && l.count < n && !status) {
    status = fit(run, model, &l, err);
    l.tops = nsw_top_untrained(run, l.predicted, top, l.top);
    for (size_t i = 0; i < (size_t)set[NSW_MODEL_BATCH] && pays && l.tops && !status; i++) {
      uint32_t candidate = nsw_propose(run, draw_top, &l);
      pays = train(run, &l, candidate);
      for (size_t k = 0; k < l.tops; k++)
        if (l.top[k] == candidate) l.top[k] = l.top[--l.tops];
    }
  }
  if (!status && l.count) {
    sample(run, &l);
    status = fit(run, model, &l, err);
  }
  if (!status && l.count) status = compare(run, &l, err);
  free(l.trained);
  free(l.y);
  free(l.predicted);
  free(l.top);
  return status;
}
