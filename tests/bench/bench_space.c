/* How long the spaces take: enumeration and hashes of nb101, SED of both, and md5 in many streams beside one stream.
 * CPU time of one core; every figure is the median of RUNS, with the best beside it. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/isa.h"
#include "naive_nb101.h"
#include "nasweep/proxy.h"
#include "space/md5.h"
#include "space/nb101.h"

enum { RUNS = 9 };

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Seconds of work(context), RUNS times: the median, the best in *best. */
static double measure(void (*work)(void *context), void *context, double *best) {
  double seconds[RUNS];
  for (int r = 0; r < RUNS; r++) {
    double start = nsw_process_seconds();
    work(context);
    seconds[r] = nsw_process_seconds() - start;
  }
  qsort(seconds, RUNS, sizeof *seconds, ascending);
  *best = seconds[0];
  return seconds[RUNS / 2];
}

static void die(const char *what) {
  fprintf(stderr, "bench_space: %s\n", what);
  exit(1);
}

/* ---- md5 ---- */

enum { MESSAGE = 512, MESSAGES = 4096 };
typedef unsigned char *one_shot_md5(const unsigned char *data, size_t n, unsigned char *digest);

struct md5_work {
  nsw_md5_streams_fn *streams;
  one_shot_md5 *single;
  nsw_md5_row *message; /* [16 * MESSAGE / 64] */
};

static void hash_streams(void *context) {
  const struct md5_work *w = context;
  nsw_md5_row digest[4];
  for (int i = 0; i < MESSAGES / NSW_MD5_STREAMS; i++) {
    w->streams(w->message, MESSAGE / 64, digest);
    w->message[0][0] += digest[0][0];
  }
}

static void hash_singles(void *context) {
  const struct md5_work *w = context;
  unsigned char digest[16], *text = (unsigned char *)w->message;
  for (int i = 0; i < MESSAGES; i++) {
    w->single(text, MESSAGE - 9, digest); /* with padding: the same number of blocks */
    text[0] += digest[0];
  }
}

static unsigned char *reference(const unsigned char *data, size_t n, unsigned char *digest) {
  nsw_md5(data, n, digest);
  return digest;
}

static double report_md5(const char *name, void (*work)(void *), struct md5_work *w) {
  double best, median = measure(work, w, &best), bytes = (double)MESSAGE * MESSAGES;
  printf("md5 %-28s %7.2f GB/s (best %.2f)\n", name, bytes / median * 1e-9, bytes / best * 1e-9);
  return median;
}

static void bench_md5(void) {
  struct md5_work w = {.message = aligned_alloc(64, 16 * MESSAGE / 64 * sizeof(nsw_md5_row))};
  if (!w.message) die("out of memory");
  memset(w.message, 'x', 16 * MESSAGE / 64 * sizeof(nsw_md5_row));
  double streams = 0, single;
  for (int isa = NSW_PLAIN; isa <= (int)nsw_cpu_isa(); isa++) {
    char name[64];
    w.streams = NSW_DISPATCH(isa, nsw_md5_streams);
    snprintf(name, sizeof name, "%d streams, %s", NSW_MD5_STREAMS, nsw_isa_name((enum nsw_isa)isa));
    streams = report_md5(name, hash_streams, &w);
  }
  w.single = reference;
  single = report_md5("one stream, reference", hash_singles, &w);
  void *crypto = dlopen("libcrypto.so.3", RTLD_NOW);
  void *found = crypto ? dlsym(crypto, "MD5") : NULL;
  if (found) {
    memcpy(&w.single, &found, sizeof found);
    single = report_md5("one stream, OpenSSL", hash_singles, &w);
  } else {
    printf("md5 one stream, OpenSSL: skipped, libcrypto.so.3 is not there\n");
  }
  printf("md5 streams over one stream: %.1f times\n", single / streams);
  free(w.message);
}

/* ---- nb101 ---- */

struct nb101_work {
  uint32_t *graphs;
  uint8_t *keys;
};

