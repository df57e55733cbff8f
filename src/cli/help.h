/* Help, man page and completion, all written from the tables of commands and options. */
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

/* Completion for bash. */
void nsw_help_bash(FILE *out);

#endif
