/* The table of spaces: X(NAME) is nsw_NAME, defined in src/space/NAME.c. A new space is its file and its line here. */
#ifndef NSW_SPACE_TABLE_H
#define NSW_SPACE_TABLE_H

#include "nasweep/space.h"

/* clang-format off */
#define NSW_SPACE_TABLE(X) \
  X(nb101)                 \
  X(nb201)                 \
  X(sss)
/* clang-format on */

#define NSW_SPACE_DECLARE(name) extern const struct nsw_space_kind nsw_##name;
NSW_SPACE_TABLE(NSW_SPACE_DECLARE)
#undef NSW_SPACE_DECLARE

#endif
