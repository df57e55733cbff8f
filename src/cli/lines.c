#include "cli/lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The coefficients of a line, as all formats name and order them. */
struct coefficient {
  const char *key;   /* JSON and CSV */
  const char *title; /* for people */
  const char *latex;
};

enum { COEFFICIENTS = 6 };
static const struct coefficient coefficients[COEFFICIENTS] = {
    {"spearman", "Spearman", "$\\rho$"},
    {"kendall_tau_b", "Kendall", "$\\tau_b$"},
    {"weighted_tau", "weighted", "$\\tau_w$"},
    {"pearson", "Pearson", "$r$"},
    {"partial_params", "|params", "$\\rho\\,|$params"},
    {"partial_macs", "|macs", "$\\rho\\,|$macs"},
};

static double value_of(const struct nsw_comparison *c, int k) {
  const double values[COEFFICIENTS] = {c->spearman, c->kendall,        c->weighted,
                                       c->pearson,  c->partial_params, c->partial_macs};
  return values[k];
}

/* The interval of coefficient k, or NULL. */
static const struct nsw_interval *interval_of(const struct nsw_comparison *c, int k) {
  static const int of[COEFFICIENTS] = {NSW_SPEARMAN, NSW_KENDALL, NSW_WEIGHTED, NSW_PEARSON, -1, -1};
  if (!c->has_intervals || of[k] < 0 || !c->interval[of[k]].defined) return NULL;
  return &c->interval[of[k]];
}

json_t *nsw_json_real(double value) { return isfinite(value) ? json_real(value) : json_null(); }

const char *nsw_grouped(uint64_t value, char text[32]) {
  char digits[24];
  int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value), at = 0;
  for (int i = 0; i < n; i++) {
    if (i && (n - i) % 3 == 0) text[at++] = ',';
    text[at++] = digits[i];
  }
  text[at] = 0;
  return text;
}

static uint64_t excluded(const struct nsw_comparison *c) { return c->pending + c->failed + c->unknown; }

static json_t *text_or_null(const char *text) { return text ? json_string(text) : json_null(); }

static json_t *json_pair(double a, double b) {
  return isfinite(a) && isfinite(b) ? json_pack("[ff]", a, b) : json_null();
}

static json_t *json_intervals(const struct nsw_comparison *c, const struct nsw_lines_options *o) {
  json_t *all = json_pack("{s:I, s:f, s:I}", "resamples", (json_int_t)o->resamples, "level", o->level, "seed",
                          (json_int_t)o->seed);
  for (int k = 0; k < COEFFICIENTS; k++) {
    const struct nsw_interval *i = interval_of(c, k);
    if (!i) continue;
    json_object_set_new(all, coefficients[k].key,
                        json_pack("{s:o, s:o, s:o, s:I}", "percentile", json_pair(i->low, i->high), "bca",
                                  json_pair(i->bca_low, i->bca_high), "standard_error", nsw_json_real(i->error),
                                  "defined", (json_int_t)i->defined));
  }
  return all;
}

static json_t *json_line(const struct nsw_line *l, const struct nsw_lines_options *o) {
  const struct nsw_comparison *c = &l->outcome;
  json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kind", "correlation", "space", l->space, "proxy",
                             l->proxy, "dataset", l->dataset, "split", l->split, "subset", l->subset);
  const struct {
    const char *key;
    uint64_t value;
  } counts[] = {{"n", c->n},
                {"no_path", c->no_path},
                {"excluded", excluded(c)},
                {"pending", c->pending},
                {"failed", c->failed},
                {"accuracy_unknown", c->unknown},
                {"ties_proxy", c->ties_proxy},
                {"ties_accuracy", c->ties_accuracy},
                {"pearson_n", c->pearson_n}};
  json_object_set_new(object, "epochs", l->epochs ? json_integer(atoll(l->epochs)) : json_null());
  json_object_set_new(object, "accuracy_source", text_or_null(l->source));
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
    json_object_set_new(object, counts[i].key, json_integer((json_int_t)counts[i].value));
  for (int k = 0; k < COEFFICIENTS; k++)
    json_object_set_new(object, coefficients[k].key, nsw_json_real(value_of(c, k)));
  json_object_set_new(object, "spearman_p", nsw_json_real(c->spearman_p));
  json_object_set_new(object, "kendall_p", nsw_json_real(c->kendall_p));
  json_object_set_new(object, "pearson_p", nsw_json_real(c->pearson_p));
  json_object_set_new(object, "undefined", text_or_null(c->undefined));
  if (c->has_intervals) json_object_set_new(object, "intervals", json_intervals(c, o));
  return object;
}

