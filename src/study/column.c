#include "study/column.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/quote.h"
#include "nasweep/row.h"

int nsw_columns_add(struct nsw_columns *columns, const char *name, struct nsw_column **column, struct nsw_error *err) {
  struct nsw_column *list = realloc(columns->list, (columns->count + 1) * sizeof *list);
  if (!list) return nsw_no_memory(err, "column %s", name);
  columns->list = list;
  struct nsw_column *new = &list[columns->count++];
  *new = (struct nsw_column){.seeds = 1, .seconds = NAN};
  new->name = strdup(name);
  new->long_name = strdup("");
  new->value = malloc((columns->rows + 1) * sizeof *new->value);
  new->standing = calloc(columns->rows + 1, 1);
  *column = new;
  if (new->name &&new->long_name &&new->value &&new->standing) return NSW_OK;
  return nsw_no_memory(err, "column %s", name);
}

static enum nsw_standing standing_of(uint8_t status, double value) {
  switch (status) {
    case NSW_ROW_PENDING:
      return NSW_PENDING;
    case NSW_ROW_SCORED:
      return isnan(value) ? NSW_BROKEN : NSW_IN;
    case NSW_ROW_NO_PATH:
      return NSW_LOWEST;
    case NSW_STATUS_ABSENT:
      return NSW_ABSENT;
    default:
      return NSW_BROKEN;
  }
}

static int fill_column(const struct nsw_score *score, size_t rows, struct nsw_column *column, struct nsw_error *err) {
  double turn = score->direction < 0 ? -1 : 1;
  const char *long_name = nsw_attributes_get(&score->attributes, "long_name");
  if (long_name) {
    free(column->long_name);
    column->long_name = strdup(long_name);
  }
  column->seconds = 0;
  for (size_t i = 0; i < rows; i++) {
    enum nsw_standing standing = standing_of(score->status[i], score->value[i]);
    column->standing[i] = (uint8_t)standing;
    column->value[i] = standing == NSW_IN ? turn * score->value[i] : standing == NSW_LOWEST ? -INFINITY : NAN;
    if (score->seconds && score->seconds[i] > 0) {
      column->seconds += score->seconds[i];
      column->timed++;
    }
  }
  if (!score->by_seed || score->seeds < 2) return NSW_OK;
  column->seeds = score->seeds;
  column->by_seed = malloc((rows * score->seeds + 1) * sizeof *column->by_seed);
  if (!column->by_seed) return nsw_no_memory(err, "column %s", score->name);
  for (size_t k = 0; k < rows * score->seeds; k++)
    column->by_seed[k] = column->standing[k / score->seeds] == NSW_LOWEST ? -INFINITY : turn * score->by_seed[k];
  return NSW_OK;
}

int nsw_columns_make(const struct nsw_table *table, struct nsw_columns *columns, struct nsw_error *err) {
  *columns = (struct nsw_columns){.rows = table->rows};
  int status = NSW_OK;
  for (size_t s = 0; s < table->scores && !status; s++) {
    struct nsw_column *column;
    status = nsw_columns_add(columns, table->score[s].name, &column, err);
    if (!status) status = fill_column(&table->score[s], table->rows, column, err);
  }
  if (status) nsw_columns_free(columns);
  return status;
}

/* What accuracies there are, for a message. */
static void list_accuracies(const struct nsw_table *table, char *text, size_t size) {
  size_t at = 0;
  for (size_t a = 0; a < table->accuracies && at < size; a++)
    at += (size_t)snprintf(text + at, size - at, "%s%s/%s", a ? ", " : "", table->accuracy[a].dataset,
                           table->accuracy[a].split);
}

