#include "truth/layout.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"

/* ---- fields by name ---- */

static long field_named(char **fields, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (!strcmp(fields[i], name)) return (long)i;
  return -1;
}

static bool one_of(const char *word, const char *const *list) {
  while (*list && strcmp(word, *list)) list++;
  return *list != NULL;
}

/* The first field whose name, as words, is in the list, or -1. */
static long field_among(char **fields, size_t count, const char *const *list) {
  char name[NSW_HEADER_NAME];
  for (size_t i = 0; i < count; i++) {
    nsw_header_words(fields[i], name);
    if (one_of(name, list)) return (long)i;
  }
  return -1;
}

static void printable(const char *text, char out[NSW_HEADER_NAME]) {
  size_t n = 0;
  for (; text[n] && n + 1 < NSW_HEADER_NAME; n++) out[n] = text[n] >= 32 && text[n] < 127 ? text[n] : '?';
  out[n] = 0;
}

/* The key: as asked; else an id by its usual names, an index, or both, which then must agree; else adjacency and
 * operations. */
static int find_key(struct nsw_layout *l, const struct nsw_truth_request *request, char **fields, size_t count,
                    struct nsw_error *err) {
  static const char *const ids[] = {"module_hash", "hash", "arch",     "arch_str", "arch_string", "architecture",
                                    "id",          "cell", "string",   "uid",      "key",         "arch_hash",
                                    "arch_id",     "spec", "encoding", "genotype", "net_str",     NULL};
  static const char *const indexes[] = {"index", "idx", "arch_index", "arch_idx", "architecture_index", "net_id", NULL};
  static const char *const matrices[] = {"adjacency", "module_adjacency", "matrix", "adj", "adjacency_matrix", NULL};
  static const char *const operations[] = {"ops", "operations", "module_operations", "module_ops", "op_list", NULL};
  l->id = l->index = l->adjacency = l->ops = -1;
  if (request->key) {
    l->id = field_named(fields, count, request->key);
    if (l->id < 0) return nsw_usage(err, "%s: no column is named %s", l->path, request->key);
  } else {
    l->id = field_among(fields, count, ids);
    l->index = field_among(fields, count, indexes);
    l->adjacency = l->id < 0 ? field_among(fields, count, matrices) : -1;
    l->ops = l->adjacency >= 0 ? field_among(fields, count, operations) : -1;
    if (l->ops < 0) l->adjacency = -1;
  }
  if (l->id < 0 && l->index < 0 && l->adjacency < 0)
    return nsw_usage(err,
                     "%s: line 1: no column looks like the key (index, hash, arch, ...); name it with --key COLUMN "
                     "(the first line must be a header)",
                     l->path);
  const long named[] = {l->id, l->index, l->adjacency, l->ops};
  for (size_t i = 0; i < 4; i++) {
    char name[NSW_HEADER_NAME];
    size_t used = strlen(l->key);
    if (named[i] < 0) continue;
    printable(fields[named[i]], name);
    snprintf(l->key + used, sizeof l->key - used, "%s%s", used ? " and " : "", name);
  }
  return NSW_OK;
}

/* The fields by which one record of a long table says what it is of. */
static void find_labels(struct nsw_layout *l, char **fields, size_t count) {
  static const char *const datasets[] = {"dataset", "data_set", "task", NULL};
  static const char *const splits[] = {"split", "subset", "part", "phase", NULL};
  static const char *const epochs[] = {"epochs", "epoch", "budget", "hp", NULL};
  static const char *const runs[] = {"seed",   "run",          "repeat",     "rep",         "trial", "seed_id",
                                     "run_id", "repeat_index", "repetition", "random_seed", NULL};
  l->dataset = field_among(fields, count, datasets);
  l->split = field_among(fields, count, splits);
  l->epochs = field_among(fields, count, epochs);
  l->run = field_among(fields, count, runs);
}

/* ---- accuracy columns ---- */

static int add_column(struct nsw_layout *l, size_t field, const char *name, const char *dataset, const char *split,
                      const struct nsw_header *h, struct nsw_error *err) {
  if (l->columns == NSW_LAYOUT_COLUMNS)
    return nsw_fail(err, "%s: more than %d accuracy columns", l->path, NSW_LAYOUT_COLUMNS);
  struct nsw_layout_column *column = &l->column[l->columns++];
  *column = (struct nsw_layout_column){.field = field, .epochs = h->epochs, .run = h->run, .mean = h->mean};
  printable(name, column->name);
  snprintf(column->dataset, sizeof column->dataset, "%s", dataset);
  snprintf(column->split, sizeof column->split, "%s%s", split, h->half && *split ? "-half" : "");
  return NSW_OK;
}

