#include "base/blas.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/isa.h"
#include "base/launch.h"

/* Set in the environment of the process that a repair starts, so that it never repairs again. */
#define MARK "NASWEEP_BLAS_REPAIRED"

/* Only OpenBLAS has these; with another BLAS they are absent, and NULL. */
#pragma weak openblas_get_corename
#pragma weak openblas_get_config
#pragma weak openblas_get_num_threads
#pragma weak openblas_set_num_threads

#if defined(__x86_64__)
/* Instruction set of OpenBLAS's SGEMM kernels of a core type; -1 for one that is not of this architecture or not
 * known, of which nothing is said. */
static int kernel_isa(const char *kernel) {
  static const struct {
    const char *name;
    int isa;
  } known[] = {{"SkylakeX", NSW_AVX512},  {"Cooperlake", NSW_AVX512}, {"SapphireRapids", NSW_AVX512},
               {"Haswell", NSW_AVX2},     {"Zen", NSW_AVX2},          {"Prescott", NSW_PLAIN},
               {"Core2", NSW_PLAIN},      {"Penryn", NSW_PLAIN},      {"Dunnington", NSW_PLAIN},
               {"Nehalem", NSW_PLAIN},    {"Atom", NSW_PLAIN},        {"Sandybridge", NSW_PLAIN},
               {"Athlon", NSW_PLAIN},     {"Opteron", NSW_PLAIN},     {"Opteron_SSE3", NSW_PLAIN},
               {"Barcelona", NSW_PLAIN},  {"Bobcat", NSW_PLAIN},      {"Bulldozer", NSW_PLAIN},
               {"Piledriver", NSW_PLAIN}, {"Steamroller", NSW_PLAIN}, {"Excavator", NSW_PLAIN},
               {"Katmai", NSW_PLAIN},     {"Coppermine", NSW_PLAIN},  {"Northwood", NSW_PLAIN},
               {"Banias", NSW_PLAIN},     {"Nano", NSW_PLAIN}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (!strcasecmp(kernel, known[i].name)) return known[i].isa;
  return -1;
}

/* Zen 4 does 512-bit vectors in two halves: there the Haswell kernels were as fast on large products and up to 1.6
 * times faster on small ones (tests/bench/bench_blas.c on an EPYC of family 25). */
static bool halves_vectors(void) { return __builtin_cpu_is("amdfam19h"); }

const char *nsw_blas_better(const char *kernel) {
  int have = kernel_isa(kernel), isa = (int)nsw_cpu_isa();
  if (isa == NSW_AVX512 && halves_vectors()) isa = NSW_AVX2;
  if (have < 0 || have >= isa) return NULL;
  return isa == NSW_AVX512 ? "SkylakeX" : "Haswell";
}
#else
/* Elsewhere kernels have not been seen to lag behind the CPU. */
const char *nsw_blas_better(const char *kernel) {
  (void)kernel;
  return NULL;
}
#endif

void nsw_blas_inspect(struct nsw_blas *blas) {
  const char *config = openblas_get_config ? openblas_get_config() : NULL;
  const char *kernel = openblas_get_corename ? openblas_get_corename() : "unknown";
  const char *type = getenv("OPENBLAS_CORETYPE");
  *blas = (struct nsw_blas){.threads = openblas_get_num_threads ? openblas_get_num_threads() : 0};
  char version[64] = "";
  if (config && sscanf(config, "OpenBLAS %63s", version) == 1)
    snprintf(blas->library, sizeof blas->library, "OpenBLAS %s", version);
  else
    snprintf(blas->library, sizeof blas->library, "%s", config ? "OpenBLAS" : "unknown");
  snprintf(blas->kernel, sizeof blas->kernel, "%s", kernel);
  blas->switchable = config && strstr(config, "DYNAMIC_ARCH");
  blas->repaired = getenv(MARK) != NULL;
  blas->chosen = type && *type && !blas->repaired;
  blas->better = nsw_blas_better(kernel);
}

static bool threads_set(void) {
  return getenv("OPENBLAS_NUM_THREADS") || getenv("GOTO_NUM_THREADS") || getenv("OMP_NUM_THREADS");
}

void nsw_blas_repair(char *const *argv, void (*before)(void)) {
  struct nsw_blas blas;
  nsw_blas_inspect(&blas);
  if (!threads_set() && openblas_set_num_threads) openblas_set_num_threads(1);
  if (!blas.better || blas.chosen || !blas.switchable || blas.repaired) return;
  if (nsw_launch_rank() == 0)
    fprintf(stderr, "nasweep: %s chose its %s kernels, far below this CPU; starting again with OPENBLAS_CORETYPE=%s\n",
            blas.library, blas.kernel, blas.better);
  if (!threads_set()) setenv("OPENBLAS_NUM_THREADS", "1", 1);
  setenv("OPENBLAS_CORETYPE", blas.better, 1);
  setenv(MARK, blas.kernel, 1);
  if (before) before();
  execv("/proc/self/exe", argv);
  /* Still here: go on, slowly; the mark keeps a later repair from trying again. */
  if (nsw_launch_rank() == 0) perror("nasweep: starting again failed; going on with the slow kernels");
}

int nsw_blas_speed(int m, int n, int k, double seconds, double *gflops, struct nsw_error *err) {
  size_t sizes[3] = {(size_t)m * (size_t)k, (size_t)k * (size_t)n, (size_t)m * (size_t)n};
  float *x[3] = {NULL, NULL, NULL};
  int status = NSW_OK;
  for (int i = 0; i < 3 && !status; i++) {
    x[i] = malloc(sizes[i] * sizeof *x[i]);
    if (!x[i]) status = nsw_no_memory(err, "a %d x %d x %d matrix product", m, n, k);
    for (size_t j = 0; x[i] && j < sizes[i]; j++) x[i][j] = (float)(j % 13) * 0.01f;
  }
  double best = 0, begin = nsw_now(), flops = 2.0 * m * n * k;
  for (int run = 0; !status && (run < 3 || nsw_now() - begin < seconds); run++) {
    int repeats = 1 + (int)(2e7 / flops); /* short products are timed in bunches */
    double start = nsw_now();
    for (int i = 0; i < repeats; i++)
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1.0f, x[0], k, x[1], n, 0.0f, x[2], n);
    double rate = flops * repeats / (nsw_now() - start) * 1e-9;
    if (rate > best) best = rate;
  }
  for (int i = 0; i < 3; i++) free(x[i]);
  if (!status) *gflops = best;
  return status;
}
