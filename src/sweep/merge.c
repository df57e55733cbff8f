#include "sweep/merge.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/version.h"
#include "nasweep/proxy.h"
#include "sweep/options.h"
#include "sweep/results.h"
#include "sweep/summary.h"

enum { SEEDS = 4096 }; /* most seeds of a merged column */

struct merge {
  const struct nsw_table *const *table;
  const char *const *path;
  size_t n;
  struct nsw_table *out;
  struct nsw_error *err;
};

/* ---- agreement of options ---- */

/* Keys in which files may differ; a proxy's own options are compared column by column. */
static bool may_differ(const char *item, size_t key) {
  static const char *const free_keys[] = {"rows", "seed", "proxy", "merged"};
  for (size_t i = 0; i < sizeof free_keys / sizeof *free_keys; i++)
    if (strlen(free_keys[i]) == key && !strncmp(item, free_keys[i], key)) return true;
  return item[key] == '=' && item[key + 1] == '(';
}

/* The digest of the data is of the images that were read: of other numbers of them it tells nothing, and each column
 * says how many it took. */
static bool other_images(const char *one, const char *two) {
  size_t length, other;
  const char *a = nsw_options_find(one, "images=", strlen("images"), &length);
  const char *b = nsw_options_find(two, "images=", strlen("images"), &other);
  return a && b && (length != other || strncmp(a, b, length));
}

static int check_options(const struct merge *m, size_t a, size_t b) {
  const char *one = nsw_attributes_get(&m->table[a]->attributes, "options");
  const char *two = nsw_attributes_get(&m->table[b]->attributes, "options"), *item, *value;
  size_t length, other;
  if (!one || !two) return nsw_fail(m->err, "%s: not the file of a sweep", m->path[one ? b : a]);
  bool others = one && two && other_images(one, two);
  while (nsw_options_next(&one, &item, &length)) {
    size_t key = strcspn(item, "=");
    if (key >= length || may_differ(item, key)) continue;
    if (others && (!strncmp(item, "images=", 7) || !strncmp(item, "data_sha256=", 12))) continue;
    value = nsw_options_find(two, item, key, &other);
    if (value && (other != length - key - 1 || strncmp(value, item + key + 1, other)))
      return nsw_fail(m->err, "%s has %.*s, %s has %.*s=%.*s: they do not belong together", m->path[a], (int)length,
                      item, m->path[b], (int)key, item, (int)other, value);
  }
  return NSW_OK;
}

/* Seeds of a column in the order of its values, into seed[SEEDS]: its own where it was merged before, else its file's.
 */
static int seeds_of(const struct merge *m, size_t t, const struct nsw_score *score, uint64_t *seed) {
  const char *text = nsw_attributes_get(&score->attributes, "seeds");
  size_t n = 0;
  if (!text) text = nsw_attributes_get(&m->table[t]->attributes, "seed");
  while (text && *text && n < SEEDS) {
    char *end;
    seed[n++] = strtoull(text, &end, 10);
    text = *end == ',' ? end + 1 : NULL;
  }
  return n == score->seeds ? NSW_OK : nsw_fail(m->err, "%s: %s: its seeds are not told", m->path[t], score->name);
}

/* ---- rows ---- */

