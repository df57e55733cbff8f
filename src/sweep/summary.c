#include "sweep/summary.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/blas.h"
#include "base/version.h"
#include "data/images.h"
#include "store/file.h"
#include "sweep/progress.h"

/* A host list longer than this is cut in the file: attributes of HDF5 are small. */
enum { HOSTS_TEXT = 16384, SESSIONS_TEXT = 32768 };

void nsw_timestamp(char text[32]) {
  time_t now = time(NULL);
  struct tm utc;
  strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
}

/* ---- hosts ---- */

static int by_name(const void *a, const void *b) { return strncmp(a, b, NSW_HOST_SIZE); }

static const char *host_of(const struct nsw_hosts *hosts, int rank) {
  return hosts->name + (size_t)rank * NSW_HOST_SIZE;
}

int nsw_hosts_gather(const struct nsw_transport *transport, struct nsw_hosts *hosts, struct nsw_error *err) {
  char mine[MPI_MAX_PROCESSOR_NAME] = "";
  int length;
  *hosts = (struct nsw_hosts){.ranks = transport->size};
  MPI_Get_processor_name(mine, &length);
  mine[NSW_HOST_SIZE - 1] = '\0';
  if (transport->rank == 0) hosts->name = calloc((size_t)transport->size, NSW_HOST_SIZE);
  int status = transport->rank == 0 && !hosts->name ? nsw_no_memory(err, "%d ranks", transport->size) : NSW_OK;
  status = nsw_transport_agree(transport->comm, status, err);
  if (!status)
    status = nsw_mpi_check(
        MPI_Gather(mine, NSW_HOST_SIZE, MPI_CHAR, hosts->name, NSW_HOST_SIZE, MPI_CHAR, 0, transport->comm),
        "MPI_Gather", err);
  if (status || transport->rank) return status;
  char *sorted = malloc((size_t)transport->size * NSW_HOST_SIZE);
  if (!sorted) return nsw_no_memory(err, "%d ranks", transport->size);
  memcpy(sorted, hosts->name, (size_t)transport->size * NSW_HOST_SIZE);
  qsort(sorted, (size_t)transport->size, NSW_HOST_SIZE, by_name);
  for (int i = 0; i < transport->size; i++)
    hosts->distinct += !i || by_name(sorted + (size_t)i * NSW_HOST_SIZE, sorted + (size_t)(i - 1) * NSW_HOST_SIZE);
  free(sorted);
  return NSW_OK;
}

/* "node1:32 node2:32": ranks on each host, in the order of ranks. Owned by the caller. */
static char *hosts_text(const struct nsw_hosts *hosts) {
  char *text = malloc(HOSTS_TEXT);
  size_t length = 0;
  if (!text) return NULL;
  text[0] = '\0';
  for (int i = 0, next; i < hosts->ranks; i = next) {
    for (next = i; next < hosts->ranks && !strcmp(host_of(hosts, i), host_of(hosts, next));) next++;
    int n = snprintf(text + length, HOSTS_TEXT - length, "%s%s:%d", i ? " " : "", host_of(hosts, i), next - i);
    if ((size_t)n >= HOSTS_TEXT - length) {
      text[length] = '\0';
      break;
    }
    length += (size_t)n;
  }
  return text;
}

/* ---- begin ---- */

static void mpi_version(char *text, size_t size) {
  char version[MPI_MAX_LIBRARY_VERSION_STRING];
  int length;
  MPI_Get_library_version(version, &length);
  snprintf(text, size, "%.*s", (int)strcspn(version, ","), version);
}

static bool uses_network(const struct nsw_sweep_plan *plan) {
  for (size_t f = 0; f < plan->families; f++)
    if (plan->family[f].proxy->needs & NSW_NEEDS_NETWORK) return true;
  return false;
}

