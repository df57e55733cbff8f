/* The instruction set the vectorised kernels (src, files ending in _simd.c) are chosen by, at run time. */
#ifndef NSW_BASE_CPU_H
#define NSW_BASE_CPU_H

enum nsw_isa { NSW_PLAIN, NSW_AVX2, NSW_AVX512, NSW_ISAS };

/* The best this CPU and build have. The environment variable NASWEEP_ISA (plain, avx2, avx512) can lower it. */
enum nsw_isa nsw_cpu_isa(void);

/* "plain", "avx2" or "avx512". */
const char *nsw_isa_name(enum nsw_isa isa);

#if defined(__x86_64__)
/* The variant of a function for this CPU; each is declared as NAME_plain, NAME_avx2 and NAME_avx512. */
#define NSW_DISPATCH(isa, name) ((isa) == NSW_AVX512 ? name##_avx512 : (isa) == NSW_AVX2 ? name##_avx2 : name##_plain)
#else
#define NSW_DISPATCH(isa, name) ((void)(isa), name##_plain)
#endif

#endif
