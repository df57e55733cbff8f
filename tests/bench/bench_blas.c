/* Which of OpenBLAS's kernels are fastest on this CPU: sgemm on the matrix products that convolutions become, GFLOP/s
 * of one thread, best of several runs, for each core type. Runs itself anew for each, as OpenBLAS chooses at loading.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/blas.h"

/* m x n x k, row-major: nb201's three stages forward (a 3x3 convolution of one image), two of their transposes over a
 * batch of 50, nb101's two larger ones, and a square. */
static const int shapes[][3] = {{16, 1024, 144}, {32, 256, 288},    {64, 64, 576},    {51200, 16, 144},
                                {3200, 64, 576}, {128, 1024, 1152}, {256, 256, 2304}, {2048, 2048, 2048}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static int measure(void) {
  struct nsw_blas blas;
  struct nsw_error err;
  nsw_blas_inspect(&blas);
  printf("%-12s", blas.kernel);
  for (int i = 0; i < SHAPES; i++) {
    double rate;
    if (nsw_blas_speed(shapes[i][0], shapes[i][1], shapes[i][2], 0.25, &rate, &err)) {
      fprintf(stderr, "%s\n", err.text);
      return 1;
    }
    printf(" %8.1f", rate);
    fflush(stdout);
  }
  printf("%s\n", getenv("OPENBLAS_CORETYPE") ? "" : "  (its own choice)");
  return 0;
}

int main(int argc, char **argv) {
  static const char *const types[] = {"", "Prescott", "Haswell", "Zen", "SkylakeX", "Cooperlake", NULL};
  if (argc > 1) return measure();
  printf("sgemm, GFLOP/s, one thread\n%-12s", "core type");
  for (int i = 0; i < SHAPES; i++) {
    char name[32];
    snprintf(name, sizeof name, "%dx%d", shapes[i][0], shapes[i][2]);
    printf(" %8s", name);
  }
  printf("\n");
  for (int i = 0; types[i]; i++) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      setenv("OPENBLAS_NUM_THREADS", "1", 1);
      *types[i] ? setenv("OPENBLAS_CORETYPE", types[i], 1) : unsetenv("OPENBLAS_CORETYPE");
      execl("/proc/self/exe", argv[0], "measure", (char *)NULL);
      _exit(1);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) < 0) return 1;
    if (status) printf("%-12s not on this CPU\n", types[i]);
  }
  return 0;
}
