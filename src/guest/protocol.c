#include "guest/protocol.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arch/json.h"
#include "base/quote.h"
#include "guest/command.h"
#include "nasweep/measure.h"

/* ---- the first line ---- */

/* Text as it can stand in tables and attributes: control characters become blanks. NULL: no memory. */
static char *plain_copy(const char *text) {
  char *copy = strdup(text);
  for (char *c = copy; c && *c; c++)
    if ((unsigned char)*c < ' ' || *c == 127) *c = ' ';
  return copy;
}

static int no_memory(struct nsw_error *err) { return nsw_no_memory(err, "its first line"); }

static int read_column(const json_t *item, const char *name, struct nsw_hello *hello, struct nsw_error *err) {
  struct nsw_proxy_column *column = &hello->column[hello->columns];
  const json_t *own = json_object_get(item, "name"), *direction = json_object_get(item, "direction");
  const json_t *words = json_object_get(item, "long_name");
  if (!json_is_object(item)) return nsw_fail(err, "\"columns\" holds something that is no object");
  if (own && !json_is_string(own)) return nsw_fail(err, "a column's \"name\" is no text");
  if (nsw_guest_name_check(own ? json_string_value(own) : name, err)) return NSW_FAILED;
  if (direction && (!json_is_integer(direction) || llabs(json_integer_value(direction)) != 1))
    return nsw_fail(err, "\"direction\" of a column is neither 1 nor -1");
  if (words && !json_is_string(words)) return nsw_fail(err, "\"long_name\" of a column is no text");
  *column = (struct nsw_proxy_column){.name = strdup(own ? json_string_value(own) : name),
                                      .direction = direction ? (int)json_integer_value(direction) : +1,
                                      .long_name = plain_copy(words ? json_string_value(words) : "")};
  hello->columns++;
  if (!column->name || !column->long_name) return no_memory(err);
  for (int c = 0; c + 1 < hello->columns; c++)
    if (!strcmp(hello->column[c].name, column->name)) return nsw_fail(err, "it has the column %s twice", column->name);
  return NSW_OK;
}

static int read_columns(const json_t *list, const char *name, struct nsw_hello *hello, struct nsw_error *err) {
  size_t n = json_array_size(list);
  if (!json_is_array(list) || n < 1) return nsw_fail(err, "\"columns\" is not a list of at least one");
  if (n > NSW_GUEST_COLUMNS) return nsw_fail(err, "it has %zu columns, and %d are the most", n, NSW_GUEST_COLUMNS);
  int status = NSW_OK;
  for (size_t i = 0; i < n && !status; i++) {
    const json_t *item = json_array_get(list, i);
    if (n > 1 && json_is_object(item) && !json_object_get(item, "name"))
      return nsw_fail(err, "one of several columns has no \"name\"");
    status = read_column(item, name, hello, err);
  }
  return status;
}

static int read_needs(const json_t *list, struct nsw_hello *hello, struct nsw_error *err) {
  static const struct {
    const char *word;
    unsigned needs;
  } known[] = {{"topology", 0}, {"network", NSW_NEEDS_NETWORK}, {"data", NSW_NEEDS_DATA}, {"seed", NSW_NEEDS_SEED}};
  char quoted[NSW_QUOTE_SIZE];
  if (list && !json_is_array(list)) return nsw_fail(err, "\"needs\" is no list");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *word = json_string_value(json_array_get(list, i));
    size_t k = 0;
    while (k < 4 && (!word || strcmp(word, known[k].word))) k++;
    if (k == 4)
      return nsw_fail(err, "\"needs\" knows topology, network, data and seed, not '%s'",
                      nsw_quote(quoted, word ? word : "(no text)"));
    hello->needs |= known[k].needs;
  }
  return NSW_OK;
}

