/* Command lines: one table drives parsing, --help, the man page, bash completion and the keys of job files. */
#ifndef NSW_CLI_ARGS_H
#define NSW_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nearest.h"
#include "nasweep/error.h"

/* One long option. All options are `--name VALUE` or `--name=VALUE`; a flag has no argument. */
struct nsw_option {
  const char *name;     /* without dashes */
  const char *argument; /* what the value is called in the help ("N", "FILE.h5"); NULL for a flag */
  const char *value;    /* default as text, shown in the help; NULL where there is none */
  const char *help;     /* one sentence, with the unit, without a full stop */
  bool repeatable;      /* may be given several times; lists are also split at commas where the command does so */
};

struct nsw_args; /* what was given */

/* A command: one file src/cli/cmd_NAME.c and one line in the table of src/cli/commands.c. */
struct nsw_command {
  const char *name;
  const char *operands;             /* as in "SPACE" or "FILE.h5..." */
  const char *summary;              /* one line */
  const char *text;                 /* a paragraph or two of teaching, ending with an example */
  const struct nsw_option *options; /* ends with a NULL name */
  int min_operands, max_operands;   /* max -1: any number */
  bool mpi;                         /* runs on all ranks: MPI is started before run() */
  bool blas;   /* uses BLAS: its kernel is checked, and repaired by re-execution, before MPI starts */
  bool guests; /* may start processes of the user's: what does so is made before MPI starts (guest/keeper.h) */
  bool stops;  /* ends with NSW_STOPPED when a signal asks it to (sweep/stop.h) */
  /* Finds mistakes in the values, doing nothing else, for job files: what `run` would refuse, in the same words. Files
   * that sections before it make need not be there (job.h). On one rank alone. NULL: there is nothing to find. */
  int (*check)(const struct nsw_args *args, struct nsw_error *err);
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
/* All of them in a list, to be freed. */
int nsw_args_values(const struct nsw_args *args, const char *option, const char ***values, size_t *count,
                    struct nsw_error *err);
/* Numbers with range checks: NSW_USAGE naming the option where the text is no such number. */
int nsw_args_integer(const struct nsw_args *args, const char *option, int64_t low, int64_t high, int64_t *value,
                     struct nsw_error *err);
int nsw_args_real(const struct nsw_args *args, const char *option, double *value, struct nsw_error *err);

/* The same of a count, low >= 0; 0 where the option has no default and was not given. */
int nsw_args_count_in(const struct nsw_args *args, const char *option, int64_t low, int64_t high, uint64_t *count,
                      struct nsw_error *err);
size_t nsw_args_operands(const struct nsw_args *args);
const char *nsw_args_operand(const struct nsw_args *args, size_t i);

/* Whether the option was on the command line (a default does not count). */
bool nsw_args_given(const struct nsw_args *args, const char *option);

/* The whole command line, quoted so that a shell would take it again; for banners and the `command` attribute. */
const char *nsw_args_line(const struct nsw_args *args);

/* Texts in a list. Owned: free with nsw_list_free. */
struct nsw_list {
  char **item;
  size_t count;
};

/* All values of an option (its default where none was given), split at commas, blanks around items cut off, empty items
 * an error. NSW_USAGE naming the option. */
int nsw_args_list(const struct nsw_args *args, const char *option, struct nsw_list *list, struct nsw_error *err);
void nsw_list_free(struct nsw_list *list);

/* "A:B" with 0 <= A < B <= count, B not included; either may be left out. The whole range where the option was not
 * given. NSW_USAGE naming the option and the count. */
int nsw_args_range(const struct nsw_args *args, const char *option, uint64_t count, uint64_t *first, uint64_t *end,
                   struct nsw_error *err);

/* Reads argv[0..argc-1], which begins after the command's name, by the command's table. NSW_USAGE for an unknown option
 * (with the nearest known one), a missing or surplus value or operand. Also how a job file's keys become a command's
 * arguments. Free with nsw_args_free. */
int nsw_args_parse(const struct nsw_command *command, int argc, char *const *argv, struct nsw_args **args,
                   struct nsw_error *err);

/* Frees and sets to NULL; may be called twice. */
void nsw_args_free(struct nsw_args **args);

/* The command of that name; NULL and NSW_USAGE's message with the nearest one where there is none. */
const struct nsw_command *nsw_command_find(const char *name, struct nsw_error *err);

#endif
