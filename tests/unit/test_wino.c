/* Winograd convolutions against plain loops in double: forward, data gradient, weight gradient, on every instruction
 * set; odd channel counts, frames, several images, adding. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/isa.h"
#include "base/random.h"
#include "net/conv.h"
#include "net/wino.h"
#include "unit.h"

/* A convolution of `in` to `out` channels on images of H x W; channels are stored in blocks of 16. */
struct shape {
  int in, out, rows, cols, images;
};

static const struct shape shapes[] = {{16, 16, 4, 4, 1},   {16, 16, 32, 32, 2}, {32, 48, 6, 10, 3}, {5, 20, 8, 8, 3},
                                      {43, 42, 2, 2, 5},   {64, 17, 16, 4, 2},  {1, 1, 2, 6, 1},    {80, 96, 8, 8, 5},
                                      {272, 33, 8, 8, 11}, {33, 272, 4, 12, 3}};

struct kernels {
  nsw_wino_weights_fn *weights;
  nsw_wino_conv_fn *conv;
  nsw_wino_wgrad_fn *wgrad;
  nsw_wino_gradient_fn *gradient;
};

static struct kernels kernels_of(int isa) {
  return (struct kernels){NSW_DISPATCH(isa, nsw_wino_weights), NSW_DISPATCH(isa, nsw_wino_conv),
                          NSW_DISPATCH(isa, nsw_wino_wgrad), NSW_DISPATCH(isa, nsw_wino_gradient)};
}

static int padded(int channels) { return (channels + NSW_BLOCK - 1) / NSW_BLOCK * NSW_BLOCK; }

/* Framed images: [images][H + 2][W + 2][padded channels], zero but for the values. */
static size_t framed(const struct shape *s, int channels) {
  return (size_t)s->images * (size_t)(s->rows + 2) * (size_t)(s->cols + 2) * (size_t)padded(channels);
}

static size_t place(const struct shape *s, int channels, int n, int h, int w, int c) {
  size_t row = (size_t)(n * (s->rows + 2) + h + 1);
  return (row * (size_t)(s->cols + 2) + (size_t)(w + 1)) * (size_t)padded(channels) + (size_t)c;
}

static float *buffer(size_t n) {
  float *p = aligned_alloc(64, (n * sizeof *p + 63) / 64 * 64);
  assert_non_null(p);
  memset(p, 0, n * sizeof *p);
  return p;
}

static float *draw(size_t n, uint64_t seed) {
  float *p = buffer(n);
  nsw_random_normal((struct nsw_stream){.seed = seed, .purpose = NSW_FOR_NOISE}, 1, 0, p, n);
  return p;
}

static float *draw_images(const struct shape *s, int channels, uint64_t seed) {
  float *p = buffer(framed(s, channels)), *values = draw(framed(s, channels), seed);
  for (int n = 0; n < s->images; n++)
    for (int h = 0; h < s->rows; h++)
      for (int w = 0; w < s->cols; w++)
        for (int c = 0; c < channels; c++) p[place(s, channels, n, h, w, c)] = *values++;
  free(values - (size_t)s->images * (size_t)s->rows * (size_t)s->cols * (size_t)channels);
  return p;
}

/* What all three are made of: calls f for every product of an input, an output and a weight. */
typedef void visit_fn(void *with, size_t x, size_t y, size_t w);
static void visit(const struct shape *s, visit_fn *f, void *with) {
  for (int n = 0; n < s->images; n++)
    for (int h = 0; h < s->rows; h++)
      for (int v = 0; v < s->cols; v++)
        for (int o = 0; o < s->out; o++)
          for (int i = 0; i < s->in; i++)
            for (int t = 0; t < 9; t++) {
              int r = h + t / 3 - 1, c = v + t % 3 - 1;
              if (r < 0 || c < 0 || r >= s->rows || c >= s->cols) continue;
              f(with, place(s, s->in, n, r, c, i), place(s, s->out, n, h, v, o), (size_t)((o * s->in + i) * 9 + t));
            }
}

struct reference {
  const float *x, *dy, *w;
  double *y, *dx, *dw;
};

static void add_products(void *with, size_t x, size_t y, size_t w) {
  struct reference *r = with;
  r->y[y] += (double)r->x[x] * r->w[w];
  r->dx[x] += (double)r->dy[y] * r->w[w];
  r->dw[w] += (double)r->x[x] * r->dy[y];
}

/* Norm of the error over the norm of the right values. */
static double error(const float *ours, const double *right, const float *before, size_t n) {
  double wrong = 0, all = 0;
  for (size_t i = 0; i < n; i++) {
    double d = (double)ours[i] - (before ? (double)before[i] : 0) - right[i];
    wrong += d * d;
    all += right[i] * right[i];
  }
  return sqrt(wrong / all);
}

static struct nsw_wino_pass pass_of(const struct shape *s, int in, int out, bool add) {
  ptrdiff_t x = padded(in), y = padded(out), row = s->cols + 2, image = (s->rows + 2) * row;
  return (struct nsw_wino_pass){.images = s->images,
                                .x_image = image * x,
                                .y_image = image * y,
                                .rows = s->rows,
                                .cols = s->cols,
                                .x_row = row * x,
                                .x_col = x,
                                .y_row = row * y,
                                .y_col = y,
                                .cin = in,
                                .blocks = padded(out) / NSW_BLOCK,
                                .add = add};
}

