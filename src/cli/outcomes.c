#include "cli/outcomes.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* ---- coefficients ---- */

const struct nsw_title nsw_titles[NSW_TITLES] = {
    {"spearman", "Spearman", "$\\rho$"},
    {"kendall_tau_b", "Kendall", "$\\tau_b$"},
    {"weighted_tau", "weighted", "$\\tau_w$"},
    {"pearson", "Pearson", "$r$"},
    {"partial_params", "|params", "$\\rho\\,|$params"},
    {"partial_macs", "|macs", "$\\rho\\,|$macs"},
};

double nsw_line_value(const struct nsw_line *line, int coefficient) {
  const struct nsw_comparison *c = &line->outcome;
  const double values[NSW_TITLES] = {c->spearman, c->kendall,        c->weighted,
                                     c->pearson,  c->partial_params, c->partial_macs};
  return values[coefficient];
}

const struct nsw_interval *nsw_line_interval(const struct nsw_line *line, int coefficient) {
  static const int of[NSW_TITLES] = {NSW_SPEARMAN, NSW_KENDALL, NSW_WEIGHTED, NSW_PEARSON, -1, -1};
  const struct nsw_comparison *c = &line->outcome;
  if (!c->has_intervals || of[coefficient] < 0 || !c->interval[of[coefficient]].defined) return NULL;
  return &c->interval[of[coefficient]];
}

void nsw_interval_ends(const struct nsw_interval *interval, double *low, double *high) {
  bool bca = isfinite(interval->bca_low) && isfinite(interval->bca_high);
  *low = bca ? interval->bca_low : interval->low;
  *high = bca ? interval->bca_high : interval->high;
}

bool nsw_line_same_target(const struct nsw_line *a, const struct nsw_line *b) {
  return !strcmp(a->space, b->space) && !strcmp(a->dataset, b->dataset) && !strcmp(a->split, b->split);
}

/* ---- what goes out ---- */

static const struct nsw_field line_fields[] = {NSW_MEMBER(nsw_line, space, TEXT),
                                               NSW_MEMBER(nsw_line, proxy, TEXT),
                                               NSW_MEMBER(nsw_line, dataset, TEXT),
                                               NSW_MEMBER(nsw_line, split, TEXT),
                                               NSW_MEMBER(nsw_line, epochs, COUNT),
                                               NSW_FIELD(nsw_line, source, TEXT, "accuracy_source"),
                                               NSW_MEMBER(nsw_line, subset, WORD),
                                               NSW_FIELD(nsw_line, outcome.n, COUNT, "n"),
                                               NSW_FIELD(nsw_line, outcome.no_path, COUNT, "no_path"),
                                               NSW_MEMBER(nsw_line, excluded, COUNT),
                                               NSW_FIELD(nsw_line, outcome.pending, COUNT, "pending"),
                                               NSW_FIELD(nsw_line, outcome.failed, COUNT, "failed"),
                                               NSW_FIELD(nsw_line, outcome.unknown, COUNT, "accuracy_unknown"),
                                               NSW_FIELD(nsw_line, outcome.ties_proxy, COUNT, "ties_proxy"),
                                               NSW_FIELD(nsw_line, outcome.ties_accuracy, COUNT, "ties_accuracy"),
                                               NSW_FIELD(nsw_line, outcome.pearson_n, COUNT, "pearson_n"),
                                               NSW_FIELD(nsw_line, outcome.spearman, REAL, "spearman"),
                                               NSW_FIELD(nsw_line, outcome.kendall, REAL, "kendall_tau_b"),
                                               NSW_FIELD(nsw_line, outcome.weighted, REAL, "weighted_tau"),
                                               NSW_FIELD(nsw_line, outcome.pearson, REAL, "pearson"),
                                               NSW_FIELD(nsw_line, outcome.partial_params, REAL, "partial_params"),
                                               NSW_FIELD(nsw_line, outcome.partial_macs, REAL, "partial_macs"),
                                               NSW_FIELD(nsw_line, outcome.spearman_p, REAL, "spearman_p"),
                                               NSW_FIELD(nsw_line, outcome.kendall_p, REAL, "kendall_p"),
                                               NSW_FIELD(nsw_line, outcome.pearson_p, REAL, "pearson_p"),
                                               NSW_FIELD(nsw_line, outcome.undefined, TEXT, "undefined"),
                                               {0}};
