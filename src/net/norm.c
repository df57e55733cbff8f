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

/* By mean and variance over images of slots first..end-1, the same for all of them. */
static void normalise_group(struct nsw_engine *e, int t, int first, int end) {
  int col = e->place.tensor[t].col, size = e->net->tensor[t].size;
  float *mean = e->scratch.p, *variance = mean + col, pixels = (float)(end - first) * (float)(size * size);
  memset(mean, 0, 2 * (size_t)col * sizeof *mean);
  for (int s = first; s < end; s++) e->pixel->sum(value_plane(e, t, s), mean);
  for (int c = 0; c < col; c++) mean[c] /= pixels;
  for (int s = first; s < end; s++) e->pixel->square(value_plane(e, t, s), mean, variance);
  for (int c = 0; c < col; c++) variance[c] /= pixels;
  for (int s = first; s < (e->stats_step ? end : first + 1); s++) set_scale(e, t, s, mean, variance);
  if (e->run.norm != NSW_NORM_BATCH) return;
  float *kept = e->moments.p + e->place.tensor[t].stats;
  memcpy(kept, mean, 2 * (size_t)col * sizeof *kept);
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
  double since = e->timed ? nsw_engine_now() : 0;
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
      normalise_group(e, t, 0, count);
      break;
    case NSW_NORM_SAMPLE:
      for (int s = 0; s < count; s++) normalise_group(e, t, s, s + 1);
      break;
  }
  nsw_engine_account(e, NSW_WORK_NORM, &since);
}

int nsw_engine_track(const struct nsw_engine *e, float momentum, struct nsw_weights *weights, struct nsw_error *err) {
  int status = NSW_OK;
  for (int t = 0; t < e->net->tensors && status == NSW_OK; t++) {
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

/* Gradient sums of a normalised tensor over slots first..end-1, as means into scratch[0..col) and [col..2col); zero
 * where the statistics do not depend on the images. */
static void gradient_means(struct nsw_engine *e, int t, int group, int first, int end) {
  int col = e->place.tensor[t].col, size = e->net->tensor[t].size, gamma = e->net->tensor[t].gamma;
  float *sum_g = e->scratch.p, *sum_gx = sum_g + col, pixels = (float)(end - first) * (float)(size * size);
  bool fixed = e->run.norm == NSW_NORM_NONE || e->run.norm == NSW_NORM_RUNNING;
  memset(sum_g, 0, 2 * (size_t)col * sizeof *sum_g);
  for (int s = first; s < end; s++) {
    struct nsw_view x = input_of(e, t, s);
    if (e->affine)
      e->pixel->affine_sums(&x, hat_of(e, t, s), grad_plane(e, t, s), sum_g, sum_gx);
    else
      e->pixel->norm_sums(&x, grad_plane(e, t, s), sum_g, sum_gx);
  }
  float *total = e->norm_grads.p + e->place.tensor[t].stats; /* gamma's gradient, then beta's */
  for (int c = 0; c < col; c++) {
    total[c] += sum_gx[c];
    total[col + c] += sum_g[c];
  }
  if (e->probe.count) {
    nsw_probe_vector(e, gamma, group + first, sum_gx);
    nsw_probe_vector(e, gamma + 1, group + first, sum_g);
  }
  for (int c = 0; c < 2 * col; c++) sum_g[c] = fixed ? 0.0f : sum_g[c] / pixels;
}

void nsw_backward_norm(struct nsw_engine *e, int t, int group, int count, nsw_target_fn *target) {
  const struct nsw_tensor *x = &e->net->tensor[t];
  int step = e->run.norm == NSW_NORM_BATCH ? count : 1, col = e->place.tensor[t].col;
  const float *mean_g = e->scratch.p, *mean_gx = mean_g + col;
  for (int first = 0; first < count; first += step) {
    if (x->norm) gradient_means(e, t, group, first, first + step);
    for (int s = first; s < first + step; s++) {
      struct nsw_view in = input_of(e, t, s);
      if (x->norm && e->affine)
        e->pixel->affine_backward(&in, hat_of(e, t, s), grad_plane(e, t, s), mean_g, mean_gx, target(e, t, s));
      else
        e->pixel->norm_backward(&in, grad_plane(e, t, s), mean_g, mean_gx, target(e, t, s));
    }
  }
}
