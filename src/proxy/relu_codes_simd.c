/* Kernels of proxy/relu_codes.h. */
#include <string.h>

#include "base/vec.h"
#include "proxy/relu_codes.h"

NSW_EXACT

/* Bits put one behind the other. */
struct stream {
  uint64_t *words, last; /* the word that is being filled */
  int filled;            /* its bits */
};

NSW_INLINE void append(struct stream *s, uint64_t bits, int n) {
  s->last |= bits << s->filled;
  s->filled += n;
  if (s->filled < 64) return;
  *s->words++ = s->last;
  s->filled -= 64;
  s->last = s->filled ? bits >> (n - s->filled) : 0;
}

void NSW_FN(nsw_codes_pack)(const struct nsw_view *input, int channels, uint64_t *words) {
  const struct nsw_view x = *input;
  struct stream s = {.words = words};
  for (int h = 0; h < x.plane.size; h++)
    for (int w = 0; w < x.plane.size; w++) {
      const float *p = x.plane.p + h * x.plane.row + w * x.plane.col;
      for (int c = 0; c < channels; c += NSW_LANES) {
        int n = channels - c < NSW_LANES ? channels - c : NSW_LANES;
        vf v = x.scale ? vload(p + c) * vload(x.scale + c) + vload(x.shift + c) : vload(p + c);
        append(&s, vpositive(v) & (UINT32_MAX >> (32 - n)), n);
      }
    }
  if (s.filled) *s.words = s.last;
}

size_t NSW_FN(nsw_codes_apart)(const uint64_t *a, const uint64_t *b, size_t length) {
  size_t bits = 0;
  for (size_t k = 0; k < length; k++) bits += (size_t)__builtin_popcountll(a[k] ^ b[k]);
  return bits;
}
