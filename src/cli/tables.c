#include "cli/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/file.h"
#include "study/column.h"
#include "truth/find.h"
#include "truth/shipped.h"
#include "truth/truth.h"

enum { PARTS = 256 };

/* All tables read, before those of one space are put together. */
struct parts {
  struct nsw_table *table[PARTS];
  size_t count;
};

/* A space's name in place of a file: all its architectures, no scores. */
static int read_space(const char *name, struct parts *parts, struct nsw_error *err) {
  struct nsw_space *space = NULL;
  if (parts->count == PARTS) return nsw_usage(err, "more than %d tables", PARTS);
  int status = nsw_space_open(name, &space, err);
  if (!status) status = nsw_space_make_keys(space, err);
  if (!status) status = nsw_truth_base(space, &parts->table[parts->count], err);
  parts->count += !status;
  nsw_space_close(&space);
  return status;
}

static bool names_space(const char *name) {
  for (size_t k = 0; nsw_space_kinds[k]; k++)
    if (!strcmp(nsw_space_kinds[k]->name, name)) return access(name, F_OK) != 0;
  return false;
}

static int read_parts(const char *path, struct parts *parts, struct nsw_error *err) {
  char *spaces = NULL, *rest = NULL;
  if (names_space(path)) return read_space(path, parts, err);
  int status = nsw_file_probe(path, &spaces, err);
  if (!status && (!spaces || !*spaces)) status = nsw_fail(err, "%s: holds no space", path);
  for (char *space = spaces && !status ? strtok_r(spaces, ", ", &rest) : NULL; space && !status;
       space = strtok_r(NULL, ", ", &rest)) {
    if (parts->count == PARTS) status = nsw_usage(err, "more than %d tables", PARTS);
    if (!status) status = nsw_file_read(path, space, &parts->table[parts->count], err);
    if (!status) parts->count++;
  }
  free(spaces);
  return status;
}

/* Puts the parts of each space together; takes over the only part of a space as it is. */
static int merge_parts(struct parts *parts, struct nsw_tables *tables, struct nsw_error *err) {
  for (size_t p = 0; p < parts->count; p++) {
    if (!parts->table[p]) continue;
    struct nsw_table *same[PARTS];
    size_t count = 0;
    for (size_t q = p; q < parts->count; q++)
      if (parts->table[q] && !strcmp(parts->table[q]->space, parts->table[p]->space)) same[count++] = parts->table[q];
    if (tables->count == NSW_TABLES) return nsw_usage(err, "more than %d spaces", NSW_TABLES);
    struct nsw_table **to = &tables->list[tables->count++];
    if (count == 1) {
      *to = parts->table[p];
      parts->table[p] = NULL;
      continue;
    }
    int status = nsw_table_merge(same, count, to, err);
    if (status) return status;
    for (size_t q = p + 1; q < parts->count; q++)
      if (parts->table[q] && !strcmp(parts->table[q]->space, (*to)->space)) nsw_table_free(&parts->table[q]);
  }
  return NSW_OK;
}

/* Notes the name of a file that accuracies came from. */
static int note(struct nsw_tables *tables, size_t t, const char *file, struct nsw_error *err) {
  const char *name = strrchr(file, '/');
  char *joined = NULL, *old = tables->truth[t];
  if (asprintf(&joined, "%s%s%s", old ? old : "", old ? ", " : "", name ? name + 1 : file) < 0)
    return nsw_no_memory(err, "tables");
  free(old);
  tables->truth[t] = joined;
  return NSW_OK;
}

/* Adds one accuracy file and notes its name. */
static int add_truth(struct nsw_tables *tables, size_t t, const char *file, bool speak, struct nsw_error *err) {
  uint64_t rows;
  int status = nsw_truth_add(tables->list[t], file, &rows, err);
  if (status) return status;
  if (speak)
    fprintf(stderr, "%s: accuracies of %llu of %zu architectures from %s\n", tables->list[t]->space,
            (unsigned long long)rows, tables->list[t]->rows, file);
  return note(tables, t, file, err);
}

