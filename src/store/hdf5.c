#include "store/hdf5.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/aside.h"

enum {
  CHUNK = 1 << 16,            /* elements of a chunk when writing: below HDF5's chunk cache of 1 MiB */
  CHUNK_BYTES_MOST = 1 << 26, /* of a chunk when reading; a damaged file can claim any size */
  TEXT_MOST = 60000,          /* bytes of a text attribute */
  LEVEL = 1                   /* of deflate: higher ones cost several times as much for a few per cent */
};

/* HDF5 1.12 gave these calls a new version, whose addresses are opaque, and made its name the macro's; addresses are
 * not used here, so either will do, but called by its own name. 1.10 has one version under the plain name. */
#if H5_VERSION_GE(1, 12, 0)
typedef H5L_info2_t link_info;
typedef H5O_info2_t object_info;
#define link_get_info H5Lget_info2
#define links_iterate H5Literate2
static herr_t object_get_info(hid_t parent, const char *name, object_info *info) {
  return H5Oget_info_by_name3(parent, name, info, H5O_INFO_BASIC, H5P_DEFAULT);
}
#else
typedef H5L_info_t link_info;
typedef H5O_info_t object_info;
#define link_get_info H5Lget_info
#define links_iterate H5Literate
static herr_t object_get_info(hid_t parent, const char *name, object_info *info) {
  return H5Oget_info_by_name(parent, name, info, H5P_DEFAULT);
}
#endif

void nsw_h5_quiet_begin(struct nsw_h5_quiet *quiet) {
  H5Eget_auto2(H5E_DEFAULT, &quiet->print, &quiet->data);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void nsw_h5_quiet_end(struct nsw_h5_quiet *quiet) { H5Eset_auto2(H5E_DEFAULT, quiet->print, quiet->data); }

/* Keeps the first description of the walk, which goes from the innermost call outwards. */
static herr_t innermost(unsigned n, const H5E_error2_t *error, void *data) {
  char *text = data;
  if (n == 0 && error->desc) snprintf(text, 256, "%s", error->desc);
  return 0;
}

int nsw_h5_fail(struct nsw_error *err, const char *where, const char *what) {
  char why[256] = "";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, why);
  H5Eclear2(H5E_DEFAULT);
  for (char *p = why; *p; p++)
    if ((unsigned char)*p < ' ') *p = ' '; /* one line, whatever the file's names hold */
  return nsw_fail(err, "%s: %s%s%s%s", where, what, *why ? " (HDF5: " : "", why, *why ? ")" : "");
}

/* ---- writing ---- */

/* HDF5 gives back the memory of its file only as a copy, and (1.10) with a wrong checksum; so it works in memory that
 * we allocate, and when it closes the file and frees that, we keep it. */
static void *image_resize(void *memory, size_t size, H5FD_file_image_op_t op, void *data) {
  struct nsw_h5_image *image = data;
  (void)op;
  void *larger = realloc(memory, size);
  if (larger) *image = (struct nsw_h5_image){larger, size};
  return larger;
}

static void *image_allocate(size_t size, H5FD_file_image_op_t op, void *data) {
  return image_resize(NULL, size, op, data);
}

static herr_t image_keep(void *memory, H5FD_file_image_op_t op, void *data) {
  (void)memory, (void)op, (void)data;
  return 0;
}

static void *same_data(void *data) { return data; }
static herr_t leave_data(void *data) {
  (void)data;
  return 0;
}

