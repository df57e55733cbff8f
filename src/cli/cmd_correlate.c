/* nasweep correlate: how well scores rank, and how sure that is. */
#include <math.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "base/launch.h"
#include "cli/args.h"
#include "cli/lines.h"
#include "cli/tables.h"
#include "store/file.h"
#include "study/ensemble.h"
#include "study/subset.h"
#include "truth/truth.h"

static const struct nsw_option options[] = {
    {"truth", "[FORMAT:]FILE", NULL,
     "accuracies: a result file, a CSV file, or a file of one of the formats of `import`; default: those in FILE.h5, "
     "else "
     "those found in the folder NASWEEP_DATA",
     true},
    {"format", "NAME", "table", "table, json, csv, latex or markdown", false},
    {"subset", "LIST", "all",
     "rows: all, unique (first of each class), path (input and output connected), top:P (best P percent by accuracy), "
     "size[:D] (by tenth of parameters), depth[:N], skips[:N]",
     false},
    {"proxy", "LIST", NULL, "only these scores", false},
    {"dataset", "LIST", NULL, "only accuracies on these data sets", false},
    {"ensemble", "A+B", NULL, NSW_ENSEMBLE_HELP, true},
    {"intervals", "N", "0", "bootstrap intervals from N resamples, spread over all ranks; 0: none", false},
    {"level", "SHARE", "0.95", "confidence of the intervals, between 0 and 1", false},
    {"weighted-intervals", NULL, NULL,
     "also intervals of the weighted tau, which take some six times as long as all others together", false},
    {"agreement", NULL, NULL, "also how far the scores agree with each other", false},
    {"stability", NULL, NULL, "also how far seeds of one score agree, for scores that have several", false},
    {"timing", NULL, NULL, "also the time that each score took, as recorded with it", false},
    {"compare", "A,B", NULL, "also a permutation test of whether A ranks better than B, on the same rows", true},
    {"permutations", "N", "1000", "permutations of that test", false},
    {"seed", "S", "0", "of resamples and permutations", false},
    {"out", "FILE.h5", NULL, "also write scores and accuracies joined into this result file (one space)", false},
    {NULL, NULL, NULL, NULL, false}};

/* Everything the command works with. */
struct job {
  const struct nsw_args *args;
  bool first; /* this is rank 0, the one that speaks */
  struct nsw_compare_options options;
  int64_t permutations;
  struct nsw_list proxies, datasets;
  struct nsw_line *lines;
  size_t count, room;
  json_t *more;
};

static int sum_over_ranks(double *values, size_t count, void *state, struct nsw_error *err) {
  (void)state;
  enum { PART = 1 << 24 };
  for (size_t at = 0; at < count; at += PART) {
    int part = (int)(count - at < PART ? count - at : PART);
    if (MPI_Allreduce(MPI_IN_PLACE, values + at, part, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD) != MPI_SUCCESS)
      return nsw_fail(err, "adding up over ranks failed");
  }
  return NSW_OK;
}

static bool wanted(const struct nsw_list *list, const char *word) {
  if (!list->count) return true;
  for (size_t i = 0; i < list->count; i++)
    if (!strcmp(list->item[i], word)) return true;
  return false;
}

static int compare_one(struct job *job, const struct nsw_table *table, struct nsw_compare_cache *cache,
                       const struct nsw_column *column, const struct nsw_accuracy *accuracy,
                       const struct nsw_subset *subset, const uint8_t *in, struct nsw_error *err) {
  if (job->count == job->room) {
    size_t room = job->room ? 2 * job->room : 64;
    struct nsw_line *lines = realloc(job->lines, room * sizeof *lines);
    if (!lines) return nsw_fail(err, "out of memory for %zu lines", room);
    job->lines = lines;
    job->room = room;
  }
  struct nsw_line *line = &job->lines[job->count];
  *line = (struct nsw_line){.space = table->space,
                            .proxy = column->name,
                            .dataset = accuracy->dataset,
                            .split = accuracy->split,
                            .epochs = nsw_attributes_get(&accuracy->attributes, "epochs"),
                            .source = nsw_attributes_get(&accuracy->attributes, "source")};
  snprintf(line->subset, sizeof line->subset, "%s", subset->name);
  int status = nsw_compare(cache, column, accuracy->value, in, &job->options, &line->outcome, err);
  job->count += status == NSW_OK;
  return nsw_error_prefix(err, status, "%s %s", table->space, column->name);
}

