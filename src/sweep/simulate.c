#include "sweep/simulate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum event_type { FINISHED, REPORT_ARRIVES, PIECE_ARRIVES };

struct event {
  double at;
  uint32_t worker;
  uint8_t type; /* enum event_type */
};

/* Results under way to rank 0: tasks done[first .. first + count - 1] of the worker. */
struct report {
  size_t first, count;
};

struct worker {
  uint32_t *queue; /* tasks in hand; [head] is being evaluated while busy */
  size_t head, tail, room;
  struct nsw_piece *coming; /* a piece under way to it, NULL where none */
  uint32_t *done;           /* tasks done and not yet counted by rank 0, in order; a report takes from the front */
  size_t done_head, done_tail, done_room;
  struct report report[4]; /* under way, oldest first: at most one for each state change a piece allows */
  size_t reports;
  double started; /* evaluation in hand */
  double last_report;
  double idle_since; /* where not busy */
  double waited;     /* idle before its last evaluation */
  double finished;   /* end of its last evaluation */
  double busy_seconds;
  double stolen; /* rank 0 only: serving time taken from the evaluation in hand */
  bool busy;
};

struct simulation {
  const struct nsw_machine *machine;
  const double *seconds; /* [tasks] true times */
  struct nsw_schedule *schedule;
  struct worker *worker;      /* [workers] */
  size_t workers, first_rank; /* worker w is rank w + first_rank */
  struct event *heap;
  size_t events, room;
  double server_free, server_busy, next_checkpoint, last_result;
  uint64_t messages;
  bool no_memory;
};

/* ---- the queue of events: a binary heap, earliest first ---- */

static bool earlier(struct event a, struct event b) {
  if (a.at != b.at) return a.at < b.at;
  return a.worker != b.worker ? a.worker < b.worker : a.type < b.type;
}

static void push(struct simulation *sim, double at, size_t worker, enum event_type type) {
  if (!NSW_RESERVE(sim->heap, sim->room, sim->events + 1)) {
    sim->no_memory = true;
    return;
  }
  size_t i = sim->events++;
  struct event e = {at, (uint32_t)worker, (uint8_t)type};
  for (; i && earlier(e, sim->heap[(i - 1) / 2]); i = (i - 1) / 2) sim->heap[i] = sim->heap[(i - 1) / 2];
  sim->heap[i] = e;
}

static struct event pop(struct simulation *sim) {
  struct event top = sim->heap[0], e = sim->heap[--sim->events];
  size_t i = 0;
  for (size_t child; (child = 2 * i + 1) < sim->events; i = child) {
    if (child + 1 < sim->events && earlier(sim->heap[child + 1], sim->heap[child])) child++;
    if (!earlier(sim->heap[child], e)) break;
    sim->heap[i] = sim->heap[child];
  }
  if (sim->events) sim->heap[i] = e;
  return top;
}

/* ---- workers ---- */

static bool append(uint32_t **list, size_t *head, size_t *tail, size_t *room, uint32_t task) {
  if (*tail == *room && *head > *room / 2) {
    if (*head) memmove(*list, *list + *head, (*tail - *head) * sizeof **list);
    *tail -= *head;
    *head = 0;
  }
  if (!NSW_RESERVE(*list, *room, *tail + 1)) return false;
  (*list)[(*tail)++] = task;
  return true;
}

/* Rank 0's own worker hands over within the process. */
static double latency(const struct simulation *sim, size_t w) {
  return w + sim->first_rank == 0 ? 0 : sim->machine->latency;
}

static void send_report(struct simulation *sim, size_t w, double now) {
  struct worker *worker = &sim->worker[w];
  size_t sent = 0;
  for (size_t i = 0; i < worker->reports; i++) sent += worker->report[i].count;
  if (worker->reports == sizeof worker->report / sizeof *worker->report) { /* a slow rank 0: joins the last one */
    worker->report[worker->reports - 1].count += worker->done_tail - worker->done_head - sent;
    return;
  }
  worker->report[worker->reports++] = (struct report){.count = worker->done_tail - worker->done_head - sent};
  worker->last_report = now;
  push(sim, now + latency(sim, w), w, REPORT_ARRIVES);
}

static void start_next(struct simulation *sim, size_t w, double now) {
  struct worker *worker = &sim->worker[w];
  size_t held = worker->tail - worker->head;
  if (nsw_schedule_reports(held, now - worker->last_report)) send_report(sim, w, now);
  if (!held) {
    worker->busy = false;
    worker->idle_since = now;
    return;
  }
  if (!worker->busy && worker->finished > 0) worker->waited += now - worker->idle_since;
  worker->busy = true;
  worker->started = now;
  worker->stolen = 0;
  push(sim, now + sim->seconds[worker->queue[worker->head]], w, FINISHED);
}

static void finish_task(struct simulation *sim, size_t w, double now) {
  struct worker *worker = &sim->worker[w];
  if (worker->stolen > 0) { /* rank 0 served meanwhile and ends that much later */
    push(sim, now + worker->stolen, w, FINISHED);
    worker->stolen = 0;
    return;
  }
  uint32_t task = worker->queue[worker->head++];
  worker->busy_seconds += sim->seconds[task];
  worker->finished = now;
  if (!append(&worker->done, &worker->done_head, &worker->done_tail, &worker->done_room, task)) sim->no_memory = true;
  start_next(sim, w, now);
}