hid_t nsw_h5_create(struct nsw_h5_image *image, size_t step) {
  H5FD_file_image_callbacks_t callbacks = {image_allocate, NULL,       image_resize, image_keep,
                                           same_data,      leave_data, image};
  hid_t access = H5Pcreate(H5P_FILE_ACCESS), create = H5Pcreate(H5P_FILE_CREATE), file = -1;
  *image = (struct nsw_h5_image){0};
  /* Format 1.10: every piece of metadata has a checksum, so that damage is found before it is believed. */
  if (access >= 0 && create >= 0 && H5Pset_fapl_core(access, step, 0) >= 0 &&
      H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0 &&
      H5Pset_file_image_callbacks(access, &callbacks) >= 0 &&
      H5Pset_link_creation_order(create, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0 &&
      H5Pset_obj_track_times(create, 0) >= 0)
    file = H5Fcreate("in memory", H5F_ACC_TRUNC, create, access); /* a name only: there is no backing store */
  H5Pclose(create);
  H5Pclose(access);
  return file;
}

/* The file's end as its superblock (version 2 and later) has it; the memory behind it is larger. */
static uint64_t end_of_file(const unsigned char *superblock) {
  enum { OFFSET_SIZE = 9, END = 28 };
  uint64_t end = 0;
  if (superblock[OFFSET_SIZE] != 8) return UINT64_MAX;
  for (int i = 7; i >= 0; i--) end = end << 8 | superblock[END + i];
  return end;
}

int nsw_h5_finish(hid_t file, struct nsw_h5_image *image) {
  if (H5Fclose(file) < 0 || !image->bytes || image->size < 48) return -1;
  uint64_t end = end_of_file(image->bytes);
  if (end > image->size) return -1;
  image->size = (size_t)end;
  return 0;
}

int nsw_h5_put(const char *path, hid_t file, struct nsw_h5_image *image, int status, struct nsw_error *err) {
  struct nsw_h5_quiet quiet;
  nsw_h5_quiet_begin(&quiet);
  if (file >= 0 && nsw_h5_finish(file, image) < 0 && !status) status = nsw_h5_fail(err, path, "cannot finish the file");
  nsw_h5_quiet_end(&quiet);
  if (!status) status = nsw_aside_write(path, image->bytes, image->size, err);
  free(image->bytes);
  *image = (struct nsw_h5_image){0};
  return status;
}

hid_t nsw_h5_group(hid_t parent, const char *name) {
  hid_t create = H5Pcreate(H5P_GROUP_CREATE), group = -1;
  if (create >= 0 && H5Pset_link_creation_order(create, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0 &&
      H5Pset_obj_track_times(create, 0) >= 0)
    group = H5Gcreate2(parent, name, H5P_DEFAULT, create, H5P_DEFAULT);
  H5Pclose(create);
  return group;
}

/* Creation properties of a data set; times are left out so that the same columns give the same bytes. */
static hid_t data_properties(size_t rows, size_t width, bool deflate) {
  hid_t create = H5Pcreate(H5P_DATASET_CREATE);
  bool good = create >= 0 && H5Pset_obj_track_times(create, 0) >= 0;
  if (good && deflate && rows) {
    size_t most = CHUNK / width ? CHUNK / width : 1;
    hsize_t chunk[2] = {rows < most ? rows : most, width};
    good = H5Pset_chunk(create, width > 1 ? 2 : 1, chunk) >= 0 && H5Pset_shuffle(create) >= 0 &&
           H5Pset_deflate(create, LEVEL) >= 0 && H5Pset_fletcher32(create) >= 0;
  }
  if (good) return create;
  H5Pclose(create);
  return -1;
}

int nsw_h5_write(hid_t parent, const char *name, hid_t type, size_t rows, size_t width, bool deflate,
                 const void *data) {
  hsize_t shape[2] = {rows, width};
  hid_t space = H5Screate_simple(width > 1 ? 2 : 1, shape, NULL), create = data_properties(rows, width, deflate);
  hid_t set = space >= 0 && create >= 0 ? H5Dcreate2(parent, name, type, space, H5P_DEFAULT, create, H5P_DEFAULT) : -1;
  herr_t done = set < 0 ? -1 : rows ? H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) : 0;
  if (set >= 0) H5Dclose(set);
  if (create >= 0) H5Pclose(create);
  if (space >= 0) H5Sclose(space);
  return done < 0 ? -1 : 0;
}

int nsw_h5_write_array(hid_t parent, const char *name, hid_t type, int rank, const size_t *shape, const void *data) {
  hsize_t sizes[H5S_MAX_RANK];
  for (int i = 0; i < rank; i++) sizes[i] = shape[i];
  hid_t space = H5Screate_simple(rank, sizes, NULL);
  hid_t set = space >= 0 ? H5Dcreate2(parent, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT) : -1;
  herr_t done = set >= 0 ? H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) : -1;
  if (set >= 0) H5Dclose(set);
  if (space >= 0) H5Sclose(space);
  return done < 0 ? -1 : 0;
}