static const struct nsw_record line_record = {"correlation", sizeof(struct nsw_line), line_fields};

static const struct nsw_field agreement_fields[] = {
    NSW_MEMBER(nsw_agreement_line, space, TEXT),
    NSW_MEMBER(nsw_agreement_line, subset, WORD),
    NSW_MEMBER(nsw_agreement_line, a, TEXT),
    NSW_MEMBER(nsw_agreement_line, b, TEXT),
    NSW_FIELD(nsw_agreement_line, outcome.n, COUNT, "n"),
    NSW_FIELD(nsw_agreement_line, outcome.spearman, REAL, "spearman"),
    NSW_FIELD(nsw_agreement_line, outcome.kendall, REAL, "kendall_tau_b"),
    {0}};
static const struct nsw_record agreement_record = {"agreement", sizeof(struct nsw_agreement_line), agreement_fields};

static const struct nsw_field stability_fields[] = {
    NSW_MEMBER(nsw_stability_line, space, TEXT),
    NSW_MEMBER(nsw_stability_line, subset, WORD),
    NSW_MEMBER(nsw_stability_line, proxy, TEXT),
    NSW_MEMBER(nsw_stability_line, dataset, TEXT),
    NSW_MEMBER(nsw_stability_line, split, TEXT),
    NSW_MEMBER(nsw_stability_line, seeds, COUNT),
    NSW_FIELD(nsw_stability_line, outcome.n, COUNT, "n"),
    NSW_FIELD(nsw_stability_line, outcome.spearman_mean, REAL, "spearman_mean"),
    NSW_FIELD(nsw_stability_line, outcome.spearman_min, REAL, "spearman_min"),
    NSW_FIELD(nsw_stability_line, outcome.kendall_mean, REAL, "kendall_mean"),
    NSW_FIELD(nsw_stability_line, outcome.kendall_min, REAL, "kendall_min"),
    NSW_FIELD(nsw_stability_line, outcome.accuracy_mean, REAL, "accuracy_spearman_mean"),
    NSW_FIELD(nsw_stability_line, outcome.accuracy_deviation, REAL, "accuracy_spearman_deviation"),
    {0}};
static const struct nsw_record stability_record = {"stability", sizeof(struct nsw_stability_line), stability_fields};

static const struct nsw_field contest_fields[] = {
    NSW_MEMBER(nsw_contest_line, space, TEXT),
    NSW_MEMBER(nsw_contest_line, subset, WORD),
    NSW_MEMBER(nsw_contest_line, dataset, TEXT),
    NSW_MEMBER(nsw_contest_line, split, TEXT),
    NSW_MEMBER(nsw_contest_line, a, TEXT),
    NSW_MEMBER(nsw_contest_line, b, TEXT),
    NSW_FIELD(nsw_contest_line, outcome.n, COUNT, "n"),
    NSW_FIELD(nsw_contest_line, outcome.permutations, COUNT, "permutations"),
    NSW_MEMBER(nsw_contest_line, seed, COUNT),
    NSW_FIELD(nsw_contest_line, outcome.spearman_a, REAL, "spearman_a"),
    NSW_FIELD(nsw_contest_line, outcome.spearman_b, REAL, "spearman_b"),
    NSW_FIELD(nsw_contest_line, outcome.difference, REAL, "difference"),
    NSW_FIELD(nsw_contest_line, outcome.p, REAL, "p"),
    {0}};
static const struct nsw_record contest_record = {"contest", sizeof(struct nsw_contest_line), contest_fields};

static const struct nsw_field timing_fields[] = {NSW_MEMBER(nsw_timing_line, space, TEXT),
                                                 NSW_MEMBER(nsw_timing_line, proxy, TEXT),
                                                 NSW_MEMBER(nsw_timing_line, dataset, TEXT),
                                                 NSW_MEMBER(nsw_timing_line, split, TEXT),
                                                 NSW_MEMBER(nsw_timing_line, n, COUNT),
                                                 NSW_MEMBER(nsw_timing_line, seconds, REAL),
                                                 NSW_FIELD(nsw_timing_line, each, REAL, "seconds_each"),
                                                 NSW_MEMBER(nsw_timing_line, trained, COUNT),
                                                 NSW_FIELD(nsw_timing_line, training, REAL, "training_seconds_each"),
                                                 NSW_FIELD(nsw_timing_line, share, REAL, "share_of_training"),
                                                 {0}};
