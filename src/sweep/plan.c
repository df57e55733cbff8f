#include "sweep/plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/images.h"
#include "sweep/selection.h"

/* Seconds an architecture of a proxy that costs next to nothing is guessed to take. */
#define GUESSED_TRIFLE 2e-7

/* ---- which proxies ---- */

static void add_word(char *list, size_t size, size_t *length, const char *word) {
  if (*length < size) *length += (size_t)snprintf(list + *length, size - *length, "%s%s", *length ? ", " : "", word);
}

static int unknown_proxy(const char *name, struct nsw_error *err) {
  char known[640] = "", groups[160] = "";
  size_t length = 0, groups_length = 0;
  for (size_t i = 0; nsw_proxies[i]; i++) {
    const struct nsw_proxy *proxy = nsw_proxies[i];
    for (const struct nsw_proxy_column *c = proxy->columns; c->name; c++)
      add_word(known, sizeof known, &length, c->name);
    bool told = false;
    for (size_t j = 0; j < i; j++) told = told || !strcmp(nsw_proxies[j]->group, proxy->group);
    if (!told) add_word(groups, sizeof groups, &groups_length, proxy->group);
  }
  return nsw_usage(err, "unknown proxy '%.80s'; there are %s; the groups %s; and all, cheap", name, known, groups);
}

static struct nsw_family *family_of(struct nsw_plan *plan, const struct nsw_proxy *proxy, struct nsw_error *err) {
  for (size_t f = 0; f < plan->families; f++)
    if (plan->family[f].proxy == proxy) return &plan->family[f];
  struct nsw_family *list = realloc(plan->family, (plan->families + 1) * sizeof *list);
  if (!list) {
    nsw_fail(err, "no memory for proxies");
    return NULL;
  }
  plan->family = list;
  struct nsw_family *family = &list[plan->families++];
  *family = (struct nsw_family){.proxy = proxy, .columns = nsw_proxy_columns(proxy)};
  family->wanted = calloc((size_t)family->columns, sizeof *family->wanted);
  family->value = calloc((size_t)nsw_proxy_options(proxy) + 1, sizeof *family->value);
  if (!family->wanted || !family->value) {
    nsw_fail(err, "no memory for proxies");
    return NULL;
  }
  for (int i = 0; i < nsw_proxy_options(proxy); i++) family->value[i] = proxy->options[i].value;
  return family;
}

static const struct nsw_proxy *proxy_named(const char *name) {
  for (size_t i = 0; nsw_proxies[i]; i++)
    if (!strcmp(nsw_proxies[i]->name, name)) return nsw_proxies[i];
  return NULL;
}

/* A column of a proxy; -1: all of them. */
static int want_column(struct nsw_plan *plan, const struct nsw_proxy *proxy, int place, struct nsw_error *err) {
  struct nsw_family *family = family_of(plan, proxy, err);
  if (!family) return NSW_FAILED;
  for (int c = 0; c < family->columns; c++)
    if (place < 0 || c == place) family->wanted[c] = true;
  return NSW_OK;
}

/* A proxy, a column, a group of proxies, `all` or `cheap`. */
static int want(struct nsw_plan *plan, const char *name, struct nsw_error *err) {
  int place = 0, status = NSW_OK, found = 0;
  const struct nsw_proxy *whole = proxy_named(name), *proxy = whole ? whole : nsw_proxy_find(name, &place);
  if (proxy) return want_column(plan, proxy, whole ? -1 : place, err);
  for (size_t i = 0; nsw_proxies[i] && !status; i++) {
    if (!nsw_proxy_in(nsw_proxies[i], name)) continue;
    status = want_column(plan, nsw_proxies[i], -1, err);
    found++;
  }
  return found ? status : unknown_proxy(name, err);
}

/* "PROXY.KEY=VALUE". */
static int set_option(struct nsw_plan *plan, const char *text, struct nsw_error *err) {
  const char *equals = strchr(text, '='), *dot = strchr(text, '.');
  if (!equals || !dot || dot > equals) return nsw_usage(err, "--set %.80s: wanted PROXY.KEY=VALUE", text);
  for (size_t f = 0; f < plan->families; f++) {
    const struct nsw_proxy *proxy = plan->family[f].proxy;
    if (strlen(proxy->name) != (size_t)(dot - text) || strncmp(proxy->name, text, (size_t)(dot - text))) continue;
    char known[256] = "";
    size_t length = 0, key = (size_t)(equals - dot - 1);
    for (int i = 0; i < nsw_proxy_options(proxy); i++) {
      const char *name = proxy->options[i].key;
      if (strlen(name) == key && !strncmp(name, dot + 1, key)) {
        plan->family[f].value[i] = equals + 1;
        return NSW_OK;
      }
      if (length < sizeof known)
        length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", length ? ", " : "", name);
    }
    return nsw_usage(err, "--set %.80s: proxy %s has %s%s", text, proxy->name, *known ? "the options " : "no options",
                     known);
  }
  return nsw_usage(err, "--set %.80s: no proxy '%.*s' is asked for", text, (int)(dot - text), text);
}

