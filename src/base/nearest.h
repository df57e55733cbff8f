/* The name that somebody meant who wrote another. */
#ifndef NSW_BASE_NEAREST_H
#define NSW_BASE_NEAREST_H

#include <stddef.h>

/* One of the `count` names, or NULL where none is near: a spelling error or two, letters of the other case, or the word
 * is the name's beginning. */
const char *nsw_nearest(const char *word, const char *const *names, size_t count);

#endif
