/* nasweep select: the search that a score implies, judged by trained accuracies. */
#include <stdlib.h>
#include <string.h>

#include "cli/select.h"
#include "study/ensemble.h"

static const struct nsw_option options[] = {
    {"truth", "[FORMAT:]FILE", NULL, "accuracies, as in `correlate`", true},
    {"format", "NAME", "table", "table, json or csv (of the curves)", false},
    {"proxy", "LIST", NULL, "only these scores", false},
    {"ensemble", "A+B", NULL, NSW_ENSEMBLE_HELP, true},
    {"dataset", "LIST", NULL, "only accuracies on these data sets", false},
    {"split", "LIST", NULL, "only accuracies of these splits; `test` also means `test-200ep`", false},
    {"score", "accuracy:D/S", NULL, "also these accuracies as a score, as in `correlate`", true},
    {"max-params", "N", NULL, "only architectures with at most N parameters", false},
    {"max-macs", "N", NULL, "only architectures with at most N multiply-adds", false},
    {"pareto", "params|macs", NULL, "also the front of this cost against each score, with the accuracies on it", false},
    {"show", "N", "1", "architectures at the top of each score to list", false},
    {"knas", "LIST", "20,40", "budgets k of the two-step search", false},
    {"knas-proxy", "NAME", "knas", "score of its first step; the search is left out where there is no such score",
     false},
    {"knas-split", "NAME", NULL,
     "validation accuracies its second step goes by; default: those of the data set trained for nearest to the paper's "
     "20 epochs",
     false},
    {"candidates", "N", "100", "architectures that the two-step search draws", false},
    {"runs", "N", "500", "repetitions of the two-step search", false},
    {"seed", "S", "0", "of its draws", false},
    {NULL, NULL, NULL, NULL, false}};

/* A limit, or none. */
static int read_limit(const struct nsw_args *args, const char *option, uint64_t *limit, struct nsw_error *err) {
  int64_t value;
  *limit = UINT64_MAX;
  if (!nsw_args_given(args, option)) return NSW_OK;
  int status = nsw_args_integer(args, option, 0, INT64_MAX - 1, &value, err);
  if (!status) *limit = (uint64_t)value;
  return status;
}

static int read_budgets(struct nsw_selection *job, struct nsw_error *err) {
  int status = nsw_args_list(job->args, "knas", &job->budgets, err);
  for (size_t b = 0; b < job->budgets.count && !status; b++)
    if (strspn(job->budgets.item[b], "0123456789") != strlen(job->budgets.item[b]) || !atoll(job->budgets.item[b]))
      status = nsw_usage(err, "--knas %.40s: budgets are counts of at least 1", job->budgets.item[b]);
  return status;
}

static int read_options(struct nsw_selection *job, struct nsw_error *err) {
  const struct nsw_args *args = job->args;
  const char *format = nsw_args_text(args, "format"), *cost = nsw_args_text(args, "pareto");
  if (strcmp(format, "table") && strcmp(format, "json") && strcmp(format, "csv"))
    return nsw_usage(err, "--format %.40s: table, json or csv", format);
  if (cost && strcmp(cost, "params") && strcmp(cost, "macs"))
    return nsw_usage(err, "--pareto %.40s: params or macs", cost);
  int status = read_limit(args, "max-params", &job->max_params, err);
  if (!status) status = read_limit(args, "max-macs", &job->max_macs, err);
  if (!status) status = nsw_args_count_in(args, "show", 0, 100000, &job->show, err);
  if (!status) status = nsw_args_count_in(args, "candidates", 1, 100000000, &job->candidates, err);
  if (!status) status = nsw_args_count_in(args, "runs", 1, 1000000, &job->runs, err);
  if (!status) status = nsw_args_count_in(args, "seed", 0, INT64_MAX, &job->seed, err);
  if (!status) status = read_budgets(job, err);
  return !status ? nsw_choice_read(args, &job->choice, err) : status;
}

static int check(const struct nsw_args *args, struct nsw_error *err) {
  struct nsw_selection job = {.args = args};
  int status = read_options(&job, err);
  nsw_selection_free(&job);
  return status;
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  struct nsw_selection job = {.args = args};
  struct nsw_tables tables = {.count = 0};
  struct nsw_columns columns[NSW_TABLES] = {{0}};
  int status = read_options(&job, err);
  if (!status) status = nsw_tables_read(args, true, &tables, err);
  if (!status) status = nsw_choice_check(&job.choice, &tables, err);
  for (size_t t = 0; t < tables.count && !status; t++)
    status = nsw_choice_columns(&job.choice, args, tables.list[t], &columns[t], err);
  if (!status && nsw_args_given(args, "knas-proxy"))
    status = nsw_choice_check_score("knas-proxy", nsw_args_text(args, "knas-proxy"), columns, tables.count, err);
  for (size_t t = 0; t < tables.count && !status; t++)
    status = nsw_select_table(&job, tables.list[t], &columns[t], err);
  if (!status) status = nsw_select_print(stdout, nsw_args_text(args, "format"), &job, err);
  for (size_t t = 0; t < NSW_TABLES; t++) nsw_columns_free(&columns[t]);
  nsw_selection_free(&job);
  nsw_tables_free(&tables);
  return status;
}

const struct nsw_command nsw_cmd_select = {
    .name = "select",
    .operands = "FILE.h5...",
    .summary = "tells what a search by each score would have found",
    .text =
        "For budgets k on a logarithmic scale: the expected best accuracy of the k architectures a score puts first "
        "(equal scores in random order, exactly averaged), its regret, and the share of the true top k among them; "
        "beside random search with the same budget (exact expectation) and choosing by parameters. The top of the "
        "score sed is the search of its paper; --max-params and --max-macs set limits. Where there is a score knas, "
        "its paper's two steps: draw candidates, take the k best by score, keep the one with the best validation "
        "accuracy. What is reported is never looked at: without validation accuracies that search is left out.\n\n"
        "Example: nasweep select results/nb201.h5 --max-params 500000 --pareto params",
    .options = options,
    .min_operands = 1,
    .max_operands = -1,
    .check = check,
    .run = run,
};
