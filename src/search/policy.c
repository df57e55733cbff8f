#include "search/policy.h"

int nsw_policy_begin(const struct nsw_ground *ground, struct nsw_policy *policy, struct nsw_error *err) {
  for (int g = 0; g < ground->length; g++) {
    int choices = nsw_space_gene_choices(ground->space, g);
    if (choices > NSW_POLICY_CHOICES)
      return nsw_usage(err, "gene %d has %d choices, more than the %d that a policy knows", g, choices,
                       NSW_POLICY_CHOICES);
    for (int v = 0; v < NSW_POLICY_CHOICES; v++) policy->p[g][v] = v < choices ? 1.0 / choices : 0;
  }
  return NSW_OK;
}

int64_t nsw_policy_draw(struct nsw_repeat *run, const struct nsw_policy *policy, int attempts) {
  const struct nsw_ground *ground = run->ground;
  uint8_t genes[NSW_MAX_GENES];
  while (attempts-- > 0) {
    for (int g = 0; g < ground->length; g++) {
      double at = nsw_dice_double(&run->dice);
      int v = 0, last = 0;
      for (; v < NSW_POLICY_CHOICES; v++) {
        if (policy->p[g][v] <= 0) continue;
        last = v; /* rounding may leave nothing to the last */
        if ((at -= policy->p[g][v]) < 0) break;
      }
      genes[g] = (uint8_t)(v < NSW_POLICY_CHOICES ? v : last);
    }
    int64_t candidate = nsw_candidate_of(ground, genes);
    if (candidate >= 0) return candidate;
  }
  return -1;
}
