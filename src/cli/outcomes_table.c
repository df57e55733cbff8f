/* The outcome of `correlate` as tables for people. */
#include <math.h>
#include <string.h>

#include "cli/outcomes.h"

/* "0.568", or "-" where undefined. */
static void print_value(FILE *out, double value, int width) {
  if (isfinite(value))
    fprintf(out, "%*.3f", width, value);
  else
    fprintf(out, "%*s", width, "-");
}

static void print_head(FILE *out, const struct nsw_line *l, int proxy, int subset) {
  fprintf(out, "%s against %s/%s accuracy", l->space, l->dataset, l->split);
  if (l->epochs != UINT64_MAX && !strstr(l->split, "ep")) fprintf(out, ", %llu epochs", (unsigned long long)l->epochs);
  /* Papers and licences that a source may go on with are in the file, and in JSON. */
  if (l->source) fprintf(out, " (%.*s)", (int)strcspn(l->source, ":"), l->source);
  fprintf(out, "\n  %-*s  %-*s %9s", proxy, "proxy", subset, "subset", "n");
  for (int k = 0; k < NSW_TITLES; k++) fprintf(out, "%9s", nsw_titles[k].title);
  fprintf(out, "\n");
}

/* Half widths, under the line they belong to. */
static void print_widths(FILE *out, const struct nsw_line *l, int proxy, int subset) {
  fprintf(out, "  %-*s  %-*s %9s", proxy, "", subset, "", "");
  for (int k = 0; k < NSW_TITLES_WITH_INTERVALS; k++) {
    const struct nsw_interval *i = nsw_line_interval(l, k);
    double low, high;
    char text[32] = "";
    if (i) {
      nsw_interval_ends(i, &low, &high);
      snprintf(text, sizeof text, "±%.3f", (high - low) / 2);
    }
    fprintf(out, "%*s", i ? 10 : 9, text); /* the sign is two bytes and one column wide */
  }
  fprintf(out, "\n");
}

static void print_line(FILE *out, const struct nsw_line *l, int proxy, int subset) {
  const struct nsw_comparison *c = &l->outcome;
  char n[32];
  fprintf(out, "  %-*s  %-*s %9s", proxy, l->proxy, subset, l->subset, nsw_grouped(c->n, n));
  for (int k = 0; k < NSW_TITLES; k++) print_value(out, nsw_line_value(l, k), 9);
  if (c->undefined) fprintf(out, "  undefined: %s", c->undefined);
  if (c->pending) fprintf(out, "  %s pending, left out", nsw_grouped(c->pending, n));
  if (c->failed) fprintf(out, "  %s failed, left out", nsw_grouped(c->failed, n));
  if (c->unknown) fprintf(out, "  %s without accuracy, left out", nsw_grouped(c->unknown, n));
  fprintf(out, "\n");
  if (c->has_intervals) print_widths(out, l, proxy, subset);
}

static void print_lines(FILE *out, const struct nsw_outcomes *o) {
  const struct nsw_line *line = o->lines.at;
  int proxy = 5, subset = 6;
  uint64_t lowest = 0;
  char n[32];
  for (size_t i = 0; i < o->lines.count; i++) {
    if ((int)strlen(line[i].proxy) > proxy) proxy = (int)strlen(line[i].proxy);
    if ((int)strlen(line[i].subset) > subset) subset = (int)strlen(line[i].subset);
    if (line[i].outcome.no_path > lowest) lowest = line[i].outcome.no_path;
  }
  for (size_t i = 0; i < o->lines.count; i++) {
    if (!i || !nsw_line_same_target(&line[i], &line[i - 1])) {
      if (i) fprintf(out, "\n");
      print_head(out, &line[i], proxy, subset);
    }
    print_line(out, &line[i], proxy, subset);
  }
  if (lowest)
    fprintf(out, "\nUp to %s architectures without a path take part with the lowest rank.\n", nsw_grouped(lowest, n));
  if (o->resamples)
    fprintf(out,
            "%sHalf widths of %g%% intervals (BCa, else percentile), %llu resamples, seed %llu; --format json has the "
            "ends.\n",
            lowest ? "" : "\n", 100 * o->level, (unsigned long long)o->resamples, (unsigned long long)o->seed);
}

static void print_contests(FILE *out, const struct nsw_rows *rows) {
  const struct nsw_contest_line *l = rows->at;
  char n[32];
  if (rows->count) fprintf(out, "\ncontest\n");
  for (size_t i = 0; i < rows->count; i++)
    fprintf(out, "  %s %s %s/%s  %s %.4f, %s %.4f: difference %+.4f, p = %.3g (%llu permutations, %s rows)\n",
            l[i].space, l[i].subset, l[i].dataset, l[i].split, l[i].a, l[i].outcome.spearman_a, l[i].b,
            l[i].outcome.spearman_b, l[i].outcome.difference, l[i].outcome.p,
            (unsigned long long)l[i].outcome.permutations, nsw_grouped(l[i].outcome.n, n));
}

static void print_stabilities(FILE *out, const struct nsw_rows *rows) {
  const struct nsw_stability_line *l = rows->at;
  char n[32];
  if (rows->count) fprintf(out, "\nstability\n");
  for (size_t i = 0; i < rows->count; i++)
    fprintf(out, "  %s %s  %s: %llu seeds agree by Spearman %.3f (least %.3f), Kendall %.3f (%.3f) over %s\n",
            l[i].space, l[i].subset, l[i].proxy, (unsigned long long)l[i].seeds, l[i].outcome.spearman_mean,
            l[i].outcome.spearman_min, l[i].outcome.kendall_mean, l[i].outcome.kendall_min,
            nsw_grouped(l[i].outcome.n, n));
}

static void print_agreements(FILE *out, const struct nsw_rows *rows) {
  const struct nsw_agreement_line *l = rows->at;
  char n[32];
  if (rows->count) fprintf(out, "\nagreement\n");
  for (size_t i = 0; i < rows->count; i++)
    fprintf(out, "  %s %s  %s and %s: Spearman %.3f, Kendall %.3f over %s\n", l[i].space, l[i].subset, l[i].a, l[i].b,
            l[i].outcome.spearman, l[i].outcome.kendall, nsw_grouped(l[i].outcome.n, n));
}

static void print_timings(FILE *out, const struct nsw_rows *rows) {
  const struct nsw_timing_line *l = rows->at;
  char n[32];
  if (rows->count) fprintf(out, "\ntiming\n");
  for (size_t i = 0; i < rows->count; i++) {
    fprintf(out, "  %s  %s: %.3g s for %s architectures, %.3g s each", l[i].space, l[i].proxy, l[i].seconds,
            nsw_grouped(l[i].n, n), l[i].each);
    if (isfinite(l[i].share))
      fprintf(out, ", %.3g of the %.4g s of training one (%s %s, mean of %s)", l[i].share, l[i].training, l[i].dataset,
              l[i].split, nsw_grouped(l[i].trained, n));
    fprintf(out, "\n");
  }
}

void nsw_outcomes_print_table(FILE *out, const struct nsw_outcomes *o) {
  if (o->lines.count) print_lines(out, o);
  print_contests(out, &o->contests);
  print_stabilities(out, &o->stabilities);
  print_agreements(out, &o->agreements);
  print_timings(out, &o->timings);
}
