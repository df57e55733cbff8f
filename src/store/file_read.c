/* Result files: reading them, trusting nothing. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "nasweep/row.h"
#include "store/file.h"
#include "store/format.h"
#include "store/hdf5.h"
#include "store/seal.h"

/* What reading a file needs on its way down. */
struct reader {
  hid_t space; /* group */
  struct nsw_table *table;
  uint64_t budget; /* bytes that may still be allocated for this file */
  struct nsw_error *err;
};

/* Takes memory from the budget: a small file must not make us allocate without bound. */
static int spend(struct reader *r, uint64_t bytes) {
  if (bytes > r->budget) return nsw_fail(r->err, "claims far more data than the file can hold");
  r->budget -= bytes;
  return NSW_OK;
}

/* Reads a column of numbers into out[rows][width] in memory type `type`, of the given class. */
static int read_numbers(struct reader *r, hid_t parent, const char *name, H5T_class_t kind, hid_t type, size_t width,
                        void *out) {
  struct nsw_h5_shape shape;
  hid_t set = nsw_h5_open_data(parent, name, &shape, r->err);
  if (set < 0) return NSW_FAILED;
  int status = NSW_OK;
  if (shape.rows != r->table->rows || shape.width != width)
    status = nsw_fail(r->err, "%s: %" PRIuHSIZE " x %" PRIuHSIZE " instead of %zu x %zu", name, shape.rows, shape.width,
                      r->table->rows, width);
  else if (shape.kind != kind && !(shape.kind == H5T_INTEGER && kind == H5T_FLOAT))
    status = nsw_fail(r->err, "%s: not the right kind of number", name);
  else if (shape.rows && H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
    status = nsw_h5_fail(r->err, name, "damaged");
  H5Dclose(set);
  return status;
}

static int read_ids(struct reader *r) {
  struct nsw_table *t = r->table;
  struct nsw_h5_shape shape;
  hid_t set = nsw_h5_open_data(r->space, "id", &shape, r->err), type = -1;
  if (set < 0) return NSW_FAILED;
  int status = NSW_OK;
  if (shape.rows != t->rows || shape.width != 1 || shape.kind != H5T_STRING || shape.size != t->id_size)
    status = nsw_fail(r->err, "id: not one fixed-length text for each of %zu rows", t->rows);
  else if ((type = nsw_h5_text_type(t->id_size)) < 0 ||
           (t->rows && H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, t->id) < 0))
    status = nsw_h5_fail(r->err, "id", "damaged");
  if (type >= 0) H5Tclose(type);
  H5Dclose(set);
  for (size_t i = 0; !status && i < t->rows * t->id_size; i++)
    if (t->id[i] && ((unsigned char)t->id[i] < ' ' || (unsigned char)t->id[i] > '~'))
      status = nsw_fail(r->err, "id: row %zu is not ASCII", i / t->id_size);
  return status;
}

/* The columns every space has; those that may be missing keep what they got here. */
static int read_rows(struct reader *r) {
  struct nsw_table *t = r->table;
  int status = read_numbers(r, r->space, "index", H5T_INTEGER, H5T_NATIVE_UINT32, 1, t->index);
  for (size_t i = 1; !status && i < t->rows; i++)
    if (t->index[i - 1] >= t->index[i]) status = nsw_fail(r->err, "index: not ascending at row %zu", i);
  if (!status) status = read_ids(r);
  memcpy(t->class_of, t->index, t->rows * sizeof *t->index);
  if (!status && H5Lexists(r->space, "class", H5P_DEFAULT) > 0)
    status = read_numbers(r, r->space, "class", H5T_INTEGER, H5T_NATIVE_UINT32, 1, t->class_of);
  if (!status && H5Lexists(r->space, "params", H5P_DEFAULT) > 0)
    status = read_numbers(r, r->space, "params", H5T_INTEGER, H5T_NATIVE_UINT64, 1, t->params);
  if (!status && H5Lexists(r->space, "macs", H5P_DEFAULT) > 0)
    status = read_numbers(r, r->space, "macs", H5T_INTEGER, H5T_NATIVE_UINT64, 1, t->macs);
  return status;
}

struct attribute_target {
  struct nsw_attributes *attributes;
  struct nsw_error *err;
};

static int keep_attribute(const char *name, const char *text, void *data) {
  struct attribute_target *to = data;
  if (to->attributes->count >= NSW_COLUMNS_MOST) return NSW_OK;
  return nsw_attributes_set(to->attributes, name, text, to->err);
}

static int read_attributes(struct reader *r, hid_t object, struct nsw_attributes *attributes) {
  struct attribute_target to = {attributes, r->err};
  return nsw_h5_each_attribute(object, keep_attribute, &to);
}

