/* nasweep select: the search that a score implies, judged by trained accuracies. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/lines.h"
#include "cli/tables.h"
#include "study/column.h"
#include "study/ensemble.h"
#include "study/select.h"
#include "truth/truth.h"

enum { BUDGETS = 64 };

static const struct nsw_option options[] = {
    {"truth", "[FORMAT:]FILE", NULL, "accuracies, as in `correlate`", true},
    {"format", "NAME", "table", "table, json or csv (of the curves)", false},
    {"proxy", "LIST", NULL, "only these scores", false},
    {"ensemble", "A+B", NULL, NSW_ENSEMBLE_HELP, true},
    {"dataset", "LIST", NULL, "only accuracies on these data sets", false},
    {"split", "NAME", NULL, "only accuracies of this split", false},
    {"max-params", "N", NULL, "only architectures with at most N parameters", false},
    {"max-macs", "N", NULL, "only architectures with at most N multiply-adds", false},
    {"pareto", "params|macs", NULL, "also the front of this cost against each score, with the accuracies on it", false},
    {"show", "N", "1", "architectures at the top of each score to list", false},
    {"knas", "LIST", "20,40", "budgets k of the two-step search", false},
    {"knas-proxy", "NAME", "knas", "score of its first step; the search is left out where there is no such score",
     false},
    {"knas-split", "NAME", "valid", "split its second step goes by; the same as the one found where there is none",
     false},
    {"candidates", "N", "100", "architectures that the two-step search draws", false},
    {"runs", "N", "500", "repetitions of the two-step search", false},
    {"seed", "S", "0", "of its draws", false},
    {NULL, NULL, NULL, NULL, false}};

/* Candidates of one score and one accuracy: what is left after limits and gaps. */
struct candidates {
  size_t n;
  uint32_t *row;            /* [n] of the table */
  double *score, *accuracy; /* [n] */
  uint64_t over, left_out;  /* rows beyond the limits; rows without score or accuracy */
};

struct job {
  const struct nsw_args *args;
  int64_t max_params, max_macs, show, candidates, runs, seed; /* limits INT64_MAX where there are none */
  struct nsw_list proxies, datasets, budgets;
  json_t *out;
};

static bool wanted(const struct nsw_list *list, const char *word) {
  if (!list->count) return true;
  for (size_t i = 0; i < list->count; i++)
    if (!strcmp(list->item[i], word)) return true;
  return false;
}

static int gather(const struct job *job, const struct nsw_table *table, const struct nsw_column *column,
                  const double *accuracy, struct candidates *c, struct nsw_error *err) {
  *c = (struct candidates){.row = malloc((table->rows + 1) * sizeof *c->row),
                           .score = malloc((table->rows + 1) * sizeof *c->score),
                           .accuracy = malloc((table->rows + 1) * sizeof *c->accuracy)};
  if (!c->row || !c->score || !c->accuracy) return nsw_fail(err, "out of memory for %zu candidates", table->rows);
  for (size_t i = 0; i < table->rows; i++) {
    if (table->params[i] > (uint64_t)job->max_params || table->macs[i] > (uint64_t)job->max_macs) {
      c->over++;
    } else if (column->standing[i] > NSW_LOWEST || isnan(accuracy[i])) {
      c->left_out++;
    } else {
      c->row[c->n] = (uint32_t)i;
      c->score[c->n] = column->value[i];
      c->accuracy[c->n++] = accuracy[i];
    }
  }
  return NSW_OK;
}

static void drop(struct candidates *c) {
  free(c->row);
  free(c->score);
  free(c->accuracy);
}

static json_t *json_architecture(const struct nsw_table *table, uint32_t row) {
  size_t size = strnlen(table->id + row * table->id_size, table->id_size);
  return json_pack("{s:I, s:s%, s:I, s:I}", "index", (json_int_t)table->index[row], "id",
                   table->id + row * table->id_size, size, "params", (json_int_t)table->params[row], "macs",
                   (json_int_t)table->macs[row]);
}

