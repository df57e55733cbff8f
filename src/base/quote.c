#include "base/quote.h"

#include <string.h>

const char *nsw_quote(char buffer[NSW_QUOTE_SIZE], const char *text) {
  int n = 0;
  for (; text[n] && n < 80; n++) buffer[n] = text[n] >= ' ' && text[n] < 127 ? text[n] : '?';
  strcpy(buffer + n, text[n] ? "..." : "");
  return buffer;
}