/* Whether a name ends with its epochs already: "test-200ep". */
static bool has_epochs(const char *split) {
  const char *dash = strrchr(split, '-');
  size_t digits = dash ? strspn(dash + 1, "0123456789") : 0;
  return digits && !strcmp(dash + 1 + digits, "ep");
}

/* COLUMN or COLUMN=DATASET/SPLIT from the command line. */
static int named_column(struct nsw_layout *l, const struct nsw_truth_request *request, const char *wish, char **fields,
                        size_t count, struct nsw_error *err) {
  char name[256], label[2 * NSW_HEADER_NAME] = "";
  struct nsw_header h;
  const char *equals = strrchr(wish, '=');
  long at = field_named(fields, count, wish);
  if (at >= 0) equals = NULL; /* a name with a '=' in it */
  size_t size = equals ? (size_t)(equals - wish) : strlen(wish);
  if (size >= sizeof name) return nsw_usage(err, "--column %.60s...: too long", wish);
  memcpy(name, wish, size);
  name[size] = 0;
  if (equals) snprintf(label, sizeof label, "%s", equals + 1);
  if (at < 0) at = field_named(fields, count, name);
  if (at < 0) return nsw_usage(err, "%s: no column is named %s", l->path, name);
  char *slash = strchr(label, '/');
  if (slash) *slash = 0;
  nsw_header_read(name, &h);
  const char *dataset = label[0] ? label : h.dataset[0] ? h.dataset : request->dataset;
  const char *split = slash && slash[1] ? slash + 1 : h.split[0] ? h.split : request->split;
  bool literal = slash && has_epochs(slash + 1);
  if (slash && slash[1]) h.half = false;
  if (!dataset && l->dataset >= 0) dataset = "";
  if (!split && l->split >= 0) split = "";
  if (!dataset || !split)
    return nsw_usage(err, "%s: column %s: which %s? say --column %s=DATASET/SPLIT", l->path, name,
                     dataset ? "split" : "data set", name);
  int status = add_column(l, (size_t)at, name, dataset, split, &h, err);
  if (!status && literal) l->column[l->columns - 1].literal = true;
  return status;
}

static void leave_out(struct nsw_layout *l, const char *field, const char *why) {
  char name[NSW_HEADER_NAME];
  size_t used = strlen(l->left_out);
  printable(field, name);
  snprintf(l->left_out + used, sizeof l->left_out - used, "%s%s (%s)", used ? ", " : "", name, why);
}

/* Whether the field is one of those that say what a record is of. */
static bool is_label(const struct nsw_layout *l, long i) {
  return i == l->id || i == l->index || i == l->adjacency || i == l->ops || i == l->dataset || i == l->split ||
         i == l->epochs || i == l->run;
}

/* A column whose name speaks of an accuracy. */
static int guess_column(struct nsw_layout *l, const struct nsw_truth_request *request, size_t field, const char *name,
                        struct nsw_error *err) {
  struct nsw_header h;
  char quoted[NSW_QUOTE_SIZE];
  nsw_header_read(name, &h);
  if (h.against && (h.split[0] || h.dataset[0])) leave_out(l, name, h.against);
  if (h.against || (!h.accuracy && !(h.dataset[0] && (request->split || l->split >= 0)))) return NSW_OK;
  const char *dataset = h.dataset[0] ? h.dataset : l->dataset >= 0 ? "" : request->dataset;
  const char *split = h.split[0] ? h.split : l->split >= 0 ? "" : request->split;
  if (!dataset && request->space && !strcmp(request->space, "nb101")) dataset = "cifar10"; /* the only one it has */
  if (!dataset || !split)
    return nsw_usage(err, "%s: column %s: which %s? say --%s", l->path, nsw_quote(quoted, name),
                     dataset ? "split" : "data set", dataset ? "split" : "dataset");
  if (*dataset && !nsw_truth_wants_dataset(request, dataset)) return NSW_OK;
  if (*split && !nsw_truth_wants_split(request, split, h.epochs)) return NSW_OK;
  return add_column(l, field, name, dataset, split, &h, err);
}

