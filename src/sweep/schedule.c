#include "sweep/schedule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  BINS_PER_OCTAVE = 4,
  OCTAVES = 64, /* costs from 2^-32 to 2^32 seconds; beyond, the outermost bins */
  BINS = BINS_PER_OCTAVE * OCTAVES,
  NO_BIN = UINT16_MAX, /* the task was done at the start */
  TRUST_AFTER = 4      /* tasks measured in a bin that weigh as much as the whole kind */
};

/* Tasks of one kind and nearly one cost. */
struct bin {
  uint8_t kind;
  size_t first, end;   /* its part of order[], largest first; first moves up as tasks are handed out */
  double undealt_cost; /* guessed seconds not handed out */
  double open_cost;    /* guessed seconds not done */
  double mean_cost;    /* guessed seconds of one task */
  double done_cost;    /* guessed seconds of what was measured ... */
  double done_seconds; /* ... and what it took */
};

struct nsw_schedule {
  size_t tasks, workers;
  size_t undealt, open; /* tasks not handed out; not done */
  struct nsw_sizing sizing;
  float *cost;      /* [tasks] guessed seconds */
  uint16_t *bin_of; /* [tasks], NO_BIN where done at the start */
  uint32_t *order;  /* [undealt at the start] task numbers, bin by bin */
  struct bin *bin;  /* [bins] only those with tasks */
  size_t bins;
  uint32_t *held;                           /* [workers] tasks */
  double kind_cost[256], kind_seconds[256]; /* sums over the bins of a kind, measured */
};

struct nsw_sizing nsw_sizing_default(void) {
  return (struct nsw_sizing){.shortest = 2e-3, .longest = 1.0, .share = 0.25, .handling = 5e-6};
}

/* ---- planning ---- */

static int bin_number(double cost) {
  double at = floor(log2(cost) * BINS_PER_OCTAVE) + BINS / 2.0;
  return at < 0 ? 0 : at > BINS - 1 ? BINS - 1 : (int)at;
}

/* A positive float's bits, inverted, sort as integers with the largest float first. */
static uint32_t descending_key(float cost) {
  uint32_t bits;
  memcpy(&bits, &cost, sizeof bits);
  return ~bits;
}

/* Stable radix sort of order[n] by cost, largest first: equal costs stay in ascending task number. spare[n]. */
static void sort_by_cost(const float *cost, uint32_t *order, uint32_t *spare, size_t n) {
  bool sorted = true;
  for (size_t i = 1; i < n && sorted; i++) sorted = cost[order[i - 1]] >= cost[order[i]];
  if (sorted) return;
  for (int shift = 0; shift < 33; shift += 11) {
    size_t start[2049] = {0};
    for (size_t i = 0; i < n; i++) start[(descending_key(cost[order[i]]) >> shift & 2047) + 1]++;
    for (int b = 0; b < 2048; b++) start[b + 1] += start[b];
    for (size_t i = 0; i < n; i++) spare[start[descending_key(cost[order[i]]) >> shift & 2047]++] = order[i];
    memcpy(order, spare, n * sizeof *order);
  }
}

