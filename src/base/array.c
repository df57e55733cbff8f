#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The pointer at `list`, whatever it points to, is read and written as bytes. */
static bool resize(void *list, size_t items, size_t size) {
  if (size && items > SIZE_MAX / size) return false;
  void *items_now;
  memcpy(&items_now, list, sizeof items_now);
  void *larger = realloc(items_now, items * size);
  if (!larger) return false;
  memcpy(list, &larger, sizeof larger);
  return true;
}

bool nsw_array_grow(void *list, size_t count, size_t size) {
  if (count & (count - 1)) return true; /* there is room up to the next power of two */
  return count <= SIZE_MAX / 2 && resize(list, count ? 2 * count : 1, size);
}

bool nsw_array_reserve(void *list, size_t *room, size_t need, size_t size) {
  if (need <= *room) return true;
  size_t more = *room <= SIZE_MAX / 2 && 2 * *room > need ? 2 * *room : need;
  if (!resize(list, more, size)) return false;
  *room = more;
  return true;
}
