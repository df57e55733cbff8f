/* nasweep simulate: a sweep without the work, for any number of ranks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/emit.h"
#include "data/images.h"
#include "store/file.h"
#include "sweep/model.h"
#include "sweep/selection.h"
#include "sweep/server.h"
#include "sweep/simulate.h"

static const struct nsw_option options[] = {
    {"proxy", "NAME", NULL, "proxy whose evaluations are simulated", false},
    {"ranks", "LIST", "1,2,4,16,64,256,1024,4096,16384", "numbers of ranks, rank 0 included", true},
    {"measured", "FILE.h5", NULL, "take times from this result file; what it does not have is modelled after it",
     false},
    {"speed", "GFLOP/S", "100", "speed of one rank, where nothing is measured", false},
    {"spread", "S", "0.1", "variation of times that the costs do not foretell: standard deviation of their logarithm",
     false},
    {"range", "A:B", NULL, "architectures with indices A to B-1 only", false},
    {"sample", "N", NULL, "so many of them, drawn at random as `score --sample` does", false},
    {"sample-seed", "S", "0", "seed of that drawing", false},
    {"unique", NULL, NULL, "the first architecture of each class only", false},
    {"seeds", "N", "1", "seeds of the scores", false},
    {"samples", "N", NULL, "images used by proxies that need data; each proxy's own number where it is not given",
     false},
    {"dataset", "NAME", "cifar10", "data set: sets classes and image size", false},
    {"set", "PROXY.KEY=VALUE", NULL, "an option of the proxy", true},
    {"latency", "MICROSECONDS", "500", "from a send to the receiver's notice of it, naps included", false},
    {"handling", "MICROSECONDS", "10", "of rank 0 for one message", false},
    {"handling-task", "MICROSECONDS", "2", "of rank 0 for each result in a message", false},
    {"checkpoint", "SECONDS", "30", "between checkpoints, 0: none", false},
    {"stall", "MILLISECONDS", "20", "in which rank 0 does not serve at each checkpoint", false},
    {"rank0", "auto|works|serves", "auto", "whether rank 0 evaluates too, or only hands out work", false},
    {"format", "NAME", "table", "table, csv or json", false},
    {0}};

/* What a simulation works on. */
struct study {
  const struct nsw_args *args;
  struct nsw_request request;
  const char *proxy;
  const char **set;
  uint64_t *seed;
  struct nsw_space *space;
  struct nsw_images *images;
  struct nsw_sweep_plan plan;
  struct nsw_table *measured; /* or NULL */
  struct nsw_time_model model;
  double *cost, *seconds; /* [tasks] */
  uint8_t *kind;
  double longest; /* seconds of the longest task */
};

static int read_request(struct study *s, struct nsw_error *err) {
  const struct nsw_args *args = s->args;
  struct nsw_request *q = &s->request;
  int64_t sample = 0, sample_seed, seeds, samples = 0;
  uint64_t end = 0;
  q->space = nsw_args_operand(args, 0);
  q->dataset = nsw_args_text(args, "dataset");
  s->proxy = nsw_args_text(args, "proxy");
  if (!s->proxy) return nsw_usage(err, "simulate: --proxy NAME is missing");
  q->proxy = &s->proxy;
  q->proxies = 1;
  int status = NSW_OK;
  if (nsw_args_given(args, "sample")) status = nsw_args_integer(args, "sample", 1, UINT32_MAX, &sample, err);
  if (!status) status = nsw_args_integer(args, "sample-seed", 0, INT64_MAX, &sample_seed, err);
  if (!status) status = nsw_args_integer(args, "seeds", 1, 1000, &seeds, err);
  if (!status && nsw_args_given(args, "samples")) status = nsw_args_integer(args, "samples", 1, 1000000, &samples, err);
  for (size_t i = 0; nsw_space_kinds[i] && !status; i++)
    if (!strcmp(nsw_space_kinds[i]->name, q->space))
      status = nsw_args_range(args, "range", nsw_space_kinds[i]->count, &q->first, &end, err);
  if (status) return status;
  q->end = end;
  q->sample = (uint64_t)sample;
  q->sample_seed = (uint64_t)sample_seed;
  q->unique = nsw_args_flag(args, "unique");
  q->samples = (uint64_t)samples;
  q->seeds = (size_t)seeds;
  q->sets = nsw_args_count(args, "set");
  s->set = calloc(q->sets + 1, sizeof *s->set);
  s->seed = calloc(q->seeds, sizeof *s->seed);
  if (!s->set || !s->seed) return nsw_no_memory(err, "a simulation");
  for (size_t i = 0; i < q->sets; i++) s->set[i] = nsw_args_value(args, "set", i);
  for (size_t i = 0; i < q->seeds; i++) s->seed[i] = i;
  q->set = s->set;
  q->seed = s->seed;
  return NSW_OK;
}

