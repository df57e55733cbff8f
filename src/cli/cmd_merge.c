/* nasweep merge: result files of one space into one. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/args.h"
#include "store/file.h"
#include "sweep/merge.h"
#include "sweep/results.h"

static int merge_files(const char *const *paths, size_t n, const char *space, const char *out, struct nsw_error *err) {
  struct nsw_table **tables = calloc(n, sizeof *tables), *merged = NULL;
  int status = tables ? nsw_file_writable(out, err) : nsw_no_memory(err, "merging");
  for (size_t i = 0; i < n && !status; i++) status = nsw_file_read(paths[i], space, &tables[i], err);
  if (!status) status = nsw_merge((const struct nsw_table *const *)tables, paths, n, &merged, err);
  if (!status) status = nsw_file_write(out, &merged, 1, true, err);
  if (!status) {
    struct nsw_tally tally = nsw_tally_make(merged);
    fprintf(stderr, "%s: %zu files, %zu architectures, %zu columns", out, n, merged->rows, merged->scores);
    if (tally.failed) fprintf(stderr, ", %zu architectures failed", tally.failed);
    if (tally.pending) fprintf(stderr, ", %zu still pending", tally.pending);
    fprintf(stderr, "\n");
  }
  for (size_t i = 0; tables && i < n; i++) nsw_table_free(&tables[i]);
  nsw_table_free(&merged);
  free(tables);
  return status;
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  size_t n = nsw_args_operands(args);
  const char *out = nsw_args_text(args, "out");
  if (!out) return nsw_usage(err, "merge: --out FILE.h5 is missing");
  const char **paths = calloc(n, sizeof *paths);
  if (!paths) return nsw_no_memory(err, "merging");
  for (size_t i = 0; i < n; i++) paths[i] = nsw_args_operand(args, i);
  int status = merge_files(paths, n, nsw_args_text(args, "space"), out, err);
  free(paths);
  return status;
}

static int check(const struct nsw_args *args, struct nsw_error *err) {
  return nsw_args_text(args, "out") ? NSW_OK : nsw_usage(err, "merge: --out FILE.h5 is missing");
}

static const struct nsw_option options[] = {
    {"out", "FILE.h5", NULL, "result file to write", false},
    {"space", "SPACE", NULL, "which space to merge, where the files hold several", false},
    {0}};

const struct nsw_command nsw_cmd_merge = {
    .name = "merge",
    .operands = "FILE.h5...",
    .summary = "joins result files that differ in rows, columns or seeds",
    .text =
        "Joins result files of one space, as the tasks of a job array leave them: other rows, other columns, other "
        "seeds. With several seeds each is kept and the score becomes their mean. A row that failed or is pending in "
        "one file is taken from another that has it. What else is in two files must be the same in both, and columns "
        "of one name must come from the same options and data; otherwise nothing is written.\n\n"
        "Example: nasweep merge seed1.h5 seed2.h5 seed3.h5 --out seeds.h5",
    .options = options,
    .min_operands = 2,
    .max_operands = -1,
    .check = check,
    .run = run,
};
