#include "truth/truth.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "truth/csv.h"
#include "truth/nats.h"
#include "truth/nb101_tfrecord.h"
#include "truth/nb201_pth.h"
#include "truth/scores.h"
#include "truth/shipped.h"
#include "truth/suite_zero.h"

/* One line a format. */
const struct nsw_truth_format *const nsw_truth_formats[] = {
    &nsw_truth_csv,        &nsw_truth_nb101_tfrecord, &nsw_truth_nats,   &nsw_truth_nb201_pth,
    &nsw_truth_suite_zero, &nsw_truth_packed,         &nsw_truth_scores, NULL,
};

const struct nsw_truth_format *nsw_truth_find(const char *name) {
  for (size_t i = 0; nsw_truth_formats[i]; i++)
    if (!strcmp(nsw_truth_formats[i]->name, name)) return nsw_truth_formats[i];
  return NULL;
}

int nsw_truth_base(const struct nsw_space *space, struct nsw_table **table, struct nsw_error *err) {
  const struct nsw_space_kind *kind = nsw_space_kind(space);
  uint32_t rows = nsw_space_count(space);
  int status = nsw_table_create(kind->name, rows, kind->id_size, table, err);
  if (status) return status;
  struct nsw_macro macro = nsw_space_macro(space, (struct nsw_macro){0});
  struct nsw_space_counter counter = {.sizes = {0}};
  char id[256];
  if (kind->id_size >= sizeof id) return nsw_fail(err, "ids of %s are too long", kind->name);
  for (uint32_t row = 0; row < rows; row++) {
    (*table)->index[row] = row;
    nsw_space_id(space, row, id);
    memcpy((*table)->id + row * kind->id_size, id, strnlen(id, kind->id_size));
    (*table)->class_of[row] = nsw_space_class(space, row);
    nsw_space_counter_next(&counter, space, row, &macro, &(*table)->params[row], &(*table)->macs[row]);
  }
  return NSW_OK;
}

int nsw_truth_read(const struct nsw_truth_format *format, const struct nsw_truth_request *request,
                   struct nsw_table *table, double max_unmatched, struct nsw_truth_report *report,
                   struct nsw_error *err) {
  memset(report, 0, sizeof *report);
  struct nsw_lookup *lookup = NULL;
  int status = nsw_lookup_create(table, &lookup, err);
  if (!status) status = format->read(request, table, lookup, report, err);
  nsw_lookup_free(&lookup);
  if (status || request->parts > 1) return status;
  return nsw_truth_judge(request, table, max_unmatched, report, err);
}

int nsw_truth_judge(const struct nsw_truth_request *request, const struct nsw_table *table, double max_unmatched,
                    const struct nsw_truth_report *report, struct nsw_error *err) {
  if (!report->matched)
    return nsw_fail(err, "%s: none of %llu records is an architecture of %s here%s%s", request->paths[0],
                    (unsigned long long)report->records, table->space, report->example[0] ? "; the first key is " : "",
                    report->example);
  double share = (double)report->unmatched / (double)report->records;
  if (share > max_unmatched)
    return nsw_fail(err, "%s: %llu of %llu records (%.3g%%) match no architecture of %s, more than %.3g%%; first: %s",
                    request->paths[0], (unsigned long long)report->unmatched, (unsigned long long)report->records,
                    100 * share, table->space, 100 * max_unmatched, report->example);
  return NSW_OK;
}

int nsw_truth_join(struct nsw_table *to, const struct nsw_table *from, uint64_t *matched, struct nsw_error *err) {
  if (strcmp(to->space, from->space))
    return nsw_usage(err, "accuracies of %s cannot be joined to scores of %s", from->space, to->space);
  *matched = 0;
  for (size_t c = 0; c < from->accuracies; c++) {
    const struct nsw_accuracy *old = &from->accuracy[c];
    struct nsw_accuracy *new;
    const struct nsw_accuracy *there = nsw_table_accuracy(to, old->dataset, old->split);
    if (there) {
      const char *a = nsw_attributes_get(&there->attributes, "source"),
                 *b = nsw_attributes_get(&old->attributes, "source");
      return nsw_fail(err, "accuracy %s/%s of %s is there twice: from %s and from %s; name one of them with --truth",
                      old->dataset, old->split, to->space, a ? a : "a file", b ? b : "another");
    }
    int status = nsw_table_add_accuracy(to, old->dataset, old->split, 1, &new, err);
    if (status) return status;
    for (size_t a = 0; a < old->attributes.count; a++) {
      const struct nsw_attribute *attribute = &old->attributes.list[a];
      status = nsw_attributes_set(&new->attributes, attribute->name, attribute->text, err);
      if (status) return status;
    }
    uint64_t rows = 0;
    for (size_t i = 0, j = 0; i < to->rows; i++) {
      while (j < from->rows && from->index[j] < to->index[i]) j++;
      if (j == from->rows) break;
      if (from->index[j] != to->index[i]) continue;
      new->value[i] = old->value[j];
      rows++;
    }
    if (rows > *matched) *matched = rows;
  }
  return NSW_OK;
}

bool nsw_truth_is_accuracy(const struct nsw_accuracy *column) {
  const char *unit = nsw_attributes_get(&column->attributes, "unit");
  return !unit || (strcmp(unit, "seconds") && strcmp(unit, "nats"));
}

bool nsw_truth_is_training_seconds(const struct nsw_accuracy *column) {
  return !strncmp(column->split, "seconds", 7) && strncmp(column->split, "seconds-half", 12) &&
         !nsw_truth_is_accuracy(column);
}

bool nsw_truth_wants_dataset(const struct nsw_truth_request *request, const char *dataset) {
  return !request->dataset || !strcasecmp(request->dataset, dataset);
}

bool nsw_truth_wants_split(const struct nsw_truth_request *request, const char *split, int epochs) {
  char named[128];
  if (!request->split || !strcmp(request->split, split)) return true;
  snprintf(named, sizeof named, "%s-%dep", split, epochs);
  return epochs && !strcmp(request->split, named);
}

void nsw_truth_say(struct nsw_truth_report *report, const char *format, ...) {
  size_t used = strlen(report->said), room = sizeof report->said - used;
  va_list arguments;
  if (used && room > 1) {
    report->said[used++] = '\n';
    report->said[used] = 0;
    room--;
  }
  va_start(arguments, format);
  vsnprintf(report->said + used, room, format, arguments);
  va_end(arguments);
}

void nsw_truth_unmatched(struct nsw_truth_report *report, const char *key) {
  if (report->unmatched++) return;
  size_t n = 0;
  for (; key[n] && n + 1 < sizeof report->example; n++)
    report->example[n] = key[n] >= 32 && key[n] < 127 ? key[n] : '?';
  report->example[n] = 0;
}
