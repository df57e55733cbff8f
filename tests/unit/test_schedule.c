/* The scheduler and its simulator against what any schedule must satisfy. */
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "sweep/schedule.h"
#include "sweep/simulate.h"
#include "unit.h"

enum { TASKS = 5000 };

/* Log-normal times around a spread like that of nb101's networks. */
static void make_times(double *cost, double *seconds, size_t n, double noise) {
  struct nsw_stream stream = {.seed = 1, .purpose = NSW_FOR_SAMPLING};
  for (size_t i = 0; i < n; i++) {
    double x = nsw_random_double(stream, 2 * i), y = nsw_random_double(stream, 2 * i + 1);
    cost[i] = 0.2 * exp(3 * x);
    seconds[i] = 1.7 * cost[i] * exp(noise * (y - 0.5));
  }
}

/* Every task is handed out once, in order of predicted time, to workers that finish at once. */
static void hands_out_each_task_once(void **state) {
  (void)state;
  double cost[TASKS], seconds[TASKS];
  uint8_t kind[TASKS], seen[TASKS] = {0};
  make_times(cost, seconds, TASKS, 0);
  for (size_t i = 0; i < TASKS; i++) kind[i] = (uint8_t)(i % 3);
  for (size_t i = 0; i < TASKS; i += 7) cost[i] = i % 2 ? NAN : 0; /* done already */
  struct nsw_schedule *s;
  struct nsw_error err;
  assert_int_equal(nsw_schedule_create(TASKS, cost, kind, 3, nsw_sizing_default(), &s, &err), NSW_OK);
  size_t open = TASKS - (TASKS + 6) / 7;
  assert_int_equal(nsw_schedule_open(s), open);
  double before = INFINITY;
  for (size_t turn = 0; nsw_schedule_open(s); turn++) {
    struct nsw_piece piece;
    nsw_schedule_next(s, turn % 3, &piece);
    assert_true(piece.runs > 0);
    for (uint32_t r = 0; r < piece.runs; r++) {
      for (uint32_t t = piece.run[r].first; t < piece.run[r].first + piece.run[r].count; t++) {
        assert_int_equal(seen[t]++, 0);
        assert_true(cost[t] > 0);
        assert_true(cost[t] < before * 1.2); /* a quarter octave is a factor of 1.19 */
        before = fmin(before, cost[t]);
        nsw_schedule_done(s, turn % 3, t, cost[t]);
        open--;
      }
    }
    assert_int_equal(nsw_schedule_open(s), open);
  }
  assert_int_equal(open, 0);
  assert_int_equal(nsw_schedule_undealt(s), 0);
  assert_true(fabs(nsw_schedule_left(s)) < 1e-3);
  nsw_schedule_free(&s);
  nsw_schedule_free(&s);
}

/* A kind that turns out faster than guessed goes last from then on, and the time left follows. */
static void learns_from_measurements(void **state) {
  (void)state;
  enum { N = 200 };
  double cost[N];
  uint8_t kind[N];
  for (int i = 0; i < N; i++) {
    kind[i] = (uint8_t)(i % 2);
    cost[i] = kind[i] ? 1.0 : 1.5;
  }
  struct nsw_schedule *s;
  struct nsw_error err;
  struct nsw_sizing sizing = nsw_sizing_default();
  sizing.longest = 0; /* single tasks */
  assert_int_equal(nsw_schedule_create(N, cost, kind, 2, sizing, &s, &err), NSW_OK);
  struct nsw_piece piece;
  nsw_schedule_next(s, 0, &piece);
  assert_int_equal(kind[piece.run[0].first], 0);
  nsw_schedule_done(s, 0, piece.run[0].first, 0.15);
  for (int i = 0; i < N / 2; i++) {
    nsw_schedule_next(s, 0, &piece);
    assert_int_equal(piece.tasks, 1);
    assert_int_equal(kind[piece.run[0].first], 1);
    nsw_schedule_done(s, 0, piece.run[0].first, 1);
  }
  assert_true(fabs(nsw_schedule_left(s) - 0.15 * 99) < 1e-6);
  for (int i = 0; i < 40; i++) {
    nsw_schedule_next(s, 1, &piece);
    nsw_schedule_done(s, 1, piece.run[0].first, 3);
  }
  assert_true(nsw_schedule_left(s) > 0.9 * 3 * 59 && nsw_schedule_left(s) < 3 * 59);
  nsw_schedule_free(&s);
}

