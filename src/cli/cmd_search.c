/* nasweep search: what a search finds, and what a score is worth to it. */
#include <math.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "cli/ranks.h"
#include "cli/search.h"
#include "cli/tables.h"
#include "store/aside.h"
#include "study/ensemble.h"

static const struct nsw_option options[] = {
    {"method", "LIST", "random,evolution", "searches, see --list-methods", false},
    {"list-methods", NULL, NULL, "tell the methods, their settings and sources, and end", false},
    {"look", "DATASET/SPLIT", NULL,
     "accuracies that the search sees, as in cifar10/valid-12ep; default: validation accuracies after the fewest epochs, "
     "CIFAR-10's where there are",
     false},
    {"report", "LIST", NULL,
     "accuracies told of the best found, never seen by the search; default: test after the most epochs, every data set",
     false},
    {"budget", "N", "100", "trainings of a search", false},
    {"seconds", "S", NULL, "seconds of training of a search, in place of --budget", false},
    {"cost", "DATASET/SPLIT", NULL, "column with the seconds of one training; default: one of the data set looked at",
     false},
    {"epoch-seconds", "S", NULL, "seconds of one epoch of any architecture, where no column tells", false},
    {"repeats", "N", "500", "repeats of each search, spread over all ranks", false},
    {"seed", "S", "0", "of all of them", false},
    {"proxy", "LIST", NULL, "scores to search with; all: every score there is; params and macs are always there",
     false},
    {"use", "LIST", "start,filter,ties,inputs",
     "ways to use each score: start (the first trained are the best by score), filter (of several proposals the best is "
     "trained), ties (decides among equal accuracies), inputs (of methods that fit a model); A+B for both at once",
     false},
    {"start", "N", "10", "architectures that a start by score begins with", false},
    {"brood", "N", "10", "proposals that a filter chooses from", false},
    {"pool", "N", "0", "random architectures that the start's scores are known of; 0: all", false},
    {"set", "METHOD.KEY=VALUE", NULL, "a setting of a method", true},
    {"rungs", "LIST", NULL,
     "accuracies after fewer epochs for hyperband and bohb; default: those of the split looked at", false},
    {"transfer", "SPACE[:D/S]", NULL,
     "also a score gcn:SPACE from a graph network fitted to the accuracies (D/S: DATASET/SPLIT) of another space, which "
     "must be among the operands and is then not searched; operations are told by properties of our own",
     false},
    {"transfer-sample", "N", "20000", "architectures of that space it is fitted to; 0: all", false},
    {"remember", NULL, NULL, "an architecture that a search meets again costs it nothing", false},
    {"points", "N", "100", "points of the curves, at equal steps of the budget", false},
    {"resamples", "N", "2000", "bootstrap resamples for the intervals of gains", false},
    {"level", "SHARE", "0.95", "confidence of those intervals, between 0 and 1", false},
    {"published", NULL, NULL, "the table also has what published searches report, with sources (JSON always has)",
     false},
    {"space", "NAME", NULL, "only this of the spaces in the files", false},
    {"truth", "[FORMAT:]FILE", NULL, "accuracies, as in `correlate`", true},
    {"score", "accuracy:D/S", NULL, "also these accuracies as a score, as in `correlate`", true},
    {"ensemble", "A+B", NULL, NSW_ENSEMBLE_HELP, true},
    {"format", "table|json|csv", "table", "table, json or csv (a line a point of every curve)", false},
    {"out", "FILE", NULL, "write there instead: json or csv by its name's end, else --format", false},
    {NULL, NULL, NULL, NULL, false}};

static void list_methods(void) {
  for (size_t m = 0; nsw_methods[m]; m++) {
    const struct nsw_method *method = nsw_methods[m];
    printf("%s: %s\n  source: %s\n", method->name, method->summary, method->source);
    if (method->kind & NSW_METHOD_SCORE) printf("  needs --proxy; compared with random search\n");
    if (method->kind & NSW_METHOD_RUNGS) printf("  needs accuracies after fewer epochs than those looked at\n");
    for (const struct nsw_method_option *o = method->options; o && o->key; o++)
      printf("  --set %s.%s=%g  %s\n", method->name, o->key, o->value, o->help);
  }
}

/* ---- options ---- */

static int read_positive(const struct nsw_args *args, const char *option, double *value, struct nsw_error *err) {
  int status = nsw_args_real(args, option, value, err);
  if (!status && !(*value > 0 && isfinite(*value))) status = nsw_usage(err, "search: --%s %g: above 0", option, *value);
  return status;
}

static int no_method(const char *name, struct nsw_error *err) {
  const char *names[64];
  char quoted[NSW_QUOTE_SIZE];
  size_t n = 0;
  for (; nsw_methods[n] && n < 64; n++) names[n] = nsw_methods[n]->name;
  const char *near = nsw_nearest(name, names, n);
  return near ? nsw_usage(err, "--method %s: there is none; did you mean '%s'?", nsw_quote(quoted, name), near)
              : nsw_usage(err, "--method %s: there is none; `nasweep search --list-methods` tells them",
                          nsw_quote(quoted, name));
}

