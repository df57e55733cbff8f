/* Which BLAS is linked, whether its kernels fit the CPU, and what to do where they do not.
 *
 * OpenBLAS picks its kernels when it is loaded, by CPU model. A release older than the CPU falls back to generic ones
 * (Debian 12's 0.3.21: "Prescott", a fifth of the speed). The choice can only be changed by OPENBLAS_CORETYPE before
 * loading, hence by running the program anew. */
#ifndef NSW_BASE_BLAS_H
#define NSW_BASE_BLAS_H

#include <stdbool.h>
#include <stddef.h>

#include "nasweep/error.h"

struct nsw_blas {
  char library[128];  /* "OpenBLAS 0.3.21", or "unknown" for a BLAS that does not tell */
  char kernel[32];    /* what openblas_get_corename() says, or "unknown" */
  int threads;        /* a call will use */
  bool switchable;    /* built with kernels for several CPUs, so that OPENBLAS_CORETYPE works */
  bool chosen;        /* OPENBLAS_CORETYPE is set by the user, not by a repair */
  bool repaired;      /* this process runs after a repair */
  const char *better; /* core type that fits the CPU, where the kernel in use is for far older ones; NULL otherwise */
};

/* What is loaded now. */
void nsw_blas_inspect(struct nsw_blas *blas);

/* The core type that fits this CPU where `kernel` does not make use of its vectors; NULL where kernel is good enough
 * or not known. */
const char *nsw_blas_better(const char *kernel);

/* Call first thing in main, before MPI starts: where the kernels are far below the CPU, says so in one line on rank 0
 * and runs the program anew with a fitting OPENBLAS_CORETYPE (once; never where the user set one). One thread a call
 * unless the user set a number. before (may be NULL) is called just before that. Returns where nothing is to be done or
 * nothing can be. */
void nsw_blas_repair(char *const *argv, void (*before)(void));

/* GFLOP/s of sgemm, C[m][n] += A[m][k] B[k][n], row-major: best of several runs within about `seconds`. */
int nsw_blas_speed(int m, int n, int k, double seconds, double *gflops, struct nsw_error *err);

#endif
