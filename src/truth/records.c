#include "truth/records.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/input.h"
#include "truth/json_table.h"

enum { BUFFER = 1 << 18 };

/* Bytes that a file may have when unpacked; nasbench_full as CSV has a tenth of that. */
static const uint64_t most = UINT64_C(64) << 30;

struct nsw_records {
  char *path;
  struct nsw_input *input;
  struct nsw_json_table *json; /* NULL for text */
  char *buffer;                /* [BUFFER], bytes at..filled-1 are unread */
  size_t at, filled;
  size_t peeked; /* bytes of the buffer that nsw_records_peek has passed */
  char *text;    /* [NSW_RECORD_BYTES], the fields of the present record, each NUL-terminated */
  char *fields[NSW_RECORD_FIELDS];
  uint64_t line;  /* line being read, from 1 */
  uint64_t began; /* line on which the last record began */
  char separator;
  bool ended, open_ended;
};

/* What separates fields: of comma, semicolon and tab the one that is in the first line most often, outside quotes. */
static char separator_of(const char *text, size_t size) {
  static const char known[] = ",;\t";
  size_t count[3] = {0}, best = 0;
  bool quoted = false;
  for (size_t i = 0; i < size && (quoted || text[i] != '\n'); i++) {
    const char *at = text[i] && !quoted ? strchr(known, text[i]) : NULL;
    if (text[i] == '"') quoted = !quoted;
    if (at) count[at - known]++;
  }
  for (size_t i = 1; i < 3; i++)
    if (count[i] > count[best]) best = i;
  return known[best];
}

/* Fills the buffer; 0 bytes only at the true end of the file. */
static int fill(struct nsw_records *r, struct nsw_error *err) {
  r->at = r->peeked = r->filled = 0;
  while (r->filled < BUFFER) {
    size_t got;
    int status = nsw_input_read(r->input, r->buffer + r->filled, BUFFER - r->filled, &got, err);
    if (status) return status;
    if (!got) break;
    r->filled += got;
  }
  return NSW_OK;
}

/* The bytes from the first that is no blank. */
static int begin(struct nsw_records *r, struct nsw_error *err) {
  size_t got = 0, at = 0;
  int status = fill(r, err);
  got = r->filled;
  if (status) return status;
  if (got >= 3 && !memcmp(r->buffer, "\xef\xbb\xbf", 3)) at = r->at = 3; /* a byte order mark */
  if (got >= 2 && (!memcmp(r->buffer, "\xff\xfe", 2) || !memcmp(r->buffer, "\xfe\xff", 2)))
    return nsw_fail(err, "%s: is text in UTF-16: save it as UTF-8", r->path);
  while (at < got && isspace((unsigned char)r->buffer[at])) at++;
  r->separator = separator_of(r->buffer + r->at, got - r->at);
  if (at == got || (r->buffer[at] != '[' && r->buffer[at] != '{')) return NSW_OK;
  nsw_input_close(&r->input);
  status = nsw_input_open(r->path, most, &r->input, err);
  if (!status) status = nsw_json_table_read(r->input, &r->json, err);
  r->separator = ',';
  r->line = 0;
  return status;
}

int nsw_records_open(const char *path, struct nsw_records **records, struct nsw_error *err) {
  struct nsw_records *new = calloc(1, sizeof *new);
  *records = new;
  if (!new) return nsw_no_memory(err, "the records of %s", path);
  new->path = strdup(path);
  new->buffer = malloc(BUFFER);
  new->text = malloc(NSW_RECORD_BYTES);
  new->line = 1;
  int status = new->path &&new->buffer &&new->text ? NSW_OK : nsw_no_memory(err, "the records of %s", path);
  if (!status) status = nsw_input_open(path, most, &new->input, err);
  if (!status) status = begin(new, err);
  if (status) nsw_records_close(records);
  return status;
}

void nsw_records_close(struct nsw_records **records) {
  struct nsw_records *old = *records;
  if (!old) return;
  nsw_input_close(&old->input);
  nsw_json_table_free(&old->json);
  free(old->path);
  free(old->buffer);
  free(old->text);
  free(old);
  *records = NULL;
}

uint64_t nsw_records_line(const struct nsw_records *records) { return records->began; }
char nsw_records_separator(const struct nsw_records *records) { return records->separator; }
bool nsw_records_open_ended(const struct nsw_records *records) { return records->open_ended; }

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

/* Reads bytes up to the newline that ends the record into text, splitting at separators outside quotes. The end of the
 * file ends a record likewise. */
static int read_record(struct nsw_records *r, size_t *count, bool *blank, struct nsw_error *err) {
  size_t used = 0, start = 0;
  bool quoted = false, was_quote = false;
  *blank = true;
  *count = 0;
  for (;;) {
    if (r->at == r->filled) {
      int status = fill(r, err);
      if (status) return status;
      if (!r->filled && quoted) return bad(r, err, "the file ends inside a quoted field");
      if (!r->filled) r->ended = true;
      if (!r->filled && !used && !was_quote) return NSW_OK;
      r->open_ended = r->ended;
    }
    char c = r->ended ? '\n' : r->buffer[r->at++];
    if (c == 0) return bad(r, err, "a NUL byte: not a CSV file");
    if (used + 2 > NSW_RECORD_BYTES) return bad(r, err, "longer than a record may be (1 MiB)");
    if (c == '\n' && !r->ended) r->line++;
    if (c == '"') {
      /* A doubled quote inside quotes is one quote: the first of the two has already closed the field. */
      if (!quoted && was_quote) r->text[used++] = '"';
      was_quote = quoted;
      quoted = !quoted;
      *blank = false;
      continue;
    }
    was_quote = false;
    if (quoted || (c != r->separator && c != '\n')) {
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
  if (r->json) return NULL;
  if (r->peeked < r->at) r->peeked = r->at;
  const char *line = r->buffer + r->peeked, *end = memchr(line, '\n', r->filled - r->peeked);
  if (!end) return NULL;
  *size = (size_t)(end - line);
  r->peeked += *size + 1;
  return line;
}

/* The header, then the rows; the fields' texts one after another. */
static int next_of_json(struct nsw_records *r, size_t *count, struct nsw_error *err) {
  size_t columns = nsw_json_table_columns(r->json), used = 0;
  r->began = ++r->line;
  if (r->line > nsw_json_table_rows(r->json) + 1) return NSW_OK;
  for (size_t i = 0; i < columns; i++) {
    const char *text =
        r->line == 1 ? nsw_json_table_name(r->json, i) : nsw_json_table_field(r->json, (size_t)r->line - 2, i);
    size_t size = text ? strlen(text) + 1 : 0;
    if (!text) return nsw_no_memory(err, "a record of %s", r->path);
    if (size > NSW_RECORD_BYTES - used) return bad(r, err, "longer than a record may be (1 MiB)");
    memcpy(r->text + used, text, size);
    r->fields[i] = finish_field(r->text + used, r->text + used + size - 1);
    used += size;
  }
  *count = columns;
  return NSW_OK;
}

int nsw_records_next(struct nsw_records *r, char ***fields, size_t *count, struct nsw_error *err) {
  bool blank = true;
  *count = 0;
  *fields = r->fields;
  if (r->json) return next_of_json(r, count, err);
  while (!r->ended) {
    r->began = r->line;
    int status = read_record(r, count, &blank, err);
    if (status) return status;
    if (*count && !blank) return NSW_OK;
    *count = 0;
  }
  return NSW_OK;
}
