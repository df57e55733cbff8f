/* Talking to a process line by line: what is written to it and what it says never waits for each other, lines have a
 * largest size, and what it writes to its standard error is passed on a line at a time, the first ones only. */
#ifndef NSW_GUEST_PROCESS_H
#define NSW_GUEST_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "guest/keeper.h"

enum {
  NSW_LINE_BYTES = 1 << 20, /* the longest line that a worker may write */
  NSW_SAID_LINES = 10,      /* lines of standard error passed on, of one process */
  NSW_SAID_BYTES = 300      /* of each */
};

struct nsw_process {
  struct nsw_child child;
  char *bytes;                   /* what it wrote and was not taken yet */
  size_t first, used, room;      /* bytes[first..used-1]; allocated */
  size_t seen;                   /* no newline before this */
  char said[NSW_SAID_BYTES + 1]; /* the line of standard error that is being read */
  size_t said_bytes;             /* of it */
  char last[NSW_SAID_BYTES + 1]; /* the last whole one */
  size_t said_lines;             /* read */
  const char *title;             /* in front of lines passed on: "worker mine, rank 3"; borrowed */
};

/* What came of waiting for a line. */
enum nsw_heard {
  NSW_HEARD_LINE,  /* a line */
  NSW_HEARD_END,   /* it closed its standard output: it is gone, or going */
  NSW_HEARD_HANG,  /* nothing for too long */
  NSW_HEARD_FLOOD, /* more than NSW_LINE_BYTES without an end of the line */
  NSW_HEARD_MEMORY /* out of memory */
};

/* Starts a command (guest/keeper.h). */
int nsw_process_start(struct nsw_process *process, const char *title, const char *const *word,
                      const char *const *environment, struct nsw_error *err);

/* Writes text[*written..size-1], as far as it is taken, until a line is there; so many seconds without one are a hang,
 * 0: never. The line has no newline, and is valid until the next call. */
enum nsw_heard nsw_process_talk(struct nsw_process *process, const char *text, size_t size, size_t *written,
                                double seconds, char **line);

/* Ends it: nothing more is asked, it is heard until it closes its standard error and waited for, so many seconds in
 * all, and killed where it goes on (nsw_keeper_end). Frees; how it ended into text[size], with the last line of its
 * standard error. May be called twice. */
void nsw_process_end(struct nsw_process *process, double grace, char *text, size_t size);

#endif
