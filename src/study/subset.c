#include "study/subset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/rank.h"

static int decode_cells(struct nsw_facts *facts, struct nsw_error *err) {
  const struct nsw_table *table = facts->table;
  if (facts->depth) return NSW_OK;
  struct nsw_space *space = NULL;
  struct nsw_graph graph = {.shape = 0};
  int status = nsw_space_open(table->space, &space, err);
  if (status) return status;
  facts->depth = malloc(table->rows + 1);
  facts->skips = malloc(table->rows + 1);
  if (!facts->depth || !facts->skips) status = nsw_no_memory(err, "the cells of %s", table->space);
  for (size_t i = 0; i < table->rows && !status; i++) {
    if (table->index[i] >= nsw_space_count(space)) {
      status = nsw_fail(err, "index %u is beyond the end of %s", table->index[i], table->space);
      break;
    }
    nsw_space_graph(space, table->index[i], &graph);
    int edges = nsw_graph_longest(&graph, NSW_COUNTED_OPS | 1 << NSW_OP_SKIP | 1 << NSW_OP_OUTPUT);
    facts->depth[i] = (uint8_t)(edges < 0 ? 0 : edges);
    facts->skips[i] = (uint8_t)nsw_graph_skips(&graph);
  }
  nsw_space_close(&space);
  return status;
}

/* Tenths of the rows by parameters; rows of equal size fall into the same one, that of their middle. */
static int cut_deciles(struct nsw_facts *facts, struct nsw_error *err) {
  const struct nsw_table *table = facts->table;
  if (facts->decile) return NSW_OK;
  double *size = malloc((table->rows + 1) * sizeof *size);
  struct nsw_ranks ranks = {0};
  facts->decile = malloc(table->rows + 1);
  int status = size && facts->decile ? NSW_OK : nsw_no_memory(err, "the sizes of %s", table->space);
  for (size_t i = 0; i < table->rows && !status; i++) size[i] = (double)table->params[i];
  if (!status) status = nsw_ranks_make(size, table->rows, &ranks, err);
  for (size_t i = 0; i < table->rows && !status; i++) {
    uint64_t middle = (nsw_rank_twice(&ranks, ranks.code[i]) - 1) * 10 / (2 * table->rows);
    facts->decile[i] = (uint8_t)(middle > 9 ? 9 : middle);
  }
  nsw_ranks_free(&ranks);
  free(size);
  return status;
}

