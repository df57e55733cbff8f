/* Errors as values: every function that can fail returns an exit status and fills one of these. */
#ifndef NASWEEP_ERROR_H
#define NASWEEP_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* Exit statuses of the program, and return values of every function that can fail. */
enum nsw_status {
  NSW_OK = 0,       /* done */
  NSW_FAILED = 1,   /* the outside world did not play along: a file, a record, memory */
  NSW_USAGE = 2,    /* the request itself was wrong */
  NSW_FLAWED = 3,   /* done, but single rows of it failed; the program ends with 1 */
  NSW_STOPPED = 75, /* stopped cleanly before the end; start again to go on (EX_TEMPFAIL) */
  NSW_HALTED = 76   /* the same by the halt file: not to be resumed by itself; the program ends with 75 */
};

/* Whether a run ended cleanly before its end: NSW_STOPPED or NSW_HALTED. */
static inline int nsw_is_stopped(int status) { return status == NSW_STOPPED || status == NSW_HALTED; }

/* One message, complete in itself: names the file, record, rank or architecture. */
struct nsw_error {
  char text[1024]; /* one line without a newline; empty where nothing failed */
};

/* Writes the message and returns NSW_FAILED, so that `return nsw_fail(err, ...)` ends a function.
 * err may be NULL: the message is dropped. */
int nsw_fail(struct nsw_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, returning NSW_USAGE. */
int nsw_usage(struct nsw_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The one message for a malloc that failed: "out of memory for WHAT". Returns NSW_FAILED. */
int nsw_no_memory(struct nsw_error *err, const char *what, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the message that is there; returns status unchanged. */
int nsw_error_prefix(struct nsw_error *err, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif
#endif