static json_t *json_object_for(const struct job *job, const char *kind, const struct nsw_table *table,
                               const char *proxy, const struct nsw_accuracy *accuracy, const struct candidates *c) {
  json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s}", "kind", kind, "space", table->space, "proxy", proxy,
                             "dataset", accuracy->dataset, "split", accuracy->split);
  json_object_set_new(object, "n", json_integer((json_int_t)c->n));
  json_object_set_new(object, "over_limits", json_integer((json_int_t)c->over));
  json_object_set_new(object, "excluded", json_integer((json_int_t)c->left_out));
  json_object_set_new(object, "max_params", job->max_params == INT64_MAX ? json_null() : json_integer(job->max_params));
  json_object_set_new(object, "max_macs", job->max_macs == INT64_MAX ? json_null() : json_integer(job->max_macs));
  return object;
}

/* Top N by score, ties by index, each with how many share its score. */
static json_t *json_top(const struct job *job, const struct nsw_table *table, const struct candidates *c,
                        struct nsw_error *err) {
  struct nsw_ranks ranks;
  json_t *top = json_array();
  if (nsw_ranks_make(c->score, c->n, &ranks, err) != NSW_OK) return top;
  int64_t shown = 0;
  for (size_t g = ranks.distinct; g-- > 0 && shown < job->show;)
    for (uint32_t i = ranks.start[g]; i < ranks.start[g + 1] && shown < job->show; i++, shown++) {
      uint32_t k = ranks.order[i];
      json_t *one = json_architecture(table, c->row[k]);
      json_object_set_new(one, "score", nsw_json_real(c->score[k]));
      json_object_set_new(one, "accuracy", nsw_json_real(c->accuracy[k]));
      json_object_set_new(one, "tied", json_integer(ranks.start[g + 1] - ranks.start[g]));
      json_array_append_new(top, one);
    }
  nsw_ranks_free(&ranks);
  return top;
}

static void add_points(json_t *object, const struct nsw_pick *picks, size_t count, double best) {
  json_t *points = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(
        points, json_pack("{s:I, s:f, s:f, s:f, s:f}", "k", (json_int_t)picks[i].k, "best", picks[i].best, "regret",
                          best - picks[i].best, "mean", picks[i].mean, "precision", picks[i].precision));
  json_object_set_new(object, "best_accuracy", json_real(best));
  json_object_set_new(object, "points", points);
}

static double largest(const double *values, size_t n) {
  double best = -INFINITY;
  for (size_t i = 0; i < n; i++) best = fmax(best, values[i]);
  return best;
}

/* The curve of one score; random: the baseline over the same candidates. */
static int curve(struct job *job, const struct nsw_table *table, const char *proxy, const struct nsw_accuracy *accuracy,
                 const struct candidates *c, bool random, struct nsw_error *err) {
  uint64_t ks[BUDGETS];
  struct nsw_pick picks[BUDGETS];
  size_t count = nsw_budgets(c->n, ks, BUDGETS);
  json_t *object = json_object_for(job, "curve", table, proxy, accuracy, c);
  int status = random ? nsw_pick_random(c->accuracy, c->n, ks, count, picks, err)
                      : nsw_pick_top(c->score, c->accuracy, c->n, ks, count, picks, err);
  if (status == NSW_OK && c->n) {
    add_points(object, picks, count, largest(c->accuracy, c->n));
    json_object_set_new(object, "top", random ? json_array() : json_top(job, table, c, err));
  }
  json_array_append_new(job->out, object);
  return status;
}

