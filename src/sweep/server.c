#include "sweep/server.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "sweep/checkpoint.h"
#include "sweep/progress.h"
#include "sweep/schedule.h"
#include "sweep/stop.h"

/* With so many ranks and more, rank 0 has enough to do: `nasweep simulate` shows where. */
enum { SERVES_FROM = 256 };

/* Naps of rank 0, seconds. */
#define SHORTEST_NAP 5e-5
#define LONGEST_NAP 1e-3
#define LONELY_NAP 5e-2 /* no other rank: only its own thread can wake it, and does */

/* The evaluating thread beside rank 0. */
struct beside {
  const struct nsw_sweep_plan *plan;
  struct nsw_mailbox in, out; /* to the thread, and from it */
  pthread_t thread;
  int status;
  struct nsw_error err;
};

struct server {
  const struct nsw_sweep_plan *plan;
  const struct nsw_request *request;
  struct nsw_results *results;
  struct nsw_transport *transport;
  struct nsw_schedule *schedule;
  struct nsw_served *served;
  struct nsw_checkpoint checkpoint;
  struct nsw_progress progress;
  struct beside beside;
  bool works; /* rank 0 evaluates */
  size_t workers;
  size_t finals;  /* workers that said their last word */
  bool dismissed; /* all were told to finish */
  int status;     /* what the run comes to */
  struct nsw_error *err;
  double start, saved;  /* begin of the run; of the last checkpoint */
  double halt_looked;   /* when the halt file was last looked for */
  uint32_t count_saved; /* results the last checkpoint had */
};

bool nsw_server_works(const struct nsw_request *request, int ranks) {
  if (ranks == 1) return true;
  return request->server == NSW_SERVER_AUTO ? ranks < SERVES_FROM : request->server == NSW_SERVER_WORKS;
}

/* Workers are numbered from 0: rank 0 where it works, then the other ranks. */
static size_t worker_of(const struct server *s, int rank) { return (size_t)(s->works ? rank : rank - 1); }
static int rank_of(const struct server *s, size_t worker) { return (int)worker + (s->works ? 0 : 1); }

/* ---- the thread beside ---- */

static int beside_send(void *self, enum nsw_tag tag, void *bytes, size_t size, struct nsw_error *err) {
  struct beside *b = self;
  return nsw_mailbox_put(&b->out, (struct nsw_message){0, tag, size, bytes}, err);
}
static int beside_receive(void *self, struct nsw_message *message, struct nsw_error *err) {
  struct beside *b = self;
  (void)err;
  *message = nsw_mailbox_take(&b->in);
  return NSW_OK;
}
static void beside_wait(void *self, double seconds) {
  struct beside *b = self;
  (void)seconds;
  nsw_mailbox_wait(&b->in, 0.1);
}

static void *work_beside(void *argument) {
  struct beside *b = argument;
  struct nsw_channel channel = {b, beside_send, beside_receive, beside_wait};
  b->status = nsw_worker_run(b->plan, &channel, &b->err);
  if (b->status) beside_send(b, NSW_TAG_FAILURE, strdup(b->err.text), strlen(b->err.text) + 1, NULL);
  return NULL;
}

static int open_beside(struct server *s) {
  struct beside *b = &s->beside;
  b->plan = s->plan;
  int status = nsw_mailbox_open(&b->in, s->err);
  if (!status) status = nsw_mailbox_open(&b->out, s->err);
  if (status || !s->works) return status;
  pthread_attr_t attr; /* room for proxies that keep whole rows of an image on the stack */
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, 16 << 20);
  int code = pthread_create(&b->thread, &attr, work_beside, b);
  pthread_attr_destroy(&attr);
  if (code) return nsw_fail(s->err, "no thread to work beside rank 0: %s", strerror(code));
  return NSW_OK;
}

static int send(struct server *s, size_t worker, enum nsw_tag tag, void *bytes, size_t size) {
  int rank = rank_of(s, worker);
  if (rank == 0) return nsw_mailbox_put(&s->beside.in, (struct nsw_message){0, tag, size, bytes}, s->err);
  return nsw_transport_send(s->transport, rank, tag, bytes, size, s->err);
}

/* ---- ending ---- */

/* Tells all to finish; the first reason counts. */
static int dismiss(struct server *s, int status) {
  if (s->dismissed) return NSW_OK;
  s->dismissed = true;
  s->status = status;
  for (size_t w = 0; w < s->workers; w++) {
    int failed = send(s, w, NSW_TAG_FINISH, NULL, 0);
    if (failed) return failed;
  }
  return NSW_OK;
}