static int ascending_class(const void *a, const void *b) {
  const uint64_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

/* The first row of each class that is there: in a sample that need not be the class's first architecture. */
static int find_firsts(struct nsw_facts *facts, struct nsw_error *err) {
  const struct nsw_table *table = facts->table;
  if (facts->first) return NSW_OK;
  uint64_t *key = malloc((table->rows + 1) * sizeof *key); /* class, then row */
  facts->first = calloc(table->rows + 1, 1);
  if (!key || !facts->first) {
    free(key);
    return nsw_no_memory(err, "the classes of %s", table->space);
  }
  for (size_t i = 0; i < table->rows; i++) key[i] = (uint64_t)table->class_of[i] << 32 | i;
  qsort(key, table->rows, sizeof *key, ascending_class);
  for (size_t i = 0; i < table->rows; i++)
    if (!i || key[i] >> 32 != key[i - 1] >> 32) facts->first[(uint32_t)key[i]] = 1;
  free(key);
  return NSW_OK;
}

void nsw_facts_free(struct nsw_facts *facts) {
  free(facts->first);
  free(facts->depth);
  free(facts->skips);
  free(facts->decile);
  *facts = (struct nsw_facts){0};
}

static int push(struct nsw_subset **subsets, size_t *count, struct nsw_subset subset, struct nsw_error *err) {
  struct nsw_subset *list = realloc(*subsets, (*count + 1) * sizeof *list);
  if (!list) return nsw_no_memory(err, "subsets");
  list[(*count)++] = subset;
  *subsets = list;
  return NSW_OK;
}

/* size, depth, skips without a number: one subset for each value there is. */
static int push_values(const char *word, int kind, const uint8_t *values, int shift, size_t rows,
                       struct nsw_subset **subsets, size_t *count, struct nsw_error *err) {
  size_t found[256] = {0};
  for (size_t i = 0; i < rows; i++) found[values[i]]++;
  for (int v = 0; v < 256; v++) {
    if (!found[v]) continue;
    struct nsw_subset subset = {.kind = kind, .number = v + shift};
    snprintf(subset.name, sizeof subset.name, "%s:%d", word, v + shift);
    int status = push(subsets, count, subset, err);
    if (status) return status;
  }
  return NSW_OK;
}

/* A word alone: its kind, and its number where it has one. */
static int read_word(const char *word, struct nsw_subset *subset, bool *numbered, struct nsw_error *err) {
  static const char *const names[] = {"all", "unique", "path", "top", "size", "depth", "skips"};
  char name[16], *end = NULL;
  const char *colon = strchr(word, ':');
  snprintf(name, sizeof name, "%.*s", colon ? (int)(colon - word) : (int)strlen(word), word);
  int kind = 0;
  while (kind < 7 && strcmp(names[kind], name)) kind++;
  double number = colon ? strtod(colon + 1, &end) : 0;
  *numbered = colon && end != colon + 1 && !*end && isfinite(number);
  if (kind == 7 || (colon && !*numbered) || (colon && kind <= NSW_PATH) || (kind == NSW_TOP && !colon) ||
      (kind == NSW_TOP && !(number > 0 && number <= 100)) || strlen(word) >= sizeof subset->name)
    return nsw_usage(err, "--subset %.60s: all, unique, path, top:PERCENT, size[:DECILE], depth[:N] or skips[:N]",
                     word);
  *subset = (struct nsw_subset){.kind = kind, .number = number};
  snprintf(subset->name, sizeof subset->name, "%s", word);
  return NSW_OK;
}

static int parse_word(const char *word, struct nsw_facts *facts, struct nsw_subset **subsets, size_t *count,
                      struct nsw_error *err) {
  struct nsw_subset subset;
  bool numbered;
  int status = read_word(word, &subset, &numbered, err);
  if (!status && subset.kind == NSW_UNIQUE) status = find_firsts(facts, err);
  if (!status && subset.kind == NSW_SIZE) status = cut_deciles(facts, err);
  if (!status && (subset.kind == NSW_PATH || subset.kind == NSW_DEPTH || subset.kind == NSW_SKIPS))
    status = decode_cells(facts, err);
  if (status) return status;
  size_t rows = facts->table->rows;
  if (!numbered && subset.kind == NSW_SIZE)
    return push_values(word, subset.kind, facts->decile, 1, rows, subsets, count, err);
  if (!numbered && subset.kind == NSW_DEPTH)
    return push_values(word, subset.kind, facts->depth, 0, rows, subsets, count, err);
  if (!numbered && subset.kind == NSW_SKIPS)
    return push_values(word, subset.kind, facts->skips, 0, rows, subsets, count, err);
  return push(subsets, count, subset, err);
}

/* Every word of a list into *subsets, or only looked at where subsets is NULL. */
static int parse_list(const char *list, struct nsw_facts *facts, struct nsw_subset **subsets, size_t *count,
                      struct nsw_error *err) {
  char *copy = strdup(list), *rest = NULL;
  size_t words = 0;
  int status = copy ? NSW_OK : nsw_no_memory(err, "subsets");
  for (char *word = copy ? strtok_r(copy, ",", &rest) : NULL; word && !status;
       word = strtok_r(NULL, ",", &rest), words++) {
    struct nsw_subset subset;
    bool numbered;
    status = subsets ? parse_word(word, facts, subsets, count, err) : read_word(word, &subset, &numbered, err);
  }
  free(copy);
  if (!status && (subsets ? !*count : !words)) status = nsw_usage(err, "--subset: no subset named");
  return status;
}

int nsw_subsets_parse(const char *list, struct nsw_facts *facts, struct nsw_subset **subsets, size_t *count,
                      struct nsw_error *err) {
  *subsets = NULL;
  *count = 0;
  return parse_list(list, facts, subsets, count, err);
}

int nsw_subsets_check(const char *list, struct nsw_error *err) { return parse_list(list, NULL, NULL, NULL, err); }

/* The smallest of the best `percent` of the known accuracies. */
static int top_border(const double *accuracy, size_t rows, double percent, double *border, struct nsw_error *err) {
  double *known = malloc((rows + 1) * sizeof *known);
  struct nsw_ranks ranks = {0};
  size_t n = 0;
  if (!known) return nsw_no_memory(err, "subset top");
  for (size_t i = 0; i < rows; i++)
    if (!isnan(accuracy[i])) known[n++] = accuracy[i];
  int status = nsw_ranks_make(known, n, &ranks, err);
  size_t want = (size_t)ceil((double)n * percent / 100);
  *border = !status && want ? known[ranks.order[n - want]] : INFINITY;
  nsw_ranks_free(&ranks);
  free(known);
  return status;
}

int nsw_subset_rows(const struct nsw_subset *subset, const struct nsw_facts *facts, const double *accuracy, uint8_t *in,
                    struct nsw_error *err) {
  const struct nsw_table *table = facts->table;
  double border = 0;
  if (subset->kind == NSW_TOP) {
    if (!accuracy) return nsw_usage(err, "--subset %s needs accuracies", subset->name);
    int status = top_border(accuracy, table->rows, subset->number, &border, err);
    if (status) return status;
  }
  for (size_t i = 0; i < table->rows; i++) switch (subset->kind) {
      case NSW_ALL:
        in[i] = 1;
        break;
      case NSW_UNIQUE:
        in[i] = facts->first[i];
        break;
      case NSW_PATH:
        in[i] = facts->depth[i] > 0;
        break;
      case NSW_TOP:
        in[i] = accuracy[i] >= border;
        break;
      case NSW_SIZE:
        in[i] = facts->decile[i] + 1 == subset->number;
        break;
      case NSW_DEPTH:
        in[i] = facts->depth[i] == subset->number;
        break;
      case NSW_SKIPS:
        in[i] = facts->skips[i] == subset->number;
        break;
    }
  return NSW_OK;
}
