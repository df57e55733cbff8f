/* Numbers about what searches found: see search.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "search/search.h"
#include "study/bootstrap.h"

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double quantile(const double *sorted, size_t n, double q) {
  double at = q * (double)(n - 1);
  size_t low = (size_t)at, high = low + 1 < n ? low + 1 : low;
  return sorted[low] + (at - (double)low) * (sorted[high] - sorted[low]);
}

struct nsw_summary nsw_summarise(double *values, size_t n) {
  size_t kept = 0;
  for (size_t i = 0; i < n; i++)
    if (!isnan(values[i])) values[kept++] = values[i];
  struct nsw_summary s = {kept, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
  if (!kept) return s;
  qsort(values, kept, sizeof *values, ascending);
  double sum = 0, square = 0;
  for (size_t i = 0; i < kept; i++) sum += values[i];
  s.mean = sum / (double)kept;
  for (size_t i = 0; i < kept; i++) square += (values[i] - s.mean) * (values[i] - s.mean);
  if (kept > 1) s.deviation = sqrt(square / (double)(kept - 1));
  s.lowest = values[0];
  s.q05 = quantile(values, kept, .05);
  s.q25 = quantile(values, kept, .25);
  s.median = quantile(values, kept, .5);
  s.q75 = quantile(values, kept, .75);
  s.q95 = quantile(values, kept, .95);
  s.highest = values[kept - 1];
  return s;
}

void nsw_outcome_values(const struct nsw_outcome *outcome, const double *value, size_t point, double *out) {
  for (uint64_t r = 0; r < outcome->repeats; r++) {
    double best = outcome->best[r * outcome->points + point];
    out[r] = best > 0 ? value[(size_t)best - 1] : NAN;
  }
}

int nsw_gain(const double *a, const double *b, size_t n, uint64_t resamples, double level, uint64_t seed,
             struct nsw_gain *gain, struct nsw_error *err) {
  double *d = malloc((n + 1) * sizeof *d), *mean = malloc((resamples + 1) * sizeof *mean), sum = 0;
  *gain = (struct nsw_gain){.mean = NAN, .error = NAN, .low = NAN, .high = NAN};
  if (!d || !mean) {
    free(d);
    free(mean);
    return nsw_no_memory(err, "a gain over %zu pairs", n);
  }
  for (size_t i = 0; i < n; i++) {
    if (isnan(a[i]) || isnan(b[i])) continue;
    double one = d[gain->n++] = a[i] - b[i];
    sum += one;
    gain->better += one > 0;
    gain->equal += one == 0;
    gain->worse += one < 0;
  }
  if (gain->n) gain->mean = sum / (double)gain->n;
  if (gain->n > 1) {
    double square = 0;
    for (size_t i = 0; i < gain->n; i++) square += (d[i] - gain->mean) * (d[i] - gain->mean);
    gain->error = sqrt(square / (double)(gain->n - 1) / (double)gain->n);
  }
  for (uint64_t r = 0; r < resamples && gain->n; r++) {
    struct nsw_stream stream = {.seed = seed, .which = r, .purpose = NSW_FOR_BOOTSTRAP};
    double s = 0;
    for (size_t i = 0; i < gain->n; i++) s += d[nsw_random_below(stream, i, gain->n)];
    mean[r] = s / (double)gain->n;
  }
  if (resamples && gain->n) {
    struct nsw_interval interval = nsw_interval(mean, resamples, gain->mean, NAN, level);
    gain->low = interval.low;
    gain->high = interval.high;
  }
  free(d);
  free(mean);
  return NSW_OK;
}
