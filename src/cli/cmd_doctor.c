/* nasweep doctor: what this machine and this build will do, and what to change. */
#include <glob.h>
#include <mpi.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/blas.h"
#include "base/isa.h"
#include "base/launch.h"
#include "base/memory.h"
#include "base/peak.h"
#include "base/version.h"
#include "cli/args.h"
#include "store/file.h"
#include "truth/shipped.h"

enum { ADVICE_MOST = 16, NAME_SIZE = 64 };

/* What to change, collected on the way and printed last. */
struct advice {
  char text[ADVICE_MOST][400];
  int count;
};

__attribute__((format(printf, 2, 3))) static void advise(struct advice *a, const char *format, ...) {
  va_list args;
  if (a->count == ADVICE_MOST) return;
  va_start(args, format);
  vsnprintf(a->text[a->count++], sizeof a->text[0], format, args);
  va_end(args);
}

static void item(const char *name) { printf("%-10s ", name); }

/* ---- program and libraries ---- */

static void show_build(void) {
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING];
  char hdf5[NSW_HDF5_VERSION_SIZE];
  int length;
  item("program");
  printf("nasweep %s (%s)\n", nsw_version(), nsw_git());
  item("compiler");
#if defined(__clang__)
  printf("clang %s\n", __clang_version__);
#else
  printf("gcc %s\n", __VERSION__);
#endif
  MPI_Get_library_version(mpi, &length);
  item("MPI");
  printf("%.*s\n", (int)strcspn(mpi, ",\n"), mpi);
  nsw_file_hdf5_version(hdf5);
  item("HDF5");
  printf("%s\n", hdf5);
}

/* ---- processor ---- */

static void cpu_name(char name[128]) {
  char line[256];
  FILE *f = fopen("/proc/cpuinfo", "r");
  snprintf(name, 128, "unknown");
  while (f && fgets(line, sizeof line, f)) {
    char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) || !colon) continue;
    snprintf(name, 128, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
    break;
  }
  if (f) fclose(f);
}

/* Cores this process may run on. */
static int usable_cores(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) ? (int)sysconf(_SC_NPROCESSORS_ONLN) : CPU_COUNT(&set);
}

/* The cores a control group grants, or 0 where it sets no limit. */
static double granted_cores(void) {
  double quota = 0, period = 0;
  FILE *f = fopen("/sys/fs/cgroup/cpu.max", "r");
  int n = f ? fscanf(f, "%lf %lf", &quota, &period) : 0;
  if (f) fclose(f);
  return n == 2 && period > 0 ? quota / period : 0;
}

static void show_machine(struct advice *advice) {
  char name[128];
  struct utsname system;
  double granted = granted_cores();
  cpu_name(name);
  item("CPU");
  printf("%s; %d cores usable here, kernels for %s%s\n", name, usable_cores(), nsw_isa_name(nsw_cpu_isa()),
         getenv("NASWEEP_ISA") ? " (NASWEEP_ISA)" : "");
  if (granted > 0 && granted < usable_cores())
    advise(advice, "the control group grants %.1f of %d cores: start no more ranks than that", granted, usable_cores());
  if (getenv("NASWEEP_ISA"))
    advise(advice, "NASWEEP_ISA is set and keeps the kernels below what the CPU has: unset it");
  item("memory");
  printf("%.1f GiB available\n", nsw_memory_available() / (1 << 30));
  if (uname(&system) == 0) {
    item("system");
    printf("%s %s, host %s\n", system.sysname, system.release, system.nodename);
  }
}

/* ---- BLAS ---- */