/* A whole number from low to high; `other` where the key is not there. */
static int read_count(const json_t *object, const char *key, int low, int high, int other, int *count,
                      struct nsw_error *err) {
  const json_t *value = json_object_get(object, key);
  *count = value ? (int)json_integer_value(value) : other;
  if (value && (!json_is_integer(value) || json_integer_value(value) < low || json_integer_value(value) > high))
    return nsw_fail(err, "\"%s\" is no whole number from %d to %d", key, low, high);
  return NSW_OK;
}

static int read_text(const json_t *object, const char *key, char **text, struct nsw_error *err) {
  const json_t *value = json_object_get(object, key);
  if (!value) return NSW_OK;
  if (!json_is_string(value)) return nsw_fail(err, "\"%s\" is no text", key);
  *text = plain_copy(json_string_value(value));
  return *text ? NSW_OK : no_memory(err);
}

static int read_hello(const json_t *root, const char *name, struct nsw_hello *hello, struct nsw_error *err) {
  const json_t *version = json_object_get(root, "nasweep"), *by_class = json_object_get(root, "by_class");
  if (!json_is_integer(version)) return nsw_fail(err, "no {\"nasweep\": 1, ...}");
  if (json_integer_value(version) != 1)
    return nsw_fail(err, "it speaks version %" JSON_INTEGER_FORMAT " of the protocol, and this program version 1",
                    json_integer_value(version));
  if (by_class && !json_is_boolean(by_class)) return nsw_fail(err, "\"by_class\" is neither true nor false");
  hello->by_class = json_is_true(by_class);
  int status = read_columns(json_object_get(root, "columns"), name, hello, err);
  if (!status) status = read_needs(json_object_get(root, "needs"), hello, err);
  if (!status) status = read_count(root, "samples", 1, 1000000, 0, &hello->samples, err);
  if (!status) status = read_count(root, "batch", 1, NSW_GUEST_BATCH, 1, &hello->batch, err);
  if (!status) status = read_text(root, "source", &hello->source, err);
  if (!status) status = read_text(root, "note", &hello->note, err);
  if (!(hello->needs & NSW_NEEDS_DATA))
    hello->samples = 0; /* it sees no images: their number tells nothing */
  else if (!hello->samples)
    hello->samples = NSW_MEASURE_SAMPLES;
  return status;
}

/* What stands in a line that is none, for the message. */
static int no_json(const char *line, struct nsw_error *err) {
  char quoted[NSW_QUOTE_SIZE];
  return nsw_fail(err, "not a line of JSON: '%s'", nsw_quote(quoted, line));
}

int nsw_hello_read(const char *line, const char *name, struct nsw_hello *hello, struct nsw_error *err) {
  json_error_t ignored;
  json_t *root = json_loads(line, JSON_REJECT_DUPLICATES, &ignored);
  *hello = (struct nsw_hello){.columns = 0};
  if (!root) return no_json(line, err);
  int status = read_hello(root, name, hello, err);
  json_decref(root);
  if (status) nsw_hello_free(hello);
  return status;
}

void nsw_hello_free(struct nsw_hello *hello) {
  for (int c = 0; c < hello->columns; c++) {
    free((char *)hello->column[c].name);
    free((char *)hello->column[c].long_name);
  }
  free(hello->source);
  free(hello->note);
  *hello = (struct nsw_hello){.columns = 0};
}

static bool same_text(const char *a, const char *b) { return a && b ? !strcmp(a, b) : a == b; }

bool nsw_hello_same(const struct nsw_hello *a, const struct nsw_hello *b) {
  bool same = a->columns == b->columns && a->needs == b->needs && a->by_class == b->by_class &&
              a->samples == b->samples && a->batch == b->batch && same_text(a->source, b->source) &&
              same_text(a->note, b->note);
  for (int c = 0; c < a->columns && same; c++)
    same = same_text(a->column[c].name, b->column[c].name) && a->column[c].direction == b->column[c].direction &&
           same_text(a->column[c].long_name, b->column[c].long_name);
  return same;
}

/* ---- a line to it ---- */