static int stop(struct server *s, int status, const char *why) {
  if (!s->dismissed) s->served->stopped = why;
  return dismiss(s, status);
}

/* ---- messages ---- */

static int hand_out(struct server *s, size_t worker) {
  struct nsw_piece piece;
  if (s->dismissed) return NSW_OK;
  nsw_schedule_next(s->schedule, worker, &piece);
  if (!piece.runs) return NSW_OK;
  size_t size = piece.runs * sizeof piece.run[0];
  void *bytes = malloc(size);
  if (!bytes) return nsw_no_memory(s->err, "a piece of work");
  memcpy(bytes, piece.run, size);
  return send(s, worker, NSW_TAG_PIECE, bytes, size);
}

static int take_report(struct server *s, size_t worker, const struct nsw_message *message) {
  struct nsw_report_head head;
  if (message->size < sizeof head) return nsw_fail(s->err, "rank %d sent half a report", message->from);
  memcpy(&head, message->bytes, sizeof head);
  for (size_t at = sizeof head; at < message->size;) {
    struct nsw_evaluation record;
    size_t size = nsw_evaluation_read(s->plan, message->bytes + at, message->size - at, &record);
    if (!size) return nsw_fail(s->err, "rank %d sent a record that is none", message->from);
    nsw_results_put(s->results, &record);
    nsw_schedule_done(s->schedule, worker, record.task, record.seconds);
    s->served->evaluations++;
    at += size;
  }
  const char *why = nsw_stop_reason(0, 0); /* where this rank has the signal too, its name */
  if (head.stop) return stop(s, NSW_STOPPED, why ? why : "a signal");
  return nsw_schedule_open(s->schedule) ? hand_out(s, worker) : dismiss(s, NSW_OK);
}

static int take_final(struct server *s, const struct nsw_message *message) {
  if (message->size != sizeof *s->served->timing)
    return nsw_fail(s->err, "rank %d sent half a last word", message->from);
  memcpy(&s->served->timing[message->from], message->bytes, sizeof *s->served->timing);
  s->finals++;
  return NSW_OK;
}

/* The first failure is told, also of a rank that was asked to stop and could not keep what it had. */
static int take_failure(struct server *s, const struct nsw_message *message) {
  if (!s->dismissed || nsw_is_stopped(s->status)) {
    nsw_fail(s->err, "%.*s", (int)message->size, (const char *)message->bytes);
    s->status = NSW_FAILED;
  }
  return dismiss(s, NSW_FAILED);
}

static int take(struct server *s, const struct nsw_message *message) {
  double start = nsw_now();
  int status = NSW_OK;
  if (message->tag == NSW_TAG_REPORT) {
    status = take_report(s, worker_of(s, message->from), message);
  } else if (message->tag == NSW_TAG_FINAL) {
    status = take_final(s, message);
  } else if (message->tag == NSW_TAG_FAILURE) {
    status = take_failure(s, message);
  }
  s->served->messages++;
  s->served->server_busy += nsw_now() - start;
  return status;
}

/* Takes in what is there, from the other ranks and from beside. */
static int take_all(struct server *s, bool *any) {
  *any = false;
  for (int i = 0; i < 1024; i++) {
    struct nsw_message message = nsw_mailbox_take(&s->beside.out);
    int status = NSW_OK;
    if (message.tag == NSW_TAG_NONE) status = nsw_transport_receive(s->transport, &message, s->err);
    if (status || message.tag == NSW_TAG_NONE) return status;
    *any = true;
    status = take(s, &message);
    free(message.bytes);
    if (status) return status;
  }
  return NSW_OK;
}

/* ---- between messages ---- */

static int keep_file(struct server *s, double now) {
  int status;
  struct nsw_error err;
  double every = s->request->checkpoint;
  if (!nsw_checkpoint_ended(&s->checkpoint, false, &status, &err)) return NSW_OK;
  if (status) {
    if (!s->dismissed) *s->err = err;
    return dismiss(s, status);
  }
  if (s->dismissed || every <= 0 || now - s->saved < every || nsw_results_count(s->results) == s->count_saved)
    return NSW_OK;
  s->saved = now;
  s->count_saved = nsw_results_count(s->results);
  status = nsw_checkpoint_begin(&s->checkpoint, s->results, s->request->out, s->err);
  s->served->stall = fmax(s->served->stall, nsw_now() - now);
  return status ? dismiss(s, status) : NSW_OK;
}

