#include "base/nearest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static int low(char c) { return tolower((unsigned char)c); }

static size_t min3(size_t a, size_t b, size_t c) { return a < b ? (a < c ? a : c) : (b < c ? b : c); }

/* Edits from a to b: insert, delete, replace, swap neighbours (optimal string alignment). Long words: too many. */
static size_t edits(const char *a, const char *b) {
  enum { LONGEST = 48 };
  size_t n = strlen(a), m = strlen(b), d[LONGEST + 1][LONGEST + 1];
  if (n > LONGEST || m > LONGEST) return LONGEST;
  for (size_t i = 0; i <= n; i++) {
    for (size_t j = 0; j <= m; j++) {
      if (!i || !j) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (low(a[i - 1]) != low(b[j - 1])));
      if (i > 1 && j > 1 && low(a[i - 1]) == low(b[j - 2]) && low(a[i - 2]) == low(b[j - 1]) &&
          d[i - 2][j - 2] + 1 < d[i][j])
        d[i][j] = d[i - 2][j - 2] + 1;
    }
  }
  return d[n][m];
}

const char *nsw_nearest(const char *word, const char *const *names, size_t count) {
  const char *best = NULL;
  size_t length = strlen(word), fewest = length / 3 + 1;
  for (size_t i = 0; length && i < count; i++) {
    size_t n = length >= 2 && !strncasecmp(word, names[i], length) ? 1 : edits(word, names[i]);
    if (n < fewest || (n == fewest && !best && n < length)) best = names[i], fewest = n;
  }
  return best;
}
