/* Hyperband and BOHB: many short trainings, the best of them go on. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "search/policy.h"

enum { ETA, RANDOM, SAMPLES, TOP };
enum { MOST_RUNGS = 32 };

/* What BOHB's model is made of: everything seen so far at each rung. */
struct memory {
  uint32_t *candidate; /* [n] */
  double *value;       /* [n] accuracy at the rung */
  size_t n;
};

struct bracket {
  struct nsw_repeat *run;
  bool model;
  size_t rungs; /* with the whole training as the last */
  struct memory memory[MOST_RUNGS];
};

static const double *rung_values(const struct nsw_ground *ground, size_t rung) {
  return rung < ground->rungs ? ground->rung[rung] : ground->look;
}

static double rung_share(const struct nsw_ground *ground, size_t rung) {
  return rung < ground->rungs ? ground->rung_share[rung] : 1;
}

static int remember(struct memory *m, uint32_t candidate, double value, struct nsw_error *err) {
  if (!NSW_GROW(m->candidate, m->n) || !NSW_GROW(m->value, m->n)) return nsw_no_memory(err, "%zu trainings", m->n + 1);
  m->candidate[m->n] = candidate;
  m->value[m->n++] = value;
  return NSW_OK;
}

/* ---- BOHB's model: smoothed frequencies of choices among the good and the rest ---- */

static double border_of(const struct memory *m, size_t good) {
  /* The good-th largest: few values, found by counting. */
  double border = -INFINITY;
  for (size_t i = 0; i < m->n; i++) {
    size_t larger = 0;
    for (size_t k = 0; k < m->n; k++) larger += m->value[k] > m->value[i];
    if (larger < good && (border == -INFINITY || m->value[i] < border)) border = m->value[i];
  }
  return border;
}

static void frequencies(const struct nsw_ground *ground, const struct memory *m, double border, struct nsw_policy *good,
                        struct nsw_policy *rest) {
  double n[2] = {0, 0};
  memset(good, 0, sizeof *good);
  memset(rest, 0, sizeof *rest);
  for (size_t i = 0; i < m->n; i++) {
    struct nsw_policy *to = m->value[i] >= border ? good : rest;
    n[to == rest]++;
    for (int g = 0; g < ground->length; g++) to->p[g][nsw_word(ground, m->candidate[i])[g]]++;
  }
  for (int g = 0; g < ground->length; g++) {
    int choices = nsw_space_gene_choices(ground->space, g);
    for (int v = 0; v < choices; v++) {
      good->p[g][v] = (good->p[g][v] + 1) / (n[0] + choices);
      rest->p[g][v] = (rest->p[g][v] + 1) / (n[1] + choices);
    }
  }
}

/* Of several drawn like the good, the one that is most like them and least like the rest. */
static int64_t draw_by_model(struct bracket *b) {
  const struct nsw_ground *ground = b->run->ground;
  const double *set = b->run->search->set;
  size_t rung = b->rungs, least = 2 * ((size_t)ground->length + 1);
  while (rung > 0 && b->memory[rung - 1].n < least) rung--;
  if (!rung) return -1;
  const struct memory *m = &b->memory[rung - 1];
  size_t good_n = (size_t)(set[TOP] * (double)m->n);
  if (good_n < (size_t)ground->length + 1) good_n = (size_t)ground->length + 1;
  struct nsw_policy good, rest;
  frequencies(ground, m, border_of(m, good_n), &good, &rest);
  int64_t best = -1;
  double best_ratio = -INFINITY;
  for (int i = 0; i < (int)set[SAMPLES]; i++) {
    int64_t candidate = nsw_policy_draw(b->run, &good, 1000);
    if (candidate < 0) break;
    const uint8_t *genes = nsw_word(ground, (uint32_t)candidate);
    double ratio = 0;
    for (int g = 0; g < ground->length; g++) ratio += log(good.p[g][genes[g]] / rest.p[g][genes[g]]);
    if (ratio > best_ratio) best_ratio = ratio, best = candidate;
  }
  return best;
}

static uint32_t draw(struct nsw_repeat *run, const void *state) {
  struct bracket *b = *(struct bracket *const *)state;
  int64_t candidate = -1;
  if (b->model && nsw_dice_double(&run->dice) >= run->search->set[RANDOM]) candidate = draw_by_model(b);
  return candidate < 0 ? nsw_draw_any(run) : (uint32_t)candidate;
}

/* ---- brackets ---- */

