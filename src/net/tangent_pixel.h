/* Kernels of tangents that touch every pixel once, where the tangent's way differs from the value's (net/tangent.h):
 * through ReLUs, which stay as the value has them, and through normalisation. One image at a time, as in net/pixel.h.
 *
 * Letters: y the raw value, s and t its scale and shift, xhat = y * s + t; a dot behind: the tangent. */
#ifndef NSW_NET_TANGENT_PIXEL_H
#define NSW_NET_TANGENT_PIXEL_H

#include "net/pixel.h"

/* A tensor's value, and its tangent after normalisation and before the ReLU: xhatdot where it is normalised. */
struct nsw_dual {
  struct nsw_view x;
  struct nsw_plane dot;
};

/* dst[first .. first+count-1] = sum of the tangents' first count channels, each 0 where its value's ReLU is shut. */
struct nsw_tangent_combine {
  struct nsw_dual input[NSW_MAX_INPUTS];
  int inputs;
  struct nsw_plane dst;
  int first, count; /* channels filled */
  int pad;          /* zeros written behind them */
};
typedef void nsw_tangent_combine_fn(const struct nsw_tangent_combine *combine);

/* feature[c] = mean over pixels of the tangent, 0 where the value's ReLU is shut. */
typedef void nsw_tangent_average_fn(const struct nsw_dual *x, float *feature);

/* The four sums of normalisation's step back and of its tangent, with g and gdot cut to 0 where the ReLU is shut:
 * sums[4][col] += sums of g, g * xhat, gdot, gdot * xhat + g * xhatdot. */
typedef void nsw_tangent_sums_fn(const struct nsw_dual *x, struct nsw_plane g, struct nsw_plane gdot, float *sums);

/* That step: with the sums' means m[4][col],
 *   d    = s (g - m0 - xhat m1),
 *   ddot = s (gdot - m2 - xhatdot m1 - xhat m3) - c d,   c[col]: minus the relative tangent of s.
 * Without scale, both are cut by the ReLU alone. d may be g, and ddot gdot. */
typedef void nsw_tangent_backward_fn(const struct nsw_dual *x, struct nsw_plane g, struct nsw_plane gdot,
                                     const float *means, const float *c, struct nsw_plane d, struct nsw_plane ddot);

/* One set for each instruction set. */
struct nsw_tangent_kernels {
  nsw_tangent_combine_fn *combine;
  nsw_tangent_average_fn *average;
  nsw_tangent_sums_fn *sums;
  nsw_tangent_backward_fn *backward;
};
NSW_KERNEL(const struct nsw_tangent_kernels, nsw_tangent);

#endif
