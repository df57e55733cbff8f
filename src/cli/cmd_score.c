/* nasweep score: a sweep over a space, from the command line. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/launch.h"
#include "cli/args.h"
#include "cli/score.h"
#include "sweep/sweep.h"

static const struct nsw_option options[] = {
    {"proxy", "LIST", NULL,
     "scores to compute, separated by commas: columns, a family's name for all its columns, a group of "
     "`nasweep list --proxies`, all (every score but controls and trainings), cheap (those that run no network)",
     true},
    {"worker", "NAME=COMMAND", NULL,
     "a score of your own, computed by a process that every rank starts once (no shell; quotes as in one) and asks line "
     "by line in JSON; its columns are all computed, and --proxy may be left out",
     true},
    {"plugin", "FILE.so", NULL,
     "a shared object with scores of your own (nasweep/plugin.h), which --proxy can name; all of them where there is no "
     "--proxy",
     true},
    {"worker-timeout", "SECONDS", "600", "a worker that gives no answer for so long is replaced, 0: wait for ever",
     false},
    {"out", "FILE.h5", NULL, "result file; an unfinished one made with the same options is resumed", false},
    {"range", "A:B", NULL,
     "architectures with indices A to B-1 only; what lies behind the end of the space is left out", false},
    {"arch", "ID", NULL, "this architecture only: index, hash, string or cell, or @FILE with one a line", true},
    {"sample", "N", NULL, "so many of them, drawn at random without replacement", false},
    {"sample-seed", "S", "0", "seed of that drawing; other seeds of the scores draw the same", false},
    {"unique", NULL, NULL, "the first architecture of each class only", false},
    {"seed", "S[,S...]", "777", "seeds of weights and noise; with several, each row is their mean and each is kept",
     true},
    {"data", "FOLDER|synthetic[:seed]", NULL,
     "images: a folder in a data set's own layout, or built-in ones (the default)", false},
    {"dataset", "NAME", NULL,
     "cifar10, cifar100 or ImageNet16-120, where the folder does not tell; sets classes and size", false},
    {"warm-up", "KEY=VALUE,...", NULL,
     "train every network a little before its scores look: settings as of the score `train`, where not named one epoch "
     "of 1,000 images in batches of 128 (`--warm-up epochs=1`); scores that run no network, and `train`, are as without",
     false},
    {"samples", "N", NULL,
     "images used by proxies that need data; each proxy's own number where it is not given: 50 for "
     "KNAS, 64 for the others",
     false},
    {"set", "PROXY.KEY=VALUE", NULL, "an option of a proxy", true},
    {"classes", "N", NULL, "outputs of the classifier instead of the data set's", false},
    {"resolution", "PIXELS", NULL, "height and width of the input instead of the data set's", false},
    {"channels", "N", NULL, "channels of the first stage instead of the benchmark's", false},
    {"cells", "N", NULL, "cells a stage instead of the benchmark's", false},
    {"checkpoint", "SECONDS", "30", "time between writes of the result file while the sweep runs, 0: at its end only",
     false},
    {"progress", "SECONDS", "10", "time between lines of progress, 0: none", false},
    {"time-limit", "SECONDS", "0", "stop cleanly after this time with status 75, 0: no limit", false},
    {"halt-file", "FILE", NULL,
     "stop cleanly when this file exists, with status 75, or with that in the environment's NASWEEP_HALT_STATUS",
     false},
    {"retries", "N", "2",
     "an architecture that ended so many runs by a crash, or so many workers, is marked failed, 0: never, and failed ones are computed again",
     false},
    {"repair", NULL, NULL, "compute again what failed in the file that is there", false},
    {"allow-failed", NULL, NULL, "end with status 0 although architectures failed", false},
    {"rank0", "auto|works|serves", "auto", "whether rank 0 evaluates too, or only hands out work", false},
    {0}};

void nsw_score_free(struct nsw_score_request *r) {
  nsw_list_free(&r->proxies);
  nsw_list_free(&r->seeds);
  free(r->seed);
  free((void *)r->arch);
  free((void *)r->set);
  free((void *)r->worker);
  free((void *)r->plugin);
  *r = (struct nsw_score_request){0};
}

static int read_seeds(const struct nsw_args *args, struct nsw_score_request *r, struct nsw_error *err) {
  int status = nsw_args_list(args, "seed", &r->seeds, err);
  if (status) return status;
  if (r->seeds.count > 1000) return nsw_usage(err, "score: --seed: %zu seeds, at most 1000", r->seeds.count);
  r->seed = calloc(r->seeds.count, sizeof *r->seed);
  if (!r->seed) return nsw_no_memory(err, "seeds");
  for (size_t i = 0; i < r->seeds.count; i++) {
    char *end;
    errno = 0;
    r->seed[i] = strtoull(r->seeds.item[i], &end, 10);
    if (errno || *end || r->seeds.item[i][0] == '-')
      return nsw_usage(err, "score: --seed '%.40s' is not a whole number from 0 to 2^64-1", r->seeds.item[i]);
    for (size_t j = 0; j < i; j++)
      if (r->seed[j] == r->seed[i]) return nsw_usage(err, "score: --seed %.40s is given twice", r->seeds.item[i]);
  }
  r->request.seed = r->seed;
  r->request.seeds = r->seeds.count;
  return NSW_OK;
}

static int read_size(const struct nsw_args *args, const char *option, int64_t high, int *value, struct nsw_error *err) {
  uint64_t n = 0;
  int status = nsw_args_count_in(args, option, 1, high, &n, err);
  *value = (int)n;
  return status;
}

static int read_seconds(const struct nsw_args *args, const char *option, double *value, struct nsw_error *err) {
  int status = nsw_args_real(args, option, value, err);
  if (status) return status;
  if (!(*value >= 0 && *value < 1e9)) return nsw_usage(err, "score: --%s wants seconds from 0", option);
  return NSW_OK;
}

/* The range, cut off at the end of the space, so that the tasks of an array may go by fixed steps. Where nothing is
 * left of it, first and end are the same. */
