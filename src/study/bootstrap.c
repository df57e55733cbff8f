#include "study/bootstrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "study/correlation.h"
#include "study/kendall.h"

enum { L = NSW_RESAMPLE_LANES };

/* What a pair keeps. Rows are renumbered so that place k is row rows[k] of the data: ascending x, ties by y. */
struct nsw_bootstrap {
  struct nsw_lane_kernels kernels;
  uint32_t n;
  struct nsw_ranks x, y; /* own copies */
  uint32_t *rows;        /* [n] rows in the order of x, ties by y */
  uint32_t *codes;       /* [n] y's codes in that order */
  uint32_t *joint;       /* [joints+1] places where each distinct (x, y) begins in that order */
  size_t joints;
  uint64_t *bits;          /* of the partitions, see nsw_lane_bits */
  double *u, *v;           /* [n] centred values in data order, or NULL */
  unsigned wanted;         /* enum nsw_wanted */
  uint8_t *counts;         /* [L][n] */
  uint8_t *lanes;          /* [n][L] in data order */
  uint8_t *sorted, *other; /* [n][L] in some column's order */
  int32_t *rx, *ry;        /* [distinct][L] */
};

static int copy_ranks(const struct nsw_ranks *from, struct nsw_ranks *to) {
  *to = *from;
  to->order = malloc((from->n + 1) * sizeof *to->order);
  to->code = malloc((from->n + 1) * sizeof *to->code);
  to->start = malloc((from->distinct + 1) * sizeof *to->start);
  if (!to->order || !to->code || !to->start) return NSW_FAILED;
  memcpy(to->order, from->order, from->n * sizeof *to->order);
  memcpy(to->code, from->code, from->n * sizeof *to->code);
  memcpy(to->start, from->start, (from->distinct + 1) * sizeof *to->start);
  return NSW_OK;
}

/* values less their mean, over their largest deviation, so that sums neither cancel nor overflow; NULL where a value is
 * not finite. */
static double *centred(const double *values, size_t n) {
  double *out = malloc((n + 1) * sizeof *out), largest = 0;
  long double sum = 0;
  if (!out) return NULL;
  for (size_t i = 0; i < n; i++) sum += values[i];
  double mean = (double)(sum / (n ? n : 1));
  for (size_t i = 0; i < n; i++) {
    out[i] = values[i] - mean;
    if (!(fabs(out[i]) <= largest)) largest = fabs(out[i]);
  }
  if (!isfinite(largest)) {
    free(out);
    return NULL;
  }
  for (size_t i = 0; i < n && largest > 0; i++) out[i] /= largest;
  return out;
}

/* The sequence of y's codes in x's order, its partitions, and the groups tied in both. */
static int make_sequence(struct nsw_bootstrap *b, struct nsw_error *err) {
  size_t n = b->n;
  uint64_t tied_both;
  int status = nsw_kendall_sequence(&b->x, &b->y, b->codes, b->rows, &tied_both, err);
  uint32_t *scratch = malloc(2 * n * sizeof *scratch + 1);
  if (!status && !scratch) status = nsw_no_memory(err, "a bootstrap of %zu rows", n);
  if (!status) {
    memcpy(scratch, b->codes, n * sizeof *scratch);
    nsw_lane_bits(scratch, scratch + n, b->y.start, n, b->y.distinct, b->bits);
    for (size_t k = 0; k < n; k++)
      if (!k || b->codes[k] != b->codes[k - 1] || b->x.code[b->rows[k]] != b->x.code[b->rows[k - 1]])
        b->joint[b->joints++] = (uint32_t)k;
    b->joint[b->joints] = (uint32_t)n;
  }
  free(scratch);
  return status;
}

static int allocate(struct nsw_bootstrap *b, struct nsw_error *err) {
  size_t n = b->n, d = b->x.distinct > b->y.distinct ? b->x.distinct : b->y.distinct;
  b->rows = malloc((n + 1) * sizeof *b->rows);
  b->codes = malloc((n + 1) * sizeof *b->codes);
  b->joint = malloc((n + 1) * sizeof *b->joint);
  b->bits = malloc(nsw_lane_bits_size(n, b->y.distinct) * sizeof *b->bits);
  b->counts = malloc(n * L + 1);
  b->lanes = malloc(n * L + 1);
  b->sorted = malloc(n * L + 1);
  b->other = malloc(n * L + 1);
  b->rx = malloc((d + 1) * L * sizeof *b->rx);
  b->ry = malloc((d + 1) * L * sizeof *b->ry);
  if (b->rows && b->codes && b->joint && b->bits && b->counts && b->lanes && b->sorted && b->other && b->rx && b->ry)
    return NSW_OK;
  return nsw_no_memory(err, "a bootstrap of %zu rows", n);
}

