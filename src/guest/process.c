#include "guest/process.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

int nsw_process_start(struct nsw_process *p, const char *title, const char *const *word, const char *const *environment,
                      struct nsw_error *err) {
  *p = (struct nsw_process){.title = title};
  return nsw_keeper_spawn(word, environment, &p->child, err);
}

/* ---- its standard error ---- */

static void end_said(struct nsw_process *p) {
  if (!p->said_bytes) return;
  p->said[p->said_bytes] = '\0';
  memcpy(p->last, p->said, p->said_bytes + 1);
  p->said_bytes = 0;
  if (p->said_lines++ < NSW_SAID_LINES) fprintf(stderr, "nasweep: %s says: %s\n", p->title, p->last);
  if (p->said_lines == NSW_SAID_LINES) fprintf(stderr, "nasweep: %s says more than is passed on\n", p->title);
}

/* Reads what is there. False where it was closed. */
static bool hear_said(struct nsw_process *p) {
  char bytes[4096];
  ssize_t n = read(p->child.error, bytes, sizeof bytes);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  for (ssize_t i = 0; i < n; i++) {
    if (bytes[i] == '\n')
      end_said(p);
    else if (p->said_bytes < NSW_SAID_BYTES)
      p->said[p->said_bytes++] = (unsigned char)bytes[i] < ' ' ? ' ' : bytes[i];
  }
  return n > 0;
}

/* ---- its standard output ---- */

/* The next line where it is there. */
static char *take_line(struct nsw_process *p) {
  char *newline = p->seen < p->used ? memchr(p->bytes + p->seen, '\n', p->used - p->seen) : NULL;
  p->seen = p->used;
  if (!newline) return NULL;
  char *line = p->bytes + p->first;
  *newline = '\0';
  p->first = p->seen = (size_t)(newline - p->bytes) + 1;
  return line;
}

static enum nsw_heard hear_output(struct nsw_process *p) {
  if (p->first && p->used == p->room) {
    memmove(p->bytes, p->bytes + p->first, p->used - p->first);
    p->used -= p->first;
    p->seen -= p->first;
    p->first = 0;
  }
  if (p->used == p->room) {
    if (p->room >= NSW_LINE_BYTES) return NSW_HEARD_FLOOD;
    size_t room = p->room ? 2 * p->room : 65536;
    char *bytes = realloc(p->bytes, room);
    if (!bytes) return NSW_HEARD_MEMORY;
    p->bytes = bytes;
    p->room = room;
  }
  ssize_t n = read(p->child.output, p->bytes + p->used, p->room - p->used);
  if (n > 0) p->used += (size_t)n;
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return NSW_HEARD_END;
  return NSW_HEARD_LINE;
}

/* ---- both ways ---- */

/* Writes what is taken. False where nobody reads any more. */
static bool say(struct nsw_process *p, const char *text, size_t size, size_t *written) {
  while (*written < size) {
    ssize_t n = send(p->child.input, text + *written, size - *written, MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    *written += (size_t)n;
  }
  return true;
}

enum nsw_heard nsw_process_talk(struct nsw_process *p, const char *text, size_t size, size_t *written, double seconds,
                                char **line) {
  double begun = nsw_now();
  bool reads = true, errors = true;
  for (;;) {
    *line = take_line(p);
    if (*line) return NSW_HEARD_LINE;
    if (reads) reads = say(p, text, size, written);
    double left = seconds > 0 ? begun + seconds - nsw_now() : 3600;
    if (left <= 0) return NSW_HEARD_HANG;
    struct pollfd poll_of[3] = {
        {.fd = p->child.output, .events = POLLIN},
        {.fd = errors ? p->child.error : -1, .events = POLLIN},
        {.fd = reads && *written < size ? p->child.input : -1, .events = POLLOUT},
    };
    int ready = poll(poll_of, 3, left < 3600 ? (int)(left * 1000) + 1 : 3600000);
    if (ready < 0 && errno != EINTR) return NSW_HEARD_MEMORY;
    if (ready <= 0) continue;
    if (poll_of[1].revents) errors = hear_said(p);
    if (!poll_of[0].revents) continue;
    enum nsw_heard what = hear_output(p);
    if (what != NSW_HEARD_LINE) return what;
  }
}

/* Hears its last words, which may come after the end of its output, until it closes its standard error; at most so many
 * seconds. A flood is cut off: it ends with its process. Returns the seconds that are left. */
static double hear_last(struct nsw_process *p, double grace) {
  double end = nsw_now() + grace, left = grace;
  for (int i = 0; i < 256 && hear_said(p); i++) {
    struct pollfd more = {.fd = p->child.error, .events = POLLIN};
    left = fmax(end - nsw_now(), 0);
    int ready = poll(&more, 1, (int)ceil(left * 1000));
    if (ready == 0 || (ready < 0 && errno != EINTR)) break;
  }
  end_said(p);
  return fmax(end - nsw_now(), 0);
}

void nsw_process_end(struct nsw_process *p, double grace, char *text, size_t size) {
  char how[96] = "";
  if (!p->child.id) return;
  shutdown(p->child.input, SHUT_WR); /* nothing more is asked: it ends by itself */
  grace = hear_last(p, grace);
  nsw_keeper_end(&p->child, grace, how, sizeof how);
  if (size) snprintf(text, size, "%s%s%s", how, *p->last ? "; its last words: " : "", p->last);
  free(p->bytes);
  *p = (struct nsw_process){.title = p->title};
}
