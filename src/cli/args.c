#include "cli/args.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMES = 256 }; /* options of a command, for suggestions */

/* One option as given; the value points into argv, which outlives the arguments, or into a file's text. */
struct given {
  const struct nsw_option *option;
  const char *value; /* NULL for a flag */
};

struct nsw_args {
  const struct nsw_command *command;
  struct given *given;
  size_t count;
  const char **operand;
  size_t operands;
  char *line;
  char **owned; /* texts of files of values */
  size_t owned_count;
};

/* ---- commands ---- */

const struct nsw_command *nsw_command_find(const char *name, struct nsw_error *err) {
  const char *names[MAX_NAMES];
  size_t n = 0;
  for (; nsw_commands[n] && n < MAX_NAMES; n++) {
    if (!strcmp(nsw_commands[n]->name, name)) return nsw_commands[n];
    names[n] = nsw_commands[n]->name;
  }
  const char *near = nsw_nearest(name, names, n);
  if (near)
    nsw_usage(err, "unknown command '%.80s'; did you mean '%s'?", name, near);
  else
    nsw_usage(err, "unknown command '%.80s'; `nasweep --help` lists them", name);
  return NULL;
}

/* ---- parsing ---- */

/* The option whose name is the first `length` characters of word, or NULL. */
static const struct nsw_option *find_option(const struct nsw_command *command, const char *word, size_t length) {
  for (const struct nsw_option *o = command->options; o && o->name; o++)
    if (strlen(o->name) == length && !strncmp(o->name, word, length)) return o;
  return NULL;
}

static int unknown_option(const struct nsw_command *command, const char *word, struct nsw_error *err) {
  const char *names[MAX_NAMES];
  char name[64];
  size_t n = 0;
  for (const struct nsw_option *o = command->options; o && o->name && n < MAX_NAMES; o++) names[n++] = o->name;
  snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
  const char *bare = name + strspn(name, "-"), *near = nsw_nearest(bare, names, n);
  if (near) return nsw_usage(err, "%s: unknown option '%s'; did you mean '--%s'?", command->name, name, near);
  return nsw_usage(err, "%s: unknown option '%s'; `nasweep %s --help` lists them", command->name, name, command->name);
}

/* Appends an option; *room: how many there is memory for. */
static int add_given(struct nsw_args *args, const struct nsw_option *option, const char *value, size_t *room,
                     struct nsw_error *err) {
  if (args->count == *room) {
    struct given *more = realloc(args->given, 2 * *room * sizeof *more);
    if (!more) return nsw_no_memory(err, "arguments");
    args->given = more;
    *room *= 2;
  }
  args->given[args->count++] = (struct given){option, value};
  return NSW_OK;
}

/* The whole of a file of values, NUL-terminated, owned by the arguments. */
static int read_values(struct nsw_args *args, const char *path, char **text, struct nsw_error *err) {
  enum { MOST = 1 << 28 };
  size_t size = 0, room = 1 << 16, got = 1;
  FILE *f = fopen(path, "r");
  if (!f) return nsw_fail(err, "--arch @%s: %s", path, strerror(errno));
  char *all = malloc(room), **owned = realloc(args->owned, (args->owned_count + 1) * sizeof *owned);
  if (owned) args->owned = owned;
  while (all && got && size < MOST) {
    got = fread(all + size, 1, room - 1 - size, f);
    size += got;
    char *more = size + 1 == room ? realloc(all, room *= 2) : all;
    if (!more) free(all);
    all = more;
  }
  bool bad = ferror(f);
  fclose(f);
  if (!all || !owned || bad || size >= MOST) {
    free(all);
    if (bad || size >= MOST)
      return nsw_fail(err, "--arch @%s: %s", path, bad ? "cannot be read" : "larger than 256 MiB");
    return nsw_no_memory(err, "the list %s", path);
  }
  all[size] = 0;
  *text = args->owned[args->owned_count++] = all;
  return strlen(all) == size ? NSW_OK : nsw_fail(err, "--arch @%s: is no text", path);
}