/* Trains to a rung; *whole: the budget paid. */
static int train_to(struct bracket *b, uint32_t candidate, size_t from, size_t to, bool *pays, struct nsw_error *err) {
  struct nsw_repeat *run = b->run;
  double share = rung_share(run->ground, to) - (to > from ? rung_share(run->ground, to - 1) : 0);
  *pays = nsw_pay(run, candidate, share);
  if (!*pays) return NSW_OK;
  run->trainings += to == from;
  if (to + 1 == b->rungs) nsw_take_note(run, candidate);
  return b->model ? remember(&b->memory[to], candidate, rung_values(run->ground, to)[candidate], err) : NSW_OK;
}

/* One bracket of successive halving: n candidates to rung `from`, of these the best 1/eta to the next, and so on. */
static int halve(struct bracket *b, size_t n, size_t from, bool *pays, struct nsw_error *err) {
  struct nsw_repeat *run = b->run;
  double eta = run->search->set[ETA];
  uint32_t *alive = malloc((n + 1) * sizeof *alive);
  int status = alive ? NSW_OK : nsw_no_memory(err, "a bracket of %zu", n);
  for (size_t i = 0; i < n && *pays && !status; i++) {
    if (!nsw_next_start(run, &alive[i])) alive[i] = nsw_propose(run, draw, &b);
    status = train_to(b, alive[i], from, from, pays, err);
  }
  for (size_t rung = from; rung + 1 < b->rungs && *pays && !status; rung++) {
    const double *value = rung_values(run->ground, rung);
    for (size_t i = 1; i < n; i++) {
      uint32_t one = alive[i];
      size_t j = i;
      for (; j > 0 && (value[alive[j - 1]] < value[one] ||
                       (run->search->use & NSW_USE_TIES && value[alive[j - 1]] == value[one] &&
                        run->score[alive[j - 1]] < run->score[one]));
           j--)
        alive[j] = alive[j - 1];
      alive[j] = one;
    }
    n = (size_t)((double)n / eta);
    if (!n) n = 1;
    for (size_t i = 0; i < n && *pays && !status; i++) status = train_to(b, alive[i], from, rung + 1, pays, err);
  }
  free(alive);
  return status;
}

static int run_brackets(struct nsw_repeat *run, bool model, struct nsw_error *err) {
  struct bracket b = {.run = run, .model = model, .rungs = run->ground->rungs + 1};
  struct nsw_policy check;
  int status = b.rungs > MOST_RUNGS ? nsw_usage(err, "more than %d trainings of different length", MOST_RUNGS) : NSW_OK;
  if (!status && model) status = nsw_policy_begin(run->ground, &check, err);
  double eta = run->search->set[ETA];
  for (bool pays = true; pays && !status;)
    for (size_t s = b.rungs; s-- > 0 && pays && !status;) {
      double n = ceil((double)b.rungs / (double)(s + 1) * pow(eta, (double)s));
      status = halve(&b, (size_t)fmin(n, (double)run->ground->n), b.rungs - 1 - s, &pays, err);
    }
  for (size_t r = 0; r < MOST_RUNGS; r++) {
    free(b.memory[r].candidate);
    free(b.memory[r].value);
  }
  return status;
}

static int run_hyperband(struct nsw_repeat *run, struct nsw_error *err) { return run_brackets(run, false, err); }
static int run_bohb(struct nsw_repeat *run, struct nsw_error *err) { return run_brackets(run, true, err); }

static const struct nsw_method_option hyperband_options[] = {
    {"eta", 3, 1.5, 100, "one of so many goes on to the next length of training"}, {NULL, 0, 0, 0, NULL}};

const struct nsw_method nsw_method_hyperband = {
    .name = "hyperband",
    .summary = "many short trainings, of which the best go on, in brackets of different length",
    .source = "Li et al., JMLR 2018",
    .kind = NSW_METHOD_RUNGS,
    .options = hyperband_options,
    .run = run_hyperband,
};

static const struct nsw_method_option bohb_options[] = {
    {"eta", 3, 1.5, 100, "one of so many goes on to the next length of training"},
    {"random", 1. / 3, 0, 1, "share that is drawn at random, not by the model"},
    {"samples", 24, 1, 10000, "drawn from the model of the good for each proposal"},
    {"top", .15, 0, 1, "share of what was seen that counts as good"},
    {NULL, 0, 0, 0, NULL}};

const struct nsw_method nsw_method_bohb = {
    .name = "bohb",
    .summary = "Hyperband that draws from a model of what was good: smoothed frequencies of choices",
    .source = "Falkner et al., ICML 2018",
    .kind = NSW_METHOD_RUNGS | NSW_METHOD_GENES,
    .options = bohb_options,
    .run = run_bohb,
};