static const struct nsw_record timing_record = {"timing", sizeof(struct nsw_timing_line), timing_fields};

/* ---- JSON and CSV ---- */

static json_t *json_pair(double a, double b) {
  return isfinite(a) && isfinite(b) ? json_pack("[ff]", a, b) : json_null();
}

static json_t *json_intervals(const struct nsw_line *line, const struct nsw_outcomes *o) {
  json_t *all = json_pack("{s:I, s:f, s:I}", "resamples", (json_int_t)o->resamples, "level", o->level, "seed",
                          (json_int_t)o->seed);
  for (int k = 0; k < NSW_TITLES; k++) {
    const struct nsw_interval *i = nsw_line_interval(line, k);
    if (!i) continue;
    json_object_set_new(all, nsw_titles[k].key,
                        json_pack("{s:o, s:o, s:o, s:I}", "percentile", json_pair(i->low, i->high), "bca",
                                  json_pair(i->bca_low, i->bca_high), "standard_error", nsw_json_real(i->error),
                                  "defined", (json_int_t)i->defined));
  }
  return all;
}

static int print_json(FILE *out, const struct nsw_outcomes *o, struct nsw_error *err) {
  json_t *list = json_array();
  const struct nsw_line *line = o->lines.at;
  for (size_t i = 0; i < o->lines.count; i++) {
    json_t *object = nsw_record_json(&line_record, &line[i]);
    if (line[i].outcome.has_intervals) json_object_set_new(object, "intervals", json_intervals(&line[i], o));
    json_array_append_new(list, object);
  }
  nsw_rows_json(list, &contest_record, &o->contests);
  nsw_rows_json(list, &stability_record, &o->stabilities);
  nsw_rows_json(list, &agreement_record, &o->agreements);
  nsw_rows_json(list, &timing_record, &o->timings);
  return nsw_json_print(out, list, err);
}

static void print_csv(FILE *out, const struct nsw_outcomes *o) {
  const struct nsw_line *line = o->lines.at;
  nsw_record_csv_head(out, &line_record);
  for (int k = 0; k < NSW_TITLES_WITH_INTERVALS && o->resamples; k++)
    fprintf(out, ",%s_low,%s_high,%s_bca_low,%s_bca_high", nsw_titles[k].key, nsw_titles[k].key, nsw_titles[k].key,
            nsw_titles[k].key);
  fprintf(out, "\n");
  for (size_t i = 0; i < o->lines.count; i++) {
    nsw_record_csv(out, &line_record, &line[i]);
    for (int k = 0; k < NSW_TITLES_WITH_INTERVALS && o->resamples; k++) {
      const struct nsw_interval *v = nsw_line_interval(&line[i], k);
      const double ends[] = {v ? v->low : NAN, v ? v->high : NAN, v ? v->bca_low : NAN, v ? v->bca_high : NAN};
      for (int e = 0; e < 4; e++) fputc(',', out), nsw_csv_real(out, ends[e]);
    }
    fprintf(out, "\n");
  }
}

/* ---- all formats ---- */

int nsw_outcomes_check(const char *format, struct nsw_error *err) {
  static const char *const known[] = {"table", "json", "csv", "latex", "markdown"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (!strcmp(format, known[i])) return NSW_OK;
  return nsw_usage(err, "--format %.40s: table, json, csv, latex or markdown", format);
}

int nsw_outcomes_print(FILE *out, const char *format, const struct nsw_outcomes *outcomes, struct nsw_error *err) {
  int status = nsw_outcomes_check(format, err);
  if (status) return status;
  if (!strcmp(format, "json")) return print_json(out, outcomes, err);
  if (!strcmp(format, "csv")) print_csv(out, outcomes);
  if (!strcmp(format, "table")) nsw_outcomes_print_table(out, outcomes);
  if (!strcmp(format, "latex")) nsw_outcomes_print_latex(out, outcomes);
  if (!strcmp(format, "markdown")) nsw_outcomes_print_markdown(out, outcomes);
  return NSW_OK;
}

void nsw_outcomes_free(struct nsw_outcomes *outcomes) {
  nsw_rows_free(&outcomes->lines);
  nsw_rows_free(&outcomes->agreements);
  nsw_rows_free(&outcomes->stabilities);
  nsw_rows_free(&outcomes->contests);
  nsw_rows_free(&outcomes->timings);
}