/* A line's value: without blanks, a comma behind it and quotes around it. */
static char *bare_value(char *line) {
  size_t size = strlen(line);
  while (size && (isspace((unsigned char)line[size - 1]) || line[size - 1] == ',')) line[--size] = 0;
  while (isspace((unsigned char)*line)) line++, size--;
  if (size >= 2 && (*line == '"' || *line == '\'') && line[size - 1] == *line && !memchr(line + 1, *line, size - 2)) {
    line[size - 1] = 0;
    line++;
  }
  return line;
}

/* @FILE: a value a line; empty lines and those that begin with # are passed over, as are a JSON list's own brackets. */
static int take_file(struct nsw_args *args, const struct nsw_option *option, const char *path, size_t *room,
                     struct nsw_error *err) {
  char *text = NULL, *rest = NULL;
  size_t before = args->count;
  int status = read_values(args, path, &text, err);
  if (status) return status;
  for (char *line = strtok_r(text, "\n", &rest); line && !status; line = strtok_r(NULL, "\n", &rest)) {
    char *value = bare_value(line);
    if (*value && *value != '#' && strcmp(value, "[") && strcmp(value, "]"))
      status = add_given(args, option, value, room, err);
  }
  if (!status && args->count == before) status = nsw_fail(err, "--arch @%s: no architecture in it", path);
  return status;
}

/* Takes the option at argv[*at] with its value; moves *at to the last word used. */
static int take_option(struct nsw_args *args, int argc, char *const *argv, int *at, size_t *room,
                       struct nsw_error *err) {
  const struct nsw_command *command = args->command;
  const char *word = argv[*at] + 2, *equals = strchr(word, '=');
  const struct nsw_option *option = find_option(command, word, equals ? (size_t)(equals - word) : strlen(word));
  const char *value = equals ? equals + 1 : NULL;
  if (!option) return unknown_option(command, argv[*at], err);
  if (!option->argument && value)
    return nsw_usage(err, "%s: --%s takes no value, got '%.80s'", command->name, option->name, value);
  if (option->argument && !value) {
    if (*at + 1 >= argc || !strncmp(argv[*at + 1], "--", 2))
      return nsw_usage(err, "%s: --%s needs a value: %s", command->name, option->name, option->argument);
    value = argv[++*at];
  }
  if (option->argument && !strcmp(option->name, "arch") && *value == '@')
    return take_file(args, option, value + 1, room, err);
  return add_given(args, option, value, room, err);
}

/* A word like -5 or -0.5 is an operand, not an option. */
static bool is_option(const char *word) {
  return word[0] == '-' && word[1] && !isdigit((unsigned char)word[1]) && word[1] != '.';
}

static int check_operands(const struct nsw_args *args, struct nsw_error *err) {
  const struct nsw_command *c = args->command;
  if (args->operands < (size_t)c->min_operands)
    return nsw_usage(err, "%s: %s missing; usage: nasweep %s %s [options]", c->name, c->operands, c->name, c->operands);
  if (c->max_operands >= 0 && args->operands > (size_t)c->max_operands)
    return nsw_usage(err, "%s: '%.80s' is one operand too many; usage: nasweep %s %s [options]", c->name,
                     args->operand[c->max_operands], c->name, c->operands ? c->operands : "");
  return NSW_OK;
}

/* Appends a word to the line as a shell would need it. */
static void append_quoted(FILE *f, const char *word) {
  if (*word && word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:=,+-@%")] == '\0') {
    fprintf(f, " %s", word);
    return;
  }
  fputs(" '", f);
  for (; *word; word++) fputs(*word == '\'' ? "'\\''" : (char[]){*word, 0}, f);
  fputc('\'', f);
}

static char *make_line(const struct nsw_command *command, int argc, char *const *argv) {
  char *text = NULL;
  size_t size = 0;
  FILE *f = open_memstream(&text, &size);
  if (!f) return NULL;
  fprintf(f, "nasweep %s", command->name);
  for (int i = 0; i < argc; i++) append_quoted(f, argv[i]);
  if (fclose(f)) {
    free(text);
    return NULL;
  }
  return text;
}

