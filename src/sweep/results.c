#include "sweep/results.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a family still owes each row. */
struct family_rows {
  int *column;       /* [columns] place in table->score, -1 where not wanted */
  int lead;          /* place of the first wanted column: it stands for the family */
  uint16_t *missing; /* [rows] seeds not there yet */
  int columns;       /* of the family */
  size_t curve;      /* place of its first curves in table->curve: curves by curves, seed by seed within */
  uint8_t *worst;    /* [rows][columns] largest status so far: failed beats no path beats scored */
};

struct nsw_results {
  const struct nsw_sweep_plan *plan;
  struct nsw_table *table;
  struct family_rows *family; /* [families] */
  bool *done;                 /* [tasks] */
  uint32_t count;             /* of them true */
  struct nsw_failure failure[NSW_FAILURES];
  size_t failure_count; /* also of those beyond the first few */
};

/* ---- making ---- */

static int describe_column(struct nsw_score *score, const struct nsw_family *family, int c, struct nsw_error *err) {
  const struct nsw_part *part = nsw_family_part(family, c);
  const struct nsw_proxy *proxy = part->proxy;
  int status = nsw_attributes_set(&score->attributes, "long_name", family->proxy->columns[c].long_name, err);
  if (!status) status = nsw_attributes_set(&score->attributes, "source", proxy->source, err);
  if (!status) status = nsw_attributes_set(&score->attributes, "options", part->options, err);
  if (!status && proxy->identity)
    status = nsw_attributes_set(&score->attributes, "seeded", proxy->needs & NSW_NEEDS_SEED ? "yes" : "no", err);
  if (!status && proxy->note) status = nsw_attributes_set(&score->attributes, "note", proxy->note, err);
  return status;
}

static int add_columns(struct nsw_results *r, size_t f, struct nsw_error *err) {
  const struct nsw_family *family = &r->plan->family[f];
  struct family_rows *rows = &r->family[f];
  rows->column = malloc((size_t)family->columns * sizeof *rows->column);
  rows->missing = malloc((r->plan->rows + 1) * sizeof *rows->missing);
  rows->columns = family->columns;
  rows->worst = calloc(r->plan->rows + 1, (size_t)family->columns);
  if (!rows->column || !rows->missing || !rows->worst) return nsw_no_memory(err, "results");
  for (size_t i = 0; i < r->plan->rows; i++) rows->missing[i] = (uint16_t)family->seeds;
  rows->lead = -1;
  for (int c = 0; c < family->columns; c++) {
    rows->column[c] = -1;
    if (!family->wanted[c]) continue;
    const struct nsw_proxy_column *column = &family->proxy->columns[c];
    struct nsw_score *score;
    int status = nsw_table_add_score(r->table, column->name, column->direction, family->seeds, &score, err);
    if (!status) status = describe_column(score, family, c, err);
    if (status) return status;
    rows->column[c] = (int)r->table->scores - 1;
    if (rows->lead < 0) rows->lead = rows->column[c];
  }
  return NSW_OK;
}

/* The curves of a family: one column for each, or with several seeds one a seed. */
static int add_curves(struct nsw_results *r, size_t f, struct nsw_error *err) {
  const struct nsw_family *family = &r->plan->family[f];
  int status = NSW_OK;
  r->family[f].curve = r->table->curves;
  for (int k = 0; k < family->curves; k++)
    for (size_t s = 0; s < family->seeds && !status; s++) {
      const struct nsw_proxy_column *about = &family->proxy->curves[k];
      struct nsw_curves *curves;
      char name[128];
      snprintf(name, sizeof name, family->seeds > 1 ? "%s-seed%" PRIu64 : "%s", about->name, r->plan->request->seed[s]);
      status = nsw_table_add_curve(r->table, name, family->points, &curves, err);
      if (!status) status = nsw_attributes_set(&curves->attributes, "long_name", about->long_name, err);
      if (!status) status = nsw_attributes_set(&curves->attributes, "options", family->part[0].options, err);
    }
  return status;
}

void nsw_results_facts(const struct nsw_sweep_plan *plan, size_t first, size_t end, struct nsw_row_facts *facts) {
  struct nsw_space_counter counter = {.sizes = {0}};
  for (size_t i = first; i < end; i++, facts++) {
    facts->class_of = nsw_space_class(plan->space, plan->index[i]);
    nsw_space_counter_next(&counter, plan->space, plan->index[i], &plan->context.macro, &facts->params, &facts->macs);
  }
}