/* ---- several columns of one accuracy ---- */

static bool same_label(const struct nsw_layout_column *a, const struct nsw_layout_column *b) {
  return !strcmp(a->dataset, b->dataset) && !strcmp(a->split, b->split);
}

static bool is_budget(int64_t number) {
  return number == 12 || number == 36 || number == 90 || number == 108 || number == 200;
}

/* Bare numbers are epochs where one of those beside them is a benchmark's budget, else runs. They stand in `number`,
 * by column, -1 where there is none. */
static void settle_numbers(struct nsw_layout *l, const int64_t *number) {
  for (size_t i = 0; i < l->columns; i++) {
    struct nsw_layout_column *c = &l->column[i];
    bool epochs = c->run >= 0;
    if (number[i] < 0) continue;
    for (size_t k = 0; k < l->columns; k++)
      epochs = epochs || (same_label(c, &l->column[k]) && number[k] >= 0 && is_budget(number[k]));
    if (epochs && !c->epochs && number[i] > 0 && number[i] <= 100000)
      c->epochs = (int)number[i];
    else if (c->run < 0)
      c->run = number[i];
  }
}

static void remove_column(struct nsw_layout *l, size_t i) {
  memmove(&l->column[i], &l->column[i + 1], (l->columns - i - 1) * sizeof *l->column);
  l->columns--;
}

/* A column without a run beside those of single runs: their mean, or the first of "acc", "acc.1", "acc.2". */
static void settle_means(struct nsw_layout *l) {
  for (size_t i = 0; i < l->columns; i++) {
    struct nsw_layout_column *c = &l->column[i];
    bool runs = false, zero = false, one = false;
    for (size_t k = 0; k < l->columns; k++) {
      const struct nsw_layout_column *other = &l->column[k];
      if (!same_label(c, other) || other->epochs != c->epochs || other->run < 0) continue;
      runs = true;
      zero = zero || other->run == 0;
      one = one || other->run == 1;
    }
    if (c->run >= 0 || !runs) continue;
    if (!c->mean && one && !zero) {
      c->run = 0;
      continue;
    }
    leave_out(l, c->name, c->mean ? "the mean of the runs beside it" : "taken for the mean of the runs beside it");
    remove_column(l, i--);
  }
}

static int check_clashes(const struct nsw_layout *l, struct nsw_error *err) {
  for (size_t i = 0; i < l->columns; i++)
    for (size_t k = i + 1; k < l->columns; k++) {
      const struct nsw_layout_column *a = &l->column[i], *b = &l->column[k];
      if (!same_label(a, b) || a->epochs != b->epochs || a->run != b->run) continue;
      const char *dataset = *a->dataset ? a->dataset : "DATASET", *split = *a->split ? a->split : "SPLIT";
      return nsw_usage(err,
                       "%s: columns %s and %s are both %s/%s: name those wanted, as --column %s=%s/%s (and --column "
                       "%s=%s/NAME)",
                       l->path, a->name, b->name, dataset, split, a->name, dataset, split, b->name, dataset);
    }
  return NSW_OK;
}

/* "…_108ep.csv.gz" says 108; 0 where the name says nothing. */
static int epochs_in(const char *path) {
  const char *name = strrchr(path, '/');
  name = name ? name + 1 : path;
  for (const char *at = name; (at = strstr(at, "ep")); at++) {
    const char *start = at;
    while (start > name && isdigit((unsigned char)start[-1])) start--;
    const char *end = at + (strncmp(at, "epochs", 6) ? strncmp(at, "epoch", 5) ? 2 : 5 : 6);
    if (start < at && at - start <= 5 && !isalpha((unsigned char)*end)) return atoi(start);
  }
  return 0;
}

/* Columns that do not say their epochs have those of the request, else of the file's name. */
static void settle_epochs(struct nsw_layout *l, const struct nsw_truth_request *request) {
  int epochs = request->epochs ? request->epochs : epochs_in(l->path);
  for (size_t i = 0; i < l->columns; i++) {
    struct nsw_layout_column *c = &l->column[i];
    if (!c->epochs && l->epochs < 0) c->epochs = epochs;
    if (!request->epochs || !c->epochs || c->epochs == request->epochs) continue;
    leave_out(l, c->name, "of other epochs");
    remove_column(l, i--);
  }
}