int nsw_bootstrap_create(const struct nsw_ranks *rx, const struct nsw_ranks *ry, const double *x, const double *y,
                         unsigned wanted, struct nsw_bootstrap **bootstrap, struct nsw_error *err) {
  *bootstrap = NULL;
  if (rx->n != ry->n) return nsw_fail(err, "columns of %zu and %zu rows cannot be compared", rx->n, ry->n);
  if (rx->n > NSW_RESAMPLE_ROWS) return nsw_fail(err, "%zu rows are more than can be resampled", rx->n);
  struct nsw_bootstrap *b = calloc(1, sizeof *b);
  if (!b) return nsw_no_memory(err, "a bootstrap of %zu rows", rx->n);
  *bootstrap = b;
  b->kernels = nsw_lane_kernels();
  b->n = (uint32_t)rx->n;
  b->wanted = wanted;
  int status = NSW_OK;
  if (copy_ranks(rx, &b->x) != NSW_OK || copy_ranks(ry, &b->y) != NSW_OK)
    status = nsw_no_memory(err, "a bootstrap of %zu rows", rx->n);
  if (!status) status = allocate(b, err);
  if (!status) status = make_sequence(b, err);
  if (!status && wanted & NSW_WANT_PEARSON) {
    b->u = centred(x, b->n);
    b->v = centred(y, b->n);
  }
  if (status) nsw_bootstrap_free(bootstrap);
  return status;
}

void nsw_bootstrap_free(struct nsw_bootstrap **bootstrap) {
  struct nsw_bootstrap *b = *bootstrap;
  if (!b) return;
  nsw_ranks_free(&b->x);
  nsw_ranks_free(&b->y);
  void *owned[] = {b->rows,   b->codes, b->joint,  b->bits,  b->u,  b->v,
                   b->counts, b->lanes, b->sorted, b->other, b->rx, b->ry};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
  free(b);
  *bootstrap = NULL;
}

static void gather(const uint8_t *lanes, const uint32_t *rows, size_t n, uint8_t *to) {
  for (size_t k = 0; k < n; k++) memcpy(to + k * L, lanes + (size_t)rows[k] * L, L);
}

/* Pairs tied in both columns, in every lane. */
static void tied_both(const struct nsw_bootstrap *b, const uint8_t *sorted, uint64_t tied[L]) {
  uint64_t squares[L] = {0};
  for (size_t g = 0; g < b->joints; g++) {
    uint32_t group[L] = {0};
    for (uint32_t k = b->joint[g]; k < b->joint[g + 1]; k++)
      for (int l = 0; l < L; l++) group[l] += sorted[(size_t)k * L + l];
    for (int l = 0; l < L; l++) squares[l] += (uint64_t)group[l] * group[l];
  }
  for (int l = 0; l < L; l++) tied[l] = (squares[l] - b->n) / 2;
}

static void rank_lanes(struct nsw_bootstrap *b, double spearman[L], double kendall[L]) {
  uint64_t tx[L], ty[L], txy[L], discordant[L], pairs = (uint64_t)b->n * (b->n - 1) / 2;
  double xx[L], yy[L], xy[L];
  gather(b->lanes, b->y.order, b->n, b->sorted);
  b->kernels.ranks(b->sorted, b->y.start, b->n, b->y.distinct, b->ry, ty, yy);
  gather(b->lanes, b->rows, b->n, b->sorted);
  b->kernels.ranks(b->sorted, b->x.start, b->n, b->x.distinct, b->rx, tx, xx);
  b->kernels.product(b->lanes, b->x.code, b->y.code, b->rx, b->ry, b->n, xy);
  tied_both(b, b->sorted, txy);
  b->kernels.discordant(b->sorted, b->other, b->bits, b->y.start, b->n, b->y.distinct, discordant);
  for (int l = 0; l < L; l++) {
    spearman[l] = kendall[l] = NAN;
    if (b->n < 2 || tx[l] == pairs || ty[l] == pairs) continue;
    double difference = (double)((int64_t)(pairs - tx[l] - ty[l] + txy[l]) - 2 * (int64_t)discordant[l]);
    kendall[l] = fmax(-1, fmin(1, difference / sqrt((double)(pairs - tx[l])) / sqrt((double)(pairs - ty[l]))));
    spearman[l] = fmax(-1, fmin(1, xy[l] / (sqrt(xx[l]) * sqrt(yy[l]))));
  }
}