static int show_blas(double peak, bool quick, struct advice *advice, struct nsw_error *err) {
  static const int shapes[][3] = {{16, 1024, 144}, {64, 64, 576}, {128, 1024, 1152}, {1024, 1024, 1024}};
  struct nsw_blas blas;
  double rate = 0;
  nsw_blas_inspect(&blas);
  item("BLAS");
  printf("%s, %s kernels%s, %d thread%s a rank\n", blas.library, blas.kernel,
         blas.repaired ? " (set by this program)"
         : blas.chosen ? " (OPENBLAS_CORETYPE)"
                       : "",
         blas.threads, blas.threads == 1 ? "" : "s");
  if (blas.better)
    advise(advice, "BLAS uses %s kernels, far below this CPU: %s", blas.kernel,
           !blas.switchable ? "link an OpenBLAS built with DYNAMIC_ARCH=1, or for this CPU"
           : blas.chosen    ? "unset OPENBLAS_CORETYPE"
                            : "install a newer OpenBLAS; its core type could not be changed");
  if (blas.threads > 1)
    advise(advice,
           "BLAS uses %d threads a rank: one a rank and more ranks is faster (unset OMP_NUM_THREADS and "
           "OPENBLAS_NUM_THREADS)",
           blas.threads);
  if (quick) return NSW_OK;
  item("sgemm");
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    int status = nsw_blas_speed(shapes[i][0], shapes[i][1], shapes[i][2], 0.1, &rate, err);
    if (status) return status;
    printf("%s%dx%dx%d %.0f", i ? ", " : "", shapes[i][0], shapes[i][1], shapes[i][2], rate);
  }
  printf(" GFLOP/s\n");
  if (rate < 0.4 * peak && !blas.better)
    advise(advice,
           "large matrix products reach %.0f of %.0f GFLOP/s: another BLAS, or an idle machine, would be faster", rate,
           peak);
  return NSW_OK;
}

/* ---- ranks ---- */

/* Where one rank runs. */
struct place {
  char host[NAME_SIZE];
  int cores;      /* it may run on */
  int first_core; /* lowest of them */
};

static struct place place_here(void) {
  struct place p = {.cores = usable_cores()};
  cpu_set_t set;
  gethostname(p.host, sizeof p.host - 1);
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    while (p.first_core < CPU_SETSIZE - 1 && !CPU_ISSET(p.first_core, &set)) p.first_core++;
  return p;
}

static const char *launcher(void) {
  if (getenv("OMPI_COMM_WORLD_RANK")) return getenv("SLURM_JOB_ID") ? "mpirun in a Slurm job" : "mpirun";
  if (nsw_launched()) return getenv("SLURM_JOB_ID") ? "srun" : "a launcher";
  return "alone";
}

/* Says what is wrong with the ranks of one host, given those of all. */
static void judge_host(const struct place *all, int size, int first, struct advice *advice) {
  int here = 0, bound_together = 0;
  for (int i = first; i < size; i++) {
    if (strcmp(all[i].host, all[first].host)) continue;
    here++;
    bound_together += all[i].cores == 1 && all[first].cores == 1 && all[i].first_core == all[first].first_core;
  }
  if (bound_together > 1)
    advise(advice, "%d ranks on %s are bound to the same core: use srun --cpu-bind=cores, or mpirun --bind-to core",
           bound_together, all[first].host);
  else if (here > all[first].cores && all[first].cores > 1)
    advise(advice, "%d ranks on %s share %d cores: start no more ranks than cores", here, all[first].host,
           all[first].cores);
}

static void show_ranks(const struct place *all, int size, struct advice *advice) {
  int hosts = 0;
  for (int i = 0; i < size; i++) {
    bool seen = false;
    for (int j = 0; j < i && !seen; j++) seen = !strcmp(all[i].host, all[j].host);
    if (seen) continue;
    hosts++;
    judge_host(all, size, i, advice);
  }
  item("ranks");
  printf("%d on %d host%s (%s)\n", size, hosts, hosts == 1 ? "" : "s", launcher());
}

/* ---- data ---- */

/* Files that commands can use, by the names they are published under. */
static const struct {
  const char *pattern, *what;
} known_data[] = {{"cifar-10-batches-bin", "CIFAR-10 images (score --data)"},
                  {"cifar-100-binary", "CIFAR-100 images (score --data)"},
                  {"ImageNet16*", "ImageNet16-120 images (score --data)"},
                  {"NATS-tss-*-simple", "nb201 accuracies (import nats)"},
                  {"NAS-Bench-201-*.pth", "nb201 accuracies (import nb201-pth)"},
                  {"nasbench*.tfrecord", "nb101 accuracies (import nb101-tfrecord)"},
                  {"zc_nasbench*.json", "published scores and accuracies (import suite-zero)"},
                  {"*accuracy*.csv*", "accuracies (import csv)"}};

