/* Searches in the formats people and programs read. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "cli/emit.h"
#include "cli/search.h"

/* ---- what goes out ---- */

#define TITLE(type)                                                                                  \
  NSW_FIELD(type, title.space, TEXT, "space"), NSW_FIELD(type, title.method, TEXT, "method"),        \
      NSW_FIELD(type, title.use, WORD, "use"), NSW_FIELD(type, title.proxy, WORD, "proxy"),          \
      NSW_FIELD(type, title.look, WORD, "look"), NSW_FIELD(type, title.budget, REAL, "budget"),      \
      NSW_FIELD(type, title.unit, TEXT, "unit"), NSW_FIELD(type, title.repeats, COUNT, "repeats"),   \
      NSW_FIELD(type, title.seed, COUNT, "seed"), NSW_FIELD(type, title.settings, WORD, "settings"), \
      NSW_FIELD(type, title.n, COUNT, "n"), NSW_FIELD(type, title.left.unlooked, COUNT, "unlooked"), \
      NSW_FIELD(type, title.left.unreported, COUNT, "unreported"),                                   \
      NSW_FIELD(type, title.left.unscored, COUNT, "unscored")

#define SUMMARY(type, member)                                                                       \
  NSW_FIELD(type, member.mean, REAL, "mean"), NSW_FIELD(type, member.deviation, REAL, "deviation"), \
      NSW_FIELD(type, member.lowest, REAL, "lowest"), NSW_FIELD(type, member.q05, REAL, "q05"),     \
      NSW_FIELD(type, member.q25, REAL, "q25"), NSW_FIELD(type, member.median, REAL, "median"),     \
      NSW_FIELD(type, member.q75, REAL, "q75"), NSW_FIELD(type, member.q95, REAL, "q95"),           \
      NSW_FIELD(type, member.highest, REAL, "highest")

static const struct nsw_field point_fields[] = {
    NSW_MEMBER(nsw_search_point, at, REAL), SUMMARY(nsw_search_point, found), {0}};
static const struct nsw_record point = {NULL, sizeof(struct nsw_search_point), point_fields};

static const struct nsw_field found_fields[] = {NSW_MEMBER(nsw_search_found, index, COUNT),
                                                NSW_MEMBER(nsw_search_found, id, WORD),
                                                NSW_MEMBER(nsw_search_found, times, COUNT),
                                                NSW_MEMBER(nsw_search_found, accuracy, REAL),
                                                {0}};
static const struct nsw_record found = {NULL, sizeof(struct nsw_search_found), found_fields};

static const struct nsw_field search_fields[] = {TITLE(nsw_search_line),
                                                 NSW_MEMBER(nsw_search_line, dataset, TEXT),
                                                 NSW_MEMBER(nsw_search_line, split, TEXT),
                                                 NSW_MEMBER(nsw_search_line, trainings, REAL),
                                                 SUMMARY(nsw_search_line, found),
                                                 NSW_MEMBER(nsw_search_line, looked, REAL),
                                                 NSW_MEMBER(nsw_search_line, optimum, REAL),
                                                 NSW_FIELD_ROWS(nsw_search_line, points, "curve", &point),
                                                 NSW_FIELD_ROWS(nsw_search_line, top, "found", &found),
                                                 {0}};
static const struct nsw_record search = {"search", sizeof(struct nsw_search_line), search_fields};

static const struct nsw_field gain_point_fields[] = {NSW_MEMBER(nsw_gain_point, at, REAL),
                                                     NSW_MEMBER(nsw_gain_point, mean, REAL),
                                                     NSW_MEMBER(nsw_gain_point, error, REAL),
                                                     {0}};
static const struct nsw_record gain_point = {NULL, sizeof(struct nsw_gain_point), gain_point_fields};

static const struct nsw_field gain_fields[] = {TITLE(nsw_gain_line),
                                               NSW_MEMBER(nsw_gain_line, beside, TEXT),
                                               NSW_MEMBER(nsw_gain_line, dataset, TEXT),
                                               NSW_MEMBER(nsw_gain_line, split, TEXT),
                                               NSW_MEMBER(nsw_gain_line, mean, REAL),
                                               NSW_MEMBER(nsw_gain_line, low, REAL),
                                               NSW_MEMBER(nsw_gain_line, high, REAL),
                                               NSW_MEMBER(nsw_gain_line, level, REAL),
                                               NSW_MEMBER(nsw_gain_line, resamples, COUNT),
                                               NSW_MEMBER(nsw_gain_line, pairs, COUNT),
                                               NSW_MEMBER(nsw_gain_line, better, COUNT),
                                               NSW_MEMBER(nsw_gain_line, equal, COUNT),
                                               NSW_MEMBER(nsw_gain_line, worse, COUNT),
                                               NSW_FIELD_ROWS(nsw_gain_line, points, "curve", &gain_point),
                                               {0}};
