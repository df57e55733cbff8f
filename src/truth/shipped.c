#include "truth/shipped.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
  HEAD = 4096,           /* bytes that a header may have */
  FILE_LIMIT = 16 << 20, /* bytes that a file may have */
  COLUMNS = 16,          /* columns that a file may have */
  ROWS = 1 << 24,        /* architectures likewise */
  NAME = 64,             /* bytes of a data set's or split's name */
  UNKNOWN = 65535        /* the count that stands for no value */
};

struct column {
  char dataset[NAME], split[NAME];
  int epochs;
  int denominator; /* 1..UNKNOWN - 1 */
};

/* What the header says. */
struct head {
  char space[NAME];
  uint32_t rows;
  struct column column[COLUMNS];
  size_t columns;
  char source[512], licence[256], via[256];
};

/* ---- where they are ---- */

static char *folder_at(const char *start, const char *rest) {
  char *path = NULL;
  struct stat about;
  if (asprintf(&path, "%s%s", start, rest) < 0) return NULL;
  if (!stat(path, &about) && S_ISDIR(about.st_mode)) return path;
  free(path);
  return NULL;
}

char *nsw_shipped_folder(void) {
  const char *wish = getenv("NASWEEP_TABLES");
  char program[PATH_MAX];
  if (wish) return *wish ? folder_at(wish, "") : NULL;
  ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
  if (size <= 0) return NULL;
  program[size] = 0;
  char *slash = strrchr(program, '/');
  if (!slash) return NULL;
  *slash = 0;
  char *found = folder_at(program, "/../share/nasweep/tables");
  return found ? found : folder_at(program, "/../results/tables");
}

/* ---- one file ---- */

/* The whole file, malloc'd. */
static int read_all(const char *path, uint8_t **bytes, size_t *size, struct nsw_error *err) {
  FILE *file = fopen(path, "rb");
  struct stat about;
  if (!file || fstat(fileno(file), &about)) {
    int status = nsw_fail(err, "%s: %s", path, strerror(errno));
    if (file) fclose(file);
    return status;
  }
  *size = (size_t)about.st_size;
  *bytes = about.st_size <= FILE_LIMIT ? malloc(*size + 1) : NULL;
  bool whole = *bytes && fread(*bytes, 1, *size, file) == *size;
  fclose(file);
  if (whole) return NSW_OK;
  free(*bytes);
  *bytes = NULL;
  return nsw_fail(err, "%s: cannot be read whole", path);
}

static int read_column(struct head *head, const char *text) {
  struct column *c = &head->column[head->columns];
  int end = 0;
  if (head->columns == COLUMNS) return -1;
  if (sscanf(text, "%63s %63s %d %d%n", c->dataset, c->split, &c->epochs, &c->denominator, &end) != 4 || text[end])
    return -1;
  if (c->epochs < 1 || c->epochs > 100000 || c->denominator < 1 || c->denominator >= UNKNOWN) return -1;
  head->columns++;
  return 0;
}

/* One line `name: text`; names that are not ours are for people. */
static int read_line(struct head *head, char *line) {
  char *text = strstr(line, ": ");
  if (!text) return -1;
  *text = 0;
  text += 2;
  if (!strcmp(line, "column")) return read_column(head, text);
  if (!strcmp(line, "rows")) {
    unsigned long rows = strtoul(text, &text, 10);
    head->rows = (uint32_t)rows;
    return *text || !rows || rows > ROWS ? -1 : 0;
  }
  if (!strcmp(line, "space")) snprintf(head->space, sizeof head->space, "%s", text);
  if (!strcmp(line, "source")) snprintf(head->source, sizeof head->source, "%s", text);
  if (!strcmp(line, "licence")) snprintf(head->licence, sizeof head->licence, "%s", text);
  if (!strcmp(line, "via")) snprintf(head->via, sizeof head->via, "%s", text);
  return 0;
}