static void add_agreement(struct job *job, const struct nsw_table *table, const char *subset, const char *a,
                          const char *b, const struct nsw_agreement *r) {
  json_array_append_new(
      job->more, json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:o}", "kind", "agreement", "space", table->space,
                           "subset", subset, "a", a, "b", b, "n", (json_int_t)r->n, "spearman",
                           nsw_json_real(r->spearman), "kendall_tau_b", nsw_json_real(r->kendall)));
}

static int agreements(struct job *job, const struct nsw_table *table, const struct nsw_columns *columns,
                      const struct nsw_subset *subset, const uint8_t *in, struct nsw_error *err) {
  for (size_t a = 0; a < columns->count; a++)
    for (size_t b = a + 1; b < columns->count; b++) {
      if (!wanted(&job->proxies, columns->list[a].name) || !wanted(&job->proxies, columns->list[b].name)) continue;
      struct nsw_agreement r;
      int status = nsw_agree(&columns->list[a], &columns->list[b], in, table->rows, &r, err);
      if (status != NSW_OK) return status;
      add_agreement(job, table, subset->name, columns->list[a].name, columns->list[b].name, &r);
    }
  return NSW_OK;
}

static int stabilities(struct job *job, const struct nsw_table *table, const struct nsw_columns *columns,
                       const struct nsw_accuracy *accuracy, const struct nsw_subset *subset, const uint8_t *in,
                       struct nsw_error *err) {
  for (size_t c = 0; c < columns->count; c++) {
    const struct nsw_column *column = &columns->list[c];
    struct nsw_stability r;
    if (!wanted(&job->proxies, column->name) || !column->by_seed) continue;
    int status = nsw_seed_stability(column, accuracy ? accuracy->value : NULL, in, table->rows, &r, err);
    if (status != NSW_OK) return status;
    json_array_append_new(
        job->more,
        json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s?, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "kind", "stability",
                  "space", table->space, "subset", subset->name, "proxy", column->name, "dataset",
                  accuracy ? accuracy->dataset : NULL, "split", accuracy ? accuracy->split : NULL, "seeds",
                  (json_int_t)r.seeds, "n", (json_int_t)r.n, "spearman_mean", nsw_json_real(r.spearman_mean),
                  "spearman_min", nsw_json_real(r.spearman_min), "kendall_mean", nsw_json_real(r.kendall_mean),
                  "kendall_min", nsw_json_real(r.kendall_min), "accuracy_spearman_mean", nsw_json_real(r.accuracy_mean),
                  "accuracy_spearman_deviation", nsw_json_real(r.accuracy_deviation)));
  }
  return NSW_OK;
}

static int contests(struct job *job, const struct nsw_table *table, const struct nsw_columns *columns,
                    const struct nsw_accuracy *accuracy, const struct nsw_subset *subset, const uint8_t *in,
                    struct nsw_error *err) {
  for (size_t k = 0; k < nsw_args_count(job->args, "compare"); k++) {
    const char *pair = nsw_args_value(job->args, "compare", k), *comma = strchr(pair, ',');
    if (!comma) return nsw_usage(err, "--compare %.80s: two scores, A,B", pair);
    char a[256];
    snprintf(a, sizeof a, "%.*s", (int)(comma - pair), pair);
    const struct nsw_column *x = nsw_columns_find(columns, a), *y = nsw_columns_find(columns, comma + 1);
    if (!x || !y)
      return nsw_usage(err, "--compare %.80s: %s has no score %.80s", pair, table->space, x ? comma + 1 : a);
    struct nsw_contest r;
    int status = nsw_contest(x, y, accuracy->value, in, table->rows, (uint64_t)job->permutations, job->options.seed,
                             &job->options.share, &r, err);
    if (status != NSW_OK) return status;
    json_array_append_new(
        job->more,
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "kind", "contest", "space",
                  table->space, "subset", subset->name, "dataset", accuracy->dataset, "split", accuracy->split, "a",
                  x->name, "b", y->name, "n", (json_int_t)r.n, "permutations", (json_int_t)r.permutations, "seed",
                  (json_int_t)job->options.seed, "spearman_a", nsw_json_real(r.spearman_a), "spearman_b",
                  nsw_json_real(r.spearman_b), "difference", nsw_json_real(r.difference), "p", nsw_json_real(r.p)));
  }
  return NSW_OK;
}