static int emit_json(FILE *out, const struct nsw_line *lines, size_t count, const struct nsw_lines_options *o,
                     struct nsw_error *err) {
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) json_array_append_new(list, json_line(&lines[i], o));
  if (o->more) json_array_extend(list, o->more);
  int bad = json_dumpf(list, out, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
  json_decref(list);
  if (bad) return nsw_fail(err, "the outcome could not be written as JSON");
  fprintf(out, "\n");
  return NSW_OK;
}

static void csv_real(FILE *out, double value) {
  if (isfinite(value))
    fprintf(out, ",%.17g", value);
  else
    fprintf(out, ",");
}

static void emit_csv(FILE *out, const struct nsw_line *lines, size_t count, const struct nsw_lines_options *o) {
  fprintf(out,
          "space,proxy,dataset,split,epochs,subset,n,no_path,pending,failed,accuracy_unknown,ties_proxy,"
          "ties_accuracy,pearson_n");
  for (int k = 0; k < COEFFICIENTS; k++) fprintf(out, ",%s", coefficients[k].key);
  fprintf(out, ",spearman_p,kendall_p,pearson_p,undefined");
  for (int k = 0; k < 4 && o->resamples; k++)
    fprintf(out, ",%s_low,%s_high,%s_bca_low,%s_bca_high", coefficients[k].key, coefficients[k].key,
            coefficients[k].key, coefficients[k].key);
  fprintf(out, "\n");
  for (size_t i = 0; i < count; i++) {
    const struct nsw_line *l = &lines[i];
    const struct nsw_comparison *c = &l->outcome;
    fprintf(out, "%s,%s,%s,%s,%s,%s,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu", l->space, l->proxy, l->dataset, l->split,
            l->epochs ? l->epochs : "", l->subset, (unsigned long long)c->n, (unsigned long long)c->no_path,
            (unsigned long long)c->pending, (unsigned long long)c->failed, (unsigned long long)c->unknown,
            (unsigned long long)c->ties_proxy, (unsigned long long)c->ties_accuracy, (unsigned long long)c->pearson_n);
    for (int k = 0; k < COEFFICIENTS; k++) csv_real(out, value_of(c, k));
    csv_real(out, c->spearman_p);
    csv_real(out, c->kendall_p);
    csv_real(out, c->pearson_p);
    fprintf(out, ",%s", c->undefined ? c->undefined : "");
    for (int k = 0; k < 4 && o->resamples; k++) {
      const struct nsw_interval *v = interval_of(c, k);
      csv_real(out, v ? v->low : NAN);
      csv_real(out, v ? v->high : NAN);
      csv_real(out, v ? v->bca_low : NAN);
      csv_real(out, v ? v->bca_high : NAN);
    }
    fprintf(out, "\n");
  }
}

static int width_of(const struct nsw_line *lines, size_t count, size_t offset, int least) {
  int width = least;
  for (size_t i = 0; i < count; i++) {
    const char *text = *(const char *const *)((const char *)&lines[i] + offset);
    if ((int)strlen(text) > width) width = (int)strlen(text);
  }
  return width;
}

static bool same_target(const struct nsw_line *a, const struct nsw_line *b) {
  return !strcmp(a->space, b->space) && !strcmp(a->dataset, b->dataset) && !strcmp(a->split, b->split);
}

/* "0.568" or "  -  " where undefined. */
static void print_value(FILE *out, double value, int width) {
  if (isfinite(value))
    fprintf(out, "%*.3f", width, value);
  else
    fprintf(out, "%*s", width, "-");
}

