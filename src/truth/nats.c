#include "truth/nats.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files/kind.h"
#include "files/tar.h"
#include "truth/nb201_results.h"

enum {
  MOST_COMPRESSED = 16 << 20, /* bytes of one file; the published ones have 85,000 */
  MOST_UNPACKED = 64 << 20,   /* 330,000; that of meta 1.4 million */
  MOST_MEMORY = 96 << 20
};

/* Where one architecture's pickle is. */
struct place {
  uint64_t offset, size; /* in the archive; size 0 where there is none */
};

/* One import. */
struct nats {
  struct nsw_nb201_results results;
  const char *path;    /* folder or archive */
  struct place *place; /* [architectures] of an archive, or NULL for a folder */
  struct place meta;
  uint64_t missing; /* architectures without a file */
};

/* Reads a bzip2-compressed pickle: a file of the folder, or part of the archive. */
static int read_pickle(const char *path, struct place place, struct nsw_pickle **pickle, struct nsw_error *err) {
  static const struct nsw_pickle_options options = {.memory = MOST_MEMORY, .whole = true};
  struct nsw_input *input = NULL, *packed = NULL;
  *pickle = NULL;
  if (place.size > MOST_COMPRESSED && place.size != NSW_TO_THE_END)
    return nsw_fail(err, "%s: a member of %llu bytes", path, (unsigned long long)place.size);
  int status = nsw_input_file(path, place.offset, place.size, &packed, err);
  if (!status) status = nsw_input_unpack(NSW_BZIP2, packed, MOST_UNPACKED, &input, err);
  if (!status) status = nsw_pickle_read(input, &options, pickle, err);
  nsw_input_close(&input);
  return status;
}

/* One architecture's file: {'12': ..., '200': ...}. */
static int take_architecture(struct nats *nats, const char *path, struct place place, int64_t index,
                             struct nsw_error *err) {
  const struct nsw_nb201_bench *bench = nats->results.bench;
  struct nsw_pickle *pickle;
  int status = read_pickle(path, place, &pickle, err);
  for (int b = 0; !status && b < bench->budgets; b++) {
    const struct nsw_value *info = nsw_value_get(nsw_pickle_root(pickle), bench->key[b]);
    if (info)
      status = nsw_nb201_take(&nats->results, info, b, index, path, err);
    else
      status = nsw_fail(err, "%s: no results of %s epochs, which those of %s have", path, bench->key[b], bench->space);
  }
  nsw_pickle_free(&pickle);
  /* The name of a file tells which it is; that of an archive does not. */
  return status && nats->place ? nsw_error_prefix(err, status, "architecture %lld", (long long)index) : status;
}

/* The list of architectures in the meta file must be ours, in our order. */
static int check_meta(struct nats *nats, const char *path, struct place place, struct nsw_error *err) {
  struct nsw_pickle *pickle;
  int status = read_pickle(path, place, &pickle, err);
  if (status) return nsw_error_prefix(err, status, "meta");
  const struct nsw_value *list = nsw_value_get(nsw_pickle_root(pickle), "meta_archs");
  const struct nsw_table *table = nats->results.table;
  uint32_t count = nats->results.bench->architectures;
  if (nsw_value_count(list) != count)
    status = nsw_fail(err, "%s: meta: meta_archs has %zu architectures instead of %lu", path, nsw_value_count(list),
                      (unsigned long)count);
  for (size_t row = 0; !status && row < table->rows; row++) {
    const struct nsw_value *item = nsw_value_item(list, table->index[row]);
    const char *text = nsw_value_text(item), *ours = table->id + row * table->id_size;
    size_t length = strnlen(ours, table->id_size);
    if (!text || nsw_value_count(item) != length || memcmp(text, ours, length))
      status = nsw_fail(err, "%s: meta: architecture %lu is not that of the benchmark's order", path,
                        (unsigned long)table->index[row]);
  }
  nsw_pickle_free(&pickle);
  return status;
}

enum { META = -2, OTHER = -1 };