static const struct nsw_record gain = {"gain", sizeof(struct nsw_gain_line), gain_fields};

static const struct nsw_field model_fields[] = {TITLE(nsw_model_line),
                                                NSW_MEMBER(nsw_model_line, column, WORD),
                                                NSW_MEMBER(nsw_model_line, spearman, REAL),
                                                NSW_MEMBER(nsw_model_line, spearman_deviation, REAL),
                                                NSW_MEMBER(nsw_model_line, kendall, REAL),
                                                NSW_MEMBER(nsw_model_line, kendall_deviation, REAL),
                                                {0}};
static const struct nsw_record model = {"model", sizeof(struct nsw_model_line), model_fields};

static const struct nsw_field published_fields[] = {
    NSW_MEMBER(nsw_published_line, space, TEXT),     NSW_MEMBER(nsw_published_line, method, TEXT),
    NSW_MEMBER(nsw_published_line, group, TEXT),     NSW_MEMBER(nsw_published_line, dataset, TEXT),
    NSW_MEMBER(nsw_published_line, split, TEXT),     NSW_MEMBER(nsw_published_line, mean, REAL),
    NSW_MEMBER(nsw_published_line, deviation, REAL), NSW_MEMBER(nsw_published_line, source, TEXT),
    NSW_MEMBER(nsw_published_line, note, TEXT),      {0}};
static const struct nsw_record published = {"published", sizeof(struct nsw_published_line), published_fields};

/* ---- for people ---- */

static bool same_head(const struct nsw_search_line *a, const struct nsw_search_line *b) {
  return !strcmp(a->title.space, b->title.space) && !strcmp(a->title.look, b->title.look) &&
         !strcmp(a->dataset, b->dataset) && !strcmp(a->split, b->split);
}

/* "evolution, start by sed". */
static const char *label_of(const struct nsw_search_title *t, char text[160]) {
  if (!*t->proxy)
    snprintf(text, 160, "%s", t->method);
  else if (*t->use)
    snprintf(text, 160, "%s, %s by %s", t->method, t->use, t->proxy);
  else
    snprintf(text, 160, "%s by %s", t->method, t->proxy);
  return text;
}

static void print_number(FILE *out, int width, double value) {
  if (isnan(value))
    fprintf(out, " %*s", width, "-");
  else
    fprintf(out, " %*.2f", width, value);
}

static const struct nsw_gain_line *gain_of(const struct nsw_search_outcomes *o, const struct nsw_search_line *line) {
  const struct nsw_gain_line *g = o->gains.at;
  for (size_t i = 0; i < o->gains.count; i++)
    if (!strcmp(g[i].title.space, line->title.space) && !strcmp(g[i].title.method, line->title.method) &&
        !strcmp(g[i].title.use, line->title.use) && !strcmp(g[i].title.proxy, line->title.proxy) &&
        !strcmp(g[i].dataset, line->dataset) && !strcmp(g[i].split, line->split))
      return &g[i];
  return NULL;
}

static bool same_column(const struct nsw_published_line *f, const struct nsw_search_line *l) {
  return f->dataset && !strcmp(f->space, l->title.space) && !strcmp(f->dataset, l->dataset) &&
         !strcmp(f->split, l->split);
}

/* The figure published for the same search without a score, or NULL. */
static const struct nsw_published_line *figure_of(const struct nsw_search_outcomes *o,
                                                  const struct nsw_search_line *l) {
  const struct nsw_published_line *f = o->published.at;
  for (size_t i = 0; i < o->published.count && !*l->title.proxy; i++)
    if (same_column(&f[i], l) && !strcmp(f[i].method, l->title.method)) return &f[i];
  return NULL;
}

/* All figures of the column, best first, then who has none. */
static void print_published(FILE *out, const struct nsw_search_outcomes *o, const struct nsw_search_line *l) {
  const struct nsw_published_line *f = o->published.at;
  double below = INFINITY;
  for (bool more = true; more;) {
    double next = -1;
    for (size_t i = 0; i < o->published.count; i++)
      if (same_column(&f[i], l) && f[i].mean < below && f[i].mean > next) next = f[i].mean;
    for (size_t i = 0; i < o->published.count && next >= 0; i++) {
      if (!same_column(&f[i], l) || f[i].mean != next) continue;
      fprintf(out, "  published: %-29s", f[i].method);
      print_number(out, 7, f[i].mean);
      print_number(out, 6, f[i].deviation);
      fprintf(out, "   %s%s%s\n", f[i].source, f[i].note ? "; " : "", f[i].note ? f[i].note : "");
    }
    more = next >= 0;
    below = next;
  }
  for (size_t i = 0; i < o->published.count; i++)
    if (!strcmp(f[i].space, l->title.space) && isnan(f[i].mean) && (!f[i].dataset || same_column(&f[i], l)))
      fprintf(out, "  published: %-29s %7s %6s   %s\n", f[i].method, "-", "-", f[i].note ? f[i].note : "");
}

