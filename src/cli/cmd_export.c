/* nasweep export: result files as CSV or JSON rows, or in the layout of NAS-Bench-Suite-Zero. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/quote.h"
#include "cli/args.h"
#include "cli/emit.h"
#include "data/images.h"
#include "nasweep/proxy.h"
#include "nasweep/space.h"
#include "store/file.h"

/* ---- rows ---- */

/* A column: one of the arrays of a table. */
enum kind { INDEX, ID, CLASS, PARAMS, MACS, SCORE, STATUS, SECONDS, BY_SEED, ACCURACY, BY_REPEAT };

struct column {
  enum kind kind;
  size_t place; /* of the score or the accuracy */
  size_t part;  /* of the seeds or repeats */
  char name[512];
};

struct columns {
  struct column *list;
  size_t count;
};

static int add_column(struct columns *c, enum kind kind, size_t place, size_t part, const char *name,
                      struct nsw_error *err) {
  struct column *list = realloc(c->list, (c->count + 1) * sizeof *list);
  if (!list) return nsw_no_memory(err, "columns");
  c->list = list;
  list[c->count] = (struct column){.kind = kind, .place = place, .part = part};
  snprintf(list[c->count++].name, sizeof list->name, "%.*s", (int)sizeof list->name - 1, name);
  return NSW_OK;
}

/* Every column a table has. */
static int all_columns(const struct nsw_table *t, struct columns *c, struct nsw_error *err) {
  static const char *const base[] = {"index", "id", "class", "params", "macs"};
  char name[1024];
  int status = NSW_OK;
  for (int i = 0; !status && i < 5; i++) status = add_column(c, (enum kind)i, 0, 0, base[i], err);
  for (size_t i = 0; !status && i < t->scores; i++) {
    bool clash = false; /* the proxies params and macs */
    for (int j = 0; j < 5; j++) clash = clash || !strcmp(base[j], t->score[i].name);
    snprintf(name, sizeof name, "%s%s", clash ? "score/" : "", t->score[i].name);
    status = add_column(c, SCORE, i, 0, name, err);
  }
  for (size_t i = 0; !status && i < t->accuracies; i++) {
    snprintf(name, sizeof name, "%s/%s", t->accuracy[i].dataset, t->accuracy[i].split);
    status = add_column(c, ACCURACY, i, 0, name, err);
  }
  for (size_t i = 0; !status && i < t->scores; i++) {
    snprintf(name, sizeof name, "status/%s", t->score[i].name);
    status = add_column(c, STATUS, i, 0, name, err);
    snprintf(name, sizeof name, "seconds/%s", t->score[i].name);
    if (!status) status = add_column(c, SECONDS, i, 0, name, err);
    for (size_t j = 0; !status && t->score[i].by_seed && j < t->score[i].seeds; j++) {
      snprintf(name, sizeof name, "by_seed/%s/%zu", t->score[i].name, j);
      status = add_column(c, BY_SEED, i, j, name, err);
    }
  }
  for (size_t i = 0; !status && i < t->accuracies; i++)
    for (size_t j = 0; !status && t->accuracy[i].by_repeat && j < t->accuracy[i].repeats; j++) {
      snprintf(name, sizeof name, "by_repeat/%s/%s/%zu", t->accuracy[i].dataset, t->accuracy[i].split, j);
      status = add_column(c, BY_REPEAT, i, j, name, err);
    }
  return status;
}

/* The column of that name, or the error that names the nearest one. */
static const struct column *find_column(const struct columns *all, const char *name, struct nsw_error *err) {
  char quoted[NSW_QUOTE_SIZE];
  const char **names = calloc(all->count, sizeof *names);
  for (size_t i = 0; i < all->count; i++) {
    if (names) names[i] = all->list[i].name;
    if (strcmp(all->list[i].name, name)) continue;
    free(names);
    return &all->list[i];
  }
  const char *near = names ? nsw_nearest(name, names, all->count) : NULL;
  nsw_usage(err, "export: the file has no column '%s'%s%s%s", nsw_quote(quoted, name), near ? "; did you mean '" : "",
            near ? near : "", near ? "'?" : "");
  free(names);
  return NULL;
}

