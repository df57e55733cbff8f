#include "sweep/sweep.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "data/images.h"
#include "guest/guests.h"
#include "store/file.h"
#include "store/lock.h"
#include "store/state.h"
#include "sweep/options.h"
#include "sweep/selection.h"
#include "sweep/stop.h"
#include "sweep/summary.h"
#include "sweep/watch.h"

/* Everything a sweep holds; freed in one place. */
struct sweep {
  const struct nsw_request *request;
  struct nsw_transport transport;
  struct nsw_guests guests; /* workers and plugins of this run */
  struct nsw_space *space;
  struct nsw_sweep_plan plan;
  struct nsw_images *images;   /* where a proxy needs some */
  unsigned needs;              /* of all proxies, ORed */
  char *options;               /* what decides the results */
  char *notes;                 /* file of crashes beside the result file */
  char *folder;                /* of states of evaluations beside the result file */
  struct nsw_pause pause;      /* how long evaluations are stopped on the way */
  struct nsw_hosts hosts;      /* rank 0 */
  struct nsw_row_facts *facts; /* rank 0: of all rows */
  struct nsw_results *results; /* rank 0 */
  struct nsw_lock lock;        /* rank 0: of the result file */
  bool complete;               /* there was nothing to do */
  bool checks;                 /* the request is only looked at */
  bool keyed;                  /* rank 0's space has all keys */
  double begun;
};

static int agree(const struct sweep *s, int status, struct nsw_error *err) {
  return nsw_transport_agree(s->transport.comm, status, err);
}

/* ---- the space and its ids ---- */

/* Makes things first..end-1 of a kind into bytes. */
typedef void (*make_share)(const struct sweep *s, size_t first, size_t end, void *bytes);

/* Every rank makes a share of `count` things of `size` bytes; rank 0 gets all of them, malloc'd. Collective. */
static int gather_shares(const struct sweep *s, size_t count, size_t size, make_share make, void **all,
                         struct nsw_error *err) {
  int ranks = s->transport.size, rank = s->transport.rank, status = NSW_OK;
  int *things = calloc((size_t)ranks * 2, sizeof *things), *first = things ? things + ranks : NULL;
  for (int r = 0; things && r < ranks; r++) {
    first[r] = (int)(count * (size_t)r / (size_t)ranks);
    things[r] = (int)(count * ((size_t)r + 1) / (size_t)ranks) - first[r];
  }
  void *mine = things ? malloc((size_t)things[rank] * size + 1) : NULL;
  *all = rank ? NULL : malloc(count * size + 1);
  if (!mine || (!rank && !*all)) status = nsw_no_memory(err, "%zu architectures", count);
  status = agree(s, status, err);
  if (!status) {
    MPI_Datatype thing;
    make(s, (size_t)first[rank], (size_t)(first[rank] + things[rank]), mine);
    MPI_Type_contiguous((int)size, MPI_BYTE, &thing);
    MPI_Type_commit(&thing);
    int code = MPI_Gatherv(mine, things[rank], thing, *all, things, first, thing, 0, s->transport.comm);
    status = nsw_mpi_check(code, "MPI_Gatherv", err);
    MPI_Type_free(&thing);
  }
  free(things);
  free(mine);
  return status;
}

static void make_keys(const struct sweep *s, size_t first, size_t end, void *bytes) {
  nsw_space_keys(s->space, (uint32_t)first, (uint32_t)end, bytes);
}

/* Every rank makes a share of the keys; rank 0 puts them together. */
static int share_keys(struct sweep *s, struct nsw_error *err) {
  size_t size = nsw_space_kind(s->space)->key_size;
  void *all = NULL;
  if (!size) return NSW_OK;
  int status = gather_shares(s, nsw_space_count(s->space), size, make_keys, &all, err);
  if (!status && s->transport.rank == 0) status = nsw_space_set_keys(s->space, all, err);
  free(all);
  return agree(s, status, err);
}

static void make_facts(const struct sweep *s, size_t first, size_t end, void *bytes) {
  nsw_results_facts(&s->plan, first, end, bytes);
}

/* Rank 0 finds out which architectures are meant and tells the others. */
static int share_selection(struct sweep *s, uint32_t **index, size_t *rows, struct nsw_error *err) {
  unsigned long long n = 0;
  int status = NSW_OK;
  *index = NULL;
  *rows = 0;
  if (s->transport.rank == 0) status = nsw_selection_make(s->space, s->request, index, rows, err);
  n = *rows;
  status = agree(s, status, err);
  if (!status) status = nsw_mpi_check(MPI_Bcast(&n, 1, MPI_UNSIGNED_LONG_LONG, 0, s->transport.comm), "MPI_Bcast", err);
  if (!status && s->transport.rank) *index = malloc((size_t)n * sizeof **index);
  if (!status && !*index) status = nsw_no_memory(err, "%llu architectures", n);
  *rows = (size_t)n;
  status = agree(s, status, err);
  if (!status) status = nsw_mpi_check(MPI_Bcast(*index, (int)n, MPI_UINT32_T, 0, s->transport.comm), "MPI_Bcast", err);
  return status;
}

