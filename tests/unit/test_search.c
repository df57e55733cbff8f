/* Searches against what can be told without running them, and models against slow versions of themselves. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "search/dice.h"
#include "search/gcn.h"
#include "search/inputs.h"
#include "search/kernel.h"
#include "search/mlp.h"
#include "search/run.h"
#include "search/search.h"
#include "study/select.h"
#include "unit.h"

static struct nsw_space *space;

static int open_space(void **state) {
  (void)state;
  return nsw_space_open("nb201", &space, NULL);
}

static int close_space(void **state) {
  (void)state;
  nsw_space_close(&space);
  return 0;
}

/* Every step-th architecture with made-up columns: look and report by hashing the index, score a noisy look. */
static void make_ground(struct nsw_ground *ground, uint32_t step) {
  struct nsw_stream stream = {.seed = 5, .purpose = NSW_FOR_SAMPLING};
  uint32_t count = nsw_space_count(space), n = (count + step - 1) / step;
  *ground = (struct nsw_ground){.space = space, .n = n, .reports = 1, .scores = 1};
  ground->index = malloc(n * sizeof *ground->index);
  ground->look = malloc(n * sizeof *ground->look);
  ground->report = malloc(sizeof *ground->report);
  ground->report[0] = malloc(n * sizeof **ground->report);
  ground->score = malloc(sizeof *ground->score);
  ground->score[0] = malloc(n * sizeof **ground->score);
  for (uint32_t i = 0; i < n; i++) {
    uint8_t genes[NSW_MAX_GENES];
    ground->index[i] = i * step;
    nsw_space_genes_of(space, i * step, genes);
    double smooth = 0;
    for (int g = 0; g < 6; g++) smooth += (double)((genes[g] * (g + 2)) % 5);
    ground->look[i] = smooth + nsw_random_double(stream, 3 * i);
    ground->report[0][i] = smooth + nsw_random_double(stream, 3 * i + 1);
    ground->score[0][i] = smooth + 4 * nsw_random_double(stream, 3 * i + 2);
  }
  assert_int_equal(nsw_ground_finish(ground, NULL), NSW_OK);
}

/* After a change of look. */
static void settle(struct nsw_ground *ground) {
  free(ground->genes);
  free(ground->place);
  free(ground->rank);
  assert_int_equal(nsw_ground_finish(ground, NULL), NSW_OK);
}

static struct nsw_search search_by(const char *method, double budget, uint64_t repeats) {
  struct nsw_search s = {.method = nsw_method_find(method),
                         .score = -1,
                         .budget = budget,
                         .points = (size_t)budget,
                         .repeats = repeats,
                         .seed = 3,
                         .start = 10,
                         .brood = 10,
                         .share = {0, 1, NULL, NULL}};
  assert_non_null(s.method);
  for (int o = 0; s.method->options && s.method->options[o].key; o++) s.set[o] = s.method->options[o].value;
  return s;
}

