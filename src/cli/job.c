#include "cli/job.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAMES = 512 }; /* known keys, for suggestions */

struct pair {
  char *key, *value;
  bool used; /* some section knew it */
};

struct pairs {
  struct pair *list;
  size_t count;
};

struct section {
  char *name;  /* as in the file: "score cifar10" */
  char *label; /* points into name */
  const struct nsw_command *command;
  struct pairs pairs;
};

/* A job file as read, before anything is looked up. */
struct draft {
  struct pairs common;    /* before the first section */
  struct pairs variables; /* [variables] */
  struct section *section;
  size_t sections;
  bool in_variables;
  char last_section[512];
  struct nsw_error *err;
  int status;
};

/* ---- keys ---- */

bool nsw_job_operand(const char **text, char key[64], bool *many) {
  const char *at = *text;
  size_t n = 0;
  if (!at) return false;
  while (*at && !isalpha((unsigned char)*at)) at++;
  if (!*at) return false;
  while (isalpha((unsigned char)*at) && n < 63) key[n++] = (char)tolower((unsigned char)*at++);
  key[n] = '\0';
  size_t rest = strcspn(at, " ");
  *many = false;
  for (size_t i = 0; i + 2 < rest; i++) *many = *many || !strncmp(at + i, "...", 3);
  *text = at + rest;
  return true;
}

static bool is_operand(const struct nsw_command *command, const char *key, bool *many) {
  const char *text = command->operands;
  char known[64];
  while (nsw_job_operand(&text, known, many))
    if (!strcmp(known, key)) return true;
  return false;
}

static const struct nsw_option *find_option(const struct nsw_command *command, const char *key) {
  for (const struct nsw_option *o = command->options; o && o->name; o++)
    if (!strcmp(o->name, key)) return o;
  return NULL;
}

static bool knows(const struct nsw_command *command, const char *key) {
  bool many;
  return !strcmp(key, "needs") || is_operand(command, key, &many) || find_option(command, key);
}

/* Error for a key that none of the commands knows, with the nearest one. */
static int unknown_key(const struct nsw_command *const *commands, size_t count, const char *where, const char *key,
                       struct nsw_error *err) {
  char operand[16][64];
  const char *names[NAMES] = {0};
  size_t n = 0, operands = 0;
  bool many;
  for (size_t c = 0; c < count; c++) {
    const char *text = commands[c]->operands;
    while (operands < 16 && n < NAMES && nsw_job_operand(&text, operand[operands], &many))
      names[n++] = operand[operands++];
    for (const struct nsw_option *o = commands[c]->options; o && o->name && n < NAMES; o++) names[n++] = o->name;
  }
  const char *near = nsw_nearest(key, names, n);
  if (near) return nsw_usage(err, "%s: unknown key '%.60s'; did you mean '%s'?", where, key, near);
  return nsw_usage(err, "%s: unknown key '%.60s'; `nasweep %s --help` lists what there is", where, key,
                   count ? commands[0]->name : "run");
}

/* ---- reading ---- */

static int add_pair(struct pairs *pairs, const char *key, const char *value, struct nsw_error *err) {
  struct pair *list = realloc(pairs->list, (pairs->count + 1) * sizeof *list);
  if (!list) return nsw_no_memory(err, "a job");
  pairs->list = list;
  list[pairs->count] = (struct pair){strdup(key), strdup(value), false};
  if (!list[pairs->count].key || !list[pairs->count].value) return nsw_no_memory(err, "a job");
  pairs->count++;
  return NSW_OK;
}

static void free_pairs(struct pairs *pairs) {
  for (size_t i = 0; i < pairs->count; i++) {
    free(pairs->list[i].key);
    free(pairs->list[i].value);
  }
  free(pairs->list);
}

static int begin_section(struct draft *d, const char *name) {
  snprintf(d->last_section, sizeof d->last_section, "%s", name);
  d->in_variables = !strcmp(name, "variables");
  if (d->in_variables) return NSW_OK;
  struct section *list = realloc(d->section, (d->sections + 1) * sizeof *list);
  if (!list) return nsw_no_memory(d->err, "a job");
  d->section = list;
  struct section *section = &list[d->sections];
  *section = (struct section){.name = strdup(name)};
  if (!section->name) return nsw_no_memory(d->err, "a job");
  d->sections++;
  section->label = section->name + strcspn(section->name, " \t");
  char command[64];
  snprintf(command, sizeof command, "%.*s", (int)(section->label - section->name), section->name);
  section->label += strspn(section->label, " \t");
  section->command = nsw_command_find(command, d->err);
  if (!section->command) return nsw_error_prefix(d->err, NSW_USAGE, "[%s]", name);
  if (!strcmp(command, "run")) return nsw_usage(d->err, "[%s]: a job cannot run jobs", name);
  return NSW_OK;
}