/* The attributes of group/name. */
static int read_attributes_in(struct reader *r, hid_t group, const char *name, struct nsw_attributes *attributes) {
  hid_t set = H5Dopen2(group, name, H5P_DEFAULT);
  if (set < 0) return nsw_h5_fail(r->err, name, "cannot be opened");
  int status = read_attributes(r, set, attributes);
  H5Dclose(set);
  return status;
}

/* Opens a group below parent: *group -1 where there is none. */
static void open_group(hid_t parent, const char *name, hid_t *group) {
  *group = nsw_h5_has(parent, name, H5O_TYPE_GROUP) ? H5Gopen2(parent, name, H5P_DEFAULT) : -1;
}

/* Columns of parent/group/name: 1 where there is no such data set. */
static int read_width(struct reader *r, hid_t parent, const char *group, const char *name, size_t *width) {
  struct nsw_h5_shape shape = {.width = 1};
  hid_t g, set = -1;
  int status = NSW_OK;
  *width = 1;
  open_group(parent, group, &g);
  if (g >= 0 && nsw_h5_has(g, name, H5O_TYPE_DATASET)) {
    set = nsw_h5_open_data(g, name, &shape, r->err);
    if (set < 0) status = NSW_FAILED;
  }
  if (!status && (shape.width < 1 || shape.width > NSW_WIDTH_MOST))
    status = nsw_fail(r->err, "%s/%s: %" PRIuHSIZE " columns", group, name, shape.width);
  *width = (size_t)shape.width;
  if (set >= 0) H5Dclose(set);
  if (g >= 0) H5Gclose(g);
  return status;
}

/* Reads parent/group/name where it is there; *there says so. */
static int read_optional(struct reader *r, hid_t parent, const char *group, const char *name, H5T_class_t kind,
                         hid_t type, size_t width, void *out, bool *there) {
  hid_t g;
  int status = NSW_OK;
  open_group(parent, group, &g);
  *there = g >= 0 && nsw_h5_has(g, name, H5O_TYPE_DATASET);
  if (*there) status = read_numbers(r, g, name, kind, type, width, out);
  if (g >= 0) H5Gclose(g);
  return !status ? NSW_OK : nsw_error_prefix(r->err, status, "%s", group);
}

/* What a file without a status column means, and what a status column may hold. */
static int settle_status(struct reader *r, struct nsw_score *s, bool there) {
  for (size_t i = 0; i < r->table->rows; i++) {
    if (!there) s->status[i] = isnan(s->value[i]) ? NSW_ROW_FAILED : NSW_ROW_SCORED;
    if (s->status[i] > NSW_ROW_FAILED)
      return nsw_fail(r->err, "status/%s: row %zu has the unknown status %d", s->name, i, s->status[i]);
  }
  return NSW_OK;
}

static int read_score(struct reader *r, hid_t scores, const char *name) {
  struct nsw_table *t = r->table;
  struct nsw_score *s;
  size_t seeds;
  bool there;
  int status = read_width(r, r->space, "by_seed", name, &seeds);
  if (!status) status = spend(r, (uint64_t)t->rows * (13 + (seeds > 1 ? 8 * seeds : 0)));
  if (!status) status = nsw_table_add_score(t, name, 1, seeds, &s, r->err);
  if (status) return status;
  status = read_numbers(r, scores, name, H5T_FLOAT, H5T_NATIVE_DOUBLE, 1, s->value);
  if (!status) status = read_attributes_in(r, scores, name, &s->attributes);
  const char *direction = nsw_attributes_get(&s->attributes, "direction");
  if (direction && atoi(direction) < 0) s->direction = -1;
  if (!status) status = read_optional(r, r->space, "status", name, H5T_INTEGER, H5T_NATIVE_UINT8, 1, s->status, &there);
  if (!status) status = settle_status(r, s, there);
  if (!status) status = read_optional(r, r->space, "seconds", name, H5T_FLOAT, H5T_NATIVE_FLOAT, 1, s->seconds, &there);
  if (!status && seeds > 1)
    status = read_optional(r, r->space, "by_seed", name, H5T_FLOAT, H5T_NATIVE_DOUBLE, seeds, s->by_seed, &there);
  return status;
}

static int read_accuracy(struct reader *r, hid_t dataset, hid_t repeats_of, const char *name, const char *split) {
  struct nsw_table *t = r->table;
  struct nsw_accuracy *a;
  size_t repeats = 1;
  bool there;
  int status = repeats_of >= 0 ? read_width(r, repeats_of, name, split, &repeats) : NSW_OK;
  if (!status) status = spend(r, (uint64_t)t->rows * (8 + (repeats > 1 ? 8 * repeats : 0)));
  if (!status) status = nsw_table_add_accuracy(t, name, split, repeats, &a, r->err);
  if (status) return status;
  status = read_numbers(r, dataset, split, H5T_FLOAT, H5T_NATIVE_DOUBLE, 1, a->value);
  if (!status) status = read_attributes_in(r, dataset, split, &a->attributes);
  if (!status && repeats > 1)
    status = read_optional(r, repeats_of, name, split, H5T_FLOAT, H5T_NATIVE_DOUBLE, repeats, a->by_repeat, &there);
  return status;
}

