#include "sweep/plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/nearest.h"
#include "data/images.h"
#include "proxy/joint.h"
#include "proxy/pass.h"
#include "sweep/selection.h"
#include "train/recipe.h"

/* Seconds an architecture of a proxy that costs next to nothing is guessed to take. */
#define GUESSED_TRIFLE 2e-7

/* ---- which proxies ---- */

static void add_word(char *list, size_t size, size_t *length, const char *word) {
  if (*length < size) *length += (size_t)snprintf(list + *length, size - *length, "%s%s", *length ? ", " : "", word);
}

/* The column, family or group that is spelt most like it, or NULL. */
static const char *nearest_proxy(const struct nsw_registry *registry, const char *word) {
  enum { NAMES = 512 };
  const char *names[NAMES] = {"all", "cheap"};
  const struct nsw_proxy *proxy;
  size_t n = 2;
  for (size_t i = 0; (proxy = nsw_registry_at(registry, i)) && n + 2 < NAMES; i++) {
    names[n++] = proxy->name;
    names[n++] = proxy->group;
    for (const struct nsw_proxy_column *c = proxy->columns; c->name && n + 2 < NAMES; c++) names[n++] = c->name;
  }
  return nsw_nearest(word, names, n);
}

static int unknown_proxy(const struct nsw_registry *registry, const char *name, struct nsw_error *err) {
  const struct nsw_proxy *proxy;
  char known[640] = "", groups[160] = "";
  size_t length = 0, groups_length = 0;
  for (size_t i = 0; (proxy = nsw_registry_at(registry, i)); i++) {
    for (const struct nsw_proxy_column *c = proxy->columns; c->name; c++)
      add_word(known, sizeof known, &length, c->name);
    bool told = false;
    for (size_t j = 0; j < i; j++) told = told || !strcmp(nsw_registry_at(registry, j)->group, proxy->group);
    if (!told) add_word(groups, sizeof groups, &groups_length, proxy->group);
  }
  const char *near = nearest_proxy(registry, name);
  return nsw_usage(err, "unknown proxy '%.80s'%s%s%s are %s; the groups %s; and all, cheap", name,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'? There" : "; there", known, groups);
}

/* The family that a proxy belongs to: its own, or the one of all measures. *part: its place there; -1: not in it yet.
 */
static struct nsw_family *find_family(struct nsw_sweep_plan *plan, const struct nsw_proxy *proxy, int *part) {
  *part = -1;
  for (size_t f = 0; f < plan->families; f++) {
    struct nsw_family *family = &plan->family[f];
    for (int k = 0; k < family->parts; k++)
      if (family->part[k].proxy == proxy) *part = k;
    if (*part >= 0 || (proxy->measure && family->part[0].proxy->measure)) return family;
  }
  return NULL;
}

static struct nsw_family *add_family(struct nsw_sweep_plan *plan) {
  if (!NSW_GROW(plan->family, plan->families)) return NULL;
  plan->family[plan->families] = (struct nsw_family){0};
  return &plan->family[plan->families++];
}

/* Adds a proxy's columns to a family. False: out of memory. */
static bool add_part(struct nsw_family *family, const struct nsw_proxy *proxy) {
  int own = nsw_proxy_columns(proxy), all = family->columns + own, options = nsw_proxy_options(proxy);
  bool part = NSW_GROW(family->part, family->parts);
  bool *wanted = realloc(family->wanted, (size_t)all * sizeof *wanted);
  if (wanted) family->wanted = wanted;
  const char **value = calloc((size_t)options + 1, sizeof *value);
  if (!part || !wanted || !value) {
    free(value);
    return false;
  }
  for (int i = 0; i < options; i++) value[i] = proxy->options[i].value;
  for (int c = family->columns; c < all; c++) wanted[c] = false;
  family->part[family->parts++] = (struct nsw_part){.proxy = proxy, .value = value, .first = family->columns};
  family->columns = all;
  return true;
}

static struct nsw_family *family_of(struct nsw_sweep_plan *plan, const struct nsw_proxy *proxy, int *part,
                                    struct nsw_error *err) {
  struct nsw_family *family = find_family(plan, proxy, part);
  if (*part >= 0) return family;
  if (!family) family = add_family(plan);
  if (!family || !add_part(family, proxy)) {
    nsw_no_memory(err, "proxies");
    return NULL;
  }
  *part = family->parts - 1;
  return family;
}

const struct nsw_part *nsw_family_part(const struct nsw_family *family, int column) {
  int k = family->parts - 1;
  while (k && family->part[k].first > column) k--;
  return &family->part[k];
}

/* The measures of a family as one proxy. */
static int join(struct nsw_family *family, struct nsw_error *err) {
  struct nsw_proxy_column *columns = calloc((size_t)family->columns + 1, sizeof *columns);
  if (!columns) return nsw_no_memory(err, "proxies");
  unsigned needs = 0;
  for (int c = 0; c < family->columns; c++) {
    const struct nsw_part *part = nsw_family_part(family, c);
    columns[c] = part->proxy->columns[c - part->first];
    needs |= part->proxy->needs;
  }
  family->joint = (struct nsw_proxy){.name = family->parts > 1 ? "measures" : family->part[0].proxy->name,
                                     .source = "",
                                     .needs = needs,
                                     .columns = columns,
                                     .close = nsw_joint_close,
                                     .unit = nsw_joint_unit,
                                     .cost = nsw_joint_cost,
                                     .score = nsw_joint_score};
  return NSW_OK;
}

/* A column of a proxy; -1: all of them. */
static int want_column(struct nsw_sweep_plan *plan, const struct nsw_proxy *proxy, int place, struct nsw_error *err) {
  int part;
  struct nsw_family *family = family_of(plan, proxy, &part, err);
  if (!family) return NSW_FAILED;
  for (int c = 0; c < nsw_proxy_columns(proxy); c++)
    if (place < 0 || c == place) family->wanted[family->part[part].first + c] = true;
  return NSW_OK;
}

/* A proxy, a column, a group of proxies, `all` or `cheap`. */
static int want(struct nsw_sweep_plan *plan, const char *name, struct nsw_error *err) {
  int place = 0, status = NSW_OK, found = 0;
  const struct nsw_registry *registry = plan->registry;
  const struct nsw_space_kind *kind = nsw_space_kind_named(plan->request->space);
  const struct nsw_proxy *whole = nsw_registry_named(registry, name);
  const struct nsw_proxy *proxy = whole ? whole : nsw_registry_find(registry, name, &place);
  if (proxy && kind && !nsw_proxy_fits(proxy, kind))
    return proxy->needs & NSW_NEEDS_SUPERNET
               ? nsw_usage(err, "%s reads off the space's supernet, and %s has none", name, kind->name)
               : nsw_usage(err, "%s looks at the cell alone, which is the same in all of %s", name, kind->name);
  if (proxy) return want_column(plan, proxy, whole ? -1 : place, err);
  for (size_t i = 0; (proxy = nsw_registry_at(registry, i)) && !status; i++) {
    if (!nsw_proxy_in(proxy, name) || (kind && !nsw_proxy_fits(proxy, kind))) continue;
    status = want_column(plan, proxy, -1, err);
    found++;
  }
  return found ? status : unknown_proxy(registry, name, err);
}

/* "PROXY.KEY=VALUE" of this proxy; key and equals point into it. */
static int set_part_option(const struct nsw_part *part, const char *text, const char *key, const char *equals,
                           struct nsw_error *err) {
  const struct nsw_proxy *proxy = part->proxy;
  char known[256] = "";
  size_t length = 0;
  for (int i = 0; i < nsw_proxy_options(proxy); i++) {
    const char *name = proxy->options[i].key;
    if (strlen(name) == (size_t)(equals - key) && !strncmp(name, key, (size_t)(equals - key))) {
      part->value[i] = equals + 1;
      return NSW_OK;
    }
    if (length < sizeof known)
      length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", length ? ", " : "", name);
  }
  return nsw_usage(err, "--set %.80s: proxy %s has %s%s", text, proxy->name, *known ? "the options " : "no options",
                   known);
}

/* "PROXY.KEY=VALUE". */
static int set_option(struct nsw_sweep_plan *plan, const char *text, struct nsw_error *err) {
  const char *equals = strchr(text, '='), *dot = strchr(text, '.');
  if (!equals || !dot || dot > equals) return nsw_usage(err, "--set %.80s: wanted PROXY.KEY=VALUE", text);
  for (size_t f = 0; f < plan->families; f++)
    for (int k = 0; k < plan->family[f].parts; k++) {
      const struct nsw_part *part = &plan->family[f].part[k];
      size_t length = strlen(part->proxy->name);
      if (length == (size_t)(dot - text) && !strncmp(part->proxy->name, text, length))
        return set_part_option(part, text, dot + 1, equals, err);
    }
  return nsw_usage(err, "--set %.80s: no proxy '%.*s' is asked for", text, (int)(dot - text), text);
}

/* What tells it from others of its name, options and, where it takes images, how many. */
static int describe_options(const struct nsw_sweep_plan *plan, struct nsw_part *part, struct nsw_error *err) {
  size_t size;
  const struct nsw_proxy *proxy = part->proxy;
  FILE *f = open_memstream(&part->options, &size);
  if (!f) return nsw_no_memory(err, "proxies");
  int options = nsw_proxy_options(proxy);
  const char *between = "";
  if (proxy->identity) {
    fputs(proxy->identity, f);
    between = ", ";
  }
  for (int i = 0; i < options; i++, between = ", ")
    fprintf(f, "%s%s=%s", between, proxy->options[i].key, part->value[i]);
  uint64_t samples = plan->request->samples ? plan->request->samples : (uint64_t)proxy->samples;
  if (proxy->samples) fprintf(f, "%ssamples=%" PRIu64, between, samples);
  if (proxy->measure && plan->request->warm_up) fprintf(f, ", warm-up=(%s)", plan->request->warm_up);
  return fclose(f) ? nsw_no_memory(err, "proxies") : NSW_OK;
}

int nsw_sweep_plan_families(const struct nsw_request *request, struct nsw_sweep_plan *plan, unsigned *needs,
                            struct nsw_error *err) {
  plan->request = request;
  *needs = 0;
  int status = NSW_OK;
  for (size_t i = 0; i < request->proxies && !status; i++) status = want(plan, request->proxy[i], err);
  for (size_t i = 0; plan->registry && i < plan->registry->count && !status; i++)
    if (!request->proxies || i + request->workers >= plan->registry->count)
      status = want_column(plan, plan->registry->own[i], -1, err);
  if (!status && plan->families > UINT8_MAX) status = nsw_usage(err, "%zu proxies are too many", plan->families);
  for (size_t i = 0; i < request->sets && !status; i++) status = set_option(plan, request->set[i], err);
  for (size_t f = 0; f < plan->families && !status; f++) {
    struct nsw_family *family = &plan->family[f];
    for (int k = 0; k < family->parts && !status; k++) status = describe_options(plan, &family->part[k], err);
    if (status || !family->part[0].proxy->measure) continue;
    status = nsw_lab_check(request->samples, 0, err); /* before images are read or made */
    if (!status) status = join(family, err);
  }
  /* The list of families does not move any more: a family can point at what is its own. */
  for (size_t f = 0; f < plan->families && !status; f++) {
    struct nsw_family *family = &plan->family[f];
    family->proxy = family->part[0].proxy->measure ? &family->joint : family->part[0].proxy;
    family->seeds = family->proxy->needs & NSW_NEEDS_SEED ? request->seeds : 1;
    *needs |= family->proxy->needs;
    if (family->part[0].proxy->measure && request->warm_up) *needs |= NSW_NEEDS_DATA;
  }
  return status;
}

bool nsw_sweep_plan_lasts(const struct nsw_sweep_plan *plan) {
  for (size_t f = 0; f < plan->families; f++)
    if (plan->family[f].proxy->lasts && plan->family[f].proxy->lasts(plan->family[f].state)) return true;
  return false;
}

/* Images that a warm-up takes; 0 where there is none, or where it is wrong, which its measures will say. */
static uint64_t warm_up_images(const struct nsw_sweep_plan *plan) {
  struct nsw_recipe recipe;
  if (!plan->request->warm_up || nsw_recipe_parse(plan->request->warm_up, "warm-up", &recipe, NULL) != NSW_OK) return 0;
  return (uint64_t)recipe.train;
}

uint64_t nsw_sweep_plan_images(const struct nsw_sweep_plan *plan) {
  uint64_t most = plan->request->samples, warm = warm_up_images(plan);
  for (size_t f = 0; f < plan->families && !plan->request->samples; f++)
    for (int k = 0; k < plan->family[f].parts; k++) {
      uint64_t wanted = (uint64_t)plan->family[f].part[k].proxy->samples;
      most = wanted > most ? wanted : most;
    }
  return warm > most ? warm : most;
}

/* ---- groups ---- */

/* Blocks of consecutive rows. */
static void group_by_block(const struct nsw_sweep_plan *plan, struct nsw_family *family) {
  for (size_t r = 0; r < plan->rows; r++) {
    family->member[r] = plan->index[r];
    family->row[r] = (uint32_t)r;
    if (r % NSW_GROUP_ROWS == 0) {
      family->unit[family->groups] = plan->index[r];
      family->start[family->groups++] = (uint32_t)r;
    }
  }
  family->start[family->groups] = (uint32_t)plan->rows;
}

/* Rows of one unit together, in ascending order of units and, within, of rows: a counting sort over the space. */
static int group_by_unit(const struct nsw_sweep_plan *plan, struct nsw_family *family, struct nsw_error *err) {
  size_t count = nsw_space_count(plan->space);
  uint32_t *at = calloc(count + 1, sizeof *at), *unit = malloc((plan->rows + 1) * sizeof *unit);
  if (!at || !unit) {
    free(at);
    free(unit);
    return nsw_no_memory(err, "the plan");
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

static int make_groups(const struct nsw_sweep_plan *plan, struct nsw_family *family, struct nsw_error *err) {
  size_t n = plan->rows + 1;
  family->start = malloc(n * sizeof *family->start);
  family->member = malloc(n * sizeof *family->member);
  family->row = malloc(n * sizeof *family->row);
  family->unit = malloc(n * sizeof *family->unit);
  if (!family->start || !family->member || !family->row || !family->unit)
    return nsw_no_memory(err, "the plan of %zu architectures", plan->rows);
  int status = NSW_OK;
  family->batch = !family->proxy->unit && !family->proxy->cost;
  if (family->batch)
    group_by_block(plan, family);
  else
    status = group_by_unit(plan, family, err);
  for (uint32_t g = 0; g < family->groups; g++) {
    uint32_t members = family->start[g + 1] - family->start[g];
    if (members > family->largest) family->largest = members;
  }
  return status;
}

static int open_family(const struct nsw_sweep_plan *plan, struct nsw_family *family, struct nsw_error *err) {
  const struct nsw_part *only = &family->part[0];
  if (!only->proxy->measure) {
    family->state = only->proxy->own;
    int status = only->proxy->open(&plan->context, only->value, &family->state, err);
    return status ? nsw_error_prefix(err, status, "proxy %s", only->proxy->name) : NSW_OK;
  }
  size_t parts = (size_t)family->parts;
  const struct nsw_proxy **proxy = calloc(parts, sizeof *proxy);
  const char *const **value = calloc(parts, sizeof *value);
  for (size_t k = 0; proxy && value && k < parts; k++) {
    proxy[k] = family->part[k].proxy;
    value[k] = family->part[k].value;
  }
  int status = proxy && value
                   ? nsw_joint_open(&plan->context, proxy, value, family->parts, family->wanted, &family->state, err)
                   : nsw_no_memory(err, "proxies");
  free(proxy);
  free(value);
  return status;
}

static void find_curves(struct nsw_family *family) {
  family->points = family->proxy->points ? family->proxy->points(family->state) : 0;
  family->curves = 0;
  while (family->points && family->proxy->curves[family->curves].name) family->curves++;
  family->width = (size_t)family->columns + (size_t)family->curves * family->points;
}

int nsw_sweep_plan_open(struct nsw_sweep_plan *plan, uint32_t *index, size_t rows, struct nsw_error *err) {
  plan->index = index;
  plan->rows = rows;
  uint64_t tasks = 0;
  for (size_t f = 0; f < plan->families; f++) {
    struct nsw_family *family = &plan->family[f];
    int status = open_family(plan, family, err);
    if (status) return status;
    family->opened = true;
    find_curves(family);
    status = make_groups(plan, family, err);
    if (status) return status;
    family->first_task = (uint32_t)tasks;
    tasks += (uint64_t)family->groups * family->seeds;
    if (tasks >= UINT32_MAX) return nsw_usage(err, "%" PRIu64 " evaluations are more than one sweep can number", tasks);
  }
  plan->tasks = (uint32_t)tasks;
  return NSW_OK;
}

void nsw_sweep_plan_close(struct nsw_sweep_plan *plan) {
  for (size_t f = 0; f < plan->families; f++) {
    struct nsw_family *family = &plan->family[f];
    if (family->opened) family->proxy->close(family->state);
    for (int k = 0; k < family->parts; k++) {
      free(family->part[k].value);
      free(family->part[k].options);
    }
    free(family->part);
    free((void *)family->joint.columns);
    free(family->wanted);
    free(family->start);
    free(family->member);
    free(family->row);
    free(family->unit);
  }
  free(plan->family);
  free(plan->index);
  *plan = (struct nsw_sweep_plan){0};
}

struct nsw_task nsw_sweep_plan_task(const struct nsw_sweep_plan *plan, uint32_t number) {
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

int nsw_sweep_plan_costs(const struct nsw_sweep_plan *plan, double **cost, uint8_t **kind, struct nsw_error *err) {
  *cost = malloc(((size_t)plan->tasks + 1) * sizeof **cost);
  *kind = malloc((size_t)plan->tasks + 1);
  if (!*cost || !*kind) return nsw_no_memory(err, "the costs of %" PRIu32 " evaluations", plan->tasks);
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

static void describe_proxies(FILE *f, const struct nsw_sweep_plan *plan) {
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
    for (int k = 0; k < plan->family[i].parts; k++) {
      const struct nsw_part *part = &plan->family[i].part[k];
      if (*part->options) fprintf(f, "; %s=(%s)", part->proxy->name, part->options);
    }
}

char *nsw_sweep_plan_options(const struct nsw_sweep_plan *plan) {
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
  if (images) fprintf(f, "; dataset=%s; images=%zu; data_sha256=%s", images->dataset, images->count, images->sha256);
  free(rows);
  if (fclose(f)) {
    free(text);
    return NULL;
  }
  return text;
}
