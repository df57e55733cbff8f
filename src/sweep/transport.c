#include "sweep/transport.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/clock.h"

/* ---- mailboxes ---- */

int nsw_mailbox_open(struct nsw_mailbox *box, struct nsw_error *err) {
  *box = (struct nsw_mailbox){0};
  pthread_condattr_t clock;
  if (pthread_condattr_init(&clock)) return nsw_no_memory(err, "a mailbox");
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  bool bad = pthread_mutex_init(&box->lock, NULL) || pthread_cond_init(&box->changed, &clock);
  pthread_condattr_destroy(&clock);
  return bad ? nsw_no_memory(err, "a mailbox") : NSW_OK;
}

void nsw_mailbox_close(struct nsw_mailbox *box) {
  for (size_t i = box->head; i < box->tail; i++) free(box->list[i].bytes);
  free(box->list);
  pthread_cond_destroy(&box->changed);
  pthread_mutex_destroy(&box->lock);
}

int nsw_mailbox_put(struct nsw_mailbox *box, struct nsw_message message, struct nsw_error *err) {
  int status = NSW_OK;
  pthread_mutex_lock(&box->lock);
  if (box->tail == box->room) {
    if (box->head) memmove(box->list, box->list + box->head, (box->tail - box->head) * sizeof *box->list);
    box->tail -= box->head;
    box->head = 0;
  }
  if (NSW_RESERVE(box->list, box->room, box->tail + 1))
    box->list[box->tail++] = message;
  else
    status = nsw_no_memory(err, "a message");
  pthread_cond_signal(&box->changed);
  pthread_mutex_unlock(&box->lock);
  if (status) free(message.bytes);
  return status;
}

struct nsw_message nsw_mailbox_take(struct nsw_mailbox *box) {
  struct nsw_message message = {0};
  pthread_mutex_lock(&box->lock);
  if (box->head < box->tail) message = box->list[box->head++];
  pthread_mutex_unlock(&box->lock);
  return message;
}

void nsw_mailbox_wait(struct nsw_mailbox *box, double seconds) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  double nanoseconds = (double)until.tv_nsec + 1e9 * seconds;
  until.tv_sec += (time_t)(nanoseconds / 1e9);
  until.tv_nsec = (long)(nanoseconds - 1e9 * (double)(time_t)(nanoseconds / 1e9));
  pthread_mutex_lock(&box->lock);
  if (box->head == box->tail) pthread_cond_timedwait(&box->changed, &box->lock, &until);
  pthread_mutex_unlock(&box->lock);
}

/* ---- MPI ---- */

struct sending {
  MPI_Request request;
  void *bytes;
};

struct nsw_outbox {
  struct sending *list;
  size_t count, room;
};

int nsw_mpi_check(int code, const char *call, struct nsw_error *err) {
  if (code == MPI_SUCCESS) return NSW_OK;
  char text[MPI_MAX_ERROR_STRING] = "", host[MPI_MAX_PROCESSOR_NAME] = "?";
  int length, rank = -1;
  MPI_Error_string(code, text, &length);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Get_processor_name(host, &length);
  return nsw_fail(err, "rank %d on %s: %s: %s", rank, host, call, text);
}

int nsw_transport_open(struct nsw_transport *t, MPI_Comm world, struct nsw_error *err) {
  *t = (struct nsw_transport){.comm = MPI_COMM_NULL, .outbox = calloc(1, sizeof *t->outbox)};
  if (!t->outbox) return nsw_no_memory(err, "messages");
  int status = nsw_mpi_check(MPI_Comm_dup(world, &t->comm), "MPI_Comm_dup", err);
  if (!status) status = nsw_mpi_check(MPI_Comm_set_errhandler(t->comm, MPI_ERRORS_RETURN), "errhandler", err);
  if (!status) status = nsw_mpi_check(MPI_Comm_rank(t->comm, &t->rank), "MPI_Comm_rank", err);
  if (!status) status = nsw_mpi_check(MPI_Comm_size(t->comm, &t->size), "MPI_Comm_size", err);
  return status;
}

/* Frees what has left. */
static int reap(struct nsw_outbox *box, struct nsw_error *err) {
  for (size_t i = 0; i < box->count;) {
    int gone = 0;
    int status = nsw_mpi_check(MPI_Test(&box->list[i].request, &gone, MPI_STATUS_IGNORE), "MPI_Test", err);
    if (status) return status;
    if (gone) {
      free(box->list[i].bytes);
      box->list[i] = box->list[--box->count];
    } else {
      i++;
    }
  }
  return NSW_OK;
}

void nsw_transport_close(struct nsw_transport *t) {
  if (!t->outbox) return;
  while (t->outbox->count && reap(t->outbox, NULL) == NSW_OK && t->outbox->count) nsw_sleep(1e-4);
  free(t->outbox->list);
  free(t->outbox);
  t->outbox = NULL;
  if (t->comm != MPI_COMM_NULL) MPI_Comm_free(&t->comm);
}

