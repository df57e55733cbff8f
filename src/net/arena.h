/* Placement of buffers that live for part of a run in one block of memory: those that live at the same time get
 * different places, others share. */
#ifndef NSW_NET_ARENA_H
#define NSW_NET_ARENA_H

#include <stddef.h>

/* One buffer. */
struct nsw_span {
  size_t size;  /* in, floats */
  int from, to; /* in: first and last step at which it is alive, both included */
  size_t at;    /* out: its place, a multiple of 16 floats */
};

/* Places all spans; returns the floats needed together. order[count] is scratch. */
size_t nsw_arena_place(struct nsw_span *span, int count, int *order);

#endif