static int describe_options(struct nsw_family *family, struct nsw_error *err) {
  size_t size;
  FILE *f = open_memstream(&family->options, &size);
  if (!f) return nsw_fail(err, "no memory for proxies");
  for (int i = 0; i < nsw_proxy_options(family->proxy); i++)
    fprintf(f, "%s%s=%s", i ? ", " : "", family->proxy->options[i].key, family->value[i]);
  return fclose(f) ? nsw_fail(err, "no memory for proxies") : NSW_OK;
}

int nsw_plan_families(const struct nsw_request *request, struct nsw_plan *plan, unsigned *needs,
                      struct nsw_error *err) {
  plan->request = request;
  *needs = 0;
  int status = NSW_OK;
  for (size_t i = 0; i < request->proxies && !status; i++) status = want(plan, request->proxy[i], err);
  if (!status && plan->families > UINT8_MAX) status = nsw_usage(err, "%zu proxies are too many", plan->families);
  for (size_t i = 0; i < request->sets && !status; i++) status = set_option(plan, request->set[i], err);
  for (size_t f = 0; f < plan->families && !status; f++) {
    unsigned family_needs = plan->family[f].proxy->needs;
    plan->family[f].seeds = family_needs & NSW_NEEDS_SEED ? request->seeds : 1;
    *needs |= family_needs;
    status = describe_options(&plan->family[f], err);
  }
  return status;
}

/* ---- groups ---- */

/* Blocks of consecutive rows. */
static void group_by_block(const struct nsw_plan *plan, struct nsw_family *family) {
  for (size_t r = 0; r < plan->rows; r++) {
    family->member[r] = plan->index[r];
    family->row[r] = (uint32_t)r;
    if (r % NSW_BLOCK == 0) {
      family->unit[family->groups] = plan->index[r];
      family->start[family->groups++] = (uint32_t)r;
    }
  }
  family->start[family->groups] = (uint32_t)plan->rows;
}

/* Rows of one unit together, in ascending order of units and, within, of rows: a counting sort over the space. */
static int group_by_unit(const struct nsw_plan *plan, struct nsw_family *family, struct nsw_error *err) {
  size_t count = nsw_space_count(plan->space);
  uint32_t *at = calloc(count + 1, sizeof *at), *unit = malloc((plan->rows + 1) * sizeof *unit);
  if (!at || !unit) {
    free(at);
    free(unit);
    return nsw_fail(err, "no memory for the plan");
  }
  for (size_t r = 0; r < plan->rows; r++) {
    unit[r] = family->proxy->unit ? family->proxy->unit(family->state, plan->index[r]) : plan->index[r];
    at[unit[r] + 1]++;
  }
  for (size_t u = 0; u < count; u++) {
    if (at[u + 1]) {
      family->unit[family->groups] = (uint32_t)u;
      family->start[family->groups++] = at[u];
    }
    at[u + 1] += at[u];
  }
  family->start[family->groups] = (uint32_t)plan->rows;
  for (size_t r = 0; r < plan->rows; r++) {
    uint32_t place = at[unit[r]]++;
    family->member[place] = plan->index[r];
    family->row[place] = (uint32_t)r;
  }
  free(at);
  free(unit);
  return NSW_OK;
}

static int make_groups(const struct nsw_plan *plan, struct nsw_family *family, struct nsw_error *err) {
  size_t n = plan->rows + 1;
  family->start = malloc(n * sizeof *family->start);
  family->member = malloc(n * sizeof *family->member);
  family->row = malloc(n * sizeof *family->row);
  family->unit = malloc(n * sizeof *family->unit);
  if (!family->start || !family->member || !family->row || !family->unit)
    return nsw_fail(err, "no memory for the plan of %zu architectures", plan->rows);
  int status = NSW_OK;
  if (!family->proxy->unit && !family->proxy->cost)
    group_by_block(plan, family);
  else
    status = group_by_unit(plan, family, err);
  for (uint32_t g = 0; g < family->groups; g++) {
    uint32_t members = family->start[g + 1] - family->start[g];
    if (members > family->largest) family->largest = members;
  }
  return status;
}

