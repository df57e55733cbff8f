#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "search/policy.h"

enum { STAGES, HEAT };

/* What a stage has trained. */
struct stage {
  uint32_t *candidate; /* [n], grown */
  double *rank;        /* [n], grown; 0 worst .. 1 best, within the stage */
  size_t n;
};

static void rank_stage(const struct nsw_ground *ground, struct stage *s) {
  for (size_t i = 0; i < s->n; i++) {
    double below = 0;
    for (size_t k = 0; k < s->n; k++) {
      double a = ground->look[s->candidate[i]], b = ground->look[s->candidate[k]];
      below += a > b ? 1 : a == b ? .5 : 0;
    }
    s->rank[i] = below / (double)s->n;
  }
}

/* Weighs each choice by the mean rank of those that had it, and keeps the `share` of choices with the largest. */
static void update(const struct nsw_ground *ground, const struct stage *s, double heat, double share,
                   struct nsw_policy *policy) {
  for (int g = 0; g < ground->length; g++) {
    int choices = nsw_space_gene_choices(ground->space, g), keep = (int)ceil(choices * share - 1e-9);
    double sum[NSW_POLICY_CHOICES] = {0}, times[NSW_POLICY_CHOICES] = {0}, *p = policy->p[g], total = 0;
    for (size_t i = 0; i < s->n; i++) {
      uint8_t v = nsw_word(ground, s->candidate[i])[g];
      sum[v] += s->rank[i];
      times[v]++;
    }
    int alive = 0;
    for (int v = 0; v < choices; v++) {
      if (p[v] > 0 && times[v] > 0) p[v] *= exp(heat * (sum[v] / times[v] - .5));
      alive += p[v] > 0;
    }
    for (; alive > (keep > 1 ? keep : 1); alive--) {
      int worst = -1;
      for (int v = 0; v < choices; v++)
        if (p[v] > 0 && (worst < 0 || p[v] < p[worst])) worst = v;
      p[worst] = 0;
    }
    for (int v = 0; v < choices; v++) total += p[v];
    for (int v = 0; v < choices; v++) p[v] /= total;
  }
}

static uint32_t draw(struct nsw_repeat *run, const void *state) {
  int64_t candidate = nsw_policy_draw(run, state, 1000);
  return candidate < 0 ? nsw_draw_any(run) : (uint32_t)candidate;
}

/* Stages of equal budget; the last word, all choices pruned but one, is trained at the end. */
static int run(struct nsw_repeat *run, struct nsw_error *err) {
  const struct nsw_ground *ground = run->ground;
  const struct nsw_search *search = run->search;
  int stages = (int)search->set[STAGES];
  struct nsw_policy policy;
  struct stage s = {0};
  int status = nsw_policy_begin(ground, &policy, err);
  /* The price of a training is not known before it is drawn: the mean of all stands for the last one's. */
  double last = 1;
  if (ground->cost) {
    last = 0;
    for (size_t i = 0; i < ground->n; i++) last += ground->cost[i] / (double)ground->n;
  }
  bool pays = true;
  for (int stage = 1; stage <= stages && pays && !status; stage++) {
    double end = fmax(0, search->budget - last) * stage / stages;
    s.n = 0;
    while (pays && run->spent < end * (1 - 1e-12) && !status) {
      if (!NSW_GROW(s.candidate, s.n) || !NSW_GROW(s.rank, s.n)) {
        status = nsw_no_memory(err, "a stage of %zu", s.n + 1);
        break;
      }
      uint32_t candidate;
      if (!nsw_next_start(run, &candidate)) candidate = nsw_propose(run, draw, &policy);
      pays = nsw_train(run, candidate);
      if (pays) s.candidate[s.n++] = candidate;
    }
    if (!s.n) continue;
    struct nsw_policy before = policy;
    rank_stage(ground, &s);
    update(ground, &s, search->set[HEAT], 1 - (double)stage / stages, &policy);
    /* What is left must hold an architecture (nb101: most words of few edges spell none). */
    if (nsw_policy_draw(run, &policy, 1000) < 0) policy = before;
  }
  if (!status && pays) nsw_train(run, draw(run, &policy));
  free(s.candidate);
  free(s.rank);
  return status;
}

static const struct nsw_method_option options[] = {
    {"stages", 4, 1, 64, "after each of them every gene loses choices, until one is left"},
    {"heat", 8, 0, 1000, "weight of a choice: exp(heat x (mean rank of those that had it - 1/2)), ranks 0 to 1"},
    {NULL, 0, 0, 0, NULL}};

const struct nsw_method nsw_method_prune = {
    .name = "prune",
    .summary = "a distribution over each gene's choices, sampled, updated and pruned in stages",
    .source = "after the idea of Zheng et al., DDPNAS, IJCV 2023; not its code",
    .kind = NSW_METHOD_GENES,
    .options = options,
    .run = run,
};