hid_t nsw_h5_text_type(size_t size) {
  hid_t type = H5Tcopy(H5T_C_S1);
  if (type < 0) return -1;
  if (H5Tset_size(type, size ? size : 1) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0) return type;
  H5Tclose(type);
  return -1;
}

static int write_attribute(hid_t object, const char *name, hid_t type, const void *value) {
  hid_t space = H5Screate(H5S_SCALAR);
  hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  herr_t done = attribute >= 0 ? H5Awrite(attribute, type, value) : -1;
  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  return done < 0 ? -1 : 0;
}

int nsw_h5_write_text(hid_t object, const char *name, const char *text) {
  char *cut = strnlen(text, TEXT_MOST + 1) > TEXT_MOST ? strndup(text, TEXT_MOST) : NULL;
  const char *value = cut ? cut : text;
  hid_t type = H5Tcopy(H5T_C_S1);
  int done = -1;
  if (type >= 0 && H5Tset_size(type, H5T_VARIABLE) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0)
    done = write_attribute(object, name, type, &value);
  if (type >= 0) H5Tclose(type);
  free(cut);
  return done;
}

int nsw_h5_write_integer(hid_t object, const char *name, int64_t value) {
  return write_attribute(object, name, H5T_NATIVE_INT64, &value);
}

int nsw_h5_write_real(hid_t object, const char *name, double value) {
  return write_attribute(object, name, H5T_NATIVE_DOUBLE, &value);
}

/* ---- reading ---- */

/* Why HDF5 does not open a file, where a look at its first bytes tells; with what to do. */
static int explain(const char *path, struct nsw_error *err) {
  enum { FLAGS = 11, VERSION = 8, WRITING = 5 };
  unsigned char head[12] = {0};
  FILE *f = fopen(path, "rb");
  if (!f) return nsw_fail(err, "%s: %m", path);
  size_t got = fread(head, 1, sizeof head, f);
  fclose(f);
  if (!got) return nsw_fail(err, "%s: is empty", path);
  if (got < sizeof head || memcmp(head, "\x89HDF\r\n\x1a\n", 8)) return nsw_h5_fail(err, path, "is no HDF5 file");
  /* Superblock 3 has flags of who is writing: a program that died leaves them set. */
  if (head[VERSION] == 3 && head[FLAGS] & WRITING)
    return nsw_fail(
        err,
        "%s: is marked as open for writing: close it in the program that has it open (Python: h5py.File with "
        "mode 'a', 'w' or 'r+'); where none has, as after one that died, clear the mark with `h5clear -s %s`",
        path, path);
  return nsw_h5_fail(err, path, "is no readable HDF5 file");
}

hid_t nsw_h5_open(const char *path, struct nsw_error *err) {
  struct stat s;
  if (stat(path, &s)) {
    nsw_fail(err, "%s: %m", path);
    return -1;
  }
  if (!S_ISREG(s.st_mode)) {
    nsw_fail(err, "%s is not a plain file", path);
    return -1;
  }
  H5PLset_loading_state(0); /* a file must not be able to ask for code */
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_file_locking(access, 0, 1); /* file systems of clusters often have no locks, and readers need none here */
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
  H5Pclose(access);
  if (file < 0) explain(path, err);
  return file;
}

