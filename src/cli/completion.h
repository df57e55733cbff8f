/* What could come next on a command line, from the tables of commands, options, spaces, proxies and data sets, and from
 * the result files named on it: shells ask `nasweep help --complete LINE`. */
#ifndef NSW_CLI_COMPLETION_H
#define NSW_CLI_COMPLETION_H

#include <stdio.h>

/* Prints the candidates for the last word of the line (empty after a blank), one a line; nothing where a file name may
 * come, so that the shell completes it by itself. */
void nsw_complete(FILE *out, const char *line);

/* The shell function that asks, for bash. */
void nsw_complete_bash(FILE *out);

#endif
