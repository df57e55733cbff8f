/* The outcome of `correlate` in the formats people and programs read; one list of lines, five ways to print it. */
#ifndef NSW_CLI_LINES_H
#define NSW_CLI_LINES_H

#include <jansson.h>
#include <stdio.h>

#include "study/compare.h"

/* One comparison with its labels. Texts are borrowed. */
struct nsw_line {
  const char *space, *proxy, *dataset, *split, *epochs, *source; /* epochs, source NULL where not known */
  char subset[32];
  struct nsw_comparison outcome;
};

/* What the lines were made with. */
struct nsw_lines_options {
  uint64_t resamples, seed;
  double level;
  json_t *more; /* array of further objects (agreement, stability, contests) to follow in JSON; borrowed, may be NULL */
};

/* Prints lines[count] as "table", "json", "csv", "latex" or "markdown"; NSW_USAGE for another word. */
int nsw_lines_emit(FILE *out, const char *format, const struct nsw_line *lines, size_t count,
                   const struct nsw_lines_options *options, struct nsw_error *err);

/* NSW_USAGE unless the word is one of the formats. */
int nsw_lines_check(const char *format, struct nsw_error *err);

/* A number for JSON: null where it is not finite. */
json_t *nsw_json_real(double value);

/* "423,624" into text[32]. */
const char *nsw_grouped(uint64_t value, char text[32]);

#endif
