/* Networks: time of a forward and backward pass of 50 images, what fraction of the core's FP32 peak that is, what it
 * goes to; and the convolution kernels, direct and Winograd's, beside the OpenBLAS product of the same size (whose
 * im2col is not counted). */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/peak.h"
#include "base/random.h"
#include "net/conv.h"
#include "net/engine.h"
#include "net/wino.h"

enum { IMAGES = 50, RUNS = 7 };

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

/* What is timed of a convolution. */
enum { DIRECT, WINO, DIRECT_WEIGHTS, WINO_WEIGHTS, PRODUCT, WAYS };

/* A convolution of C to K channels of a group of S x S images. */
struct conv {
  int c, k, size, kernel, images;
  struct nsw_conv_pass direct; /* one image */
  struct nsw_wino_pass wino;   /* the group */
  size_t x_image, y_image;
  float *x, *y, *w, *u, *dw, *du, *columns, *scratch;
};

static void set_passes(struct conv *v) {
  ptrdiff_t c = v->c, k = v->k, side = v->size + 2;
  int taps = v->kernel * v->kernel;
  v->direct = (struct nsw_conv_pass){.rows = v->size,
                                     .cols = v->size,
                                     .x_row = side * c,
                                     .x_col = c,
                                     .y_row = side * k,
                                     .y_col = k,
                                     .cin = v->c,
                                     .blocks = v->k / NSW_BLOCK,
                                     .taps = taps,
                                     .w_taps = taps};
  for (int t = 0; t < taps; t++) {
    v->direct.tap_x[t] = v->kernel == 3 ? (t / 3 - 1) * side * c + (t % 3 - 1) * c : 0;
    v->direct.tap_w[t] = t;
  }
  v->wino = (struct nsw_wino_pass){.images = v->images,
                                   .x_image = (ptrdiff_t)v->x_image,
                                   .y_image = (ptrdiff_t)v->y_image,
                                   .rows = v->size,
                                   .cols = v->size,
                                   .x_row = side * c,
                                   .x_col = c,
                                   .y_row = side * k,
                                   .y_col = k,
                                   .cin = v->c,
                                   .blocks = v->k / NSW_BLOCK};
}

/* Groups as the engine makes them: more images where they are small. */
static struct conv make_conv(int c, int k, int size, int kernel) {
  struct conv v = {.c = c, .k = k, .size = size, .kernel = kernel, .images = size == 32 ? 1 : size == 16 ? 4 : 10};
  size_t pixels = (size_t)(size + 2) * (size_t)(size + 2), pairs = (size_t)c * (size_t)k;
  v.x_image = pixels * (size_t)c;
  v.y_image = pixels * (size_t)k;
  v.x = noise((size_t)v.images * v.x_image);
  v.y = noise((size_t)v.images * v.y_image);
  v.w = noise(9 * pairs);
  v.u = noise(24 * pairs);
  v.dw = noise(9 * pairs);
  v.du = noise(36 * pairs);
  v.columns = noise((size_t)(kernel * kernel * c) * (size_t)(size * size));
  v.scratch = noise(nsw_wino_scratch(c, k / NSW_BLOCK));
  set_passes(&v);
  return v;
}

static void free_conv(struct conv *v) {
  float *all[] = {v->x, v->y, v->w, v->u, v->dw, v->du, v->columns, v->scratch};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void run_conv(const struct conv *v, int way) {
  enum nsw_isa isa = nsw_cpu_isa();
  const float *x = v->x + (v->size + 3) * v->c;
  float *y = v->y + (v->size + 3) * v->k;
  if (way == WINO) NSW_DISPATCH(isa, nsw_wino_conv)(&v->wino, nsw_wino_rows(v->size, v->c), x, v->u, y, v->scratch);
  if (way == WINO_WEIGHTS)
    NSW_DISPATCH(isa, nsw_wino_wgrad)(&v->wino, nsw_wino_tile(v->size, v->size, v->c, v->k), x, y, v->du, v->scratch);
  for (int i = 0; i < v->images; i++, x += v->x_image, y += v->y_image) {
    if (way == DIRECT) NSW_DISPATCH(isa, nsw_conv)(&v->direct, x, v->w, y);
    if (way == DIRECT_WEIGHTS) NSW_DISPATCH(isa, nsw_conv_wgrad)(&v->direct, x, y, v->dw);
    if (way == PRODUCT) {
      int pixels = v->size * v->size, depth = v->kernel * v->kernel * v->c;
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, v->k, pixels, depth, 1, v->w, depth, v->columns, pixels, 0,
                  v->y, pixels);
    }
  }
}

