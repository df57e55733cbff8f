#include "truth/records.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum { BUFFER = 1 << 18 };

struct nsw_records {
  char *path;
  gzFile file;
  char *buffer; /* [BUFFER], bytes at..filled-1 are unread */
  size_t at, filled;
  size_t peeked; /* bytes of the buffer that nsw_records_peek has passed */
  char *text;    /* [NSW_RECORD_BYTES], the fields of the present record, each NUL-terminated */
  char *fields[NSW_RECORD_FIELDS];
  uint64_t line;  /* line being read, from 1 */
  uint64_t began; /* line on which the last record began */
  bool ended;
};

int nsw_records_open(const char *path, struct nsw_records **records, struct nsw_error *err) {
  *records = NULL;
  struct stat about;
  if (stat(path, &about)) return nsw_fail(err, "%s: %s", path, strerror(errno));
  if (S_ISDIR(about.st_mode)) return nsw_fail(err, "%s: is a folder, not a CSV file", path);
  struct nsw_records *new = calloc(1, sizeof *new);
  if (!new) return nsw_fail(err, "%s: out of memory", path);
  *records = new;
  new->path = strdup(path);
  new->buffer = malloc(BUFFER);
  new->text = malloc(NSW_RECORD_BYTES);
  new->line = 1;
  if (!new->path || !new->buffer || !new->text) {
    nsw_records_close(records);
    return nsw_fail(err, "%s: out of memory", path);
  }
  new->file = gzopen(path, "rb");
  if (!new->file) {
    nsw_records_close(records);
    return nsw_fail(err, "%s: %s", path, strerror(errno));
  }
  gzbuffer(new->file, BUFFER);
  return NSW_OK;
}

void nsw_records_close(struct nsw_records **records) {
  struct nsw_records *old = *records;
  if (!old) return;
  if (old->file) gzclose(old->file);
  free(old->path);
  free(old->buffer);
  free(old->text);
  free(old);
  *records = NULL;
}

uint64_t nsw_records_line(const struct nsw_records *records) { return records->began; }

/* Fills the buffer; 0 bytes only at the true end of the file. A gzip stream that stops early is an error of zlib's
 * that only gzerror tells. */
static int fill(struct nsw_records *r, struct nsw_error *err) {
  int n = gzread(r->file, r->buffer, BUFFER);
  int code = Z_OK;
  const char *why = gzerror(r->file, &code);
  if (n < 0 || (code != Z_OK && code != Z_STREAM_END)) {
    if (code == Z_BUF_ERROR) why = "the gzip stream is cut short";
    return nsw_fail(err, "%s: line %llu: %s", r->path, (unsigned long long)r->line,
                    code == Z_ERRNO ? strerror(errno) : why);
  }
  r->at = r->peeked = 0;
  r->filled = (size_t)n;
  return NSW_OK;
}

static int bad(struct nsw_records *r, struct nsw_error *err, const char *why) {
  return nsw_fail(err, "%s: line %llu: %s", r->path, (unsigned long long)r->began, why);
}

/* Cuts the blanks at both ends of the field that ends at `end`, and terminates it. */
static char *finish_field(char *start, char *end) {
  while (start < end && (*start == ' ' || *start == '\t')) start++;
  while (end > start && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) end--;
  *end = 0;
  return start;
}

/* The end of the file, in the midst of a record or where it should be. */
static int end_of_file(struct nsw_records *r, bool quoted, bool begun, struct nsw_error *err) {
  r->ended = true;
  if (quoted) return bad(r, err, "the file ends inside a quoted field");
  if (begun) return bad(r, err, "the file ends in the middle of a line: it is cut short, or lacks its last newline");
  return NSW_OK;
}

/* Reads bytes up to the newline that ends the record into text, splitting at commas outside quotes. */
static int read_record(struct nsw_records *r, size_t *count, bool *blank, struct nsw_error *err) {
  size_t used = 0, start = 0;
  bool quoted = false, was_quote = false;
  *blank = true;
  *count = 0;
  for (;;) {
    if (r->at == r->filled) {
      int status = fill(r, err);
      if (status != NSW_OK) return status;
      if (!r->filled) return end_of_file(r, quoted, used > 0 || was_quote, err);
    }
    char c = r->buffer[r->at++];
    if (c == 0) return bad(r, err, "a NUL byte: not a CSV file");
    if (used + 2 > NSW_RECORD_BYTES) return bad(r, err, "longer than a record may be (1 MiB)");
    if (c == '\n') r->line++;
    if (c == '"') {
      /* A doubled quote inside quotes is one quote: the first of the two has already closed the field. */
      if (!quoted && was_quote) r->text[used++] = '"';
      was_quote = quoted;
      quoted = !quoted;
      *blank = false;
      continue;
    }
    was_quote = false;
    if (quoted || (c != ',' && c != '\n')) {
      r->text[used++] = c;
      if (c != '\r' && c != ' ' && c != '\t') *blank = false;
      continue;
    }
    if (*count == NSW_RECORD_FIELDS) return bad(r, err, "more than 1024 fields");
    r->fields[(*count)++] = finish_field(r->text + start, r->text + used);
    start = ++used;
    if (c == '\n') return NSW_OK;
    *blank = false;
  }
}

const char *nsw_records_peek(struct nsw_records *r, size_t *size) {
  if (r->peeked < r->at) r->peeked = r->at;
  const char *line = r->buffer + r->peeked, *end = memchr(line, '\n', r->filled - r->peeked);
  if (!end) return NULL;
  *size = (size_t)(end - line);
  r->peeked += *size + 1;
  return line;
}

int nsw_records_next(struct nsw_records *r, char ***fields, size_t *count, struct nsw_error *err) {
  bool blank = true;
  *count = 0;
  *fields = r->fields;
  while (!r->ended) {
    bool first = r->line == 1;
    r->began = r->line;
    int status = read_record(r, count, &blank, err);
    if (status != NSW_OK) return status;
    if (first && *count && !strncmp(r->fields[0], "\xef\xbb\xbf", 3)) r->fields[0] += 3; /* a byte order mark */
    if (*count && !blank) return NSW_OK;
    *count = 0;
  }
  return NSW_OK;
}