/* Mean seconds that training one architecture took, where the tables tell; NaN where they do not. */
static double training_seconds(const struct nsw_table *table) {
  for (size_t a = 0; a < table->accuracies; a++) {
    double sum = 0, n = 0;
    if (nsw_truth_is_accuracy(&table->accuracy[a])) continue;
    for (size_t i = 0; i < table->rows; i++) {
      if (isnan(table->accuracy[a].value[i])) continue;
      sum += table->accuracy[a].value[i];
      n++;
    }
    if (n > 0) return sum / n;
  }
  return NAN;
}

/* Time of the evaluations that made each score, beside that of training. */
static void timings(struct job *job, const struct nsw_table *table, const struct nsw_columns *columns) {
  double trained = training_seconds(table);
  for (size_t c = 0; c < columns->count; c++) {
    const struct nsw_column *column = &columns->list[c];
    if (!wanted(&job->proxies, column->name) || isnan(column->seconds)) continue;
    double each = column->seconds / (double)column->timed;
    json_array_append_new(job->more, json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "kind", "timing", "space",
                                               table->space, "proxy", column->name, "n", (json_int_t)column->timed,
                                               "seconds", nsw_json_real(column->seconds), "seconds_each",
                                               nsw_json_real(each), "training_seconds_each", nsw_json_real(trained),
                                               "share_of_training", nsw_json_real(each / trained)));
  }
}

/* All scores against one accuracy over one subset. */
static int against(struct job *job, const struct nsw_table *table, struct nsw_compare_cache *cache,
                   const struct nsw_columns *columns, const struct nsw_accuracy *accuracy,
                   const struct nsw_subset *subset, const struct nsw_facts *facts, uint8_t *in, struct nsw_error *err) {
  int status = nsw_subset_rows(subset, facts, accuracy->value, in, err);
  for (size_t c = 0; c < columns->count && status == NSW_OK; c++)
    if (wanted(&job->proxies, columns->list[c].name))
      status = compare_one(job, table, cache, &columns->list[c], accuracy, subset, in, err);
  if (status == NSW_OK) status = contests(job, table, columns, accuracy, subset, in, err);
  if (status == NSW_OK && nsw_args_flag(job->args, "stability"))
    status = stabilities(job, table, columns, accuracy, subset, in, err);
  return status;
}

static int all_against(struct job *job, const struct nsw_table *table, const struct nsw_columns *columns,
                       const struct nsw_subset *subsets, size_t count, const struct nsw_facts *facts,
                       struct nsw_error *err) {
  struct nsw_compare_cache *cache = NULL;
  uint8_t *in = malloc(table->rows + 1);
  int status = in ? nsw_compare_cache_create(table, &cache, err) : nsw_fail(err, "out of memory for %s", table->space);
  /* Accuracies outside, subsets next, scores inside: ranks of an accuracy over a subset are made once. */
  for (size_t a = 0; a < table->accuracies && status == NSW_OK; a++) {
    if (!nsw_truth_is_accuracy(&table->accuracy[a]) || !wanted(&job->datasets, table->accuracy[a].dataset)) continue;
    for (size_t s = 0; s < count && status == NSW_OK; s++)
      status = against(job, table, cache, columns, &table->accuracy[a], &subsets[s], facts, in, err);
  }
  bool agree = nsw_args_flag(job->args, "agreement") || !table->accuracies;
  for (size_t s = 0; s < count && status == NSW_OK && agree; s++) {
    if (subsets[s].kind == NSW_TOP) continue;
    status = nsw_subset_rows(&subsets[s], facts, NULL, in, err);
    if (status == NSW_OK) status = agreements(job, table, columns, &subsets[s], in, err);
    if (status == NSW_OK && !table->accuracies && nsw_args_flag(job->args, "stability"))
      status = stabilities(job, table, columns, NULL, &subsets[s], in, err);
  }
  if (status == NSW_OK && nsw_args_flag(job->args, "timing")) timings(job, table, columns);
  nsw_compare_cache_free(&cache);
  free(in);
  return status;
}