bool nsw_h5_has(hid_t parent, const char *name, H5O_type_t type) {
  link_info link;
  object_info object;
  return H5Lexists(parent, name, H5P_DEFAULT) > 0 && link_get_info(parent, name, &link, H5P_DEFAULT) >= 0 &&
         link.type == H5L_TYPE_HARD && object_get_info(parent, name, &object) >= 0 && object.type == type;
}

struct collection {
  H5O_type_t type;
  size_t limit, count;
  char **names;
  bool failed;
};

static herr_t collect(hid_t group, const char *name, const link_info *link, void *data) {
  struct collection *c = data;
  if (link->type != H5L_TYPE_HARD || c->count >= c->limit || !nsw_h5_has(group, name, c->type)) return 0;
  char **names = realloc(c->names, (c->count + 1) * sizeof *names), *copy = names ? strdup(name) : NULL;
  if (names) c->names = names;
  if (copy) c->names[c->count++] = copy;
  c->failed = !copy;
  return c->failed ? -1 : 0;
}

int nsw_h5_names(hid_t group, H5O_type_t type, size_t limit, char ***names, size_t *count, struct nsw_error *err) {
  struct collection c = {.type = type, .limit = limit};
  hid_t create = H5Gget_create_plist(group);
  unsigned order = 0;
  if (create >= 0) {
    H5Pget_link_creation_order(create, &order);
    H5Pclose(create);
  }
  H5_index_t by = order & H5P_CRT_ORDER_TRACKED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
  herr_t done = links_iterate(group, by, H5_ITER_INC, NULL, collect, &c);
  if (done >= 0) {
    *names = c.names;
    *count = c.count;
    return NSW_OK;
  }
  nsw_h5_names_free(c.names, c.count);
  return c.failed ? nsw_no_memory(err, "names") : nsw_h5_fail(err, "a group", "cannot be listed");
}

void nsw_h5_names_free(char **names, size_t count) {
  for (size_t i = 0; i < count; i++) free(names[i]);
  free(names);
}

/* Whether the storage is inside the file, of sane chunks, with no filters but ours. */
static bool plain_storage(hid_t set) {
  hid_t create = H5Dget_create_plist(set);
  if (create < 0) return false;
  H5D_layout_t layout = H5Pget_layout(create);
  bool good = (layout == H5D_CONTIGUOUS || layout == H5D_COMPACT || layout == H5D_CHUNKED) &&
              H5Pget_external_count(create) == 0;
  if (good && layout == H5D_CHUNKED) {
    hsize_t chunk[2] = {1, 1};
    hid_t type = H5Dget_type(set);
    int dimensions = H5Pget_chunk(create, 2, chunk);
    hsize_t size = H5Tget_size(type);
    H5Tclose(type);
    good = dimensions >= 1 && dimensions <= 2 && chunk[0] && chunk[1] && size && chunk[0] <= CHUNK_BYTES_MOST &&
           chunk[1] <= CHUNK_BYTES_MOST / chunk[0] && size <= CHUNK_BYTES_MOST / (chunk[0] * chunk[1]);
  }
  int filters = H5Pget_nfilters(create);
  for (int i = 0; good && i < filters; i++) {
    size_t values = 0;
    unsigned flags, config;
    H5Z_filter_t f = H5Pget_filter2(create, (unsigned)i, &flags, &values, NULL, 0, NULL, &config);
    good = f == H5Z_FILTER_DEFLATE || f == H5Z_FILTER_SHUFFLE || f == H5Z_FILTER_FLETCHER32;
  }
  H5Pclose(create);
  return good && filters >= 0;
}

