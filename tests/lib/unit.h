/* cmocka with what it wants included before it, in that order. */
#ifndef NSW_TESTS_UNIT_H
#define NSW_TESTS_UNIT_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>

/* A few of the cases will do (TEST_BRIEF=1): an emulator runs them. */
static inline int brief(void) { return getenv("TEST_BRIEF") != NULL; }

#endif
