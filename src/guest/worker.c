#include "guest/worker.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "data/images.h"
#include "guest/command.h"
#include "guest/process.h"
#include "guest/protocol.h"

enum {
  TOLD = 5,       /* errors of architectures told a rank; the others are counted in the summary */
  IN_A_ROW = 20,  /* architectures that may fail by ending their workers one after the other: the worker is broken */
  VARIABLES = 12, /* of its environment */
  UNIT_FLOPS = 20000000 /* guessed work of an architecture where no network is run */
};
#define GRACE 2.0    /* seconds for a worker to end by itself when all is done */
#define SLICE 0.5    /* seconds between looks at whether the run is to stop */
#define PATIENCE 5.0 /* seconds that an architecture is waited for once it is; then it is left for the next run */

struct nsw_guest_worker {
  struct nsw_proxy proxy;
  struct nsw_command_line line;
  struct nsw_guest_terms terms;
  struct nsw_hello hello;
  struct nsw_process process;
  char title[NSW_GUEST_NAME + 32]; /* "worker mine, rank 3" */
  char *identity;                  /* recorded: the command and its files */
  char *variable[VARIABLES + 1];   /* its environment */
  const struct nsw_context *context;
  struct nsw_asking asking;
  struct nsw_arch *arch; /* room for a description */
  unsigned told;
  unsigned ended; /* architectures failed since the last good answer, by the end of their workers */
};

/* ---- starting ---- */

static int no_memory(struct nsw_error *err) { return nsw_no_memory(err, "a worker"); }

/* Adds "NAME=VALUE" to its environment; not over what the user has set where `gently`. */
static void set_variable(struct nsw_guest_worker *w, const char *name, const char *value, bool gently) {
  int n = 0;
  if (gently && getenv(name)) return;
  while (n < VARIABLES && w->variable[n]) n++;
  if (n < VARIABLES && asprintf(&w->variable[n], "%s=%s", name, value) < 0) w->variable[n] = NULL;
}

/* Where the Python module lies: beside the build, or as installed; at the end of the user's own path. */
static void set_python_path(struct nsw_guest_worker *w, const char *program) {
  static const char *const places[] = {"../analysis", "../share/nasweep"};
  const char *end = strrchr(program, '/'), *own = getenv("PYTHONPATH");
  char file[PATH_MAX], *value;
  for (size_t i = 0; end && i < sizeof places / sizeof *places; i++) {
    int n = snprintf(file, sizeof file, "%.*s/%s/nasweep.py", (int)(end - program), program, places[i]);
    if (n < 0 || (size_t)n >= sizeof file || access(file, R_OK)) continue;
    file[n - (int)strlen("/nasweep.py")] = '\0';
    if (asprintf(&value, "%s%s%s", own ? own : "", own && *own ? ":" : "", file) < 0) return;
    set_variable(w, "PYTHONPATH", value, false);
    free(value);
    return;
  }
}

/* A rank is one core's work: libraries of the worker's shall not take all of them. */
static void make_environment(struct nsw_guest_worker *w) {
  static const char *const threads[] = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"};
  char program[PATH_MAX], rank[16];
  for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) set_variable(w, threads[i], "1", true);
  set_variable(w, "NASWEEP_WORKER", w->line.name, false);
  snprintf(rank, sizeof rank, "%d", w->terms.rank < 0 ? 0 : w->terms.rank);
  set_variable(w, "NASWEEP_RANK", rank, false);
  ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
  if (n <= 0) return;
  program[n] = '\0';
  set_variable(w, "NASWEEP", program, true);
  set_python_path(w, program);
}

static const char *heard_text(enum nsw_heard heard) {
  switch (heard) {
    case NSW_HEARD_HANG:
      return "gave no answer in time";
    case NSW_HEARD_FLOOD:
      return "wrote a line without an end";
    case NSW_HEARD_MEMORY:
      return "cannot be heard for lack of memory";
    default:
      return "ended";
  }
}

/* Starts the process. */
static int start(struct nsw_guest_worker *w, struct nsw_error *err) {
  int status = nsw_process_start(&w->process, w->title, (const char *const *)w->line.word,
                                 (const char *const *)w->variable, err);
  return status ? nsw_error_prefix(err, status, "%s", w->title) : NSW_OK;
}