/* All splits of one data set. */
static int read_dataset(struct reader *r, hid_t accuracy, hid_t repeats, const char *name) {
  char **split = NULL;
  size_t splits = 0;
  hid_t dataset = H5Gopen2(accuracy, name, H5P_DEFAULT);
  if (dataset < 0) return nsw_h5_fail(r->err, name, "cannot be opened");
  int status = nsw_h5_names(dataset, H5O_TYPE_DATASET, NSW_COLUMNS_MOST, &split, &splits, r->err);
  for (size_t i = 0; !status && i < splits; i++) status = read_accuracy(r, dataset, repeats, name, split[i]);
  nsw_h5_names_free(split, splits);
  H5Gclose(dataset);
  return status;
}

/* Reads every data set of a group of the space, where there is such a group. */
static int read_columns(struct reader *r, const char *group_name,
                        int (*read)(struct reader *r, hid_t group, const char *name)) {
  char **name = NULL;
  size_t names = 0;
  hid_t group;
  open_group(r->space, group_name, &group);
  if (group < 0) return NSW_OK;
  int status = nsw_h5_names(group, H5O_TYPE_DATASET, NSW_COLUMNS_MOST, &name, &names, r->err);
  for (size_t i = 0; !status && i < names; i++) status = read(r, group, name[i]);
  nsw_h5_names_free(name, names);
  H5Gclose(group);
  return status;
}

static int read_accuracies(struct reader *r) {
  char **name = NULL;
  size_t names = 0;
  hid_t group, repeats;
  open_group(r->space, "accuracy", &group);
  if (group < 0) return NSW_OK;
  open_group(r->space, "accuracy_by_repeat", &repeats);
  int status = nsw_h5_names(group, H5O_TYPE_GROUP, NSW_COLUMNS_MOST, &name, &names, r->err);
  for (size_t i = 0; !status && i < names; i++) status = read_dataset(r, group, repeats, name[i]);
  nsw_h5_names_free(name, names);
  if (repeats >= 0) H5Gclose(repeats);
  H5Gclose(group);
  return status;
}

static int read_curve(struct reader *r, hid_t curves, const char *name) {
  struct nsw_curves *c;
  size_t width;
  int status = read_width(r, r->space, "curve", name, &width);
  if (!status) status = spend(r, (uint64_t)r->table->rows * sizeof *c->value * width);
  if (!status) status = nsw_table_add_curve(r->table, name, width, &c, r->err);
  if (!status) status = read_numbers(r, curves, name, H5T_FLOAT, H5T_NATIVE_FLOAT, width, c->value);
  return !status ? read_attributes_in(r, curves, name, &c->attributes) : status;
}

/* Makes the table from the shapes of index and id. */
static int create_table(struct reader *r, const char *space, struct nsw_table **table) {
  struct nsw_h5_shape index, id;
  hid_t set = nsw_h5_open_data(r->space, "index", &index, r->err);
  if (set < 0) return NSW_FAILED;
  H5Dclose(set);
  set = nsw_h5_open_data(r->space, "id", &id, r->err);
  if (set < 0) return NSW_FAILED;
  H5Dclose(set);
  if (index.rows > NSW_ROWS_MOST || id.size > 4096)
    return nsw_fail(r->err, "%" PRIuHSIZE " rows with ids of %zu characters are beyond any space", index.rows, id.size);
  int status = spend(r, (uint64_t)index.rows * (id.size + 24));
  return !status ? nsw_table_create(space, (size_t)index.rows, id.size, table, r->err) : status;
}

static int read_table(hid_t file, const char *space, uint64_t budget, struct nsw_table **table, struct nsw_error *err) {
  struct reader r = {.budget = budget, .err = err};
  r.space = H5Gopen2(file, space, H5P_DEFAULT);
  if (r.space < 0) return nsw_h5_fail(err, space, "cannot be opened");
  int status = create_table(&r, space, table);
  r.table = *table;
  if (!status) status = read_rows(&r);
  if (!status) status = read_columns(&r, "score", read_score);
  if (!status) status = read_accuracies(&r);
  if (!status) status = read_columns(&r, "curve", read_curve);
  H5Gclose(r.space);
  if (status) return nsw_error_prefix(err, status, "%s", space);
  return read_attributes(&r, file, &(*table)->attributes);
}