/* ---- what the run brings along ---- */

/* Whether all ranks have the same workers and plugins, to the bytes of their files. Collective. */
static int same_guests(const struct sweep *s, struct nsw_error *err) {
  int status = NSW_OK;
  for (size_t i = 0; i < s->guests.registry.count && !status; i++) {
    const struct nsw_proxy *proxy = s->guests.registry.own[i];
    char mine[65], first[65];
    nsw_proxy_digest(proxy, mine);
    memcpy(first, mine, sizeof first);
    status = nsw_mpi_check(MPI_Bcast(first, sizeof first, MPI_CHAR, 0, s->transport.comm), "MPI_Bcast", err);
    if (!status && strcmp(mine, first))
      status = nsw_usage(err, "rank %d has another %.60s than rank 0: %.600s", s->transport.rank, proxy->name,
                         proxy->identity);
    status = agree(s, status, err);
  }
  return status;
}

static int open_guests(struct sweep *s, struct nsw_error *err) {
  const struct nsw_request *q = s->request;
  struct nsw_guests_wish wish = {.plugin = q->plugin,
                                 .plugins = q->plugins,
                                 .worker = q->worker,
                                 .workers = q->workers,
                                 .terms = {.timeout = q->worker_timeout,
                                           .retries = q->retries,
                                           .dataset = q->dataset,
                                           .rank = s->transport.size > 1 ? s->transport.rank : -1}};
  int status = agree(s, nsw_guests_open(&wish, &s->guests, err), err);
  if (!status) status = same_guests(s, err);
  s->plan.registry = &s->guests.registry;
  return status;
}

/* ---- images ---- */

/* Sends arrays that may pass what one message holds. */
static int broadcast(const struct sweep *s, void *bytes, size_t size, struct nsw_error *err) {
  int status = NSW_OK;
  for (size_t at = 0; at < size && !status; at += INT_MAX) {
    int part = size - at < INT_MAX ? (int)(size - at) : INT_MAX;
    status = nsw_mpi_check(MPI_Bcast((char *)bytes + at, part, MPI_BYTE, 0, s->transport.comm), "MPI_Bcast", err);
  }
  return status;
}

/* What the other ranks must know of images before they come. */
struct about_images {
  char dataset[sizeof((struct nsw_images *)0)->dataset];
  char source[sizeof((struct nsw_images *)0)->source];
  char sha256[sizeof((struct nsw_images *)0)->sha256];
  uint64_t count;
  int32_t classes, resolution;
};

static struct about_images about_of(const struct nsw_images *images) {
  struct about_images about = {.count = images->count, .classes = images->classes, .resolution = images->resolution};
  memcpy(about.dataset, images->dataset, sizeof about.dataset);
  memcpy(about.source, images->source, sizeof about.source);
  memcpy(about.sha256, images->sha256, sizeof about.sha256);
  return about;
}

/* Images of that kind, with room for pixels and labels; NULL: no memory. */
static struct nsw_images *images_like(const struct about_images *about) {
  struct nsw_images *images = calloc(1, sizeof *images);
  if (!images) return NULL;
  images->count = (size_t)about->count;
  images->classes = about->classes;
  images->resolution = about->resolution;
  memcpy(images->dataset, about->dataset, sizeof about->dataset);
  memcpy(images->source, about->source, sizeof about->source);
  memcpy(images->sha256, about->sha256, sizeof about->sha256);
  size_t plane = (size_t)about->resolution * (size_t)about->resolution;
  images->pixels = malloc(images->count * 3 * plane * sizeof *images->pixels);
  images->labels = malloc(images->count * sizeof *images->labels);
  if (!images->pixels || !images->labels) nsw_images_free(&images);
  return images;
}

