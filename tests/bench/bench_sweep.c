/* What a sweep costs beside the work: checkpoints, rank 0's memory, decisions of the scheduler. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "sweep/checkpoint.h"
#include "sweep/schedule.h"
#include "sweep/selection.h"

enum { REPEATS = 7 };

static void check(int status, const struct nsw_error *err) {
  if (status == NSW_OK) return;
  fprintf(stderr, "bench_sweep: %s\n", err->text);
  exit(1);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *x, size_t n) {
  qsort(x, n, sizeof *x, ascending);
  return x[n / 2];
}

static double resident(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)usage.ru_maxrss / 1024;
}

/* Writes all of nb101 with six columns as a running sweep does. */
static void bench_checkpoint(void) {
  struct nsw_error err;
  const char *const proxies[] = {"sed", "params", "random"};
  const uint64_t seed = 1;
  struct nsw_request request = {.space = "nb101", .proxy = proxies, .proxies = 3, .seed = &seed, .seeds = 1};
  struct nsw_space *space;
  struct nsw_sweep_plan plan = {0};
  struct nsw_results *results;
  unsigned needs;
  uint32_t *index;
  size_t rows;
  check(nsw_space_open("nb101", &space, &err), &err);
  check(nsw_space_make_keys(space, &err), &err);
  plan.space = plan.context.space = space;
  plan.context.macro = nsw_space_macro(space, (struct nsw_macro){0});
  check(nsw_sweep_plan_families(&request, &plan, &needs, &err), &err);
  check(nsw_selection_make(space, &request, &index, &rows, &err), &err);
  check(nsw_sweep_plan_open(&plan, index, rows, &err), &err);
  check(nsw_results_create(&plan, NULL, &results, &err), &err);
  struct nsw_evaluator evaluator;
  check(nsw_evaluator_open(&plan, &evaluator, &err), &err);
  for (uint32_t t = 0; t < plan.tasks; t++) check(nsw_evaluate(&evaluator, t, &err), &err);
  double start = nsw_now();
  for (size_t at = 0; at < evaluator.size;) {
    struct nsw_evaluation record;
    at += nsw_evaluation_read(&plan, evaluator.bytes + at, evaluator.size - at, &record);
    nsw_results_put(results, &record);
  }
  double put = nsw_now() - start;
  nsw_evaluator_close(&evaluator);
  const char *folder = getenv("TMPDIR");
  char path[512];
  snprintf(path, sizeof path, "%s/nasweep-bench-%ld.h5", folder ? folder : "/tmp", (long)getpid());
  double stall[REPEATS], whole[REPEATS], used[REPEATS];
  struct nsw_checkpoint checkpoint = {0};
  for (int i = 0; i < REPEATS; i++) {
    int status;
    double cpu = nsw_process_seconds();
    start = nsw_now();
    check(nsw_checkpoint_begin(&checkpoint, results, path, &err), &err);
    stall[i] = nsw_now() - start;
    nsw_checkpoint_ended(&checkpoint, true, &status, &err);
    check(status, &err);
    whole[i] = nsw_now() - start;
    used[i] = nsw_process_seconds() - cpu;
  }
  unlink(path);
  nsw_checkpoint_close(&checkpoint);
  printf(
      "checkpoint of %zu rows x %zu columns: %.3f s to disk, %.3f s of processor time; rank 0 does not serve for %.4f "
      "s "
      "(medians of %d)\n",
      rows, nsw_results_table(results)->scores, median(whole, REPEATS), median(used, REPEATS), median(stall, REPEATS),
      REPEATS);
  printf("putting %u results of %zu rows in: %.3f s; largest memory of this process %.0f MB\n", plan.tasks, rows, put,
         resident());
  nsw_results_free(&results);
  nsw_sweep_plan_close(&plan);
  nsw_space_close(&space);
}

/* Hands out and takes back as many tasks as nb101 has to as many workers as a large machine. */
static void bench_schedule(size_t workers) {
  enum { TASKS = 423624 };
  struct nsw_error err;
  double *cost = malloc(TASKS * sizeof *cost);
  struct nsw_schedule *schedule;
  struct nsw_stream stream = {.purpose = NSW_FOR_SAMPLING};
  if (!cost) exit(1);
  for (size_t t = 0; t < TASKS; t++) cost[t] = exp(3 * nsw_random_double(stream, t)) * 0.5;
  double start = nsw_now(), made;
  check(nsw_schedule_create(TASKS, cost, NULL, workers, nsw_sizing_default(), &schedule, &err), &err);
  made = nsw_now() - start;
  size_t pieces = 0;
  for (size_t w = 0; nsw_schedule_open(schedule); w = (w + 1) % workers) {
    struct nsw_piece piece;
    nsw_schedule_next(schedule, w, &piece);
    pieces += piece.runs > 0;
    for (uint32_t r = 0; r < piece.runs; r++)
      for (uint32_t i = 0; i < piece.run[r].count; i++)
        nsw_schedule_done(schedule, w, piece.run[r].first + i, cost[piece.run[r].first + i] * 1.1);
  }
  double all = nsw_now() - start - made;
  printf("scheduler, %d tasks, %zu workers: planned in %.3f s; %zu pieces, %.2f us a piece, %.2f us a task\n", TASKS,
         workers, made, pieces, 1e6 * all / (double)pieces, 1e6 * all / TASKS);
  nsw_schedule_free(&schedule);
  free(cost);
}

int main(void) {
  bench_checkpoint();
  bench_schedule(2);
  bench_schedule(1024);
  bench_schedule(16384);
  return 0;
}
