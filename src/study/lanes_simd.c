/* See study/lanes.h. Compiled once for every instruction set, in GNU C vector types that each of them maps its own
 * registers to. Sums of integers, and sums of doubles in a fixed order without fused multiply-adds: the same on all. */
#include "base/random.h"
#include "base/vec.h"
#include "study/lanes.h"

NSW_EXACT

enum { L = NSW_RESAMPLE_LANES };
typedef NSW_VECTOR(uint8_t, L) byte_lanes;
typedef NSW_VECTOR(uint32_t, L) word_lanes;
typedef NSW_VECTOR(int32_t, L) int_lanes;
typedef NSW_VECTOR(uint64_t, L) long_lanes;
typedef NSW_VECTOR(double, L) real_lanes;

#define WORDS(at) __builtin_convertvector(NSW_LOAD(byte_lanes, at), word_lanes)
#define REALS(words) __builtin_convertvector(words, real_lanes)
#define ADD_LONG(sum, words) (sum) += __builtin_convertvector(words, long_lanes)

void NSW_FN(nsw_draw)(uint64_t seed, uint64_t resample, uint32_t n, uint8_t *count) {
  enum { CHUNK = 2048 };
  struct nsw_stream stream = {.seed = seed, .which = resample, .purpose = NSW_FOR_BOOTSTRAP};
  memset(count, 0, n);
  uint32_t word[CHUNK];
  for (uint64_t done = 0; done < n; done += CHUNK) {
    uint64_t draws = n - done < CHUNK ? n - done : CHUNK;
    nsw_random_words(stream, done / 4, word, draws);
    for (uint64_t k = 0; k < draws; k++) word[k] = (uint32_t)((uint64_t)word[k] * n >> 32);
    for (uint64_t k = 0; k < draws; k++) {
      uint8_t *c = &count[word[k]];
      *c = (uint8_t)(*c + (*c != 255));
    }
  }
}

