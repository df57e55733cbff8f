/* MeCo: whether the channels of feature maps say different things. On one Gaussian image, the smallest eigenvalue of
 * the correlation matrix of a convolution's output channels over its pixels, summed over convolutions.
 *
 * The released program sums over every module, so that one map counts for its convolution, its normalisation, its ReLU
 * and whatever holds them; a normalisation does not change correlations. Here every convolution counts once. */
#include <math.h>
#include <stdlib.h>

#include "base/linalg.h"
#include "proxy/measure.h"
#include "proxy/noise.h"
#include "proxy/table.h"

enum { SIDE = 64 /* pixels of the image, as in the released program */, SET_MECO = 4 };

struct meco {
  double *row;   /* [channels][pixels], centred, of length 1 or all zero */
  double *corr;  /* [channels][channels] */
  double *value; /* [channels] */
  size_t room;   /* numbers of row */
  size_t most;   /* channels there is room for */
  double sum;
  bool failed;
};

static void close_meco(void *state) {
  struct meco *s = state;
  free(s->row);
  free(s->corr);
  free(s->value);
  free(s);
}

static int open_meco(const struct nsw_context *context, const char *const *values, void **state,
                     struct nsw_error *err) {
  (void)context;
  (void)values;
  *state = calloc(1, sizeof(struct meco));
  return *state ? NSW_OK : nsw_no_memory(err, "meco");
}

static bool reserve(struct meco *s, size_t channels, size_t pixels) {
  if (channels * pixels > s->room) {
    free(s->row);
    s->row = malloc(channels * pixels * sizeof *s->row);
    s->room = s->row ? channels * pixels : 0;
  }
  if (channels > s->most) {
    free(s->corr);
    free(s->value);
    s->corr = malloc(channels * channels * sizeof *s->corr);
    s->value = malloc(channels * sizeof *s->value);
    s->most = s->corr && s->value ? channels : 0;
  }
  return s->room && s->most;
}

/* The raw output of one channel, centred and of length 1; zeros where it is constant. */
static void fill_row(const struct nsw_plane *x, int channel, double *row) {
  size_t side = (size_t)x->size, n = side * side;
  double mean = 0, square = 0;
  for (size_t h = 0; h < side; h++)
    for (size_t w = 0; w < side; w++)
      mean += row[h * side + w] = x->p[(ptrdiff_t)h * x->row + (ptrdiff_t)w * x->col + channel];
  mean /= (double)n;
  for (size_t i = 0; i < n; i++) row[i] -= mean, square += row[i] * row[i];
  double factor = square > 0 ? 1 / sqrt(square) : 0;
  for (size_t i = 0; i < n; i++) row[i] *= factor;
}

static void observe(void *state, const struct nsw_engine *engine, int layer, enum nsw_moment moment) {
  struct meco *s = state;
  const struct nsw_net *net = nsw_engine_net(engine);
  const struct nsw_layer *l = &net->layer[layer];
  if (moment != NSW_AFTER_LAYER || l->kind != NSW_LAYER_CONV || s->failed) return;
  struct nsw_view view = nsw_engine_value(engine, l->dst, 0);
  size_t channels = (size_t)net->tensor[l->dst].channels, side = (size_t)view.plane.size, pixels = side * side;
  if (!reserve(s, channels, pixels)) {
    s->failed = true;
    return;
  }
  for (size_t c = 0; c < channels; c++) fill_row(&view.plane, (int)c, s->row + c * pixels);
  for (size_t a = 0; a < channels; a++)
    for (size_t b = 0; b <= a; b++) {
      double sum = 0;
      for (size_t i = 0; i < pixels; i++) sum += s->row[a * pixels + i] * s->row[b * pixels + i];
      s->corr[a * channels + b] = s->corr[b * channels + a] = sum;
    }
  s->sum += nsw_eigenvalues(s->corr, (int)channels, s->value) ? s->value[0] : NAN;
}

/* The network on an image of SIDE pixels, whatever the run's. */
static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  struct meco *s = state;
  struct nsw_macro macro = lab->context->macro;
  macro.resolution = SIDE;
  s->sum = 0;
  s->failed = false;
  float *image = malloc(3 * SIDE * SIDE * sizeof *image);
  if (!image) return nsw_no_memory(err, "an image");
  nsw_noise_images(lab->seed, SET_MECO, 1, SIDE, image);
  int status = nsw_lab_aside(lab, &macro, NSW_DRAW_OWN, image, 1, observe, s, err);
  if (!status && s->failed) status = nsw_no_memory(err, "correlations of channels");
  values[0] = s->sum;
  free(image);
  return status;
}

static const struct nsw_measure measure = {
    .pass = &nsw_pass_own, .work = 0.2 / NSW_MEASURE_SAMPLES, .open = open_meco, .close = close_meco, .take = take};

static const struct nsw_proxy_column columns[] = {
    {"meco", "smallest eigenvalue of the correlations between a convolution's channels, summed over convolutions", +1},
    {0}};

const struct nsw_proxy nsw_proxy_meco = {
    .name = "meco",
    .group = "forward",
    .source =
        "Jiang et al., MeCo: Zero-Shot NAS with One Data and Single Forward Pass via Minimum Eigenvalue of "
        "Correlation, NeurIPS 2023, and its released program",
    .note =
        "counts every live convolution once, where the released program counts every module; one Gaussian image of "
        "64 x 64 pixels, as there",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_SEED,
    .columns = columns,
    .measure = &measure,
};