/* Fills shape; false where it is not one or two dimensions of plain numbers or fixed-length text. */
static bool plain_shape(hid_t set, struct nsw_h5_shape *shape) {
  hid_t type = H5Dget_type(set), space = H5Dget_space(set);
  hsize_t sides[2] = {0, 1};
  *shape = (struct nsw_h5_shape){0};
  int dimensions = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
  bool good =
      type >= 0 && (dimensions == 1 || dimensions == 2) && H5Sget_simple_extent_dims(space, sides, NULL) == dimensions;
  if (good) {
    *shape = (struct nsw_h5_shape){sides[0], sides[1], dimensions, H5Tget_class(type), H5Tget_size(type)};
    good = shape->kind == H5T_INTEGER || shape->kind == H5T_FLOAT ||
           (shape->kind == H5T_STRING && H5Tis_variable_str(type) == 0);
  }
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  return good;
}

hid_t nsw_h5_open_data(hid_t parent, const char *name, struct nsw_h5_shape *shape, struct nsw_error *err) {
  if (!nsw_h5_has(parent, name, H5O_TYPE_DATASET)) {
    H5Eclear2(H5E_DEFAULT);
    nsw_fail(err, "%s: missing", name);
    return -1;
  }
  hid_t set = H5Dopen2(parent, name, H5P_DEFAULT);
  if (set < 0) {
    nsw_h5_fail(err, name, "cannot be opened");
    return -1;
  }
  if (plain_shape(set, shape) && plain_storage(set)) return set;
  H5Dclose(set);
  nsw_fail(err, "%s: neither plain numbers nor fixed-length text in plain storage", name);
  return -1;
}

static char *number_text(hid_t attribute, H5T_class_t kind) {
  char *text = NULL;
  long long n;
  double x;
  if (kind == H5T_INTEGER && H5Aread(attribute, H5T_NATIVE_LLONG, &n) >= 0) {
    if (asprintf(&text, "%lld", n) < 0) return NULL;
  } else if (kind == H5T_FLOAT && H5Aread(attribute, H5T_NATIVE_DOUBLE, &x) >= 0) {
    if (asprintf(&text, "%.17g", x) < 0) return NULL;
  }
  return text;
}

static char *fixed_text(hid_t attribute, hid_t type) {
  size_t size = H5Tget_size(type);
  char *text = size <= 1 << 20 ? calloc(size + 1, 1) : NULL;
  if (!text) return NULL;
  if (H5Aread(attribute, type, text) < 0) {
    free(text);
    return NULL;
  }
  return text;
}

/* Variable-length text, as h5py makes from plain strings; HDF5 allocates it, within the file's size. */
static char *variable_text(hid_t attribute, hid_t type) {
  char *held = NULL, *text = NULL;
  if (H5Aread(attribute, type, &held) >= 0 && held) text = strdup(held);
  H5free_memory(held);
  return text;
}

char *nsw_h5_read_text(hid_t object, const char *name) {
  if (H5Aexists(object, name) <= 0) return NULL;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0) return NULL;
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  char *text = NULL;
  if (type >= 0 && space >= 0 && H5Sget_simple_extent_npoints(space) == 1) {
    H5T_class_t kind = H5Tget_class(type);
    if (kind == H5T_STRING)
      text = H5Tis_variable_str(type) > 0 ? variable_text(attribute, type) : fixed_text(attribute, type);
    else
      text = number_text(attribute, kind);
  }
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  H5Aclose(attribute);
  return text;
}

struct visitor {
  int (*visit)(const char *name, const char *text, void *data);
  void *data;
  int status;
};

static herr_t visit_one(hid_t object, const char *name, const H5A_info_t *info, void *data) {
  struct visitor *v = data;
  (void)info;
  char *text = nsw_h5_read_text(object, name);
  if (text) v->status = v->visit(name, text, v->data);
  free(text);
  return v->status == NSW_OK ? 0 : -1;
}

int nsw_h5_each_attribute(hid_t object, int (*visit)(const char *name, const char *text, void *data), void *data) {
  struct visitor v = {visit, data, NSW_OK};
  H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_one, &v);
  return v.status;
}