/* The columns asked for; without a wish those of index, id, class, params, macs, scores and mean accuracies. */
static int choose_columns(const struct nsw_args *args, const struct columns *all, struct columns *chosen,
                          struct nsw_error *err) {
  struct nsw_list list;
  int status = nsw_args_list(args, "columns", &list, err);
  for (size_t i = 0; !status && i < list.count; i++) {
    const struct column *c = find_column(all, list.item[i], err);
    status = c ? add_column(chosen, c->kind, c->place, c->part, c->name, err) : NSW_USAGE;
  }
  for (size_t i = 0; !status && !list.count && i < all->count; i++) {
    const struct column *c = &all->list[i];
    if (c->kind <= SCORE || c->kind == ACCURACY) status = add_column(chosen, c->kind, c->place, 0, c->name, err);
  }
  nsw_list_free(&list);
  return status;
}

static void emit_id(const struct nsw_table *t, size_t row, struct nsw_emit *emit) {
  char id[4097]; /* the store takes no longer ones */
  snprintf(id, sizeof id, "%.*s", (int)t->id_size, t->id + row * t->id_size);
  nsw_emit_text(emit, id);
}

static void emit_value(const struct nsw_table *t, const struct column *c, size_t row, struct nsw_emit *emit) {
  const struct nsw_score *s = c->kind >= SCORE && c->kind <= BY_SEED ? &t->score[c->place] : NULL;
  const struct nsw_accuracy *a = c->kind >= ACCURACY ? &t->accuracy[c->place] : NULL;
  switch (c->kind) {
    case INDEX:
      nsw_emit_integer(emit, t->index[row]);
      break;
    case ID:
      emit_id(t, row, emit);
      break;
    case CLASS:
      nsw_emit_integer(emit, t->class_of[row]);
      break;
    case PARAMS:
      nsw_emit_integer(emit, t->params[row]);
      break;
    case MACS:
      nsw_emit_integer(emit, t->macs[row]);
      break;
    case SCORE:
      nsw_emit_real(emit, s->value[row]);
      break;
    case STATUS:
      nsw_emit_integer(emit, s->status[row]);
      break;
    case SECONDS:
      nsw_emit_real(emit, s->seconds[row]);
      break;
    case BY_SEED:
      nsw_emit_real(emit, s->by_seed[row * s->seeds + c->part]);
      break;
    case ACCURACY:
      nsw_emit_real(emit, a->value[row]);
      break;
    case BY_REPEAT:
      nsw_emit_real(emit, a->by_repeat[row * a->repeats + c->part]);
      break;
  }
}

static int emit_rows(const struct nsw_args *args, const struct nsw_table *t, const struct columns *chosen,
                     struct nsw_error *err) {
  struct nsw_emit *emit = NULL;
  const char **names = calloc(chosen->count + 1, sizeof *names);
  if (!names) return nsw_no_memory(err, "columns");
  for (size_t i = 0; i < chosen->count; i++) names[i] = chosen->list[i].name;
  int status = nsw_emit_begin(stdout, nsw_args_text(args, "format"), names, chosen->count,
                              !nsw_args_flag(args, "no-header"), &emit, err);
  for (size_t row = 0; !status && row < t->rows; row++)
    for (size_t i = 0; i < chosen->count; i++) emit_value(t, &chosen->list[i], row, emit);
  if (!status) status = nsw_emit_end(&emit, err);
  free(names);
  return status;
}

static int export_rows(const struct nsw_args *args, const struct nsw_table *t, struct nsw_error *err) {
  struct columns all = {0}, chosen = {0};
  int status = all_columns(t, &all, err);
  if (!status) status = choose_columns(args, &all, &chosen, err);
  if (!status) status = emit_rows(args, t, &chosen, err);
  free(all.list);
  free(chosen.list);
  return status;
}