/* The architecture a file name speaks of, META or OTHER. */
static int64_t number_of(const char *name) {
  const char *slash = strrchr(name, '/');
  if (slash) name = slash + 1;
  if (!strcmp(name, "meta.pickle.pbz2")) return META;
  if (strspn(name, "0123456789") != 6 || strcmp(name + 6, ".pickle.pbz2")) return OTHER;
  return strtol(name, NULL, 10);
}

/* Finds the members of an archive. */
static int list_archive(struct nats *nats, struct nsw_error *err) {
  struct nsw_tar *tar;
  struct nsw_tar_member member;
  bool end = false;
  uint64_t found = 0;
  nats->place = calloc(nats->results.bench->architectures, sizeof *nats->place);
  if (!nats->place) return nsw_fail(err, "%s: not enough memory", nats->path);
  int status = nsw_tar_open(nats->path, &tar, err);
  while (!status && !(status = nsw_tar_next(tar, &member, &end, err)) && !end) {
    int64_t number = number_of(member.name);
    if (number == META)
      nats->meta = (struct place){member.offset, member.size};
    else if (number >= 0 && number < nats->results.bench->architectures)
      found++, nats->place[number] = (struct place){member.offset, member.size};
  }
  nsw_tar_close(&tar);
  if (!status && !found)
    status =
        nsw_fail(err, "%s: a tar archive without files like 000000.pickle.pbz2: not one of NATS-Bench's", nats->path);
  return status;
}

static int take_archive(struct nats *nats, struct nsw_error *err) {
  const struct nsw_truth_request *request = nats->results.request;
  unsigned parts = request->parts ? request->parts : 1;
  int status = list_archive(nats, err);
  if (!status && nats->meta.size && request->part == 0) status = check_meta(nats, nats->path, nats->meta, err);
  for (int64_t i = request->part; !status && i < nats->results.bench->architectures; i += parts) {
    if (nats->place[i].size)
      status = take_architecture(nats, nats->path, nats->place[i], i, err);
    else
      nats->missing++;
  }
  return status;
}

static int take_folder(struct nats *nats, struct nsw_error *err) {
  const struct nsw_truth_request *request = nats->results.request;
  const struct place whole = {0, NSW_TO_THE_END};
  unsigned parts = request->parts ? request->parts : 1;
  char path[4096];
  struct stat state;
  if (strlen(nats->path) > sizeof path - 64) return nsw_usage(err, "%.100s...: too long a name", nats->path);
  snprintf(path, sizeof path, "%s/meta.pickle.pbz2", nats->path);
  int status = request->part == 0 && !stat(path, &state) ? check_meta(nats, path, whole, err) : NSW_OK;
  for (int64_t i = request->part; !status && i < nats->results.bench->architectures; i += parts) {
    snprintf(path, sizeof path, "%s/%06lld.pickle.pbz2", nats->path, (long long)i);
    if (stat(path, &state) && errno == ENOENT)
      nats->missing++;
    else
      status = take_architecture(nats, path, whole, i, err);
  }
  return status;
}

/* What to name instead of a folder that has no architectures in it: a folder inside that has, or the one that a file
 * lies in. */
static int explain_folder(const char *path, struct nsw_error *err) {
  DIR *folder = opendir(path);
  char inside[4096] = "";
  for (struct dirent *entry; folder && !*inside && (entry = readdir(folder));) {
    char name[4096];
    struct stat state;
    if (entry->d_name[0] == '.') continue;
    snprintf(name, sizeof name, "%.3000s/%.255s", path, entry->d_name);
    if (!stat(name, &state) && S_ISDIR(state.st_mode) && !strncmp(entry->d_name, "NATS-", 5))
      snprintf(inside, sizeof inside, "%s", name);
  }
  if (folder) closedir(folder);
  if (*inside)
    return nsw_fail(err, "%.1000s: holds no 000000.pickle.pbz2; name the folder inside it: %.1000s", path, inside);
  return nsw_fail(err, "%.1000s: holds no file like 000000.pickle.pbz2: not a folder of NATS-Bench's (-simple)", path);
}