static void enumerate(void *context) {
  if (nsw_nb101_enumerate(((struct nb101_work *)context)->graphs, NULL)) die("the enumeration failed");
}

static void hash_all(void *context) {
  const struct nb101_work *w = context;
  nsw_nb101_hash(w->graphs, NSW_NB101_COUNT, w->keys);
}

static void hash_first_half(void *context) {
  const struct nb101_work *w = context;
  nsw_nb101_hash(w->graphs, NSW_NB101_COUNT / 2, w->keys);
}

static void hash_second_half(void *context) {
  const struct nb101_work *w = context;
  nsw_nb101_hash(w->graphs + NSW_NB101_COUNT / 2, NSW_NB101_COUNT / 2, w->keys);
}

static void hash_some_plainly(void *context) {
  const struct nb101_work *w = context;
  for (uint32_t i = 0; i < NSW_NB101_COUNT; i += 1000) nsw_nb101_hash_naive(w->graphs[i], w->keys);
}

static void bench_nb101(void) {
  struct nb101_work w = {malloc(NSW_NB101_COUNT * sizeof(uint32_t)), malloc(NSW_NB101_COUNT * NSW_NB101_KEY_SIZE)};
  if (!w.graphs || !w.keys) die("out of memory");
  double best, median = measure(enumerate, &w, &best), whole = median;
  printf("nb101 enumeration              %8.4f s (best %.4f)\n", median, best);
  median = measure(hash_all, &w, &best);
  whole += median;
  printf("nb101 hashes, %-7s           %8.4f s (best %.4f)\n", nsw_isa_name(nsw_cpu_isa()), median, best);
  printf("nb101 enumeration and hashes   %8.4f s; bench_space.py times the procedure in Python\n", whole);
  double halves[2] = {measure(hash_first_half, &w, &best), measure(hash_second_half, &w, &best)};
  printf("nb101 hashes in two shares     %8.4f s and %.4f s\n", halves[0], halves[1]);
  median = measure(hash_some_plainly, &w, &best);
  printf("nb101 hashes, reference        %8.4f s (from every 1000th)\n", median * 1000);
  free(w.graphs);
  free(w.keys);
}

/* ---- SED ---- */

struct sed_work {
  const struct nsw_proxy *proxy;
  void *evaluator;
  uint32_t *members, count;
  double *values;
  uint8_t *status;
};

static void score_all(void *context) {
  struct sed_work *w = context;
  if (w->proxy->score(w->evaluator, 0, w->members, w->count, w->values, w->status, NULL)) die("scoring failed");
}

static void bench_sed(const char *name) {
  struct nsw_space *space;
  struct sed_work w = {.proxy = nsw_proxy_find("sed", NULL)};
  const char *values[16];
  if (nsw_space_open(name, &space, NULL)) die("no such space");
  struct nsw_context context = {.space = space, .macro = nsw_space_macro(space, (struct nsw_macro){0})};
  for (int i = 0; i < nsw_proxy_options(w.proxy); i++) values[i] = w.proxy->options[i].value;
  if (w.proxy->open(&context, values, &w.evaluator, NULL)) die("SED does not open");
  w.count = nsw_space_count(space);
  w.members = malloc(w.count * sizeof *w.members);
  w.values = malloc(w.count * (size_t)nsw_proxy_columns(w.proxy) * sizeof *w.values);
  w.status = malloc(w.count);
  if (!w.members || !w.values || !w.status) die("out of memory");
  for (uint32_t i = 0; i < w.count; i++) w.members[i] = i;
  double best, median = measure(score_all, &w, &best);
  printf("sed %s, four columns        %8.1f ns an architecture (best %.1f), %.4f s the space\n", name,
         median / w.count * 1e9, best / w.count * 1e9, median);
  w.proxy->close(w.evaluator);
  free(w.members);
  free(w.values);
  free(w.status);
  nsw_space_close(&space);
}

int main(void) {
  bench_md5();
  bench_nb101();
  bench_sed("nb201");
  bench_sed("nb101");
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("largest memory %.1f MB\n", (double)usage.ru_maxrss / 1024);
  return 0;
}
