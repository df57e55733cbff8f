#include "guest/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum {
  MOST_WORDS = 1024,
  MOST_BYTES = 96 * 1024, /* of a request: below what a socket takes at once */
  MOST_CHILDREN = 256
};

/* What is asked of the keeper: a command to be started, or one to be ended. */
struct request {
  pid_t end;    /* 0: start */
  double grace; /* seconds */
  int words, variables;
};

/* What comes back, with three descriptors where something was started. */
struct reply {
  pid_t id;
  int status; /* of waitpid, where something was ended */
  int error;  /* errno, where nothing was started */
};

/* One keeper a process: it can be made before MPI starts only, and is wanted long after. */
static int keeper_end = -1; /* our end of the socket */
static pid_t keeper_id;

/* ---- in the keeper ---- */

/* A command is no rank: a program of MPI's that it runs must not join in. */
static void leave_launcher(void) {
  static const char *const prefixes[] = {"OMPI_COMM_WORLD_", "PMIX_",         "PMI_",
                                         "MV2_COMM_WORLD_",  "SLURM_PROCID=", "SLURM_STEP_ID="};
  extern char **environ;
  char **to = environ;
  for (char **from = environ; *from; from++) {
    bool theirs = false;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
      theirs = theirs || !strncmp(*from, prefixes[i], strlen(prefixes[i]));
    if (!theirs) *to++ = *from;
  }
  *to = NULL;
}

/* In the new process: becomes the command. */
static void become(char **word, char **variable, int variables, const int ends[3]) {
  sigset_t none;
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* where the keeper itself is killed */
  for (int s = 1; s < NSIG; s++) signal(s, SIG_DFL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (int i = 0; i < 3; i++) dup2(ends[i], i);
  leave_launcher();
  for (int i = 0; i < variables; i++) putenv(variable[i]);
  execvp(word[0], word);
  dprintf(STDERR_FILENO, "%s: %s\n", word[0], strerror(errno));
  _exit(127);
}

/* Ends of the three streams: ours[3] and theirs[3]. The command's input is a socket, so that writing to one that is
 * gone is an error and no signal. */
static bool make_ends(int ours[3], int theirs[3]) {
  int pair[2];
  for (int i = 0; i < 3; i++) ours[i] = theirs[i] = -1;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return false;
  ours[0] = pair[0];
  theirs[0] = pair[1];
  for (int i = 1; i < 3; i++) {
    if (pipe2(pair, O_CLOEXEC)) return false;
    ours[i] = pair[0];
    theirs[i] = pair[1];
  }
  for (int i = 0; i < 3; i++) fcntl(ours[i], F_SETFL, O_NONBLOCK);
  return true;
}

/* Sends a reply with descriptors, or without where there are none. */
static void answer(int socket, const struct reply *reply, const int *ends) {
  struct iovec part = {(void *)reply, sizeof *reply};
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE(3 * sizeof(int))];
  } control;
  memset(&control, 0, sizeof control);
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (ends) {
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    control.head =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(3 * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.head), ends, 3 * sizeof *ends);
  }
  while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0 && errno == EINTR) continue;
}

/* Takes the texts of a request apart. False where they are not whole. */
static bool take_texts(char *bytes, size_t size, char **text, int count) {
  for (int i = 0; i < count; i++) {
    size_t length = strnlen(bytes, size);
    if (length == size) return false;
    text[i] = bytes;
    bytes += length + 1;
    size -= length + 1;
  }
  return true;
}

static void start(int socket, const struct request *request, char *bytes, size_t size, pid_t *children) {
  char *text[MOST_WORDS + 1];
  int ours[3], theirs[3], count = request->words + request->variables, slot = 0;
  struct reply reply = {.error = EINVAL};
  while (slot < MOST_CHILDREN && children[slot]) slot++;
  bool made = request->words > 0 && request->variables >= 0 && count < MOST_WORDS && slot < MOST_CHILDREN &&
              take_texts(bytes, size, text, count);
  if (made) {
    made = make_ends(ours, theirs);
    reply.error = errno;
    if (made) {
      reply.id = fork();
      reply.error = errno;
      if (reply.id == 0) {
        char *word[MOST_WORDS + 1] = {0};
        memcpy(word, text, (size_t)request->words * sizeof *word);
        become(word, text + request->words, request->variables, theirs);
      }
      made = reply.id > 0;
    }
    if (made) {
      setpgid(reply.id, reply.id); /* in both, so that it holds whichever comes first */
      children[slot] = reply.id;
    }
    answer(socket, &reply, made ? ours : NULL);
    for (int i = 0; i < 3; i++) {
      if (ours[i] >= 0) close(ours[i]);
      if (theirs[i] >= 0) close(theirs[i]);
    }
    return;
  }
  answer(socket, &reply, NULL);
}

/* Waits for a child's end so long, then kills what is left of its group. Returns its status. */
static int finish(pid_t id, double grace) {
  int status = 0;
  double end = nsw_now() + grace;
  struct timespec nap = {.tv_nsec = 200000};
  pid_t done;
  while ((done = waitpid(id, &status, WNOHANG)) == 0 && nsw_now() < end) {
    nanosleep(&nap, NULL);
    if (nap.tv_nsec < 10000000) nap.tv_nsec *= 2;
  }
  kill(-id, SIGKILL);
  if (done == 0)
    while (waitpid(id, &status, 0) < 0 && errno == EINTR) continue;
  return status;
}