static void print_head(FILE *out, const struct nsw_search_line *l) {
  char n[32];
  fprintf(out, "%s: %s/%s of what was found by %s, %g %s, %llu repeats, %s candidates, best there is %.2f\n",
          l->title.space, l->dataset, l->split, l->title.look, l->title.budget, l->title.unit,
          (unsigned long long)l->title.repeats, nsw_grouped(l->title.n, n), l->optimum);
  fprintf(out, "  %-40s %7s %6s %7s %7s %7s   %s\n", "", "mean", "±", "5 %", "median", "95 %",
          "gain over the search without the score");
}

static void print_line(FILE *out, const struct nsw_search_outcomes *o, const struct nsw_search_line *l) {
  char label[160];
  fprintf(out, "  %-40s", label_of(&l->title, label));
  print_number(out, 7, l->found.mean);
  print_number(out, 6, l->found.deviation);
  print_number(out, 7, l->found.q05);
  print_number(out, 7, l->found.median);
  print_number(out, 7, l->found.q95);
  const struct nsw_gain_line *g = gain_of(o, l);
  if (g) fprintf(out, "   %+.3f [%+.3f, %+.3f]", g->mean, g->low, g->high);
  const struct nsw_published_line *f = figure_of(o, l);
  if (f) fprintf(out, "   published: %.2f ± %.2f, %s", f->mean, f->deviation, f->note ? f->note : f->source);
  fputc('\n', out);
}

static void print_table(FILE *out, bool all_published, const struct nsw_search_outcomes *o) {
  const struct nsw_search_line *l = o->searches.at;
  for (size_t i = 0; i < o->searches.count; i++) {
    bool headed = false;
    for (size_t k = 0; k < i && !headed; k++) headed = same_head(&l[k], &l[i]);
    if (headed) continue;
    if (i) fputc('\n', out);
    print_head(out, &l[i]);
    for (size_t k = i; k < o->searches.count; k++)
      if (same_head(&l[k], &l[i])) print_line(out, o, &l[k]);
    if (all_published) print_published(out, o, &l[i]);
  }
  const struct nsw_model_line *m = o->models.at;
  for (size_t i = 0; i < o->models.count; i++) {
    char label[160];
    if (!i) fprintf(out, "\nrank of all candidates by a model fitted to as many at random, against\n");
    fprintf(out, "  %-40s %-28s Spearman %.3f", label_of(&m[i].title, label), m[i].column, m[i].spearman);
    if (!isnan(m[i].spearman_deviation)) fprintf(out, " ± %.3f", m[i].spearman_deviation);
    fprintf(out, ", Kendall %.3f", m[i].kendall);
    if (!isnan(m[i].kendall_deviation)) fprintf(out, " ± %.3f", m[i].kendall_deviation);
    fputc('\n', out);
  }
}

/* ---- CSV: a line a point ---- */

static void print_csv(FILE *out, const struct nsw_search_outcomes *o) {
  static const struct nsw_field label_fields[] = {TITLE(nsw_search_line),
                                                  NSW_MEMBER(nsw_search_line, dataset, TEXT),
                                                  NSW_MEMBER(nsw_search_line, split, TEXT),
                                                  {0}};
  static const struct nsw_record label = {NULL, sizeof(struct nsw_search_line), label_fields};
  nsw_record_csv_head(out, &label);
  fputc(',', out);
  nsw_record_csv_head(out, &point);
  fputc('\n', out);
  const struct nsw_search_line *l = o->searches.at;
  for (size_t i = 0; i < o->searches.count; i++)
    for (size_t k = 0; k < l[i].points.count; k++) {
      nsw_record_csv(out, &label, &l[i]);
      fputc(',', out);
      nsw_record_csv(out, &point, (const struct nsw_search_point *)l[i].points.at + k);
      fputc('\n', out);
    }
}

int nsw_search_print(FILE *out, const char *format, bool all_published, const struct nsw_search_outcomes *o,
                     struct nsw_error *err) {
  if (!strcmp(format, "csv")) {
    print_csv(out, o);
    return NSW_OK;
  }
  if (strcmp(format, "json")) {
    print_table(out, all_published, o);
    return NSW_OK;
  }
  json_t *all = json_array();
  nsw_rows_json(all, &search, &o->searches);
  nsw_rows_json(all, &gain, &o->gains);
  nsw_rows_json(all, &model, &o->models);
  nsw_rows_json(all, &published, &o->published);
  return nsw_json_print(out, all, err);
}
