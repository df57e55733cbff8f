#include "net/floats.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 }; /* bytes */

void nsw_floats_free(struct nsw_floats *b) {
  free(b->p);
  *b = (struct nsw_floats){0};
}

/* Large blocks ask for huge pages: fewer address translations, and lines of one page never compete for the same places
 * of the second cache, as those of small pages strewn over memory do (src/net/NOTES.md). */
bool nsw_floats_need(struct nsw_floats *b, size_t floats) {
  if (floats <= b->size) return true;
  nsw_floats_free(b);
  size_t bytes = floats * sizeof(float), align = bytes >= HUGE_PAGE ? HUGE_PAGE : NSW_ALIGN;
  bytes = (bytes + align - 1) / align * align;
  b->p = aligned_alloc(align, bytes);
#ifdef MADV_HUGEPAGE
  if (b->p && align == HUGE_PAGE) (void)madvise(b->p, bytes, MADV_HUGEPAGE); /* a wish, which may be refused */
#endif
  b->size = b->p ? floats : 0;
  return b->p != NULL;
}
