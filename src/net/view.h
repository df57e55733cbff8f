/* A tensor as its readers see it (struct nsw_view), for the kernels in _simd.c files. */
#ifndef NSW_NET_VIEW_H
#define NSW_NET_VIEW_H

#include "base/vec.h"
#include "net/pixel.h"

/* The input as read, from a loaded vector. */
NSW_INLINE vf view(vf raw, vf scale, vf shift, vi keep_negative) {
  vf v = raw * scale + shift;
  return (vf)((vi)v & ((v > (vf){0}) | keep_negative));
}

/* Scale and shift of n channels from c on. */
NSW_INLINE vf scale_of(const struct nsw_view *x, int c, int n) {
  return x->scale ? vload_part(x->scale + c, n) : vset(1);
}
NSW_INLINE vf shift_of(const struct nsw_view *x, int c, int n) {
  return x->shift ? vload_part(x->shift + c, n) : (vf){0};
}

/* All lanes set where negative values pass. */
NSW_INLINE vi negatives(bool relu) { return relu ? (vi){0} : ~(vi){0}; }

#endif