/* One line of the file; inih stops the first error's line number for us. */
static int take_line(void *data, const char *name, const char *key, const char *value) {
  struct draft *d = data;
  if (d->status) return 1;
  if (strcmp(name, d->last_section)) d->status = begin_section(d, name);
  struct pairs *pairs = d->in_variables ? &d->variables
                        : *name == '\0' ? &d->common
                        : d->sections   ? &d->section[d->sections - 1].pairs
                                        : &d->common;
  if (!d->status) d->status = add_pair(pairs, key, value, d->err);
  if (!d->status && *name && !d->in_variables) {
    const struct section *section = &d->section[d->sections - 1];
    char where[96];
    snprintf(where, sizeof where, "[%.80s]", section->name);
    if (!knows(section->command, key)) d->status = unknown_key(&section->command, 1, where, key, d->err);
  }
  return !d->status;
}

static int read_file(const char *path, struct draft *d) {
  FILE *f = fopen(path, "r");
  if (!f) return nsw_fail(d->err, "%s: %s", path, strerror(errno));
  int line = ini_parse_file(f, take_line, d);
  bool bad = ferror(f);
  fclose(f);
  if (bad) return nsw_fail(d->err, "%s: could not be read", path);
  if (d->status) return nsw_error_prefix(d->err, d->status, "%s:%d", path, line);
  if (line > 0)
    return nsw_usage(d->err, "%s:%d: neither [section] nor key = value, or longer than 200 characters", path, line);
  if (line < 0) return nsw_fail(d->err, "%s: could not be read", path);
  return d->sections ? NSW_OK : nsw_usage(d->err, "%s: no section: nothing to do", path);
}

/* ---- overrides ---- */

/* Sets a key of one section, in place of all values it had. */
static int set_key(struct pairs *pairs, const char *key, const char *value, struct nsw_error *err) {
  size_t kept = 0;
  for (size_t i = 0; i < pairs->count; i++) {
    if (strcmp(pairs->list[i].key, key)) {
      pairs->list[kept++] = pairs->list[i];
    } else {
      free(pairs->list[i].key);
      free(pairs->list[i].value);
    }
  }
  pairs->count = kept;
  return add_pair(pairs, key, value, err);
}

static bool has_key(const struct pairs *pairs, const char *key) {
  for (size_t i = 0; i < pairs->count; i++)
    if (!strcmp(pairs->list[i].key, key)) return true;
  return false;
}

/* Whether "section.key" means this section, by command or label; *key is then the key alone. */
static bool meant(const struct section *section, const char *text, const char **key) {
  const char *dot = strchr(text, '.');
  if (!dot) return false;
  size_t n = (size_t)(dot - text);
  bool command = strlen(section->command->name) == n && !strncmp(section->command->name, text, n);
  bool label = strlen(section->label) == n && n && !strncmp(section->label, text, n);
  *key = dot + 1;
  return command || label;
}

static int unknown_override(const struct draft *d, const char *key, struct nsw_error *err) {
  const struct nsw_command *commands[64];
  size_t n = 0;
  for (size_t i = 0; i < d->sections && n < 64; i++) commands[n++] = d->section[i].command;
  const char *dot = strchr(key, '.');
  return unknown_key(commands, n, "run", dot ? dot + 1 : key, err);
}

static int override(struct draft *d, const char *text, struct nsw_error *err) {
  const char *equals = strchr(text, '='), *bare;
  char key[128];
  if (!equals || equals == text || (size_t)(equals - text) >= sizeof key)
    return nsw_usage(err, "run: '%.80s' is not key=value", text);
  snprintf(key, sizeof key, "%.*s", (int)(equals - text), text);
  if (has_key(&d->variables, key)) return set_key(&d->variables, key, equals + 1, err);
  bool used = false;
  int status = NSW_OK;
  for (size_t i = 0; i < d->sections && !status; i++) {
    struct section *section = &d->section[i];
    bool one = meant(section, key, &bare);
    if (!one) bare = key;
    if (!knows(section->command, bare)) continue;
    used = true;
    status = set_key(&section->pairs, bare, equals + 1, err);
  }
  return status || used ? status : unknown_override(d, key, err);
}