/* Reads its first line. */
static int greet(struct nsw_guest_worker *w, struct nsw_hello *hello, struct nsw_error *err) {
  char *line = NULL, how[512];
  size_t written = 0;
  enum nsw_heard heard = nsw_process_talk(&w->process, "", 0, &written, w->terms.timeout, &line);
  if (heard != NSW_HEARD_LINE) {
    nsw_process_end(&w->process, heard == NSW_HEARD_END ? 1 : 0, how, sizeof how);
    return nsw_fail(err, "%s %s before its first line (%s)", w->title, heard_text(heard), how);
  }
  int status = nsw_hello_read(line, w->line.name, hello, err);
  if (!status) return NSW_OK;
  nsw_process_end(&w->process, 0, how, sizeof how);
  return nsw_error_prefix(err, status, "%s: its first line", w->title);
}

/* A new process in place of one that is gone; it must be the same worker still. */
static int replace(struct nsw_guest_worker *w, struct nsw_error *err) {
  struct nsw_hello hello;
  char *identity = NULL;
  int status = nsw_command_line_identity(&w->line, &identity, err);
  if (!status && strcmp(identity, w->identity))
    status = nsw_fail(err, "%s: its files were changed while it ran (%s)", w->title, identity);
  free(identity);
  if (!status) status = start(w, err);
  if (!status) status = greet(w, &hello, err);
  if (status) return status;
  bool same = nsw_hello_same(&hello, &w->hello);
  nsw_hello_free(&hello);
  return same ? NSW_OK : nsw_fail(err, "%s began with another line than the first time", w->title);
}

/* ---- asking ---- */

/* One task while it is asked for. Rows are [n], in the order of the members. */
struct task {
  struct nsw_guest_worker *w;
  const uint32_t *index; /* [n] architectures asked for */
  size_t n;
  double *values;
  uint8_t *status; /* NSW_ROW_PENDING: not answered yet */
  size_t open;     /* of them */
  uint64_t tries;  /* workers that the architecture at hand has ended */
  uint32_t blamed; /* which that is */
};

static void set_row(struct task *t, size_t row, uint8_t status, const double *value) {
  int columns = t->w->hello.columns;
  for (int c = 0; c < columns; c++) t->values[row * (size_t)columns + (size_t)c] = value ? value[c] : NAN;
  t->status[row] = status;
  t->open--;
}

/* The first row that has no answer; workers take lines in their order, so it is the one that a failure came with. */
static size_t first_open(const struct task *t) {
  size_t row = 0;
  while (t->status[row] != NSW_ROW_PENDING) row++;
  return row;
}

/* Up to `batch` lines of what is open. malloc'd. */
static char *compose(struct task *t, size_t *size) {
  char *text = NULL;
  FILE *f = open_memstream(&text, size);
  int left = t->w->hello.batch;
  for (size_t row = 0; f && row < t->n && left; row++) {
    if (t->status[row] != NSW_ROW_PENDING) continue;
    nsw_ask_write(f, &t->w->asking, t->index[row], t->w->arch);
    left--;
  }
  if (f && fclose(f) == 0) return text;
  free(text);
  return NULL;
}

static void tell_error(struct nsw_guest_worker *w, const struct nsw_answer *answer) {
  if (w->told++ < TOLD)
    fprintf(stderr, "nasweep: %s: %s architecture %" PRIu32 " failed: %s\n", w->title,
            nsw_space_kind(w->context->space)->name, answer->index, answer->error);
  if (w->told == TOLD) fprintf(stderr, "nasweep: %s: no more errors are shown\n", w->title);
}

/* Takes an answer in. NSW_FAILED: it is none of what was asked. */
static int take_answer(struct task *t, const char *line, struct nsw_error *err) {
  struct nsw_answer answer;
  int status = nsw_answer_read(line, &t->w->hello, &answer, err);
  if (status) return status;
  for (size_t row = 0; row < t->n; row++) {
    if (t->index[row] != answer.index || t->status[row] != NSW_ROW_PENDING) continue;
    if (answer.status == NSW_ROW_FAILED) tell_error(t->w, &answer);
    set_row(t, row, answer.status, answer.value);
    t->w->ended = 0;
    return NSW_OK;
  }
  return nsw_fail(err, "an answer for architecture %" PRIu32 ", which it was not asked for", answer.index);
}