int nsw_args_parse(const struct nsw_command *command, int argc, char *const *argv, struct nsw_args **out,
                   struct nsw_error *err) {
  *out = NULL;
  size_t room = (size_t)argc + 1;
  struct nsw_args *args = calloc(1, sizeof *args);
  if (args) {
    args->command = command;
    args->given = calloc(room, sizeof *args->given);
    args->operand = calloc(room, sizeof *args->operand);
    args->line = make_line(command, argc, argv);
  }
  int status = args && args->given && args->operand && args->line ? NSW_OK : nsw_no_memory(err, "arguments");
  bool options = true;
  for (int i = 0; i < argc && !status; i++) {
    if (options && !strcmp(argv[i], "--"))
      options = false;
    else if (options && !strncmp(argv[i], "--", 2))
      status = take_option(args, argc, argv, &i, &room, err);
    else if (options && is_option(argv[i]))
      status = unknown_option(command, argv[i], err);
    else
      args->operand[args->operands++] = argv[i];
  }
  if (!status) status = check_operands(args, err);
  if (!status)
    *out = args;
  else
    nsw_args_free(&args);
  return status;
}

void nsw_args_free(struct nsw_args **args) {
  if (!*args) return;
  free((*args)->given);
  free((*args)->operand);
  free((*args)->line);
  for (size_t i = 0; i < (*args)->owned_count; i++) free((*args)->owned[i]);
  free((*args)->owned);
  free(*args);
  *args = NULL;
}

/* ---- asking ---- */

static const struct nsw_option *known(const struct nsw_args *args, const char *name) {
  const struct nsw_option *option = find_option(args->command, name, strlen(name));
  assert(option && "the command's table has no such option");
  return option;
}

size_t nsw_args_count(const struct nsw_args *args, const char *name) {
  const struct nsw_option *option = known(args, name);
  size_t n = 0;
  for (size_t i = 0; i < args->count; i++) n += args->given[i].option == option;
  return n;
}

const char *nsw_args_value(const struct nsw_args *args, const char *name, size_t place) {
  const struct nsw_option *option = known(args, name);
  for (size_t i = 0; i < args->count; i++)
    if (args->given[i].option == option && place-- == 0) return args->given[i].value;
  return NULL;
}

bool nsw_args_given(const struct nsw_args *args, const char *name) { return nsw_args_count(args, name) > 0; }
bool nsw_args_flag(const struct nsw_args *args, const char *name) { return nsw_args_count(args, name) > 0; }

const char *nsw_args_text(const struct nsw_args *args, const char *name) {
  size_t n = nsw_args_count(args, name);
  return n ? nsw_args_value(args, name, n - 1) : known(args, name)->value;
}

size_t nsw_args_operands(const struct nsw_args *args) { return args->operands; }
const char *nsw_args_operand(const struct nsw_args *args, size_t i) {
  return i < args->operands ? args->operand[i] : NULL;
}
const char *nsw_args_line(const struct nsw_args *args) { return args->line; }

int nsw_args_integer(const struct nsw_args *args, const char *name, int64_t low, int64_t high, int64_t *value,
                     struct nsw_error *err) {
  const char *text = nsw_args_text(args, name), *command = args->command->name;
  char *end = NULL;
  errno = 0;
  long long n = text && *text && !isspace((unsigned char)*text) ? strtoll(text, &end, 10) : 0;
  if (!end || *end || errno)
    return nsw_usage(err, "%s: --%s wants a whole number, got '%.80s'", command, name, text ? text : "");
  if (n < low || n > high)
    return nsw_usage(err, "%s: --%s %lld is not within %" PRId64 "..%" PRId64, command, name, n, low, high);
  *value = n;
  return NSW_OK;
}

int nsw_args_count_in(const struct nsw_args *args, const char *option, int64_t low, int64_t high, uint64_t *count,
                      struct nsw_error *err) {
  int64_t value = 0;
  int status = nsw_args_text(args, option) ? nsw_args_integer(args, option, low, high, &value, err) : NSW_OK;
  if (!status) *count = (uint64_t)value;
  return status;
}