void nsw_ask_write(FILE *f, const struct nsw_asking *asking, uint32_t index, struct nsw_arch *arch) {
  const struct nsw_space *space = asking->space;
  char id[256];
  uint64_t params, macs;
  nsw_space_describe(space, index, &asking->macro, arch);
  nsw_arch_count(arch, &params, &macs);
  fprintf(f, "{\"space\":\"%s\",\"index\":%" PRIu32, nsw_space_kind(space)->name, index);
  nsw_space_id(space, index, id);
  fprintf(f, ",\"id\":\"%s\",\"class\":%" PRIu32 ",\"params\":%" PRIu64 ",\"macs\":%" PRIu64 ",\"path\":%s", id,
          nsw_space_class(space, index), params, macs, nsw_graph_has_path(&arch->graph[arch->cell]) ? "true" : "false");
  if (asking->seed) fprintf(f, ",\"seed\":%" PRIu64, *asking->seed);
  if (asking->dataset) nsw_json_member(f, ",\"dataset\":", asking->dataset);
  if (asking->data) nsw_json_member(f, ",\"data\":", asking->data);
  if (asking->data_sha256) nsw_json_member(f, ",\"data_sha256\":", asking->data_sha256);
  if (asking->images) fprintf(f, ",\"images\":%zu", asking->images);
  if (asking->samples) fprintf(f, ",\"samples\":%d", asking->samples);
  fputs(",\"arch\":", f);
  nsw_arch_json(f, arch);
  fputs("}\n", f);
}

/* ---- its answers ---- */

static int read_value(const json_t *values, const char *name, double *value, struct nsw_error *err) {
  const json_t *item = json_object_get(values, name);
  *value = NAN;
  if (!item) return nsw_fail(err, "an answer without a value for %s", name);
  if (json_is_number(item))
    *value = json_number_value(item);
  else if (json_is_string(item) && !strcmp(json_string_value(item), "-inf"))
    *value = -INFINITY;
  else if (!json_is_null(item))
    return nsw_fail(err, "the value of %s is neither a number nor null nor \"-inf\"", name);
  return NSW_OK;
}

static int read_answer(const json_t *root, const struct nsw_hello *hello, struct nsw_answer *answer,
                       struct nsw_error *err) {
  const json_t *index = json_object_get(root, "index"), *values = json_object_get(root, "values");
  const json_t *error = json_object_get(root, "error");
  if (!json_is_integer(index) || json_integer_value(index) < 0 || json_integer_value(index) > UINT32_MAX)
    return nsw_fail(err, "an answer without the \"index\" of its architecture");
  answer->index = (uint32_t)json_integer_value(index);
  for (int c = 0; c < hello->columns; c++) answer->value[c] = NAN;
  answer->error[0] = '\0';
  answer->status = NSW_ROW_SCORED;
  if (json_is_string(error)) {
    answer->status = NSW_ROW_FAILED;
    snprintf(answer->error, sizeof answer->error, "%s", json_string_value(error));
    for (char *c = answer->error; *c; c++)
      if ((unsigned char)*c < ' ') *c = ' ';
    return NSW_OK;
  }
  if (json_is_true(json_object_get(root, "no_path"))) {
    answer->status = NSW_ROW_NO_PATH;
    return NSW_OK;
  }
  if (!json_is_object(values)) return nsw_fail(err, "an answer with neither \"values\" nor \"error\"");
  int status = NSW_OK;
  for (int c = 0; c < hello->columns && !status; c++)
    status = read_value(values, hello->column[c].name, &answer->value[c], err);
  return status;
}

int nsw_answer_read(const char *line, const struct nsw_hello *hello, struct nsw_answer *answer, struct nsw_error *err) {
  json_error_t ignored;
  json_t *root = json_loads(line, JSON_REJECT_DUPLICATES, &ignored);
  if (!root) return no_json(line, err);
  int status = read_answer(root, hello, answer, err);
  json_decref(root);
  return status;
}