static int read_range(const struct nsw_args *args, struct nsw_request *q, struct nsw_error *err) {
  uint64_t count = UINT32_MAX, end;
  for (size_t i = 0; nsw_space_kinds[i]; i++)
    if (!strcmp(nsw_space_kinds[i]->name, q->space)) count = nsw_space_kinds[i]->count;
  q->first = q->end = 0;
  if (!nsw_args_given(args, "range")) return NSW_OK;
  int status = nsw_args_range(args, "range", UINT32_MAX, &q->first, &end, err);
  if (end == UINT32_MAX || end > count) end = count;
  q->end = end;
  if (q->first >= end) q->first = end;
  return status;
}

/* Which architectures; the space need not be open. */
static int read_selection(const struct nsw_args *args, struct nsw_score_request *r, struct nsw_error *err) {
  struct nsw_request *q = &r->request;
  int status = read_range(args, q, err);
  if (!status) status = nsw_args_values(args, "arch", &r->arch, &q->archs, err);
  q->arch = r->arch;
  if (!status && q->archs && nsw_args_given(args, "range"))
    status = nsw_usage(err, "score: --arch and --range exclude each other");
  if (!status) status = nsw_args_count_in(args, "sample", 1, UINT32_MAX, &q->sample, err);
  if (!status) status = nsw_args_count_in(args, "sample-seed", 0, INT64_MAX, &q->sample_seed, err);
  q->unique = nsw_args_flag(args, "unique");
  return status;
}

static int read_macro(const struct nsw_args *args, struct nsw_macro *macro, struct nsw_error *err) {
  int status = read_size(args, "classes", 100000, &macro->classes, err);
  if (!status) status = read_size(args, "resolution", 1024, &macro->resolution, err);
  if (!status) status = read_size(args, "channels", 4096, &macro->channels, err);
  return status ? status : read_size(args, "cells", 100, &macro->cells, err);
}

/* Seconds for which another run on the same file is waited for: from the environment, as it is for batch scripts, whose
 * earlier start may still be ending on another node. */
static double lock_wait(void) {
  const char *said = getenv("NASWEEP_LOCK_WAIT");
  double seconds = said ? strtod(said, NULL) : 0;
  return seconds > 0 && seconds < 1e9 ? seconds : 0;
}

static int read_behaviour(const struct nsw_args *args, struct nsw_request *q, struct nsw_error *err) {
  const char *server = nsw_args_text(args, "rank0");
  int status = read_seconds(args, "checkpoint", &q->checkpoint, err);
  if (!status) status = read_seconds(args, "progress", &q->progress, err);
  if (!status) status = read_seconds(args, "time-limit", &q->time_limit, err);
  if (!status) status = read_seconds(args, "worker-timeout", &q->worker_timeout, err);
  if (!status) status = nsw_args_count_in(args, "retries", 0, 1000000, &q->retries, err);
  q->repair = nsw_args_flag(args, "repair") || !q->retries;
  q->allow_failed = nsw_args_flag(args, "allow-failed");
  q->lock_wait = lock_wait();
  q->halt_file = nsw_args_text(args, "halt-file");
  if (!strcmp(server, "works"))
    q->server = NSW_SERVER_WORKS;
  else if (!strcmp(server, "serves"))
    q->server = NSW_SERVER_SERVES;
  else if (strcmp(server, "auto") && !status)
    status = nsw_usage(err, "score: --rank0 wants auto, works or serves, got '%.40s'", server);
  return status;
}