/* BCa where it is defined, else percentile. */
static bool ends_of(const struct nsw_interval *i, double *low, double *high) {
  bool bca = isfinite(i->bca_low) && isfinite(i->bca_high);
  *low = bca ? i->bca_low : i->low;
  *high = bca ? i->bca_high : i->high;
  return bca;
}

static void table_head(FILE *out, const struct nsw_line *l) {
  fprintf(out, "%s against %s/%s accuracy", l->space, l->dataset, l->split);
  if (l->epochs) fprintf(out, ", %s epochs", l->epochs);
  if (l->source) fprintf(out, " (%s)", l->source);
  fprintf(out, "\n");
}

static void table_line(FILE *out, const struct nsw_line *l, int proxy, int subset) {
  const struct nsw_comparison *c = &l->outcome;
  char n[32];
  fprintf(out, "  %-*s  %-*s %9s", proxy, l->proxy, subset, l->subset, nsw_grouped(c->n, n));
  for (int k = 0; k < COEFFICIENTS; k++) print_value(out, value_of(c, k), 9);
  if (c->undefined) fprintf(out, "  undefined: %s", c->undefined);
  if (c->pending) fprintf(out, "  %s pending, left out", nsw_grouped(c->pending, n));
  if (c->failed) fprintf(out, "  %s failed, left out", nsw_grouped(c->failed, n));
  if (c->unknown) fprintf(out, "  %s without accuracy, left out", nsw_grouped(c->unknown, n));
  fprintf(out, "\n");
  if (!c->has_intervals) return;
  fprintf(out, "  %-*s  %-*s %9s", proxy, "", subset, "", "");
  for (int k = 0; k < 4; k++) {
    const struct nsw_interval *i = interval_of(c, k);
    double low, high;
    char text[32] = "";
    if (i) {
      ends_of(i, &low, &high);
      snprintf(text, sizeof text, "±%.3f", (high - low) / 2);
      fprintf(out, "%10s", text); /* the sign is two bytes wide and one column */
    } else {
      fprintf(out, "%9s", "");
    }
  }
  fprintf(out, "\n");
}

static void emit_table(FILE *out, const struct nsw_line *lines, size_t count, const struct nsw_lines_options *o) {
  int proxy = width_of(lines, count, offsetof(struct nsw_line, proxy), 5), subset = 6;
  uint64_t lowest = 0;
  for (size_t i = 0; i < count; i++) {
    if ((int)strlen(lines[i].subset) > subset) subset = (int)strlen(lines[i].subset);
    if (lines[i].outcome.no_path > lowest) lowest = lines[i].outcome.no_path;
  }
  for (size_t i = 0; i < count; i++) {
    if (!i || !same_target(&lines[i], &lines[i - 1])) {
      if (i) fprintf(out, "\n");
      table_head(out, &lines[i]);
      fprintf(out, "  %-*s  %-*s %9s", proxy, "proxy", subset, "subset", "n");
      for (int k = 0; k < COEFFICIENTS; k++) fprintf(out, "%9s", coefficients[k].title);
      fprintf(out, "\n");
    }
    table_line(out, &lines[i], proxy, subset);
  }
  char n[32];
  if (lowest)
    fprintf(out, "\nUp to %s architectures without a path take part with the lowest rank.\n", nsw_grouped(lowest, n));
  if (o->resamples)
    fprintf(out,
            "%sHalf widths of %g%% intervals (BCa, else percentile), %llu resamples, seed %llu; --format json has the "
            "ends.\n",
            lowest ? "" : "\n", 100 * o->level, (unsigned long long)o->resamples, (unsigned long long)o->seed);
}

/* Underscores and the like, for LaTeX. */
static void latex_text(FILE *out, const char *text) {
  for (; *text; text++) {
    if (strchr("_%&#$", *text)) fputc('\\', out);
    fputc(*text, out);
  }
}

static void latex_value(FILE *out, const struct nsw_comparison *c, int k) {
  const struct nsw_interval *i = interval_of(c, k);
  double low, high;
  if (!isfinite(value_of(c, k))) {
    fprintf(out, " & --");
    return;
  }
  fprintf(out, " & $%.3f$", value_of(c, k));
  if (!i) return;
  ends_of(i, &low, &high);
  fprintf(out, " {\\scriptsize [%.3f, %.3f]}", low, high);
}

