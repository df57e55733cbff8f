/* The `options` attribute of result files: "key=value; key=value", everything that decides the results. Semicolons
 * within parentheses belong to a value. */
#ifndef NSW_SWEEP_OPTIONS_H
#define NSW_SWEEP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* The next item of a text; moves *text behind it. False at the end. */
bool nsw_options_next(const char **text, const char **item, size_t *length);

/* The value of a key (key characters of `item` before its '=') in a text; NULL where it is not there. */
const char *nsw_options_find(const char *text, const char *item, size_t key, size_t *length);

/* What differs between a file's options and those asked for, in words of at most size - 1 characters. False where
 * nothing does. */
bool nsw_options_differ(const char *file, const char *asked, char *words, size_t size);

#endif