/* Its rates, in operations of the direct sum, so that all ways compare. */
static void bench_conv(int c, int k, int size, int kernel) {
  struct conv v = make_conv(c, k, size, kernel);
  double flop = 2.0 * size * size * c * k * kernel * kernel * v.images, rate[WAYS][RUNS] = {{0}}, r[WAYS];
  int rounds = 1 + (int)(1e8 / flop);
  for (int run = 0; run < RUNS; run++)
    for (int way = 0; way < WAYS; way++) {
      if (kernel == 1 && (way == WINO || way == WINO_WEIGHTS)) continue;
      double since = nsw_process_seconds();
      for (int i = 0; i < rounds; i++) run_conv(&v, way);
      rate[way][run] = flop * rounds / (nsw_process_seconds() - since) / 1e9;
    }
  for (int way = 0; way < WAYS; way++) r[way] = median(rate[way], RUNS);
  if (kernel == 3)
    printf("  3x3 %3d->%3d on %2dx%-2d  forward: direct %5.1f, Winograd %5.1f (%.2f)  weights: %5.1f, %5.1f (%.2f)", c,
           k, size, size, r[DIRECT], r[WINO], r[WINO] / r[DIRECT], r[DIRECT_WEIGHTS], r[WINO_WEIGHTS],
           r[WINO_WEIGHTS] / r[DIRECT_WEIGHTS]);
  else
    printf("  1x1 %3d->%3d on %2dx%-2d  forward: direct %5.1f                         weights: %5.1f              ", c,
           k, size, size, r[DIRECT], r[DIRECT_WEIGHTS]);
  printf("  OpenBLAS product %5.1f GFLOP/s\n", r[PRODUCT]);
  free_conv(&v);
}

static int make_batch(int images, struct nsw_batch *batch, struct nsw_error *err) {
  int32_t *labels = malloc((size_t)images * sizeof *labels);
  float *pixels = noise((size_t)images * 3 * 32 * 32);
  for (int i = 0; labels && i < images; i++) labels[i] = i % 10;
  int status = pixels && labels ? nsw_batch_fill(batch, pixels, labels, images, 32, err) : NSW_FAILED;
  free(labels);
  free(pixels);
  return status;
}

/* Forward and backward over architectures: a spread of them, or the one named. */
static int bench_space(const char *name, const char *one, int count, struct nsw_run run, int images, double peak,
                       struct nsw_error *err) {
  struct nsw_space *space = NULL;
  struct nsw_engine *engine = NULL;
  struct nsw_weights *weights = NULL;
  struct nsw_batch batch = {0};
  double flop = 0, seconds = 0, work[NSW_WORKS] = {0};
  if (nsw_engine_create(nsw_cpu_isa(), &engine, err) || make_batch(images, &batch, err)) return NSW_FAILED;
  if (nsw_space_open(name, &space, err)) return NSW_FAILED;
  struct nsw_macro macro = nsw_space_macro(space, (struct nsw_macro){0});
  const double *split = nsw_engine_seconds(engine);
  for (int i = 0; i < count; i++) {
    struct nsw_net *net = NULL;
    struct nsw_stream draw = {.seed = 2, .purpose = NSW_FOR_SAMPLING};
    uint32_t index = (uint32_t)nsw_random_below(draw, (uint64_t)i, nsw_space_count(space));
    if (one && (nsw_space_make_keys(space, err) || nsw_space_find(space, one, &index, err))) return NSW_FAILED;
    double since = nsw_process_seconds();
    if (nsw_net_build(space, index, &macro, &net, err)) return NSW_FAILED;
    if (nsw_weights_draw(&weights, net, NSW_DRAW_OWN, 777, err)) return NSW_FAILED;
    if (nsw_engine_bind(engine, net, weights, &batch, run, err)) return NSW_FAILED;
    nsw_engine_run(engine);
    seconds += nsw_process_seconds() - since;
    flop += 6 * nsw_net_macs(net) * images;
    nsw_net_free(&net);
  }
  double all = 0;
  for (int k = 0; k < NSW_WORKS; k++) all += work[k] = split[k];
  printf(
      "  %s, %s, %d images normalised by %s: %.1f ms, %.2f GFLOP each, %.1f GFLOP/s, %.0f %% of the peak; %.0f MB\n   ",
      name, one ? "the Inception-like cell" : "mean of random cells", images,
      run.norm == NSW_NORM_BATCH ? "batch" : "sample", 1e3 * seconds / count, flop / count / 1e9, flop / seconds / 1e9,
      100 * flop / seconds / 1e9 / peak, (double)nsw_engine_bytes(engine) / 1e6);
  for (int k = 0; k < NSW_WORKS; k++) printf(" %s %.1f %%", nsw_work_names[k], 100 * work[k] / all);
  printf("\n");
  nsw_engine_free(&engine);
  nsw_weights_free(&weights);
  nsw_batch_free(&batch);
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
    bench_conv(shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3]);
  const char *inception =
      "0111010|0000001|0000001|0000100|0000001|0000001|0000000 "
      "input,conv1x1,conv3x3,conv3x3,conv3x3,maxpool3x3,output";
  struct nsw_run sample = {.norm = NSW_NORM_SAMPLE, .wanted = NSW_WANT_WEIGHT_GRADS};
  struct nsw_run train = {.norm = NSW_NORM_BATCH, .wanted = NSW_WANT_WEIGHT_GRADS};
  int status = bench_space("nb201", NULL, 60, sample, IMAGES, peak, &err);
  if (!status) status = bench_space("nb101", NULL, 8, sample, IMAGES, peak, &err);
  if (!status) status = bench_space("nb101", inception, 3, sample, IMAGES, peak, &err);
  if (!status) status = bench_space("nb201", NULL, 4, train, 256, peak, &err);
  if (!status) status = bench_space("nb101", inception, 3, train, 16, peak, &err);
  if (status) fprintf(stderr, "bench_net: %s\n", err.text);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("  largest memory %.0f MB\n", (double)usage.ru_maxrss / 1024);
  return status;
}