static void emit_latex(FILE *out, const struct nsw_line *lines, size_t count, const struct nsw_lines_options *o) {
  fprintf(out, "%% needs \\usepackage{booktabs}\n");
  if (o->resamples)
    fprintf(out, "%% intervals: %g%%, BCa where defined, %llu resamples, seed %llu\n", 100 * o->level,
            (unsigned long long)o->resamples, (unsigned long long)o->seed);
  fprintf(out, "\\begin{tabular}{lllr");
  for (int k = 0; k < COEFFICIENTS; k++) fprintf(out, "r");
  fprintf(out, "}\n\\toprule\nspace & proxy & subset & $n$");
  for (int k = 0; k < COEFFICIENTS; k++) fprintf(out, " & %s", coefficients[k].latex);
  fprintf(out, " \\\\\n");
  for (size_t i = 0; i < count; i++) {
    const struct nsw_line *l = &lines[i];
    if (!i || !same_target(l, &lines[i - 1])) {
      fprintf(out, "\\midrule\n\\multicolumn{%d}{l}{", 4 + COEFFICIENTS);
      latex_text(out, l->dataset);
      fprintf(out, ", ");
      latex_text(out, l->split);
      if (l->epochs) fprintf(out, ", %s epochs", l->epochs);
      fprintf(out, "} \\\\\n");
    }
    latex_text(out, l->space);
    fprintf(out, " & ");
    latex_text(out, l->proxy);
    fprintf(out, " & ");
    latex_text(out, l->subset);
    fprintf(out, " & %llu", (unsigned long long)l->outcome.n);
    for (int k = 0; k < COEFFICIENTS; k++) latex_value(out, &l->outcome, k);
    fprintf(out, " \\\\\n");
  }
  fprintf(out, "\\bottomrule\n\\end{tabular}\n");
}

static void emit_markdown(FILE *out, const struct nsw_line *lines, size_t count) {
  fprintf(out, "| space | accuracy | proxy | subset | n |");
  for (int k = 0; k < COEFFICIENTS; k++)
    fprintf(out, " %s |", k < 4 ? coefficients[k].title : k == 4 ? "given params" : "given macs");
  fprintf(out, "\n|---|---|---|---|--:|");
  for (int k = 0; k < COEFFICIENTS; k++) fprintf(out, "--:|");
  fprintf(out, "\n");
  for (size_t i = 0; i < count; i++) {
    const struct nsw_line *l = &lines[i];
    fprintf(out, "| %s | %s/%s | %s | %s | %llu |", l->space, l->dataset, l->split, l->proxy, l->subset,
            (unsigned long long)l->outcome.n);
    for (int k = 0; k < COEFFICIENTS; k++) {
      const struct nsw_interval *v = interval_of(&l->outcome, k);
      double low, high;
      if (isfinite(value_of(&l->outcome, k)))
        fprintf(out, " %.3f", value_of(&l->outcome, k));
      else
        fprintf(out, " –");
      if (v) {
        ends_of(v, &low, &high);
        fprintf(out, " [%.3f, %.3f]", low, high);
      }
      fprintf(out, " |");
    }
    fprintf(out, "\n");
  }
}

int nsw_lines_check(const char *format, struct nsw_error *err) {
  static const char *const known[] = {"table", "json", "csv", "latex", "markdown"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (!strcmp(format, known[i])) return NSW_OK;
  return nsw_usage(err, "--format %.40s: table, json, csv, latex or markdown", format);
}

int nsw_lines_emit(FILE *out, const char *format, const struct nsw_line *lines, size_t count,
                   const struct nsw_lines_options *options, struct nsw_error *err) {
  int status = nsw_lines_check(format, err);
  if (status != NSW_OK) return status;
  if (!strcmp(format, "json")) return emit_json(out, lines, count, options, err);
  if (!strcmp(format, "csv")) emit_csv(out, lines, count, options);
  if (!strcmp(format, "table")) emit_table(out, lines, count, options);
  if (!strcmp(format, "latex")) emit_latex(out, lines, count, options);
  if (!strcmp(format, "markdown")) emit_markdown(out, lines, count);
  return NSW_OK;
}