/* A line, waited for in slices. *stop: the run is to stop, and was for a while. */
static enum nsw_heard hear(struct task *t, const char *text, size_t size, size_t *written, char **line, bool *stop) {
  struct nsw_guest_worker *w = t->w;
  double begun = nsw_now(), asked = 0;
  *stop = false;
  for (;;) {
    double now = nsw_now(), left = w->terms.timeout > 0 ? begun + w->terms.timeout - now : SLICE;
    enum nsw_heard heard = left > 0
                               ? nsw_process_talk(&w->process, text, size, written, left < SLICE ? left : SLICE, line)
                               : NSW_HEARD_HANG;
    if (heard != NSW_HEARD_HANG || left <= 0) return heard;
    if (!nsw_asked_to_pause(w->context)) continue;
    if (!asked) asked = nsw_now();
    *stop = nsw_now() - asked >= PATIENCE;
    if (*stop) return NSW_HEARD_HANG;
  }
}

/* Leaves a task for the next run, with the worker that is at it. */
static void leave(struct task *t) {
  for (size_t row = 0; row < t->n; row++) t->status[row] = NSW_ROW_INTERRUPTED;
  t->open = 0;
  nsw_process_end(&t->w->process, 0, NULL, 0);
}

/* Sends lines and takes answers until all that were sent are answered. False where the worker is to be replaced; `why`
 * says so. */
static bool talk(struct task *t, const char *text, size_t size, double *grace, struct nsw_error *why) {
  size_t written = 0, batch = (size_t)t->w->hello.batch;
  size_t end = t->open > batch ? t->open - batch : 0;
  while (t->open > end) {
    char *line;
    bool stop;
    enum nsw_heard heard = hear(t, text, size, &written, &line, &stop);
    if (stop) {
      leave(t);
      return true;
    }
    *grace = heard == NSW_HEARD_END ? 1 : 0;
    if (heard == NSW_HEARD_HANG)
      nsw_fail(why, "gave no answer for %g s", t->w->terms.timeout);
    else if (heard != NSW_HEARD_LINE)
      nsw_fail(why, "%s", heard_text(heard));
    else if (take_answer(t, line, why) == NSW_OK)
      continue;
    return false;
  }
  return true;
}

/* The worker failed at the first row that is open: one line, and a decision. */
static int blame(struct task *t, double grace, const struct nsw_error *why, struct nsw_error *err) {
  struct nsw_guest_worker *w = t->w;
  size_t row = first_open(t);
  uint64_t most = w->terms.retries;
  char how[512];
  t->tries = t->blamed == t->index[row] ? t->tries + 1 : 1;
  t->blamed = t->index[row];
  nsw_process_end(&w->process, grace, how, sizeof how);
  bool over = t->tries >= most;
  fprintf(stderr, "nasweep: %s: %s at %s architecture %" PRIu32 " (%s): %s\n", w->title, why->text,
          nsw_space_kind(w->context->space)->name, t->blamed, how,
          !most  ? "the run ends"
          : over ? "marked failed, a new worker goes on"
                 : "tried again by a new worker");
  if (!most) return nsw_fail(err, "%s: %s (%s)", w->title, why->text, how);
  if (!over) return NSW_OK;
  set_row(t, row, NSW_ROW_FAILED, NULL);
  if (++w->ended < IN_A_ROW) return NSW_OK;
  return nsw_fail(err, "%s ended at %d architectures one after the other; the last time it %s (%s)", w->title, IN_A_ROW,
                  why->text, how);
}

/* Asks for all rows that are open. */
static int ask(struct task *t, struct nsw_error *err) {
  int status = NSW_OK;
  while (t->open && !status) {
    struct nsw_error why;
    size_t size;
    double grace = 0;
    if (!t->w->process.child.id) status = replace(t->w, err);
    if (status) break;
    char *text = compose(t, &size);
    if (!text) return no_memory(err);
    if (!talk(t, text, size, &grace, &why)) status = blame(t, grace, &why, err);
    free(text);
  }
  return status;
}

/* ---- the proxy's functions ---- */

static int open_worker(const struct nsw_context *context, const char *const *values, void **state,
                       struct nsw_error *err) {
  struct nsw_guest_worker *w = *state;
  const struct nsw_images *images = w->hello.needs & NSW_NEEDS_DATA ? context->images : NULL;
  (void)values;
  w->context = context;
  w->asking = (struct nsw_asking){.space = context->space, .macro = context->macro, .dataset = w->terms.dataset};
  if (!images) return NSW_OK;
  w->asking.samples = context->samples ? context->samples : w->hello.samples;
  if ((size_t)w->asking.samples > images->count)
    return nsw_usage(err, "%d images are needed, and there are %zu", w->asking.samples, images->count);
  w->asking.dataset = images->dataset;
  w->asking.data = images->source;
  w->asking.data_sha256 = images->sha256;
  w->asking.images = images->count;
  return NSW_OK;
}

