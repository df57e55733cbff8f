/* Lines of progress on standard error: on a terminal one line that is rewritten, elsewhere a line now and then. */
#ifndef NSW_SWEEP_PROGRESS_H
#define NSW_SWEEP_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nsw_progress {
  double start, shown; /* of the run; of the last line */
  double every;        /* seconds between lines, 0: none */
  uint32_t at_start;   /* evaluations that were there already */
  uint32_t total;      /* evaluations of the whole sweep */
  bool terminal;       /* a live line */
  bool open;           /* and it is not ended */
};

void nsw_progress_start(struct nsw_progress *progress, double now, double every, uint32_t done, uint32_t total);

/* Shows a line if one is due. left: predicted seconds of work, of all workers together. */
void nsw_progress_show(struct nsw_progress *progress, double now, uint32_t done, double left, size_t workers);

/* Ends a live line. */
void nsw_progress_end(struct nsw_progress *progress);

/* "0:07", "12:34", "3:25:45" or "2d 03:00:00" into text[32]. */
void nsw_duration(double seconds, char text[32]);

/* A count with thousands separated, into text[32]; returns text. */
const char *nsw_thousands(uint64_t n, char text[32]);

#endif
