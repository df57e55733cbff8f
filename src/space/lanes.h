/* Vectors of 32-bit words for the kernels of this folder that run many streams side by side, one a lane. Included by
 * *_simd.c only, which is compiled once for every instruction set. */
#ifndef NSW_SPACE_LANES_H
#define NSW_SPACE_LANES_H

#include <stdint.h>

#if defined(NSW_ISA_avx512)
enum { NSW_WIDTH = 16 }; /* words in a register */
#elif defined(NSW_ISA_avx2)
enum { NSW_WIDTH = 8 };
#else
enum { NSW_WIDTH = 4 };
#endif

typedef uint32_t words __attribute__((vector_size(NSW_WIDTH * 4), may_alias));
typedef int8_t chars __attribute__((vector_size(NSW_WIDTH * 4), may_alias));

/* name_plain, name_avx2 or name_avx512 */
#define NSW_PASTE2(name, isa) name##_##isa
#define NSW_PASTE(name, isa) NSW_PASTE2(name, isa)
#define NSW_VARIANT(name) NSW_PASTE(name, NSW_ISA)

#endif
