/* The searches of `select` in the formats people and programs read. */
#include <stddef.h>
#include <string.h>

#include "cli/select.h"

/* ---- what goes out ---- */

#define LABEL(type)                                                                                               \
  NSW_FIELD(type, label.space, TEXT, "space"), NSW_FIELD(type, label.proxy, TEXT, "proxy"),                       \
      NSW_FIELD(type, label.dataset, TEXT, "dataset"), NSW_FIELD(type, label.split, TEXT, "split"),               \
      NSW_FIELD(type, label.n, COUNT, "n"), NSW_FIELD(type, label.over, COUNT, "over_limits"),                    \
      NSW_FIELD(type, label.excluded, COUNT, "excluded"), NSW_FIELD(type, label.max_params, COUNT, "max_params"), \
      NSW_FIELD(type, label.max_macs, COUNT, "max_macs")

static const struct nsw_field listed_fields[] = {
    NSW_MEMBER(nsw_listed, index, COUNT),  NSW_MEMBER(nsw_listed, id, WORD),
    NSW_MEMBER(nsw_listed, params, COUNT), NSW_MEMBER(nsw_listed, macs, COUNT),
    NSW_MEMBER(nsw_listed, score, REAL),   NSW_MEMBER(nsw_listed, accuracy, REAL),
    NSW_MEMBER(nsw_listed, tied, COUNT),   {0}};
static const struct nsw_record listed = {NULL, sizeof(struct nsw_listed), listed_fields};

static const struct nsw_field point_fields[] = {
    NSW_MEMBER(nsw_point, k, COUNT),   NSW_MEMBER(nsw_point, best, REAL),      NSW_MEMBER(nsw_point, regret, REAL),
    NSW_MEMBER(nsw_point, mean, REAL), NSW_MEMBER(nsw_point, precision, REAL), {0}};
static const struct nsw_record point = {NULL, sizeof(struct nsw_point), point_fields};

static const struct nsw_field curve_fields[] = {LABEL(nsw_curve),
                                                NSW_FIELD(nsw_curve, best, REAL, "best_accuracy"),
                                                NSW_FIELD_ROWS(nsw_curve, points, "points", &point),
                                                NSW_FIELD_ROWS(nsw_curve, top, "top", &listed),
                                                {0}};
static const struct nsw_record curve = {"curve", sizeof(struct nsw_curve), curve_fields};

static const struct nsw_field front_fields[] = {
    LABEL(nsw_front), NSW_MEMBER(nsw_front, cost, TEXT), NSW_FIELD_ROWS(nsw_front, front, "front", &listed), {0}};
static const struct nsw_record front = {"pareto", sizeof(struct nsw_front), front_fields};

static const struct nsw_field two_step_fields[] = {
    LABEL(nsw_two_step_line),
    NSW_MEMBER(nsw_two_step_line, k, COUNT),
    NSW_MEMBER(nsw_two_step_line, candidates, COUNT),
    NSW_MEMBER(nsw_two_step_line, runs, COUNT),
    NSW_MEMBER(nsw_two_step_line, seed, COUNT),
    NSW_MEMBER(nsw_two_step_line, second_step, WORD),
    NSW_FIELD(nsw_two_step_line, outcome.mean, REAL, "accuracy_mean"),
    NSW_FIELD(nsw_two_step_line, outcome.deviation, REAL, "accuracy_deviation"),
    NSW_FIELD(nsw_two_step_line, outcome.lowest, REAL, "accuracy_lowest"),
    NSW_FIELD(nsw_two_step_line, outcome.highest, REAL, "accuracy_highest"),
    {0}};
static const struct nsw_record two_step = {"two_step", sizeof(struct nsw_two_step_line), two_step_fields};

/* ---- for people ---- */

/* Budgets that the table shows: powers of ten; the rest are in JSON. */
static bool shown(uint64_t k) {
  while (k % 10 == 0 && k) k /= 10;
  return k == 1;
}

static bool same_target(const struct nsw_search_label *a, const struct nsw_search_label *b) {
  return !strcmp(a->space, b->space) && !strcmp(a->dataset, b->dataset) && !strcmp(a->split, b->split);
}

static void print_head(FILE *out, const struct nsw_curve *c) {
  const struct nsw_point *p = c->points.at;
  fprintf(out, "%s, %s/%s accuracy, %llu candidates, best %.2f", c->label.space, c->label.dataset, c->label.split,
          (unsigned long long)c->label.n, c->best);
  if (c->label.over) fprintf(out, "; %llu beyond the limits", (unsigned long long)c->label.over);
  fprintf(out, "\n  %-18s", "expected best of");
  for (size_t i = 0; i < c->points.count; i++) {
    char text[32];
    snprintf(text, sizeof text, "top %llu", (unsigned long long)p[i].k);
    if (shown(p[i].k)) fprintf(out, " %9s", text);
  }
  fprintf(out, "   precision at 10, 100, 1000\n");
}

