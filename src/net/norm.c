/* Normalisation, forward and back: statistics over pixels become scale and shift, which readers apply.
 *
 *   y = gamma xhat + beta,  xhat = (x - mean) / sqrt(variance + eps)
 *
 * Where all gammas are 1 and all betas 0, scale and shift give xhat itself; else those of xhat lie behind them. */
#include <math.h>

#include "net/engine_state.h"

/* ---- forward ---- */

/* A slot's scale and shift from mean[col] and variance[col]. */
static void set_scale(struct nsw_engine *e, int t, int slot, const float *mean, const float *variance) {
  int col = e->place.tensor[t].col;
  float *scale = stats_of(e, t, slot), *shift = scale + col, *hat = shift + col;
  const float *gamma = e->affines.p + (e->affine ? e->place.tensor[t].stats : 0), *beta = gamma + col;
  for (int c = 0; c < col; c++) {
    scale[c] = 1.0f / sqrtf(variance[c] + (float)NSW_NORM_EPS);
    shift[c] = -mean[c] * scale[c];
  }
  for (int c = 0; c < col && e->affine; c++) {
    hat[c] = scale[c];
    hat[col + c] = shift[c];
    scale[c] *= gamma[c];
    shift[c] = shift[c] * gamma[c] + beta[c];
  }
}

/* Adds the pixels of slots first..end-1 to mean[col] and the sum of squares about it, square[col], of `before` images;
 * those of a piece are taken about its own mean, while it is in cache, and brought together (Chan, Golub and LeVeque,
 * 1983). */
static void add_piece(struct nsw_engine *e, int t, int first, int end, int before, float *mean, float *square) {
  int col = e->place.tensor[t].col, size = e->net->tensor[t].size;
  const int abreast = abreast_of(e, t), from = first / abreast, to = end / abreast;
  float pixels = (float)(end - first) * (float)(size * size);
  float *own_mean = before ? e->scratch.p : mean, *own_square = before ? own_mean + col : square;
  memset(own_mean, 0, (size_t)col * sizeof *mean);
  memset(own_square, 0, (size_t)col * sizeof *square);
  for (int s = from; s < to; s++) e->pixel->sum(value_plane(e, t, s), own_mean);
  nsw_abreast_fold(e, t, own_mean);
  for (int c = 0; c < col; c++) own_mean[c] /= pixels;
  for (int s = from; s < to; s++) e->pixel->square(value_plane(e, t, s), own_mean, own_square);
  nsw_abreast_fold(e, t, own_square);
  float share = (float)(end - first) / (float)(before + end - first);
  for (int c = 0; c < col && before; c++) {
    float apart = own_mean[c] - mean[c];
    mean[c] += apart * share;
    square[c] += own_square[c] + apart * apart * (pixels * (1 - share));
  }
}

/* Up to so many images squares are taken about the mean of all of them, in a second walk; beyond, which scores hardly
 * ask for and training does, piece by piece in one walk, which rounds otherwise. */
enum { TWO_WALKS = 64 };

void nsw_norm_piece(struct nsw_engine *e, int t, int first, int count) {
  int col = e->place.tensor[t].col;
  float *mean = e->moments.p + e->place.tensor[t].stats;
  if (e->images > TWO_WALKS) {
    add_piece(e, t, first, first + count, first, mean, mean + col);
    return;
  }
  if (first == 0) memset(mean, 0, 2 * (size_t)col * sizeof *mean);
  const int abreast = abreast_of(e, t);
  for (int s = first / abreast; s < (first + count) / abreast; s++) e->pixel->sum(value_plane(e, t, s), mean);
}

void nsw_norm_whole(struct nsw_engine *e, int t) {
  int col = e->place.tensor[t].col, size = e->net->tensor[t].size;
  float *mean = e->moments.p + e->place.tensor[t].stats, *variance = mean + col;
  float pixels = (float)e->images * (float)(size * size);
  if (e->images <= TWO_WALKS) {
    nsw_abreast_fold(e, t, mean);
    for (int c = 0; c < col; c++) mean[c] /= pixels;
    for (int s = 0; s < e->images / abreast_of(e, t); s++) e->pixel->square(value_plane(e, t, s), mean, variance);
    nsw_abreast_fold(e, t, variance);
  }
  for (int c = 0; c < col; c++) variance[c] /= pixels;
  for (int s = 0; s < (e->stats_step ? e->images : 1); s++) set_scale(e, t, s, mean, variance);
}

/* By an image's own mean and variance. */
static void normalise_sample(struct nsw_engine *e, int t, int slot) {
  int col = e->place.tensor[t].col, size = e->net->tensor[t].size;
  float *mean = e->scratch.p, *variance = mean + col, pixels = (float)(size * size);
  add_piece(e, t, slot, slot + 1, 0, mean, variance);
  for (int c = 0; c < col; c++) variance[c] /= pixels;
  set_scale(e, t, slot, mean, variance);
}

/* By those of all images, piece by piece as when they go through so. */
static void normalise_batch(struct nsw_engine *e, int t, int count) {
  for (int s = 0; s < count; s += NSW_PIECE) nsw_norm_piece(e, t, s, count - s < NSW_PIECE ? count - s : NSW_PIECE);
  nsw_norm_whole(e, t);
}