/* Keys before the first section go to all sections that know them and do not have them. */
static int spread_common(struct draft *d, const char *path) {
  for (size_t k = 0; k < d->common.count; k++) d->common.list[k].used = false;
  for (size_t i = 0; i < d->sections; i++) {
    struct pairs *own = &d->section[i].pairs;
    size_t before = own->count;
    for (size_t k = 0; k < d->common.count; k++) {
      struct pair *pair = &d->common.list[k];
      if (!knows(d->section[i].command, pair->key)) continue;
      pair->used = true;
      struct pairs first = {own->list, before}; /* what the section itself had */
      if (has_key(&first, pair->key)) continue;
      int status = add_pair(own, pair->key, pair->value, d->err);
      if (status) return status;
    }
  }
  for (size_t k = 0; k < d->common.count; k++)
    if (!d->common.list[k].used)
      return nsw_error_prefix(d->err, unknown_override(d, d->common.list[k].key, d->err), "%s", path);
  return NSW_OK;
}

/* ---- variables ---- */

static const char *variable(const struct draft *d, const char *name) {
  for (size_t i = d->variables.count; i-- > 0;)
    if (!strcmp(d->variables.list[i].key, name)) return d->variables.list[i].value;
  const char *text = getenv(name);
  return text && *text ? text : NULL;
}

/* Puts ${NAME} and ${NAME:-text} in. A value of a variable may hold variables of the environment, not more. */
static int expand(const struct draft *d, const char *text, int depth, FILE *out, struct nsw_error *err) {
  for (const char *at = text; *at;) {
    const char *end;
    if (at[0] != '$' || at[1] != '{' || !(end = strchr(at, '}'))) {
      fputc(*at++, out);
      continue;
    }
    char name[128];
    snprintf(name, sizeof name, "%.*s", (int)(end - at - 2), at + 2);
    char *otherwise = strstr(name, ":-");
    if (otherwise) {
      *otherwise = '\0';
      otherwise += 2;
    }
    const char *value = variable(d, name);
    if (!value) value = otherwise;
    if (!value) return nsw_usage(err, "${%s} is set neither in [variables] nor in the environment", name);
    int status = depth ? expand(d, value, depth - 1, out, err) : (fputs(value, out), NSW_OK);
    if (status) return status;
    at = end + 1;
  }
  return NSW_OK;
}

static int expanded(const struct draft *d, const char *text, char **result, struct nsw_error *err) {
  size_t size;
  FILE *f = open_memstream(result, &size);
  if (!f) return nsw_no_memory(err, "a job");
  int status = expand(d, text, 4, f, err);
  if (fclose(f) && !status) status = nsw_no_memory(err, "a job");
  if (status) {
    free(*result);
    *result = NULL;
  }
  return status;
}

/* ---- steps ---- */

static int add_word(struct nsw_job_step *step, const char *text, struct nsw_error *err) {
  char **word = realloc(step->word, (step->words + 2) * sizeof *word);
  if (!word) return nsw_no_memory(err, "a job");
  step->word = word;
  word[step->words + 1] = NULL;
  if (!(word[step->words] = strdup(text))) return nsw_no_memory(err, "a job");
  step->words++;
  return NSW_OK;
}

static int add_flag(struct nsw_job_step *step, const char *key, const char *value, struct nsw_error *err) {
  static const char *const yes[] = {"yes", "true", "on", "1"}, *const no[] = {"no", "false", "off", "0"};
  char word[128];
  snprintf(word, sizeof word, "--%.100s", key);
  for (size_t i = 0; i < 4; i++) {
    if (!strcmp(value, yes[i])) return add_word(step, word, err);
    if (!strcmp(value, no[i])) return NSW_OK;
  }
  return nsw_usage(err, "%s wants yes or no, got '%.60s'", key, value);
}

/* Takes away quotes that enclose a whole value. */
static char *unquote(char *value) {
  size_t n = strlen(value);
  bool quoted = n >= 2 && (*value == '"' || *value == '\'') && value[n - 1] == *value;
  if (!quoted || memchr(value + 1, *value, n - 2)) return value;
  value[n - 1] = '\0';
  return value + 1;
}

/* The next of several operands: up to a blank, or enclosed in quotes. Moves *text on; NULL at its end. */
static char *next_word(char **text) {
  char *at = *text + strspn(*text, " \t"), *end;
  if (!*at) return NULL;
  bool quoted = *at == '"' || *at == '\'';
  end = quoted ? strchr(at + 1, *at) : NULL;
  if (end)
    at++;
  else
    end = at + strcspn(at, " \t");
  *text = *end ? end + 1 : end;
  *end = '\0';
  return at;
}

/* Whether a section made before writes this file. */
static bool is_made(const struct nsw_job *job, const char *file) {
  for (size_t i = 0; i + 1 < job->steps; i++) /* the last one is being made */
    for (size_t w = 0; w < job->step[i].words; w++)
      if (!strncmp(job->step[i].word[w], "--out=", 6) && !strcmp(job->step[i].word[w] + 6, file)) return true;
  return false;
}