static int ascending_index(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static int make_rows(struct merge *m) {
  size_t total = 0, rows = 0;
  for (size_t t = 0; t < m->n; t++) total += m->table[t]->rows;
  uint32_t *index = malloc((total + 1) * sizeof *index);
  if (!index) return nsw_no_memory(m->err, "merging");
  for (size_t t = 0, at = 0; t < m->n; at += m->table[t++]->rows)
    memcpy(index + at, m->table[t]->index, m->table[t]->rows * sizeof *index);
  qsort(index, total, sizeof *index, ascending_index);
  for (size_t i = 0; i < total; i++)
    if (!rows || index[rows - 1] != index[i]) index[rows++] = index[i];
  int status = nsw_table_create(m->table[0]->space, rows, m->table[0]->id_size, &m->out, m->err);
  if (!status) memcpy(m->out->index, index, rows * sizeof *index);
  free(index);
  return status;
}

/* Copies what belongs to the architecture; files that tell different things of it are not of one space. */
static int fill_rows(struct merge *m) {
  struct nsw_table *out = m->out;
  for (size_t t = 0; t < m->n; t++) {
    const struct nsw_table *in = m->table[t];
    for (size_t i = 0; i < in->rows; i++) {
      size_t row = (size_t)nsw_table_row(out, in->index[i]);
      char *id = out->id + row * out->id_size;
      const char *from = in->id + i * in->id_size;
      if (*id && (memcmp(id, from, out->id_size) || out->params[row] != in->params[i] || out->macs[row] != in->macs[i]))
        return nsw_fail(m->err, "%s: architecture %" PRIu32 " is another one, or of another size, in the files before",
                        m->path[t], in->index[i]);
      memcpy(id, from, out->id_size);
      out->class_of[row] = in->class_of[i];
      out->params[row] = in->params[i];
      out->macs[row] = in->macs[i];
    }
  }
  return NSW_OK;
}

/* ---- scores ---- */

/* Whether a column depends on the seed: as it says itself where its proxy is not built in. */
static bool seeded(const struct merge *m, const char *column) {
  const struct nsw_proxy *proxy = nsw_proxy_find(column, NULL);
  for (size_t t = 0; t < m->n; t++) {
    const struct nsw_score *score = nsw_table_score(m->table[t], column);
    const char *said = score ? nsw_attributes_get(&score->attributes, "seeded") : NULL;
    if (said) return !strcmp(said, "yes");
  }
  return proxy && proxy->needs & NSW_NEEDS_SEED;
}

static int ascending_seed(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* All seeds of a column, ascending, into seed[(files + 1) SEEDS]. */
static int union_of_seeds(struct merge *m, const char *name, uint64_t *seed, size_t *count) {
  size_t n = 0;
  for (size_t t = 0; t < m->n; t++) {
    const struct nsw_score *score = nsw_table_score(m->table[t], name);
    if (!score) continue;
    int status = seeds_of(m, t, score, seed + n);
    if (status) return status;
    n += score->seeds;
    if (n > SEEDS) return nsw_fail(m->err, "%s: more than %d seeds", name, SEEDS);
  }
  qsort(seed, n, sizeof *seed, ascending_seed);
  *count = 0;
  for (size_t i = 0; i < n; i++)
    if (!*count || seed[*count - 1] != seed[i]) seed[(*count)++] = seed[i];
  return NSW_OK;
}

/* What is put where something is already must be the same. */
static int conflict(const struct merge *m, size_t t, const char *name, size_t row) {
  return nsw_fail(m->err, "%s: %s of architecture %" PRIu32 " differs from that in the files before", m->path[t], name,
                  m->out->index[row]);
}

/* What is known of one row and seed of a column that is being put together. */
struct known {
  uint8_t status; /* NSW_ROW_PENDING: nothing */
  float seconds;
};

/* A failed row of several seeds may have values for some. */
static uint8_t status_of_seed(const struct nsw_score *from, size_t i, double value) {
  bool good = from->by_seed && from->status[i] == NSW_ROW_FAILED && !isnan(value);
  return good ? NSW_ROW_SCORED : from->status[i];
}

/* Puts one row of one file in; a failed one gives way to one that is not. place[from->seeds]: where its seeds go;
 * known[rows][to->seeds]. */
static int put_row(struct merge *m, size_t t, const struct nsw_score *from, size_t i, struct nsw_score *to,
                   const size_t *place, struct known *known) {
  size_t row = (size_t)nsw_table_row(m->out, m->table[t]->index[i]);
  if (from->status[i] == NSW_ROW_PENDING) return NSW_OK;
  for (size_t s = 0; s < from->seeds; s++) {
    size_t at = row * to->seeds + place[s];
    double value = from->by_seed ? from->by_seed[i * from->seeds + s] : from->value[i];
    double *slot = to->by_seed ? &to->by_seed[at] : &to->value[row];
    uint8_t status = status_of_seed(from, i, value), there = known[at].status;
    if (there && there != NSW_ROW_FAILED && status == NSW_ROW_FAILED) continue;
    if (there && there == status && memcmp(slot, &value, sizeof value)) return conflict(m, t, from->name, row);
    if (there && there != status && there != NSW_ROW_FAILED) return conflict(m, t, from->name, row);
    if (there == status) continue;
    known[at] = (struct known){status, from->seconds[i]};
    *slot = value;
  }
  return NSW_OK;
}

static void finish_rows(const struct merge *m, struct nsw_score *score, const struct known *known) {
  for (size_t row = 0; row < m->out->rows; row++) {
    uint8_t worst = 0;
    double sum = 0;
    float seconds = 0;
    bool whole = true;
    for (size_t s = 0; s < score->seeds; s++) {
      const struct known *one = &known[row * score->seeds + s];
      whole = whole && one->status;
      worst = one->status > worst ? one->status : worst;
      seconds += one->seconds;
      if (score->by_seed) sum += score->by_seed[row * score->seeds + s];
    }
    score->status[row] = whole ? worst : NSW_ROW_PENDING;
    score->seconds[row] = whole ? seconds / (float)score->seeds : seconds;
    if (score->by_seed) score->value[row] = whole ? nsw_row_mean(worst, sum, score->seeds) : NAN;
  }
}

static int copy_attributes(struct merge *m, size_t t, const struct nsw_score *from, struct nsw_score *to) {
  const char *name = to->name, *there = nsw_attributes_get(&to->attributes, "options");
  const char *options = nsw_attributes_get(&from->attributes, "options");
  if (there && options && strcmp(there, options))
    return nsw_fail(m->err, "%s: %s was made with %s, in the files before with %s", m->path[t], name, options, there);
  int status = NSW_OK;
  for (size_t i = 0; i < from->attributes.count && !status; i++)
    if (strcmp(from->attributes.list[i].name, "direction"))
      status =
          nsw_attributes_set(&to->attributes, from->attributes.list[i].name, from->attributes.list[i].text, m->err);
  to->direction = from->direction;
  return status;
}

/* Where the seeds of a file's column go among seed[seeds], by two lists of SEEDS. */
static int find_places(const struct merge *m, size_t t, const struct nsw_score *from, const uint64_t *seed,
                       uint64_t *own, size_t *place) {
  int status = seeds_of(m, t, from, own);
  for (size_t s = 0; s < from->seeds && !status; s++)
    for (place[s] = 0; seed[place[s]] != own[s];) place[s]++;
  return status;
}

/* Which seeds a column has, as it says from now on. */
static int tell_seeds(struct nsw_score *score, const uint64_t *seed, struct nsw_error *err) {
  char *text = NULL;
  size_t size;
  FILE *f = open_memstream(&text, &size);
  if (!f) return nsw_no_memory(err, "a merged column's seeds");
  for (size_t s = 0; s < score->seeds; s++) fprintf(f, "%s%" PRIu64, s ? "," : "", seed[s]);
  fclose(f);
  int status = nsw_attributes_set(&score->attributes, "seeds", text, err);
  free(text);
  return status;
}

static int merge_column(struct merge *m, const char *name) {
  size_t seeds = 1, *place = calloc(SEEDS, sizeof *place);
  bool by_seed = seeded(m, name);
  uint64_t *seed = calloc((m->n + 1) * SEEDS, sizeof *seed);
  struct nsw_score *to = NULL;
  struct known *known = NULL;
  int status = seed && place ? NSW_OK : nsw_no_memory(m->err, "merging");
  if (!status && by_seed) status = union_of_seeds(m, name, seed, &seeds);
  if (!status) status = nsw_table_add_score(m->out, name, 1, seeds, &to, m->err);
  if (!status) known = calloc(m->out->rows * seeds + 1, sizeof *known);
  if (!status && !known) status = nsw_no_memory(m->err, "merging");
  for (size_t t = 0; t < m->n && !status; t++) {
    const struct nsw_score *from = nsw_table_score(m->table[t], name);
    if (!from) continue;
    status = copy_attributes(m, t, from, to);
    if (!status && by_seed) status = find_places(m, t, from, seed, seed + m->n * SEEDS, place);
    for (size_t i = 0; i < m->table[t]->rows && !status; i++) status = put_row(m, t, from, i, to, place, known);
  }
  if (!status) finish_rows(m, to, known);
  if (!status && by_seed) status = tell_seeds(to, seed, m->err);
  free(seed);
  free(place);
  free(known);
  return status;
}

static int merge_accuracy(struct merge *m, size_t t, const struct nsw_accuracy *from) {
  struct nsw_accuracy *to = nsw_table_accuracy(m->out, from->dataset, from->split);
  int status = NSW_OK;
  if (!to) {
    status = nsw_table_add_accuracy(m->out, from->dataset, from->split, from->repeats, &to, m->err);
    for (size_t i = 0; i < from->attributes.count && !status; i++)
      status =
          nsw_attributes_set(&to->attributes, from->attributes.list[i].name, from->attributes.list[i].text, m->err);
  }
  if (!status && to->repeats != from->repeats)
    return nsw_fail(m->err, "%s: accuracy %s/%s has other repeats than before", m->path[t], from->dataset, from->split);
  for (size_t i = 0; i < m->table[t]->rows && !status; i++) {
    size_t row = (size_t)nsw_table_row(m->out, m->table[t]->index[i]);
    if (isnan(from->value[i])) continue;
    if (!isnan(to->value[row]) && to->value[row] != from->value[i]) return conflict(m, t, from->dataset, row);
    to->value[row] = from->value[i];
    if (from->by_repeat)
      memcpy(to->by_repeat + row * to->repeats, from->by_repeat + i * to->repeats, to->repeats * sizeof *to->by_repeat);
  }
  return status;
}

/* Curves of one row are the same in all files that have them, as far as they are known. */
static int merge_curves(struct merge *m, size_t t, const struct nsw_curves *from) {
  struct nsw_curves *to = nsw_table_curve(m->out, from->name);
  size_t width = from->width;
  int status = NSW_OK;
  if (!to) {
    status = nsw_table_add_curve(m->out, from->name, width, &to, m->err);
    for (size_t i = 0; i < from->attributes.count && !status; i++)
      status =
          nsw_attributes_set(&to->attributes, from->attributes.list[i].name, from->attributes.list[i].text, m->err);
  }
  if (!status && to->width != width)
    return nsw_fail(m->err, "%s: curves %s have %zu points, in the files before %zu", m->path[t], from->name, width,
                    to->width);
  for (size_t i = 0; i < m->table[t]->rows && !status; i++) {
    size_t row = (size_t)nsw_table_row(m->out, m->table[t]->index[i]);
    for (size_t p = 0; p < width; p++) {
      float value = from->value[i * width + p], *slot = &to->value[row * width + p];
      if (isnan(value)) continue;
      if (!isnan(*slot) && *slot != value) return conflict(m, t, from->name, row);
      *slot = value;
    }
  }
  return status;
}

/* ---- attributes of the whole ---- */

static bool whole(const struct nsw_table *table) {
  for (size_t c = 0; c < table->scores; c++)
    if (memchr(table->score[c].status, NSW_ROW_PENDING, table->rows)) return false;
  return true;
}

/* What decides the results, of all files together, so that a file merged again is held to all of it. Owned. */
static char *all_options(const struct merge *m, const char *files) {
  char *text = NULL;
  size_t size, length, ignored;
  FILE *f = open_memstream(&text, &size);
  if (!f) return NULL;
  for (size_t t = 0; t < m->n; t++) {
    const char *options = nsw_attributes_get(&m->table[t]->attributes, "options"), *item;
    while (nsw_options_next(&options, &item, &length)) {
      size_t key = strcspn(item, "=");
      bool told = key == strlen("merged") && !strncmp(item, "merged", key);
      for (size_t u = 0; u < t && !told; u++)
        told = nsw_options_find(nsw_attributes_get(&m->table[u]->attributes, "options"), item, key, &ignored);
      if (!told) fprintf(f, "%.*s; ", (int)length, item);
    }
  }
  fprintf(f, "merged=%s", files);
  fclose(f);
  return text;
}

/* Whether one of a list's items, separated by commas, is this one. */
static bool in_list(const char *list, const char *item, size_t length) {
  for (; *list; list += strcspn(list, ","), list += *list == ',')
    if (strcspn(list, ",") == length && !strncmp(list, item, length)) return true;
  return false;
}

/* Every seed that a file names, once, in the files' order. Owned. */
static char *all_seeds(const struct merge *m) {
  char *text = NULL;
  size_t size;
  FILE *f = open_memstream(&text, &size);
  if (!f) return NULL;
  for (size_t t = 0; t < m->n; t++) {
    const char *seeds = nsw_attributes_get(&m->table[t]->attributes, "seed");
    while (seeds && *seeds) {
      size_t length = strcspn(seeds, ",");
      fflush(f);
      if (!in_list(text, seeds, length)) fprintf(f, "%s%.*s", *text ? "," : "", (int)length, seeds);
      seeds += length + (seeds[length] == ',');
    }
  }
  fclose(f);
  return text;
}

static int describe(struct merge *m) {
  struct nsw_attributes *a = &m->out->attributes;
  const struct nsw_attributes *first = &m->table[0]->attributes;
  char now[32], *files = NULL;
  size_t size;
  nsw_timestamp(now);
  int status = NSW_OK;
  for (size_t i = 0; i < first->count && !status; i++)
    status = nsw_attributes_set(a, first->list[i].name, first->list[i].text, m->err);
  FILE *f = open_memstream(&files, &size);
  for (size_t t = 0; t < m->n && f; t++) fprintf(f, "%s%s", t ? " " : "", m->path[t]);
  if (f) fclose(f);
  /* A sweep does not resume a merged file: its rows and seeds are no longer those of one command. */
  char *seeds = all_seeds(m), *options = f ? all_options(m, files) : NULL;
  if (!status && !(f && seeds && options)) status = nsw_no_memory(m->err, "merging");
  if (!status) status = nsw_attributes_set(a, "merged", files, m->err);
  if (!status) status = nsw_attributes_set(a, "seed", seeds, m->err);
  if (!status) status = nsw_attributes_set(a, "version", nsw_version(), m->err);
  if (!status) status = nsw_attributes_set(a, "git", nsw_git(), m->err);
  if (!status) status = nsw_attributes_set(a, "finished", whole(m->out) ? now : "", m->err);
  if (!status) status = nsw_attributes_set(a, "options", options, m->err);
  free(files);
  free(seeds);
  free(options);
  return status;
}

static int merge_all(struct merge *m) {
  int status = NSW_OK;
  for (size_t t = 0; t < m->n && !status; t++) {
    if (strcmp(m->table[t]->space, m->table[0]->space))
      return nsw_fail(m->err, "%s holds %s, %s holds %s", m->path[0], m->table[0]->space, m->path[t],
                      m->table[t]->space);
    for (size_t u = 0; u < t && !status; u++) status = check_options(m, u, t);
  }
  if (!status) status = make_rows(m);
  if (!status) status = fill_rows(m);
  for (size_t t = 0; t < m->n; t++)
    for (size_t c = 0; c < m->table[t]->scores && !status; c++)
      if (!nsw_table_score(m->out, m->table[t]->score[c].name)) status = merge_column(m, m->table[t]->score[c].name);
  for (size_t t = 0; t < m->n; t++)
    for (size_t c = 0; c < m->table[t]->accuracies && !status; c++)
      status = merge_accuracy(m, t, &m->table[t]->accuracy[c]);
  for (size_t t = 0; t < m->n; t++)
    for (size_t c = 0; c < m->table[t]->curves && !status; c++) status = merge_curves(m, t, &m->table[t]->curve[c]);
  return status ? status : describe(m);
}

int nsw_merge(const struct nsw_table *const *tables, const char *const *paths, size_t n, struct nsw_table **merged,
              struct nsw_error *err) {
  struct merge m = {.table = tables, .path = paths, .n = n, .err = err};
  *merged = NULL;
  int status = merge_all(&m);
  if (status) nsw_table_free(&m.out);
  *merged = m.out;
  return status;
}