/* ---- NAS-Bench-Suite-Zero ---- */

/* Whether a column is the validation accuracy of the data set, under any of its names: NATS-Bench calls CIFAR-10's
 * cifar10-valid. */
static bool is_validation(const struct nsw_accuracy *a, const char *dataset) {
  bool valid = !strncmp(a->split, "valid", 5) || !strncmp(a->split, "x-valid", 7);
  bool half = strstr(a->split, "-half") != NULL;
  return valid && !half &&
         (!strcasecmp(a->dataset, dataset) ||
          (!strcasecmp(dataset, "cifar10") && !strcmp(a->dataset, "cifar10-valid")));
}

static long epochs_of(const struct nsw_accuracy *a) {
  const char *text = nsw_attributes_get(&a->attributes, "epochs");
  return text ? strtol(text, NULL, 10) : 0;
}

/* The accuracies to write as val_accuracy: the wish "DATASET/SPLIT", or the validation split of the data set with the
 * most epochs, or NULL. */
static int suite_accuracy(const struct nsw_args *args, const struct nsw_table *t, const struct nsw_accuracy **accuracy,
                          struct nsw_error *err) {
  const char *wish = nsw_args_text(args, "accuracy"), *dataset = nsw_args_text(args, "dataset");
  char name[1024], quoted[NSW_QUOTE_SIZE];
  *accuracy = NULL;
  for (size_t i = 0; i < t->accuracies; i++) {
    const struct nsw_accuracy *a = &t->accuracy[i];
    snprintf(name, sizeof name, "%s/%s", a->dataset, a->split);
    if (wish ? !strcmp(wish, name) : is_validation(a, dataset) && (!*accuracy || epochs_of(a) > epochs_of(*accuracy)))
      *accuracy = a;
  }
  if (wish && !*accuracy) return nsw_usage(err, "export: the file has no accuracies '%s'", nsw_quote(quoted, wish));
  if (*accuracy)
    fprintf(stderr, "export: val_accuracy is %s/%s\n", (*accuracy)->dataset, (*accuracy)->split);
  else
    fprintf(stderr, "export: no validation accuracies of %s; val_accuracy is left out\n", dataset);
  return NSW_OK;
}

/* One architecture: {"val_accuracy": A, PROXY: {"score": S, "time": T}, ...}; NULL for lack of memory. */
static json_t *suite_entry(const struct nsw_table *t, size_t row, const struct nsw_accuracy *accuracy) {
  json_t *entry = json_object();
  if (entry && accuracy && isfinite(accuracy->value[row]))
    json_object_set_new(entry, "val_accuracy", json_real(accuracy->value[row]));
  for (size_t i = 0; entry && i < t->scores; i++) {
    const struct nsw_score *s = &t->score[i];
    double value = s->value[row];
    if (s->status[row] == NSW_ROW_NO_PATH)
      value = -1e9 * s->direction; /* what NASLib puts in place of minus infinity */
    if ((s->status[row] != NSW_ROW_SCORED && s->status[row] != NSW_ROW_NO_PATH) || !isfinite(value)) continue;
    json_object_set_new(entry, s->name, json_pack("{s:f,s:f}", "score", value, "time", (double)s->seconds[row]));
  }
  return entry;
}

static int suite_rows(const struct nsw_space *space, const struct nsw_table *t, const struct nsw_accuracy *accuracy,
                      struct nsw_error *err) {
  char key[NSW_SPACE_TEXT];
  for (size_t row = 0; row < t->rows; row++) {
    if (t->index[row] >= nsw_space_count(space))
      return nsw_fail(err, "%s: row %zu: index %u is beyond the space", t->space, row, t->index[row]);
    json_t *entry = suite_entry(t, row, accuracy);
    if (!entry) return nsw_no_memory(err, "row %zu", row);
    nsw_space_text(space, "suite_zero", t->index[row], key);
    printf("%s\n\"%s\": ", row ? "," : "", key);
    json_dumpf(entry, stdout, JSON_REAL_PRECISION(17));
    json_decref(entry);
  }
  return NSW_OK;
}

