/* Networks: time of a forward and backward pass of 50 images, what fraction of the core's FP32 peak that is, what it
 * goes to; and the convolution kernels beside the OpenBLAS product of the same size (whose im2col is not counted). */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/peak.h"
#include "base/random.h"
#include "net/conv.h"
#include "net/engine.h"

enum { IMAGES = 50, RUNS = 7 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
  return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static double median(double *x, int n) {
  qsort(x, (size_t)n, sizeof *x, by_value);
  return x[n / 2];
}

static float *noise(size_t n) {
  float *x = aligned_alloc(64, (n * sizeof *x + 127) / 64 * 64);
  if (x) nsw_random_normal((struct nsw_stream){.seed = 1, .purpose = NSW_FOR_NOISE}, 1, 0, x, n);
  return x;
}

/* One convolution of C to K channels on an S x S image, forward, weights' gradient, and as a BLAS product. */
static void bench_conv(int c, int k, int size, int kernel, double peak) {
  int taps = kernel * kernel, row = (size + 2) * c;
  double flop = 2.0 * size * size * c * k * taps, rate[3][RUNS];
  struct nsw_conv_pass p = {.rows = size,
                            .cols = size,
                            .x_row = row,
                            .x_col = c,
                            .y_row = (size + 2) * k,
                            .y_col = k,
                            .cin = c,
                            .blocks = k / NSW_BLOCK,
                            .taps = taps,
                            .w_taps = taps};
  for (int t = 0; t < taps; t++) {
    p.tap_x[t] = kernel == 3 ? (t / 3) * row + t % 3 * c : 0;
    p.tap_w[t] = t;
  }
  float *x = noise((size_t)(size + 2) * (size_t)row), *y = noise((size_t)(size + 2) * (size_t)(size + 2) * (size_t)k);
  float *w = noise((size_t)taps * (size_t)c * (size_t)k), *columns = noise((size_t)(taps * c) * (size_t)(size * size));
  nsw_conv_fn *conv = NSW_DISPATCH(nsw_cpu_isa(), nsw_conv);
  nsw_conv_wgrad_fn *wgrad = NSW_DISPATCH(nsw_cpu_isa(), nsw_conv_wgrad);
  int rounds = 1 + (int)(1e8 / flop);
  for (int run = 0; run < RUNS; run++)
    for (int what = 0; what < 3; what++) {
      double since = now();
      for (int i = 0; i < rounds; i++)
        if (what == 0)
          conv(&p, x, w, y);
        else if (what == 1)
          wgrad(&p, x, y, w);
        else
          cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, k, size * size, taps * c, 1, w, taps * c, columns,
                      size * size, 0, y, size * size);
      rate[what][run] = flop * rounds / (now() - since) / 1e9;
    }
  double f = median(rate[0], RUNS), g = median(rate[1], RUNS), b = median(rate[2], RUNS);
  printf(
      "  %dx%d %3d->%3d on %2dx%-2d  forward %5.1f (%3.0f %%)  weights %5.1f (%3.0f %%)  OpenBLAS product %5.1f "
      "GFLOP/s\n",
      kernel, kernel, c, k, size, size, f, 100 * f / peak, g, 100 * g / peak, b);
  free(x);
  free(y);
  free(w);
  free(columns);
}

static struct nsw_engine *make_engine(struct nsw_error *err) {
  struct nsw_engine *engine = NULL;
  int32_t labels[IMAGES];
  float *pixels = noise((size_t)IMAGES * 3 * 32 * 32);
  for (int i = 0; i < IMAGES; i++) labels[i] = i % 10;
  int status = pixels ? nsw_engine_create(nsw_cpu_isa(), &engine, err) : NSW_FAILED;
  if (!status) status = nsw_engine_set_images(engine, pixels, labels, IMAGES, 32, err);
  free(pixels);
  if (status) nsw_engine_free(&engine);
  return engine;
}

/* Forward and backward over architectures: a spread of them, or the one named. */
static int bench_space(const char *name, const char *one, int count, double peak, struct nsw_error *err) {
  struct nsw_space *space = NULL;
  struct nsw_engine *engine = make_engine(err);
  double flop = 0, seconds = 0, work[NSW_WORKS] = {0};
  if (!engine || nsw_space_open(name, &space, err)) return NSW_FAILED;
  struct nsw_macro macro = nsw_space_macro(space, (struct nsw_macro){0});
  const double *split = nsw_engine_seconds(engine);
  for (int i = 0; i < count; i++) {
    struct nsw_net *net = NULL;
    struct nsw_stream draw = {.seed = 2, .purpose = NSW_FOR_SAMPLING};
    uint32_t index = (uint32_t)nsw_random_below(draw, (uint64_t)i, nsw_space_count(space));
    if (one && (nsw_space_make_keys(space, err) || nsw_space_find(space, one, &index, err))) return NSW_FAILED;
    double since = now();
    if (nsw_net_build(space, index, &macro, &net, err)) return NSW_FAILED;
    if (nsw_engine_load(engine, net, &(struct nsw_load){.seed = 777}, err)) return NSW_FAILED;
    nsw_engine_run(engine, true);
    seconds += now() - since;
    flop += 6 * nsw_net_macs(net) * IMAGES;
    nsw_net_free(&net);
  }
  double all = 0;
  for (int k = 0; k < NSW_WORKS; k++) all += work[k] = split[k];
  printf("  %s, %s: %.1f ms, %.2f GFLOP each, %.1f GFLOP/s, %.0f %% of the peak; %.0f MB\n   ", name,
         one ? "the Inception-like cell" : "mean of random cells", 1e3 * seconds / count, flop / count / 1e9,
         flop / seconds / 1e9, 100 * flop / seconds / 1e9 / peak, (double)nsw_engine_bytes(engine) / 1e6);
  for (int k = 0; k < NSW_WORKS; k++) printf(" %s %.1f %%", nsw_work_names[k], 100 * work[k] / all);
  printf("\n");
  nsw_engine_free(&engine);
  nsw_space_close(&space);
  return NSW_OK;
}

int main(void) {
  struct nsw_error err = {""};
  double peak = nsw_peak(0.5);
  printf("  FP32 peak of this core %.1f GFLOP/s, kernels for %s; times are CPU times, medians of %d for kernels\n",
         peak, nsw_isa_name(nsw_cpu_isa()), RUNS);
  const int shapes[][4] = {{16, 16, 32, 3},   {32, 32, 16, 3},   {64, 64, 8, 3},   {16, 16, 32, 1},   {64, 64, 8, 1},
                           {128, 128, 32, 3}, {256, 256, 16, 3}, {512, 512, 8, 3}, {256, 256, 16, 1}, {512, 512, 8, 1}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    bench_conv(shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3], peak);
  int status = bench_space("nb201", NULL, 60, peak, &err);
  if (!status) status = bench_space("nb101", NULL, 8, peak, &err);
  if (!status)
    status = bench_space("nb101",
                         "0111010|0000001|0000001|0000100|0000001|0000001|0000000 "
                         "input,conv1x1,conv3x3,conv3x3,conv3x3,maxpool3x3,output",
                         3, peak, &err);
  if (status) fprintf(stderr, "bench_net: %s\n", err.text);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("  largest memory %.0f MB\n", (double)usage.ru_maxrss / 1024);
  return status;
}