static void fill_rows(const struct nsw_sweep_plan *plan, const struct nsw_row_facts *facts, struct nsw_table *table) {
  enum { AT_ONCE = 256 };
  char id[256];
  struct nsw_row_facts own[AT_ONCE];
  for (size_t i = 0; i < plan->rows; i++) {
    size_t end = plan->rows - i < AT_ONCE ? plan->rows : i + AT_ONCE;
    if (!facts && i % AT_ONCE == 0) nsw_results_facts(plan, i, end, own);
    const struct nsw_row_facts *row = facts ? &facts[i] : &own[i % AT_ONCE];
    table->index[i] = plan->index[i];
    nsw_space_id(plan->space, plan->index[i], id);
    memcpy(table->id + i * table->id_size, id, strnlen(id, table->id_size));
    table->class_of[i] = row->class_of;
    table->params[i] = row->params;
    table->macs[i] = row->macs;
  }
}

int nsw_results_create(const struct nsw_sweep_plan *plan, const struct nsw_row_facts *facts,
                       struct nsw_results **results, struct nsw_error *err) {
  struct nsw_results *r = *results = calloc(1, sizeof *r);
  if (!r) return nsw_no_memory(err, "results");
  r->plan = plan;
  r->family = calloc(plan->families + 1, sizeof *r->family);
  r->done = calloc((size_t)plan->tasks + 1, sizeof *r->done);
  int status = r->family && r->done ? NSW_OK : nsw_no_memory(err, "results");
  const struct nsw_space_kind *kind = nsw_space_kind(plan->space);
  if (!status) status = nsw_table_create(kind->name, plan->rows, kind->id_size, &r->table, err);
  for (size_t f = 0; f < plan->families && !status; f++) {
    status = add_columns(r, f, err);
    if (!status) status = add_curves(r, f, err);
  }
  if (status)
    nsw_results_free(results);
  else
    fill_rows(plan, facts, r->table);
  return status;
}

void nsw_results_free(struct nsw_results **results) {
  struct nsw_results *r = *results;
  if (!r) return;
  for (size_t f = 0; r->family && f < r->plan->families; f++) {
    free(r->family[f].column);
    free(r->family[f].missing);
    free(r->family[f].worst);
  }
  free(r->family);
  free(r->done);
  nsw_table_free(&r->table);
  free(r);
  *results = NULL;
}

/* ---- filling ---- */

double nsw_row_mean(uint8_t status, double sum, size_t seeds) {
  bool lowest = status != NSW_ROW_FAILED && sum == -INFINITY;
  return status == NSW_ROW_SCORED || lowest ? sum / (double)seeds : NAN;
}

static uint8_t *worst_of(const struct family_rows *rows, uint32_t row, int c) {
  return &rows->worst[(size_t)row * (size_t)rows->columns + (size_t)c];
}

/* The last seed of a row came in: its mean, in the order of the seeds, and its status. */
static void complete(struct nsw_results *r, size_t f, uint32_t row) {
  const struct family_rows *rows = &r->family[f];
  for (int c = 0; c < rows->columns; c++) {
    if (rows->column[c] < 0) continue;
    struct nsw_score *score = &r->table->score[rows->column[c]];
    score->status[row] = *worst_of(rows, row, c);
    if (!score->by_seed) continue;
    double sum = 0;
    for (size_t s = 0; s < score->seeds; s++) sum += score->by_seed[row * score->seeds + s];
    score->value[row] = nsw_row_mean(score->status[row], sum, score->seeds);
    score->seconds[row] /= (float)score->seeds;
  }
}

/* Notes the first few rows that failed, with what they had. */
static void note_failure(struct nsw_results *r, const struct nsw_task *task, uint32_t m, int c, double value,
                         bool evaluated) {
  if (r->failure_count++ >= NSW_FAILURES) return;
  r->failure[r->failure_count - 1] = (struct nsw_failure){.index = task->member[m],
                                                          .column = task->family->proxy->columns[c].name,
                                                          .seed = task->seed,
                                                          .value = value,
                                                          .evaluated = evaluated};
}

/* A row may be scored, and one of its columns have no value all the same: that column's row failed. A score is finite,
 * or minus infinity for the lowest there is. */