static int export_suite(const struct nsw_args *args, const struct nsw_table *t, struct nsw_error *err) {
  struct nsw_space *space = NULL;
  const struct nsw_accuracy *accuracy;
  int classes, resolution; /* of a data set that is known; others only where the file has accuracies of theirs */
  const char *name = nsw_args_text(args, "dataset");
  int status = NSW_OK;
  bool there = nsw_args_text(args, "accuracy") != NULL;
  for (size_t i = 0; i < t->accuracies; i++) there = there || !strcmp(t->accuracy[i].dataset, name);
  if (!there) status = nsw_images_shape(name, &classes, &resolution, err);
  if (!status) status = suite_accuracy(args, t, &accuracy, err);
  if (!status) status = nsw_space_open(t->space, &space, err);
  if (status) return status;
  char key[NSW_SPACE_TEXT];
  if (!nsw_space_text(space, "suite_zero", 0, key)) {
    nsw_space_close(&space);
    return nsw_usage(err, "export: NAS-Bench-Suite-Zero has no keys for %s", t->space);
  }
  json_t *dataset = json_string(nsw_args_text(args, "accuracy") ? accuracy->dataset : nsw_args_text(args, "dataset"));
  printf("{");
  json_dumpf(dataset, stdout, JSON_ENCODE_ANY);
  printf(": {");
  status = suite_rows(space, t, accuracy, err);
  printf("\n}}\n");
  json_decref(dataset);
  nsw_space_close(&space);
  return status;
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  struct nsw_table *table;
  bool suite = !strcmp(nsw_args_text(args, "format"), "suite-zero");
  int status = nsw_file_read(nsw_args_operand(args, 0), nsw_args_text(args, "space"), &table, err);
  if (!status) status = suite ? export_suite(args, table, err) : export_rows(args, table, err);
  nsw_table_free(&table);
  return status;
}

static const struct nsw_option options[] = {
    {.name = "format", .argument = "csv|json|suite-zero", .value = "csv", .help = "how to print"},
    {.name = "space", .argument = "SPACE", .help = "which one, where the file holds several (nb101, nb201, sss)"},
    {.name = "columns",
     .argument = "LIST",
     .help = "csv and json: columns in this order: index, id, class, params, macs, PROXY (score/params, score/macs), "
             "DATASET/SPLIT, status/PROXY, "
             "seconds/PROXY, by_seed/PROXY/N, by_repeat/DATASET/SPLIT/N; all but the last four kinds if not said",
     .repeatable = true},
    {.name = "no-header", .help = "csv without the line of names"},
    {.name = "dataset",
     .argument = "NAME",
     .value = "cifar10",
     .help = "suite-zero: the data set to file scores under"},
    {.name = "accuracy",
     .argument = "DATASET/SPLIT",
     .help = "suite-zero: what to write as val_accuracy; a validation split of the data set if not said"},
    {0}};

const struct nsw_command nsw_cmd_export = {
    .name = "export",
    .operands = "FILE.h5",
    .summary = "prints a result file as CSV, JSON, or in the layout of NAS-Bench-Suite-Zero",
    .text =
        "In csv and json a score that is not there is nan (json: null); status tells why: 0 pending, 1 scored, 2 no "
        "path from input to output, 3 failed. suite-zero is the layout of zc_nasbench101.json and "
        "zc_nasbench201.json: {DATASET: {ARCHITECTURE: {\"val_accuracy\": A, PROXY: {\"score\": S, \"time\": T}}}}; "
        "there an architecture without a path scores -1e9 (or 1e9 where smaller is better), as NASLib has it, and "
        "pending or failed scores are left out.\n\nExamples:\n"
        "  nasweep export results/nb201.h5 --columns index,sed,status/sed > sed.csv\n"
        "  nasweep export results/nb201.h5 --format suite-zero > zc_nasbench201.json",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
