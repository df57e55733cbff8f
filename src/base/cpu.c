#include "base/cpu.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[NSW_ISAS] = {"plain", "avx2", "avx512"};

const char *nsw_isa_name(enum nsw_isa isa) { return names[isa]; }

static enum nsw_isa best(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl"))
    return NSW_AVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return NSW_AVX2;
#endif
  return NSW_PLAIN;
}

enum nsw_isa nsw_cpu_isa(void) {
  enum nsw_isa isa = best();
  const char *wish = getenv("NASWEEP_ISA");
  for (int i = 0; wish && i < (int)isa; i++)
    if (!strcmp(wish, names[i])) return (enum nsw_isa)i;
  return isa;
}