/* Puts tasks to do into order[], bin by bin, and makes the bins. spare[tasks]. */
static int make_bins(struct nsw_schedule *s, const uint8_t *kind, uint32_t *spare, struct nsw_error *err) {
  enum { SLOTS = 256 * BINS };
  size_t n = 0;
  size_t *start = calloc(SLOTS + 1, sizeof *start);
  if (!start) return nsw_no_memory(err, "the schedule");
  for (size_t t = 0; t < s->tasks; t++)
    if (s->bin_of[t] != NO_BIN) s->order[n++] = (uint32_t)t;
  sort_by_cost(s->cost, s->order, spare, n);
  for (size_t i = 0; i < n; i++) {
    uint32_t t = s->order[i];
    start[(kind ? kind[t] : 0) * BINS + s->bin_of[t] + 1]++;
  }
  size_t bins = 0;
  for (int slot = 0; slot < SLOTS; slot++) bins += start[slot + 1] > 0;
  s->bin = calloc(bins ? bins : 1, sizeof *s->bin);
  if (!s->bin) {
    free(start);
    return nsw_no_memory(err, "the schedule");
  }
  for (int slot = 0; slot < SLOTS; slot++) {
    size_t count = start[slot + 1];
    start[slot + 1] += start[slot];
    if (count)
      s->bin[s->bins++] = (struct bin){.kind = (uint8_t)(slot / BINS), .first = start[slot], .end = start[slot + 1]};
  }
  memcpy(spare, s->order, n * sizeof *spare);
  for (size_t i = 0; i < n; i++) {
    uint32_t t = spare[i];
    s->order[start[(kind ? kind[t] : 0) * BINS + s->bin_of[t]]++] = t;
  }
  free(start);
  for (size_t b = 0; b < s->bins; b++) {
    struct bin *bin = &s->bin[b];
    for (size_t i = bin->first; i < bin->end; i++) {
      s->bin_of[s->order[i]] = (uint16_t)b;
      bin->open_cost += s->cost[s->order[i]];
    }
    bin->undealt_cost = bin->open_cost;
    bin->mean_cost = bin->open_cost / (double)(bin->end - bin->first);
  }
  s->undealt = s->open = n;
  return NSW_OK;
}

int nsw_schedule_create(size_t n, const double *cost, const uint8_t *kind, size_t workers, struct nsw_sizing sizing,
                        struct nsw_schedule **schedule, struct nsw_error *err) {
  *schedule = NULL;
  if (n >= UINT32_MAX) return nsw_fail(err, "%zu tasks are more than a sweep can number", n);
  struct nsw_schedule *s = calloc(1, sizeof *s);
  if (!s) return nsw_no_memory(err, "the schedule");
  s->tasks = n;
  s->workers = workers;
  s->sizing = sizing;
  s->cost = calloc(n + 1, sizeof *s->cost);
  s->bin_of = calloc(n + 1, sizeof *s->bin_of);
  s->order = calloc(n + 1, sizeof *s->order);
  s->held = calloc(workers + 1, sizeof *s->held);
  uint32_t *spare = calloc(n + 1, sizeof *spare);
  int status = NSW_OK;
  if (!s->cost || !s->bin_of || !s->order || !s->held || !spare) {
    status = nsw_no_memory(err, "a schedule of %zu tasks", n);
  } else {
    for (size_t t = 0; t < n; t++) {
      bool to_do = cost[t] > 0; /* false for NaN too */
      s->cost[t] = to_do ? (float)cost[t] : 0;
      s->bin_of[t] = to_do ? (uint16_t)bin_number(cost[t]) : NO_BIN;
    }
    status = make_bins(s, kind, spare, err);
  }
  free(spare);
  if (status) nsw_schedule_free(&s);
  *schedule = s;
  return status;
}

void nsw_schedule_free(struct nsw_schedule **schedule) {
  struct nsw_schedule *s = *schedule;
  if (!s) return;
  free(s->cost);
  free(s->bin_of);
  free(s->order);
  free(s->bin);
  free(s->held);
  free(s);
  *schedule = NULL;
}

/* ---- what was measured corrects what was guessed ---- */

/* Seconds per guessed second in a bin: its own measurements, and as a start those of its whole kind. */
static double correction(const struct nsw_schedule *s, const struct bin *bin) {
  double whole = s->kind_cost[bin->kind] > 0 ? s->kind_seconds[bin->kind] / s->kind_cost[bin->kind] : 1;
  double weight = TRUST_AFTER * bin->mean_cost;
  return (bin->done_seconds + weight * whole) / (bin->done_cost + weight);
}