/* y (add: on top of what is there) from x, both framed; the frame of y must stay as it was. */
static double conv_error(const struct kernels *k, const struct shape *s, int m, int in, int out, const float *x,
                         const float *u, const double *right, bool add) {
  struct nsw_wino_pass pass = pass_of(s, in, out, add);
  size_t n = framed(s, out), first = place(s, out, 0, 0, 0, 0);
  float *before = add ? draw_images(s, out, 9) : buffer(n), *y = buffer(n);
  float *scratch = draw(nsw_wino_scratch(in, pass.blocks), 10);
  memcpy(y, before, n * sizeof *y);
  k->conv(&pass, m, x + place(s, in, 0, 0, 0, 0), u, y + first, scratch);
  double e = error(y, right, before, n);
  free(before);
  free(y);
  free(scratch);
  return e;
}

/* The weights' gradient of all images, at once or one image after the other, in PyTorch's order. */
static float *wgrad(const struct kernels *k, const struct shape *s, int m, const float *x, const float *dy,
                    bool at_once) {
  struct nsw_wino_pass pass = pass_of(s, s->in, s->out, false);
  int depth = padded(s->in) / NSW_BLOCK;
  float *du = buffer((size_t)pass.blocks * (size_t)nsw_wino_square(m) * (size_t)depth * NSW_BLOCK * NSW_BLOCK);
  float *scratch = draw(nsw_wino_scratch(s->in, pass.blocks), 10), *dw = buffer((size_t)s->out * (size_t)s->in * 9);
  float part[9][NSW_BLOCK][NSW_BLOCK];
  x += place(s, s->in, 0, 0, 0, 0);
  dy += place(s, s->out, 0, 0, 0, 0);
  if (!at_once) pass.images = 1;
  for (int n = 0; n < (at_once ? 1 : s->images); n++)
    k->wgrad(&pass, m, x + n * pass.x_image, dy + n * pass.y_image, du, scratch);
  for (int o = 0; o < s->out; o++)
    for (int i = 0; i < s->in; i++) {
      int b = o / NSW_BLOCK, d = i / NSW_BLOCK;
      k->gradient(m, du + (b * nsw_wino_square(m) * depth + d) * NSW_BLOCK * NSW_BLOCK, depth, part[0][0]);
      for (int t = 0; t < 9; t++) dw[(o * s->in + i) * 9 + t] = part[t][i % NSW_BLOCK][o % NSW_BLOCK];
    }
  free(du);
  free(scratch);
  return dw;
}

static void check_shape(const struct shape *s) {
  size_t weights = (size_t)s->out * (size_t)s->in * 9;
  size_t u_size = (size_t)padded(s->out) * (size_t)nsw_wino_places(4) * (size_t)s->in;
  size_t back_size = (size_t)padded(s->in) * (size_t)nsw_wino_places(4) * (size_t)s->out;
  float *x = draw_images(s, s->in, 1), *dy = draw_images(s, s->out, 2), *w = draw(weights, 3);
  struct reference r = {.x = x,
                        .dy = dy,
                        .w = w,
                        .y = calloc(framed(s, s->out), sizeof(double)),
                        .dx = calloc(framed(s, s->in), sizeof(double)),
                        .dw = calloc(weights, sizeof(double))};
  visit(s, add_products, &r);
  for (int isa = 0; isa <= (int)nsw_cpu_isa(); isa++) {
    struct kernels k = kernels_of(isa);
    float *u = draw(u_size, 4), *only = draw(u_size, 5), *back = draw(back_size, 6);
    double worst = 0;
    for (int m = 2; m <= 4 && s->rows % m == 0; m += 2) {
      size_t used = u_size / 24 * (size_t)nsw_wino_places(m);
      k.weights(w, s->out, s->in, m, u, m, back);
      k.weights(w, s->out, s->in, m, only, 2, NULL);
      assert_memory_equal(u, only, used * sizeof *u);
      for (int add = 0; add < 2; add++) {
        worst = fmax(worst, conv_error(&k, s, m, s->in, s->out, x, u, r.y, add));
        worst = fmax(worst, conv_error(&k, s, m, s->out, s->in, dy, back, r.dx, add));
      }
      if (s->cols % m) continue;
      float *at_once = wgrad(&k, s, m, x, dy, true), *one_by_one = wgrad(&k, s, m, x, dy, false);
      assert_memory_equal(at_once, one_by_one, weights * sizeof *at_once);
      worst = fmax(worst, error(at_once, r.dw, NULL, weights));
      free(at_once);
      free(one_by_one);
    }
    if (!(worst < 3e-6))
      fail_msg("%d to %d channels, %d x %d, %s: off by %g", s->in, s->out, s->rows, s->cols, nsw_isa_name(isa), worst);
    free(u);
    free(only);
    free(back);
  }
  free(x);
  free(dy);
  free(w);
  free(r.y);
  free(r.dx);
  free(r.dw);
}

static void test_shapes(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    if (!brief() || shapes[i].in * shapes[i].out * shapes[i].rows * shapes[i].cols < 100000) check_shape(&shapes[i]);
}

static void test_fits(void **state) {
  (void)state;
  assert_true(nsw_wino_fits(32, 8));
  assert_false(nsw_wino_fits(7, 8));
  assert_false(nsw_wino_fits(8, 7));
  assert_false(nsw_wino_fits(0, 0));
  assert_int_equal(nsw_wino_tile(32, 32, 512, 512), 4);
  assert_int_equal(nsw_wino_tile(8, 8, 64, 64), 4);
  assert_int_equal(nsw_wino_tile(8, 8, 512, 512), 2);
  assert_int_equal(nsw_wino_tile(18, 18, 16, 16), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes), cmocka_unit_test(test_fits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
