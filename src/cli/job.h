/* Job files: a study as a list of commands, each with its options, in one readable file.
 *
 *   # comment
 *   space = nb201                 keys before the first section hold for every section that knows them
 *   [variables]                   names for ${name} in values, beside those of the environment
 *   folder = results
 *   [score cifar10]               a command, and a label to tell several apart
 *   proxy = knas                  any option of the command without its dashes; a flag is yes or no
 *   out = ${folder}/knas.h5
 *   needs = ${NASWEEP_DATA}/x     the section is passed over where this file or folder is missing
 *
 * An operand's key is its word in the command's help: space, file, format, path. ${NAME:-text} gives a text where NAME
 * is not set. Quotes around a value are taken away; of several operands, those with a blank in their names stand in
 * quotes. A key that may be given several times is repeated, or its values are put on indented lines. */
#ifndef NSW_CLI_JOB_H
#define NSW_CLI_JOB_H

#include "cli/args.h"

/* One section, ready to run. */
struct nsw_job_step {
  const struct nsw_command *command;
  char *label; /* text after the command's name, or "" */
  char *needs; /* path that must be there, or NULL */
  char **word; /* [words] its command line after the command's name; args points into it */
  size_t words;
  struct nsw_args *args; /* parsed */
};

struct nsw_job {
  struct nsw_job_step *step;
  size_t steps;
};

/* Reads a job file and the overrides "key=value" (every section that knows the key) or "section.key=value" (section: a
 * command or a label), and parses every section's arguments, so that a mistake shows before anything has run. Messages
 * name file, line or section, and the nearest known key. Free with nsw_job_free in any case. */
int nsw_job_read(const char *path, const char *const *overrides, size_t count, struct nsw_job *job,
                 struct nsw_error *err);

/* Finds what is wrong with the sections' values, files and folders, before anything has run: NSW_USAGE or NSW_FAILED
 * naming the section of the job file `path`. A file that an earlier section makes need not be there; a section whose
 * `needs` is missing now is left alone. */
int nsw_job_check(const struct nsw_job *job, const char *path, struct nsw_error *err);

/* The key of an operand: the letters its word in command->operands begins with, in lower case. Moves *text, which
 * begins there, on; false at its end. *many: it takes all operands that follow. */
bool nsw_job_operand(const char **text, char key[64], bool *many);

void nsw_job_free(struct nsw_job *job);

#endif