static int check_proxies(const struct job *job, const struct nsw_table *table, const struct nsw_columns *columns,
                         struct nsw_error *err) {
  if (!columns->count) return nsw_fail(err, "%s: the file holds no scores", table->space);
  for (size_t i = 0; i < job->proxies.count; i++)
    if (!nsw_columns_find(columns, job->proxies.item[i]))
      return nsw_usage(err, "--proxy %.80s: %s has no such score", job->proxies.item[i], table->space);
  return NSW_OK;
}

/* One space: makes columns and subsets and runs all comparisons. The columns' names live in *columns. */
static int study_table(struct job *job, const struct nsw_table *table, struct nsw_columns *columns,
                       struct nsw_error *err) {
  struct nsw_facts facts = {.table = table};
  struct nsw_subset *subsets = NULL;
  size_t count = 0;
  int status = nsw_columns_make(table, columns, err);
  for (size_t e = 0; e < nsw_args_count(job->args, "ensemble") && status == NSW_OK; e++)
    status = nsw_ensemble_add(columns, nsw_args_value(job->args, "ensemble", e), err);
  if (status == NSW_OK) status = check_proxies(job, table, columns, err);
  if (status == NSW_OK) status = nsw_subsets_parse(nsw_args_text(job->args, "subset"), &facts, &subsets, &count, err);
  if (status == NSW_OK) status = all_against(job, table, columns, subsets, count, &facts, err);
  free(subsets);
  nsw_facts_free(&facts);
  return status;
}

static void print_more(const struct job *job) {
  size_t i;
  json_t *object;
  const char *last = "";
  json_array_foreach(job->more, i, object) {
    const char *kind = json_string_value(json_object_get(object, "kind"));
#define REAL(key) json_real_value(json_object_get(object, key))
#define TEXT(key) json_string_value(json_object_get(object, key))
    if (strcmp(kind, last)) printf("\n%s\n", kind);
    last = kind;
    char n[32];
    nsw_grouped((uint64_t)json_integer_value(json_object_get(object, "n")), n);
    if (!strcmp(kind, "agreement"))
      printf("  %s %s  %s and %s: Spearman %.3f, Kendall %.3f over %s\n", TEXT("space"), TEXT("subset"), TEXT("a"),
             TEXT("b"), REAL("spearman"), REAL("kendall_tau_b"), n);
    if (!strcmp(kind, "stability"))
      printf("  %s %s  %s: %lld seeds agree by Spearman %.3f (least %.3f), Kendall %.3f (%.3f) over %s\n",
             TEXT("space"), TEXT("subset"), TEXT("proxy"),
             (long long)json_integer_value(json_object_get(object, "seeds")), REAL("spearman_mean"),
             REAL("spearman_min"), REAL("kendall_mean"), REAL("kendall_min"), n);
    if (!strcmp(kind, "timing"))
      printf("  %s  %s: %.3g s for %s architectures, %.3g s each\n", TEXT("space"), TEXT("proxy"), REAL("seconds"), n,
             REAL("seconds_each"));
    if (!strcmp(kind, "contest"))
      printf("  %s %s %s/%s  %s %.4f, %s %.4f: difference %+.4f, p = %.3g (%lld permutations, %s rows)\n",
             TEXT("space"), TEXT("subset"), TEXT("dataset"), TEXT("split"), TEXT("a"), REAL("spearman_a"), TEXT("b"),
             REAL("spearman_b"), REAL("difference"), REAL("p"),
             (long long)json_integer_value(json_object_get(object, "permutations")), n);
#undef REAL
#undef TEXT
  }
}

static int print_all(const struct job *job, const struct nsw_tables *tables, struct nsw_error *err) {
  const char *format = nsw_args_text(job->args, "format");
  for (size_t t = 0; t < tables->count; t++)
    if (!tables->list[t]->accuracies)
      fprintf(stderr,
              "%s: no trained accuracies, so scores are compared among themselves. Name a table with --truth FILE, or\n"
              "put %s_accuracy*.csv[.gz] (index, id or hash, and a column such as cifar10_test) into $NASWEEP_DATA.\n",
              tables->list[t]->space, tables->list[t]->space);
  struct nsw_lines_options emit = {job->options.resamples, job->options.seed, job->options.level, job->more};
  int status = NSW_OK;
  bool table = !strcmp(format, "table");
  if (job->count || !table) status = nsw_lines_emit(stdout, format, job->lines, job->count, &emit, err);
  if (table) print_more(job);
  return status;
}

