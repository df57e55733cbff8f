#include "nasweep/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int set(struct nsw_error *err, int status, const char *format, va_list args) {
  if (err) vsnprintf(err->text, sizeof err->text, format, args);
  return status;
}

int nsw_fail(struct nsw_error *err, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int status = set(err, NSW_FAILED, format, args);
  va_end(args);
  return status;
}

int nsw_usage(struct nsw_error *err, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int status = set(err, NSW_USAGE, format, args);
  va_end(args);
  return status;
}

int nsw_no_memory(struct nsw_error *err, const char *what, ...) {
  struct nsw_error text;
  va_list args;
  va_start(args, what);
  set(&text, NSW_FAILED, what, args);
  va_end(args);
  return nsw_fail(err, "out of memory for %s", text.text);
}

int nsw_error_prefix(struct nsw_error *err, int status, const char *format, ...) {
  if (!err) return status;
  struct nsw_error old = *err;
  va_list args;
  va_start(args, format);
  int n = vsnprintf(err->text, sizeof err->text, format, args);
  va_end(args);
  int room = (int)sizeof err->text - n - 3; /* for ": " and the end */
  if (n >= 0 && room > 0) snprintf(err->text + n, sizeof err->text - (size_t)n, ": %.*s", room, old.text);
  return status;
}