void nsw_summary_begin(const struct nsw_sweep_plan *plan, const struct nsw_hosts *hosts, uint32_t done) {
  const struct nsw_request *request = plan->request;
  const struct nsw_images *images = plan->context.images;
  char mpi[128], a[32], b[32], c[32];
  mpi_version(mpi, sizeof mpi);
  fprintf(stderr, "nasweep %s (%s): %s\n", nsw_version(), nsw_git(), request->command);
  fprintf(stderr, "  runs on  %d rank%s, %d host%s; %s\n", hosts->ranks, hosts->ranks == 1 ? "" : "s", hosts->distinct,
          hosts->distinct == 1 ? "" : "s", mpi);
  if (uses_network(plan)) {
    struct nsw_blas blas;
    nsw_blas_inspect(&blas);
    fprintf(stderr, "  BLAS     %s, kernel %s, %d thread%s a rank\n", blas.library, blas.kernel, blas.threads,
            blas.threads == 1 ? "" : "s");
  }
  if (images)
    fprintf(stderr, "  data     %s from %s, %zu images, sha256 %.16s\n", images->dataset, images->source, images->count,
            images->sha256);
  fprintf(stderr, "  scores   %s of %s architectures of %s by", nsw_thousands(plan->rows, a),
          nsw_thousands(nsw_space_count(plan->space), b), request->space);
  for (size_t f = 0; f < plan->families; f++) {
    const struct nsw_family *family = &plan->family[f];
    for (int k = 0; k < family->parts; k++) fprintf(stderr, "%s %s", f || k ? "," : "", family->part[k].proxy->name);
    if (family->proxy->needs & NSW_NEEDS_SEED) {
      fprintf(stderr, " (seed%s", request->seeds > 1 ? "s" : "");
      for (size_t s = 0; s < request->seeds; s++) fprintf(stderr, " %" PRIu64, request->seed[s]);
      fprintf(stderr, ")");
    }
  }
  fprintf(stderr, ": %s evaluation%s", nsw_thousands(plan->tasks, c), plan->tasks == 1 ? "" : "s");
  if (done) fprintf(stderr, ", %s of them there already", nsw_thousands(done, a));
  fprintf(stderr, "\n");
  for (size_t f = 0; f < plan->families; f++)
    for (int k = 0; k < plan->family[f].parts; k++) {
      const struct nsw_proxy *proxy = plan->family[f].part[k].proxy;
      if (proxy->note) fprintf(stderr, "  note     %s: %s\n", proxy->name, proxy->note);
    }
}

/* ---- end ---- */

/* Least, mean and most over ranks of one time. */
static void show_phase(const char *name, const struct nsw_timing *timing, const struct nsw_hosts *hosts, int from,
                       size_t field) {
  double least = INFINITY, most = -INFINITY, sum = 0;
  int slowest = from;
  for (int r = from; r < hosts->ranks; r++) {
    double t;
    memcpy(&t, (const char *)&timing[r] + field, sizeof t);
    least = fmin(least, t);
    if (t > most) slowest = r;
    most = fmax(most, t);
    sum += t;
  }
  fprintf(stderr, "  %-10s %9.3f %9.3f %9.3f   rank %d on %s\n", name, least, sum / (hosts->ranks - from), most,
          slowest, host_of(hosts, slowest));
}

static void show_phases(const struct nsw_sweep_plan *plan, const struct nsw_hosts *hosts,
                        const struct nsw_served *served) {
  int from = nsw_server_works(plan->request, hosts->ranks) ? 0 : 1;
  fprintf(stderr, "  %-10s %9s %9s %9s   longest on\n", "seconds", "min", "mean", "max");
  show_phase("evaluating", served->timing, hosts, from, offsetof(struct nsw_timing, busy));
  show_phase("of it CPU", served->timing, hosts, from, offsetof(struct nsw_timing, cpu));
  show_phase("waiting", served->timing, hosts, from, offsetof(struct nsw_timing, waited));
  show_phase("end idle", served->timing, hosts, from, offsetof(struct nsw_timing, idle));
}

static double total_busy(const struct nsw_served *served, int ranks) {
  double busy = 0;
  for (int r = 0; r < ranks; r++) busy += served->timing[r].busy;
  return busy;
}