int nsw_transport_send(struct nsw_transport *t, int to, enum nsw_tag tag, void *bytes, size_t size,
                       struct nsw_error *err) {
  struct nsw_outbox *box = t->outbox;
  int status = size > INT_MAX ? nsw_fail(err, "a message of %zu bytes is too long", size) : reap(box, err);
  if (!status && !NSW_RESERVE(box->list, box->room, box->count + 1)) status = nsw_no_memory(err, "a message");
  if (status) {
    free(bytes);
    return status;
  }
  struct sending *sending = &box->list[box->count++];
  sending->bytes = bytes;
  return nsw_mpi_check(MPI_Isend(bytes, (int)size, MPI_BYTE, to, tag, t->comm, &sending->request), "MPI_Isend", err);
}

int nsw_transport_receive(struct nsw_transport *t, struct nsw_message *message, struct nsw_error *err) {
  *message = (struct nsw_message){0};
  if (t->size == 1) return NSW_OK;
  int there = 0, size = 0;
  MPI_Status from;
  int status = nsw_mpi_check(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, t->comm, &there, &from), "MPI_Iprobe", err);
  if (status || !there) return status ? status : reap(t->outbox, err);
  status = nsw_mpi_check(MPI_Get_count(&from, MPI_BYTE, &size), "MPI_Get_count", err);
  if (status) return status;
  unsigned char *bytes = malloc((size_t)size + 1);
  if (!bytes) return nsw_no_memory(err, "a message of %d bytes", size);
  int code = MPI_Recv(bytes, size, MPI_BYTE, from.MPI_SOURCE, from.MPI_TAG, t->comm, MPI_STATUS_IGNORE);
  status = nsw_mpi_check(code, "MPI_Recv", err);
  if (status) {
    free(bytes);
    return status;
  }
  *message = (struct nsw_message){from.MPI_SOURCE, from.MPI_TAG, (size_t)size, bytes};
  return NSW_OK;
}

static int channel_send(void *self, enum nsw_tag tag, void *bytes, size_t size, struct nsw_error *err) {
  return nsw_transport_send(self, 0, tag, bytes, size, err);
}
static int channel_receive(void *self, struct nsw_message *message, struct nsw_error *err) {
  return nsw_transport_receive(self, message, err);
}
static void channel_wait(void *self, double seconds) {
  (void)self;
  nsw_sleep(seconds);
}

struct nsw_channel nsw_transport_channel(struct nsw_transport *t) {
  return (struct nsw_channel){t, channel_send, channel_receive, channel_wait};
}

static int gravity_of(int status) {
  if (!status) return 0;
  return nsw_is_stopped(status) ? 1 : status == NSW_USAGE ? 2 : 3;
}

int nsw_transport_agree(MPI_Comm comm, int status, struct nsw_error *err) {
  struct {
    int gravity, rank;
  } mine = {.gravity = gravity_of(status)}, worst;
  int size;
  MPI_Comm_rank(comm, &mine.rank);
  MPI_Comm_size(comm, &size);
  if (size == 1) return status;
  int failed = nsw_mpi_check(MPI_Allreduce(&mine, &worst, 1, MPI_2INT, MPI_MAXLOC, comm), "MPI_Allreduce", err);
  if (failed || worst.gravity == 0) return failed;
  failed = nsw_mpi_check(MPI_Bcast(&status, 1, MPI_INT, worst.rank, comm), "MPI_Bcast", err);
  if (!failed)
    failed = nsw_mpi_check(MPI_Bcast(err->text, sizeof err->text, MPI_CHAR, worst.rank, comm), "MPI_Bcast", err);
  return failed ? failed : status;
}

int nsw_transport_tell(struct nsw_transport *t, int status, struct nsw_error *err) {
  for (int r = 1; r < t->size; r++) {
    int *word = malloc(sizeof *word);
    if (!word) return nsw_no_memory(err, "a message");
    *word = status;
    int failed = nsw_transport_send(t, r, NSW_TAG_EXIT, word, sizeof *word, err);
    if (failed) return failed;
  }
  return status;
}

int nsw_transport_await(struct nsw_transport *t, struct nsw_error *err) {
  for (double nap = 1e-4;; nap = nap < 2e-3 ? 2 * nap : nap) {
    struct nsw_message message;
    int told = NSW_FAILED, status = nsw_transport_receive(t, &message, err);
    if (status) return status;
    if (message.tag == NSW_TAG_EXIT && message.size == sizeof told) {
      memcpy(&told, message.bytes, sizeof told);
      free(message.bytes);
      return told;
    }
    free(message.bytes);
    nsw_sleep(nap);
  }
}