/* The accuracy tables that come with the program. */
static void show_tables(void) {
  char pattern[4096], *folder = nsw_shipped_folder();
  glob_t hits;
  item("tables");
  snprintf(pattern, sizeof pattern, "%s/*.table", folder ? folder : "");
  if (!folder || glob(pattern, 0, NULL, &hits)) {
    printf("none that come with the program (NASWEEP_TABLES names their folder)\n");
  } else {
    for (size_t i = 0; i < hits.gl_pathc; i++) printf("%s%s", i ? ", " : "", hits.gl_pathv[i] + strlen(folder) + 1);
    printf(" in %s\n", folder);
    globfree(&hits);
  }
  free(folder);
}

static void show_data(struct advice *advice) {
  const char *folder = getenv("NASWEEP_DATA");
  struct stat s;
  int found = 0;
  item("data");
  if (!folder || !*folder) {
    printf("NASWEEP_DATA is not set; scores use built-in synthetic images\n");
    advise(advice, "set NASWEEP_DATA to a folder with data sets and accuracy tables (README: getting data sets)");
    return;
  }
  printf("NASWEEP_DATA=%s\n", folder);
  if (stat(folder, &s) || !S_ISDIR(s.st_mode)) {
    advise(advice, "NASWEEP_DATA=%s is not a folder that can be read", folder);
    return;
  }
  for (size_t i = 0; i < sizeof known_data / sizeof *known_data; i++) {
    char pattern[4096];
    glob_t hits;
    snprintf(pattern, sizeof pattern, "%s/%s", folder, known_data[i].pattern);
    if (glob(pattern, 0, NULL, &hits)) continue;
    for (size_t j = 0; j < hits.gl_pathc; j++, found++)
      printf("           %-36s %s\n", hits.gl_pathv[j] + strlen(folder) + 1, known_data[i].what);
    globfree(&hits);
  }
  if (!found) advise(advice, "nothing known was found in NASWEEP_DATA=%s (README: getting data sets)", folder);
}

/* ---- all of it ---- */

static int report(const struct nsw_args *args, const struct place *places, int size, struct nsw_error *err) {
  static struct advice none;
  struct advice advice = none;
  bool quick = nsw_args_flag(args, "quick");
  double peak = quick ? 0 : nsw_peak(0.1);
  show_build();
  show_machine(&advice);
  if (!quick) {
    item("peak");
    printf("%.0f GFLOP/s float32 on one core (multiply-adds in registers)\n", peak);
  }
  int status = show_blas(peak, quick, &advice, err);
  show_ranks(places, size, &advice);
  show_data(&advice);
  show_tables();
  for (int i = 0; i < advice.count; i++) printf("%s%s\n", i ? "           " : "change     ", advice.text[i]);
  if (!advice.count) printf("change     nothing\n");
  return status;
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  int rank, size, status = NSW_OK;
  struct place mine = place_here();
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  struct place *all = rank == 0 ? calloc((size_t)size, sizeof *all) : NULL;
  if (rank == 0 && !all) status = nsw_no_memory(err, "%d ranks", size);
  MPI_Bcast(&status, 1, MPI_INT, 0, MPI_COMM_WORLD);
  if (status) return status;
  MPI_Gather(&mine, sizeof mine, MPI_BYTE, all, sizeof mine, MPI_BYTE, 0, MPI_COMM_WORLD);
  if (rank == 0) status = report(args, all, size, err);
  free(all);
  return status;
}

static const struct nsw_option options[] = {{.name = "quick", .help = "without measuring (about a second)"}, {0}};

const struct nsw_command nsw_cmd_doctor = {
    .name = "doctor",
    .summary = "tells what this machine and build will do, and what to change",
    .text =
        "Prints versions, the processor and the kernels chosen for it, which BLAS kernels are in use and how fast they "
        "are beside the processor's own peak, where ranks run, and what data is found under NASWEEP_DATA; the last "
        "lines say what to change. Under mpirun or srun it looks at all ranks.\n\nExamples:\n"
        "  nasweep doctor\n"
        "  srun --mpi=pmix nasweep doctor",
    .options = options,
    .mpi = true,
    .blas = true,
    .run = run,
};