static int write_joined(const struct job *job, struct nsw_tables *tables, struct nsw_error *err) {
  const char *out = nsw_args_text(job->args, "out");
  if (!out || !job->first) return NSW_OK;
  for (size_t t = 0; t < tables->count; t++) nsw_table_settle(tables->list[t]);
  return nsw_file_write(out, tables->list, tables->count, true, err);
}

static int read_options(struct job *job, struct nsw_error *err) {
  const struct nsw_args *args = job->args;
  int64_t resamples, seed;
  int status = nsw_lines_check(nsw_args_text(args, "format"), err);
  if (status == NSW_OK) status = nsw_args_integer(args, "intervals", 0, 10000000, &resamples, err);
  if (status == NSW_OK) status = nsw_args_integer(args, "seed", 0, INT64_MAX, &seed, err);
  if (status == NSW_OK) status = nsw_args_integer(args, "permutations", 1, 100000000, &job->permutations, err);
  if (status == NSW_OK) status = nsw_args_real(args, "level", &job->options.level, err);
  if (status == NSW_OK && !(job->options.level > 0 && job->options.level < 1))
    status = nsw_usage(err, "--level: between 0 and 1");
  if (status == NSW_OK && nsw_args_given(args, "proxy")) status = nsw_args_list(args, "proxy", &job->proxies, err);
  if (status == NSW_OK && nsw_args_given(args, "dataset")) status = nsw_args_list(args, "dataset", &job->datasets, err);
  if (status != NSW_OK) return status;
  job->options.resamples = (uint64_t)resamples;
  job->options.seed = (uint64_t)seed;
  job->options.weighted_interval = nsw_args_flag(args, "weighted-intervals");
  MPI_Comm_rank(MPI_COMM_WORLD, &job->options.share.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &job->options.share.size);
  job->first = job->options.share.rank == 0;
  if (job->options.share.size > 1) job->options.share.sum = sum_over_ranks;
  return NSW_OK;
}

/* A failure on one rank must not leave the others waiting in a sum: all agree before the work that adds up begins. */
static int all_ready(int status) {
  int worst;
  MPI_Allreduce(&status, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return worst;
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  struct job job = {.args = args, .more = json_array()};
  struct nsw_tables tables = {.count = 0};
  struct nsw_columns columns[8] = {{0}};
  int status = read_options(&job, err);
  if (status == NSW_OK) status = nsw_tables_read(args, job.first, &tables, err);
  int worst = all_ready(status);
  for (size_t t = 0; t < tables.count && worst == NSW_OK && status == NSW_OK; t++)
    status = study_table(&job, tables.list[t], &columns[t], err);
  if (status == NSW_OK && worst == NSW_OK && job.first) status = print_all(&job, &tables, err);
  if (status == NSW_OK && worst == NSW_OK) status = write_joined(&job, &tables, err);
  for (size_t t = 0; t < 8; t++) nsw_columns_free(&columns[t]);
  nsw_tables_free(&tables);
  nsw_list_free(&job.proxies);
  nsw_list_free(&job.datasets);
  json_decref(job.more);
  free(job.lines);
  return status;
}

const struct nsw_command nsw_cmd_correlate = {
    .name = "correlate",
    .operands = "FILE.h5...",
    .summary = "tells how well each score ranks the trained accuracies",
    .text =
        "Compares every score column with every accuracy column: Spearman, Kendall's tau-b, the weighted tau "
        "(hyperbolic weights, best architectures first), Pearson, and Spearman given parameters and given "
        "multiply-adds. Architectures without a path from input to output take part with the lowest rank; pending "
        "and failed ones are left out and counted. A coefficient that is undefined (constant score, too few rows) is "
        "said to be so, and null in JSON.\n\n"
        "With --intervals, bootstrap intervals (percentile and BCa); under mpirun the resamples are spread over the "
        "ranks, with the same outcome for any number of them.\n\n"
        "Example: mpirun -n 2 nasweep correlate results/nb101.h5 --subset all,top:10 --intervals 1000",
    .options = options,
    .min_operands = 1,
    .max_operands = -1,
    .mpi = true,
    .run = run,
};
