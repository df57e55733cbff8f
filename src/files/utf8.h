/* Whether bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). */
#ifndef NSW_FILES_UTF8_H
#define NSW_FILES_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool nsw_utf8_valid(const char *text, size_t bytes);

#endif
