/* Kernels that touch every pixel once: sums, normalisation, ReLU, pooling, and their backward steps. Each works on one
 * image; channels are last, in padded rows. Letters: H = W = size, C channels, N = H * W pixels. */
#ifndef NSW_NET_PIXEL_H
#define NSW_NET_PIXEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/isa.h"

/* One image of a tensor. */
struct nsw_plane {
  float *p;      /* first pixel, inside the frame if there is one; NULL: no such tensor */
  ptrdiff_t row; /* floats from a row to the next */
  int col;       /* floats from a pixel to the next: channels padded to a block */
  int size;      /* H = W */
};

/* A tensor as its readers see it: v = max(raw * scale + shift, floor). */
struct nsw_view {
  struct nsw_plane plane;
  const float *scale, *shift; /* [col]; both NULL: 1 and 0 */
  bool relu;                  /* floor 0, else none */
};

enum { NSW_MAX_INPUTS = 12 };

/* dst[first .. first+count-1] = sum of the inputs' first count channels; relu likewise max(0, sum). */
struct nsw_combine {
  struct nsw_view input[NSW_MAX_INPUTS];
  int inputs;
  struct nsw_plane dst, relu; /* either may have p NULL */
  int first, count;           /* channels filled */
  int pad;                    /* zeros written behind them */
};
typedef void nsw_combine_fn(const struct nsw_combine *combine);

/* sum[c] += sum of the plane over pixels; c over all `col` channels. */
typedef void nsw_sum_fn(struct nsw_plane plane, float *sum);

/* square[c] += sum of (value - mean[c])^2. */
typedef void nsw_square_fn(struct nsw_plane plane, const float *mean, float *square);

/* The two sums of normalisation's backward step, with xhat = raw * scale + shift and g cut to 0 where a ReLU was shut:
 * sum_g[c] += sum of g, sum_gx[c] += sum of g * xhat. */
typedef void nsw_norm_sums_fn(const struct nsw_view *x, struct nsw_plane g, float *sum_g, float *sum_gx);

/* d = scale * (g - mean_g - xhat * mean_gx), the gradient of the raw value; without scale, d = g cut by the ReLU. */
typedef void nsw_norm_backward_fn(const struct nsw_view *x, struct nsw_plane g, const float *mean_g,
                                  const float *mean_gx, struct nsw_plane d);

/* The same where gamma and beta stand between: x shows y = gamma xhat + beta, which the ReLU sees, and hat[2][col] are
 * scale and shift that make xhat of the raw value. */
typedef void nsw_affine_sums_fn(const struct nsw_view *x, const float *hat, struct nsw_plane g, float *sum_g,
                                float *sum_gx);
typedef void nsw_affine_backward_fn(const struct nsw_view *x, const float *hat, struct nsw_plane g, const float *mean_g,
                                    const float *mean_gx, struct nsw_plane d);

/* d = g + (r > 0 ? gr : 0); g.p may be NULL, d may be g or gr. */
typedef void nsw_relu_backward_fn(struct nsw_plane g, struct nsw_plane r, struct nsw_plane gr, struct nsw_plane d);

/* dst's channels 0..count-1 are set to (add: raised by) src's first..; with set, the rest of dst becomes zero. */
typedef void nsw_spread_fn(struct nsw_plane src, int first, int count, struct nsw_plane dst, bool add);

/* Pooling forward: y from x. which: of every output, the place 0..8 of its maximum (maxima only), [N][col]. */
typedef void nsw_pool_fn(struct nsw_plane x, struct nsw_plane y, uint8_t *which);

/* Pooling backward: dx set to, or raised by, what dy spreads. */
typedef void nsw_pool_backward_fn(struct nsw_plane dy, struct nsw_plane dx, const uint8_t *which, bool add);

/* What a pooling of maxima forward does to a tangent: y is x at the places where other values had theirs. */
typedef void nsw_pick_fn(struct nsw_plane x, struct nsw_plane y, const uint8_t *which);

/* feature[c] = mean over pixels of the input as read. */
typedef void nsw_average_fn(const struct nsw_view *x, float *feature);

/* Zeroes the frame of one pixel around a plane. */
void nsw_clear_frame(struct nsw_plane plane);

/* One set for each instruction set. */
struct nsw_pixel_kernels {
  nsw_combine_fn *combine;
  nsw_sum_fn *sum;
  nsw_square_fn *square;
  nsw_norm_sums_fn *norm_sums;
  nsw_norm_backward_fn *norm_backward;
  nsw_affine_sums_fn *affine_sums;
  nsw_affine_backward_fn *affine_backward;
  nsw_relu_backward_fn *relu_backward;
  nsw_spread_fn *spread;
  nsw_pool_fn *avgpool3, *maxpool3, *avgpool2, *maxpool2;
  nsw_pool_backward_fn *avgpool3_backward, *maxpool3_backward, *avgpool2_backward, *maxpool2_backward;
  nsw_pick_fn *pick3, *pick2;
  nsw_average_fn *average;
};
NSW_KERNEL(const struct nsw_pixel_kernels, nsw_pixel);

/* The other file's functions (used by the _simd.c files only). */
NSW_KERNEL(nsw_pool_fn, nsw_avgpool3);
NSW_KERNEL(nsw_pool_fn, nsw_maxpool3);
NSW_KERNEL(nsw_pool_fn, nsw_avgpool2);
NSW_KERNEL(nsw_pool_fn, nsw_maxpool2);
NSW_KERNEL(nsw_pool_backward_fn, nsw_avgpool3_backward);
NSW_KERNEL(nsw_pool_backward_fn, nsw_maxpool3_backward);
NSW_KERNEL(nsw_pool_backward_fn, nsw_avgpool2_backward);
NSW_KERNEL(nsw_pool_backward_fn, nsw_maxpool2_backward);
NSW_KERNEL(nsw_pick_fn, nsw_pick3);
NSW_KERNEL(nsw_pick_fn, nsw_pick2);

#endif