/* Parses the header, which is overwritten; *start is where the stream begins. */
static int read_head(const char *path, uint8_t *bytes, size_t size, struct head *head, size_t *start,
                     struct nsw_error *err) {
  static const char first[] = "nasweep table 1\n";
  memset(head, 0, sizeof *head);
  const uint8_t *end = memmem(bytes, size < HEAD ? size : HEAD, "\n\n", 2);
  if (size < sizeof first || memcmp(bytes, first, sizeof first - 1) || !end)
    return nsw_fail(err, "%s: is no packed table of nasweep, format 1", path);
  size_t length = (size_t)(end - bytes);
  char *line = (char *)bytes + sizeof first - 1, *rest = NULL;
  bytes[length] = 0;
  *start = length + 2;
  for (line = strtok_r(line, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
    if (read_line(head, line)) return nsw_fail(err, "%s: header: %.60s: not understood", path, line);
  if (!head->space[0] || !head->rows || !head->columns)
    return nsw_fail(err, "%s: header: space, rows or columns missing", path);
  return NSW_OK;
}

bool nsw_shipped_has(const struct nsw_table *table, const char *dataset, const char *split, int epochs) {
  char name[NAME + 16], number[16];
  snprintf(name, sizeof name, "%s-%dep", split, epochs);
  snprintf(number, sizeof number, "%d", epochs);
  if (nsw_table_accuracy(table, dataset, name)) return true;
  const struct nsw_accuracy *plain = nsw_table_accuracy(table, dataset, split);
  const char *said = plain ? nsw_attributes_get(&plain->attributes, "epochs") : NULL;
  return plain && (!said || !strcmp(said, number));
}

/* Puts a column's counts, [rows] high bytes and [rows] low ones, into a new column of the table. */
static int add_column(struct nsw_table *table, const char *path, const struct head *head, const struct column *column,
                      const uint8_t *counts, struct nsw_error *err) {
  const char *name = strrchr(path, '/');
  char split[NAME + 16];
  struct nsw_accuracy *new;
  snprintf(split, sizeof split, "%s-%dep", column->split, column->epochs);
  int status = nsw_table_add_accuracy(table, column->dataset, split, 1, &new, err);
  if (status) return status;
  for (size_t i = 0; i < table->rows; i++) {
    if (table->index[i] >= head->rows) break;
    unsigned count = (unsigned)counts[table->index[i]] << 8 | counts[head->rows + table->index[i]];
    if (count != UNKNOWN) new->value[i] = 100.0 * count / column->denominator;
  }
  status = nsw_attributes_setf(&new->attributes, err, "source", "%s, shipped: %s; %s; by way of %s",
                               name ? name + 1 : path, head->source, head->licence, head->via);
  if (!status) status = nsw_attributes_set(&new->attributes, "unit", "percent", err);
  if (!status) status = nsw_attributes_setf(&new->attributes, err, "epochs", "%d", column->epochs);
  return status;
}

/* Whether the request asks for that column; without one, whether the table lacks it. */
static bool wanted(const struct nsw_table *table, const struct column *c, const struct nsw_truth_request *request) {
  if (!request) return !nsw_shipped_has(table, c->dataset, c->split, c->epochs);
  return (!request->dataset || !strcmp(request->dataset, c->dataset)) &&
         (!request->split || !strcmp(request->split, c->split)) && (!request->epochs || request->epochs == c->epochs);
}

static int add_columns(struct nsw_table *table, const char *path, const struct head *head, const uint8_t *stream,
                       size_t size, const struct nsw_truth_request *request, size_t *columns, struct nsw_error *err) {
  size_t each = 2 * (size_t)head->rows, all = each * head->columns;
  uint8_t *counts = malloc(all);
  uLongf got = all;
  if (!counts) return nsw_fail(err, "%s: not enough memory", path);
  int status = NSW_OK;
  if (uncompress(counts, &got, stream, size) != Z_OK || got != all)
    status = nsw_fail(err, "%s: is damaged: its compressed part is not %zu bytes that check", path, all);
  for (size_t c = 0; c < head->columns && !status; c++) {
    if (!wanted(table, &head->column[c], request)) continue;
    status = add_column(table, path, head, &head->column[c], counts + c * each, err);
    if (!status) ++*columns;
  }
  free(counts);
  return status;
}

static int read_file(struct nsw_table *table, const char *path, const struct nsw_truth_request *request,
                     struct head *head, size_t *columns, struct nsw_error *err) {
  uint8_t *bytes = NULL;
  size_t size = 0, start = 0;
  *columns = 0;
  int status = read_all(path, &bytes, &size, err);
  if (!status) status = read_head(path, bytes, size, head, &start, err);
  if (!status && table && !strcmp(head->space, table->space))
    status = add_columns(table, path, head, bytes + start, size - start, request, columns, err);
  free(bytes);
  return status;
}

int nsw_shipped_add(struct nsw_table *table, const char *path, size_t *columns, struct nsw_error *err) {
  struct head head;
  return read_file(table, path, NULL, &head, columns, err);
}

/* ---- as a format of `import` ---- */

static int packed_guess(const struct nsw_truth_request *request, const char **space, struct nsw_error *err) {
  struct head head;
  size_t columns;
  int status = read_file(NULL, request->paths[0], NULL, &head, &columns, err);
  for (size_t i = 0; !status && nsw_space_kinds[i]; i++)
    if (!strcmp(nsw_space_kinds[i]->name, head.space)) *space = nsw_space_kinds[i]->name;
  if (!status && !*space)
    status = nsw_fail(err, "%s: of the space %s, which is not here", request->paths[0], head.space);
  return status;
}

static int packed_read(const struct nsw_truth_request *request, struct nsw_table *table,
                       const struct nsw_lookup *lookup, struct nsw_truth_report *report, struct nsw_error *err) {
  (void)lookup;
  int status = NSW_OK;
  for (size_t i = 0; i < request->path_count && !status; i++) {
    struct head head;
    size_t columns;
    status = read_file(table, request->paths[i], request, &head, &columns, err);
    if (!status && strcmp(head.space, table->space))
      status = nsw_fail(err, "%s: of the space %s, not %s", request->paths[i], head.space, table->space);
    if (!status && !columns)
      status = nsw_usage(err, "%s: has no column of that data set, split and epochs", request->paths[i]);
    if (status) break;
    report->records += head.rows;
    for (size_t row = 0; row < table->rows; row++) report->matched += table->index[row] < head.rows;
  }
  return status;
}

const struct nsw_truth_format nsw_truth_packed = {
    .name = "packed",
    .summary = "a table of the kind that comes with the program (results/tables)",
    .guess = packed_guess,
    .read = packed_read,
};
