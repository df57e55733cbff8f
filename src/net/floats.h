/* Arrays of floats that only grow. */
#ifndef NSW_NET_FLOATS_H
#define NSW_NET_FLOATS_H

#include <stdbool.h>
#include <stddef.h>

enum { NSW_ALIGN = 64 }; /* bytes every array starts at a multiple of */

struct nsw_floats {
  float *p;
  size_t size; /* floats */
};

/* Enlarges an array; what was in it is lost where it grows. False: no memory, and the array is empty. */
bool nsw_floats_need(struct nsw_floats *array, size_t floats);
void nsw_floats_free(struct nsw_floats *array);

#endif
