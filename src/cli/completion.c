#include "cli/completion.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "data/images.h"
#include "nasweep/proxy.h"
#include "nasweep/space.h"
#include "search/search.h"
#include "store/file.h"

enum { WORDS = 256 };

/* The line taken apart. */
struct line {
  char *text; /* owned; words point into it */
  char *word[WORDS];
  size_t words;
  const char *current;  /* the word to be completed: the last one, maybe empty */
  const char *previous; /* the one before, or "" */
  const struct nsw_command *command;
  FILE *out;
};

/* ---- candidates ---- */

/* Prints a candidate where it begins as the current word does; of a list, where it begins as the last item does. */
static void offer(const struct line *l, const char *candidate) {
  const char *comma = strrchr(l->current, ',');
  const char *begun = comma ? comma + 1 : l->current;
  if (strncmp(candidate, begun, strlen(begun))) return;
  fprintf(l->out, "%.*s%s\n", (int)(begun - l->current), l->current, candidate);
}

static void offer_commands(const struct line *l) {
  for (size_t i = 0; nsw_commands[i]; i++) offer(l, nsw_commands[i]->name);
}

static void offer_spaces(const struct line *l) {
  for (size_t i = 0; nsw_space_kinds[i]; i++) offer(l, nsw_space_kinds[i]->name);
}

static void offer_options(const struct line *l) {
  char text[128];
  for (const struct nsw_option *o = l->command->options; o && o->name; o++) {
    snprintf(text, sizeof text, "--%s", o->name);
    offer(l, text);
  }
  offer(l, "--help");
}

static void offer_datasets(const struct line *l) {
  const char *names[16];
  size_t count = nsw_images_datasets(names, 16);
  for (size_t i = 0; i < count; i++) offer(l, names[i]);
}

/* Columns, families and groups, each once. */
static void offer_proxies(const struct line *l) {
  offer(l, "all");
  offer(l, "cheap");
  for (size_t i = 0; nsw_proxies[i]; i++) {
    const struct nsw_proxy *p = nsw_proxies[i];
    bool group = false, family = false;
    for (size_t k = 0; k < i; k++) group = group || !strcmp(nsw_proxies[k]->group, p->group);
    if (!group) offer(l, p->group);
    for (const struct nsw_proxy_column *c = p->columns; c->name; c++) {
      offer(l, c->name);
      family = family || !strcmp(c->name, p->name);
    }
    if (!family) offer(l, p->name);
  }
}

/* ---- what the files at hand hold ---- */

enum held { SCORES, DATASETS, SPLITS, COLUMNS, ACCURACIES };

static void offer_table(const struct line *l, const struct nsw_table *t, enum held what) {
  char text[256];
  for (size_t s = 0; s < t->scores && what == SCORES; s++) offer(l, t->score[s].name);
  for (size_t a = 0; a < t->accuracies && what != SCORES; a++) {
    const struct nsw_accuracy *accuracy = &t->accuracy[a];
    snprintf(text, sizeof text, "%s%s/%s", what == ACCURACIES ? "accuracy:" : "", accuracy->dataset, accuracy->split);
    offer(l, what == DATASETS ? accuracy->dataset : what == SPLITS ? accuracy->split : text);
  }
}

static void offer_held(const struct line *l, enum held what) {
  for (size_t i = 0; i + 1 < l->words; i++) {
    struct nsw_error err;
    size_t n = strlen(l->word[i]);
    char *spaces = NULL, *rest = NULL;
    if (n < 3 || strcmp(l->word[i] + n - 3, ".h5") || nsw_file_probe(l->word[i], &spaces, &err) != NSW_OK) continue;
    for (char *s = spaces ? strtok_r(spaces, ", ", &rest) : NULL; s; s = strtok_r(NULL, ", ", &rest)) {
      struct nsw_table *table = NULL;
      if (nsw_file_read(l->word[i], s, &table, &err) == NSW_OK) offer_table(l, table, what);
      nsw_table_free(&table);
    }
    free(spaces);
  }
}

/* ---- values of options ---- */

static bool reads_files(const struct nsw_command *c) { return c->operands && !strncmp(c->operands, "FILE.h5", 7); }

