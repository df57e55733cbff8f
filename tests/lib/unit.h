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

#endif
