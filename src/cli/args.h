/* Command lines: one table drives parsing, --help, the man page, bash completion and the keys of job files. */
#ifndef NSW_CLI_ARGS_H
#define NSW_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nasweep/error.h"

/* One long option. All options are `--name VALUE` or `--name=VALUE`; a flag has no argument. */
struct nsw_option {
  const char *name;     /* without dashes */
  const char *argument; /* what the value is called in the help ("N", "FILE.h5"); NULL for a flag */
  const char *value;    /* default as text, shown in the help; NULL where there is none */
  const char *help;     /* one sentence, with the unit */
  bool repeatable;      /* may be given several times; lists are also split at commas where the command does so */
};

struct nsw_args; /* what was given */

/* A command: one file src/cli/cmd_NAME.c and one line in the table of src/cli/commands.c. */
struct nsw_command {
  const char *name;
  const char *operands; /* as in "SPACE" or "FILE.h5..." */
  const char *summary;  /* one line */
  const char *text;     /* a paragraph or two of teaching, ending with an example */
  const struct nsw_option *options; /* ends with a NULL name */
  int min_operands, max_operands;   /* max -1: any number */
  bool mpi;  /* runs on all ranks: MPI is started before run() */
  bool blas; /* uses BLAS: its kernel is checked, and repaired by re-execution, before MPI starts */
  /* Prints data to standard output. Returns an exit status; where not NSW_OK, err says why. */
  int (*run)(const struct nsw_args *args, struct nsw_error *err);
};

/* The table of commands; ends with NULL. */
extern const struct nsw_command *const nsw_commands[];

/* The value last given for an option, else its default, else NULL. Asking for an option the command's table does not
 * have is a broken invariant (assert). */
const char *nsw_args_text(const struct nsw_args *args, const char *option);
bool nsw_args_flag(const struct nsw_args *args, const char *option);
/* All values given to a repeatable option, in order; count may be 0. */
size_t nsw_args_count(const struct nsw_args *args, const char *option);
const char *nsw_args_value(const struct nsw_args *args, const char *option, size_t i);
/* Numbers with range checks: NSW_USAGE naming the option where the text is no such number. */
int nsw_args_integer(const struct nsw_args *args, const char *option, int64_t low, int64_t high, int64_t *value,
                     struct nsw_error *err);
int nsw_args_real(const struct nsw_args *args, const char *option, double *value, struct nsw_error *err);
size_t nsw_args_operands(const struct nsw_args *args);
const char *nsw_args_operand(const struct nsw_args *args, size_t i);

#endif