static int pareto(struct job *job, const struct nsw_table *table, const char *proxy,
                  const struct nsw_accuracy *accuracy, const struct candidates *c, const char *cost, bool by_accuracy,
                  struct nsw_error *err) {
  double *price = malloc((c->n + 1) * sizeof *price);
  uint32_t *front = malloc((c->n + 1) * sizeof *front);
  size_t count = 0;
  int status = price && front ? NSW_OK : nsw_fail(err, "out of memory for a front of %zu candidates", c->n);
  if (status == NSW_OK) {
    for (size_t i = 0; i < c->n; i++)
      price[i] = (double)(strcmp(cost, "macs") ? table->params : table->macs)[c->row[i]];
    status = nsw_pareto(price, by_accuracy ? c->accuracy : c->score, c->n, front, &count, err);
  }
  if (status == NSW_OK) {
    json_t *object = json_object_for(job, "pareto", table, proxy, accuracy, c), *list = json_array();
    for (size_t i = 0; i < count; i++) {
      json_t *one = json_architecture(table, c->row[front[i]]);
      json_object_set_new(one, "score", by_accuracy ? json_null() : nsw_json_real(c->score[front[i]]));
      json_object_set_new(one, "accuracy", nsw_json_real(c->accuracy[front[i]]));
      json_array_append_new(list, one);
    }
    json_object_set_new(object, "cost", json_string(cost));
    json_object_set_new(object, "front", list);
    json_array_append_new(job->out, object);
  }
  free(price);
  free(front);
  return status;
}

/* The two-step search with each budget, over candidates that have both accuracies. */
static int two_steps(struct job *job, const struct nsw_table *table, const struct nsw_column *column,
                     const struct nsw_accuracy *test, struct candidates *c, struct nsw_error *err) {
  const struct nsw_accuracy *valid = nsw_table_accuracy(table, test->dataset, nsw_args_text(job->args, "knas-split"));
  /* Published tables split CIFAR-10's training set under a name of its own. */
  if (!valid && !strcmp(test->dataset, "cifar10"))
    valid = nsw_table_accuracy(table, "cifar10-valid", nsw_args_text(job->args, "knas-split"));
  double *step = malloc((c->n + 1) * sizeof *step);
  if (!step) return nsw_fail(err, "out of memory for a two-step search");
  size_t n = 0;
  for (size_t i = 0; i < c->n; i++) {
    double v = valid ? valid->value[c->row[i]] : c->accuracy[i];
    if (isnan(v)) continue;
    step[n] = v;
    c->score[n] = c->score[i];
    c->accuracy[n] = c->accuracy[i];
    c->row[n++] = c->row[i];
  }
  c->left_out += c->n - n;
  c->n = n;
  int status = NSW_OK;
  for (size_t b = 0; b < job->budgets.count && status == NSW_OK; b++) {
    struct nsw_two_step r;
    uint64_t k = strtoull(job->budgets.item[b], NULL, 10);
    status = nsw_two_step(c->score, step, c->accuracy, n, (uint64_t)job->candidates, k, (uint64_t)job->runs,
                          (uint64_t)job->seed, &r, err);
    if (status != NSW_OK) break;
    json_t *object = json_object_for(job, "two_step", table, column->name, test, c);
    json_object_set_new(object, "k", json_integer((json_int_t)k));
    json_object_set_new(object, "candidates", json_integer(job->candidates));
    json_object_set_new(object, "runs", json_integer(job->runs));
    json_object_set_new(object, "seed", json_integer(job->seed));
    json_object_set_new(object, "second_step", json_string(valid ? valid->split : test->split));
    json_object_set_new(object, "accuracy_mean", nsw_json_real(r.mean));
    json_object_set_new(object, "accuracy_deviation", nsw_json_real(r.deviation));
    json_object_set_new(object, "accuracy_lowest", nsw_json_real(r.lowest));
    json_object_set_new(object, "accuracy_highest", nsw_json_real(r.highest));
    json_object_set_new(object, "published", json_null()); /* no figure whose source can be named */
    json_array_append_new(job->out, object);
  }
  free(step);
  return status;
}

/* Everything about one score and one accuracy. */
static int search_with(struct job *job, const struct nsw_table *table, const struct nsw_column *column,
                       const struct nsw_accuracy *accuracy, struct nsw_error *err) {
  struct candidates c;
  const char *cost = nsw_args_text(job->args, "pareto");
  int status = gather(job, table, column, accuracy->value, &c, err);
  if (status == NSW_OK) status = curve(job, table, column->name, accuracy, &c, false, err);
  if (status == NSW_OK && cost && c.n) status = pareto(job, table, column->name, accuracy, &c, cost, false, err);
  if (status == NSW_OK && !strcmp(column->name, nsw_args_text(job->args, "knas-proxy")))
    status = two_steps(job, table, column, accuracy, &c, err);
  drop(&c);
  return status;
}

