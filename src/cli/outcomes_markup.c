/* The outcome of `correlate` as LaTeX and Markdown, for papers and pages. */
#include <math.h>
#include <string.h>

#include "cli/outcomes.h"

/* ---- LaTeX ---- */

/* Underscores and the like, escaped. */
static void latex_text(FILE *out, const char *text) {
  for (; *text; text++) {
    if (strchr("_%&#$", *text)) fputc('\\', out);
    fputc(*text, out);
  }
}

static void latex_value(FILE *out, const struct nsw_line *l, int k) {
  const struct nsw_interval *i = nsw_line_interval(l, k);
  double low, high;
  if (!isfinite(nsw_line_value(l, k))) {
    fprintf(out, " & --");
    return;
  }
  fprintf(out, " & $%.3f$", nsw_line_value(l, k));
  if (!i) return;
  nsw_interval_ends(i, &low, &high);
  fprintf(out, " {\\scriptsize [%.3f, %.3f]}", low, high);
}

static void latex_target(FILE *out, const struct nsw_line *l) {
  fprintf(out, "\\midrule\n\\multicolumn{%d}{l}{", 4 + NSW_TITLES);
  latex_text(out, l->dataset);
  fprintf(out, ", ");
  latex_text(out, l->split);
  if (l->epochs != UINT64_MAX) fprintf(out, ", %llu epochs", (unsigned long long)l->epochs);
  fprintf(out, "} \\\\\n");
}

static void latex_line(FILE *out, const struct nsw_line *l) {
  latex_text(out, l->space);
  fprintf(out, " & ");
  latex_text(out, l->proxy);
  fprintf(out, " & ");
  latex_text(out, l->subset);
  fprintf(out, " & %llu", (unsigned long long)l->outcome.n);
  for (int k = 0; k < NSW_TITLES; k++) latex_value(out, l, k);
  fprintf(out, " \\\\\n");
}

void nsw_outcomes_print_latex(FILE *out, const struct nsw_outcomes *o) {
  const struct nsw_line *line = o->lines.at;
  fprintf(out, "%% needs \\usepackage{booktabs}\n");
  if (o->resamples)
    fprintf(out, "%% intervals: %g%%, BCa where defined, %llu resamples, seed %llu\n", 100 * o->level,
            (unsigned long long)o->resamples, (unsigned long long)o->seed);
  fprintf(out, "\\begin{tabular}{lllr");
  for (int k = 0; k < NSW_TITLES; k++) fprintf(out, "r");
  fprintf(out, "}\n\\toprule\nspace & proxy & subset & $n$");
  for (int k = 0; k < NSW_TITLES; k++) fprintf(out, " & %s", nsw_titles[k].latex);
  fprintf(out, " \\\\\n");
  for (size_t i = 0; i < o->lines.count; i++) {
    if (!i || !nsw_line_same_target(&line[i], &line[i - 1])) latex_target(out, &line[i]);
    latex_line(out, &line[i]);
  }
  fprintf(out, "\\bottomrule\n\\end{tabular}\n");
}

/* ---- Markdown ---- */

static void markdown_value(FILE *out, const struct nsw_line *l, int k) {
  const struct nsw_interval *v = nsw_line_interval(l, k);
  double low, high;
  if (isfinite(nsw_line_value(l, k)))
    fprintf(out, " %.3f", nsw_line_value(l, k));
  else
    fprintf(out, " –");
  if (v) {
    nsw_interval_ends(v, &low, &high);
    fprintf(out, " [%.3f, %.3f]", low, high);
  }
  fprintf(out, " |");
}

void nsw_outcomes_print_markdown(FILE *out, const struct nsw_outcomes *o) {
  static const char *const heads[NSW_TITLES] = {"Spearman", "Kendall",      "weighted",
                                                "Pearson",  "given params", "given macs"};
  const struct nsw_line *line = o->lines.at;
  fprintf(out, "| space | accuracy | proxy | subset | n |");
  for (int k = 0; k < NSW_TITLES; k++) fprintf(out, " %s |", heads[k]);
  fprintf(out, "\n|---|---|---|---|--:|");
  for (int k = 0; k < NSW_TITLES; k++) fprintf(out, "--:|");
  fprintf(out, "\n");
  for (size_t i = 0; i < o->lines.count; i++) {
    fprintf(out, "| %s | %s/%s | %s | %s | %llu |", line[i].space, line[i].dataset, line[i].split, line[i].proxy,
            line[i].subset, (unsigned long long)line[i].outcome.n);
    for (int k = 0; k < NSW_TITLES; k++) markdown_value(out, &line[i], k);
    fprintf(out, "\n");
  }
}
