/* Synthetic images: sums of plane waves whose amplitude falls as 1/frequency, as in photographs, with a share of the
 * low frequencies common to a class. Whole numbers throughout, after tables rounded from libm: the same bytes on every
 * machine and compiler. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "data/layout.h"

enum {
  FIELDS = 4,      /* brightness, and a smaller part of each channel's own */
  HIGHEST = 16,    /* waves across the picture, at most */
  CLASS_WAVES = 4, /* up to this frequency a class has waves of its own */
  MOST_WAVES = (2 * HIGHEST + 1) * (HIGHEST + 1),
  MOST_RESOLUTION = 256,
  BELL_DEVIATION = 37837 /* of bell(): 2^17 / sqrt(12) */
};

/* A plane wave: cosine and sine amplitudes of one frequency pair. */
struct wave {
  int u, v;      /* periods across and down; v >= 0, one of each pair (u,v), (-u,-v) */
  double weight; /* 1 / sqrt(u*u + v*v) */
};

/* All waves a resolution can show, without the mean. */
static int list_waves(int resolution, struct wave *waves) {
  int highest = resolution / 2 - 1 < HIGHEST ? resolution / 2 - 1 : HIGHEST, n = 0;
  for (int v = 0; v <= highest; v++)
    for (int u = -highest; u <= highest; u++)
      if (v > 0 || u > 0) waves[n++] = (struct wave){u, v, 1 / sqrt((double)(u * u + v * v))};
  return n;
}

/* A nearly normal number: the sum of four uniform ones, deviation BELL_DEVIATION. */
static int64_t bell(struct nsw_stream stream, uint64_t at) {
  uint32_t words[4];
  nsw_random_block(stream, at, words);
  int64_t sum = 0;
  for (int i = 0; i < 4; i++) sum += (int64_t)(words[i] >> 16) - 32768;
  return sum;
}

/* The two amplitudes of wave w in field f: the image's own, and for low frequencies twice as much of the class's. */
static void amplitudes(struct nsw_stream own, struct nsw_stream class, const struct wave *wave, int w, int f,
                       int32_t out[2]) {
  bool low = wave->u * wave->u + wave->v * wave->v <= CLASS_WAVES * CLASS_WAVES;
  for (int k = 0; k < 2; k++) {
    uint64_t at = ((uint64_t)f * MOST_WAVES + (uint64_t)w) * 2 + (uint64_t)k;
    int64_t a = bell(own, at);
    if (low) a = (a + 2 * bell(class, at)) * 29 / 65; /* over sqrt(5), so that the deviation stays */
    out[k] = (int32_t)lrint((double)a * wave->weight / 64);
  }
}

/* Adds the waves of one v (n of them, amplitudes in pairs) to a field, one dimension after the other: with
 * p(x) = sum of a cos(ux) + b sin(ux) and q(x) = sum of b cos(ux) - a sin(ux), the field is p(x) cos(vy) + q(x)
 * sin(vy). table: cosine and sine of one period in `size` steps, times 2^14. */
static void add_waves(const struct wave *waves, int n, const int32_t (*amplitude)[2], const int32_t (*table)[2],
                      int size, int64_t *field) {
  for (int x = 0; x < size; x++) {
    int64_t p = 0, q = 0;
    for (int w = 0; w < n; w++) {
      const int32_t *at = table[(waves[w].u * x % size + size) % size];
      p += (int64_t)amplitude[w][0] * at[0] + (int64_t)amplitude[w][1] * at[1];
      q += (int64_t)amplitude[w][1] * at[0] - (int64_t)amplitude[w][0] * at[1];
    }
    for (int y = 0; y < size; y++) {
      const int32_t *at = table[waves[0].v * y % size];
      field[y * size + x] += p * at[0] + q * at[1];
    }
  }
}

/* Writes one image from its four fields; spread: a field's expected deviation. */
static void colour(const int64_t *fields, double brightness, double spread, size_t plane, uint8_t *pixels) {
  const double *middle = nsw_cifar10.mean;
  for (size_t c = 0; c < 3; c++)
    for (size_t p = 0; p < plane; p++) {
      double light = (double)fields[p] / spread, tint = (double)fields[(c + 1) * plane + p] / spread;
      double value = middle[c] + brightness + 50 * light + 18 * tint;
      pixels[c * plane + p] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : floor(value + 0.5));
    }
}

/* One field of one image. */
static void make_field(struct nsw_stream own, struct nsw_stream class, const struct wave *waves, int n, int f,
                       const int32_t (*table)[2], int size, int64_t *field) {
  int32_t amplitude[2 * HIGHEST + 1][2];
  memset(field, 0, (size_t)size * (size_t)size * sizeof *field);
  for (int w = 0, end; w < n; w = end) {
    for (end = w; end < n && waves[end].v == waves[w].v; end++)
      amplitudes(own, class, &waves[end], end, f, amplitude[end - w]);
    add_waves(waves + w, end - w, amplitude, table, size, field);
  }
}

int nsw_synthetic_make(uint64_t seed, int classes, int resolution, size_t count, uint8_t *pixels, uint8_t *labels,
                       struct nsw_error *err) {
  struct wave waves[MOST_WAVES];
  int32_t table[MOST_RESOLUTION][2];
  size_t plane = (size_t)resolution * (size_t)resolution;
  int n = list_waves(resolution, waves);
  double power = 0;
  for (int i = 0; i < resolution; i++) {
    table[i][0] = (int32_t)lrint(16384 * cos(2 * M_PI * i / resolution));
    table[i][1] = (int32_t)lrint(16384 * sin(2 * M_PI * i / resolution));
  }
  for (int w = 0; w < n; w++) power += waves[w].weight * waves[w].weight;
  double spread = sqrt(power) * BELL_DEVIATION / 64 * 16384 * 16384;
  int64_t *fields = malloc(FIELDS * plane * sizeof *fields);
  if (!fields) return nsw_fail(err, "not enough memory for a synthetic image (%zu bytes)", FIELDS * plane * 8);
  for (size_t i = 0; i < count; i++) {
    labels[i] = (uint8_t)(i % (size_t)classes);
    struct nsw_stream own = {seed, i, NSW_FOR_IMAGES};
    struct nsw_stream class = {seed, UINT64_C(1) << 63 | labels[i], NSW_FOR_IMAGES};
    for (int f = 0; f < FIELDS; f++)
      make_field(own, class, waves, n, f, (const int32_t(*)[2])table, resolution, fields + (size_t)f * plane);
    double brightness = (double)bell(own, UINT64_C(1) << 40) * 25 / BELL_DEVIATION;
    colour(fields, brightness, spread, plane, pixels + i * 3 * plane);
  }
  free(fields);
  return NSW_OK;
}
