/* nasweep import: published accuracies into a file of accuracy columns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "nasweep/space.h"
#include "store/file.h"
#include "truth/truth.h"

static const struct nsw_option options[] = {
    {"out", "FILE.h5", NULL, "result file to write", false},
    {"space", "SPACE", NULL, "space of the records, where the format does not tell it", false},
    {"dataset", "NAME", NULL, "data set of the accuracies (cifar10, cifar100, ImageNet16-120), or the only one wanted",
     false},
    {"split", "NAME", NULL, "split of the accuracies (test, valid, ...), or the only one wanted", false},
    {"epochs", "N", NULL, "training epochs of the accuracies, or the only ones wanted", false},
    {"key", "COLUMN", NULL, "csv: column that names the architecture; guessed from the header where not said", false},
    {"column", "NAME[=DATASET/SPLIT]", NULL, "csv: accuracy column; guessed from the header where not said", true},
    {"unit", "percent|fraction", NULL, "csv: unit of the accuracies; fractions are told by no value being above 1",
     false},
    {"max-unmatched", "SHARE", "0.01", "share of records (0 to 1) that may match no architecture", false},
    {NULL, NULL, NULL, NULL, false}};

static int fill_request(const struct nsw_args *args, struct nsw_truth_request *request, struct nsw_error *err) {
  size_t paths = nsw_args_operands(args) - 1, columns = nsw_args_count(args, "column");
  const char **list = calloc(paths + columns + 1, sizeof *list);
  if (!list) return nsw_fail(err, "out of memory");
  for (size_t i = 0; i < paths; i++) list[i] = nsw_args_operand(args, i + 1);
  for (size_t i = 0; i < columns; i++) list[paths + i] = nsw_args_value(args, "column", i);
  *request = (struct nsw_truth_request){
      .paths = list,
      .path_count = paths,
      .space = nsw_args_text(args, "space"),
      .dataset = nsw_args_text(args, "dataset"),
      .split = nsw_args_text(args, "split"),
      .key = nsw_args_text(args, "key"),
      .columns = list + paths,
      .column_count = columns,
      .unit = nsw_args_text(args, "unit"),
  };
  int64_t epochs = 0;
  int status = nsw_args_text(args, "epochs") ? nsw_args_integer(args, "epochs", 1, 100000, &epochs, err) : NSW_OK;
  request->epochs = (int)epochs;
  return status;
}

/* The space: the format's own, the user's, or what the files tell. */
static int choose_space(const struct nsw_truth_format *format, struct nsw_truth_request *request,
                        struct nsw_error *err) {
  if (format->space && request->space && strcmp(format->space, request->space))
    return nsw_usage(err, "format %s holds %s, not %s", format->name, format->space, request->space);
  if (!request->space) request->space = format->space;
  if (request->space) return NSW_OK;
  if (!format->guess) return nsw_usage(err, "format %s does not tell the space; say --space", format->name);
  return format->guess(request, &request->space, err);
}

static void say_report(const struct nsw_truth_report *report, const struct nsw_table *table) {
  if (report->said[0]) fprintf(stderr, "%s\n", report->said);
  fprintf(stderr, "%s: %llu records, %llu matched", table->space, (unsigned long long)report->records,
          (unsigned long long)report->matched);
  if (report->unmatched)
    fprintf(stderr, ", %llu match no architecture (first: %s)", (unsigned long long)report->unmatched, report->example);
  if (report->unknown) fprintf(stderr, ", %llu values unknown", (unsigned long long)report->unknown);
  fprintf(stderr, "\n");
}

static int import_into(const struct nsw_truth_format *format, struct nsw_truth_request *request, double max_unmatched,
                       const char *out, struct nsw_error *err) {
  struct nsw_space *space = NULL;
  struct nsw_table *table = NULL;
  struct nsw_truth_report report;
  int status = nsw_space_open(request->space, &space, err);
  if (status == NSW_OK) status = nsw_space_make_keys(space, err);
  if (status == NSW_OK) status = nsw_truth_base(space, &table, err);
  if (status == NSW_OK) {
    request->opened = space;
    status = nsw_truth_read(format, request, table, max_unmatched, &report, err);
    say_report(&report, table);
  }
  if (status == NSW_OK) status = nsw_file_write(out, &table, 1, true, err);
  nsw_table_free(&table);
  nsw_space_close(&space);
  return status;
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  const char *name = nsw_args_operand(args, 0), *out = nsw_args_text(args, "out");
  const struct nsw_truth_format *format = nsw_truth_find(name);
  if (!format) {
    char known[256] = "";
    for (size_t i = 0; nsw_truth_formats[i]; i++)
      snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", nsw_truth_formats[i]->name);
    return nsw_usage(err, "import: no format %s; there are %s", name, known);
  }
  if (!out) return nsw_usage(err, "import: --out FILE.h5 is needed");
  double max_unmatched;
  int status = nsw_args_real(args, "max-unmatched", &max_unmatched, err);
  if (status != NSW_OK) return status;
  if (!(max_unmatched >= 0 && max_unmatched <= 1)) return nsw_usage(err, "--max-unmatched: a share from 0 to 1");
  struct nsw_truth_request request = {0};
  status = fill_request(args, &request, err);
  if (status == NSW_OK) status = choose_space(format, &request, err);
  if (status == NSW_OK) status = import_into(format, &request, max_unmatched, out, err);
  free((void *)request.paths);
  return status;
}

const struct nsw_command nsw_cmd_import = {
    .name = "import",
    .operands = "FORMAT PATH...",
    .summary = "read published accuracies into a result file",
    .text =
        "Reads trained accuracies from published files and writes them as accuracy columns over the whole space, "
        "for `correlate --truth`. Records that match no architecture are counted, and fail the import where they "
        "are more than --max-unmatched.\n\n"
        "FORMAT csv is any comma-separated table with a header, plain or gzipped. Its key (index, architecture "
        "string or module hash) and its accuracy columns are guessed from the header, and said, unless named.\n\n"
        "Example: nasweep import csv nb101_accuracy_108ep.csv.gz --out results/truth101.h5",
    .options = options,
    .min_operands = 2,
    .max_operands = -1,
    .run = run,
};
