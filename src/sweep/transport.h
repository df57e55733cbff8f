/* Messages of a sweep: between ranks by MPI, between rank 0 and the evaluating thread beside it by mailboxes.
 *
 * Nobody blocks inside MPI, which would keep a core busy: a send is handed over and forgotten, a receive takes what is
 * there, and a wait sleeps. Only the main thread of a rank calls MPI. */
#ifndef NSW_SWEEP_TRANSPORT_H
#define NSW_SWEEP_TRANSPORT_H

#include <mpi.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "nasweep/error.h"

enum nsw_tag {
  NSW_TAG_NONE,    /* no message is there */
  NSW_TAG_REPORT,  /* worker to rank 0: struct nsw_report_head, records */
  NSW_TAG_PIECE,   /* rank 0 to worker: runs of tasks */
  NSW_TAG_FINISH,  /* rank 0 to worker: nothing more to do; what is not begun is dropped */
  NSW_TAG_FINAL,   /* worker to rank 0, its last one: struct nsw_timing */
  NSW_TAG_FAILURE, /* worker to rank 0: the text of an error that ends the run */
  NSW_TAG_EXIT     /* rank 0 to the others, its last one: int, the exit status of all */
};

struct nsw_message {
  int from; /* rank; for a mailbox whatever the sender said */
  int tag;  /* enum nsw_tag */
  size_t size;
  unsigned char *bytes; /* malloc'd, the receiver's */
};

/* A queue of messages between two threads. */
struct nsw_mailbox {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct nsw_message *list;
  size_t head, tail, room;
};

int nsw_mailbox_open(struct nsw_mailbox *box, struct nsw_error *err);
void nsw_mailbox_close(struct nsw_mailbox *box);
int nsw_mailbox_put(struct nsw_mailbox *box, struct nsw_message message, struct nsw_error *err);
/* The oldest message; tag NSW_TAG_NONE where there is none. */
struct nsw_message nsw_mailbox_take(struct nsw_mailbox *box);
/* Sleeps until a message is there, but at most so many seconds. */
void nsw_mailbox_wait(struct nsw_mailbox *box, double seconds);

/* One end of a connection, for code that does not care what is behind it. */
struct nsw_channel {
  void *self;
  /* Sends to the other end; takes over the bytes (malloc'd, or NULL for none), also where it fails. */
  int (*send)(void *self, enum nsw_tag tag, void *bytes, size_t size, struct nsw_error *err);
  /* Takes what is there; tag NSW_TAG_NONE where nothing is. */
  int (*receive)(void *self, struct nsw_message *message, struct nsw_error *err);
  /* Sleeps a little or until something may be there, at most so many seconds. */
  void (*wait)(void *self, double seconds);
};

/* The MPI end of a rank. */
struct nsw_outbox; /* sends under way */
struct nsw_transport {
  MPI_Comm comm;
  int rank, size;
  struct nsw_outbox *outbox;
};

/* Duplicates the communicator, with errors returned. Collective over it. */
int nsw_transport_open(struct nsw_transport *transport, MPI_Comm world, struct nsw_error *err);
/* Waits for its sends and frees; collective. */
void nsw_transport_close(struct nsw_transport *transport);
int nsw_transport_send(struct nsw_transport *transport, int to, enum nsw_tag tag, void *bytes, size_t size,
                       struct nsw_error *err);
int nsw_transport_receive(struct nsw_transport *transport, struct nsw_message *message, struct nsw_error *err);

/* A worker's end towards rank 0. */
struct nsw_channel nsw_transport_channel(struct nsw_transport *transport);

/* Whether every rank is well. Where not, every rank returns the gravest status (a failure outranks a wrong request,
 * which outranks a clean stop) with the message of the first rank that has it. Collective over the communicator. */
int nsw_transport_agree(MPI_Comm comm, int status, struct nsw_error *err);

/* Rank 0 tells the others what something has come to while they sleep, not spin. tell returns its status, await the
 * status told. */
int nsw_transport_tell(struct nsw_transport *transport, int status, struct nsw_error *err);
int nsw_transport_await(struct nsw_transport *transport, struct nsw_error *err);

/* Turns the return value of an MPI call into an error that names it and this rank. */
int nsw_mpi_check(int code, const char *call, struct nsw_error *err);

#endif