/* A worker that holds work gets more only while there is plenty. */
static void keeps_the_end_flat(void **state) {
  (void)state;
  double cost[10];
  for (int i = 0; i < 10; i++) cost[i] = 1;
  struct nsw_schedule *s;
  struct nsw_error err;
  struct nsw_piece piece;
  assert_int_equal(nsw_schedule_create(10, cost, NULL, 4, nsw_sizing_default(), &s, &err), NSW_OK);
  for (size_t w = 0; w < 4; w++) {
    nsw_schedule_next(s, w, &piece);
    assert_int_equal(piece.tasks, 1);
  }
  nsw_schedule_next(s, 0, &piece);
  assert_int_equal(piece.tasks, 1); /* six left for four: one ahead */
  nsw_schedule_next(s, 0, &piece);
  assert_int_equal(piece.tasks, 0); /* holds two */
  nsw_schedule_next(s, 1, &piece);
  assert_int_equal(piece.tasks, 1);
  nsw_schedule_next(s, 2, &piece);
  assert_int_equal(piece.tasks, 0); /* four left for four: to idle ones only */
  assert_int_equal(nsw_schedule_held(s, 2), 1);
  nsw_schedule_done(s, 2, 2, 1);
  nsw_schedule_next(s, 2, &piece);
  assert_int_equal(piece.tasks, 1);
  nsw_schedule_free(&s);
}

/* Cheap tasks of equal cost go out in long runs, so that a whole space takes few messages. */
static void joins_cheap_tasks(void **state) {
  (void)state;
  enum { N = 423624 };
  double *cost = malloc(N * sizeof *cost);
  assert_non_null(cost);
  for (size_t i = 0; i < N; i++) cost[i] = 1e-7;
  struct nsw_schedule *s;
  struct nsw_error err;
  assert_int_equal(nsw_schedule_create(N, cost, NULL, 2, nsw_sizing_default(), &s, &err), NSW_OK);
  size_t pieces = 0;
  struct nsw_piece piece;
  for (; nsw_schedule_open(s); pieces++) {
    nsw_schedule_next(s, 0, &piece);
    assert_int_equal(piece.runs, 1);
    for (uint32_t i = 0; i < piece.tasks; i++) nsw_schedule_done(s, 0, piece.run[0].first + i, 1e-7);
  }
  assert_true(pieces < 50);
  nsw_schedule_free(&s);
  free(cost);
}

static struct nsw_simulated simulate(const double *cost, const double *seconds, size_t n, size_t ranks, bool works) {
  struct nsw_machine machine = {.ranks = ranks,
                                .server_works = works,
                                .latency = 5e-6,
                                .handling = 5e-6,
                                .handling_task = 1e-6,
                                .sizing = nsw_sizing_default()};
  struct nsw_simulated out;
  struct nsw_error err;
  assert_int_equal(nsw_simulate(n, cost, seconds, NULL, &machine, &out, &err), NSW_OK);
  return out;
}

/* Nothing is lost, no schedule beats the bounds, and the end is flat to less than the longest task. */
static void simulates_within_bounds(void **state) {
  (void)state;
  double cost[TASKS], seconds[TASKS], sum = 0, longest = 0;
  make_times(cost, seconds, TASKS, 0.5);
  for (size_t i = 0; i < TASKS; i++) {
    sum += seconds[i];
    longest = fmax(longest, seconds[i]);
  }
  for (size_t ranks = 1; ranks <= 512; ranks *= 2) {
    struct nsw_simulated out = simulate(cost, seconds, TASKS, ranks, ranks <= 4);
    double working = (double)(ranks <= 4 ? ranks : ranks - 1);
    assert_true(fabs(out.busy - sum) < 1e-6 * sum);
    assert_true(out.wall >= sum / working && out.wall >= longest);
    assert_true(out.end_idle < longest);
    assert_true(out.wall < sum / working + longest);
    if (ranks <= 128) assert_true(out.efficiency > 0.97 * working / (double)ranks);
  }
}

/* A server slower than its workers' demand is the bottleneck, and the simulator shows it. */
static void simulates_saturation(void **state) {
  (void)state;
  double cost[TASKS], seconds[TASKS];
  for (int i = 0; i < TASKS; i++) cost[i] = seconds[i] = 0.01;
  struct nsw_machine machine = {
      .ranks = 257, .latency = 1e-6, .handling = 5e-6, .handling_task = 1e-4, .sizing = nsw_sizing_default()};
  struct nsw_simulated out;
  struct nsw_error err;
  assert_int_equal(nsw_simulate(TASKS, cost, seconds, NULL, &machine, &out, &err), NSW_OK);
  assert_true(out.server_load > 0.95);
  assert_true(out.efficiency < 0.5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hands_out_each_task_once), cmocka_unit_test(learns_from_measurements),
      cmocka_unit_test(keeps_the_end_flat),       cmocka_unit_test(joins_cheap_tasks),
      cmocka_unit_test(simulates_within_bounds),  cmocka_unit_test(simulates_saturation),
  };
  return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
