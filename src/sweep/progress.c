#include "sweep/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void nsw_duration(double seconds, char text[32]) {
  uint64_t t = seconds > 0 && seconds < 1e12 ? (uint64_t)(seconds + 0.5) : 0;
  unsigned s = t % 60, m = t / 60 % 60, h = t / 3600 % 24;
  if (t >= 86400)
    snprintf(text, 32, "%" PRIu64 "d %02u:%02u:%02u", t / 86400, h, m, s);
  else if (t >= 3600)
    snprintf(text, 32, "%u:%02u:%02u", h, m, s);
  else
    snprintf(text, 32, "%u:%02u", m, s);
}

const char *nsw_thousands(uint64_t n, char text[32]) {
  char digits[24];
  int length = snprintf(digits, sizeof digits, "%" PRIu64, n), at = 0;
  for (int i = 0; i < length; i++) {
    if (i && (length - i) % 3 == 0) text[at++] = ',';
    text[at++] = digits[i];
  }
  text[at] = '\0';
  return text;
}

void nsw_progress_start(struct nsw_progress *p, double now, double every, uint32_t done, uint32_t total) {
  *p = (struct nsw_progress){.start = now, .shown = now, .every = every, .at_start = done, .total = total};
  p->terminal = isatty(STDERR_FILENO) == 1;
  if (p->terminal && every > 1) p->every = 1;
}

void nsw_progress_show(struct nsw_progress *p, double now, uint32_t done, double left, size_t workers) {
  if (p->every <= 0 || now - p->shown < p->every) return;
  p->shown = now;
  char so_far[32], total[32], time_left[32];
  double rate = (double)(done - p->at_start) / (now - p->start);
  nsw_duration(left / (double)workers, time_left);
  fprintf(stderr, "%s%s of %s evaluations (%.1f %%), %.*f/s, %s left%s", p->terminal ? "\r" : "",
          nsw_thousands(done, so_far), nsw_thousands(p->total, total), 100.0 * done / p->total, rate < 10 ? 2 : 0, rate,
          time_left, p->terminal ? "\033[K" : "\n");
  p->open = p->terminal;
  fflush(stderr);
}

void nsw_progress_end(struct nsw_progress *p) {
  if (p->open) fputc('\n', stderr);
  p->open = false;
}
