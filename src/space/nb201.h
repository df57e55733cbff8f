/* NAS-Bench-201 (Dong and Yang, 2020): six edges among four nodes, five operations, 15,625 cells. */
#ifndef NSW_SPACE_NB201_H
#define NSW_SPACE_NB201_H

#include "nasweep/space.h"

enum { NSW_NB201_EDGES = 6, NSW_NB201_OPS = 5, NSW_NB201_COUNT = 15625 };

extern const struct nsw_space_kind nsw_nb201;

#endif