static struct nsw_outcome outcome_of(const struct nsw_ground *ground, const struct nsw_search *search) {
  struct nsw_outcome outcome;
  struct nsw_error err = {""};
  int status = nsw_search_run(ground, search, &outcome, &err);
  if (status) fail_msg("%s: %s", search->method->name, err.text);
  return outcome;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* ---- dice ---- */

static void dice_are_even_and_begin_anew(void **state) {
  (void)state;
  struct nsw_dice a, b;
  struct nsw_stream stream = {.seed = 1, .which = 2, .purpose = NSW_FOR_SEARCH};
  enum { SIDES = 7, THROWS = 70000 };
  int count[SIDES] = {0};
  nsw_dice_begin(&a, stream);
  nsw_dice_begin(&b, stream);
  for (int i = 0; i < THROWS; i++) {
    uint32_t x = nsw_dice_below(&a, SIDES);
    assert_int_equal(x, nsw_dice_below(&b, SIDES));
    assert_in_range(x, 0, SIDES - 1);
    count[x]++;
  }
  double chi = 0;
  for (int s = 0; s < SIDES; s++)
    chi += (count[s] - THROWS / SIDES) * (double)(count[s] - THROWS / SIDES) / (THROWS / SIDES);
  assert_true(chi < 25); /* six degrees of freedom: one in 3,000 */
}

/* ---- searches ---- */

static void random_search_finds_what_order_statistics_say(void **state) {
  (void)state;
  struct nsw_ground ground;
  make_ground(&ground, 25);
  struct nsw_search search = search_by("random", 60, 4000);
  struct nsw_outcome outcome = outcome_of(&ground, &search);
  double *sorted = malloc(ground.n * sizeof *sorted), *value = malloc(search.repeats * sizeof *value);
  memcpy(sorted, ground.look, ground.n * sizeof *sorted);
  qsort(sorted, ground.n, sizeof *sorted, ascending);
  for (size_t k = 1; k <= 60; k += 19) {
    nsw_outcome_values(&outcome, ground.look, k - 1, value);
    struct nsw_summary s = nsw_summarise(value, search.repeats);
    double expected = nsw_expected_best(sorted, ground.n, k, -INFINITY);
    if (fabs(s.mean - expected) > 4.5 * s.deviation / sqrt((double)search.repeats))
      fail_msg("best of %zu: %.4f, expected %.4f", k, s.mean, expected);
  }
  nsw_outcome_free(&outcome);
  /* With the whole budget nothing is left to find. */
  search = search_by("random", (double)ground.n, 3);
  outcome = outcome_of(&ground, &search);
  nsw_outcome_values(&outcome, ground.look, outcome.points - 1, value);
  for (int r = 0; r < 3; r++) assert_true(value[r] == sorted[ground.n - 1]);
  nsw_outcome_free(&outcome);
  free(sorted);
  free(value);
  nsw_ground_free(&ground);
}

static const char *const plain[] = {"random", "evolution", "local", "reinforce", "prune", "ridge", "gp", "mlp", "gcn"};

static void curves_rise_and_budgets_are_kept(void **state) {
  (void)state;
  struct nsw_ground ground;
  make_ground(&ground, 5);
  for (size_t m = 0; m < sizeof plain / sizeof *plain; m++) {
    struct nsw_search search = search_by(plain[m], 30, 3);
    struct nsw_outcome o = outcome_of(&ground, &search);
    for (uint64_t r = 0; r < 3; r++) {
      assert_in_range((int)o.trainings[r], 1, 30);
      if (strcmp(plain[m], "local")) assert_int_equal((int)o.trainings[r], 30);
      for (size_t p = 0; p < 30; p++) {
        double best = o.best[r * 30 + p];
        assert_true(best >= 1 && best <= (double)ground.n);
        if (p) assert_true(ground.look[(size_t)best - 1] >= ground.look[(size_t)o.best[r * 30 + p - 1] - 1]);
      }
    }
    nsw_outcome_free(&o);
  }
  nsw_ground_free(&ground);
}

static void any_number_of_shares_finds_the_same(void **state) {
  (void)state;
  struct nsw_ground ground;
  make_ground(&ground, 5);
  for (size_t m = 0; m < sizeof plain / sizeof *plain; m++) {
    struct nsw_search search = search_by(plain[m], 25, 7);
    search.use = NSW_USE_FILTER | NSW_USE_START;
    search.score = 0;
    search.pool = 200;
    struct nsw_outcome whole = outcome_of(&ground, &search);
    double *parts = calloc(7 * 25, sizeof *parts);
    for (int rank = 0; rank < 3; rank++) {
      search.share = (struct nsw_share){rank, 3, NULL, NULL};
      struct nsw_outcome part = outcome_of(&ground, &search);
      for (int i = 0; i < 7 * 25; i++) parts[i] += part.best[i]; /* as ranks do */
      nsw_outcome_free(&part);
    }
    for (int i = 0; i < 7 * 25; i++) assert_true(parts[i] == whole.best[i]);
    free(parts);
    nsw_outcome_free(&whole);
  }
  nsw_ground_free(&ground);
}

static void repeats_and_seeds_differ(void **state) {
  (void)state;
  struct nsw_ground ground;
  make_ground(&ground, 1);
  struct nsw_search search = search_by("random", 1, 200);
  struct nsw_outcome a = outcome_of(&ground, &search);
  search.seed++;
  struct nsw_outcome b = outcome_of(&ground, &search);
  int same = 0, neighbours = 0;
  for (int r = 0; r < 200; r++) {
    same += a.best[r] == b.best[r];
    neighbours += r && a.best[r] == a.best[r - 1];
  }
  assert_in_range(same, 0, 3);
  assert_in_range(neighbours, 0, 3);
  nsw_outcome_free(&a);
  nsw_outcome_free(&b);
  nsw_ground_free(&ground);
}

static void local_search_ends_on_peaks(void **state) {
  (void)state;
  struct nsw_ground ground;
  make_ground(&ground, 1);
  /* One peak: more of what look is made of is better, whatever the other genes. */
  for (size_t i = 0; i < ground.n; i++) {
    ground.look[i] = 0;
    for (int g = 0; g < 6; g++) ground.look[i] += nsw_word(&ground, (uint32_t)i)[g];
  }
  settle(&ground);
  struct nsw_search search = search_by("local", 150, 20);
  struct nsw_outcome o = outcome_of(&ground, &search);
  for (int r = 0; r < 20; r++) assert_true(ground.look[(size_t)o.best[r * 150 + 149] - 1] == 24);
  nsw_outcome_free(&o);
  nsw_ground_free(&ground);
}

static void seconds_are_spent(void **state) {
  (void)state;
  struct nsw_ground ground;
  make_ground(&ground, 5);
  ground.cost = malloc(ground.n * sizeof *ground.cost);
  for (size_t i = 0; i < ground.n; i++) ground.cost[i] = 7;
  struct nsw_search search = search_by("random", 100, 5);
  search.points = 10;
  struct nsw_outcome o = outcome_of(&ground, &search);
  for (int r = 0; r < 5; r++) {
    assert_int_equal((int)o.trainings[r], 14); /* 98 of 100 seconds; the fifteenth would not end in time */
    /* At 10 seconds only the first is done; nothing before. */
    assert_true(o.best[r * 10] > 0);
  }
  nsw_outcome_free(&o);
  /* Where the first ends after the first point there is nothing to show there. */
  search.points = 50;
  o = outcome_of(&ground, &search);
  assert_true(o.best[0] == 0 && o.best[2] == 0 && o.best[3] > 0);
  nsw_outcome_free(&o);
  nsw_ground_free(&ground);
}

static void what_is_met_again_is_free_if_remembered(void **state) {
  (void)state;
  struct nsw_ground ground;
  make_ground(&ground, 1);
  struct nsw_search search = search_by("evolution", 100, 30);
  struct nsw_outcome paid = outcome_of(&ground, &search);
  search.remember = true;
  struct nsw_outcome free_ = outcome_of(&ground, &search);
  int different = 0;
  for (int r = 0; r < 30; r++) {
    assert_int_equal((int)paid.trainings[r], 100);
    assert_int_equal((int)free_.trainings[r], 100);
    different += paid.best[r * 100 + 99] != free_.best[r * 100 + 99];
  }
  assert_true(different > 0);
  nsw_outcome_free(&paid);
  nsw_outcome_free(&free_);
  nsw_ground_free(&ground);
}

/* Whether a mutant of a tournament's winner beats everybody, with everything drawn one by one. */
static bool child_is_best(const struct nsw_ground *ground, struct nsw_dice *dice, uint32_t population,
                          uint32_t sample) {
  uint32_t alive[32], best = 0, winner = 0;
  uint8_t genes[NSW_MAX_GENES];
  for (uint32_t i = 0; i < population; i++) {
    alive[i] = nsw_dice_below(dice, (uint32_t)ground->n);
    if (!i || ground->look[alive[i]] > ground->look[best]) best = alive[i];
  }
  for (uint32_t i = 0; i < sample; i++) {
    uint32_t drawn = alive[nsw_dice_below(dice, population)];
    if (!i || ground->look[drawn] > ground->look[winner]) winner = drawn;
  }
  nsw_copy_word(ground, winner, genes);
  uint32_t g = nsw_dice_below(dice, (uint32_t)ground->length);
  genes[g] = (uint8_t)((genes[g] + 1 + nsw_dice_below(dice, ground->choices[g] - 1)) % ground->choices[g]);
  return ground->look[nsw_candidate_of(ground, genes)] > ground->look[best];
}

/* How often the first child is the best so far hangs on who its parent is; a tournament of one fewer moves the first by
 * ten deviations. */
static void tournaments_are_won_as_often_as_drawn_ones(void **state) {
  (void)state;
  static const uint32_t sizes[][2] = {{10, 10}, {10, 1}, {2, 2}, {20, 3}}; /* population, sample */
  struct nsw_ground ground;
  struct nsw_dice dice;
  enum { REPEATS = 1000000 };
  make_ground(&ground, 1);
  nsw_dice_begin(&dice, (struct nsw_stream){.seed = 4, .purpose = NSW_FOR_SEARCH});
  for (size_t t = 0; t < sizeof sizes / sizeof *sizes; t++) {
    uint32_t population = sizes[t][0], sample = sizes[t][1];
    struct nsw_search search = search_by("evolution", population + 1, REPEATS);
    search.set[0] = population;
    search.set[1] = sample;
    struct nsw_outcome o = outcome_of(&ground, &search);
    double wins = 0, expected = 0;
    for (size_t r = 0; r < REPEATS; r++) {
      const double *best = o.best + r * o.points + population;
      wins += best[0] != best[-1];
      expected += child_is_best(&ground, &dice, population, sample);
    }
    double variance = wins * (1 - wins / REPEATS) + expected * (1 - expected / REPEATS);
    if (fabs(wins - expected) > 4 * sqrt(variance))
      fail_msg("population %u, sample %u: %.0f of %d, expected %.0f", population, sample, wins, REPEATS, expected);
    nsw_outcome_free(&o);
  }
  nsw_ground_free(&ground);
}

/* The published search has ten alive and draws ten of them: what is searched where nothing is said. */
static void evolution_is_the_published_one_unless_said_otherwise(void **state) {
  (void)state;
  static const double sets[][2] = {{10, 10}, {10, 9}, {9, 10}}; /* population, sample */
  struct nsw_ground ground;
  make_ground(&ground, 1);
  struct nsw_search search = search_by("evolution", 60, 200);
  struct nsw_outcome untold = outcome_of(&ground, &search);
  for (size_t t = 0; t < sizeof sets / sizeof *sets; t++) {
    search.set[0] = sets[t][0];
    search.set[1] = sets[t][1];
    struct nsw_outcome o = outcome_of(&ground, &search);
    bool same = !memcmp(o.best, untold.best, search.repeats * o.points * sizeof *o.best);
    assert_int_equal(same, t == 0);
    nsw_outcome_free(&o);
  }
  nsw_outcome_free(&untold);
  nsw_ground_free(&ground);
}

/* ---- scores ---- */

static void a_score_alone_goes_down_its_list(void **state) {
  (void)state;
  struct nsw_ground ground;
  make_ground(&ground, 5);
  struct nsw_search search = search_by("score", 8, 4);
  search.score = 0;
  struct nsw_outcome o = outcome_of(&ground, &search);
  double *sorted = malloc(ground.n * sizeof *sorted);
  memcpy(sorted, ground.score[0], ground.n * sizeof *sorted);
  qsort(sorted, ground.n, sizeof *sorted, ascending);
  for (size_t k = 1; k <= 8; k++) {
    double border = sorted[ground.n - k], best = -INFINITY;
    for (size_t i = 0; i < ground.n; i++)
      if (ground.score[0][i] >= border) best = fmax(best, ground.look[i]);
    for (int r = 0; r < 4; r++) assert_true(ground.look[(size_t)o.best[r * 8 + (int)k - 1] - 1] == best);
  }
  nsw_outcome_free(&o);
  free(sorted);
  nsw_ground_free(&ground);
}

static void a_pool_holds_nobody_twice(void **state) {
  (void)state;
  struct nsw_ground ground;
  make_ground(&ground, 25);
  struct nsw_search search = search_by("score", 1, 400);
  search.score = 0;
  search.pool = ground.n - 1; /* all but one: the best is nearly always there */
  struct nsw_outcome o = outcome_of(&ground, &search);
  size_t best = 0;
  for (size_t i = 1; i < ground.n; i++)
    if (ground.score[0][i] > ground.score[0][best]) best = i;
  int found = 0;
  for (int r = 0; r < 400; r++) found += (size_t)o.best[r] - 1 == best;
  assert_in_range(found, 390, 400);
  nsw_outcome_free(&o);
  nsw_ground_free(&ground);
}

static void equal_scores_choose_at_random(void **state) {
  (void)state;
  struct nsw_ground ground;
  make_ground(&ground, 5);
  for (size_t i = 0; i < ground.n; i++) ground.score[0][i] = i % 2 ? -INFINITY : 1;
  struct nsw_search search = search_by("score", 1, 2000);
  search.score = 0;
  struct nsw_outcome o = outcome_of(&ground, &search);
  double sum = 0;
  for (int r = 0; r < 2000; r++) {
    size_t candidate = (size_t)o.best[r] - 1;
    assert_int_equal(candidate % 2, 0);
    sum += (double)candidate;
  }
  /* The mean place of those drawn evenly, within 4.5 standard errors. */
  double n = (double)ground.n;
  assert_true(fabs(sum / 2000 - n / 2) < 4.5 * n / sqrt(12.) / sqrt(2000.));
  nsw_outcome_free(&o);
  nsw_ground_free(&ground);
}

static void pairs_share_their_numbers(void **state) {
  (void)state;
  struct nsw_ground ground;
  make_ground(&ground, 5);
  for (size_t i = 0; i < ground.n; i++) ground.look[i] = floor(ground.look[i]); /* ties */
  settle(&ground);
  for (size_t m = 0; m < 5; m++) {
    struct nsw_search search = search_by(plain[m], 40, 20);
    struct nsw_outcome without = outcome_of(&ground, &search);
    search.use = NSW_USE_TIES;
    search.score = 0;
    struct nsw_outcome with = outcome_of(&ground, &search);
    int same = 0;
    for (int r = 0; r < 20; r++) same += without.best[r * 40] == with.best[r * 40];
    assert_int_equal(same, 20); /* the first training is the same */
    nsw_outcome_free(&without);
    nsw_outcome_free(&with);
  }
  nsw_ground_free(&ground);
}

static void a_good_score_helps(void **state) {
  (void)state;
  struct nsw_ground ground;
  make_ground(&ground, 1);
  memcpy(ground.score[0], ground.report[0], ground.n * sizeof *ground.look);
  for (unsigned use = NSW_USE_START; use <= NSW_USE_FILTER; use++) {
    struct nsw_search search = search_by("evolution", 20, 40);
    double a[40], b[40];
    struct nsw_outcome o = outcome_of(&ground, &search);
    nsw_outcome_values(&o, ground.report[0], 19, b);
    nsw_outcome_free(&o);
    search.use = use;
    search.score = 0;
    o = outcome_of(&ground, &search);
    nsw_outcome_values(&o, ground.report[0], 19, a);
    nsw_outcome_free(&o);
    struct nsw_gain gain;
    assert_int_equal(nsw_gain(a, b, 40, 1000, .95, 0, &gain, NULL), NSW_OK);
    assert_true(gain.low > 0);
  }
  nsw_ground_free(&ground);
}

/* Where all accuracies are equal, evolution that breaks ties by a score climbs that score. */
static void ties_are_broken_towards_the_better_score(void **state) {
  (void)state;
  struct nsw_ground ground;
  make_ground(&ground, 1);
  memcpy(ground.score[0], ground.report[0], ground.n * sizeof *ground.look);
  for (size_t i = 0; i < ground.n; i++) ground.look[i] = 90;
  settle(&ground);
  double found[2][40];
  for (int k = 0; k < 2; k++) {
    struct nsw_search search = search_by(k ? "random" : "evolution", 60, 40);
    search.use = NSW_USE_TIES;
    search.score = 0;
    struct nsw_outcome o = outcome_of(&ground, &search);
    nsw_outcome_values(&o, ground.score[0], 59, found[k]);
    nsw_outcome_free(&o);
  }
  struct nsw_gain gain;
  assert_int_equal(nsw_gain(found[0], found[1], 40, 1000, .95, 0, &gain, NULL), NSW_OK);
  assert_true(gain.low > 0);
  nsw_ground_free(&ground);
}

static void what_cannot_be_searched_is_told(void **state) {
  (void)state;
  struct nsw_ground ground;
  struct nsw_error err;
  struct nsw_outcome o;
  make_ground(&ground, 25);
  struct nsw_search search = search_by("hyperband", 10, 2);
  assert_int_equal(nsw_search_run(&ground, &search, &o, &err), NSW_USAGE);
  assert_non_null(strstr(err.text, "fewer epochs"));
  search = search_by("score", 10, 2);
  assert_int_equal(nsw_search_run(&ground, &search, &o, &err), NSW_USAGE);
  ground.n = 0;
  search = search_by("random", 10, 2);
  assert_int_equal(nsw_search_run(&ground, &search, &o, &err), NSW_FAILED);
  nsw_ground_free(&ground);
}

static void hyperband_pays_by_parts(void **state) {
  (void)state;
  struct nsw_ground ground;
  make_ground(&ground, 5);
  ground.rungs = 2;
  ground.rung = malloc(2 * sizeof *ground.rung);
  ground.rung_share = malloc(2 * sizeof *ground.rung_share);
  for (int r = 0; r < 2; r++) {
    ground.rung[r] = malloc(ground.n * sizeof **ground.rung);
    ground.rung_share[r] = r ? 1. / 3 : 1. / 9;
    memcpy(ground.rung[r], ground.look, ground.n * sizeof **ground.rung);
  }
  for (int model = 0; model < 2; model++) {
    /* The first bracket: nine at 1/9, three go on to 1/3, one to the end: 1 + 3 x 2/9 + 2/3 trainings. */
    struct nsw_search search = search_by(model ? "bohb" : "hyperband", 1 + 2. / 3 + 2. / 3 + 1e-9, 30);
    search.points = 1;
    struct nsw_outcome o = outcome_of(&ground, &search);
    double *all = malloc(ground.n * sizeof *all), mean = 0;
    memcpy(all, ground.look, ground.n * sizeof *all);
    qsort(all, ground.n, sizeof *all, ascending);
    for (int r = 0; r < 30; r++) {
      assert_int_equal((int)o.trainings[r], 9);
      mean += ground.look[(size_t)o.best[r] - 1] / 30;
    }
    /* Its rungs rank as the whole training does: the best of nine comes out. */
    assert_true(fabs(mean - nsw_expected_best(all, ground.n, 9, -INFINITY)) < 1.5);
    free(all);
    nsw_outcome_free(&o);
  }
  nsw_ground_free(&ground);
}

/* ---- numbers ---- */

static void summaries_and_gains(void **state) {
  (void)state;
  double value[] = {4, NAN, 1, 3, 2}, a[] = {3, 5, NAN, 7}, b[] = {1, 5, 2, 8};
  struct nsw_summary s = nsw_summarise(value, 5);
  assert_int_equal(s.n, 4);
  assert_true(s.mean == 2.5 && s.median == 2.5 && s.q25 == 1.75 && s.lowest == 1 && s.highest == 4);
  assert_true(fabs(s.deviation - sqrt(5. / 3)) < 1e-15);
  s = nsw_summarise(value, 0);
  assert_true(s.n == 0 && isnan(s.mean));
  struct nsw_gain gain;
  assert_int_equal(nsw_gain(a, b, 4, 4000, .95, 0, &gain, NULL), NSW_OK);
  assert_int_equal(gain.n, 3);
  assert_true(fabs(gain.mean - 1. / 3) < 1e-15);
  assert_true(gain.better == 1 && gain.equal == 1 && gain.worse == 1);
  assert_true(gain.low == -1 && gain.high == 2); /* three pairs: all the same is drawn one time in 27 */
}

/* ---- models ---- */

/* Solves a x = b by elimination, in place. */
static void eliminate(double *a, double *b, int n) {
  for (int i = 0; i < n; i++)
    for (int k = i + 1; k < n; k++) {
      double f = a[k * n + i] / a[i * n + i];
      for (int j = i; j < n; j++) a[k * n + j] -= f * a[i * n + j];
      b[k] -= f * b[i];
    }
  for (int i = n; i-- > 0;) {
    for (int j = i + 1; j < n; j++) b[i] -= a[i * n + j] * b[j];
    b[i] /= a[i * n + i];
  }
}

enum { SAMPLE = 40 };

static double kernel_of(const struct nsw_inputs *in, size_t i, size_t j, bool gaussian, double length) {
  double inner = 0, distance = 0;
  for (size_t k = 0; k < in->width; k++) {
    double x = in->x[i * in->width + k], y = in->x[j * in->width + k];
    inner += x * y;
    distance += (x - y) * (x - y);
  }
  return gaussian ? exp(-.5 * distance / length) : inner / (double)in->width;
}

static void kernels_predict_as_elimination_does(void **state) {
  (void)state;
  struct nsw_ground ground;
  struct nsw_inputs in;
  make_ground(&ground, 25);
  for (int gaussian = 0; gaussian < 2; gaussian++)
    for (int scores = 0; scores < 2; scores++) {
      unsigned kinds = NSW_INPUTS_PATHS | (scores ? NSW_INPUTS_SCORES : 0);
      struct nsw_kernel *k;
      uint32_t candidate[SAMPLE];
      double y[SAMPLE], z[SAMPLE], *value = malloc(ground.n * sizeof *value);
      double a[SAMPLE * SAMPLE], alpha[SAMPLE];
      for (uint32_t i = 0; i < SAMPLE; i++) candidate[i] = i * 13, z[i] = ground.look[i * 13];
      assert_int_equal(nsw_normal_scores(z, SAMPLE, y, NULL), NSW_OK);
      assert_int_equal(nsw_inputs_make(&ground, kinds, &in, NULL), NSW_OK);
      assert_int_equal(nsw_kernel_make(&ground, kinds, gaussian, &k, NULL), NSW_OK);
      assert_int_equal(nsw_kernel_fit(k, candidate, y, SAMPLE, NULL), NSW_OK);
      nsw_kernel_predict(k, value);
      memcpy(alpha, y, sizeof y);
      for (int i = 0; i < SAMPLE; i++)
        for (int j = 0; j < SAMPLE; j++)
          a[i * SAMPLE + j] = kernel_of(&in, candidate[i], candidate[j], gaussian, nsw_kernel_length(k)) +
                              (i == j ? nsw_kernel_noise(k) : 0);
      eliminate(a, alpha, SAMPLE);
      double error = 0;
      for (size_t i = 0; i < ground.n; i += 7) {
        double slow = 0;
        for (int j = 0; j < SAMPLE; j++)
          slow += alpha[j] * kernel_of(&in, i, candidate[j], gaussian, nsw_kernel_length(k));
        error = fmax(error, fabs(slow - value[i]));
      }
      if (error > 2e-4) fail_msg("off by %g", error);
      nsw_kernel_free(k);
      nsw_inputs_free(&in);
      free(value);
    }
  nsw_ground_free(&ground);
}

static void inputs_are_centred_and_count_paths(void **state) {
  (void)state;
  struct nsw_ground ground;
  struct nsw_inputs in;
  make_ground(&ground, 1);
  assert_int_equal(nsw_inputs_make(&ground, NSW_INPUTS_WORD, &in, NULL), NSW_OK);
  assert_int_equal(in.width, 30);
  nsw_inputs_free(&in);
  assert_int_equal(nsw_inputs_make(&ground, NSW_INPUTS_PATHS | NSW_INPUTS_SCORES, &in, NULL), NSW_OK);
  /* Five operations; paths of one, two and three of the four that are something; one score. */
  assert_int_equal(in.width, 5 + 4 + 16 + 64 + 1);
  double variance = 0;
  for (size_t k = 0; k < in.width; k++) {
    double sum = 0, square = 0;
    for (size_t i = 0; i < in.n; i++)
      sum += in.x[i * in.width + k], square += in.x[i * in.width + k] * in.x[i * in.width + k];
    assert_true(fabs(sum / (double)in.n) < 1e-4);
    if (k + 1 < in.width) variance += square / (double)in.n / (double)(in.width - 1);
    if (k + 1 == in.width) assert_true(fabs(square / (double)in.n - 1) < 1e-4);
  }
  assert_true(fabs(variance - 1) < 1e-3);
  nsw_inputs_free(&in);
  nsw_ground_free(&ground);
}

static void normal_scores_of_ranks(void **state) {
  (void)state;
  double value[] = {-INFINITY, 3, 3, 100}, z[4], same[] = {2, 2};
  assert_int_equal(nsw_normal_scores(value, 4, z, NULL), NSW_OK);
  /* Quantiles of the normal distribution at 1/8, 1/2, 1/2, 7/8, scaled. */
  assert_true(fabs(z[0] + sqrt(2)) < 1e-12 && fabs(z[3] - sqrt(2)) < 1e-12 && fabs(z[1]) < 1e-12 && z[1] == z[2]);
  assert_int_equal(nsw_normal_scores(same, 2, z, NULL), NSW_OK);
  assert_true(z[0] == 0 && z[1] == 0);
}

/* The slope of loss along w[i] by central differences. */
#define SLOPE(w, i, loss)          \
  ({                               \
    float old = (w)[i], h = 2e-3f; \
    (w)[i] = old + h;              \
    double up = (loss);            \
    (w)[i] = old - h;              \
    double down = (loss);          \
    (w)[i] = old;                  \
    (up - down) / (2 * (double)h); \
  })

static void gradients_of_the_perceptron(void **state) {
  (void)state;
  enum { ROWS = 9, IN = 5 };
  float x[ROWS * IN], target[ROWS];
  struct nsw_mlp mlp;
  struct nsw_dice dice;
  nsw_dice_begin(&dice, (struct nsw_stream){.seed = 2, .purpose = NSW_FOR_SAMPLING});
  for (int i = 0; i < ROWS * IN; i++) x[i] = (float)nsw_dice_double(&dice) * 2 - 1;
  for (int i = 0; i < ROWS; i++) target[i] = (float)nsw_dice_double(&dice);
  assert_true(nsw_mlp_make(&mlp, IN, 2, 6));
  nsw_mlp_begin(&mlp, &dice);
  for (size_t i = 0; i < mlp.adam.n; i++) mlp.adam.w[i] += .05f; /* off the kinks at zero biases */
  nsw_mlp_loss(&mlp, x, target, ROWS);
  float *g = malloc(mlp.adam.n * sizeof *g);
  memcpy(g, mlp.adam.g, mlp.adam.n * sizeof *g);
  double worst = 0, size = 0;
  for (size_t i = 0; i < mlp.adam.n; i++) {
    double slope = SLOPE(mlp.adam.w, i, nsw_mlp_loss(&mlp, x, target, ROWS));
    worst = fmax(worst, fabs(slope - g[i]));
    size = fmax(size, fabs(slope));
  }
  if (worst > .01 * size) fail_msg("off by %g of %g", worst, size);
  free(g);
  nsw_mlp_free(&mlp);
}

static void gradients_of_the_graph_network(void **state) {
  (void)state;
  enum { ROWS = 6 };
  struct nsw_ground ground;
  struct nsw_graphs graphs;
  struct nsw_gcn gcn;
  struct nsw_dice dice;
  float *extra, target[ROWS];
  uint32_t candidate[ROWS];
  make_ground(&ground, 25);
  nsw_dice_begin(&dice, (struct nsw_stream){.seed = 4, .purpose = NSW_FOR_SAMPLING});
  for (int i = 0; i < ROWS; i++)
    candidate[i] = nsw_dice_below(&dice, (uint32_t)ground.n), target[i] = (float)nsw_dice_double(&dice);
  assert_int_equal(nsw_graphs_make(&ground, &graphs, NULL), NSW_OK);
  assert_int_equal(nsw_inputs_scores(&ground, &extra, NULL), NSW_OK);
  assert_true(nsw_gcn_make(&gcn, 3, 5, 1));
  gcn.graphs = &graphs;
  gcn.extra = extra;
  nsw_gcn_begin(&gcn, &dice);
  for (size_t i = 0; i < gcn.adam.n; i++) gcn.adam.w[i] += .05f;
  nsw_gcn_loss(&gcn, candidate, target, ROWS);
  float *g = malloc(gcn.adam.n * sizeof *g);
  memcpy(g, gcn.adam.g, gcn.adam.n * sizeof *g);
  double worst = 0, size = 0;
  int some = 0;
  for (size_t i = 0; i < gcn.adam.n; i++) {
    double slope = SLOPE(gcn.adam.w, i, nsw_gcn_loss(&gcn, candidate, target, ROWS));
    worst = fmax(worst, fabs(slope - g[i]));
    size = fmax(size, fabs(slope));
    some += slope != 0;
  }
  assert_true(some > (int)gcn.adam.n / 2);
  if (worst > .01 * size) fail_msg("off by %g of %g", worst, size);
  free(g);
  free(extra);
  nsw_gcn_free(&gcn);
  nsw_graphs_free(&graphs);
  nsw_ground_free(&ground);
}

/* A node for every operation that is something, none for skips, and what joins them. */
static void graphs_of_known_cells(void **state) {
  (void)state;
  static const char *const texts[] = {"|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|",
                                      "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|none~1|none~2|",
                                      "|nor_conv_1x1~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|"};
  static const int nodes[] = {4, 2, 3};
  static const uint32_t last_from[] = {1u << 2, 1u << 0, 0}; /* what the output is joined to */
  for (int t = 0; t < 3; t++) {
    struct nsw_ground ground = {
        .space = space, .n = 1, .index = malloc(sizeof *ground.index), .look = calloc(1, sizeof *ground.look)};
    struct nsw_graphs graphs;
    assert_int_equal(nsw_space_find(space, texts[t], ground.index, NULL), NSW_OK);
    assert_int_equal(nsw_ground_finish(&ground, NULL), NSW_OK);
    assert_int_equal(nsw_graphs_make(&ground, &graphs, NULL), NSW_OK);
    assert_int_equal(graphs.first[1], nodes[t]);
    assert_int_equal(graphs.op[0], NSW_OP_INPUT);
    assert_int_equal(graphs.op[nodes[t] - 1], NSW_OP_OUTPUT);
    assert_int_equal(graphs.from[nodes[t] - 1], last_from[t]);
    nsw_graphs_free(&graphs);
    nsw_ground_free(&ground);
  }
}

static void a_network_learns_and_is_the_same_again(void **state) {
  (void)state;
  struct nsw_ground ground;
  struct nsw_gcn_plan plan = {.layers = 2, .width = 16, .epochs = 20, .batch = 64, .rate = .005f};
  make_ground(&ground, 10);
  for (size_t i = 0; i < ground.n; i++) { /* convolutions on any edge */
    ground.look[i] = 0;
    for (int g = 0; g < 6; g++) ground.look[i] += nsw_word(&ground, (uint32_t)i)[g] == 3;
  }
  double *a = malloc(ground.n * sizeof *a), *b = malloc(ground.n * sizeof *b), fit;
  assert_int_equal(nsw_gcn_transfer(&ground, &ground, &plan, 800, 1, a, &fit, NULL), NSW_OK);
  assert_true(fit < .5);
  assert_int_equal(nsw_gcn_transfer(&ground, &ground, &plan, 800, 1, b, &fit, NULL), NSW_OK);
  assert_memory_equal(a, b, ground.n * sizeof *a);
  free(a);
  free(b);
  nsw_ground_free(&ground);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(dice_are_even_and_begin_anew),
                                     cmocka_unit_test(random_search_finds_what_order_statistics_say),
                                     cmocka_unit_test(curves_rise_and_budgets_are_kept),
                                     cmocka_unit_test(any_number_of_shares_finds_the_same),
                                     cmocka_unit_test(repeats_and_seeds_differ),
                                     cmocka_unit_test(local_search_ends_on_peaks),
                                     cmocka_unit_test(seconds_are_spent),
                                     cmocka_unit_test(what_is_met_again_is_free_if_remembered),
                                     cmocka_unit_test(tournaments_are_won_as_often_as_drawn_ones),
                                     cmocka_unit_test(evolution_is_the_published_one_unless_said_otherwise),
                                     cmocka_unit_test(a_score_alone_goes_down_its_list),
                                     cmocka_unit_test(a_pool_holds_nobody_twice),
                                     cmocka_unit_test(equal_scores_choose_at_random),
                                     cmocka_unit_test(pairs_share_their_numbers),
                                     cmocka_unit_test(a_good_score_helps),
                                     cmocka_unit_test(ties_are_broken_towards_the_better_score),
                                     cmocka_unit_test(what_cannot_be_searched_is_told),
                                     cmocka_unit_test(hyperband_pays_by_parts),
                                     cmocka_unit_test(summaries_and_gains),
                                     cmocka_unit_test(kernels_predict_as_elimination_does),
                                     cmocka_unit_test(inputs_are_centred_and_count_paths),
                                     cmocka_unit_test(normal_scores_of_ranks),
                                     cmocka_unit_test(gradients_of_the_perceptron),
                                     cmocka_unit_test(gradients_of_the_graph_network),
                                     cmocka_unit_test(graphs_of_known_cells),
                                     cmocka_unit_test(a_network_learns_and_is_the_same_again)};
  return cmocka_run_group_tests(tests, open_space, close_space);
}
