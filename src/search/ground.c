#include <stdlib.h>
#include <string.h>

#include "search/search.h"

int nsw_ground_finish(struct nsw_ground *ground, struct nsw_error *err) {
  uint32_t count = nsw_space_count(ground->space);
  ground->length = nsw_space_genes(ground->space);
  ground->stride = ground->length <= NSW_SHORT_WORD ? NSW_SHORT_WORD : NSW_MAX_GENES;
  ground->genes = calloc(ground->n + 1, ground->stride);
  ground->place = malloc(count * sizeof *ground->place);
  ground->rank = malloc((ground->n + 1) * sizeof *ground->rank);
  if (!ground->genes || !ground->place || !ground->rank) return nsw_no_memory(err, "%zu candidates", ground->n);
  ground->whole = ground->n == count;
  memset(ground->place, 0xff, count * sizeof *ground->place);
  for (int g = 0; g < ground->length; g++) ground->choices[g] = (uint32_t)nsw_space_gene_choices(ground->space, g);
  for (size_t i = 0; i < ground->n; i++) {
    ground->place[ground->index[i]] = (int32_t)i;
    if (ground->length) nsw_space_genes_of(ground->space, ground->index[i], ground->genes + i * ground->stride);
  }
  struct nsw_ranks ranks;
  int status = nsw_ranks_make(ground->look, ground->n, &ranks, err);
  for (size_t i = 0; i < ground->n && !status; i++) ground->rank[i] = (int32_t)ranks.code[i];
  nsw_ranks_free(&ranks);
  return status;
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
  free(ground->rank);
  *ground = (struct nsw_ground){0};
}