/* Why rows failed: the first few. */
static void show_failures(const struct nsw_sweep_plan *plan, const struct nsw_results *results) {
  const struct nsw_failure *failure;
  size_t count = nsw_results_failures(results, &failure), shown = count < NSW_FAILURES ? count : NSW_FAILURES;
  char id[256], text[32];
  for (size_t i = 0; i < shown; i++) {
    nsw_space_id(plan->space, failure[i].index, id);
    fprintf(stderr, "  failed   architecture %" PRIu32 " (%s), %s", failure[i].index, id, failure[i].column);
    if (plan->request->seeds > 1) fprintf(stderr, ", seed %" PRIu64, failure[i].seed);
    if (failure[i].evaluated)
      fprintf(stderr, ": its value is %g\n", failure[i].value);
    else
      fprintf(stderr, ": passed over, its evaluation ended earlier runs\n");
  }
  if (count > shown) fprintf(stderr, "  failed   and %s more values\n", nsw_thousands(count - shown, text));
}

void nsw_summary_end(const struct nsw_sweep_plan *plan, const struct nsw_hosts *hosts,
                     const struct nsw_results *results, const struct nsw_served *served, double setup, double written,
                     int status) {
  char a[32], b[32], c[32], d[32];
  struct nsw_tally tally = nsw_results_tally(results);
  double busy = total_busy(served, hosts->ranks), wall = served->wall;
  fprintf(stderr, "  %.3f s before the sweep, %.3f s in it, %.3f s to write the file\n", setup, wall, written);
  if (hosts->ranks > 1 && served->evaluations) show_phases(plan, hosts, served);
  if (served->evaluations && wall > 0)
    fprintf(stderr, "  %s evaluation%s, %.4g a second, %.1f %% of %d rank%s time\n",
            nsw_thousands(served->evaluations, a), served->evaluations == 1 ? "" : "s",
            (double)served->evaluations / wall, 100 * busy / (wall * hosts->ranks), hosts->ranks,
            hosts->ranks == 1 ? "'s" : "s'");
  fprintf(stderr, "  rows: %s scored, %s without a path, %s failed, %s pending\n", nsw_thousands(tally.scored, a),
          nsw_thousands(tally.no_path, b), nsw_thousands(tally.failed, c), nsw_thousands(tally.pending, d));
  show_failures(plan, results);
  if (!status)
    fprintf(stderr, "%s: complete%s\n", plan->request->out, tally.failed ? ", with failed rows" : "");
  else if (nsw_is_stopped(status))
    fprintf(stderr, "%s: stopped by %s, %.1f %% done; the same command goes on\n", plan->request->out,
            served->stopped ? served->stopped : "request", 100.0 * nsw_results_count(results) / plan->tasks);
}

/* ---- in the file ---- */

static int set_libraries(struct nsw_attributes *a, const struct nsw_sweep_plan *plan, struct nsw_error *err) {
  char mpi[128];
  mpi_version(mpi, sizeof mpi);
  int status = nsw_attributes_set(a, "mpi", mpi, err);
  if (status) return status;
  struct nsw_blas blas = {.library = "not used", .kernel = "not used"};
  if (uses_network(plan)) nsw_blas_inspect(&blas);
  status = nsw_attributes_set(a, "blas", blas.library, err);
  return status ? status : nsw_attributes_set(a, "blas_kernel", blas.kernel, err);
}

static int set_seeds(struct nsw_attributes *a, const struct nsw_request *request, struct nsw_error *err) {
  char text[1024];
  size_t length = 0;
  for (size_t s = 0; s < request->seeds && length < sizeof text; s++)
    length += (size_t)snprintf(text + length, sizeof text - length, "%s%" PRIu64, s ? "," : "", request->seed[s]);
  return nsw_attributes_set(a, "seed", text, err);
}

