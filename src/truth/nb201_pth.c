/* The object is {meta_archs: [...], arch2infos: {index: {full: ..., less: ...}}, evaluated_indexes: ...}, full being
 * 200 epochs and less 12, as the benchmark's own reader takes it (github.com/D-X-Y/NAS-Bench-201, api_201.py). The real
 * file was not at hand: tests read what torch.save makes of the same graph, in both of its forms.
 *
 * It is read in two passes, so that 4.7 GB take no more memory than a thousand architectures: the first finds which
 * memo entries are fetched again; in the second each architecture is taken and dropped as soon as it is complete, and
 * before that everything of it but its last epochs' accuracies. */
#include "truth/nb201_pth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/kind.h"
#include "files/zip.h"
#include "truth/nb201_results.h"

enum { MOST_MEMORY = 256 << 20 };

/* One import. */
struct pth {
  struct nsw_nb201_results results;
  const char *path;
};

/* ---- what is kept while reading ---- */

static bool is_needed_epoch(void *context, const struct nsw_value *key) {
  int64_t epoch;
  const char *text = nsw_value_text(key), *at = text ? strchr(text, '@') : NULL;
  const struct pth *pth = context;
  if (nsw_value_integer(key, &epoch)) return nsw_nb201_needs(&pth->results, epoch);
  return at && nsw_nb201_needs(&pth->results, strtol(at + 1, NULL, 10));
}

static bool is_one_of(const struct nsw_value *key, const char *const *list) {
  while (*list && !nsw_value_is(key, *list)) list++;
  return *list != NULL;
}

/* One architecture: both budgets. */
static int take_architecture(struct pth *pth, const struct nsw_value *key, const struct nsw_value *both,
                             struct nsw_error *err) {
  int64_t index = -1;
  if (!nsw_value_integer(key, &index) || index < 0)
    return nsw_fail(err, "%s: an architecture without an index", pth->path);
  int status = nsw_nb201_take(&pth->results, nsw_value_get(both, "less"), 0, index, pth->path, err);
  if (!status) status = nsw_nb201_take(&pth->results, nsw_value_get(both, "full"), 1, index, pth->path, err);
  return status ? nsw_error_prefix(err, status, "architecture %lld", (long long)index) : NSW_OK;
}

/* Called for each pair that is put into any dict of the file. */
static int see_pair(void *context, struct nsw_pickle_reader *reader, const struct nsw_value *key,
                    struct nsw_value *value, bool *keep, struct nsw_error *err) {
  static const char *const useless[] = {"train_acc5es", "arch_config", "net_state_dict", NULL};
  static const char *const by_epoch[] = {"train_acc1es", "eval_acc1es", "train_losses",
                                         "eval_losses",  "eval_times",  NULL};
  if (is_one_of(key, useless)) *keep = false;
  if (is_one_of(key, by_epoch) && nsw_value_count(value) > NSW_NB201_ENTRIES)
    return nsw_fail(err, "%s: a training run with more than %d entries", ((struct pth *)context)->path,
                    NSW_NB201_ENTRIES);
  if (is_one_of(key, by_epoch)) nsw_value_filter(reader, value, is_needed_epoch, context);
  if (nsw_value_count(value) > 64)
    return NSW_OK; /* an architecture has those two alone; larger dicts are not searched */
  if (!nsw_value_get(value, "full") || !nsw_value_get(value, "less")) return NSW_OK;
  *keep = false;
  return take_architecture(context, key, value, err);
}

/* ---- the two forms of file ---- */

/* Reads the pickle at offset..offset+length for its side effects and its end. options->used is of the same bytes. */
static int read_at(const char *path, uint64_t offset, uint64_t length, const struct nsw_pickle_options *options,
                   struct nsw_pickle **pickle, struct nsw_error *err) {
  struct nsw_input *input = NULL;
  *pickle = NULL;
  int status = nsw_input_file(path, offset, length, &input, err);
  if (!status) status = nsw_pickle_read(input, options, pickle, err);
  nsw_input_close(&input);
  return status;
}

static int not_torch(const char *path, struct nsw_error *err) {
  enum nsw_file_kind kind;
  int status = nsw_kind_of(path, &kind, err);
  if (status) return status;
  return nsw_fail(err, "%s: is %s: neither of the two forms that torch.save writes", path, nsw_kind_name(kind));
}