int nsw_args_real(const struct nsw_args *args, const char *name, double *value, struct nsw_error *err) {
  const char *text = nsw_args_text(args, name);
  char *end = NULL;
  double x = text && *text && !isspace((unsigned char)*text) ? strtod(text, &end) : 0;
  if (!end || *end || isnan(x))
    return nsw_usage(err, "%s: --%s wants a number, got '%.80s'", args->command->name, name, text ? text : "");
  *value = x;
  return NSW_OK;
}

/* ---- lists and ranges ---- */

void nsw_list_free(struct nsw_list *list) {
  for (size_t i = 0; i < list->count; i++) free(list->item[i]);
  free(list->item);
  *list = (struct nsw_list){0};
}

/* Adds the comma-separated items of text. Returns 0, or -1 for an empty item, -2 for lack of memory. */
static int split(struct nsw_list *list, const char *text) {
  for (const char *at = text;; at++) {
    size_t length = strcspn(at, ",");
    const char *from = at, *to = at + length;
    while (from < to && isspace((unsigned char)*from)) from++;
    while (to > from && isspace((unsigned char)to[-1])) to--;
    if (from == to) return -1;
    char **item = realloc(list->item, (list->count + 1) * sizeof *item);
    if (!item) return -2;
    list->item = item;
    if (!(item[list->count] = strndup(from, (size_t)(to - from)))) return -2;
    list->count++;
    at += length;
    if (!*at) return 0;
  }
}

int nsw_args_list(const struct nsw_args *args, const char *name, struct nsw_list *list, struct nsw_error *err) {
  size_t n = nsw_args_count(args, name);
  const char *fallback = known(args, name)->value;
  int bad = 0;
  *list = (struct nsw_list){0};
  if (!n && fallback) bad = split(list, fallback);
  for (size_t i = 0; i < n && !bad; i++) bad = split(list, nsw_args_value(args, name, i));
  if (!bad) return NSW_OK;
  nsw_list_free(list);
  if (bad == -2) return nsw_no_memory(err, "--%s", name);
  return nsw_usage(err, "%s: --%s has an empty item in its list", args->command->name, name);
}

/* A decimal number up to the character `stop` (or the end); false where it is none. */
static bool read_bound(const char **text, char stop, uint64_t *value) {
  char *end = NULL;
  if (!isdigit((unsigned char)**text)) return false;
  errno = 0;
  *value = strtoull(*text, &end, 10);
  if (errno || *end != stop) return false;
  *text = end;
  return true;
}

int nsw_args_range(const struct nsw_args *args, const char *name, uint64_t count, uint64_t *first, uint64_t *end,
                   struct nsw_error *err) {
  const char *text = nsw_args_text(args, name), *at = text;
  *first = 0;
  *end = count;
  if (!text) return NSW_OK;
  bool good = *at == ':' || read_bound(&at, ':', first);
  if (good && *++at) good = read_bound(&at, '\0', end);
  if (!good)
    return nsw_usage(err, "%s: --%s wants A:B (B not included), as in 0:1000, got '%.80s'", args->command->name, name,
                     text);
  if (*first >= *end && count == UINT32_MAX)
    return nsw_usage(err, "%s: --%s %.80s: wanted A < B", args->command->name, name, text);
  if (*first >= *end || *end > count)
    return nsw_usage(err, "%s: --%s %.80s: wanted 0 <= A < B <= %" PRIu64, args->command->name, name, text, count);
  return NSW_OK;
}

int nsw_args_values(const struct nsw_args *args, const char *option, const char ***values, size_t *count,
                    struct nsw_error *err) {
  *count = nsw_args_count(args, option);
  *values = calloc(*count + 1, sizeof **values);
  if (!*values) return nsw_no_memory(err, "--%s", option);
  for (size_t i = 0; i < *count; i++) (*values)[i] = nsw_args_value(args, option, i);
  return NSW_OK;
}