static int read_methods(struct nsw_search_job *job, struct nsw_error *err) {
  int status = nsw_args_list(job->args, "method", &job->methods, err);
  for (size_t i = 0; i < job->methods.count && !status; i++) {
    const struct nsw_method *m = nsw_method_find(job->methods.item[i]);
    if (!m) return no_method(job->methods.item[i], err);
    if (m->kind & NSW_METHOD_SCORE && !nsw_args_given(job->args, "proxy") && !nsw_args_given(job->args, "score") &&
        !nsw_args_given(job->args, "transfer") && !nsw_args_given(job->args, "ensemble"))
      return nsw_usage(err, "--method %s goes by a score: name one with --proxy", m->name);
  }
  return status;
}

/* Every --set must be a setting of some method. */
static int check_set(const struct nsw_args *args, struct nsw_error *err) {
  for (size_t i = 0; i < nsw_args_count(args, "set"); i++) {
    const char *text = nsw_args_value(args, "set", i), *equals = strchr(text, '=');
    char name[128], own[128], quoted[NSW_QUOTE_SIZE];
    bool there = false;
    snprintf(name, sizeof name, "%.*s", equals ? (int)(equals - text) : 0, text);
    for (size_t m = 0; nsw_methods[m]; m++)
      for (const struct nsw_method_option *o = nsw_methods[m]->options; o && o->key; o++) {
        snprintf(own, sizeof own, "%s.%s", nsw_methods[m]->name, o->key);
        there |= !strcmp(own, name);
      }
    if (!there)
      return nsw_usage(err, "--set %s: no such setting; `nasweep search --list-methods` tells them",
                       nsw_quote(quoted, text));
  }
  return NSW_OK;
}

static int read_way(const char *text, unsigned *way, struct nsw_error *err) {
  static const char *const words[] = {"start", "filter", "ties", "inputs"};
  char quoted[NSW_QUOTE_SIZE];
  *way = 0;
  for (const char *at = text;; at++) {
    size_t n = strcspn(at, "+");
    int u = 0;
    while (u < 4 && (strlen(words[u]) != n || strncmp(words[u], at, n))) u++;
    if (u == 4) return nsw_usage(err, "--use %s: start, filter, ties or inputs", nsw_quote(quoted, text));
    *way |= 1u << u;
    at += n;
    if (!*at) return NSW_OK;
  }
}

static int read_ways(struct nsw_search_job *job, struct nsw_error *err) {
  struct nsw_list list = {0};
  int status = nsw_args_list(job->args, "use", &list, err);
  size_t room = sizeof job->way / sizeof *job->way;
  if (!status && list.count > room) status = nsw_usage(err, "--use: more than %zu ways", room);
  for (size_t i = 0; i < list.count && !status; i++) status = read_way(list.item[i], &job->way[job->ways++], err);
  nsw_list_free(&list);
  return status;
}

static int read_budget(struct nsw_search_job *job, struct nsw_error *err) {
  const struct nsw_args *args = job->args;
  struct nsw_search *s = &job->search;
  uint64_t n = 0;
  if (nsw_args_given(args, "seconds") && nsw_args_given(args, "budget"))
    return nsw_usage(err, "search: --budget and --seconds: one of them");
  job->timed = nsw_args_given(args, "seconds");
  int status = nsw_args_count_in(args, "budget", 1, UINT32_MAX - 1, &n, err);
  s->budget = (double)n;
  if (!status && job->timed) status = read_positive(args, "seconds", &s->budget, err);
  if (!status && nsw_args_given(args, "epoch-seconds"))
    status = read_positive(args, "epoch-seconds", &job->epoch_seconds, err);
  if (!status) status = nsw_args_count_in(args, "points", 1, 100000, &n, err);
  s->points = !job->timed && s->budget < (double)n ? (size_t)s->budget : (size_t)n;
  return status;
}

static int read_options(struct nsw_search_job *job, struct nsw_error *err) {
  const struct nsw_args *args = job->args;
  const char *format = nsw_args_text(args, "format");
  struct nsw_search *s = &job->search;
  s->remember = nsw_args_flag(args, "remember");
  s->score = -1;
  if (strcmp(format, "table") && strcmp(format, "json") && strcmp(format, "csv"))
    return nsw_usage(err, "--format %.40s: table, json or csv", format);
  int status = nsw_args_text(args, "out") ? nsw_aside_check(nsw_args_text(args, "out"), err) : NSW_OK;
  if (!status) status = read_budget(job, err);
  if (!status) status = nsw_args_count_in(args, "repeats", 1, 10000000, &s->repeats, err);
  if (!status) status = nsw_args_count_in(args, "seed", 0, INT64_MAX, &s->seed, err);
  if (!status) status = nsw_args_count_in(args, "start", 1, 1000000, &s->start, err);
  if (!status) status = nsw_args_count_in(args, "brood", 1, 1000000, &s->brood, err);
  if (!status) status = nsw_args_count_in(args, "transfer-sample", 0, UINT32_MAX, &job->transfer.sample, err);
  if (!status) status = nsw_args_count_in(args, "pool", 0, UINT32_MAX, &s->pool, err);
  if (!status) status = nsw_args_count_in(args, "resamples", 1, 10000000, &job->resamples, err);
  if (!status) status = nsw_args_real(args, "level", &job->level, err);
  if (!status && !(job->level > 0 && job->level < 1)) status = nsw_usage(err, "--level: between 0 and 1");
  if (!status && nsw_args_given(args, "proxy")) status = nsw_args_list(args, "proxy", &job->proxies, err);
  if (!status) status = read_methods(job, err);
  if (!status) status = check_set(args, err);
  return !status ? read_ways(job, err) : status;
}