int nsw_plan_open(struct nsw_plan *plan, uint32_t *index, size_t rows, struct nsw_error *err) {
  plan->index = index;
  plan->rows = rows;
  uint64_t tasks = 0;
  for (size_t f = 0; f < plan->families; f++) {
    struct nsw_family *family = &plan->family[f];
    int status = family->proxy->open(&plan->context, family->value, &family->state, err);
    if (status) return nsw_error_prefix(err, status, "proxy %s", family->proxy->name);
    family->opened = true;
    status = make_groups(plan, family, err);
    if (status) return status;
    family->first_task = (uint32_t)tasks;
    tasks += (uint64_t)family->groups * family->seeds;
    if (tasks >= UINT32_MAX) return nsw_usage(err, "%" PRIu64 " evaluations are more than one sweep can number", tasks);
  }
  plan->tasks = (uint32_t)tasks;
  return NSW_OK;
}

void nsw_plan_close(struct nsw_plan *plan) {
  for (size_t f = 0; f < plan->families; f++) {
    struct nsw_family *family = &plan->family[f];
    if (family->opened) family->proxy->close(family->state);
    free(family->value);
    free(family->options);
    free(family->wanted);
    free(family->start);
    free(family->member);
    free(family->row);
    free(family->unit);
  }
  free(plan->family);
  free(plan->index);
  *plan = (struct nsw_plan){0};
}

struct nsw_task nsw_plan_task(const struct nsw_plan *plan, uint32_t number) {
  size_t f = plan->families - 1;
  while (f && plan->family[f].first_task > number) f--;
  const struct nsw_family *family = &plan->family[f];
  uint32_t within = number - family->first_task, group = within % family->groups;
  uint32_t first = family->start[group];
  size_t place = within / family->groups;
  return (struct nsw_task){.family = family,
                           .seed_place = place,
                           .seed = plan->request->seed[place],
                           .group = group,
                           .member = family->member + first,
                           .row = family->row + first,
                           .members = family->start[group + 1] - first};
}

int nsw_plan_costs(const struct nsw_plan *plan, double **cost, uint8_t **kind, struct nsw_error *err) {
  *cost = malloc(((size_t)plan->tasks + 1) * sizeof **cost);
  *kind = malloc((size_t)plan->tasks + 1);
  if (!*cost || !*kind) return nsw_fail(err, "no memory for the costs of %" PRIu32 " evaluations", plan->tasks);
  for (size_t f = 0; f < plan->families; f++) {
    const struct nsw_family *family = &plan->family[f];
    double *of_group = *cost + family->first_task;
    for (uint32_t g = 0; g < family->groups; g++) {
      double trifle = GUESSED_TRIFLE * (family->start[g + 1] - family->start[g]);
      double flops = family->proxy->cost ? family->proxy->cost(family->state, family->unit[g]) : 0;
      of_group[g] = fmax(trifle, flops / NSW_GUESSED_SPEED); /* fmax drops a cost that is not a number */
    }
    for (size_t s = 1; s < family->seeds; s++)
      memcpy(of_group + s * family->groups, of_group, family->groups * sizeof *of_group);
    memset(*kind + family->first_task, (int)f, family->groups * family->seeds);
  }
  return NSW_OK;
}

/* ---- what decides the results ---- */

static void describe_proxies(FILE *f, const struct nsw_plan *plan) {
  fprintf(f, "; proxy=");
  const char *separator = "";
  for (size_t i = 0; i < plan->families; i++) {
    for (int c = 0; c < plan->family[i].columns; c++) {
      if (!plan->family[i].wanted[c]) continue;
      fprintf(f, "%s%s", separator, plan->family[i].proxy->columns[c].name);
      separator = ",";
    }
  }
  for (size_t i = 0; i < plan->families; i++)
    if (*plan->family[i].options) fprintf(f, "; %s=(%s)", plan->family[i].proxy->name, plan->family[i].options);
}

char *nsw_plan_options(const struct nsw_plan *plan) {
  char *text = NULL, *rows = nsw_selection_text(plan->space, plan->request);
  size_t size;
  FILE *f = rows ? open_memstream(&text, &size) : NULL;
  if (!f) {
    free(rows);
    return NULL;
  }
  unsigned needs = 0;
  for (size_t i = 0; i < plan->families; i++) needs |= plan->family[i].proxy->needs;
  const struct nsw_macro *m = &plan->context.macro;
  fprintf(f, "space=%s; rows=%s", plan->request->space, rows);
  describe_proxies(f, plan);
  fprintf(f, "; classes=%d; resolution=%d; channels=%d; cells=%d", m->classes, m->resolution, m->channels, m->cells);
  if (needs & NSW_NEEDS_SEED) {
    fprintf(f, "; seed=");
    for (size_t i = 0; i < plan->request->seeds; i++) fprintf(f, "%s%" PRIu64, i ? "," : "", plan->request->seed[i]);
  }
  const struct nsw_images *images = plan->context.images;
  if (images)
    fprintf(f, "; dataset=%s; samples=%d; data_sha256=%s", images->dataset, plan->context.samples, images->sha256);
  free(rows);
  if (fclose(f)) {
    free(text);
    return NULL;
  }
  return text;
}