/* A 16 by 16 transposition: four rounds of interleaving the upper half of the rows with the lower. */
static inline void transpose(byte_lanes v[L]) {
  byte_lanes t[L];
  for (int round = 0; round < 4; round++) {
    for (int i = 0; i < L / 2; i++) {
      t[2 * i] = __builtin_shufflevector(v[i], v[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      t[2 * i + 1] =
          __builtin_shufflevector(v[i], v[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    memcpy(v, t, sizeof t);
  }
}

void NSW_FN(nsw_interleave)(const uint8_t *count, size_t n, uint8_t *lanes) {
  size_t k = 0;
  for (; k + L <= n; k += L) {
    byte_lanes v[L];
    for (int l = 0; l < L; l++) memcpy(&v[l], count + (size_t)l * n + k, L);
    transpose(v);
    memcpy(lanes + k * L, v, sizeof v);
  }
  for (; k < n; k++)
    for (int l = 0; l < L; l++) lanes[k * L + l] = count[(size_t)l * n + k];
}

/* What the walk over the partitions carries. */
struct walk {
  const uint64_t *bits; /* of the top level */
  size_t words;         /* words of bits a level */
  int levels;
  const uint32_t *start;
  size_t d;
  uint64_t largest;   /* square of the largest count */
  uint64_t bound;     /* no lane of pending is above it */
  word_lanes pending; /* not yet in total */
  long_lanes total;
};

static void flush(struct walk *w) {
  ADD_LONG(w->total, w->pending);
  w->pending = (word_lanes){0};
  w->bound = 0;
}

/* One group: rows of codes first.. whose path agrees so far, at `level` bits above the bottom. Pending sums stay in
 * 32 bits and are flushed before any lane could overflow. */
static void partition(struct walk *w, const uint8_t *from, uint8_t *to, size_t zeros, size_t ones, size_t last,
                      int level) {
  const uint64_t *bits = w->bits + (size_t)(w->levels - 1 - level) * w->words;
  uint64_t each = w->largest * (last - ones); /* most that one zero can add */
  size_t k = zeros;
  word_lanes before = {0}, pending;
  while (k < last) {
    uint64_t room = each ? (UINT32_MAX - w->bound) / each : last;
    if (!room) {
      flush(w);
      continue;
    }
    size_t stop = last - k < room ? last : k + room;
    w->bound += each * (stop - k);
    pending = w->pending;
    for (; k < stop; k++) {
      word_lanes count = WORDS(from + k * L);
      uint32_t one = bits[k / 64] >> k % 64 & 1, mask = -one;
      pending += (count & ~mask) * before;
      before += count & mask;
      if (level) {
        memcpy(to + (one ? ones : zeros) * L, from + k * L, L);
        ones += one;
        zeros += 1 - one;
      }
    }
    w->pending = pending;
  }
}

static void descend(struct walk *w, uint8_t *from, uint8_t *to, size_t first, int level) {
  for (;; level--) {
    if (level < 0) return;
    size_t half = (size_t)1 << level;
    size_t end = first + 2 * half < w->d ? first + 2 * half : w->d;
    size_t middle = first + half < w->d ? first + half : w->d;
    if (end - first < 2) return;
    if (middle == end) continue;
    partition(w, from, to, w->start[first], w->start[middle], w->start[end], level);
    if (!level) return;
    descend(w, to, from, first, level - 1);
    first = middle;
    uint8_t *t = from;
    from = to;
    to = t;
  }
}

void NSW_FN(nsw_discordant)(uint8_t *lanes, uint8_t *scratch, const uint64_t *bits, const uint32_t *start, size_t n,
                            size_t d, uint64_t discordant[NSW_RESAMPLE_LANES]) {
  struct walk w = {.bits = bits, .words = (n + 63) / 64, .start = start, .d = d};
  while (((size_t)1 << w.levels) < d) w.levels++;
  byte_lanes most = {0};
  for (size_t k = 0; k < n; k++) {
    byte_lanes v = NSW_LOAD(byte_lanes, lanes + k * L);
    byte_lanes larger = (byte_lanes)(v > most);
    most = (v & larger) | (most & ~larger);
  }
  for (int l = 0; l < L; l++)
    if ((uint64_t)most[l] * most[l] > w.largest) w.largest = (uint64_t)most[l] * most[l];
  descend(&w, lanes, scratch, 0, w.levels - 1);
  flush(&w);
  memcpy(discordant, &w.total, sizeof w.total);
}

void NSW_FN(nsw_lane_ranks)(const uint8_t *lanes, const uint32_t *start, size_t n, size_t d, int32_t *rank,
                            uint64_t tied[NSW_RESAMPLE_LANES], double square[NSW_RESAMPLE_LANES]) {
  word_lanes below = {0};
  long_lanes pairs = {0};
  real_lanes squares = {0};
  for (size_t g = 0; g < d; g++) {
    word_lanes group = {0};
    for (uint32_t k = start[g]; k < start[g + 1]; k++) group += WORDS(lanes + (size_t)k * L);
    /* ranks below+1 .. below+group, twice their mean less n+1 */
    int_lanes r = (int_lanes)(2 * below + group) - (int32_t)n;
    memcpy(rank + g * L, &r, sizeof r);
    real_lanes real = REALS(r);
    squares += REALS(group) * (real * real);
    long_lanes wide = __builtin_convertvector(group, long_lanes);
    pairs += wide * wide;
    below += group;
  }
  for (int l = 0; l < L; l++) {
    tied[l] = (pairs[l] - n) / 2;
    square[l] = squares[l];
  }
}

void NSW_FN(nsw_lane_product)(const uint8_t *lanes, const uint32_t *cx, const uint32_t *cy, const int32_t *rx,
                              const int32_t *ry, size_t n, double product[NSW_RESAMPLE_LANES]) {
  real_lanes sum = {0};
  for (size_t k = 0; k < n; k++) {
    int_lanes a = NSW_LOAD(int_lanes, rx + (size_t)cx[k] * L), b = NSW_LOAD(int_lanes, ry + (size_t)cy[k] * L);
    sum += REALS(WORDS(lanes + k * L)) * (REALS(a) * REALS(b));
  }
  memcpy(product, &sum, sizeof sum);
}

void NSW_FN(nsw_lane_moments)(const uint8_t *lanes, const double *u, const double *v, size_t n,
                              double sums[5][NSW_RESAMPLE_LANES]) {
  real_lanes su = {0}, sv = {0}, uu = {0}, vv = {0}, uv = {0};
  for (size_t k = 0; k < n; k++) {
    real_lanes count = REALS(WORDS(lanes + k * L));
    su += count * u[k];
    sv += count * v[k];
    uu += count * (u[k] * u[k]);
    vv += count * (v[k] * v[k]);
    uv += count * (u[k] * v[k]);
  }
  memcpy(sums[0], &su, sizeof su);
  memcpy(sums[1], &sv, sizeof sv);
  memcpy(sums[2], &uu, sizeof uu);
  memcpy(sums[3], &vv, sizeof vv);
  memcpy(sums[4], &uv, sizeof uv);
}