/* ---- output ---- */

static bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && !strcmp(text + n - m, end);
}

static int print(const struct nsw_search_job *job, struct nsw_error *err) {
  const char *format = nsw_args_text(job->args, "format"), *path = nsw_args_text(job->args, "out");
  bool published = nsw_args_flag(job->args, "published");
  if (!path) return nsw_search_print(stdout, format, published, &job->outcomes, err);
  if (ends_with(path, ".json")) format = "json";
  if (ends_with(path, ".csv")) format = "csv";
  char *text = NULL;
  size_t size = 0;
  FILE *memory = open_memstream(&text, &size);
  int status =
      memory ? nsw_search_print(memory, format, published, &job->outcomes, err) : nsw_no_memory(err, "searches");
  if (memory && fclose(memory) && !status) status = nsw_no_memory(err, "searches");
  if (!status) status = nsw_aside_write(path, text, size, err);
  free(text);
  return status;
}

/* A failure on one rank must not leave the others waiting in a sum. */
static int all_ready(int status) {
  int worst;
  MPI_Allreduce(&status, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return worst;
}

static int check_space(const char *only, const struct nsw_tables *tables, struct nsw_error *err) {
  char quoted[NSW_QUOTE_SIZE];
  for (size_t t = 0; only && t < tables->count; t++)
    if (!strcmp(only, tables->list[t]->space)) return NSW_OK;
  return only ? nsw_usage(err, "--space %s: none of the files has it", nsw_quote(quoted, only)) : NSW_OK;
}

static int check(const struct nsw_args *args, struct nsw_error *err) {
  struct nsw_search_job job = {.args = args};
  if (nsw_args_flag(args, "list-methods")) return NSW_OK;
  int status = nsw_args_operands(args) ? read_options(&job, err) : nsw_usage(err, "search: FILE.h5 is missing");
  nsw_search_outcomes_free(&job.outcomes);
  nsw_list_free(&job.methods);
  nsw_list_free(&job.proxies);
  return status;
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  struct nsw_search_job job = {.args = args};
  struct nsw_tables tables = {.count = 0};
  job.search.share = nsw_ranks_share();
  bool first = job.search.share.rank == 0; /* the rank that speaks */
  const char *only = nsw_args_text(args, "space");
  if (nsw_args_flag(args, "list-methods")) {
    if (first) list_methods();
    return NSW_OK;
  }
  int status =
      nsw_args_operands(args)
          ? read_options(&job, err)
          : nsw_usage(err, "search: FILE.h5 or the name of a space is missing; usage: nasweep search FILE.h5...");
  if (!status) status = nsw_tables_read(args, first, &tables, err);
  if (!status) status = check_space(only, &tables, err);
  if (!status) status = nsw_search_find_transfer(&job, tables.list, tables.count, err);
  int worst = all_ready(status);
  for (size_t t = 0; t < tables.count && worst == NSW_OK && !status; t++)
    if (tables.list[t] != job.transfer.table && (!only || !strcmp(only, tables.list[t]->space)))
      status = nsw_search_table(&job, tables.list[t], err);
  if (!status && worst == NSW_OK && first) status = print(&job, err);
  nsw_search_outcomes_free(&job.outcomes);
  nsw_tables_free(&tables);
  nsw_list_free(&job.methods);
  nsw_list_free(&job.proxies);
  return status;
}

const struct nsw_command nsw_cmd_search = {
    .name = "search",
    .operands = "FILE.h5|SPACE...",
    .summary = "tells what a search finds on the tables, and what each score is worth to it",
    .text =
        "Replays searches on trained accuracies: each is repeated with other random numbers, sees the accuracies of "
        "--look and nothing else, and is judged by those of --report of the best it found. Where only accuracies are "
        "wanted, the name of a space will do in place of a file. With scores (--proxy), every search also runs with "
        "each of them at the same budget and with the same random numbers, and the gain is given with an interval "
        "over these pairs of repeats. The interval is about the searches' chance, not about that of trainings.\n\n"
        "Example: nasweep search results/nb201.h5 --method random,evolution,score --proxy sed,params --look "
        "cifar10/valid-12ep",
    .options = options,
    .min_operands = 0,
    .max_operands = -1,
    .mpi = true,
    .blas = true,
    .check = check,
    .run = run,
};