/* Legacy files begin with three small pickles: a magic number, the protocol, facts of the machine. */
static int skip_preamble(const char *path, uint64_t *offset, struct nsw_error *err) {
  static const char magic[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
  static const struct nsw_pickle_options small = {.memory = 1 << 20};
  char bytes[sizeof magic - 1];
  FILE *file = fopen(path, "rb");
  size_t got = file ? fread(bytes, 1, sizeof bytes, file) : 0;
  if (file) fclose(file);
  if (got != sizeof bytes || memcmp(bytes, magic, sizeof bytes)) return not_torch(path, err);
  *offset = sizeof bytes;
  for (int i = 0; i < 2; i++) {
    struct nsw_pickle *pickle;
    int status = read_at(path, *offset, NSW_TO_THE_END, &small, &pickle, err);
    if (status) return status;
    *offset += nsw_pickle_bytes(pickle);
    nsw_pickle_free(&pickle);
  }
  return NSW_OK;
}

/* Where the pickle of the object is: a zip archive's data.pkl, or what follows the legacy form's preamble. */
static int find_object(const char *path, uint64_t *offset, uint64_t *length, struct nsw_error *err) {
  char bytes[4] = "";
  FILE *file = fopen(path, "rb");
  bool zip = file && fread(bytes, 1, 4, file) == 4 && !memcmp(bytes, "PK\3\4", 4);
  if (file) fclose(file);
  if (zip) return nsw_zip_find(path, "/data.pkl", offset, length, err);
  *length = NSW_TO_THE_END;
  return skip_preamble(path, offset, err);
}

/* ---- the file ---- */

/* The list of architectures must be ours, in our order. */
static int check_meta(const struct pth *pth, const struct nsw_value *root, struct nsw_error *err) {
  const struct nsw_value *list = nsw_value_get(root, "meta_archs");
  const struct nsw_table *table = pth->results.table;
  if (!list) return nsw_fail(err, "%s: no meta_archs in it", pth->path);
  for (size_t row = 0; row < table->rows; row++) {
    const struct nsw_value *item = nsw_value_item(list, table->index[row]);
    const char *ours = table->id + row * table->id_size;
    size_t length = strnlen(ours, table->id_size);
    if (!nsw_value_text(item) || nsw_value_count(item) != length || memcmp(nsw_value_text(item), ours, length))
      return nsw_fail(err, "%s: meta_archs: architecture %lu is not that of the benchmark's order", pth->path,
                      (unsigned long)table->index[row]);
  }
  return NSW_OK;
}

static int take_file(struct pth *pth, const char *path, struct nsw_error *err) {
  uint64_t offset, length;
  struct nsw_pickle_used *used = NULL;
  struct nsw_pickle *pickle = NULL;
  struct nsw_input *input = NULL;
  pth->path = path;
  int status = find_object(path, &offset, &length, err);
  if (!status) status = nsw_input_file(path, offset, length, &input, err);
  if (!status) status = nsw_pickle_scan(input, &used, err);
  nsw_input_close(&input);
  struct nsw_pickle_options options = {
      .memory = MOST_MEMORY, .tensors = true, .used = used, .pair = see_pair, .context = pth};
  if (!status) status = read_at(path, offset, length, &options, &pickle, err);
  if (!status) status = check_meta(pth, nsw_pickle_root(pickle), err);
  nsw_pickle_free(&pickle);
  nsw_pickle_used_free(&used);
  return status;
}

static int read_pth(const struct nsw_truth_request *request, struct nsw_table *table, const struct nsw_lookup *lookup,
                    struct nsw_truth_report *report, struct nsw_error *err) {
  struct pth pth = {0};
  int status = nsw_nb201_start(&pth.results, &nsw_nb201_tss, request, table, lookup, report,
                               "NAS-Bench-201 file of torch.save; accuracy after the last epoch", err);
  for (size_t i = 0; !status && i < request->path_count; i++) status = take_file(&pth, request->paths[i], err);
  if (!status) nsw_nb201_finish(&pth.results);
  nsw_nb201_end(&pth.results);
  return status;
}

const struct nsw_truth_format nsw_truth_nb201_pth = {
    .name = "nb201-pth",
    .summary = "NAS-Bench-201: NAS-Bench-201-v1_1-096897.pth",
    .space = "nb201",
    .read = read_pth,
};