int nsw_score_read(const struct nsw_args *args, struct nsw_score_request *r, struct nsw_error *err) {
  *r = (struct nsw_score_request){0};
  struct nsw_request *q = &r->request;
  q->space = nsw_args_operand(args, 0);
  q->command = nsw_args_line(args);
  q->out = nsw_args_text(args, "out");
  q->data = nsw_args_text(args, "data");
  q->dataset = nsw_args_text(args, "dataset");
  if (!q->out) return nsw_usage(err, "score: --out FILE.h5 is missing");
  int status = nsw_args_values(args, "worker", &r->worker, &q->workers, err);
  q->worker = r->worker;
  if (!status) status = nsw_args_values(args, "plugin", &r->plugin, &q->plugins, err);
  q->plugin = r->plugin;
  bool named = nsw_args_count(args, "proxy");
  if (!status && !named && !q->workers && !q->plugins) return nsw_usage(err, "score: --proxy LIST is missing");
  if (!status && named) status = nsw_args_list(args, "proxy", &r->proxies, err);
  q->proxy = (const char *const *)r->proxies.item;
  q->proxies = r->proxies.count;
  if (!status) status = nsw_args_values(args, "set", &r->set, &q->sets, err);
  q->set = r->set;
  if (!status) status = read_selection(args, r, err);
  if (!status) status = read_seeds(args, r, err);
  if (!status) status = nsw_args_count_in(args, "samples", 1, 1000000, &q->samples, err);
  if (!status) status = read_macro(args, &q->macro, err);
  q->warm_up = nsw_args_text(args, "warm-up");
  return status ? status : read_behaviour(args, q, err);
}

/* Whether the range lies behind the end of the space; says so. */
static bool nothing_to_do(const struct nsw_args *args, const struct nsw_request *q) {
  if (!q->end || q->first < q->end) return false;
  if (nsw_launch_rank() == 0)
    fprintf(stderr, "%s: nothing to do: --range %s lies behind the %" PRIu64 " architectures of %s\n", q->out,
            nsw_args_text(args, "range"), q->end, q->space);
  return true;
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  struct nsw_score_request r;
  int status = nsw_score_read(args, &r, err);
  if (!status && !nothing_to_do(args, &r.request)) status = nsw_sweep(&r.request, err);
  nsw_score_free(&r);
  return status;
}

static int check(const struct nsw_args *args, struct nsw_error *err) {
  struct nsw_score_request r;
  int status = nsw_score_read(args, &r, err);
  bool nothing = r.request.end && r.request.first >= r.request.end;
  if (!status && !nothing) status = nsw_sweep_check(&r.request, err);
  nsw_score_free(&r);
  return status;
}

const struct nsw_command nsw_cmd_score = {
    .name = "score",
    .operands = "SPACE",
    .summary = "scores architectures by training-free proxies into a result file",
    .text =
        "Scores every architecture of nb101, nb201 or sss, or those chosen by --range, --arch, --sample and --unique. Runs "
        "alone or under mpirun or srun; the scores do not depend on the number of ranks. The result file is replaced "
        "by "
        "a newer whole one every --checkpoint seconds. A sweep that was stopped (a signal USR1 or TERM, --time-limit, "
        "--halt-file: status 75) or killed goes on when the same command is given again, with any number of ranks. "
        "Architectures whose score is no number, or whose evaluation crashed again and again, are marked failed: the "
        "sweep is completed all the same and ends with status 1. --repair computes them again, --allow-failed takes "
        "them as they are.\n\n"
        "A score of your own is a program in any language, which is asked line by line; in Python it is three lines "
        "with analysis/nasweep.py. jobs/examples has some, what is said in those lines, and a plugin, which shares networks "
        "and passes with the built-in scores.\n\n"
        "Examples:\n"
        "  mpirun -n 2 nasweep score nb201 --proxy sed,params,macs --out results/nb201.h5\n"
        "  mpirun -n 2 nasweep score nb201 --worker 'mine=python3 mine.py' --out mine.h5",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .mpi = true,
    .blas = true,
    .stops = true,
    .guests = true,
    .check = check,
    .run = run,
};
