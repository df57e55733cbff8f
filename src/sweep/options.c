#include "sweep/options.h"

#include <stdio.h>
#include <string.h>

bool nsw_options_next(const char **text, const char **item, size_t *length) {
  int depth = 0;
  if (!**text) return false;
  *item = *text;
  for (; **text && (depth || strncmp(*text, "; ", 2)); ++*text) depth += (**text == '(') - (**text == ')');
  *length = (size_t)(*text - *item);
  if (**text) *text += 2;
  return true;
}

const char *nsw_options_find(const char *text, const char *item, size_t key, size_t *length) {
  const char *at;
  while (nsw_options_next(&text, &at, length)) {
    if (*length <= key || strncmp(at, item, key + 1)) continue;
    *length -= key + 1;
    return at + key + 1;
  }
  return NULL;
}

bool nsw_options_differ(const char *file, const char *asked, char *words, size_t size) {
  size_t used = 0, length, other;
  const char *text = asked, *item;
  words[0] = '\0';
  for (int pass = 0; pass < 2; pass++) {
    while (nsw_options_next(&text, &item, &length) && used < size) {
      size_t key = strcspn(item, "=");
      if (key >= length) continue;
      const char *value = item + key + 1, *there = nsw_options_find(pass ? asked : file, item, key, &other);
      int n = (int)(length - key - 1);
      if (there && (pass || (other == (size_t)n && !strncmp(there, value, other)))) continue;
      const char *separator = used ? "; " : "";
      if (pass)
        used += (size_t)snprintf(words + used, size - used, "%s%.*s: file %.*s, asked none", separator, (int)key, item,
                                 n, value);
      else
        used += (size_t)snprintf(words + used, size - used, "%s%.*s: file %.*s, asked %.*s", separator, (int)key, item,
                                 there ? (int)other : 4, there ? there : "none", n, value);
    }
    text = file;
  }
  return used > 0;
}