int nsw_summary_provenance(struct nsw_results *results, const struct nsw_sweep_plan *plan,
                           const struct nsw_hosts *hosts, const char *options, const struct nsw_table *earlier,
                           struct nsw_error *err) {
  struct nsw_attributes *a = &nsw_results_table(results)->attributes;
  const struct nsw_images *images = plan->context.images;
  char now[32];
  nsw_timestamp(now);
  const char *created = earlier ? nsw_attributes_get(&earlier->attributes, "created") : NULL;
  const char *sessions = earlier ? nsw_attributes_get(&earlier->attributes, "sessions") : NULL;
  char *names = hosts_text(hosts);
  int status = names ? nsw_attributes_set(a, "hosts", names, err) : nsw_no_memory(err, "host names");
  free(names);
  if (!status) status = nsw_attributes_set(a, "version", nsw_version(), err);
  if (!status) status = nsw_attributes_set(a, "git", nsw_git(), err);
  if (!status) status = nsw_attributes_set(a, "command", plan->request->command, err);
  if (!status) status = nsw_attributes_set(a, "created", created ? created : now, err);
  if (!status) status = nsw_attributes_set(a, "finished", "", err);
  if (!status && sessions) status = nsw_attributes_set(a, "sessions", sessions, err);
  if (!status) status = nsw_attributes_setf(a, err, "ranks", "%d", hosts->ranks);
  if (!status) status = set_libraries(a, plan, err);
  if (!status) status = set_seeds(a, plan->request, err);
  if (!status) status = nsw_attributes_set(a, "data", images ? images->source : "", err);
  if (!status) status = nsw_attributes_set(a, "data_sha256", images ? images->sha256 : "", err);
  return status ? status : nsw_attributes_set(a, "options", options, err);
}

/* One line a run: what a sweep in several sittings cost. */
static int add_session(struct nsw_attributes *a, const struct nsw_hosts *hosts, const struct nsw_served *served,
                       double setup, struct nsw_error *err) {
  const char *before = nsw_attributes_get(a, "sessions");
  char now[32];
  nsw_timestamp(now);
  size_t length = before ? strlen(before) : 0;
  const char *kept = length > SESSIONS_TEXT ? strchr(before + length - SESSIONS_TEXT, '\n') : before;
  char *text = NULL;
  size_t size;
  FILE *f = open_memstream(&text, &size);
  if (!f) return nsw_no_memory(err, "attributes");
  if (kept && *kept) fprintf(f, "%s\n", kept + (*kept == '\n'));
  fprintf(f,
          "ended=%s ranks=%d hosts=%d setup=%.6f wall=%.6f busy=%.6f evaluations=%" PRIu64 " messages=%" PRIu64
          " server=%.6f checkpoints=%u checkpoint_seconds=%.6f stall=%.6f",
          now, hosts->ranks, hosts->distinct, setup, served->wall, total_busy(served, hosts->ranks),
          served->evaluations, served->messages, served->server_busy, served->checkpoints, served->checkpoint_seconds,
          served->stall);
  if (fclose(f)) return nsw_no_memory(err, "attributes");
  int status = nsw_attributes_set(a, "sessions", text, err);
  free(text);
  return status;
}

/* One field of every rank's timing as a series. */
static int add_series(struct nsw_table *table, const char *name, const struct nsw_served *served, int ranks,
                      size_t field, struct nsw_error *err) {
  double *value = malloc((size_t)ranks * sizeof *value);
  if (!value) return nsw_no_memory(err, "timings of %d ranks", ranks);
  for (int r = 0; r < ranks; r++) memcpy(&value[r], (const char *)&served->timing[r] + field, sizeof *value);
  int status = nsw_table_add_series(table, name, value, (size_t)ranks, err);
  free(value);
  return status;
}

int nsw_summary_timings(struct nsw_results *results, const struct nsw_hosts *hosts, const struct nsw_served *served,
                        double setup, struct nsw_error *err) {
  struct nsw_table *table = nsw_results_table(results);
  if (!served->evaluations) return NSW_OK; /* nothing was left to do: what earlier runs noted stays */
  int status = add_session(&table->attributes, hosts, served, setup, err);
  if (!status) status = add_series(table, "span", served, hosts->ranks, offsetof(struct nsw_timing, span), err);
  if (!status) status = add_series(table, "busy", served, hosts->ranks, offsetof(struct nsw_timing, busy), err);
  if (!status) status = add_series(table, "cpu", served, hosts->ranks, offsetof(struct nsw_timing, cpu), err);
  if (!status) status = add_series(table, "waited", served, hosts->ranks, offsetof(struct nsw_timing, waited), err);
  if (!status) status = add_series(table, "idle", served, hosts->ranks, offsetof(struct nsw_timing, idle), err);
  return status ? status
                : add_series(table, "evaluations", served, hosts->ranks, offsetof(struct nsw_timing, tasks), err);
}
