#include "truth/nats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files/tar.h"
#include "truth/nb201_results.h"

enum {
  ARCHITECTURES = 15625,
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
  struct place *place; /* [ARCHITECTURES] of an archive, or NULL for a folder */
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
  static const struct {
    const char *key;
    int epochs;
  } budgets[2] = {{"12", 12}, {"200", 200}};
  struct nsw_pickle *pickle;
  int status = read_pickle(path, place, &pickle, err);
  for (int i = 0; !status && i < 2; i++) {
    const struct nsw_value *info = nsw_value_get(nsw_pickle_root(pickle), budgets[i].key);
    if (info)
      status = nsw_nb201_take(&nats->results, info, budgets[i].epochs, index, path, err);
    else
      status = nsw_fail(err, "%s: no results of %s epochs", path, budgets[i].key);
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
  if (nsw_value_count(list) != ARCHITECTURES)
    status = nsw_fail(err, "%s: meta: meta_archs has %zu architectures instead of %d", path, nsw_value_count(list),
                      ARCHITECTURES);
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

/* The architecture a file name speaks of; ARCHITECTURES for meta, -1 for any other file. */
static int64_t number_of(const char *name) {
  const char *slash = strrchr(name, '/');
  if (slash) name = slash + 1;
  if (!strcmp(name, "meta.pickle.pbz2")) return ARCHITECTURES;
  if (strspn(name, "0123456789") != 6 || strcmp(name + 6, ".pickle.pbz2")) return -1;
  long number = strtol(name, NULL, 10);
  return number < ARCHITECTURES ? number : -1;
}

/* Finds the members of an archive. */
static int list_archive(struct nats *nats, struct nsw_error *err) {
  struct nsw_tar *tar;
  struct nsw_tar_member member;
  bool end = false;
  nats->place = calloc(ARCHITECTURES, sizeof *nats->place);
  if (!nats->place) return nsw_fail(err, "%s: not enough memory", nats->path);
  int status = nsw_tar_open(nats->path, &tar, err);
  while (!status && !(status = nsw_tar_next(tar, &member, &end, err)) && !end) {
    int64_t number = number_of(member.name);
    if (number == ARCHITECTURES)
      nats->meta = (struct place){member.offset, member.size};
    else if (number >= 0)
      nats->place[number] = (struct place){member.offset, member.size};
  }
  nsw_tar_close(&tar);
  return status;
}

static int take_archive(struct nats *nats, struct nsw_error *err) {
  const struct nsw_truth_request *request = nats->results.request;
  unsigned parts = request->parts ? request->parts : 1;
  int status = list_archive(nats, err);
  if (!status && nats->meta.size && request->part == 0) status = check_meta(nats, nats->path, nats->meta, err);
  for (int64_t i = request->part; !status && i < ARCHITECTURES; i += parts) {
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
  for (int64_t i = request->part; !status && i < ARCHITECTURES; i += parts) {
    snprintf(path, sizeof path, "%s/%06lld.pickle.pbz2", nats->path, (long long)i);
    if (stat(path, &state) && errno == ENOENT)
      nats->missing++;
    else
      status = take_architecture(nats, path, whole, i, err);
  }
  return status;
}

static int take_path(struct nats *nats, const char *path, struct nsw_error *err) {
  struct stat state;
  nats->path = path;
  nats->meta = (struct place){0, 0};
  if (stat(path, &state)) return nsw_fail(err, "%s: %s", path, strerror(errno));
  int status = S_ISDIR(state.st_mode) ? take_folder(nats, err) : take_archive(nats, err);
  free(nats->place);
  nats->place = NULL;
  return status;
}

static int read_nats(const struct nsw_truth_request *request, struct nsw_table *table, const struct nsw_lookup *lookup,
                     struct nsw_truth_report *report, struct nsw_error *err) {
  struct nats nats = {0};
  int status =
      nsw_nb201_start(&nats.results, request, table, lookup, report,
                      "NATS-Bench topology space, NATS-tss-v1_0-3ffb9-simple; accuracy after the last epoch", err);
  for (size_t i = 0; !status && i < request->path_count; i++) status = take_path(&nats, request->paths[i], err);
  if (!status) nsw_nb201_finish(&nats.results);
  nsw_nb201_end(&nats.results);
  report->more[2] = (struct nsw_truth_count){"architectures have no file", nats.missing};
  return status;
}

const struct nsw_truth_format nsw_truth_nats = {
    .name = "nats",
    .summary = "NATS-Bench topology space: folder or .tar NATS-tss-v1_0-3ffb9-simple",
    .space = "nb201",
    .shared = true,
    .read = read_nats,
};