/* Readers see the raw value. */
static void normalise_not(struct nsw_engine *e, int t) {
  int col = e->place.tensor[t].col;
  float *scale = stats_of(e, t, 0), *shift = scale + col;
  for (int c = 0; c < col; c++) {
    scale[c] = 1.0f;
    shift[c] = 0.0f;
  }
}

void nsw_forward_norm(struct nsw_engine *e, int t, int count) {
  double since = e->timed ? nsw_thread_seconds() : 0;
  if (t < 0 || !e->net->tensor[t].norm) return;
  const float *kept = e->moments.p + (e->run.norm == NSW_NORM_RUNNING ? e->place.tensor[t].stats : 0);
  switch (e->run.norm) {
    case NSW_NORM_NONE:
      normalise_not(e, t);
      break;
    case NSW_NORM_RUNNING:
      set_scale(e, t, 0, kept, kept + e->place.tensor[t].col);
      break;
    case NSW_NORM_BATCH:
      normalise_batch(e, t, count);
      break;
    case NSW_NORM_SAMPLE:
      for (int s = 0; s < count; s++) normalise_sample(e, t, s);
      break;
  }
  nsw_engine_account(e, NSW_WORK_NORM, &since);
}

int nsw_engine_track(const struct nsw_engine *e, float momentum, struct nsw_weights *weights, struct nsw_error *err) {
  int status = NSW_OK;
  for (int t = 0; t < e->net->tensors && !status; t++) {
    const struct nsw_tensor *x = &e->net->tensor[t];
    if (!x->norm) continue;
    const float *mean = e->moments.p + e->place.tensor[t].stats, *variance = mean + e->place.tensor[t].col;
    float n = (float)e->images * (float)(x->size * x->size), *kept = e->scratch.p, *spread = kept + x->channels;
    nsw_weights_running(weights, x->gamma, kept, spread);
    for (int c = 0; c < x->channels; c++) {
      kept[c] = (1 - momentum) * kept[c] + momentum * mean[c];
      spread[c] = (1 - momentum) * spread[c] + momentum * (variance[c] * (n / (n - 1)));
    }
    status = nsw_weights_set_running(weights, x->gamma, kept, spread, err);
  }
  return status;
}

/* ---- backward ---- */

void nsw_norm_sums(struct nsw_engine *e, int t, int first, int count, float *sum) {
  int col = e->place.tensor[t].col;
  const int abreast = abreast_of(e, t);
  for (int s = first / abreast; s < (first + count) / abreast; s++) {
    struct nsw_view x = input_of(e, t, s);
    if (e->affine)
      e->pixel->affine_sums(&x, hat_of(e, t, s), grad_plane(e, t, s), sum, sum + col);
    else
      e->pixel->norm_sums(&x, grad_plane(e, t, s), sum, sum + col);
  }
}

void nsw_norm_means(struct nsw_engine *e, int t, int images, float *sum) {
  int col = e->place.tensor[t].col, size = e->net->tensor[t].size;
  float pixels = (float)images * (float)(size * size);
  float *total = e->norm_grads.p + e->place.tensor[t].stats; /* gamma's gradient, then beta's */
  bool fixed = e->run.norm == NSW_NORM_NONE || e->run.norm == NSW_NORM_RUNNING;
  nsw_abreast_fold(e, t, sum);
  nsw_abreast_fold(e, t, sum + col);
  for (int c = 0; c < col; c++) {
    total[c] += sum[col + c];
    total[col + c] += sum[c];
  }
  for (int c = 0; c < 2 * col; c++) sum[c] = fixed ? 0.0f : sum[c] / pixels;
}

void nsw_norm_back(struct nsw_engine *e, int t, int first, int count, const float *mean, nsw_target_fn *target,
                   int to) {
  const struct nsw_tensor *x = &e->net->tensor[t];
  const float *mean_gx = mean + e->place.tensor[t].col;
  const int abreast = abreast_of(e, t), from = first / abreast;
  for (int s = from; s < (first + count) / abreast; s++) {
    struct nsw_view in = input_of(e, t, s);
    struct nsw_plane d = target(e, t, to / abreast + s - from);
    if (x->norm && e->affine)
      e->pixel->affine_backward(&in, hat_of(e, t, s), grad_plane(e, t, s), mean, mean_gx, d);
    else
      e->pixel->norm_backward(&in, grad_plane(e, t, s), mean, mean_gx, d);
  }
}

void nsw_backward_norm(struct nsw_engine *e, int t, int group, int count, nsw_target_fn *target) {
  const struct nsw_tensor *x = &e->net->tensor[t];
  int step = e->run.norm == NSW_NORM_BATCH ? count : 1, col = e->place.tensor[t].col;
  float *sum = e->scratch.p;
  for (int first = 0; first < count; first += step) {
    if (x->norm) {
      memset(sum, 0, 2 * (size_t)col * sizeof *sum);
      nsw_norm_sums(e, t, first, step, sum);
      if (e->probe.count) {
        nsw_probe_vector(e, x->gamma, group + first, sum + col);
        nsw_probe_vector(e, x->gamma + 1, group + first, sum);
      }
      nsw_norm_means(e, t, step, sum);
    }
    nsw_norm_back(e, t, first, step, sum, target, first);
  }
}