static void close_worker(void *state) { ((struct nsw_guest_worker *)state)->context = NULL; }

static uint32_t unit_by_class(const void *state, uint32_t index) {
  const struct nsw_guest_worker *w = state;
  return nsw_space_class(w->context->space, index);
}

/* A network's cost goes with its multiply-adds; the run measures by how much. */
static double cost(const void *state, uint32_t unit) {
  const struct nsw_guest_worker *w = state;
  if (!(w->hello.needs & NSW_NEEDS_NETWORK)) return UNIT_FLOPS;
  double macs = (double)nsw_space_macs(w->context->space, unit, &w->context->macro);
  return 2 * macs * (w->asking.samples ? w->asking.samples : 1);
}

static bool has_path(struct nsw_guest_worker *w, uint32_t index) {
  struct nsw_graph graph;
  graph.shape = 0;
  nsw_space_graph(w->context->space, index, &graph);
  return nsw_graph_has_path(&graph);
}

static int score(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
                 struct nsw_error *err) {
  struct nsw_guest_worker *w = state;
  uint32_t first = w->hello.by_class ? unit_by_class(w, members[0]) : members[0];
  struct task t = {
      .w = w, .index = members, .n = n, .values = values, .status = status, .open = n, .blamed = UINT32_MAX};
  size_t columns = (size_t)w->hello.columns;
  if (w->hello.by_class) { /* the class's first one is asked for, whichever members are there */
    t.index = &first;
    t.n = t.open = 1;
  }
  w->asking.seed = w->hello.needs & NSW_NEEDS_SEED ? &seed : NULL;
  for (size_t row = 0; row < t.n; row++) status[row] = NSW_ROW_PENDING;
  for (size_t row = 0; row < t.n; row++)
    if (w->hello.needs & NSW_NEEDS_NETWORK && !has_path(w, t.index[row])) set_row(&t, row, NSW_ROW_NO_PATH, NULL);
  int done = ask(&t, err);
  w->asking.seed = NULL;
  for (size_t row = t.n; row < n; row++) {
    memcpy(values + row * columns, values, columns * sizeof *values);
    status[row] = status[0];
  }
  return done;
}

/* ---- the whole ---- */

static void make_proxy(struct nsw_guest_worker *w) {
  const struct nsw_hello *h = &w->hello;
  w->proxy = (struct nsw_proxy){.name = w->line.name,
                                .group = "worker",
                                .source = h->source ? h->source : w->line.text,
                                .note = h->note,
                                .needs = h->needs,
                                .samples = h->samples,
                                .columns = h->column,
                                .identity = w->identity,
                                .own = w,
                                .open = open_worker,
                                .close = close_worker,
                                .unit = h->by_class ? unit_by_class : NULL,
                                .cost = h->batch > 1 && !h->by_class ? NULL : cost,
                                .score = score};
}

int nsw_guest_worker_open(const char *text, const struct nsw_guest_terms *terms, struct nsw_guest_worker **worker,
                          struct nsw_error *err) {
  struct nsw_guest_worker *w = *worker = calloc(1, sizeof *w);
  if (!w) return no_memory(err);
  w->terms = *terms;
  w->arch = malloc(sizeof *w->arch);
  int status = w->arch ? nsw_command_line_read(text, &w->line, err) : no_memory(err);
  if (terms->rank < 0)
    snprintf(w->title, sizeof w->title, "worker %s", w->line.name);
  else
    snprintf(w->title, sizeof w->title, "worker %s, rank %d", w->line.name, terms->rank);
  if (!status) status = nsw_command_line_identity(&w->line, &w->identity, err);
  if (!status) make_environment(w);
  if (!status) status = start(w, err);
  if (status) nsw_guest_worker_close(worker);
  return status;
}

int nsw_guest_worker_greet(struct nsw_guest_worker *w, struct nsw_error *err) {
  int status = greet(w, &w->hello, err);
  if (!status) make_proxy(w);
  return status;
}

void nsw_guest_worker_close(struct nsw_guest_worker **worker) {
  struct nsw_guest_worker *w = *worker;
  if (!w) return;
  nsw_process_end(&w->process, GRACE, NULL, 0);
  nsw_hello_free(&w->hello);
  nsw_command_line_free(&w->line);
  for (int i = 0; i < VARIABLES; i++) free(w->variable[i]);
  free(w->identity);
  free(w->arch);
  free(w);
  *worker = NULL;
}

const struct nsw_proxy *nsw_guest_worker_proxy(const struct nsw_guest_worker *worker) { return &worker->proxy; }