static void pearson_lanes(struct nsw_bootstrap *b, double pearson[L]) {
  double sums[5][L], n = b->n;
  for (int l = 0; l < L; l++) pearson[l] = NAN;
  if (!b->u || !b->v || b->n < 2) return;
  b->kernels.moments(b->lanes, b->u, b->v, b->n, sums);
  for (int l = 0; l < L; l++) {
    double uu = sums[2][l] - sums[0][l] * sums[0][l] / n, vv = sums[3][l] - sums[1][l] * sums[1][l] / n;
    double uv = sums[4][l] - sums[0][l] * sums[1][l] / n;
    /* A resample of one value alone leaves nothing but rounding. */
    if (uu > 1e-13 * sums[2][l] && vv > 1e-13 * sums[3][l]) pearson[l] = fmax(-1, fmin(1, uv / sqrt(uu) / sqrt(vv)));
  }
}

/* Where each value begins once its rows are there count[row] times. */
static void stretch(const struct nsw_ranks *ranks, const uint8_t *count, uint32_t *start) {
  uint32_t at = 0;
  for (size_t g = 0; g < ranks->distinct; g++) {
    start[g] = at;
    for (uint32_t k = ranks->start[g]; k < ranks->start[g + 1]; k++) at += count[ranks->order[k]];
  }
  start[ranks->distinct] = at;
}

/* The order of the resample's rows follows from that of the data: nothing is ranked anew. */
static int weighted_lane(const struct nsw_bootstrap *b, const uint8_t *count, double *tau, struct nsw_error *err) {
  size_t n = b->n, dx = b->x.distinct, dy = b->y.distinct;
  uint32_t *codes = malloc((3 * n + dx + 2 * dy + 3) * sizeof *codes), *crossed = codes + n, *place = codes + 2 * n;
  uint32_t *start_x = codes + 3 * n, *start_y = start_x + dx + 1, *next = start_y + dy + 1;
  void *scratch = malloc(nsw_crossings_scratch(n));
  int status = codes && scratch ? NSW_OK : nsw_no_memory(err, "a bootstrap of %zu rows", n);
  if (!status) {
    struct nsw_sequence s = {n, codes, start_x, start_y, dx, dy};
    size_t at = 0;
    for (size_t k = 0; k < n; k++)
      for (uint8_t c = count[b->rows[k]]; c; c--) codes[at++] = b->codes[k];
    stretch(&b->x, count, start_x);
    stretch(&b->y, count, start_y);
    nsw_crossings(&s, scratch, crossed);
    nsw_places_in_y(&s, next, place);
    *tau = nsw_weighted_tau_of(&s, crossed, place);
  }
  free(codes);
  free(scratch);
  return status;
}

int nsw_bootstrap_batch(struct nsw_bootstrap *b, uint64_t seed, uint64_t batch,
                        double values[NSW_COEFFICIENTS][NSW_RESAMPLE_LANES], struct nsw_error *err) {
  for (int l = 0; l < L; l++) b->kernels.draw(seed, batch * L + (uint64_t)l, b->n, b->counts + (size_t)l * b->n);
  b->kernels.interleave(b->counts, b->n, b->lanes);
  for (int l = 0; l < L; l++) values[NSW_SPEARMAN][l] = values[NSW_KENDALL][l] = NAN;
  if (b->wanted & NSW_WANT_RANKS) rank_lanes(b, values[NSW_SPEARMAN], values[NSW_KENDALL]);
  pearson_lanes(b, values[NSW_PEARSON]);
  int status = NSW_OK;
  for (int l = 0; l < L; l++) {
    values[NSW_WEIGHTED][l] = NAN;
    if (b->wanted & NSW_WANT_WEIGHTED && !status)
      status = weighted_lane(b, b->counts + (size_t)l * b->n, &values[NSW_WEIGHTED][l], err);
  }
  return status;
}
