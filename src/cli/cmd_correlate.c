/* nasweep correlate: how well scores rank, and how sure that is. */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "cli/correlate.h"
#include "cli/ranks.h"
#include "store/file.h"
#include "study/ensemble.h"
#include "study/subset.h"

static const struct nsw_option options[] = {
    {"truth", "[FORMAT:]FILE", NULL,
     "accuracies: a result file, a CSV file, NATS-Bench's folder, or FORMAT:FILE of another format of `import`; default: those in FILE.h5, "
     "else those found in the folder NASWEEP_DATA and those that come with the program",
     true},
    {"format", "NAME", "table", "table, json, csv, latex or markdown", false},
    {"subset", "LIST", "all",
     "rows: all, unique (first of each class), path (input and output connected), top:P (best P percent by accuracy), "
     "size[:D] (by tenth of parameters), depth[:N], skips[:N]",
     false},
    {"proxy", "LIST", NULL, "only these scores", false},
    {"dataset", "LIST", NULL, "only accuracies on these data sets", false},
    {"split", "LIST", NULL, "only accuracies of these splits; `test` also means `test-200ep`", false},
    {"score", "accuracy:D/S", NULL,
     "also these accuracies as a score: what a short training is worth, say accuracy:cifar10/valid-12ep", true},
    {"ensemble", "A+B", NULL, NSW_ENSEMBLE_HELP, true},
    {"intervals", "N", "0", "bootstrap intervals from N resamples, spread over all ranks; 0: none", false},
    {"level", "SHARE", "0.95", "confidence of the intervals, between 0 and 1", false},
    {"weighted-intervals", NULL, NULL,
     "also intervals of the weighted tau, which take some six times as long as all others together", false},
    {"agreement", NULL, NULL, "also how far the scores agree with each other", false},
    {"stability", NULL, NULL, "also how far seeds of one score agree, for scores that have several", false},
    {"timing", NULL, NULL,
     "also the time that each score took, as recorded with it, beside that of the trainings which the accuracies come "
     "from, where the tables have it",
     false},
    {"compare", "A,B", NULL, "also a permutation test of whether A ranks better than B, on the same rows", true},
    {"permutations", "N", "1000", "permutations of that test", false},
    {"seed", "S", "0", "of resamples and permutations", false},
    {"out", "FILE.h5", NULL, "also write scores and accuracies joined into this result file (one space)", false},
    {NULL, NULL, NULL, NULL, false}};

static int print_all(const struct nsw_correlate *job, const struct nsw_tables *tables, struct nsw_error *err) {
  const struct nsw_outcomes *o = &job->outcomes;
  for (size_t t = 0; t < tables->count; t++)
    if (!tables->list[t]->accuracies)
      fprintf(stderr,
              "%s: no trained accuracies, so scores are compared among themselves. Name a table with --truth FILE, or\n"
              "put %s_accuracy*.csv[.gz] (index, id or hash, and a column such as cifar10_test) into $NASWEEP_DATA.\n",
              tables->list[t]->space, tables->list[t]->space);
  return nsw_outcomes_print(stdout, nsw_args_text(job->args, "format"), o, err);
}

static int write_joined(const struct nsw_args *args, struct nsw_tables *tables, struct nsw_error *err) {
  const char *out = nsw_args_text(args, "out");
  if (!out) return NSW_OK;
  for (size_t t = 0; t < tables->count; t++) nsw_table_settle(tables->list[t]);
  return nsw_file_write(out, tables->list, tables->count, true, err);
}

static int read_options(struct nsw_correlate *job, struct nsw_error *err) {
  const struct nsw_args *args = job->args;
  struct nsw_compare_options *options = &job->options;
  int64_t resamples, seed, permutations;
  int status = nsw_outcomes_check(nsw_args_text(args, "format"), err);
  if (!status) status = nsw_args_integer(args, "intervals", 0, 10000000, &resamples, err);
  if (!status) status = nsw_args_integer(args, "seed", 0, INT64_MAX, &seed, err);
  if (!status) status = nsw_args_integer(args, "permutations", 1, 100000000, &permutations, err);
  if (!status) status = nsw_args_real(args, "level", &options->level, err);
  if (!status && !(options->level > 0 && options->level < 1)) status = nsw_usage(err, "--level: between 0 and 1");
  if (!status) status = nsw_choice_read(args, &job->choice, err);
  if (status) return status;
  job->outcomes.resamples = options->resamples = (uint64_t)resamples;
  job->outcomes.seed = options->seed = (uint64_t)seed;
  job->outcomes.level = options->level;
  job->permutations = (uint64_t)permutations;
  options->weighted_interval = nsw_args_flag(args, "weighted-intervals");
  options->share = nsw_ranks_share();
  return NSW_OK;
}

/* A failure on one rank must not leave the others waiting in a sum: all agree before the work that adds up begins. */
static int all_ready(int status) {
  int worst;
  MPI_Allreduce(&status, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return worst;
}

static int study(struct nsw_correlate *job, const struct nsw_table *table, struct nsw_columns *columns,
                 struct nsw_error *err) {
  int status = nsw_choice_columns(&job->choice, job->args, table, columns, err);
  return !status ? nsw_correlate_table(job, table, columns, err) : status;
}

/* --compare wants two names. */
static int check_pairs(const struct nsw_args *args, struct nsw_error *err) {
  for (size_t k = 0; k < nsw_args_count(args, "compare"); k++)
    if (!strchr(nsw_args_value(args, "compare", k), ','))
      return nsw_usage(err, "--compare %.80s: two scores, A,B", nsw_args_value(args, "compare", k));
  return NSW_OK;
}

static int check(const struct nsw_args *args, struct nsw_error *err) {
  struct nsw_correlate job = {.args = args};
  int status = read_options(&job, err);
  if (!status) status = nsw_subsets_check(nsw_args_text(args, "subset"), err);
  if (!status) status = check_pairs(args, err);
  nsw_choice_free(&job.choice);
  return status;
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  struct nsw_correlate job = {.args = args};
  struct nsw_tables tables = {.count = 0};
  struct nsw_columns columns[NSW_TABLES] = {{0}};
  int status = read_options(&job, err);
  bool first = job.options.share.rank == 0; /* the rank that speaks */
  if (!status) status = nsw_tables_read(args, first, &tables, err);
  if (!status) status = nsw_choice_check(&job.choice, &tables, err);
  int worst = all_ready(status);
  for (size_t t = 0; t < tables.count && worst == NSW_OK && !status; t++)
    status = study(&job, tables.list[t], &columns[t], err);
  if (!status && worst == NSW_OK && first) status = print_all(&job, &tables, err);
  if (!status && worst == NSW_OK && first) status = write_joined(args, &tables, err);
  for (size_t t = 0; t < NSW_TABLES; t++) nsw_columns_free(&columns[t]);
  nsw_outcomes_free(&job.outcomes);
  nsw_choice_free(&job.choice);
  nsw_tables_free(&tables);
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
    .check = check,
    .run = run,
};
