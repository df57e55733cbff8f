#include <stdlib.h>
#include <string.h>

#include "search/search.h"

int nsw_ground_finish(struct nsw_ground *ground, struct nsw_error *err) {
  uint32_t count = nsw_space_count(ground->space);
  ground->length = nsw_space_genes(ground->space);
  ground->genes = calloc(ground->n + 1, NSW_MAX_GENES);
  ground->place = malloc(count * sizeof *ground->place);
  if (!ground->genes || !ground->place) return nsw_fail(err, "out of memory for %zu candidates", ground->n);
  memset(ground->place, 0xff, count * sizeof *ground->place);
  for (int g = 0; g < ground->length; g++)
    ground->choices[g] = (uint32_t)nsw_space_gene_choices(ground->space, g);
  for (size_t i = 0; i < ground->n; i++) {
    ground->place[ground->index[i]] = (int32_t)i;
    if (ground->length) nsw_space_genes_of(ground->space, ground->index[i], ground->genes + i * NSW_MAX_GENES);
  }
  return NSW_OK;
}

static void free_columns(double **columns, size_t count) {
  for (size_t i = 0; columns && i < count; i++) free(columns[i]);
  free(columns);
}

void nsw_ground_free(struct nsw_ground *ground) {
  free(ground->index);
  free(ground->look);
  free(ground->cost);
  free_columns(ground->report, ground->reports);
  free_columns(ground->score, ground->scores);
  free_columns(ground->rung, ground->rungs);
  free(ground->rung_share);
  free(ground->genes);
  free(ground->place);
  *ground = (struct nsw_ground){0};
}