int nsw_columns_add_accuracy(struct nsw_columns *columns, const struct nsw_table *table, const char *text,
                             struct nsw_error *err) {
  static const char prefix[] = "accuracy:";
  char quoted[NSW_QUOTE_SIZE], there[600] = "none", name[256], long_name[300];
  const char *at = strncmp(text, prefix, sizeof prefix - 1) ? text : text + sizeof prefix - 1;
  const struct nsw_accuracy *accuracy = NULL;
  for (size_t a = 0; a < table->accuracies && !accuracy; a++) {
    snprintf(name, sizeof name, "%s/%s", table->accuracy[a].dataset, table->accuracy[a].split);
    if (!strcasecmp(at, name)) accuracy = &table->accuracy[a];
  }
  list_accuracies(table, there, sizeof there);
  if (!accuracy)
    return nsw_usage(err, "%s: no accuracies '%s' to take as a score; there are %s", table->space,
                     nsw_quote(quoted, text), there);
  snprintf(name, sizeof name, "%s%s/%s", prefix, accuracy->dataset, accuracy->split);
  if (nsw_columns_find(columns, name)) return nsw_usage(err, "%s: %s is asked for twice", table->space, name);
  struct nsw_column *column;
  int status = nsw_columns_add(columns, name, &column, err);
  if (status) return status;
  snprintf(long_name, sizeof long_name, "accuracy on %s, %s, taken as a score", accuracy->dataset, accuracy->split);
  free(column->long_name);
  column->long_name = strdup(long_name);
  column->asked = true;
  for (size_t i = 0; i < table->rows; i++) {
    column->value[i] = accuracy->value[i];
    if (isnan(accuracy->value[i])) column->standing[i] = NSW_ABSENT;
  }
  return column->long_name ? NSW_OK : nsw_no_memory(err, "column %s", name);
}

struct nsw_column *nsw_columns_find(const struct nsw_columns *columns, const char *name) {
  for (size_t c = 0; c < columns->count; c++)
    if (!strcmp(columns->list[c].name, name)) return &columns->list[c];
  return NULL;
}

void nsw_columns_free(struct nsw_columns *columns) {
  for (size_t c = 0; c < columns->count; c++) {
    struct nsw_column *column = &columns->list[c];
    free(column->name);
    free(column->long_name);
    free(column->value);
    free(column->standing);
    free(column->by_seed);
  }
  free(columns->list);
  *columns = (struct nsw_columns){0};
}

/* ---- tables of one space put together ---- */

/* Ascending union of the tables' indexes. */
static uint32_t *union_of(struct nsw_table *const *tables, size_t count, size_t *rows) {
  size_t most = 0;
  for (size_t t = 0; t < count; t++) most += tables[t]->rows;
  uint32_t *index = malloc((most + 1) * sizeof *index);
  size_t *at = calloc(count + 1, sizeof *at);
  *rows = 0;
  while (index && at) {
    uint64_t next = UINT64_MAX;
    for (size_t t = 0; t < count; t++)
      if (at[t] < tables[t]->rows && tables[t]->index[at[t]] < next) next = tables[t]->index[at[t]];
    if (next == UINT64_MAX) break;
    index[(*rows)++] = (uint32_t)next;
    for (size_t t = 0; t < count; t++)
      if (at[t] < tables[t]->rows && tables[t]->index[at[t]] == next) at[t]++;
  }
  if (!at) {
    free(index);
    index = NULL;
  }
  free(at);
  return index;
}

static int copy_attributes(const struct nsw_attributes *from, struct nsw_attributes *to, struct nsw_error *err) {
  int status = NSW_OK;
  for (size_t a = 0; a < from->count && !status; a++)
    status = nsw_attributes_set(to, from->list[a].name, from->list[a].text, err);
  return status;
}

static int merge_score(struct nsw_table *to, const struct nsw_score *from, const size_t *row, size_t rows,
                       struct nsw_error *err) {
  char name[256];
  snprintf(name, sizeof name, "%s", from->name);
  for (int k = 2; nsw_table_score(to, name); k++) snprintf(name, sizeof name, "%.200s@%d", from->name, k);
  struct nsw_score *score;
  int status = nsw_table_add_score(to, name, from->direction, from->seeds, &score, err);
  if (status) return status;
  memset(score->status, NSW_STATUS_ABSENT, to->rows);
  for (size_t i = 0; i < rows; i++) {
    score->value[row[i]] = from->value[i];
    score->status[row[i]] = from->status[i];
    if (from->seconds) score->seconds[row[i]] = from->seconds[i];
    if (from->by_seed && score->by_seed)
      memcpy(score->by_seed + row[i] * from->seeds, from->by_seed + i * from->seeds,
             from->seeds * sizeof *from->by_seed);
  }
  return copy_attributes(&from->attributes, &score->attributes, err);
}