static const struct nsw_option *option_named(const struct nsw_command *c, const char *word) {
  if (strncmp(word, "--", 2)) return NULL;
  for (const struct nsw_option *o = c->options; o && o->name; o++)
    if (!strcmp(o->name, word + 2)) return o;
  return NULL;
}

/* An argument written "csv|json" in the table is a choice of these words. */
static void offer_choices(const struct line *l, const char *argument) {
  char text[128], *rest = NULL;
  snprintf(text, sizeof text, "%s", argument);
  for (char *word = strtok_r(text, "|", &rest); word; word = strtok_r(NULL, "|", &rest))
    if (word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
      offer(l, word); /* a word all in capitals stands for a value */
}

static bool is_one_of(const char *word, const char *const *list) {
  while (*list && strcmp(*list, word)) list++;
  return *list;
}

static void offer_value(const struct line *l, const struct nsw_option *o) {
  bool files = reads_files(l->command);
  if (strchr(o->argument, '|')) offer_choices(l, o->argument);
  if (!strcmp(o->name, "proxy") && !files) offer_proxies(l);
  if (strstr(o->name, "proxy") && files) offer_held(l, SCORES);
  if (!strcmp(o->name, "dataset") && files) offer_held(l, DATASETS);
  if (!strcmp(o->name, "dataset") && !files) offer_datasets(l);
  if (!strcmp(o->name, "split") || !strcmp(o->name, "knas-split")) offer_held(l, SPLITS);
  if (!strcmp(o->name, "score")) offer_held(l, ACCURACIES);
  if (!strcmp(o->name, "space") || !strcmp(o->name, "transfer")) offer_spaces(l);
  if (is_one_of(o->name, (const char *const[]){"look", "report", "rungs", "cost", NULL})) offer_held(l, COLUMNS);
  for (size_t m = 0; nsw_methods[m] && !strcmp(o->name, "method"); m++) offer(l, nsw_methods[m]->name);
}

/* ---- the line ---- */

static bool take_apart(struct line *l, const char *line) {
  char *rest = NULL;
  size_t n = strlen(line);
  l->text = strdup(line);
  if (!l->text) return false;
  for (char *w = strtok_r(l->text, " \t", &rest); w && l->words < WORDS - 1; w = strtok_r(NULL, " \t", &rest))
    l->word[l->words++] = w;
  if (!n || line[n - 1] == ' ' || line[n - 1] == '\t') l->word[l->words++] = l->text + n; /* a word just begun */
  l->current = l->word[l->words - 1];
  l->previous = l->words > 1 ? l->word[l->words - 2] : "";
  struct nsw_error err;
  for (size_t i = 1; i + 1 < l->words && !l->command; i++)
    if (l->word[i][0] != '-') l->command = nsw_command_find(l->word[i], &err);
  return l->words > 1;
}

void nsw_complete(FILE *out, const char *line) {
  struct line l = {.out = out};
  if (take_apart(&l, line)) {
    const struct nsw_option *o = l.command ? option_named(l.command, l.previous) : NULL;
    bool option = l.current[0] == '-';
    if (!l.command && option) offer(&l, "--help"), offer(&l, "--version");
    if (!l.command && !option) offer_commands(&l);
    if (o && o->argument)
      offer_value(&l, o);
    else if (l.command && option)
      offer_options(&l);
    else if (l.command && l.command->operands && strstr(l.command->operands, "SPACE"))
      offer_spaces(&l);
    else if (l.command && !strcmp(l.command->name, "help"))
      offer_commands(&l);
  }
  free(l.text);
}

void nsw_complete_bash(FILE *out) {
  fputs(
      "# bash completion of nasweep; written by `nasweep help --completion bash`\n"
      "_nasweep() {\n"
      "  local IFS=$'\\n'\n"
      "  COMPREPLY=($(\"${COMP_WORDS[0]}\" help --complete \"${COMP_LINE:0:COMP_POINT}\" 2>/dev/null))\n"
      "}\n"
      "complete -o bashdefault -o default -F _nasweep nasweep\n",
      out);
}
