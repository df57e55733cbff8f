/* The table of search methods: one line each. */
#include <string.h>

#include "search/search.h"

/* clang-format off */
#define METHODS(X) \
  X(random)    \
  X(evolution) \
  X(local)     \
  X(reinforce) \
  X(prune)     \
  X(hyperband) \
  X(bohb)      \
  X(score)     \
  X(two_step)  \
  X(ridge)     \
  X(gp)        \
  X(mlp)       \
  X(gcn)
/* clang-format on */

#define DECLARE(name) extern const struct nsw_method nsw_method_##name;
#define ENTRY(name) &nsw_method_##name,

METHODS(DECLARE)

const struct nsw_method *const nsw_methods[] = {METHODS(ENTRY) 0};

const struct nsw_method *nsw_method_find(const char *name) {
  for (size_t i = 0; nsw_methods[i]; i++)
    if (!strcmp(nsw_methods[i]->name, name)) return nsw_methods[i];
  return NULL;
}