double nsw_schedule_left(const struct nsw_schedule *s) {
  double left = 0;
  for (size_t b = 0; b < s->bins; b++) left += s->bin[b].open_cost * correction(s, &s->bin[b]);
  return left > 0 ? left : 0;
}

static double undealt_seconds(const struct nsw_schedule *s) {
  double left = 0;
  for (size_t b = 0; b < s->bins; b++)
    if (s->bin[b].first < s->bin[b].end) left += s->bin[b].undealt_cost * correction(s, &s->bin[b]);
  return left > 0 ? left : 0;
}

void nsw_schedule_done(struct nsw_schedule *s, size_t worker, uint32_t task, double seconds) {
  if (task >= s->tasks || s->bin_of[task] == NO_BIN || worker >= s->workers || s->held[worker] == 0) return;
  struct bin *bin = &s->bin[s->bin_of[task]];
  s->held[worker]--;
  s->open--;
  bin->open_cost -= s->cost[task];
  if (!(seconds > 0)) seconds = 1e-9; /* the clock stood still */
  bin->done_cost += s->cost[task];
  bin->done_seconds += seconds;
  s->kind_cost[bin->kind] += s->cost[task];
  s->kind_seconds[bin->kind] += seconds;
}

/* ---- handing out ---- */

/* The bin whose next task is predicted to last longest; NULL where all is handed out. */
static struct bin *largest_bin(struct nsw_schedule *s, double *seconds_per_cost) {
  struct bin *best = NULL;
  double longest = -1;
  for (size_t b = 0; b < s->bins; b++) {
    struct bin *bin = &s->bin[b];
    if (bin->first == bin->end) continue;
    double per_cost = correction(s, bin);
    double seconds = s->cost[s->order[bin->first]] * per_cost;
    if (seconds > longest) {
      longest = seconds;
      best = bin;
      *seconds_per_cost = per_cost;
    }
  }
  return best;
}

static bool append(struct nsw_piece *piece, uint32_t task) {
  uint32_t last = piece->runs;
  if (last && piece->run[last - 1].first + piece->run[last - 1].count == task) {
    piece->run[last - 1].count++;
  } else {
    if (last == NSW_PIECE_RUNS) return false;
    piece->run[last].first = task;
    piece->run[last].count = 1;
    piece->runs++;
  }
  piece->tasks++;
  return true;
}

void nsw_schedule_next(struct nsw_schedule *s, size_t worker, struct nsw_piece *piece) {
  piece->runs = piece->tasks = 0;
  if (worker >= s->workers || s->undealt == 0 || s->held[worker] > 1) return;
  double workers = (double)s->workers;
  double least = fmax(s->sizing.shortest, 2 * workers * s->sizing.handling);
  double left = undealt_seconds(s);
  /* Near the end a worker that still has a task must not keep another one from an idle worker. */
  if (s->held[worker] && s->workers > 1 && (s->undealt <= s->workers || left < least * workers)) return;
  double target = fmin(fmax(left / workers * s->sizing.share, least), fmax(s->sizing.longest, least));
  double filled = 0;
  while (filled < target && s->undealt) {
    double per_cost = 0;
    struct bin *bin = largest_bin(s, &per_cost);
    while (bin && bin->first < bin->end && filled < target) {
      uint32_t task = s->order[bin->first];
      double seconds = s->cost[task] * per_cost;
      if (piece->tasks && filled + seconds > target) goto full;
      if (!append(piece, task)) goto full;
      bin->first++;
      bin->undealt_cost -= s->cost[task];
      s->undealt--;
      filled += seconds;
    }
    if (!bin) break;
  }
full:
  s->held[worker] += piece->tasks;
}

size_t nsw_schedule_held(const struct nsw_schedule *s, size_t worker) { return s->held[worker]; }
size_t nsw_schedule_undealt(const struct nsw_schedule *s) { return s->undealt; }
size_t nsw_schedule_open(const struct nsw_schedule *s) { return s->open; }