/* A halt file is looked for twice a second. */
static bool halted(struct server *s, double now) {
  if (!s->request->halt_file || now - s->halt_looked < 0.5) return false;
  s->halt_looked = now;
  return access(s->request->halt_file, F_OK) == 0;
}

static int look_around(struct server *s) {
  double now = nsw_now();
  int status = NSW_OK;
  const char *why = nsw_stop_reason(now - s->start, s->request->time_limit);
  bool halt = !why && halted(s, now);
  if (halt) why = "the halt file";
  if (why && !s->dismissed) {
    /* Who is asked to stop may be killed soon after: what is there now goes to the file at once. */
    if (s->request->checkpoint > 0) s->saved = -INFINITY;
    status = keep_file(s, now);
    if (!status) status = stop(s, halt ? NSW_HALTED : NSW_STOPPED, why);
  }
  if (!status) status = keep_file(s, now);
  if (!status && !s->dismissed)
    nsw_progress_show(&s->progress, now, nsw_results_count(s->results), nsw_schedule_left(s->schedule), s->workers);
  return status;
}

static int serve(struct server *s) {
  double nap = SHORTEST_NAP, longest = s->transport->size == 1 ? LONELY_NAP : LONGEST_NAP;
  if (!nsw_schedule_open(s->schedule)) dismiss(s, NSW_OK);
  while (s->finals < s->workers) {
    bool any;
    int status = take_all(s, &any);
    if (!status) status = look_around(s);
    if (status) return status;
    if (any) {
      nap = SHORTEST_NAP;
    } else {
      nsw_mailbox_wait(&s->beside.out, nap);
      nap = fmin(2 * nap, longest);
    }
  }
  return s->status;
}

/* ---- the run ---- */

static int make_schedule(struct server *s) {
  double *cost = NULL;
  uint8_t *kind = NULL;
  int status = nsw_sweep_plan_costs(s->plan, &cost, &kind, s->err);
  if (!status) {
    for (uint32_t t = 0; t < s->plan->tasks; t++)
      if (nsw_results_done(s->results, t)) cost[t] = 0;
    status = nsw_schedule_create(s->plan->tasks, cost, kind, s->workers, nsw_sizing_default(), &s->schedule, s->err);
  }
  free(cost);
  free(kind);
  return status;
}

int nsw_server_run(const struct nsw_sweep_plan *plan, struct nsw_results *results, struct nsw_transport *transport,
                   struct nsw_served *served, struct nsw_error *err) {
  struct server s = {.plan = plan,
                     .request = plan->request,
                     .results = results,
                     .transport = transport,
                     .served = served,
                     .err = err,
                     .works = nsw_server_works(plan->request, transport->size),
                     .start = nsw_now()};
  s.workers = (size_t)transport->size - (s.works ? 0 : 1);
  s.saved = s.start;
  *served = (struct nsw_served){.timing = calloc((size_t)transport->size, sizeof *served->timing)};
  if (!served->timing) return nsw_no_memory(err, "%d ranks", transport->size);
  int status = make_schedule(&s);
  s.count_saved = nsw_results_count(results);
  nsw_progress_start(&s.progress, s.start, plan->request->progress, s.count_saved, plan->tasks);
  if (!status) status = open_beside(&s);
  if (status) { /* the others wait for work already */
    served->broken = true;
    nsw_schedule_free(&s.schedule);
    return status;
  }
  status = serve(&s);
  served->wall = nsw_now() - s.start;
  served->broken = s.finals < s.workers;
  if (nsw_is_stopped(status) && nsw_results_count(results) == plan->tasks)
    status = NSW_OK; /* the last ones came in meanwhile */
  if (s.works && !served->broken) pthread_join(s.beside.thread, NULL);
  struct nsw_error ignored;
  int written;
  nsw_checkpoint_ended(&s.checkpoint, true, &written, status ? &ignored : err);
  if (!status && written) status = written;
  nsw_checkpoint_close(&s.checkpoint);
  served->checkpoints = s.checkpoint.writes;
  served->checkpoint_seconds = s.checkpoint.total;
  nsw_progress_end(&s.progress);
  nsw_mailbox_close(&s.beside.in);
  nsw_mailbox_close(&s.beside.out);
  nsw_schedule_free(&s.schedule);
  return status;
}