/* What searches are measured against: chance, and the largest network, over all rows with an accuracy. */
static int baselines(struct job *job, const struct nsw_table *table, const struct nsw_columns *columns,
                     const struct nsw_accuracy *accuracy, struct nsw_error *err) {
  struct candidates c;
  uint8_t *standing = calloc(table->rows + 1, 1);
  double *size = malloc((table->rows + 1) * sizeof *size);
  const char *cost = nsw_args_text(job->args, "pareto");
  struct nsw_column by_size = {.value = size, .standing = standing};
  if (!standing || !size) {
    free(standing);
    free(size);
    return nsw_fail(err, "out of memory for %zu candidates", table->rows);
  }
  for (size_t i = 0; i < table->rows; i++) size[i] = (double)table->params[i];
  int status = gather(job, table, &by_size, accuracy->value, &c, err);
  if (status == NSW_OK) status = curve(job, table, "(random search)", accuracy, &c, true, err);
  if (status == NSW_OK && !nsw_columns_find(columns, "params"))
    status = curve(job, table, "params", accuracy, &c, false, err);
  if (status == NSW_OK && cost && c.n) status = pareto(job, table, "(accuracy)", accuracy, &c, cost, true, err);
  drop(&c);
  free(standing);
  free(size);
  return status;
}

static int search_table(struct job *job, const struct nsw_table *table, struct nsw_error *err) {
  struct nsw_columns columns;
  const char *split = nsw_args_text(job->args, "split");
  int status = nsw_columns_make(table, &columns, err);
  for (size_t e = 0; e < nsw_args_count(job->args, "ensemble") && status == NSW_OK; e++)
    status = nsw_ensemble_add(&columns, nsw_args_value(job->args, "ensemble", e), err);
  for (size_t i = 0; i < job->proxies.count && status == NSW_OK; i++)
    if (!nsw_columns_find(&columns, job->proxies.item[i]))
      status = nsw_usage(err, "--proxy %.80s: %s has no such score", job->proxies.item[i], table->space);
  if (status == NSW_OK && !table->accuracies)
    status = nsw_fail(err,
                      "%s: no trained accuracies to judge a search by; name a table with --truth FILE or put one "
                      "into $NASWEEP_DATA",
                      table->space);
  for (size_t a = 0; a < table->accuracies && status == NSW_OK; a++) {
    const struct nsw_accuracy *accuracy = &table->accuracy[a];
    if (!nsw_truth_is_accuracy(accuracy) || !wanted(&job->datasets, accuracy->dataset) ||
        (split && strcmp(split, accuracy->split)))
      continue;
    for (size_t c = 0; c < columns.count && status == NSW_OK; c++)
      if (wanted(&job->proxies, columns.list[c].name))
        status = search_with(job, table, &columns.list[c], accuracy, err);
    if (status == NSW_OK) status = baselines(job, table, &columns, accuracy, err);
  }
  nsw_columns_free(&columns);
  return status;
}

#define TEXT(object, key) json_string_value(json_object_get(object, key))
#define REAL(object, key) json_number_value(json_object_get(object, key))
#define COUNT(object, key) (unsigned long long)json_integer_value(json_object_get(object, key))

/* Budgets that the table shows: powers of ten and the rest in JSON. */
static bool shown_budget(unsigned long long k) {
  while (k % 10 == 0 && k) k /= 10;
  return k == 1;
}

