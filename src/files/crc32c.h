/* CRC-32C (Castagnoli polynomial, reflected), by the CPU's own instruction where it has one. */
#ifndef NSW_FILES_CRC32C_H
#define NSW_FILES_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* A function that gives the CRC of bytes. */
typedef uint32_t nsw_crc32c_function(const void *bytes, size_t count);

/* By a table, a byte at a time: for CPUs without the instruction. */
uint32_t nsw_crc32c_table(const void *bytes, size_t count);

/* The fastest this CPU has; the environment variable NASWEEP_ISA=plain asks for the table's. */
nsw_crc32c_function *nsw_crc32c_best(void);

/* The CRC as TFRecord files store it: rotated right by 15 bits, plus a constant, so that a CRC of data that holds its
 * own CRC is no trap. */
static inline uint32_t nsw_crc32c_masked(uint32_t crc) { return (crc >> 15 | crc << 17) + UINT32_C(0xa282ead8); }

#endif