/* Rank 0 reads, so that a thousand ranks do not open one file. */
static int share_images(struct sweep *s, struct nsw_error *err) {
  const struct nsw_request *q = s->request;
  struct about_images about = {.count = 0};
  int status = NSW_OK;
  if (s->transport.rank == 0)
    status = nsw_images_load(q->data ? q->data : "synthetic", q->dataset, (size_t)nsw_sweep_plan_images(&s->plan),
                             &s->images, err);
  status = agree(s, status, err);
  if (status) return status;
  if (s->transport.rank == 0) about = about_of(s->images);
  status = broadcast(s, &about, sizeof about, err);
  if (!status && s->transport.rank) s->images = images_like(&about);
  if (!status && !s->images) status = nsw_no_memory(err, "%" PRIu64 " images", about.count);
  status = agree(s, status, err);
  if (status) return status;
  size_t plane = (size_t)about.resolution * (size_t)about.resolution;
  status = broadcast(s, s->images->pixels, s->images->count * 3 * plane * sizeof *s->images->pixels, err);
  return status ? status : broadcast(s, s->images->labels, s->images->count * sizeof *s->images->labels, err);
}

/* Classes and resolution follow the data set unless asked otherwise. */
static int choose_macro(struct sweep *s, struct nsw_error *err) {
  struct nsw_macro wish = s->request->macro;
  const char *dataset = s->request->dataset;
  int classes = 0, resolution = 0;
  if (s->images) {
    classes = s->images->classes;
    resolution = s->images->resolution;
    if (wish.resolution && wish.resolution != resolution)
      return nsw_usage(err, "--resolution %d: the images of %s have %d pixels", wish.resolution, s->images->source,
                       resolution);
    if (wish.classes && wish.classes < classes)
      return nsw_usage(err, "--classes %d: %s has %d classes", wish.classes, s->images->source, classes);
  } else if (dataset) {
    int status = nsw_images_shape(dataset, &classes, &resolution, err);
    if (status) return status;
  }
  if (!wish.classes) wish.classes = classes;
  if (!wish.resolution) wish.resolution = resolution;
  s->plan.context.macro = nsw_space_macro(s->space, wish);
  return NSW_OK;
}

/* ---- the file that is there ---- */

/* Reads what an earlier run left; *earlier stays NULL where there is nothing. */
static int read_earlier(const struct sweep *s, struct nsw_table **earlier, struct nsw_error *err) {
  const char *out = s->request->out;
  char words[700];
  *earlier = NULL;
  if (access(out, F_OK)) return NSW_OK;
  int status = nsw_file_read(out, NULL, earlier, err);
  if (status) return status;
  const char *file = nsw_attributes_get(&(*earlier)->attributes, "options");
  if (!file) return nsw_usage(err, "%s: not the file of a sweep; give another --out", out);
  if (nsw_options_differ(file, s->options, words, sizeof words))
    return nsw_usage(err, "%s was made with other options (%s); give another --out, or the same options", out, words);
  return NSW_OK;
}

/* Removes the half-written files that killed runs left beside the result file. */
static void clear_leftovers(const char *out) {
  size_t length = strlen(out);
  char *pattern = malloc(2 * length + sizeof ".part-*"), *to = pattern;
  glob_t found;
  if (!pattern) return;
  for (const char *from = out; *from; *to++ = *from++)
    if (strchr("*?[\\", *from)) *to++ = '\\';
  strcpy(to, ".part-*");
  if (glob(pattern, 0, NULL, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc; i++) unlink(found.gl_pathv[i]);
    globfree(&found);
  }
  free(pattern);
}

/* Architectures that ended run after run are failed ones. */
static int mark_crashed(struct sweep *s, struct nsw_error *err) {
  struct nsw_crash *crash;
  size_t crashes;
  int status = nsw_watch_read(s->notes, &crash, &crashes, err);
  for (uint32_t t = 0; !status && crashes && t < s->plan.tasks; t++) {
    struct nsw_task task = nsw_sweep_plan_task(&s->plan, t);
    uint32_t unit = task.family->unit[task.group];
    uint64_t times = 0;
    for (size_t i = 0; i < crashes; i++)
      times += crash[i].unit == unit && !strcmp(crash[i].proxy, task.family->proxy->name);
    if (!times || !s->request->retries || nsw_results_done(s->results, t)) continue;
    if (times < s->request->retries && task.seed_place == 0) {
      fprintf(stderr, "nasweep: %s architecture %" PRIu32 " ended %" PRIu64 " run%s; tried again\n", s->request->space,
              unit, times, times == 1 ? "" : "s");
    }
    if (times < s->request->retries) continue;
    fprintf(stderr, "nasweep: %s architecture %" PRIu32 " ended %" PRIu64 " runs: marked failed (%s)\n",
            s->request->space, unit, times, s->notes);
    nsw_results_fail(s->results, t);
  }
  free(crash);
  return status;
}

