#include "truth/find.h"

#include <dirent.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/file.h"
#include "truth/nats.h"
#include "truth/shipped.h"
#include "truth/truth.h"

static int ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && !strcmp(text + n - m, end);
}

/* Ends of names of files that people keep, and of those that come with the program. */
static const char *const kept[] = {".csv",    ".csv.gz", ".csv.bz2", ".csv.xz", ".csv.zip", ".tsv",
                                   ".tsv.gz", ".json",   ".json.gz", ".h5",     NULL},
                         *const shipped[] = {".table", NULL};

static int is_accuracy_file(const char *name, const char *space, const char *const *ends) {
  size_t n = strlen(space);
  if (strncmp(name, space, n) || strncmp(name + n, "_accuracy", 9)) return 0;
  while (*ends && !ends_with(name, *ends)) ends++;
  return *ends != NULL;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Where there are result files, the tables they were imported from would only say the same again. */
static void prefer_imported(char **paths, size_t *count) {
  size_t imported = 0, first = 0;
  for (size_t i = 0; i < *count; i++)
    if (ends_with(paths[i], ".h5")) imported++;
  if (!imported) return;
  for (size_t i = 0; i < *count; i++) {
    if (ends_with(paths[i], ".h5"))
      paths[first++] = paths[i];
    else
      free(paths[i]);
  }
  *count = imported;
}

static int search(const char *folder, const char *space, const char *const *ends, char ***paths, size_t *count,
                  struct nsw_error *err) {
  *paths = NULL;
  *count = 0;
  DIR *dir = folder ? opendir(folder) : NULL;
  if (!dir) return NSW_OK;
  int status = NSW_OK;
  for (struct dirent *entry; !status && (entry = readdir(dir));) {
    if (!is_accuracy_file(entry->d_name, space, ends)) continue;
    char **list = realloc(*paths, (*count + 1) * sizeof *list), *path = NULL;
    if (list) *paths = list;
    if (!list || asprintf(&path, "%s/%s", folder, entry->d_name) < 0)
      status = nsw_no_memory(err, "listing %s", folder);
    else
      list[(*count)++] = path;
  }
  closedir(dir);
  if (*count) qsort(*paths, *count, sizeof **paths, by_name);
  return status;
}

int nsw_truth_search(const char *folder, const char *space, char ***paths, size_t *count, struct nsw_error *err) {
  int status = search(folder, space, kept, paths, count, err);
  prefer_imported(*paths, count);
  return status;
}

int nsw_truth_search_shipped(const char *space, char ***paths, size_t *count, struct nsw_error *err) {
  char *folder = nsw_shipped_folder();
  int status = search(folder, space, shipped, paths, count, err);
  free(folder);
  return status;
}

/* The accuracies of another result file, of the same space. */
static int add_result_file(struct nsw_table *table, const char *path, uint64_t *rows, struct nsw_error *err) {
  struct nsw_table *truth = NULL;
  int status = nsw_file_read(path, table->space, &truth, err);
  if (!status && !truth->accuracies) status = nsw_fail(err, "%s: holds no accuracies", path);
  if (!status) status = nsw_truth_join(table, truth, rows, err);
  if (!status && !*rows) status = nsw_fail(err, "%s: no row is common with the scores of %s", path, table->space);
  nsw_table_free(&truth);
  return status;
}

/* Rows that have a value in one of the columns from `first` on. */
static uint64_t rows_with_values(const struct nsw_table *table, size_t first) {
  uint64_t rows = 0;
  for (size_t i = 0; i < table->rows; i++) {
    bool any = false;
    for (size_t a = first; a < table->accuracies && !any; a++) any = !isnan(table->accuracy[a].value[i]);
    rows += any;
  }
  return rows;
}

static bool is_folder(const char *path) {
  struct stat state;
  return !stat(path, &state) && S_ISDIR(state.st_mode);
}

int nsw_truth_add(struct nsw_table *table, const char *file, uint64_t *rows, struct nsw_error *err) {
  uint64_t matched = 0;
  size_t before = table->accuracies;
  const struct nsw_truth_format *format = nsw_truth_find("csv");
  const char *path = file, *colon = strchr(file, ':');
  if (colon && colon - file < 32) {
    char name[32];
    snprintf(name, sizeof name, "%.*s", (int)(colon - file), file);
    const struct nsw_truth_format *named = nsw_truth_find(name);
    if (named) {
      format = named;
      path = colon + 1;
    }
  }
  if (path == file && ends_with(file, ".table")) format = &nsw_truth_packed;
  if (path == file && is_folder(file)) format = &nsw_truth_nats; /* the only format that is a folder */
  int status;
  if (path == file && ends_with(file, ".h5")) {
    status = add_result_file(table, path, &matched, err);
  } else {
    struct nsw_truth_request request = {.paths = &path, .path_count = 1, .space = table->space};
    struct nsw_truth_report report;
    status = nsw_truth_read(format, &request, table, 1, &report, err);
    matched = rows_with_values(table, before); /* a record is one of several accuracies of an architecture */
  }
  if (rows) *rows = matched;
  return status;
}
