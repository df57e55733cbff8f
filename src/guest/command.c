#include "guest/command.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/quote.h"
#include "base/sha256.h"

int nsw_guest_name_check(const char *name, struct nsw_error *err) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_", others[] = "0123456789-.";
  char quoted[NSW_QUOTE_SIZE];
  size_t n = strlen(name);
  bool good = n > 0 && n <= NSW_GUEST_NAME && strchr(letters, name[0]);
  for (size_t i = 0; i < n && good; i++) good = strchr(letters, name[i]) || strchr(others, name[i]);
  if (good) return NSW_OK;
  return nsw_usage(err, "'%s' cannot name a score: 1 to %d of letters, digits, _ - and ., the first a letter or _",
                   nsw_quote(quoted, name), NSW_GUEST_NAME);
}

/* Copies the next word to *to (which has room) and moves *from behind it. False where a quote stays open. */
static bool next_word(const char **from, char **to) {
  char quote = 0;
  const char *at = *from;
  for (; *at && (quote || !isspace((unsigned char)*at)); at++) {
    if (quote && *at == quote) {
      quote = 0;
    } else if (!quote && (*at == '\'' || *at == '"')) {
      quote = *at;
    } else {
      if (*at == '\\' && quote != '\'' && at[1]) at++;
      *(*to)++ = *at;
    }
  }
  *(*to)++ = '\0';
  *from = at;
  return !quote;
}

/* Words of the text into one block behind their pointers. */
static int split(struct nsw_command_line *line, struct nsw_error *err) {
  size_t n = strlen(line->text), most = n / 2 + 2;
  line->word = calloc(1, most * sizeof *line->word + n + 1);
  if (!line->word) return nsw_no_memory(err, "a command");
  char *to = (char *)(line->word + most);
  const char *from = line->text;
  for (;;) {
    from += strspn(from, " \t\n\r\f\v");
    if (!*from) break;
    line->word[line->words++] = to;
    if (!next_word(&from, &to)) return nsw_usage(err, "--worker %s: a quote that is not closed", line->name);
  }
  return line->words && *line->word[0] ? NSW_OK : nsw_usage(err, "--worker %s: no command", line->name);
}

int nsw_command_line_read(const char *text, struct nsw_command_line *line, struct nsw_error *err) {
  const char *equals = strchr(text, '=');
  char quoted[NSW_QUOTE_SIZE];
  *line = (struct nsw_command_line){.words = 0};
  if (!equals || equals - text > NSW_GUEST_NAME)
    return nsw_usage(err, "--worker '%s': wanted NAME=COMMAND, as in 'mine=python3 mine.py'", nsw_quote(quoted, text));
  memcpy(line->name, text, (size_t)(equals - text));
  int status = nsw_guest_name_check(line->name, err);
  if (status) return nsw_error_prefix(err, status, "--worker '%s'", nsw_quote(quoted, text));
  line->text = strdup(equals + 1);
  if (!line->text) return nsw_no_memory(err, "a command");
  return split(line, err);
}

void nsw_command_line_free(struct nsw_command_line *line) {
  free(line->text);
  free(line->word);
  *line = (struct nsw_command_line){.words = 0};
}

int nsw_file_sha256(const char *path, char hex[65], struct nsw_error *err) {
  struct nsw_sha256 hash;
  char bytes[16384];
  FILE *f = fopen(path, "rb");
  if (!f) return nsw_fail(err, "%s: %s", path, strerror(errno));
  nsw_sha256_start(&hash);
  for (size_t n; (n = fread(bytes, 1, sizeof bytes, f)) > 0;) nsw_sha256_add(&hash, bytes, n);
  bool bad = ferror(f);
  fclose(f);
  if (bad) return nsw_fail(err, "%s: could not be read", path);
  nsw_sha256_hex(&hash, hex);
  return NSW_OK;
}

/* Text with what separates options written as %XX. */
static void put_escaped(FILE *f, const char *text) {
  for (; *text; text++) {
    if (strchr("();,%", *text) || (unsigned char)*text < ' ')
      fprintf(f, "%%%02X", (unsigned char)*text);
    else
      fputc(*text, f);
  }
}

int nsw_command_line_identity(const struct nsw_command_line *line, char **identity, struct nsw_error *err) {
  size_t size;
  int status = NSW_OK, files = 0;
  *identity = NULL;
  FILE *f = open_memstream(identity, &size);
  if (!f) return nsw_no_memory(err, "a command");
  fprintf(f, "command=");
  put_escaped(f, line->text);
  for (size_t i = 0; i < line->words && !status; i++) {
    struct stat about;
    char hex[65];
    if (stat(line->word[i], &about) || !S_ISREG(about.st_mode)) continue;
    status = nsw_file_sha256(line->word[i], hex, err);
    fprintf(f, files++ ? " " : ", files=");
    put_escaped(f, line->word[i]);
    fprintf(f, ":%s", hex);
  }
  if (fclose(f) && !status) status = nsw_no_memory(err, "a command");
  if (status) {
    free(*identity);
    *identity = NULL;
  }
  return status;
}