static void put_value(struct nsw_results *r, size_t f, const struct nsw_task *task, uint32_t m, int c, double value,
                      const struct nsw_evaluation *record) {
  const struct family_rows *rows = &r->family[f];
  uint32_t row = task->row[m];
  struct nsw_score *score = &r->table->score[rows->column[c]];
  uint8_t status = record->status ? record->status[m] : NSW_ROW_FAILED, *worst = worst_of(rows, row, c);
  bool lowest = value == -INFINITY;
  if (status == NSW_ROW_SCORED && !isfinite(value) && !lowest) status = NSW_ROW_FAILED;
  if (status == NSW_ROW_FAILED) note_failure(r, task, m, c, value, record->values != NULL);
  if (status == NSW_ROW_FAILED || (status == NSW_ROW_NO_PATH && !lowest)) value = NAN;
  if (score->by_seed)
    score->by_seed[row * score->seeds + task->seed_place] = value;
  else
    score->value[row] = value;
  score->seconds[row] += record->seconds / (float)(task->family->batch ? task->members : 1);
  if (status > *worst) *worst = status;
}

/* values: the row's curves, float64, not aligned. */
static void put_curves(struct nsw_results *r, size_t f, const struct nsw_task *task, uint32_t m,
                       const unsigned char *values) {
  size_t points = task->family->points;
  for (int k = 0; k < task->family->curves; k++) {
    size_t place = r->family[f].curve + (size_t)k * task->family->seeds + task->seed_place;
    float *to = r->table->curve[place].value + task->row[m] * points;
    for (size_t p = 0; p < points; p++, values += sizeof(double)) {
      double value;
      memcpy(&value, values, sizeof value);
      to[p] = (float)value;
    }
  }
}

static void put_row(struct nsw_results *r, size_t f, const struct nsw_task *task, uint32_t m,
                    const struct nsw_evaluation *record) {
  const struct family_rows *rows = &r->family[f];
  uint32_t row = task->row[m];
  const unsigned char *values = record->values ? record->values + m * task->family->width * sizeof(double) : NULL;
  for (int c = 0; c < rows->columns; c++) {
    double value = NAN;
    if (rows->column[c] < 0) continue;
    if (values) memcpy(&value, values + (size_t)c * sizeof value, sizeof value);
    put_value(r, f, task, m, c, value, record);
  }
  if (values) put_curves(r, f, task, m, values + (size_t)rows->columns * sizeof(double));
  if (--rows->missing[row] == 0) complete(r, f, row);
}

void nsw_results_put(struct nsw_results *r, const struct nsw_evaluation *record) {
  if (r->done[record->task]) return;
  struct nsw_task task = nsw_sweep_plan_task(r->plan, record->task);
  size_t f = (size_t)(task.family - r->plan->family);
  for (uint32_t m = 0; m < task.members; m++) put_row(r, f, &task, m, record);
  r->done[record->task] = true;
  r->count++;
}

size_t nsw_results_failures(const struct nsw_results *r, const struct nsw_failure **failure) {
  *failure = r->failure;
  return r->failure_count;
}

void nsw_results_fail(struct nsw_results *r, uint32_t task) {
  nsw_results_put(r, &(struct nsw_evaluation){.task = task});
}

/* ---- going on ---- */

/* Whether all wanted columns have the value of this row and seed. */
static bool has_value(const struct nsw_results *r, size_t f, const struct nsw_table *earlier, uint32_t row, size_t s) {
  for (int c = 0; c < r->plan->family[f].columns; c++) {
    int place = r->family[f].column[c];
    if (place < 0) continue;
    const struct nsw_score *score = &earlier->score[place];
    if (isnan(score->by_seed ? score->by_seed[row * score->seeds + s] : score->value[row])) return false;
  }
  return true;
}

/* Whether a row that is to be done has what an earlier run left of one seed. One that has all seeds was set back by
 * hand: it is begun anew. */
static bool has_part(const struct nsw_results *r, size_t f, const struct nsw_table *earlier, uint32_t row, size_t s) {
  size_t seeds = r->plan->family[f].seeds, there = 0;
  if (seeds < 2 || !has_value(r, f, earlier, row, s)) return false;
  while (there < seeds && has_value(r, f, earlier, row, there)) there++;
  return there < seeds;
}

/* A row the earlier run had completed, in all columns, and that is to stay so. */
static bool stays(const struct nsw_results *r, size_t f, const struct nsw_table *earlier, uint32_t row, bool repair) {
  for (int c = 0; c < r->plan->family[f].columns; c++) {
    int place = r->family[f].column[c];
    if (place < 0) continue;
    uint8_t status = earlier->score[place].status[row];
    if (status == NSW_ROW_PENDING || (repair && status == NSW_ROW_FAILED)) return false;
  }
  return true;
}

