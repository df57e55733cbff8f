#include "files/utf8.h"

#include <stdint.h>
#include <string.h>

/* Length of the well-formed character at s, of which n >= 1 bytes are there; 0 where it is not well-formed. */
static size_t character(const uint8_t *s, size_t n) {
  size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
  if (length > n) return 0;
  for (size_t i = 1; i < length; i++)
    if ((s[i] & 0xc0) != 0x80) return 0;
  if (length == 3 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f))) return 0;
  if (length == 4 && ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))) return 0;
  return length;
}

/* Whether no byte has its top bit; the last eight bytes are looked at together, those before them too where it fits. */
static bool is_ascii(const char *text, size_t bytes) {
  uint64_t all = 0, eight;
  if (bytes < 8) {
    for (size_t i = 0; i < bytes; i++) all |= (uint8_t)text[i];
    return all < 0x80;
  }
  for (size_t i = 0; i + 8 < bytes; i += 8) {
    memcpy(&eight, text + i, 8);
    all |= eight;
  }
  memcpy(&eight, text + bytes - 8, 8);
  return !((all | eight) & UINT64_C(0x8080808080808080));
}

bool nsw_utf8_valid(const char *text, size_t bytes) {
  if (is_ascii(text, bytes)) return true;
  const uint8_t *s = (const uint8_t *)text, *end = s + bytes;
  while (s < end) {
    size_t length = character(s, (size_t)(end - s));
    if (!length) return false;
    s += length;
  }
  return true;
}
