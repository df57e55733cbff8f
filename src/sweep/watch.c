#include "sweep/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "sweep/evaluate.h"

/* The shared page. The rank writes, the witness reads once the rank is gone. */
struct page {
  volatile int evaluating; /* in the middle of an evaluation */
  volatile int dismissed;  /* ends on purpose */
  int rank;
  uint32_t unit;
  uint64_t seed;
  double since; /* of the monotonic clock: start of the evaluation */
  char space[32], proxy[64], host[128];
  char notes[3072]; /* absolute path, or empty */
};

/* One witness a process: a handler and every evaluation must reach it. */
static struct page *page;
static int pipe_end = -1; /* closes with this process */
static pid_t witness_id;

/* Launchers end a whole group of processes at once; a witness that is still there a moment later saw a death of its
 * rank alone. */
static const struct timespec moment = {.tv_nsec = 100000000};

static void witness(int end_of_pipe, pid_t launcher) {
  char nothing;
  signal(SIGTERM, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGUSR1, SIG_IGN);
  signal(SIGUSR2, SIG_IGN);
  signal(SIGCONT, SIG_IGN);
  while (read(end_of_pipe, &nothing, 1) < 0 && errno == EINTR) continue;
  if (!page->evaluating || page->dismissed) _exit(0);
  double lasted = nsw_now() - page->since;
  nanosleep(&moment, NULL);
  /* Where the launcher itself is gone, it took its ranks along. */
  if (kill(launcher, 0) != 0 && errno == ESRCH) _exit(0);
  char line[512], when[32];
  time_t now = time(NULL);
  struct tm utc;
  strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
  int n = snprintf(line, sizeof line,
                   "nasweep: rank %d on %s died while scoring %s architecture %" PRIu32 " (proxy %s, seed %" PRIu64
                   ", %.1f s into it)\n",
                   page->rank, page->host, page->space, page->unit, page->proxy, page->seed, lasted);
  if (write(STDERR_FILENO, line, (size_t)n) < 0) {
    /* nobody to tell */
  }
  if (*page->notes) {
    n = snprintf(line, sizeof line, "%s %" PRIu64 " %" PRIu32 " rank %d on %s at %s\n", page->proxy, page->seed,
                 page->unit, page->rank, page->host, when);
    int fd = open(page->notes, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd >= 0 && write(fd, line, (size_t)n) == n) fsync(fd);
  }
  _exit(0);
}

void nsw_watch_start(void) {
  int ends[2];
  if (page || pipe2(ends, O_CLOEXEC)) return;
  void *shared = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    close(ends[0]);
    close(ends[1]);
    return;
  }
  page = shared;
  gethostname(page->host, sizeof page->host - 1);
  pid_t launcher = getppid(), child = fork();
  if (child == 0) {
    close(ends[1]);
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    witness(ends[0], launcher);
  }
  close(ends[0]);
  pipe_end = ends[1];
  witness_id = child;
}

void nsw_watch_stop(void) {
  if (!page || witness_id <= 0) return;
  nsw_watch_dismiss();
  close(pipe_end);
  while (waitpid(witness_id, NULL, 0) < 0 && errno == EINTR) continue;
  munmap(page, sizeof *page);
  page = NULL;
}

static void copy(char *to, size_t size, const char *text) {
  size_t n = strnlen(text, size - 1);
  memcpy(to, text, n);
  to[n] = '\0';
}

void nsw_watch_describe(int rank, const char *space, const char *notes) {
  if (!page) return;
  page->rank = rank;
  copy(page->space, sizeof page->space, space);
  page->notes[0] = '\0';
  if (!notes) return;
  char folder[1024] = "";
  if (notes[0] != '/' && !getcwd(folder, sizeof folder)) return;
  int n = snprintf(page->notes, sizeof page->notes, "%s%s%s", folder, *folder ? "/" : "", notes);
  if (n < 0 || (size_t)n >= sizeof page->notes) page->notes[0] = '\0';
}

void nsw_watch_begin(const char *proxy, uint64_t seed, uint32_t unit) {
  if (!page) return;
  copy(page->proxy, sizeof page->proxy, proxy);
  page->seed = seed;
  page->unit = unit;
  page->since = nsw_now();
  page->evaluating = 1;
}

void nsw_watch_end(void) {
  if (page) page->evaluating = 0;
}

void nsw_watch_dismiss(void) {
  if (page) page->dismissed = 1;
}

int nsw_watch_read(const char *notes, struct nsw_crash **crash, size_t *count, struct nsw_error *err) {
  *crash = NULL;
  *count = 0;
  FILE *f = fopen(notes, "r");
  if (!f && errno == ENOENT) return NSW_OK;
  if (!f) return nsw_fail(err, "%s: %s", notes, strerror(errno));
  char line[512];
  while (fgets(line, sizeof line, f)) {
    struct nsw_crash c;
    if (sscanf(line, "%63s %" SCNu64 " %" SCNu32 " rank", c.proxy, &c.seed, &c.unit) != 3) continue;
    if (!NSW_GROW(*crash, *count)) break;
    (*crash)[(*count)++] = c;
  }
  bool bad = ferror(f);
  fclose(f);
  return bad ? nsw_fail(err, "%s: could not be read", notes) : NSW_OK;
}