static int guess_columns(struct nsw_layout *l, const struct nsw_truth_request *request, char **fields, size_t count,
                         struct nsw_error *err) {
  int64_t number[NSW_LAYOUT_COLUMNS];
  for (size_t i = 0; i < count; i++) {
    size_t before = l->columns;
    if (is_label(l, (long)i)) continue;
    int status = guess_column(l, request, i, fields[i], err);
    if (status) return status;
    if (l->columns == before) continue;
    struct nsw_header h;
    nsw_header_read(fields[i], &h);
    number[before] = h.number;
  }
  settle_numbers(l, number);
  settle_means(l);
  settle_epochs(l, request);
  if (l->columns) return check_clashes(l, err);
  return nsw_usage(err,
                   "%s: line 1: no column looks like an accuracy%s%s%s; name them with --column COLUMN=DATASET/SPLIT",
                   l->path, l->left_out[0] ? " (left out: " : "", l->left_out, l->left_out[0] ? ")" : "");
}

int nsw_layout_key(struct nsw_layout *l, const struct nsw_truth_request *request, const char *path, char **fields,
                   size_t count, struct nsw_error *err) {
  memset(l, 0, sizeof *l);
  l->path = path;
  l->fields = count;
  find_labels(l, fields, count);
  return find_key(l, request, fields, count, err);
}

int nsw_layout_row(const struct nsw_layout *l, struct nsw_speller *speller, char **fields, int64_t *row, char **key,
                   struct nsw_error *err) {
  char quoted[NSW_QUOTE_SIZE];
  *row = -1;
  if (asprintf(key, "%s%s%s",
               fields[l->adjacency >= 0 ? l->adjacency
                      : l->id >= 0      ? l->id
                                        : l->index],
               l->adjacency >= 0 ? " " : "", l->adjacency >= 0 ? fields[l->ops] : "") < 0) {
    *key = NULL;
    return nsw_no_memory(err, "a table");
  }
  *row = l->id >= 0 || l->adjacency >= 0 ? nsw_speller_row(speller, *key) : nsw_speller_index(speller, *key);
  if (*row == -2) return nsw_fail(err, "index '%s' is no whole number", nsw_quote(quoted, *key));
  bool both = l->index >= 0 && (l->id >= 0 || l->adjacency >= 0);
  if (!both || *row < 0 || !*fields[l->index]) return NSW_OK;
  if (nsw_speller_index(speller, fields[l->index]) == *row) return NSW_OK;
  return nsw_fail(err,
                  "index %.20s is not architecture '%s', whose index is %lu: if that column counts something else, say "
                  "--key with the name of the other",
                  fields[l->index], nsw_quote(quoted, *key), (unsigned long)speller->table->index[*row]);
}

int nsw_layout_read(struct nsw_layout *l, const struct nsw_truth_request *request, const char *path, char **fields,
                    size_t count, struct nsw_error *err) {
  int status = nsw_layout_key(l, request, path, fields, count, err);
  if (status) return status;
  if (!request->column_count) return guess_columns(l, request, fields, count, err);
  for (size_t i = 0; i < request->column_count && !status; i++)
    status = named_column(l, request, request->columns[i], fields, count, err);
  if (status) return status;
  settle_epochs(l, request);
  return check_clashes(l, err);
}

void nsw_layout_say(const struct nsw_layout *l, const struct nsw_truth_request *request,
                    struct nsw_truth_report *report) {
  if (l->left_out[0]) nsw_truth_say(report, "%s: left out: %s", l->path, l->left_out);
  if (request->key && request->column_count) return;
  char text[2048] = "";
  for (size_t i = 0; i < l->columns; i++) {
    const struct nsw_layout_column *c = &l->column[i];
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, ", %s is %s/%s", c->name,
             *c->dataset ? c->dataset : "(data set of the record)", *c->split ? c->split : "(split of the record)");
    used = strlen(text);
    if (c->epochs && !c->literal) snprintf(text + used, sizeof text - used, "-%dep", c->epochs);
    used = strlen(text);
    if (c->run >= 0) snprintf(text + used, sizeof text - used, ", run %lld", (long long)c->run);
  }
  nsw_truth_say(report, "%s: from the header: key %s (%s)%s%s", l->path, l->key,
                l->id >= 0 || l->adjacency >= 0 ? "id" : "index", text,
                l->run >= 0 ? "; several records an architecture are its runs" : "");
}
