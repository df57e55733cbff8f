/* nasweep import: published accuracies into a file of accuracy columns. */
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "cli/args.h"
#include "files/kind.h"
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
    {"column", "NAME[=DATASET/SPLIT]", NULL,
     "csv: accuracy column; scores: NAME=COLUMN, a score's name and its column; guessed from the header where not said",
     true},
    {"smaller", "NAME", NULL, "scores: of this one smaller is better", true},
    {"source", "TEXT", NULL, "scores: where they come from, kept with them", false},
    {"also", "LIST", NULL,
     "nats, nb201-pth: what to read beside accuracies and seconds of training: curves (of every epoch), losses, times "
     "(evaluation, latency)",
     true},
    {"unit", "percent|fraction", NULL, "csv: unit of the accuracies; fractions are told by no value being above 1",
     false},
    {"max-unmatched", "SHARE", "0.01", "share of records (0 to 1) that may match no architecture", false},
    {NULL, NULL, NULL, NULL, false}};

static int fill_request(const struct nsw_args *args, struct nsw_truth_request *request, struct nsw_error *err) {
  size_t paths = nsw_args_operands(args) - 1, columns = nsw_args_count(args, "column");
  size_t also = nsw_args_count(args, "also");
  size_t smaller = nsw_args_count(args, "smaller");
  const char **list = calloc(paths + columns + also + smaller + 1, sizeof *list);
  if (!list) return nsw_no_memory(err, "an import");
  for (size_t i = 0; i < paths; i++) list[i] = nsw_args_operand(args, i + 1);
  for (size_t i = 0; i < columns; i++) list[paths + i] = nsw_args_value(args, "column", i);
  for (size_t i = 0; i < also; i++) list[paths + columns + i] = nsw_args_value(args, "also", i);
  for (size_t i = 0; i < smaller; i++) list[paths + columns + also + i] = nsw_args_value(args, "smaller", i);
  *request = (struct nsw_truth_request){
      .smaller = list + paths + columns + also,
      .smaller_count = smaller,
      .source = nsw_args_text(args, "source"),
      .also = list + paths + columns,
      .also_count = also,
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

/* Names that are wrong, and files that are none, are told at once, before the space is made. */
static int check_paths(const struct nsw_truth_request *request, struct nsw_error *err) {
  for (size_t i = 0; i < request->path_count; i++) {
    enum nsw_file_kind kind;
    int status = nsw_kind_of(request->paths[i], &kind, err);
    if (status) return status;
    if (nsw_kind_useless(kind)) return nsw_fail(err, "%s: %s", request->paths[i], nsw_kind_useless(kind));
  }
  return NSW_OK;
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
  for (size_t i = 0; i < sizeof report->more / sizeof *report->more; i++)
    if (report->more[i].what && report->more[i].count)
      fprintf(stderr, ", %llu %s", (unsigned long long)report->more[i].count, report->more[i].what);
  fprintf(stderr, "\n");
}

/* How many repeats each architecture has: fewest and most, of those that have any. */
static void count_repeats(const struct nsw_accuracy *column, size_t rows, size_t *fewest, size_t *most) {
  *fewest = column->repeats;
  *most = column->by_repeat ? 0 : 1;
  if (!column->by_repeat) *fewest = 1;
  for (size_t row = 0; column->by_repeat && row < rows; row++) {
    size_t there = 0;
    for (size_t i = 0; i < column->repeats; i++) there += !isnan(column->by_repeat[row * column->repeats + i]);
    if (there > *most) *most = there;
    if (there && there < *fewest) *fewest = there;
  }
}

/* One line: label, architectures that have a value, repeats, smallest, mean and largest value. */
static void say_column(const char *label, const double *value, size_t rows, size_t fewest, size_t most) {
  double low = INFINITY, high = -INFINITY, sum = 0;
  size_t there = 0;
  for (size_t row = 0; row < rows; row++) {
    if (isnan(value[row])) continue;
    if (value[row] < low) low = value[row];
    if (value[row] > high) high = value[row];
    sum += value[row];
    there++;
  }
  printf("%-36s %13zu %4zu-%-4zu", label, there, there ? fewest : 0, there ? most : 0);
  if (there) printf(" %12.6g %12.6g %12.6g", low, sum / (double)there, high);
  printf("\n");
}

static void say_columns(const struct nsw_table *table) {
  printf("%-36s %13s %9s %12s %12s %12s\n", "column", "architectures", "repeats", "smallest", "mean", "largest");
  for (size_t i = 0; i < table->accuracies; i++) {
    char label[256];
    size_t fewest, most;
    snprintf(label, sizeof label, "%s/%s", table->accuracy[i].dataset, table->accuracy[i].split);
    count_repeats(&table->accuracy[i], table->rows, &fewest, &most);
    say_column(label, table->accuracy[i].value, table->rows, fewest, most);
  }
  for (size_t i = 0; i < table->scores; i++) say_column(table->score[i].name, table->score[i].value, table->rows, 1, 1);
}

/* Rows are filled by one rank each, so that the largest of all ranks' values, an unknown one counting as least, is it.
 */
static int gather_values(double *values, size_t count, int rank, struct nsw_error *err) {
  if (!values) return NSW_OK;
  for (size_t i = 0; i < count; i++)
    if (isnan(values[i])) values[i] = -INFINITY;
  int failed = MPI_Reduce(rank ? values : MPI_IN_PLACE, values, (int)count, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
  for (size_t i = 0; i < count; i++)
    if (isinf(values[i])) values[i] = NAN;
  return failed == MPI_SUCCESS ? NSW_OK : nsw_fail(err, "gathering the columns from all ranks failed");
}

/* Likewise a curve's points, row by row so that no count is too large. */
static int gather_curve(struct nsw_curves *curve, size_t rows, int rank, struct nsw_error *err) {
  enum { ROWS = 4096 };
  for (size_t i = 0; i < rows * curve->width; i++)
    if (isnan(curve->value[i])) curve->value[i] = -INFINITY;
  for (size_t row = 0; row < rows; row += ROWS) {
    float *value = curve->value + row * curve->width;
    int count = (int)((rows - row < ROWS ? rows - row : ROWS) * curve->width);
    if (MPI_Reduce(rank ? value : MPI_IN_PLACE, value, count, MPI_FLOAT, MPI_MAX, 0, MPI_COMM_WORLD) != MPI_SUCCESS)
      return nsw_fail(err, "gathering the curves from all ranks failed");
  }
  for (size_t i = 0; i < rows * curve->width; i++)
    if (isinf(curve->value[i])) curve->value[i] = NAN;
  return NSW_OK;
}

/* Rank 0 gets what all ranks have read. Collective. */
static int gather(struct nsw_table *table, struct nsw_truth_report *report, int rank, struct nsw_error *err) {
  int status = NSW_OK;
  for (size_t i = 0; !status && i < table->accuracies; i++) {
    struct nsw_accuracy *column = &table->accuracy[i];
    status = gather_values(column->value, table->rows, rank, err);
    if (!status) status = gather_values(column->by_repeat, table->rows * column->repeats, rank, err);
  }
  for (size_t i = 0; !status && i < table->curves; i++) status = gather_curve(&table->curve[i], table->rows, rank, err);
  enum { MORE = sizeof report->more / sizeof *report->more, COUNTS = 4 + MORE };
  uint64_t counts[COUNTS] = {report->records, report->matched, report->unmatched, report->unknown};
  for (int i = 0; i < MORE; i++) counts[4 + i] = report->more[i].count;
  if (!status && MPI_Reduce(rank ? counts : MPI_IN_PLACE, counts, COUNTS, MPI_UINT64_T, MPI_SUM, 0, MPI_COMM_WORLD))
    status = nsw_fail(err, "gathering the counts from all ranks failed");
  report->records = counts[0];
  report->matched = counts[1];
  report->unmatched = counts[2];
  report->unknown = counts[3];
  for (int i = 0; i < MORE; i++) report->more[i].count = counts[4 + i];
  return status;
}

/* Whether all ranks have got here without an error. */
static bool all_well(int status) {
  int worst = status;
  return MPI_Allreduce(&status, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD) == MPI_SUCCESS && worst == NSW_OK;
}

/* Reads, this rank its part where there are several. *whole on the rank that then has all of it. */
static int read_table(const struct nsw_truth_format *format, struct nsw_truth_request *request, double max_unmatched,
                      struct nsw_table *table, bool *whole, struct nsw_error *err) {
  struct nsw_truth_report report;
  int rank = (int)request->part;
  int status = nsw_truth_read(format, request, table, max_unmatched, &report, err);
  if (request->parts > 1) {
    if (!all_well(status)) return status;
    status = gather(table, &report, rank, err);
    if (rank || status) return status;
    status = nsw_truth_judge(request, table, max_unmatched, &report, err);
  }
  say_report(&report, table);
  *whole = !status;
  return status;
}

/* Scores alone are no answer to who asked for certain accuracies; a data set by itself can be what scores are of. */
static int check_found(const struct nsw_truth_request *request, const struct nsw_table *table, struct nsw_error *err) {
  char asked[200] = "", epochs[32] = "", quoted[NSW_QUOTE_SIZE];
  bool accuracies = request->split || request->epochs;
  if (table->accuracies || (!accuracies && (!request->dataset || table->scores))) return NSW_OK;
  if (request->dataset) snprintf(asked, sizeof asked, " --dataset %s", nsw_quote(quoted, request->dataset));
  if (request->split)
    snprintf(asked + strlen(asked), sizeof asked - strlen(asked), " --split %s", nsw_quote(quoted, request->split));
  if (request->epochs) snprintf(epochs, sizeof epochs, " --epochs %d", request->epochs);
  return nsw_usage(err, "import: the files have no accuracies that are asked for by%s%s", asked, epochs);
}

static int import_into(const struct nsw_truth_format *format, struct nsw_truth_request *request, double max_unmatched,
                       const char *out, struct nsw_error *err) {
  struct nsw_space *space = NULL;
  struct nsw_table *table = NULL;
  bool whole = false;
  int status = nsw_space_open(request->space, &space, err);
  if (!status) status = nsw_space_make_keys(space, err);
  if (!status) status = nsw_truth_base(space, &table, err);
  request->opened = space;
  bool ready = request->parts > 1 ? all_well(status) : !status;
  if (ready) status = read_table(format, request, max_unmatched, table, &whole, err);
  if (whole) status = check_found(request, table, err);
  whole = whole && !status;
  if (whole) status = nsw_file_write(out, &table, 1, true, err);
  if (whole && !status) say_columns(table);
  nsw_table_free(&table);
  nsw_space_close(&space);
  return status;
}

/* Formats that can be read in parts are shared by all ranks; any other is rank 0's alone. */
static bool takes_part(const struct nsw_truth_format *format, struct nsw_truth_request *request) {
  int rank, ranks;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  if (!format->shared || ranks == 1) return rank == 0;
  request->part = (unsigned)rank;
  request->parts = (unsigned)ranks;
  return true;
}

/* The format, the share of records that may match nothing, and the request; free request->paths in any case. */
static int read_request(const struct nsw_args *args, const struct nsw_truth_format **format, double *max_unmatched,
                        struct nsw_truth_request *request, struct nsw_error *err) {
  const char *name = nsw_args_operand(args, 0), *names[32];
  char known[256] = "", quoted[NSW_QUOTE_SIZE];
  size_t n = 0;
  *format = nsw_truth_find(name);
  for (; nsw_truth_formats[n] && n < sizeof names / sizeof *names; n++) {
    names[n] = nsw_truth_formats[n]->name;
    snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", n ? ", " : "", names[n]);
  }
  const char *near = nsw_nearest(name, names, n);
  if (!*format)
    return nsw_usage(err, "import: no format %s%s%s%s are %s", nsw_quote(quoted, name), near ? "; did you mean '" : "",
                     near ? near : "", near ? "'? There" : "; there", known);
  if (!nsw_args_text(args, "out")) return nsw_usage(err, "import: --out FILE.h5 is needed");
  int status = nsw_args_real(args, "max-unmatched", max_unmatched, err);
  if (status) return status;
  if (!(*max_unmatched >= 0 && *max_unmatched <= 1)) return nsw_usage(err, "--max-unmatched: a share from 0 to 1");
  return fill_request(args, request, err);
}

static int check(const struct nsw_args *args, struct nsw_error *err) {
  const struct nsw_truth_format *format;
  struct nsw_truth_request request = {0};
  double max_unmatched;
  int status = read_request(args, &format, &max_unmatched, &request, err);
  free((void *)request.paths);
  return status;
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  const char *out = nsw_args_text(args, "out");
  const struct nsw_truth_format *format;
  struct nsw_truth_request request = {0};
  double max_unmatched;
  int status = read_request(args, &format, &max_unmatched, &request, err);
  if (!status && !takes_part(format, &request)) goto done;
  if (!status) status = nsw_file_writable(out, err);
  if (!status) status = check_paths(&request, err);
  if (!status) status = choose_space(format, &request, err);
  if (!status) status = import_into(format, &request, max_unmatched, out, err);
done:
  free((void *)request.paths);
  return status;
}

const struct nsw_command nsw_cmd_import = {
    .name = "import",
    .operands = "FORMAT PATH...",
    .summary = "reads published accuracies into a result file",
    .text =
        "Reads trained accuracies from published files and writes them as accuracy columns over the whole space, "
        "for `correlate --truth`. Records that match no architecture are counted, and fail the import where they "
        "are more than --max-unmatched.\n\n"
        "FORMAT csv is any table with a header: fields separated by commas, semicolons or tabs, or JSON (a list of "
        "objects, one a line, objects by architecture, or pandas' forms); plain, .gz, .bz2, .xz or alone in a .zip. Its "
        "key (index, module hash, architecture string or the cell in any other spelling; two of them must agree) and "
        "its accuracy columns are guessed from the header, and said, unless named. Epochs in a column's name, in a "
        "column `epochs`, in --epochs or in the file's name (_200ep) become part of the split's: test-200ep. Columns "
        "of single runs (cifar10_test_777) and records with a column `seed` become repeats, their mean the accuracy. "
        "Error rates, ranks, deviations, losses, times, top-5 accuracies and the like are left out, and it is "
        "said.\n\n"
        "FORMAT nb101-tfrecord is nasbench_only108.tfrecord or nasbench_full.tfrecord: test, valid and train "
        "accuracies, the seconds of training, and all of them half-way (test-half-108ep, ...), by epochs and "
        "repeats.\n\n"
        "FORMAT nats is the folder NATS-tss-v1_0-3ffb9-simple (nb201) or NATS-sss-v1_0-50262-simple (sss), or a .tar of "
        "it, shared by all ranks; nb201-pth is "
        "NAS-Bench-201-v1_1-096897.pth, read as torch.save writes the structure that the benchmark documents: the "
        "published file was not at hand. Both give the accuracy after the last epoch of each budget (nb201 12 and 200, "
        "sss 1, 12 and 90), for each data set and split as the benchmark names them (cifar10-valid/x-valid-200ep, ...), "
        "and the seconds of training (cifar10-valid/seconds-200ep), by seed (777, 888, 999, 111) and as the mean over "
        "the seeds there are; --epochs 24 those after 24 epochs of the longest budget. --also adds learning curves "
        "(accuracy.cifar10-valid.x-valid-200ep), losses (cifar10-valid/loss-x-valid-200ep), seconds of one "
        "evaluation and latency, and with curves the seconds of every epoch (seconds.cifar10-valid.train-200ep). Parameters and FLOPs as published are compared with ours, and differences counted. Pickles are read as data; nothing in them is run.\n\n"
        "FORMAT suite-zero is zc_nasbench101.json or zc_nasbench201.json: published scores as suite_zero.NAME on "
        "cifar10, suite_zero.NAME.DATASET on others, and DATASET/valid-suite-zero.\n\n"
        "FORMAT packed is a table of the kind that comes with the program, which correlate and select use of "
        "themselves where NASWEEP_DATA has nothing of that data set, split and epochs.\n\n"
        "FORMAT scores takes columns of any table that csv reads as scores, by seed where it has a column `seed`: "
        "--column NAME=COLUMN, else every column of numbers. Larger is better unless --smaller NAME says otherwise; "
        "correlate and select take FILE.h5 as any other.\n\n"
        "Example: nasweep import csv nb101_accuracy_108ep.csv.gz --out results/truth101.h5",
    .options = options,
    .min_operands = 2,
    .max_operands = -1,
    .mpi = true,
    .check = check,
    .run = run,
};
