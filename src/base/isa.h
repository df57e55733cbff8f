/* The instruction sets that kernels are built for, in one list, and the choice among them at run time.
 *
 * A file that ends in _simd.c is compiled once for each line of the list: with the line's flags, with NSW_ISA set to
 * its name and NSW_ISA_name to 1 (the Makefile reads names and flags from here, by way of the compiler that it builds
 * with). NSW_FN(kernel) of base/vec.h gives each variant a name, NSW_KERNEL declares them all, and NSW_DISPATCH picks
 * one. A new instruction set is a line here; where a kernel has instructions of its own for it, #if
 * defined(NSW_ISA_name). */
#ifndef NSW_BASE_ISA_H
#define NSW_BASE_ISA_H

#include <stdbool.h>

/* ISA(a, b, name, enumerator, bytes of a vector register, number of these, whether this CPU has it, compiler's flags),
 * from the least to the best; a and b are handed on to ISA. The first is what every CPU of the architecture has. */
#if defined(__x86_64__)
#define NSW_ISA_HAS(feature) __builtin_cpu_supports(feature)
#define NSW_ISA_LIST(ISA, a, b)                                                                                      \
  ISA(a, b, plain, NSW_PLAIN, 16, 16, true, )                                                                        \
  ISA(a, b, avx2, NSW_AVX2, 32, 16, NSW_ISA_HAS("avx2") && NSW_ISA_HAS("fma") && NSW_ISA_HAS("bmi2"), -mavx2, -mfma, \
      -mbmi2)                                                                                                        \
  ISA(a, b, avx512, NSW_AVX512, 64, 32,                                                                              \
      NSW_ISA_HAS("avx512f") && NSW_ISA_HAS("avx512dq") && NSW_ISA_HAS("avx512bw") && NSW_ISA_HAS("avx512vl"),       \
      -mavx512f, -mavx512dq, -mavx512bw, -mavx512vl, -mavx2, -mfma, -mbmi2, -mprefer - vector - width = 512)
#elif defined(__aarch64__)
/* Every CPU of the architecture has NEON; plain, blocked for half as many registers, is there to compare with. */
#define NSW_ISA_LIST(ISA, a, b)               \
  ISA(a, b, plain, NSW_PLAIN, 16, 16, true, ) \
  ISA(a, b, neon, NSW_NEON, 16, 32, true, )
#else
#define NSW_ISA_LIST(ISA, a, b) ISA(a, b, plain, NSW_PLAIN, 16, 16, true, )
#endif

#define NSW_ISA_ENUMERATOR(a, b, name, enumerator, ...) enumerator,
#define NSW_ISA_SIZES(a, b, name, enumerator, bytes, registers, ...) \
  NSW_BYTES_##name = (bytes), NSW_REGISTERS_##name = (registers),

enum nsw_isa { NSW_ISA_LIST(NSW_ISA_ENUMERATOR, , ) NSW_ISAS };

/* NSW_BYTES_name, NSW_REGISTERS_name: a vector register's bytes, and how many there are. */
enum { NSW_ISA_LIST(NSW_ISA_SIZES, , ) };

/* The best this CPU and build have. The environment variable NASWEEP_ISA (plain, avx2, ...) can lower it. */
enum nsw_isa nsw_cpu_isa(void);

/* "plain", "avx2", ... */
const char *nsw_isa_name(enum nsw_isa isa);

/* Declares kernel_plain, kernel_avx2, ... of one type, functions or tables of them. */
#define NSW_KERNEL_DECLARE(type, kernel, name, ...) extern type kernel##_##name;
#define NSW_KERNEL(type, kernel) NSW_ISA_LIST(NSW_KERNEL_DECLARE, type, kernel) extern type kernel##_plain

/* The variant for an instruction set of a function, or of a table by its address (&kernel). */
#define NSW_KERNEL_VARIANT(kernel, b, name, ...) kernel##_##name,
#define NSW_DISPATCH(isa, kernel) \
  (((__typeof__(true ? kernel##_plain : kernel##_plain) const[]){NSW_ISA_LIST(NSW_KERNEL_VARIANT, kernel, )})[isa])

/* What the Makefile asks the preprocessor for: "name:flag,flag;" of every line. */
#define NSW_ISA_BUILD(a, b, name, enumerator, bytes, registers, has, ...) \
  name:                                                                   \
  __VA_ARGS__;

#endif