/* What to do about a file that is no archive. */
static int explain_file(const char *path, enum nsw_file_kind kind, struct nsw_error *err) {
  if (nsw_kind_useless(kind)) return nsw_fail(err, "%s: %s", path, nsw_kind_useless(kind));
  size_t size = strlen(path);
  bool single = number_of(path) >= 0 || (size > 5 && !strcmp(path + size - 5, ".pbz2"));
  if (kind == NSW_KIND_PICKLE || (kind == NSW_KIND_BZIP2 && single))
    return nsw_fail(err, "%s: is the pickle of one architecture: name the folder that it lies in", path);
  return nsw_fail(err, "%s: is %s: unpack it (`tar xf`, `unzip`) and name the folder that comes out", path,
                  nsw_kind_name(kind));
}

static bool holds_any(const char *path) {
  DIR *folder = opendir(path);
  bool found = false;
  for (struct dirent *entry; folder && !found && (entry = readdir(folder));) found = number_of(entry->d_name) >= 0;
  if (folder) closedir(folder);
  return found;
}

static int take_path(struct nats *nats, const char *path, struct nsw_error *err) {
  enum nsw_file_kind kind;
  nats->path = path;
  nats->meta = (struct place){0, 0};
  int status = nsw_kind_of(path, &kind, err);
  if (status) return status;
  if (kind == NSW_KIND_FOLDER) {
    status = holds_any(path) ? take_folder(nats, err) : explain_folder(path, err);
  } else if (kind == NSW_KIND_TAR || kind == NSW_KIND_OTHER) {
    status = take_archive(nats, err);
  } else {
    status = explain_file(path, kind, err);
  }
  free(nats->place);
  nats->place = NULL;
  return status;
}

static int read_nats(const struct nsw_truth_request *request, struct nsw_table *table, const struct nsw_lookup *lookup,
                     struct nsw_truth_report *report, struct nsw_error *err) {
  struct nats nats = {0};
  bool sss = !strcmp(table->space, nsw_nb201_sss.space);
  if (!sss && strcmp(table->space, nsw_nb201_tss.space))
    return nsw_usage(err, "NATS-Bench has %s and %s, not %s", nsw_nb201_tss.space, nsw_nb201_sss.space, table->space);
  int status =
      nsw_nb201_start(&nats.results, sss ? &nsw_nb201_sss : &nsw_nb201_tss, request, table, lookup, report,
                      sss ? "NATS-Bench size space, NATS-sss-v1_0-50262-simple"
                          : "NATS-Bench topology space, NATS-tss-v1_0-3ffb9-simple; accuracy after the last epoch",
                      err);
  for (size_t i = 0; !status && i < request->path_count; i++) status = take_path(&nats, request->paths[i], err);
  if (!status) nsw_nb201_finish(&nats.results);
  nsw_nb201_end(&nats.results);
  report->more[7] = (struct nsw_truth_count){"architectures have no file", nats.missing};
  return status;
}

/* The size of the list of architectures tells the space, where there is a meta file; else the path's name. */
static int guess(const struct nsw_truth_request *request, const char **space, struct nsw_error *err) {
  const char *path = request->paths[0];
  char meta[4096];
  struct stat state;
  *space = strstr(path, "NATS-sss") ? nsw_nb201_sss.space : strstr(path, "NATS-tss") ? nsw_nb201_tss.space : NULL;
  snprintf(meta, sizeof meta, "%.4000s/meta.pickle.pbz2", path);
  if (*space || stat(meta, &state)) {
    if (!*space) *space = nsw_nb201_tss.space;
    return NSW_OK;
  }
  struct nsw_pickle *pickle;
  int status = read_pickle(meta, (struct place){0, NSW_TO_THE_END}, &pickle, err);
  if (status) return status;
  size_t count = nsw_value_count(nsw_value_get(nsw_pickle_root(pickle), "meta_archs"));
  *space = count == nsw_nb201_sss.architectures ? nsw_nb201_sss.space : nsw_nb201_tss.space;
  nsw_pickle_free(&pickle);
  return NSW_OK;
}

const struct nsw_truth_format nsw_truth_nats = {
    .name = "nats",
    .summary = "NATS-Bench: folder or .tar NATS-tss-v1_0-3ffb9-simple (nb201) or NATS-sss-v1_0-50262-simple (sss)",
    .guess = guess,
    .shared = true,
    .read = read_nats,
};
