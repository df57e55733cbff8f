/* Text from outside, made safe to stand in an error message. */
#ifndef NSW_BASE_QUOTE_H
#define NSW_BASE_QUOTE_H

enum { NSW_QUOTE_SIZE = 84 };

/* Copies text into buffer, at most 80 characters, cut ones replaced by "...", anything that is not printable ASCII by
 * '?'. Returns buffer. */
const char *nsw_quote(char buffer[NSW_QUOTE_SIZE], const char *text);

#endif
