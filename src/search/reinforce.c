#include <math.h>
#include <string.h>

#include "search/policy.h"

enum { RATE, MEMORY };

struct learner {
  double logit[NSW_MAX_GENES][NSW_POLICY_CHOICES];
  double first[NSW_MAX_GENES][NSW_POLICY_CHOICES], second[NSW_MAX_GENES][NSW_POLICY_CHOICES]; /* Adam's moments */
  struct nsw_policy policy;
  int steps;
};

static void softmax(const struct nsw_ground *ground, struct learner *l) {
  for (int g = 0; g < ground->length; g++) {
    int choices = nsw_space_gene_choices(ground->space, g);
    double top = l->logit[g][0], sum = 0;
    for (int v = 1; v < choices; v++) top = fmax(top, l->logit[g][v]);
    for (int v = 0; v < choices; v++) sum += l->policy.p[g][v] = exp(l->logit[g][v] - top);
    for (int v = 0; v < choices; v++) l->policy.p[g][v] /= sum;
  }
}

/* One step of Adam up the gradient of advantage x log p(word). */
static void learn(const struct nsw_ground *ground, struct learner *l, uint32_t candidate, double advantage,
                  double rate) {
  const uint8_t *genes = nsw_word(ground, (uint32_t)candidate);
  double fade1 = 1 - pow(.9, ++l->steps), fade2 = 1 - pow(.999, l->steps);
  for (int g = 0; g < ground->length; g++)
    for (int v = 0; v < nsw_space_gene_choices(ground->space, g); v++) {
      double slope = advantage * ((v == genes[g]) - l->policy.p[g][v]);
      double *m = &l->first[g][v], *s = &l->second[g][v];
      *m = .9 * *m + .1 * slope;
      *s = .999 * *s + .001 * slope * slope;
      l->logit[g][v] += rate * (*m / fade1) / (sqrt(*s / fade2) + 1e-8);
    }
  softmax(ground, l);
}

static uint32_t draw(struct nsw_repeat *run, const void *state) {
  int64_t candidate = nsw_policy_draw(run, state, 1000);
  return candidate < 0 ? nsw_draw_any(run) : (uint32_t)candidate;
}

static int run(struct nsw_repeat *run, struct nsw_error *err) {
  const struct nsw_ground *ground = run->ground;
  struct learner l;
  memset(&l, 0, sizeof l);
  int status = nsw_policy_begin(ground, &l.policy, err);
  double memory = run->search->set[MEMORY], baseline = 0, weight = 0;
  while (!status) {
    uint32_t candidate;
    if (!nsw_next_start(run, &candidate)) candidate = nsw_propose(run, draw, &l.policy);
    if (!nsw_train(run, candidate)) break;
    double reward = ground->look[candidate];
    baseline = memory * baseline + (1 - memory) * reward;
    weight = memory * weight + (1 - memory);
    learn(ground, &l, candidate, reward - baseline / weight, run->search->set[RATE]);
  }
  return status;
}

static const struct nsw_method_option options[] = {
    {"rate", .01, 0, 100, "step of Adam on the logarithms of the odds"},
    {"memory", .9, 0, 1, "of the moving mean that a reward is compared with"},
    {NULL, 0, 0, 0, NULL}};

const struct nsw_method nsw_method_reinforce = {
    .name = "reinforce",
    .summary = "a distribution over each gene's choices that follows the gradient of the expected accuracy",
    .source = "Williams, 1992, as in Dong and Yang, ICLR 2020",
    .kind = NSW_METHOD_GENES,
    .options = options,
    .run = run,
};
