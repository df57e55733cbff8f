/* Help and man page, written from the tables of commands and options. */
#ifndef NSW_CLI_HELP_H
#define NSW_CLI_HELP_H

#include <stdio.h>

#include "cli/args.h"

/* `nasweep --help`: what it is, and the commands. */
void nsw_help_program(FILE *out);

/* `nasweep COMMAND --help`: usage, text, options with defaults. */
void nsw_help_command(FILE *out, const struct nsw_command *command);

/* nasweep(1), in the man macros of roff. */
void nsw_help_man(FILE *out);

/* `nasweep` alone: what to do next. */
void nsw_help_next(FILE *out);

#endif
