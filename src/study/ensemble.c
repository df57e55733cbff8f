#include "study/ensemble.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/rank.h"

enum { MEMBERS = 64, TEXT = 512 };

const struct nsw_ensemble nsw_ensembles[] = {
    {"az_nas", "log", "az_expressivity+az_progressivity+az_trainability+az_complexity",
     "AZ-NAS: sum of log(rank / n) of its four parts (Lee and Ham, CVPR 2024)"},
    {"te_nas", "mean", "ntk_cond+regions",
     "TE-NAS: mean rank of the kernel's condition, least first, and of linear regions (Chen et al., ICLR 2021)"},
    {NULL, NULL, NULL, NULL}};

/* One ensemble taken apart. */
struct recipe {
  char text[TEXT]; /* what the pointers point into */
  const char *name, *rule, *long_name;
  char *members;
  size_t member[MEMBERS], count; /* positions in the columns' list */
};

static const struct nsw_ensemble *published(const char *name) {
  for (const struct nsw_ensemble *e = nsw_ensembles; e->name; e++)
    if (!strcmp(e->name, name)) return e;
  return NULL;
}

/* [NAME=][RULE:]A+B; names of scores hold neither '=' nor ':'. */
static int take_apart(const char *text, struct recipe *r, struct nsw_error *err) {
  const struct nsw_ensemble *known = published(text);
  *r = (struct recipe){.name = text, .rule = "mean", .long_name = ""};
  if (known) {
    snprintf(r->text, sizeof r->text, "%s", known->members);
    r->members = r->text;
    r->rule = known->rule;
    r->long_name = known->long_name;
    return NSW_OK;
  }
  if (snprintf(r->text, sizeof r->text, "%s", text) >= (int)sizeof r->text)
    return nsw_usage(err, "ensemble %.80s...: longer than %d characters", text, TEXT - 1);
  r->members = r->text;
  char *equals = strchr(r->members, '=');
  if (equals) {
    *equals = '\0';
    r->name = r->members;
    r->members = equals + 1;
  }
  char *colon = strchr(r->members, ':');
  if (colon) {
    *colon = '\0';
    r->rule = r->members;
    r->members = colon + 1;
  }
  if (!*r->name) return nsw_usage(err, "ensemble %s: no name before =", text);
  if (strcmp(r->rule, "mean") && strcmp(r->rule, "log"))
    return nsw_usage(err, "ensemble %s: %s is no rule; mean or log", text, r->rule);
  return NSW_OK;
}

static int find_members(const struct nsw_columns *columns, const char *text, struct recipe *r, struct nsw_error *err) {
  char *rest = NULL;
  for (char *word = strtok_r(r->members, "+", &rest); word; word = strtok_r(NULL, "+", &rest)) {
    struct nsw_column *column = nsw_columns_find(columns, word);
    if (!column) return nsw_usage(err, "ensemble %s: there is no score %s", text, word);
    if (r->count == MEMBERS) return nsw_usage(err, "ensemble %s: more than %d scores", text, MEMBERS);
    r->member[r->count++] = (size_t)(column - columns->list);
  }
  if (r->count < 2) return nsw_usage(err, "ensemble %s: at least two scores, joined by +", text);
  if (nsw_columns_find(columns, r->name))
    return nsw_usage(err, "ensemble %s: there is a score %s already", text, r->name);
  return NSW_OK;
}

/* What the members so far give to a row: doubled ranks, which are integers, added up or multiplied, so that rows that
 * are equal stay equal. */
struct tally {
  unsigned __int128 exact; /* sum or product */
  double logs;             /* of products that would have passed 128 bits */
};

/* Adds one member's ranks over the rows that take part. */
static int add_ranks(const struct nsw_column *member, const struct nsw_column *ensemble, size_t rows, bool logs,
                     struct tally *tally, struct nsw_error *err) {
  double *value = malloc((rows + 1) * sizeof *value);
  struct nsw_ranks ranks = {0};
  size_t n = 0;
  if (!value) return nsw_no_memory(err, "ensemble %s", ensemble->name);
  for (size_t i = 0; i < rows; i++)
    if (ensemble->standing[i] <= NSW_LOWEST) value[n++] = member->value[i];
  int status = nsw_ranks_make(value, n, &ranks, err);
  for (size_t i = 0, k = 0; i < rows && !status; i++) {
    if (ensemble->standing[i] > NSW_LOWEST) continue;
    struct tally *t = &tally[i];
    uint64_t rank = nsw_rank_twice(&ranks, ranks.code[k++]);
    if (logs && t->exact > ~(unsigned __int128)0 / (2 * n)) {
      t->logs += log((double)t->exact);
      t->exact = 1;
    }
    t->exact = logs ? t->exact * rank : t->exact + rank;
  }
  nsw_ranks_free(&ranks);
  free(value);
  return status;
}

/* Who takes part: a row stands as low as in the worst of its members. */
static size_t stand(const struct nsw_columns *columns, const struct recipe *r, struct nsw_column *ensemble) {
  size_t n = 0;
  for (size_t i = 0; i < columns->rows; i++) {
    for (size_t m = 0; m < r->count; m++) {
      uint8_t standing = columns->list[r->member[m]].standing[i];
      if (standing > ensemble->standing[i]) ensemble->standing[i] = standing;
    }
    n += ensemble->standing[i] <= NSW_LOWEST;
  }
  return n;
}

static int fill(const struct nsw_columns *columns, const struct recipe *r, struct nsw_column *ensemble,
                struct nsw_error *err) {
  bool logs = !strcmp(r->rule, "log");
  size_t n = stand(columns, r, ensemble);
  double members = (double)r->count;
  struct tally *tally = malloc((columns->rows + 1) * sizeof *tally);
  int status = tally ? NSW_OK : nsw_no_memory(err, "ensemble %s", ensemble->name);
  for (size_t i = 0; i < columns->rows && !status; i++) tally[i] = (struct tally){logs, 0};
  for (size_t m = 0; m < r->count && !status; m++)
    status = add_ranks(&columns->list[r->member[m]], ensemble, columns->rows, logs, tally, err);
  for (size_t i = 0; i < columns->rows && !status; i++) {
    double exact = (double)tally[i].exact;
    if (ensemble->standing[i] > NSW_LOWEST)
      ensemble->value[i] = NAN;
    else
      ensemble->value[i] = logs ? tally[i].logs + log(exact) - members * log(2 * (double)n) : exact / (2 * members);
  }
  free(tally);
  return status;
}

int nsw_ensemble_add(struct nsw_columns *columns, const char *text, struct nsw_error *err) {
  struct recipe r;
  struct nsw_column *ensemble;
  int status = take_apart(text, &r, err);
  if (!status) status = find_members(columns, text, &r, err);
  if (!status) status = nsw_columns_add(columns, r.name, &ensemble, err);
  if (status) return status;
  char *long_name = strdup(r.long_name);
  if (!long_name) return nsw_no_memory(err, "ensemble %s", text);
  free(ensemble->long_name);
  ensemble->long_name = long_name;
  ensemble->asked = true;
  return fill(columns, &r, ensemble, err);
}
