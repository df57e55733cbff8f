#include "truth/published.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/quote.h"
#include "truth/records.h"
#include "truth/shipped.h"

enum { METHOD, KIND, DATASET, SPLIT, MEAN, DEVIATION, SOURCE, NOTE, FIELDS };
static const char *const names[FIELDS] = {"method", "kind", "dataset", "split", "mean", "deviation", "source", "note"};

static int check_head(const char *path, char **fields, size_t count, struct nsw_error *err) {
  bool same = count == FIELDS;
  for (size_t f = 0; f < FIELDS && same; f++) same = !strcmp(fields[f], names[f]);
  if (same) return NSW_OK;
  return nsw_fail(err, "%s: line 1: the columns must be method,kind,dataset,split,mean,deviation,source,note", path);
}

/* A percentage, or NaN for an empty field; false for anything else. */
static bool read_percent(const char *text, double *value) {
  char *end;
  *value = NAN;
  if (!*text) return true;
  *value = strtod(text, &end);
  return !*end && *value >= 0 && *value <= 100;
}

static int add(const char *path, uint64_t line, char **fields, size_t count, struct nsw_published_list *list,
               struct nsw_error *err) {
  char quoted[NSW_QUOTE_SIZE];
  double mean, deviation;
  if (count != FIELDS)
    return nsw_fail(err, "%s: line %llu: %zu fields instead of %d", path, (unsigned long long)line, count, FIELDS);
  for (int f = MEAN; f <= DEVIATION; f++)
    if (!read_percent(fields[f], f == MEAN ? &mean : &deviation))
      return nsw_fail(err, "%s: line %llu: %s '%s' is no percentage", path, (unsigned long long)line, names[f],
                      nsw_quote(quoted, fields[f]));
  if (!*fields[METHOD] || (!isnan(mean) && (!*fields[SOURCE] || !*fields[DATASET] || !*fields[SPLIT])))
    return nsw_fail(err, "%s: line %llu: a figure needs a method, a data set, a split and a source", path,
                    (unsigned long long)line);
  struct nsw_published *bigger = realloc(list->at, (list->count + 1) * sizeof *bigger);
  if (!bigger) return nsw_no_memory(err, "%s", path);
  list->at = bigger;
  struct nsw_published *one = &list->at[list->count++];
  *one = (struct nsw_published){
      strdup(fields[METHOD]), strdup(fields[KIND]), strdup(fields[DATASET]), strdup(fields[SPLIT]), mean, deviation,
      strdup(fields[SOURCE]), strdup(fields[NOTE])};
  bool ok = one->method && one->kind && one->dataset && one->split && one->source && one->note;
  return ok ? NSW_OK : nsw_no_memory(err, "%s", path);
}

int nsw_published_read_file(const char *path, struct nsw_published_list *list, struct nsw_error *err) {
  struct nsw_records *records = NULL;
  char **fields;
  size_t count;
  bool head = false;
  *list = (struct nsw_published_list){0};
  int status = nsw_records_open(path, &records, err);
  while (!status) {
    status = nsw_records_next(records, &fields, &count, err);
    if (status || !count) break;
    status =
        head ? add(path, nsw_records_line(records), fields, count, list, err) : check_head(path, fields, count, err);
    head = true;
  }
  nsw_records_close(&records);
  return status;
}

int nsw_published_read(const char *space, struct nsw_published_list *list, struct nsw_error *err) {
  char *folder = nsw_shipped_folder(), *path;
  *list = (struct nsw_published_list){0};
  if (!folder) return NSW_OK;
  int status = NSW_OK;
  if (asprintf(&path, "%s/%s_published.csv", folder, space) < 0) {
    status = nsw_no_memory(err, "published figures");
  } else {
    if (!access(path, R_OK)) status = nsw_published_read_file(path, list, err);
    free(path);
  }
  free(folder);
  return status;
}

void nsw_published_free(struct nsw_published_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    struct nsw_published *one = &list->at[i];
    free(one->method);
    free(one->kind);
    free(one->dataset);
    free(one->split);
    free(one->source);
    free(one->note);
  }
  free(list->at);
  *list = (struct nsw_published_list){0};
}