/* Opens path and checks that it is ours and not of a later version. Negative with err's message. */
static hid_t open_ours(const char *path, struct nsw_error *err) {
  hid_t file = nsw_h5_open(path, err);
  if (file < 0) return -1;
  if (nsw_seal_check(path, err) != NSW_OK) {
    H5Fclose(file);
    return -1;
  }
  char *format = nsw_h5_read_text(file, "format"), *version = nsw_h5_read_text(file, "format_version");
  bool good = false;
  if (!format || strcmp(format, "nasweep"))
    nsw_fail(err, "%s: an HDF5 file, but no result file of nasweep (no attribute format = \"nasweep\")", path);
  else if (!version || atoi(version) < 1)
    nsw_fail(err, "%s: damaged: no format_version", path);
  else if (atoi(version) > NSW_FORMAT_VERSION)
    nsw_fail(err, "%s: format version %.20s is later than %d, which this program reads", path, version,
             NSW_FORMAT_VERSION);
  else
    good = true;
  free(format);
  free(version);
  if (good) return file;
  H5Fclose(file);
  return -1;
}

/* The groups of the root that hold a table. */
static int list_spaces(hid_t file, char ***spaces, size_t *count, struct nsw_error *err) {
  size_t kept = 0;
  int status = nsw_h5_names(file, H5O_TYPE_GROUP, NSW_SPACES_MOST, spaces, count, err);
  if (status) return status;
  for (size_t i = 0; i < *count; i++) {
    char *name = (*spaces)[i];
    hid_t group = H5Gopen2(file, name, H5P_DEFAULT);
    if (group >= 0 && nsw_h5_has(group, "index", H5O_TYPE_DATASET))
      (*spaces)[kept++] = name;
    else
      free(name);
    if (group >= 0) H5Gclose(group);
  }
  *count = kept;
  return NSW_OK;
}

static char *join(char *const *names, size_t count) {
  size_t size = 1;
  for (size_t i = 0; i < count; i++) size += strlen(names[i]) + 1;
  char *text = calloc(size, 1);
  for (size_t i = 0; text && i < count; i++) strcat(strcat(text, i ? "," : ""), names[i]);
  return text;
}

/* The space to read: the one asked for, or the only one. */
static int choose_space(const char *path, char *const *spaces, size_t count, const char *wish, const char **chosen,
                        struct nsw_error *err) {
  for (size_t i = 0; i < count; i++)
    if (!wish || !strcmp(wish, spaces[i])) *chosen = spaces[i];
  if (!count) return nsw_fail(err, "%s: holds no table", path);
  if (wish ? *chosen != NULL : count == 1) return NSW_OK;
  char *all = join(spaces, count);
  int status = wish ? nsw_usage(err, "%s: has no table of %.80s, only of %s", path, wish, all ? all : "others")
                    : nsw_usage(err, "%s: has tables of %s; say which space", path, all ? all : "several spaces");
  free(all);
  return status;
}

/* Bytes a file of this size may make us allocate: deflate and runs of zeros shrink, but not without bound. */
static uint64_t budget_of(const char *path) {
  struct stat s;
  return stat(path, &s) ? 0 : ((uint64_t)1 << 28) + 64 * (uint64_t)s.st_size;
}

static int read_file(const char *path, const char *space, struct nsw_table **table, struct nsw_error *err) {
  char **spaces = NULL;
  size_t count = 0;
  const char *chosen = NULL;
  hid_t file = open_ours(path, err);
  if (file < 0) return NSW_FAILED;
  int status = list_spaces(file, &spaces, &count, err);
  if (!status) status = choose_space(path, spaces, count, space, &chosen, err);
  if (!status) {
    status = read_table(file, chosen, budget_of(path), table, err);
    if (status) nsw_error_prefix(err, status, "%s: damaged", path);
  }
  nsw_h5_names_free(spaces, count);
  H5Fclose(file);
  if (status) nsw_table_free(table);
  return status;
}

int nsw_file_read(const char *path, const char *space, struct nsw_table **table, struct nsw_error *err) {
  struct nsw_h5_quiet quiet;
  *table = NULL;
  nsw_h5_quiet_begin(&quiet);
  int status = read_file(path, space, table, err);
  nsw_h5_quiet_end(&quiet);
  return status;
}

int nsw_file_probe(const char *path, char **spaces, struct nsw_error *err) {
  struct nsw_h5_quiet quiet;
  char **names = NULL;
  size_t count = 0;
  if (spaces) *spaces = NULL;
  nsw_h5_quiet_begin(&quiet);
  hid_t file = open_ours(path, err);
  int status = file < 0 ? NSW_FAILED : list_spaces(file, &names, &count, err);
  if (!status && spaces && !(*spaces = join(names, count))) status = nsw_no_memory(err, "names");
  nsw_h5_names_free(names, count);
  if (file >= 0) H5Fclose(file);
  nsw_h5_quiet_end(&quiet);
  return status;
}