/* What the file's rows come to: NSW_FLAWED, with the message, where some failed and that is not allowed. */
static int verdict(const struct sweep *s, struct nsw_error *err) {
  struct nsw_tally tally = nsw_results_tally(s->results);
  if (!tally.failed || s->request->allow_failed) return NSW_OK;
  nsw_fail(err,
           "%s: %zu of %zu architectures failed; --repair computes them again, --allow-failed takes them as they are",
           s->request->out, tally.failed, s->plan.rows);
  return NSW_FLAWED;
}

/* Rank 0: the table, filled with what is there already. */
static int open_results(struct sweep *s, struct nsw_error *err) {
  struct nsw_table *earlier = NULL;
  const char *out = s->request->out;
  int status = nsw_file_writable(out, err);
  if (!status) status = nsw_lock_take(out, s->request->lock_wait, nsw_stop_signal, &s->lock, err);
  if (!status) status = read_earlier(s, &earlier, err);
  if (!status) status = nsw_results_create(&s->plan, s->facts, &s->results, err);
  if (!status && earlier) {
    status = nsw_results_resume(s->results, earlier, s->request->repair, err);
    if (status) nsw_error_prefix(err, status, "%s", out);
  }
  const char *finished = earlier ? nsw_attributes_get(&earlier->attributes, "finished") : NULL;
  s->complete = !status && finished && *finished && nsw_results_count(s->results) == s->plan.tasks;
  if (s->complete) {
    fprintf(stderr, "%s: complete already\n", out);
    status = verdict(s, err);
  } else if (!status) {
    clear_leftovers(out);
    if (s->request->repair) unlink(s->notes); /* what it was blamed for is forgiven */
    if (s->pause.folder) status = nsw_state_begin(s->pause.folder, s->options, err);
    if (!status) status = mark_crashed(s, err);
    if (!status) status = nsw_summary_provenance(s->results, &s->plan, &s->hosts, s->options, earlier, err);
  }
  nsw_table_free(&earlier);
  return status;
}

/* ---- stages ---- */

/* All keys, where rank 0 finds that architectures are named by them. */
static int share_keys_named(struct sweep *s, struct nsw_error *err) {
  int named = 0;
  for (size_t i = 0; i < s->request->archs; i++) named |= nsw_space_is_key(s->space, s->request->arch[i]);
  int status = nsw_mpi_check(MPI_Bcast(&named, 1, MPI_INT, 0, s->transport.comm), "MPI_Bcast", err);
  s->keyed = named;
  return named && !status ? share_keys(s, err) : status;
}

/* The plan, all that is asked for being checked. */
static int make_plan(struct sweep *s, struct nsw_error *err) {
  const struct nsw_request *q = s->request;
  uint32_t *index = NULL;
  size_t rows = 0;
  int status = agree(s, nsw_space_open(q->space, &s->space, err), err);
  s->plan.space = s->plan.context.space = s->space;
  if (!status) status = open_guests(s, err);
  if (!status) status = agree(s, nsw_sweep_plan_families(q, &s->plan, &s->needs, err), err);
  if (!status && s->transport.rank == 0) status = nsw_file_writable(q->out, err);
  status = agree(s, status, err);
  if (!status) status = share_keys_named(s, err);
  if (!status && s->needs & NSW_NEEDS_DATA) status = share_images(s, err);
  if (!status) status = agree(s, choose_macro(s, err), err);
  s->plan.context.images = s->images;
  s->plan.context.samples = (int)q->samples;
  s->plan.context.warm_up = q->warm_up;
  s->plan.context.pause = s->plan.pause = &s->pause;
  if (!status) status = share_selection(s, &index, &rows, err);
  if (!status && rows > NSW_FEW_IDS && !s->checks && !s->keyed) status = share_keys(s, err);
  if (s->checks && rows) rows = 1; /* enough to see whether the proxies open */
  if (!status)
    status = agree(s, nsw_sweep_plan_open(&s->plan, index, rows, err), err);
  else
    free(index);
  if (!status && nsw_sweep_plan_lasts(&s->plan)) {
    if (asprintf(&s->folder, "%s.state", q->out) < 0) s->folder = NULL;
    status = agree(s, s->folder ? NSW_OK : nsw_no_memory(err, "a file name"), err);
    s->pause.folder = s->folder;
  }
  s->options = status ? NULL : nsw_sweep_plan_options(&s->plan);
  return status ? status : agree(s, s->options ? NSW_OK : nsw_no_memory(err, "options"), err);
}