static void take_over_task(struct nsw_results *r, const struct nsw_table *earlier, uint32_t number, bool repair) {
  struct nsw_task task = nsw_sweep_plan_task(r->plan, number);
  size_t f = (size_t)(task.family - r->plan->family);
  for (uint32_t m = 0; m < task.members; m++)
    if (!stays(r, f, earlier, task.row[m], repair) && !has_part(r, f, earlier, task.row[m], task.seed_place)) return;
  for (uint32_t m = 0; m < task.members; m++) {
    uint32_t row = task.row[m];
    for (int c = 0; c < r->family[f].columns; c++) {
      uint8_t *worst = worst_of(&r->family[f], row, c);
      if (*worst < NSW_ROW_SCORED) *worst = NSW_ROW_SCORED;
    }
    r->family[f].missing[row]--;
  }
  r->done[number] = true;
  r->count++;
}

/* Copies one earlier column; values of tasks that are not done are overwritten later. */
static void copy_column(struct nsw_score *to, const struct nsw_score *from, size_t rows) {
  memcpy(to->value, from->value, rows * sizeof *to->value);
  memcpy(to->status, from->status, rows);
  memcpy(to->seconds, from->seconds, rows * sizeof *to->seconds);
  if (to->by_seed) memcpy(to->by_seed, from->by_seed, rows * to->seeds * sizeof *to->by_seed);
}

/* Refuses an earlier table that has other rows, columns or curves. */
static int same_shape(const struct nsw_results *r, const struct nsw_table *earlier, struct nsw_error *err) {
  const struct nsw_table *table = r->table;
  if (earlier->rows != table->rows || memcmp(earlier->index, table->index, table->rows * sizeof *table->index))
    return nsw_fail(err, "its architectures are not those asked for");
  for (size_t c = 0; c < table->scores; c++) {
    const struct nsw_score *score = nsw_table_score(earlier, table->score[c].name);
    if (!score || score->seeds != table->score[c].seeds)
      return nsw_fail(err, "it has no column %s with %zu seeds", table->score[c].name, table->score[c].seeds);
  }
  for (size_t c = 0; c < table->curves; c++) {
    const struct nsw_curves *curves = nsw_table_curve(earlier, table->curve[c].name);
    if (!curves || curves->width != table->curve[c].width)
      return nsw_fail(err, "it has no curves %s of %zu points", table->curve[c].name, table->curve[c].width);
  }
  return NSW_OK;
}

/* A task that is to be done: what an earlier run had for its seed goes. */
static void forget_task(struct nsw_results *r, uint32_t number) {
  struct nsw_task task = nsw_sweep_plan_task(r->plan, number);
  const struct family_rows *rows = &r->family[task.family - r->plan->family];
  for (int c = 0; c < task.family->columns; c++) {
    if (rows->column[c] < 0) continue;
    struct nsw_score *score = &r->table->score[rows->column[c]];
    for (uint32_t m = 0; m < task.members && score->by_seed; m++)
      score->by_seed[task.row[m] * score->seeds + task.seed_place] = NAN;
  }
  for (int k = 0; k < task.family->curves; k++) {
    struct nsw_curves *curves = &r->table->curve[rows->curve + (size_t)k * task.family->seeds + task.seed_place];
    for (uint32_t m = 0; m < task.members; m++)
      for (size_t p = 0; p < curves->width; p++) curves->value[task.row[m] * curves->width + p] = NAN;
  }
}

/* A row that lacks seeds is pending again. Its seconds are once more the sum over the seeds that it has. */
static void reopen_row(struct nsw_results *r, size_t f, uint32_t row) {
  const struct family_rows *rows = &r->family[f];
  size_t kept = r->plan->family[f].seeds - rows->missing[row];
  for (int c = 0; c < rows->columns; c++) {
    if (rows->column[c] < 0) continue;
    struct nsw_score *score = &r->table->score[rows->column[c]];
    if (!kept) score->seconds[row] = 0;
    if (kept && score->status[row] != NSW_ROW_PENDING) score->seconds[row] *= (float)kept;
    score->status[row] = NSW_ROW_PENDING;
    score->value[row] = NAN;
  }
}