static void take_piece(struct simulation *sim, size_t w, double now) {
  struct worker *worker = &sim->worker[w];
  struct nsw_piece *piece = worker->coming;
  worker->coming = NULL;
  for (uint32_t r = 0; r < piece->runs; r++)
    for (uint32_t i = 0; i < piece->run[r].count; i++)
      if (!append(&worker->queue, &worker->head, &worker->tail, &worker->room, piece->run[r].first + i))
        sim->no_memory = true;
  free(piece);
  if (!worker->busy) start_next(sim, w, now);
}

/* ---- rank 0 ---- */

static void hand_out(struct simulation *sim, size_t w, double now) {
  struct worker *worker = &sim->worker[w];
  if (worker->coming) return;
  struct nsw_piece piece;
  nsw_schedule_next(sim->schedule, w, &piece);
  if (!piece.runs) return;
  size_t size = offsetof(struct nsw_piece, run) + piece.runs * sizeof piece.run[0];
  worker->coming = malloc(size);
  if (!worker->coming) {
    sim->no_memory = true;
    return;
  }
  memcpy(worker->coming, &piece, size);
  push(sim, now + latency(sim, w), w, PIECE_ARRIVES);
}

static void serve(struct simulation *sim, size_t w, double now) {
  const struct nsw_machine *m = sim->machine;
  struct worker *worker = &sim->worker[w];
  struct report report = worker->report[0];
  memmove(worker->report, worker->report + 1, --worker->reports * sizeof *worker->report);
  while (m->checkpoint > 0 && now >= sim->next_checkpoint) {
    sim->server_free = fmax(sim->server_free, sim->next_checkpoint) + m->checkpoint_stall;
    sim->next_checkpoint += m->checkpoint;
  }
  double cost = m->handling + m->handling_task * (double)report.count;
  sim->server_free = fmax(sim->server_free, now) + cost;
  sim->server_busy += cost;
  sim->messages++;
  if (m->server_works) sim->worker[0].stolen += sim->worker[0].busy ? cost : 0;
  for (size_t i = 0; i < report.count; i++) {
    uint32_t task = worker->done[worker->done_head++];
    nsw_schedule_done(sim->schedule, w, task, sim->seconds[task]);
  }
  if (report.count) sim->last_result = sim->server_free;
  hand_out(sim, w, sim->server_free);
}

/* ---- the run ---- */

static void summarise(const struct simulation *sim, struct nsw_simulated *out) {
  *out = (struct nsw_simulated){.wall = sim->last_result, .messages = sim->messages};
  for (size_t w = 0; w < sim->workers; w++) {
    const struct worker *worker = &sim->worker[w];
    out->busy += worker->busy_seconds;
    out->end_idle = fmax(out->end_idle, out->wall - worker->finished);
    out->wait = fmax(out->wait, worker->waited);
  }
  if (out->wall > 0) {
    out->efficiency = out->busy / (out->wall * (double)sim->machine->ranks);
    out->server_load = sim->server_busy / out->wall;
  }
}

static void run(struct simulation *sim) {
  for (size_t w = 0; w < sim->workers; w++) send_report(sim, w, 0);
  while (sim->events && !sim->no_memory) {
    struct event e = pop(sim);
    if (e.type == FINISHED)
      finish_task(sim, e.worker, e.at);
    else if (e.type == REPORT_ARRIVES)
      serve(sim, e.worker, e.at);
    else
      take_piece(sim, e.worker, e.at);
  }
}

int nsw_simulate(size_t n, const double *cost, const double *seconds, const uint8_t *kind,
                 const struct nsw_machine *machine, struct nsw_simulated *out, struct nsw_error *err) {
  bool works = machine->server_works || machine->ranks == 1;
  struct simulation sim = {.machine = machine,
                           .seconds = seconds,
                           .first_rank = works ? 0 : 1,
                           .workers = machine->ranks - (works ? 0 : 1),
                           .next_checkpoint = machine->checkpoint};
  struct nsw_sizing sizing = machine->sizing;
  sizing.handling = machine->handling;
  sim.worker = calloc(sim.workers, sizeof *sim.worker);
  if (!sim.worker) return nsw_no_memory(err, "%zu simulated ranks", machine->ranks);
  int status = nsw_schedule_create(n, cost, kind, sim.workers, sizing, &sim.schedule, err);
  if (!status) {
    run(&sim);
    summarise(&sim, out);
    if (sim.no_memory) status = nsw_no_memory(err, "%zu simulated ranks", machine->ranks);
  }
  nsw_schedule_free(&sim.schedule);
  for (size_t w = 0; w < sim.workers; w++) {
    free(sim.worker[w].queue);
    free(sim.worker[w].done);
    free(sim.worker[w].coming);
  }
  free(sim.worker);
  free(sim.heap);
  return status;
}
