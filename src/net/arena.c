#include "net/arena.h"

#include <stdbool.h>

enum { ALIGN = 16 };

static bool alive_together(const struct nsw_span *a, const struct nsw_span *b) {
  return a->from <= b->to && b->from <= a->to;
}

/* Largest first; the earlier one among equals. Insertion sort: a network has a few hundred buffers. */
static void sort_by_size(const struct nsw_span *span, int count, int *order) {
  for (int i = 0; i < count; i++) {
    int k = i;
    for (; k > 0 && span[order[k - 1]].size < span[i].size; k--) order[k] = order[k - 1];
    order[k] = i;
  }
}

/* The lowest place where span s meets none of those already placed. */
static size_t lowest_place(const struct nsw_span *span, const int *order, int placed, const struct nsw_span *s) {
  size_t at = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (int i = 0; i < placed; i++) {
      const struct nsw_span *o = &span[order[i]];
      if (!alive_together(o, s) || o->at >= at + s->size || at >= o->at + o->size) continue;
      at = (o->at + o->size + ALIGN - 1) / ALIGN * ALIGN;
      moved = true;
    }
  }
  return at;
}

size_t nsw_arena_place(struct nsw_span *span, int count, int *order) {
  size_t total = 0;
  sort_by_size(span, count, order);
  for (int i = 0; i < count; i++) {
    struct nsw_span *s = &span[order[i]];
    s->at = lowest_place(span, order, i, s);
    if (s->at + s->size > total) total = s->at + s->size;
  }
  return total;
}