static void print_curve(FILE *out, const struct nsw_curve *c) {
  const struct nsw_point *p = c->points.at;
  fprintf(out, "  %-18s", c->label.proxy);
  for (size_t i = 0; i < c->points.count; i++)
    if (shown(p[i].k)) fprintf(out, " %9.3f", p[i].best);
  fprintf(out, "  ");
  for (size_t i = 0; i < c->points.count; i++)
    if (p[i].k == 10 || p[i].k == 100 || p[i].k == 1000) fprintf(out, " %6.3f", p[i].precision);
  fprintf(out, "\n");
}

static void print_top(FILE *out, const struct nsw_curve *c) {
  const struct nsw_listed *one = c->top.at;
  for (size_t i = 0; i < c->top.count; i++) {
    fprintf(out, "    %s #%zu: index %llu  %s  accuracy %.3f, %llu parameters", c->label.proxy, i + 1,
            (unsigned long long)one[i].index, one[i].id, one[i].accuracy, (unsigned long long)one[i].params);
    if (one[i].tied > 1) fprintf(out, ", one of %llu with this score", (unsigned long long)one[i].tied);
    fprintf(out, "\n");
  }
}

static void print_front(FILE *out, const struct nsw_front *f) {
  const struct nsw_listed *one = f->front.at;
  bool macs = !strcmp(f->cost, "macs");
  fprintf(out, "  front of %s against %s: %zu architectures\n", f->cost, f->label.proxy, f->front.count);
  for (size_t i = 0; i < f->front.count; i++)
    fprintf(out, "    index %-7llu %12llu %s  accuracy %.3f\n", (unsigned long long)one[i].index,
            (unsigned long long)(macs ? one[i].macs : one[i].params), f->cost, one[i].accuracy);
}

static void print_two_step(FILE *out, const struct nsw_two_step_line *l) {
  fprintf(out, "  two steps: of %llu drawn the top %llu by %s, of those the best by %s: %.3f ± %.3f over %llu runs\n",
          (unsigned long long)l->candidates, (unsigned long long)l->k, l->label.proxy, l->second_step, l->outcome.mean,
          l->outcome.deviation, (unsigned long long)l->runs);
}

/* Curves of one space and accuracy, and under them its fronts and two-step searches. */
static void print_target(FILE *out, const struct nsw_selection *job, size_t first, size_t end) {
  const struct nsw_curve *c = job->curves.at;
  const struct nsw_front *f = job->fronts.at;
  const struct nsw_two_step_line *t = job->two_steps.at;
  const struct nsw_search_label *label = &c[first].label;
  if (first) fprintf(out, "\n");
  print_head(out, &c[first]);
  for (size_t i = first; i < end; i++) {
    if (!c[i].points.count) continue;
    print_curve(out, &c[i]);
    print_top(out, &c[i]);
  }
  for (size_t i = 0; i < job->fronts.count; i++)
    if (same_target(&f[i].label, label)) print_front(out, &f[i]);
  for (size_t i = 0; i < job->two_steps.count; i++)
    if (same_target(&t[i].label, label)) print_two_step(out, &t[i]);
}

static void print_table(FILE *out, const struct nsw_selection *job) {
  const struct nsw_curve *c = job->curves.at;
  for (size_t first = 0, end; first < job->curves.count; first = end) {
    for (end = first + 1; end < job->curves.count && same_target(&c[first].label, &c[end].label);) end++;
    print_target(out, job, first, end);
  }
}

/* ---- for programs ---- */

static void print_csv(FILE *out, const struct nsw_selection *job) {
  const struct nsw_curve *c = job->curves.at;
  fprintf(out, "space,dataset,split,proxy,n,");
  nsw_record_csv_head(out, &point);
  fprintf(out, "\n");
  for (size_t i = 0; i < job->curves.count; i++)
    for (size_t k = 0; k < c[i].points.count; k++) {
      fprintf(out, "%s,%s,%s,%s,%llu,", c[i].label.space, c[i].label.dataset, c[i].label.split, c[i].label.proxy,
              (unsigned long long)c[i].label.n);
      nsw_record_csv(out, &point, (const struct nsw_point *)c[i].points.at + k);
      fprintf(out, "\n");
    }
}

static int print_json(FILE *out, const struct nsw_selection *job, struct nsw_error *err) {
  json_t *list = json_array();
  nsw_rows_json(list, &curve, &job->curves);
  nsw_rows_json(list, &front, &job->fronts);
  nsw_rows_json(list, &two_step, &job->two_steps);
  return nsw_json_print(out, list, err);
}

int nsw_select_print(FILE *out, const char *format, const struct nsw_selection *job, struct nsw_error *err) {
  if (!strcmp(format, "json")) return print_json(out, job, err);
  if (!strcmp(format, "csv"))
    print_csv(out, job);
  else
    print_table(out, job);
  return NSW_OK;
}