/* Accuracies of the same name fill each other's gaps. */
static int merge_accuracy(struct nsw_table *to, const struct nsw_accuracy *from, const size_t *row, size_t rows,
                          struct nsw_error *err) {
  struct nsw_accuracy *accuracy = nsw_table_accuracy(to, from->dataset, from->split);
  int status = NSW_OK;
  if (!accuracy) {
    status = nsw_table_add_accuracy(to, from->dataset, from->split, 1, &accuracy, err);
    if (!status) status = copy_attributes(&from->attributes, &accuracy->attributes, err);
  }
  for (size_t i = 0; i < rows && !status; i++)
    if (isnan(accuracy->value[row[i]])) accuracy->value[row[i]] = from->value[i];
  return status;
}

/* Curves of the same name fill each other's gaps. */
static int merge_curves(struct nsw_table *to, const struct nsw_curves *from, const size_t *row, size_t rows,
                        struct nsw_error *err) {
  struct nsw_curves *curves = nsw_table_curve(to, from->name);
  int status = NSW_OK;
  if (!curves) {
    status = nsw_table_add_curve(to, from->name, from->width, &curves, err);
    if (!status) status = copy_attributes(&from->attributes, &curves->attributes, err);
  }
  if (!status && curves->width != from->width)
    return nsw_fail(err, "curves %s have %zu points in one file and %zu in another", from->name, curves->width,
                    from->width);
  for (size_t i = 0; i < rows && !status; i++)
    for (size_t p = 0; p < from->width; p++) {
      float *point = &curves->value[row[i] * from->width + p];
      if (isnan(*point)) *point = from->value[i * from->width + p];
    }
  return status;
}

static int merge_one(struct nsw_table *to, const struct nsw_table *from, struct nsw_error *err) {
  size_t *row = malloc((from->rows + 1) * sizeof *row);
  if (!row) return nsw_no_memory(err, "joining tables of %s", to->space);
  for (size_t i = 0, at = 0; i < from->rows; i++) {
    while (to->index[at] != from->index[i]) at++;
    row[i] = at;
    memcpy(to->id + at * to->id_size, from->id + i * from->id_size, from->id_size);
    to->class_of[at] = from->class_of[i];
    to->params[at] = from->params[i];
    to->macs[at] = from->macs[i];
  }
  int status = NSW_OK;
  for (size_t s = 0; s < from->scores && !status; s++) status = merge_score(to, &from->score[s], row, from->rows, err);
  for (size_t a = 0; a < from->accuracies && !status; a++)
    status = merge_accuracy(to, &from->accuracy[a], row, from->rows, err);
  for (size_t c = 0; c < from->curves && !status; c++) status = merge_curves(to, &from->curve[c], row, from->rows, err);
  free(row);
  return status;
}

int nsw_table_merge(struct nsw_table *const *tables, size_t count, struct nsw_table **merged, struct nsw_error *err) {
  *merged = NULL;
  for (size_t t = 1; t < count; t++)
    if (tables[t]->id_size != tables[0]->id_size || strcmp(tables[t]->space, tables[0]->space))
      return nsw_usage(err, "tables of %s and %s cannot be joined", tables[0]->space, tables[t]->space);
  size_t rows;
  uint32_t *index = union_of(tables, count, &rows);
  if (!index) return nsw_no_memory(err, "joining tables of %s", tables[0]->space);
  int status = nsw_table_create(tables[0]->space, rows, tables[0]->id_size, merged, err);
  if (!status) memcpy((*merged)->index, index, rows * sizeof *index);
  free(index);
  for (size_t t = 0; t < count && !status; t++) status = merge_one(*merged, tables[t], err);
  if (!status) status = copy_attributes(&tables[0]->attributes, &(*merged)->attributes, err);
  if (status) nsw_table_free(merged);
  return status;
}

void nsw_table_settle(struct nsw_table *merged) {
  for (size_t s = 0; s < merged->scores; s++)
    for (size_t i = 0; i < merged->rows; i++)
      if (merged->score[s].status[i] == NSW_STATUS_ABSENT) merged->score[s].status[i] = NSW_ROW_PENDING;
}
