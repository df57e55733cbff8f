#include "study/crossing.h"

#include <string.h>

enum { LEAF = 16 };

/* A row on its way through the partitions. */
struct item {
  uint32_t code, place, crossed;
};

/* Where a walk writes to. */
struct walk {
  const uint32_t *start; /* of y's codes */
  size_t groups;
  uint32_t *crossed; /* [n] by place */
};

static void leave(const struct walk *w, const struct item *items, uint32_t n) {
  for (uint32_t k = 0; k < n; k++) w->crossed[items[k].place] = items[k].crossed;
}

/* A few items: every one against the one s places on, for all s, in loops of fixed length that compilers turn into
 * vector compares. */
static void cross_leaf(const struct walk *w, const struct item *items, uint32_t n) {
  uint32_t code[2 * LEAF], first[LEAF] = {0}, second[2 * LEAF] = {0};
  memset(code, 0xff, sizeof code);
  for (uint32_t k = 0; k < n; k++) code[k] = items[k].code;
  for (uint32_t s = 1; s < n; s++)
    for (uint32_t k = 0; k < LEAF; k++) {
      uint32_t cross = code[k] != UINT32_MAX && code[k] > code[k + s];
      first[k] += cross;
      second[k + s] += cross;
    }
  for (uint32_t k = 0; k < n; k++) w->crossed[items[k].place] = items[k].crossed + first[k] + second[k];
}

/* Bit by bit from the top: the rows of codes first .. first + 2^bits - 1 stand together in x's order; a pair of them
 * is discordant at the highest bit if a one comes before a zero. So a zero is crossed by the ones before it, a one by
 * the zeros after it; a stable partition makes the groups of the next bit. Nothing is there for the CPU to guess wrong,
 * and small groups stay in cache on their way down. */
static void cross_group(const struct walk *w, struct item *from, struct item *to, size_t first, int bits) {
  size_t half = (size_t)1 << bits >> 1;
  size_t end = first + 2 * half < w->groups ? first + 2 * half : w->groups;
  size_t middle = first + half < w->groups ? first + half : w->groups;
  if (bits == 0) end = middle = first + 1;
  uint32_t zeros = w->start[first], ones = w->start[middle], boundary = ones, last = w->start[end];
  if (bits == 0 || last - zeros < 2) {
    leave(w, from + zeros, last - zeros);
    return;
  }
  if (last - zeros <= LEAF) {
    cross_leaf(w, from + zeros, last - zeros);
    return;
  }
  if (middle == end) {
    cross_group(w, from, to, first, bits - 1);
    return;
  }
  for (uint32_t k = zeros; k < last; k++) {
    struct item item = from[k];
    uint32_t one = item.code >= middle;
    item.crossed += one ? boundary - zeros : ones - boundary;
    to[one ? ones : zeros] = item;
    ones += one;
    zeros += 1 - one;
  }
  cross_group(w, to, from, first, bits - 1);
  cross_group(w, to, from, middle, bits - 1);
}

size_t nsw_crossings_scratch(size_t n) { return 2 * n * sizeof(struct item); }

void nsw_crossings(const struct nsw_sequence *s, void *scratch, uint32_t *crossed) {
  struct walk w = {s->start_y, s->groups_y, crossed};
  struct item *items = scratch;
  int bits = 0;
  if (!s->n) return;
  for (size_t k = 0; k < s->n; k++) items[k] = (struct item){s->code[k], (uint32_t)k, 0};
  while (((size_t)1 << bits) < s->groups_y) bits++;
  cross_group(&w, items, items + s->n, 0, bits);
}

void nsw_places_in_y(const struct nsw_sequence *s, uint32_t *scratch, uint32_t *place) {
  memcpy(scratch, s->start_y, s->groups_y * sizeof *scratch);
  for (size_t k = 0; k < s->n; k++) place[k] = scratch[s->code[k]]++;
}
