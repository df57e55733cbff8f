/* Linear regions: how many different activation patterns a thin version of the network has among many small images, as
 * TE-NAS counts them. Thin: one cell a stage, few channels, images of 4 x 4 cut out of the data's at random places (the
 * released code takes 3 x 3 of one channel without a stem, which two halvings do not divide evenly). */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/random.h"
#include "data/images.h"
#include "proxy/measure.h"
#include "proxy/relu_codes.h"
#include "proxy/table.h"

enum { IMAGES, CHANNELS };
enum { SIDE = 4, SET_REGIONS = 3 };

struct regions {
  int images, channels;
  float *pixels;     /* [images][3][SIDE][SIDE] */
  uint64_t *pattern; /* [images] hash of all codes so far */
  struct nsw_relu_codes codes;
};

static void close_regions(void *state) {
  struct regions *s = state;
  free(s->pixels);
  free(s->pattern);
  free(s->codes.words);
  free(s);
}

static int whole_number(const char *key, const char *text, long most, int *value, struct nsw_error *err) {
  char *end = NULL;
  long n = strtol(text, &end, 10);
  *value = (int)n;
  if (end != text && !*end && n >= 1 && n <= most) return NSW_OK;
  return nsw_usage(err, "%s=%.40s is not a whole number from 1 to %ld", key, text, most);
}

static int open_regions(const struct nsw_context *context, const char *const *values, void **state,
                        struct nsw_error *err) {
  struct regions *s = calloc(1, sizeof *s);
  bool fewest = !strcmp(values[CHANNELS], "auto");
  if (!s) return nsw_no_memory(err, "a score");
  s->channels = nsw_space_kind(context->space)->fewest_channels;
  int status = whole_number("images", values[IMAGES], 1000000, &s->images, err);
  if (!status && !fewest) status = whole_number("channels", values[CHANNELS], 1024, &s->channels, err);
  if (!status) {
    size_t n = (size_t)s->images;
    s->pixels = malloc(n * 3 * SIDE * SIDE * sizeof *s->pixels);
    s->pattern = malloc(n * sizeof *s->pattern);
    if (!s->pixels || !s->pattern) status = nsw_no_memory(err, "%d images", s->images);
  }
  if (!status)
    *state = s;
  else
    close_regions(s);
  return status;
}

static void observe(void *with, const struct nsw_engine *engine, int layer, enum nsw_moment moment) {
  struct regions *s = with;
  struct nsw_relu_codes *c = &s->codes;
  if (moment != NSW_AFTER_LAYER || c->failed || !nsw_relu_codes(engine, layer, c)) return;
  for (int i = 0; i < s->images; i++)
    for (size_t k = 0; k < c->length; k++)
      s->pattern[i] = nsw_hash_word(s->pattern[i], c->words[(size_t)i * c->length + k]);
}

static int ascending(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static int count_different(uint64_t *pattern, int n) {
  int different = 1;
  qsort(pattern, (size_t)n, sizeof *pattern, ascending);
  for (int i = 1; i < n; i++) different += pattern[i] != pattern[i - 1];
  return different;
}

/* Cuts image i out of one of the first n of the data's at a place drawn by seed and i. */
static void cut_out(const struct nsw_images *from, int n, uint64_t seed, int i, float *to) {
  struct nsw_stream stream = {.seed = seed, .which = (uint64_t)SET_REGIONS << 32, .purpose = NSW_FOR_NOISE};
  uint32_t word[4], places = (uint32_t)(from->resolution - SIDE + 1);
  size_t side = (size_t)from->resolution;
  nsw_random_block(stream, (uint64_t)i, word);
  size_t image = word[0] % (uint32_t)n, top = word[1] % places, left = word[2] % places;
  for (size_t c = 0; c < 3; c++)
    for (size_t h = 0; h < SIDE; h++)
      memcpy(to + (c * SIDE + h) * SIDE, from->pixels + ((image * 3 + c) * side + top + h) * side + left,
             SIDE * sizeof *to);
}

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  struct regions *s = state;
  struct nsw_macro thin = {
      .channels = s->channels, .cells = 1, .classes = lab->context->macro.classes, .resolution = SIDE};
  for (int i = 0; i < s->images; i++)
    cut_out(lab->context->images, lab->samples, lab->seed, i, s->pixels + (size_t)i * 3 * SIDE * SIDE);
  memset(s->pattern, 0, (size_t)s->images * sizeof *s->pattern);
  s->codes.failed = false;
  int status = nsw_lab_aside(lab, &thin, NSW_DRAW_KAIMING, s->pixels, s->images, observe, s, err);
  if (!status && s->codes.failed) status = nsw_no_memory(err, "the codes of ReLUs");
  values[0] = count_different(s->pattern, s->images);
  return status;
}

static const struct nsw_measure measure = {
    .pass = &nsw_pass_own, .work = 0.1, .open = open_regions, .close = close_regions, .take = take};

static const struct nsw_proxy_column columns[] = {
    {"regions", "activation patterns of a thin network among many images", +1}, {0}};

static const struct nsw_proxy_option options[] = {
    {"images", "3000", "pieces of 4 x 4 pixels of the data's images"},
    {"channels", "auto", "of the thin network's first stage; auto: the fewest that the space allows, 1 in nb201"},
    {0}};

const struct nsw_proxy nsw_proxy_regions = {
    .name = "regions",
    .group = "forward",
    .source = "Chen et al., Neural Architecture Search on ImageNet in Four GPU Hours (TE-NAS), arXiv 2102.11535",
    .note =
        "thin networks on pieces of 4 x 4 pixels, where the released code takes 3 x 3 of one channel and no stem; on sss every image has a pattern of its own, and the score says nothing",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
    .samples = NSW_MEASURE_SAMPLES,
    .columns = columns,
    .options = options,
    .measure = &measure,
};
