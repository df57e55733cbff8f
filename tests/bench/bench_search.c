/* Evolution on the table of nb201: 500 repeats of 100 trainings on one core, the fastest of several turns. Python's
 * side is bench_search.py, which calls this. Prints seconds, and what was found. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "search/search.h"

/* Time of this process on a core. */
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* look[15625] and report[15625] as numbers in a text file, a line each; made-up ones without a file. */
static int read_columns(const char *path, struct nsw_ground *g) {
  FILE *in = path ? fopen(path, "r") : NULL;
  if (path && !in) return 1;
  for (size_t i = 0; i < g->n; i++) {
    g->index[i] = (uint32_t)i;
    if (in && fscanf(in, "%lf %lf", &g->look[i], &g->report[0][i]) != 2) return 1;
    if (!in) g->look[i] = g->report[0][i] = (double)(i * 2654435761u % 10007) / 100;
  }
  if (in) fclose(in);
  return 0;
}

int main(int argc, char **argv) {
  enum { TURNS = 7 };
  static const char *const names[] = {"evolution", "random", "local"};
  struct nsw_ground g = {.n = 15625, .reports = 1};
  struct nsw_space *space = NULL;
  struct nsw_error err;
  if (nsw_space_open("nb201", &space, &err)) return 1;
  g.space = space;
  g.index = malloc(g.n * sizeof *g.index);
  g.look = malloc(g.n * sizeof *g.look);
  g.report = malloc(sizeof *g.report);
  if (!g.index || !g.look || !g.report || !(g.report[0] = malloc(g.n * sizeof **g.report))) return 1;
  if (read_columns(argc > 1 ? argv[1] : NULL, &g) || nsw_ground_finish(&g, &err)) return 1;
  for (int k = 0; k < 3; k++) {
    struct nsw_search s = {.method = nsw_method_find(names[k]),
                           .score = -1,
                           .budget = 100,
                           .points = 100,
                           .repeats = 500,
                           .share = {0, 1, NULL, NULL}};
    for (int o = 0; s.method->options && s.method->options[o].key; o++) s.set[o] = s.method->options[o].value;
    double best = 1e9, value[500];
    struct nsw_summary found = {0};
    for (int turn = 0; turn < TURNS; turn++) {
      struct nsw_outcome o;
      double start = now();
      if (nsw_search_run(&g, &s, &o, &err)) return 1;
      double took = now() - start;
      if (took < best) best = took;
      nsw_outcome_values(&o, g.report[0], 99, value);
      found = nsw_summarise(value, 500);
      nsw_outcome_free(&o);
    }
    printf("%-10s %.6f s  %.3f +- %.3f\n", names[k], best, found.mean, found.deviation);
  }
  nsw_ground_free(&g);
  nsw_space_close(&space);
  return 0;
}