static void print_head(json_t *object, json_t *points) {
  printf("%s, %s/%s accuracy, %llu candidates, best %.2f", TEXT(object, "space"), TEXT(object, "dataset"),
         TEXT(object, "split"), COUNT(object, "n"), REAL(object, "best_accuracy"));
  if (COUNT(object, "over_limits")) printf("; %llu beyond the limits", COUNT(object, "over_limits"));
  printf("\n  %-18s", "expected best of");
  size_t i;
  json_t *point;
  json_array_foreach(points, i, point) {
    char text[32];
    if (shown_budget(COUNT(point, "k")))
      printf(" %9s", (snprintf(text, sizeof text, "top %llu", COUNT(point, "k")), text));
  }
  printf("   precision at 10, 100, 1000\n");
}

static void print_curve(json_t *object, json_t *points) {
  size_t i;
  json_t *point;
  printf("  %-18s", TEXT(object, "proxy"));
  json_array_foreach(points, i, point) if (shown_budget(COUNT(point, "k"))) printf(" %9.3f", REAL(point, "best"));
  printf("  ");
  json_array_foreach(points, i, point) {
    unsigned long long k = COUNT(point, "k");
    if (k == 10 || k == 100 || k == 1000) printf(" %6.3f", REAL(point, "precision"));
  }
  printf("\n");
}

static void print_top(json_t *object) {
  size_t i;
  json_t *one;
  json_array_foreach(json_object_get(object, "top"), i, one) {
    printf("    %s #%zu: index %llu  %s  accuracy %.3f, %llu parameters", TEXT(object, "proxy"), i + 1,
           COUNT(one, "index"), TEXT(one, "id"), REAL(one, "accuracy"), COUNT(one, "params"));
    if (COUNT(one, "tied") > 1) printf(", one of %llu with this score", COUNT(one, "tied"));
    printf("\n");
  }
}

static void print_table(const json_t *list) {
  size_t i;
  json_t *object;
  char last[256] = "";
  json_array_foreach(list, i, object) {
    const char *kind = TEXT(object, "kind");
    json_t *points = json_object_get(object, "points");
    char now[256];
    snprintf(now, sizeof now, "%s %s %s", TEXT(object, "space"), TEXT(object, "dataset"), TEXT(object, "split"));
    if (!strcmp(kind, "curve") && points) {
      if (strcmp(now, last)) {
        if (*last) printf("\n");
        print_head(object, points);
      }
      snprintf(last, sizeof last, "%s", now);
      print_curve(object, points);
      print_top(object);
    } else if (!strcmp(kind, "pareto")) {
      size_t k;
      json_t *one;
      printf("  front of %s against %s: %zu architectures\n", TEXT(object, "cost"), TEXT(object, "proxy"),
             json_array_size(json_object_get(object, "front")));
      json_array_foreach(json_object_get(object, "front"), k, one)
          printf("    index %-7llu %12llu %s  accuracy %.3f\n", COUNT(one, "index"), COUNT(one, TEXT(object, "cost")),
                 TEXT(object, "cost"), REAL(one, "accuracy"));
    } else if (!strcmp(kind, "two_step")) {
      printf(
          "  two steps: best %s accuracy of the top %llu by %s among %llu drawn: %.3f ± %.3f over %llu runs "
          "(published: -)\n",
          TEXT(object, "second_step"), COUNT(object, "k"), TEXT(object, "proxy"), COUNT(object, "candidates"),
          REAL(object, "accuracy_mean"), REAL(object, "accuracy_deviation"), COUNT(object, "runs"));
    }
  }
}

static void print_csv(const json_t *list) {
  size_t i, k;
  json_t *object, *point;
  printf("space,dataset,split,proxy,n,k,best,regret,mean,precision\n");
  json_array_foreach(list, i, object) json_array_foreach(json_object_get(object, "points"), k, point)
      printf("%s,%s,%s,%s,%llu,%llu,%.17g,%.17g,%.17g,%.17g\n", TEXT(object, "space"), TEXT(object, "dataset"),
             TEXT(object, "split"), TEXT(object, "proxy"), COUNT(object, "n"), COUNT(point, "k"), REAL(point, "best"),
             REAL(point, "regret"), REAL(point, "mean"), REAL(point, "precision"));
}