static void end(int socket, const struct request *request, pid_t *children) {
  struct reply reply = {.error = ESRCH};
  for (int i = 0; i < MOST_CHILDREN; i++) {
    if (children[i] != request->end) continue;
    children[i] = 0;
    reply = (struct reply){.id = request->end, .status = finish(request->end, request->grace)};
    break;
  }
  answer(socket, &reply, NULL);
}

static void keep(int socket) {
  static char bytes[MOST_BYTES];
  pid_t children[MOST_CHILDREN] = {0};
  static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
  int nothing = open("/dev/null", O_RDWR);
  for (int i = 0; i < 3; i++) dup2(nothing, i);
  for (int i = 3; i < 1024; i++)
    if (i != socket) close(i); /* above all the end of the witness's pipe */
  for (;;) {
    ssize_t size = recv(socket, bytes, sizeof bytes, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < (ssize_t)sizeof(struct request)) break;
    struct request request;
    memcpy(&request, bytes, sizeof request);
    if (request.end)
      end(socket, &request, children);
    else
      start(socket, &request, bytes + sizeof request, (size_t)size - sizeof request, children);
  }
  for (int i = 0; i < MOST_CHILDREN; i++)
    if (children[i]) finish(children[i], 0);
  _exit(0);
}

/* ---- in the rank ---- */

void nsw_keeper_start(void) {
  int ends[2];
  if (keeper_end >= 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) return;
  pid_t child = fork();
  if (child == 0) {
    close(ends[1]);
    keep(ends[0]);
  }
  close(ends[0]);
  if (child < 0) {
    close(ends[1]);
    return;
  }
  keeper_end = ends[1];
  keeper_id = child;
}

void nsw_keeper_stop(void) {
  if (keeper_end < 0) return;
  close(keeper_end);
  keeper_end = -1;
  while (waitpid(keeper_id, NULL, 0) < 0 && errno == EINTR) continue;
}

/* One request, one reply. ends[3]: what came with it, -1 each where nothing did. */
static int ask(const void *bytes, size_t size, struct reply *reply, int ends[3], struct nsw_error *err) {
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE(3 * sizeof(int))];
  } control;
  struct iovec part = {reply, sizeof *reply};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t n;
  for (int i = 0; i < 3; i++) ends[i] = -1;
  if (keeper_end < 0) return nsw_fail(err, "no process could be made that starts commands");
  while ((n = send(keeper_end, bytes, size, MSG_NOSIGNAL)) < 0 && errno == EINTR) continue;
  if (n < 0) return nsw_fail(err, "the process that starts commands is gone: %s", strerror(errno));
  while ((n = recvmsg(keeper_end, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) continue;
  if (n != sizeof *reply) return nsw_fail(err, "the process that starts commands is gone");
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  if (head && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(3 * sizeof(int)))
    memcpy(ends, CMSG_DATA(head), 3 * sizeof *ends);
  return NSW_OK;
}

/* Appends texts, each with its terminator. */
static bool put_texts(char *bytes, size_t *size, const char *const *text, int *count) {
  for (*count = 0; text && text[*count]; ++*count) {
    size_t length = strlen(text[*count]) + 1;
    if (length > MOST_BYTES - *size) return false;
    memcpy(bytes + *size, text[*count], length);
    *size += length;
  }
  return true;
}

int nsw_keeper_spawn(const char *const *word, const char *const *environment, struct nsw_child *child,
                     struct nsw_error *err) {
  struct request request = {0};
  struct reply reply;
  int ends[3];
  size_t size = sizeof request;
  char *bytes = malloc(MOST_BYTES);
  if (!bytes) return nsw_no_memory(err, "a command");
  bool fits = put_texts(bytes, &size, word, &request.words) && put_texts(bytes, &size, environment, &request.variables);
  memcpy(bytes, &request, sizeof request);
  int status = fits && request.words + request.variables < MOST_WORDS
                   ? ask(bytes, size, &reply, ends, err)
                   : nsw_fail(err, "%.200s: more than %d bytes of words", word[0], MOST_BYTES);
  free(bytes);
  if (status) return status;
  if (ends[0] < 0) return nsw_fail(err, "%.200s could not be started: %s", word[0], strerror(reply.error));
  *child = (struct nsw_child){.id = reply.id, .input = ends[0], .output = ends[1], .error = ends[2]};
  return NSW_OK;
}

void nsw_keeper_end(struct nsw_child *child, double grace, char *text, size_t size) {
  struct request request = {.end = child->id, .grace = grace};
  struct reply reply;
  int ends[3];
  struct nsw_error err;
  if (size) text[0] = '\0';
  if (!child->id) return;
  close(child->input);
  close(child->output);
  close(child->error);
  *child = (struct nsw_child){0};
  if (ask(&request, sizeof request, &reply, ends, &err) || !size) return;
  if (WIFSIGNALED(reply.status))
    snprintf(text, size, "signal %d (%s)", WTERMSIG(reply.status), strsignal(WTERMSIG(reply.status)));
  else
    snprintf(text, size, "exit status %d", WEXITSTATUS(reply.status));
}
