/* A worker as given on the command line, "NAME=COMMAND", and what tells it from another one: the command's text and the
 * bytes of the files it names. */
#ifndef NSW_GUEST_COMMAND_H
#define NSW_GUEST_COMMAND_H

#include <stddef.h>

#include "nasweep/error.h"

enum { NSW_GUEST_NAME = 48 }; /* characters of a worker's name, and of a column's */

struct nsw_command_line {
  char name[NSW_GUEST_NAME + 1];
  char *text;  /* the command as given */
  char **word; /* its words, NULL at the end */
  size_t words;
};

/* Whether a text can name a column: letters, digits, _ - . and no other first than a letter or _. */
int nsw_guest_name_check(const char *name, struct nsw_error *err);

/* Takes "NAME=COMMAND" apart. No shell sees the command: words end at blanks, quotes and backslashes keep them together
 * as in a shell. NSW_USAGE with what is wrong. Free with nsw_command_line_free in any case. */
int nsw_command_line_read(const char *text, struct nsw_command_line *line, struct nsw_error *err);
void nsw_command_line_free(struct nsw_command_line *line);

/* "command=…, files=NAME:SHA256 NAME:SHA256": the command and the files among its words, as a value of the `options` of
 * result files (sweep/options.h): what has a meaning there is written as %XX. malloc'd. */
int nsw_command_line_identity(const struct nsw_command_line *line, char **identity, struct nsw_error *err);

/* SHA-256 of a file's bytes as hexadecimal digits. */
int nsw_file_sha256(const char *path, char hex[65], struct nsw_error *err);

#endif