static int print_all(const struct job *job, struct nsw_error *err) {
  const char *format = nsw_args_text(job->args, "format");
  if (!strcmp(format, "csv")) {
    print_csv(job->out);
  } else if (!strcmp(format, "json")) {
    if (json_dumpf(job->out, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17)))
      return nsw_fail(err, "the outcome could not be written as JSON");
    printf("\n");
  } else {
    print_table(job->out);
  }
  return NSW_OK;
}

static int read_options(struct job *job, struct nsw_error *err) {
  const struct nsw_args *args = job->args;
  const char *format = nsw_args_text(args, "format"), *cost = nsw_args_text(args, "pareto");
  job->max_params = job->max_macs = INT64_MAX;
  if (strcmp(format, "table") && strcmp(format, "json") && strcmp(format, "csv"))
    return nsw_usage(err, "--format %.40s: table, json or csv", format);
  if (cost && strcmp(cost, "params") && strcmp(cost, "macs"))
    return nsw_usage(err, "--pareto %.40s: params or macs", cost);
  int status = NSW_OK;
  if (nsw_args_given(args, "max-params"))
    status = nsw_args_integer(args, "max-params", 0, INT64_MAX - 1, &job->max_params, err);
  if (status == NSW_OK && nsw_args_given(args, "max-macs"))
    status = nsw_args_integer(args, "max-macs", 0, INT64_MAX - 1, &job->max_macs, err);
  if (status == NSW_OK) status = nsw_args_integer(args, "show", 0, 100000, &job->show, err);
  if (status == NSW_OK) status = nsw_args_integer(args, "candidates", 1, 100000000, &job->candidates, err);
  if (status == NSW_OK) status = nsw_args_integer(args, "runs", 1, 1000000, &job->runs, err);
  if (status == NSW_OK) status = nsw_args_integer(args, "seed", 0, INT64_MAX, &job->seed, err);
  if (status == NSW_OK) status = nsw_args_list(args, "knas", &job->budgets, err);
  for (size_t b = 0; b < job->budgets.count && status == NSW_OK; b++)
    if (strspn(job->budgets.item[b], "0123456789") != strlen(job->budgets.item[b]) || !atoll(job->budgets.item[b]))
      status = nsw_usage(err, "--knas %.40s: budgets are counts of at least 1", job->budgets.item[b]);
  if (status == NSW_OK && nsw_args_given(args, "proxy")) status = nsw_args_list(args, "proxy", &job->proxies, err);
  if (status == NSW_OK && nsw_args_given(args, "dataset")) status = nsw_args_list(args, "dataset", &job->datasets, err);
  return status;
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  struct job job = {.args = args, .out = json_array()};
  struct nsw_tables tables = {.count = 0};
  int status = read_options(&job, err);
  if (status == NSW_OK) status = nsw_tables_read(args, true, &tables, err);
  for (size_t t = 0; t < tables.count && status == NSW_OK; t++) status = search_table(&job, tables.list[t], err);
  if (status == NSW_OK) status = print_all(&job, err);
  nsw_tables_free(&tables);
  nsw_list_free(&job.proxies);
  nsw_list_free(&job.datasets);
  nsw_list_free(&job.budgets);
  json_decref(job.out);
  return status;
}

const struct nsw_command nsw_cmd_select = {
    .name = "select",
    .operands = "FILE.h5...",
    .summary = "tells what a search by each score would have found",
    .text =
        "For budgets k on a logarithmic scale: the expected best accuracy of the k architectures a score puts first "
        "(equal scores in random order, exactly averaged), its regret, and the share of the true top k among them; "
        "beside "
        "random search with the same budget (exact expectation) and choosing by parameters. The top of the score sed "
        "is "
        "the search of its paper; --max-params and --max-macs set limits. Where there is a score knas, its paper's two "
        "steps: draw candidates, take the k best by score, keep the one with the best validation accuracy.\n\n"
        "Example: nasweep select results/nb201.h5 --max-params 500000 --pareto params",
    .options = options,
    .min_operands = 1,
    .max_operands = -1,
    .run = run,
};