/* Adds what a table that came with the program has beyond those that are there. */
static int add_shipped(struct nsw_tables *tables, size_t t, const char *file, bool speak, struct nsw_error *err) {
  struct nsw_table *table = tables->list[t];
  size_t first = table->accuracies, columns;
  int status = nsw_shipped_add(table, file, &columns, err);
  if (status || !columns) return status;
  if (speak) {
    const char *name = strrchr(file, '/');
    fprintf(stderr, "%s: ", table->space);
    for (size_t i = first; i < table->accuracies; i++)
      fprintf(stderr, "%s%s/%s", i > first ? ", " : "", table->accuracy[i].dataset, table->accuracy[i].split);
    fprintf(stderr, " from %s, which comes with the program\n", name ? name + 1 : file);
  }
  return note(tables, t, file, err);
}

/* Whether a file named with --truth can be of this space: result files of other spaces are passed over. */
static bool may_hold(const char *file, const char *space) {
  size_t n = strlen(file);
  char *spaces = NULL;
  struct nsw_error err;
  if (n < 3 || strcmp(file + n - 3, ".h5") || nsw_file_probe(file, &spaces, &err) != NSW_OK) return true;
  bool there = spaces && strstr(spaces, space);
  free(spaces);
  return there;
}

static int add_named(const struct nsw_args *args, struct nsw_tables *tables, bool speak, struct nsw_error *err) {
  size_t count = nsw_args_count(args, "truth");
  for (size_t k = 0; k < count; k++) {
    const char *file = nsw_args_value(args, "truth", k);
    size_t used = 0;
    int status = NSW_OK;
    for (size_t t = 0; t < tables->count; t++) {
      if (tables->count > 1 && !may_hold(file, tables->list[t]->space)) continue;
      status = add_truth(tables, t, file, speak, err);
      if (!status) used++;
      if (status == NSW_USAGE || (status && tables->count == 1)) return status;
    }
    /* With several spaces a file belongs to one of them: it fails where it belongs to none. */
    if (!used) return status ? status : nsw_fail(err, "%s: of no space that has scores", file);
  }
  return NSW_OK;
}

/* Adds the files of a list with a function, and frees the list. */
static int add_each(int (*add)(struct nsw_tables *, size_t, const char *, bool, struct nsw_error *),
                    struct nsw_tables *tables, size_t t, char **paths, size_t count, bool speak, int status,
                    struct nsw_error *err) {
  for (size_t p = 0; p < count; p++) {
    if (!status) status = add(tables, t, paths[p], speak, err);
    free(paths[p]);
  }
  free(paths);
  return status;
}

/* The user's own tables first: the program's fill only what they lack. */
static int add_found(struct nsw_tables *tables, size_t t, bool speak, struct nsw_error *err) {
  const char *space = tables->list[t]->space;
  char **paths;
  size_t count;
  int status = nsw_truth_search(getenv("NASWEEP_DATA"), space, &paths, &count, err);
  status = add_each(add_truth, tables, t, paths, count, speak, status, err);
  if (status) return status;
  status = nsw_truth_search_shipped(space, &paths, &count, err);
  return add_each(add_shipped, tables, t, paths, count, speak, status, err);
}

int nsw_tables_read(const struct nsw_args *args, bool speak, struct nsw_tables *tables, struct nsw_error *err) {
  struct parts *parts = calloc(1, sizeof *parts);
  *tables = (struct nsw_tables){.count = 0};
  int status = parts ? NSW_OK : nsw_no_memory(err, "tables");
  for (size_t i = 0; i < nsw_args_operands(args) && !status; i++)
    status = read_parts(nsw_args_operand(args, i), parts, err);
  if (!status) status = merge_parts(parts, tables, err);
  for (size_t p = 0; parts && p < parts->count; p++) nsw_table_free(&parts->table[p]);
  free(parts);
  if (!status && nsw_args_count(args, "truth")) {
    status = add_named(args, tables, speak, err);
  } else {
    for (size_t t = 0; t < tables->count && !status; t++)
      if (!tables->list[t]->accuracies) status = add_found(tables, t, speak, err);
  }
  if (status) nsw_tables_free(tables);
  return status;
}

void nsw_tables_free(struct nsw_tables *tables) {
  for (size_t t = 0; t < tables->count; t++) {
    nsw_table_free(&tables->list[t]);
    free(tables->truth[t]);
  }
  tables->count = 0;
}
