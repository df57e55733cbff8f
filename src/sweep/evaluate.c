#include "sweep/evaluate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "sweep/watch.h"

enum { HEAD = sizeof(uint32_t) + sizeof(float) };

int nsw_evaluator_open(const struct nsw_sweep_plan *plan, struct nsw_evaluator *evaluator, struct nsw_error *err) {
  size_t values = 1, members = 1;
  for (size_t f = 0; f < plan->families; f++) {
    size_t largest = plan->family[f].largest, n = largest * plan->family[f].width;
    values = n > values ? n : values;
    members = largest > members ? largest : members;
  }
  *evaluator = (struct nsw_evaluator){.plan = plan};
  evaluator->values = malloc(values * sizeof *evaluator->values);
  evaluator->status = malloc(members);
  if (evaluator->values && evaluator->status) return NSW_OK;
  nsw_evaluator_close(evaluator);
  return nsw_no_memory(err, "results");
}

void nsw_evaluator_close(struct nsw_evaluator *evaluator) {
  free(evaluator->values);
  free(evaluator->status);
  free(evaluator->bytes);
  *evaluator = (struct nsw_evaluator){0};
}

static int append(struct nsw_evaluator *e, const struct nsw_task *task, uint32_t number, float seconds,
                  struct nsw_error *err) {
  size_t values = task->members * task->family->width * sizeof(double);
  size_t size = HEAD + values + task->members;
  if (!NSW_RESERVE(e->bytes, e->room, e->size + size)) return nsw_no_memory(err, "results");
  unsigned char *at = e->bytes + e->size;
  memcpy(at, &number, sizeof number);
  memcpy(at + sizeof number, &seconds, sizeof seconds);
  memcpy(at + HEAD, e->values, values);
  memcpy(at + HEAD + values, e->status, task->members);
  e->size += size;
  e->records++;
  return NSW_OK;
}

int nsw_evaluate(struct nsw_evaluator *e, uint32_t number, struct nsw_error *err) {
  struct nsw_task task = nsw_sweep_plan_task(e->plan, number);
  const struct nsw_family *family = task.family;
  memset(e->status, NSW_ROW_PENDING, task.members);
  nsw_watch_begin(family->proxy->name, task.seed, family->unit[task.group]);
  double start = nsw_now(), cpu = nsw_thread_seconds();
  int status = family->proxy->score(family->state, task.seed, task.member, task.members, e->values, e->status, err);
  double seconds = nsw_now() - start;
  nsw_watch_end();
  if (status)
    return nsw_error_prefix(err, status, "%s architecture %" PRIu32 ", proxy %s", e->plan->request->space,
                            task.member[0], family->proxy->name);
  e->interrupted = task.members && e->status[0] == NSW_ROW_INTERRUPTED && nsw_asked_to_pause(&e->plan->context);
  if (e->interrupted) return NSW_OK;
  for (uint32_t m = 0; m < task.members; m++)
    if (e->status[m] == NSW_ROW_PENDING || e->status[m] > NSW_ROW_FAILED)
      return nsw_fail(err, "%s architecture %" PRIu32 ": proxy %s left it without a status", e->plan->request->space,
                      task.member[m], family->proxy->name);
  e->busy += seconds;
  e->cpu += nsw_thread_seconds() - cpu;
  e->tasks++;
  return append(e, &task, number, (float)seconds, err);
}

unsigned char *nsw_evaluator_take(struct nsw_evaluator *e, size_t *size) {
  unsigned char *bytes = e->bytes;
  *size = e->size;
  e->bytes = NULL;
  e->size = e->room = 0;
  e->records = 0;
  return bytes;
}

size_t nsw_evaluation_read(const struct nsw_sweep_plan *plan, const unsigned char *bytes, size_t size,
                           struct nsw_evaluation *record) {
  if (size < HEAD) return 0;
  memcpy(&record->task, bytes, sizeof record->task);
  memcpy(&record->seconds, bytes + sizeof record->task, sizeof record->seconds);
  if (record->task >= plan->tasks) return 0;
  struct nsw_task task = nsw_sweep_plan_task(plan, record->task);
  size_t values = task.members * task.family->width * sizeof(double);
  if (size < HEAD + values + task.members) return 0;
  record->values = bytes + HEAD;
  record->status = record->values + values;
  return HEAD + values + task.members;
}
