/* Which architectures of a space are one network. */
#include <stdlib.h>
#include <string.h>

#include "arch/fold.h"
#include "base/hash.h"
#include "nasweep/space.h"

/* A form and who has it. */
struct entry {
  uint64_t hash; /* of the form: most comparisons end here */
  uint32_t index;
  char *form; /* its own */
};

static int by_form(const void *a, const void *b) {
  const struct entry *x = a, *y = b;
  if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
  int order = strcmp(x->form, y->form);
  return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* By their cells' folded forms. */
static int units_of_forms(const struct nsw_space *space, bool trained, uint32_t *unit, struct nsw_error *err) {
  uint32_t n = nsw_space_count(space);
  struct nsw_graph graph = {.shape = 0};
  struct entry *entry = calloc(n, sizeof *entry);
  for (uint32_t i = 0; entry && i < n; i++) {
    char form[NSW_FOLD_FORM];
    nsw_space_graph(space, i, &graph);
    nsw_fold_form(&graph, trained, form);
    entry[i] = (struct entry){.hash = nsw_hash(form, strlen(form)), .index = i, .form = strdup(form)};
    if (!entry[i].form) break;
  }
  bool ok = entry && entry[n - 1].form;
  if (ok) {
    qsort(entry, n, sizeof *entry, by_form);
    for (uint32_t i = 0; i < n; i++) {
      bool first = i == 0 || entry[i].hash != entry[i - 1].hash || strcmp(entry[i].form, entry[i - 1].form);
      unit[entry[i].index] = first ? entry[i].index : unit[entry[i - 1].index];
    }
  }
  for (uint32_t i = 0; entry && i < n; i++) free(entry[i].form);
  free(entry);
  return ok ? NSW_OK : nsw_no_memory(err, "the folded forms of %u cells", (unsigned)n);
}

int nsw_space_units(const struct nsw_space *space, bool trained, uint32_t *unit, struct nsw_error *err) {
  struct nsw_arch arch;
  nsw_space_describe(space, 0, &(struct nsw_macro){0}, &arch);
  if (arch.fold) return units_of_forms(space, trained, unit, err);
  for (uint32_t i = 0; i < nsw_space_count(space); i++) unit[i] = i;
  return NSW_OK;
}