/* The plan a sweep would make; synthetic images stand for any. */
static int make_plan(struct study *s, struct nsw_error *err) {
  unsigned needs;
  uint32_t *index = NULL;
  size_t rows;
  int status = nsw_space_open(s->request.space, &s->space, err);
  s->plan.space = s->plan.context.space = s->space;
  if (!status) status = nsw_sweep_plan_families(&s->request, &s->plan, &needs, err);
  size_t images = (size_t)nsw_sweep_plan_images(&s->plan); /* 0 where no proxy wants any; one tells classes and size */
  if (!status) status = nsw_images_load("synthetic", s->request.dataset, images ? images : 1, &s->images, err);
  if (status) return status;
  struct nsw_macro wish = {.classes = s->images->classes, .resolution = s->images->resolution};
  s->plan.context.macro = nsw_space_macro(s->space, wish);
  s->plan.context.images = s->images;
  s->plan.context.samples = (int)s->request.samples;
  status = nsw_selection_make(s->space, &s->request, &index, &rows, err);
  if (!status) status = nsw_sweep_plan_open(&s->plan, index, rows, err);
  return status ? status : nsw_sweep_plan_costs(&s->plan, &s->cost, &s->kind, err);
}

static int make_times(struct study *s, struct nsw_error *err) {
  const char *path = nsw_args_text(s->args, "measured");
  double speed, spread;
  int status = nsw_args_real(s->args, "speed", &speed, err);
  if (!status) status = nsw_args_real(s->args, "spread", &spread, err);
  if (!status && !(speed > 0 && spread >= 0))
    status = nsw_usage(err, "simulate: --speed must be above 0 and --spread not below");
  if (!status && path) status = nsw_file_read(path, s->request.space, &s->measured, err);
  if (status) return status;
  s->seconds = malloc(((size_t)s->plan.tasks + 1) * sizeof *s->seconds);
  if (!s->seconds) return nsw_no_memory(err, "a simulation");
  s->model = nsw_time_model_given(speed * 1e9, NSW_GUESSED_SPEED, spread);
  if (path) status = nsw_time_model_fit(&s->plan, s->cost, s->measured, path, &s->model, err);
  if (!status) status = nsw_time_model_times(&s->model, &s->plan, s->cost, s->measured, s->seconds, err);
  for (uint32_t t = 0; t < s->plan.tasks && !status; t++) s->longest = fmax(s->longest, s->seconds[t]);
  return status;
}

static int read_machine(const struct study *s, struct nsw_machine *m, struct nsw_error *err) {
  static const char *const name[] = {"latency", "handling", "handling-task", "checkpoint", "stall"};
  static const double unit[] = {1e-6, 1e-6, 1e-6, 1, 1e-3};
  *m = (struct nsw_machine){.sizing = nsw_sizing_default()};
  double *field[] = {&m->latency, &m->handling, &m->handling_task, &m->checkpoint, &m->checkpoint_stall};
  for (int i = 0; i < 5; i++) {
    int status = nsw_args_real(s->args, name[i], field[i], err);
    if (status) return status;
    if (!(*field[i] >= 0 && *field[i] < 1e12)) return nsw_usage(err, "simulate: --%s must not be below 0", name[i]);
    *field[i] *= unit[i];
  }
  return NSW_OK;
}

static int set_server(struct study *s, struct nsw_error *err) {
  const char *word = nsw_args_text(s->args, "rank0");
  if (!strcmp(word, "works"))
    s->request.server = NSW_SERVER_WORKS;
  else if (!strcmp(word, "serves"))
    s->request.server = NSW_SERVER_SERVES;
  else if (strcmp(word, "auto"))
    return nsw_usage(err, "simulate: --rank0 wants auto, works or serves, got '%.40s'", word);
  return NSW_OK;
}

static const char *const columns[] = {"ranks",    "seconds",  "speedup",     "efficiency",
                                      "end_idle", "wait_max", "server_load", "messages"};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void emit_row(struct nsw_emit *emit, size_t ranks, const struct nsw_simulated *out) {
  nsw_emit_integer(emit, ranks);
  nsw_emit_real(emit, out->wall);
  nsw_emit_real(emit, out->busy / out->wall);
  nsw_emit_real(emit, out->efficiency);
  nsw_emit_real(emit, out->end_idle);
  nsw_emit_real(emit, out->wait);
  nsw_emit_real(emit, out->server_load);
  nsw_emit_integer(emit, out->messages);
}