static int last_write(struct sweep *s, int status, double *seconds, struct nsw_error *err) {
  struct nsw_table *table = nsw_results_table(s->results);
  char now[32];
  double start = nsw_now();
  nsw_timestamp(now);
  struct nsw_error late = {{0}};
  int failed = !status ? nsw_attributes_set(&table->attributes, "finished", now, &late) : NSW_OK;
  if (!failed) failed = nsw_file_write(s->request->out, &table, 1, !status, &late);
  *seconds = nsw_now() - start;
  if (!failed) return status;
  if (status != NSW_FAILED) *err = late; /* else the first failure has been named */
  return NSW_FAILED;
}

/* Rank 0's part of the run. */
static int lead(struct sweep *s, struct nsw_error *err) {
  struct nsw_served served = {0};
  double setup = nsw_now() - s->begun, written = 0;
  nsw_summary_begin(&s->plan, &s->hosts, nsw_results_count(s->results));
  int status = nsw_server_run(&s->plan, s->results, &s->transport, &served, err);
  if (served.broken) {
    fprintf(stderr, "nasweep: %s\n", err->text);
    nsw_watch_dismiss();
    MPI_Abort(s->transport.comm, NSW_FAILED);
  }
  struct nsw_error ignored;
  int timed = nsw_summary_timings(s->results, &s->hosts, &served, setup, status ? &ignored : err);
  if (!status) status = timed;
  status = last_write(s, status, &written, err);
  if (!status && unlink(s->notes) && errno != ENOENT) fprintf(stderr, "nasweep: %s: %s\n", s->notes, strerror(errno));
  if (!status && s->pause.folder) nsw_state_clear(s->pause.folder);
  nsw_summary_end(&s->plan, &s->hosts, s->results, &served, setup, written, status);
  free(served.timing);
  return status ? status : verdict(s, err);
}

/* The other ranks' part: work, then sleep until rank 0 has written the file. */
static int follow(struct sweep *s, struct nsw_error *err) {
  struct nsw_channel channel = nsw_transport_channel(&s->transport);
  int status = nsw_worker_run(&s->plan, &channel, err);
  if (status) {
    fprintf(stderr, "nasweep: rank %d: %s\n", s->transport.rank, err->text);
    nsw_watch_dismiss();
    MPI_Abort(s->transport.comm, NSW_FAILED);
  }
  return nsw_transport_await(&s->transport, err);
}

static int run(struct sweep *s, struct nsw_error *err) {
  int complete;
  void *facts = NULL;
  int status = gather_shares(s, s->plan.rows, sizeof *s->facts, make_facts, &facts, err);
  s->facts = facts;
  if (status) return status;
  if (asprintf(&s->notes, "%s.crashes", s->request->out) < 0) s->notes = NULL;
  if (!s->notes) status = nsw_no_memory(err, "a file name");
  status = agree(s, status, err);
  if (!status) status = agree(s, nsw_hosts_gather(&s->transport, &s->hosts, err), err);
  if (status) return status;
  nsw_watch_describe(s->transport.rank, s->request->space, s->request->retries ? s->notes : NULL);
  if (s->transport.rank == 0) status = open_results(s, err);
  status = agree(s, status, err);
  complete = s->complete;
  if (!status) status = nsw_mpi_check(MPI_Bcast(&complete, 1, MPI_INT, 0, s->transport.comm), "MPI_Bcast", err);
  if (status || complete) return status;
  if (s->transport.rank) return follow(s, err);
  return nsw_transport_tell(&s->transport, lead(s, err), err);
}

static void close_sweep(struct sweep *s) {
  nsw_lock_free(&s->lock);
  free(s->options);
  free(s->notes);
  free(s->folder);
  free(s->hosts.name);
  nsw_results_free(&s->results);
  free(s->facts);
  nsw_sweep_plan_close(&s->plan);
  nsw_guests_close(&s->guests);
  nsw_images_free(&s->images);
  nsw_space_close(&s->space);
  nsw_transport_close(&s->transport);
}

int nsw_sweep(const struct nsw_request *request, struct nsw_error *err) {
  struct sweep s = {.request = request, .lock.file = -1, .begun = nsw_now()};
  int status = nsw_transport_open(&s.transport, MPI_COMM_WORLD, err);
  if (!status) status = make_plan(&s, err);
  if (!status) status = run(&s, err);
  close_sweep(&s);
  return status;
}

int nsw_sweep_check(const struct nsw_request *request, struct nsw_error *err) {
  struct sweep s = {.request = request, .lock.file = -1, .checks = true};
  struct nsw_table *earlier = NULL;
  int status = nsw_transport_open(&s.transport, MPI_COMM_SELF, err);
  if (!status) status = make_plan(&s, err);
  if (!status) status = read_earlier(&s, &earlier, err);
  nsw_table_free(&earlier);
  close_sweep(&s);
  return status;
}
