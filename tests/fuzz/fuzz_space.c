/* Any text as the name of an architecture: of nb201's strings, and of nb101's hashes and "adjacency ops". What is
 * accepted must be a cell of the space, and what is refused must say so in one line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "nasweep/space.h"
#include "space/nb101.h"

static void demand(int ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "broken: %s\n", what);
  abort();
}

/* All spaces, opened once; without keys, which are slow to make here. */
static struct nsw_space *spaces[8];

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  for (int k = 0; nsw_space_kinds[k]; k++)
    demand(nsw_space_open(nsw_space_kinds[k]->name, &spaces[k], NULL) == NSW_OK, "a space opens");
  return 0;
}

static void check_graph(const char *text) {
  uint32_t graph;
  struct nsw_cell cell;
  struct nsw_arch arch;
  if (nsw_nb101_parse(text, &graph, NULL)) return;
  nsw_nb101_cell(graph, &cell);
  demand(cell_has_path(&cell), "an accepted cell is connected");
  demand(__builtin_popcount(cell.edges) <= NSW_NB101_MAX_EDGES, "an accepted cell has few enough edges");
  demand(nsw_nb101_canonical(nsw_nb101_canonical(graph)) == nsw_nb101_canonical(graph),
         "the class of a class is itself");
  nsw_nb101_describe(graph, &(struct nsw_macro){10, 32, 128, 3}, &arch);
  demand(!nsw_arch_check(&arch, NULL), "the network of an accepted cell can be built");
  demand(nsw_graph_has_path(&arch.graph[arch.cell]), "data passes through its graph");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  if (!text) return 0;
  memcpy(text, data, size);
  text[size] = 0;
  for (int k = 0; nsw_space_kinds[k]; k++) {
    struct nsw_error err = {""};
    uint32_t index = UINT32_MAX;
    int status = nsw_space_find(spaces[k], text, &index, &err);
    if (status == NSW_OK)
      demand(index < nsw_space_count(spaces[k]), "an index is in the space");
    else
      demand(err.text[0] && !strchr(err.text, '\n') && index == UINT32_MAX,
             "a refusal is one line and changes nothing");
  }
  check_graph(text);
  free(text);
  return 0;
}