/* Operands that may be several are separated by blanks; one with a blank in its name stands in quotes, or alone, where
 * there is such a file or a section before makes it. */
static int add_operands(const struct nsw_job *job, struct nsw_job_step *step, char *value, bool many,
                        struct nsw_error *err) {
  if (!many || !access(value, F_OK) || is_made(job, value)) return add_word(step, unquote(value), err);
  for (char *word; (word = next_word(&value));) {
    int status = add_word(step, word, err);
    if (status) return status;
  }
  return NSW_OK;
}

static int add_option(struct nsw_job_step *step, const struct nsw_option *option, const char *value,
                      struct nsw_error *err) {
  if (!option->argument) return add_flag(step, option->name, value, err);
  char *word = malloc(strlen(option->name) + strlen(value) + 4);
  if (!word) return nsw_no_memory(err, "a job");
  sprintf(word, "--%s=%s", option->name, value);
  int status = add_word(step, word, err);
  free(word);
  return status;
}

/* The operands' words, in the command's order. */
static int add_all_operands(const struct draft *d, const struct nsw_job *job, const struct section *section,
                            struct nsw_job_step *step, struct nsw_error *err) {
  const char *operands = section->command->operands;
  char key[64], *value = NULL;
  bool many;
  int status = NSW_OK;
  while (!status && nsw_job_operand(&operands, key, &many)) {
    for (size_t i = 0; i < section->pairs.count && !status; i++) {
      if (strcmp(section->pairs.list[i].key, key) || find_option(section->command, key)) continue;
      status = expanded(d, section->pairs.list[i].value, &value, err);
      if (!status) status = add_operands(job, step, value, many, err);
      free(value);
      value = NULL;
    }
  }
  return status;
}

/* Operands, then options: as a person would write it. */
static int make_words(const struct draft *d, const struct nsw_job *job, const struct section *section,
                      struct nsw_job_step *step, struct nsw_error *err) {
  int status = add_all_operands(d, job, section, step, err);
  char *value = NULL;
  for (size_t i = 0; i < section->pairs.count && !status; i++) {
    const struct pair *pair = &section->pairs.list[i];
    const struct nsw_option *option = find_option(section->command, pair->key);
    bool needs = !strcmp(pair->key, "needs");
    if (!option && !needs) continue;
    for (size_t j = 0; j < i && !status; j++)
      if (!strcmp(section->pairs.list[j].key, pair->key) && !(option && option->repeatable))
        status = nsw_usage(err, "%s is given twice", pair->key);
    if (!status) status = expanded(d, pair->value, &value, err);
    if (status) return status;
    if (needs)
      step->needs = value;
    else
      status = add_option(step, option, unquote(value), err);
    if (!needs) free(value);
  }
  return status;
}

static int make_step(const struct draft *d, const struct nsw_job *job, const struct section *section,
                     struct nsw_job_step *step, struct nsw_error *err) {
  *step = (struct nsw_job_step){.command = section->command, .label = strdup(section->label)};
  int status = step->label ? make_words(d, job, section, step, err) : nsw_no_memory(err, "a job");
  if (!status) status = nsw_args_parse(section->command, (int)step->words, step->word, &step->args, err);
  return status;
}

void nsw_job_free(struct nsw_job *job) {
  for (size_t i = 0; i < job->steps; i++) {
    struct nsw_job_step *step = &job->step[i];
    nsw_args_free(&step->args);
    for (size_t w = 0; w < step->words; w++) free(step->word[w]);
    free(step->word);
    free(step->label);
    free(step->needs);
  }
  free(job->step);
  *job = (struct nsw_job){0};
}

int nsw_job_read(const char *path, const char *const *overrides, size_t count, struct nsw_job *job,
                 struct nsw_error *err) {
  struct draft d = {.err = err};
  *job = (struct nsw_job){0};
  int status = read_file(path, &d);
  if (!status) status = spread_common(&d, path);
  for (size_t i = 0; i < count && !status; i++) status = override(&d, overrides[i], err);
  if (!status) job->step = calloc(d.sections, sizeof *job->step);
  if (!status && !job->step) status = nsw_no_memory(err, "a job");
  for (size_t i = 0; i < d.sections && !status; i++) {
    status = make_step(&d, job, &d.section[i], &job->step[job->steps++], err);
    if (status) nsw_error_prefix(err, status, "%s: [%s]", path, d.section[i].name);
  }
  for (size_t i = 0; i < d.sections; i++) {
    free(d.section[i].name);
    free_pairs(&d.section[i].pairs);
  }
  free(d.section);
  free_pairs(&d.common);
  free_pairs(&d.variables);
  if (status) nsw_job_free(job);
  return status;
}
