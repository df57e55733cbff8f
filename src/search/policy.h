/* A categorical distribution for every gene, each on its own. */
#ifndef NSW_SEARCH_POLICY_H
#define NSW_SEARCH_POLICY_H

#include "search/run.h"

enum { NSW_POLICY_CHOICES = 16 };

struct nsw_policy {
  double p[NSW_MAX_GENES][NSW_POLICY_CHOICES]; /* probabilities; 0: never drawn */
};

/* All choices alike. NSW_USAGE where a gene has more than NSW_POLICY_CHOICES. */
int nsw_policy_begin(const struct nsw_ground *ground, struct nsw_policy *policy, struct nsw_error *err);

/* A candidate drawn by the policy: words that are no candidate are drawn again, up to `attempts` times; -1 then. */
int64_t nsw_policy_draw(struct nsw_repeat *run, const struct nsw_policy *policy, int attempts);

#endif
