#include "sweep/worker.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "sweep/evaluate.h"
#include "sweep/schedule.h"
#include "sweep/stop.h"

/* A report is sent before it grows beyond this, bytes. */
enum { REPORT_SIZE = 256 * 1024 };

/* Naps of an idle worker, seconds: short at first, so that nothing is lost when work comes soon. */
#define SHORTEST_NAP 5e-5
#define LONGEST_NAP 2e-3

struct worker {
  const struct nsw_channel *channel;
  struct nsw_evaluator evaluator;
  struct nsw_stretch *queue; /* [room], head..tail-1 not begun */
  size_t head, tail, room;
  size_t held;           /* tasks in the queue */
  double start;          /* of this worker */
  double reported;       /* time of the last report */
  double free_since;     /* end of the last evaluation; start before the first */
  double waited;         /* seconds, idle with work to come */
  bool asked;            /* reported that it holds nothing */
  bool said_stop;        /* reported the signal */
  bool broken;           /* an evaluation failed, or was stopped on the way: do nothing more */
  int heard;             /* status of listening in the middle of an evaluation ... */
  struct nsw_error *err; /* ... and its message */
  bool finished;         /* told to finish */
};

static int send_report(struct worker *w, struct nsw_error *err) {
  size_t size = 0, head = sizeof(struct nsw_report_head);
  unsigned char *records = nsw_evaluator_take(&w->evaluator, &size);
  unsigned char *bytes = malloc(head + size);
  if (!bytes) {
    free(records);
    return nsw_no_memory(err, "a report");
  }
  struct nsw_report_head start = {.stop = nsw_stop_signal() != 0};
  memcpy(bytes, &start, head);
  if (size) memcpy(bytes + head, records, size);
  free(records);
  w->said_stop = w->said_stop || start.stop;
  w->reported = nsw_now();
  return w->channel->send(w->channel->self, NSW_TAG_REPORT, bytes, head + size, err);
}

static int send_failure(struct worker *w, const struct nsw_error *what, struct nsw_error *err) {
  char *text = strdup(what->text);
  if (!text) return nsw_no_memory(err, "a report");
  w->broken = true;
  return w->channel->send(w->channel->self, NSW_TAG_FAILURE, text, strlen(text) + 1, err);
}

static int send_timing(struct worker *w, struct nsw_error *err) {
  struct nsw_timing *timing = malloc(sizeof *timing);
  if (!timing) return nsw_no_memory(err, "a report");
  double now = nsw_now();
  *timing = (struct nsw_timing){.span = now - w->start,
                                .busy = w->evaluator.busy,
                                .cpu = w->evaluator.cpu,
                                .waited = w->waited,
                                .idle = now - w->free_since,
                                .tasks = (double)w->evaluator.tasks};
  return w->channel->send(w->channel->self, NSW_TAG_FINAL, timing, sizeof *timing, err);
}

static int take_piece(struct worker *w, const struct nsw_message *message, struct nsw_error *err) {
  size_t runs = message->size / sizeof *w->queue;
  if (w->tail + runs > w->room) {
    if (w->head) memmove(w->queue, w->queue + w->head, (w->tail - w->head) * sizeof *w->queue);
    w->tail -= w->head;
    w->head = 0;
  }
  if (!NSW_RESERVE(w->queue, w->room, w->tail + runs)) return nsw_no_memory(err, "a piece of work");
  memcpy(w->queue + w->tail, message->bytes, runs * sizeof *w->queue);
  for (size_t i = 0; i < runs; i++) w->held += w->queue[w->tail + i].count;
  w->tail += runs;
  w->asked = false;
  return NSW_OK;
}

/* Reads all messages that are there. */
static int listen(struct worker *w, bool *heard, struct nsw_error *err) {
  struct nsw_message message;
  *heard = false;
  for (;;) {
    int status = w->channel->receive(w->channel->self, &message, err);
    if (status || message.tag == NSW_TAG_NONE) return status;
    *heard = true;
    if (message.tag == NSW_TAG_PIECE) status = take_piece(w, &message, err);
    w->finished = w->finished || message.tag == NSW_TAG_FINISH;
    free(message.bytes);
    if (status || w->finished) return status;
  }
}

/* Whether an evaluation that lasts is to stop: this rank has a signal, or was told to finish. */
static bool asked_to_pause(void *self) {
  struct worker *w = self;
  bool heard;
  if (!w->finished && !w->heard) w->heard = listen(w, &heard, w->err);
  return w->finished || w->heard || nsw_stop_signal();
}

static int evaluate_next(struct worker *w, struct nsw_error *err) {
  struct nsw_stretch *run = &w->queue[w->head];
  uint32_t task = run->first++;
  if (--run->count == 0) w->head++;
  struct nsw_error failure = {{0}};
  double now = nsw_now();
  if (w->evaluator.tasks) w->waited += now - w->free_since;
  int status = nsw_evaluate(&w->evaluator, task, &failure);
  w->held--;
  w->free_since = nsw_now();
  if (w->heard) return w->heard;
  w->broken = w->evaluator.interrupted;
  return status ? send_failure(w, &failure, err) : NSW_OK;
}

/* Whether it is time for a report. One that holds nothing says so once. */
static bool due(const struct worker *w) {
  if (nsw_stop_signal() && !w->said_stop) return true;
  if (w->broken) return false;
  if (w->held == 0) return !w->asked;
  return w->evaluator.size > REPORT_SIZE || nsw_schedule_reports(w->held, nsw_now() - w->reported);
}

static int work(struct worker *w, struct nsw_error *err) {
  double nap = SHORTEST_NAP;
  while (!w->finished) {
    bool heard;
    int status = listen(w, &heard, err);
    if (!status && !w->finished && due(w)) {
      w->asked = w->held == 0;
      status = send_report(w, err);
    }
    if (status) return status;
    if (w->finished) break;
    if (w->held && !w->broken) {
      status = evaluate_next(w, err);
      if (status) return status;
      nap = SHORTEST_NAP;
    } else if (!heard) {
      w->channel->wait(w->channel->self, nap);
      nap = 2 * nap < LONGEST_NAP ? 2 * nap : LONGEST_NAP;
    }
  }
  return NSW_OK;
}

int nsw_worker_run(const struct nsw_sweep_plan *plan, const struct nsw_channel *channel, struct nsw_error *err) {
  struct worker w = {.channel = channel, .err = err, .start = nsw_now()};
  w.reported = w.free_since = w.start;
  int status = nsw_evaluator_open(plan, &w.evaluator, err);
  if (plan->pause) plan->pause->self = &w, plan->pause->asked = asked_to_pause;
  if (!status) status = work(&w, err);
  if (plan->pause) plan->pause->asked = NULL;
  if (!status && w.evaluator.size) status = send_report(&w, err);
  if (!status) status = send_timing(&w, err);
  nsw_evaluator_close(&w.evaluator);
  free(w.queue);
  return status;
}
