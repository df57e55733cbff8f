#include "cli/emit.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"

struct nsw_emit {
  FILE *out;
  const char *const *names;
  size_t count, column;
  json_t *row; /* NULL for CSV */
  bool first;  /* no row written yet */
  bool failed; /* memory or stream */
};

void nsw_csv_text(FILE *out, const char *text) {
  if (!text[strcspn(text, ",\"\r\n")]) {
    fputs(text, out);
    return;
  }
  fputc('"', out);
  for (; *text; text++) {
    if (*text == '"') fputc('"', out);
    fputc(*text, out);
  }
  fputc('"', out);
}

int nsw_emit_begin(FILE *out, const char *format, const char *const *names, size_t count, bool header,
                   struct nsw_emit **emit, struct nsw_error *err) {
  bool json = !strcmp(format, "json");
  char quoted[NSW_QUOTE_SIZE];
  *emit = NULL;
  if (!json && strcmp(format, "csv"))
    return nsw_usage(err, "unknown format '%s'; known: csv, json", nsw_quote(quoted, format));
  struct nsw_emit *e = calloc(1, sizeof *e);
  if (!e) return nsw_no_memory(err, "output");
  *e = (struct nsw_emit){.out = out, .names = names, .count = count, .first = true};
  if (json && !(e->row = json_object())) {
    free(e);
    return nsw_no_memory(err, "output");
  }
  if (json) fputc('[', out);
  for (size_t i = 0; header && !json && i < count; i++) {
    if (i) fputc(',', out);
    nsw_csv_text(out, names[i]);
  }
  if (header && !json) fputc('\n', out);
  *emit = e;
  return NSW_OK;
}

/* After a value: the next column, or the row's end. */
static void advance(struct nsw_emit *e) {
  if (++e->column < e->count) return;
  e->column = 0;
  if (e->row) {
    fputs(e->first ? "\n" : ",\n", e->out);
    if (json_dumpf(e->row, e->out, JSON_COMPACT | JSON_REAL_PRECISION(17))) e->failed = true;
  } else {
    fputc('\n', e->out);
  }
  e->first = false;
}

static void set(struct nsw_emit *e, json_t *value) {
  if (json_object_set_new_nocheck(e->row, e->names[e->column], value)) e->failed = true;
}

static void separate(struct nsw_emit *e) {
  if (!e->row && e->column) fputc(',', e->out);
}

void nsw_emit_integer(struct nsw_emit *e, uint64_t value) {
  char digits[24], *at = digits + sizeof digits - 1;
  separate(e);
  if (e->row) {
    set(e, json_integer((json_int_t)value));
  } else { /* printf would be most of the time of a whole space */
    *at = '\0';
    do *--at = (char)('0' + value % 10);
    while (value /= 10);
    fputs(at, e->out);
  }
  advance(e);
}

void nsw_emit_real(struct nsw_emit *e, double value) {
  char text[40];
  separate(e);
  if (isfinite(value))
    for (int digits = 15; digits <= 17; digits++) {
      snprintf(text, sizeof text, "%.*g", digits, value);
      if (strtod(text, NULL) == value) break;
    }
  else
    snprintf(text, sizeof text, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
  if (e->row)
    set(e, isfinite(value) ? json_real(value) : isnan(value) ? json_null() : json_string(text));
  else
    fputs(text, e->out);
  advance(e);
}

void nsw_emit_text(struct nsw_emit *e, const char *value) {
  separate(e);
  if (e->row)
    set(e, json_string(value));
  else
    nsw_csv_text(e->out, value);
  advance(e);
}

int nsw_emit_end(struct nsw_emit **emit, struct nsw_error *err) {
  struct nsw_emit *e = *emit;
  *emit = NULL;
  if (!e) return NSW_OK;
  if (e->row) {
    fputs(e->first ? "]\n" : "\n]\n", e->out);
    json_decref(e->row);
  }
  bool failed = e->failed;
  FILE *out = e->out;
  free(e);
  if (fflush(out) || ferror(out)) return nsw_fail(err, "output failed: %s", strerror(errno ? errno : EIO));
  if (failed) return nsw_fail(err, "output failed: not enough memory, or text that is not UTF-8");
  return NSW_OK;
}
