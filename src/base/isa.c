#include "base/isa.h"

#include <stdlib.h>
#include <string.h>

#define NAME(a, b, name, ...) #name,
static const char *const names[NSW_ISAS] = {NSW_ISA_LIST(NAME, , )};

const char *nsw_isa_name(enum nsw_isa isa) { return names[isa]; }

#define KEEP_BEST(a, b, name, enumerator, bytes, registers, has, ...) \
  if (has) best = enumerator;
static enum nsw_isa best_here(void) {
  enum nsw_isa best = NSW_PLAIN;
#if defined(__x86_64__)
  __builtin_cpu_init();
#endif
  NSW_ISA_LIST(KEEP_BEST, , )
  return best;
}

enum nsw_isa nsw_cpu_isa(void) {
  enum nsw_isa isa = best_here();
  const char *wish = getenv("NASWEEP_ISA");
  for (int i = 0; wish && i < (int)isa; i++)
    if (!strcmp(wish, names[i])) return (enum nsw_isa)i;
  return isa;
}