int nsw_results_resume(struct nsw_results *r, const struct nsw_table *earlier, bool repair, struct nsw_error *err) {
  int status = same_shape(r, earlier, err);
  if (status) return status;
  for (size_t c = 0; c < r->table->scores; c++)
    copy_column(&r->table->score[c], nsw_table_score(earlier, r->table->score[c].name), r->table->rows);
  for (size_t c = 0; c < r->table->curves; c++)
    memcpy(r->table->curve[c].value, nsw_table_curve(earlier, r->table->curve[c].name)->value,
           r->table->rows * r->table->curve[c].width * sizeof *r->table->curve[c].value);
  for (uint32_t t = 0; t < r->plan->tasks; t++) take_over_task(r, r->table, t, repair);
  for (uint32_t t = 0; t < r->plan->tasks; t++)
    if (!r->done[t]) forget_task(r, t);
  for (size_t f = 0; f < r->plan->families; f++)
    for (size_t row = 0; row < r->plan->rows; row++)
      if (r->family[f].missing[row]) reopen_row(r, f, (uint32_t)row);
  return NSW_OK;
}

/* ---- asking ---- */

bool nsw_results_done(const struct nsw_results *r, uint32_t task) { return r->done[task]; }
uint32_t nsw_results_count(const struct nsw_results *r) { return r->count; }
struct nsw_table *nsw_results_table(struct nsw_results *r) {
  return r->table;
}

struct nsw_tally nsw_tally_make(const struct nsw_table *table) {
  struct nsw_tally tally = {0};
  for (size_t row = 0; row < table->rows; row++) {
    bool found[NSW_ROW_FAILED + 1] = {false};
    for (size_t c = 0; c < table->scores; c++)
      if (table->score[c].status[row] <= NSW_ROW_FAILED) found[table->score[c].status[row]] = true;
    if (found[NSW_ROW_PENDING] || !table->scores)
      tally.pending++;
    else if (found[NSW_ROW_FAILED])
      tally.failed++;
    else if (found[NSW_ROW_NO_PATH])
      tally.no_path++;
    else
      tally.scored++;
  }
  return tally;
}

struct nsw_tally nsw_results_tally(const struct nsw_results *r) {
  return nsw_tally_make(r->table);
}

/* ---- snapshots ---- */

/* Copies into *to, which is made where it is not there yet. False for lack of memory. */
static bool copy_array(void **to, const void *from, size_t size) {
  if (!from) return true;
  if (!*to) *to = malloc(size + 1);
  if (*to) memcpy(*to, from, size);
  return *to;
}

static bool copy_score(struct nsw_score *to, const struct nsw_score *from, size_t rows) {
  struct nsw_score there = *to;
  *to = *from;
  to->value = there.value;
  to->status = there.status;
  to->seconds = there.seconds;
  to->by_seed = there.by_seed;
  return copy_array((void **)&to->value, from->value, rows * sizeof *from->value) &&
         copy_array((void **)&to->status, from->status, rows) &&
         copy_array((void **)&to->seconds, from->seconds, rows * sizeof *from->seconds) &&
         copy_array((void **)&to->by_seed, from->by_seed, rows * from->seeds * sizeof *from->value);
}

static bool copy_curves(struct nsw_curves *to, const struct nsw_curves *from, size_t rows) {
  void *there = to->value;
  *to = *from;
  bool copied = copy_array(&there, from->value, rows * from->width * sizeof *from->value);
  to->value = there;
  return copied;
}

int nsw_results_snapshot(const struct nsw_results *r, struct nsw_table *copy, struct nsw_error *err) {
  struct nsw_score *score = copy->score;
  if (!score) score = calloc(r->table->scores + 1, sizeof *score);
  struct nsw_curves *curve = copy->curve;
  if (!curve) curve = calloc(r->table->curves + 1, sizeof *curve);
  bool good = score && curve;
  *copy = *r->table;
  copy->score = score;
  copy->curve = curve;
  for (size_t c = 0; good && c < copy->scores; c++) good = copy_score(&score[c], &r->table->score[c], copy->rows);
  for (size_t c = 0; good && c < copy->curves; c++) good = copy_curves(&curve[c], &r->table->curve[c], copy->rows);
  return good ? NSW_OK : nsw_no_memory(err, "a copy of the results");
}

void nsw_results_snapshot_free(struct nsw_table *copy) {
  for (size_t c = 0; copy->score && c < copy->scores; c++) {
    free(copy->score[c].value);
    free(copy->score[c].status);
    free(copy->score[c].seconds);
    free(copy->score[c].by_seed);
  }
  for (size_t c = 0; copy->curve && c < copy->curves; c++) free(copy->curve[c].value);
  free(copy->score);
  free(copy->curve);
  *copy = (struct nsw_table){0};
}