static void say_begin(const struct study *s) {
  double sum = 0;
  for (uint32_t t = 0; t < s->plan.tasks; t++) sum += s->seconds[t];
  fprintf(stderr, "%s by %s: %u evaluations, %.4g core-hours, mean %.4g s, longest %.4g s; ", s->request.space,
          s->proxy, s->plan.tasks, sum / 3600, sum / s->plan.tasks, s->longest);
  if (s->model.measured)
    fprintf(stderr, "modelled after %zu measured ones (slope %.3f, spread %.3f)\n", s->model.measured, s->model.slope,
            s->model.spread);
  else
    fprintf(stderr, "modelled (spread %.3f)\n", s->model.spread);
}

static void say_end(const struct study *s, const struct nsw_machine *m, const struct nsw_simulated *last) {
  double served = m->handling * (double)last->messages + m->handling_task * s->plan.tasks;
  fprintf(stderr, "rank 0 would saturate at about %.0f ranks; beyond %.0f ranks the longest evaluation sets the time\n",
          served > 0 ? last->busy / served : INFINITY, last->busy / s->longest);
}

static int simulate_all(const struct study *s, const struct nsw_list *ranks, struct nsw_emit *emit,
                        struct nsw_error *err) {
  struct nsw_machine machine;
  struct nsw_simulated out = {0};
  int status = read_machine(s, &machine, err);
  if (!status && !emit)
    printf("%8s %12s %10s %10s %10s %10s %11s %10s\n", columns[0], columns[1], columns[2], columns[3], columns[4],
           columns[5], columns[6], columns[7]);
  for (size_t i = 0; i < ranks->count && !status; i++) {
    char *end;
    unsigned long n = strtoul(ranks->item[i], &end, 10);
    if (*end || n < 1 || n > 10000000)
      return nsw_usage(err, "simulate: --ranks '%.40s' is not a number from 1 to 10000000", ranks->item[i]);
    machine.ranks = n;
    machine.server_works = nsw_server_works(&s->request, (int)n);
    status = nsw_simulate(s->plan.tasks, s->cost, s->seconds, s->kind, &machine, &out, err);
    if (status) return status;
    if (emit)
      emit_row(emit, n, &out);
    else
      printf("%8lu %12.3f %10.1f %10.4f %10.3f %10.3f %11.4f %10llu\n", n, out.wall, out.busy / out.wall,
             out.efficiency, out.end_idle, out.wait, out.server_load, (unsigned long long)out.messages);
  }
  if (!status) say_end(s, &machine, &out);
  return status;
}

static int print_all(const struct study *s, struct nsw_error *err) {
  const char *format = nsw_args_text(s->args, "format");
  struct nsw_list ranks;
  struct nsw_emit *emit = NULL;
  int status = nsw_args_list(s->args, "ranks", &ranks, err);
  if (!status && strcmp(format, "table")) status = nsw_emit_begin(stdout, format, columns, COLUMNS, true, &emit, err);
  if (!status) {
    say_begin(s);
    status = simulate_all(s, &ranks, emit, err);
  }
  int ended = emit ? nsw_emit_end(&emit, status ? NULL : err) : NSW_OK;
  nsw_list_free(&ranks);
  return status ? status : ended;
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  struct study s = {.args = args};
  int status = read_request(&s, err);
  if (!status) status = set_server(&s, err);
  if (!status) status = make_plan(&s, err);
  if (!status) status = make_times(&s, err);
  if (!status) status = print_all(&s, err);
  nsw_time_model_free(&s.model);
  nsw_table_free(&s.measured);
  nsw_sweep_plan_close(&s.plan);
  nsw_images_free(&s.images);
  nsw_space_close(&s.space);
  free(s.cost);
  free(s.seconds);
  free(s.kind);
  free(s.set);
  free(s.seed);
  return status;
}

const struct nsw_command nsw_cmd_simulate = {
    .name = "simulate",
    .operands = "SPACE",
    .summary = "tells how long a sweep would take on any number of ranks",
    .text =
        "Replays a sweep with the very scheduler that `score` uses, but with modelled or measured times instead of "
        "work, and delays for messages, to say what many ranks would do before anyone pays for them. Efficiency is "
        "work "
        "over ranks times time; end_idle is the longest idle time of a rank at the end, wait_max that before, both in "
        "seconds; server_load is the part of the time in which rank 0 is busy with messages.\n\n"
        "Example: nasweep score nb101 --proxy knas --sample 100 --out some.h5 && "
        "nasweep simulate nb101 --proxy knas --measured some.h5 --ranks 64,1024,16384",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
