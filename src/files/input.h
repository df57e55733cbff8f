/* Bytes in order, from memory, part of a file, or either of them decompressed. What readers of downloaded files take,
 * so that they do not care where the bytes are and never hold more than a window of them. */
#ifndef NSW_FILES_INPUT_H
#define NSW_FILES_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "nasweep/error.h"

struct nsw_input;

/* Length of a file that ends where the file ends. */
#define NSW_TO_THE_END UINT64_MAX

/* Bytes that stay where they are; name is copied and opens every message. */
int nsw_input_memory(const void *bytes, size_t count, const char *name, struct nsw_input **input,
                     struct nsw_error *err);

/* Part of a file: length bytes from offset. An end of the file before that is an error when it is met. */
int nsw_input_file(const char *path, uint64_t offset, uint64_t length, struct nsw_input **input, struct nsw_error *err);

/* Ways of packing; all but the last may be several streams in a row, as the tools themselves read them. */
enum nsw_packing { NSW_BZIP2, NSW_GZIP, NSW_XZ, NSW_DEFLATE /* as in zip archives */ };

/* What is in a packed stream. Takes over inner, also when it fails. most: bytes of output after which it is an error,
 * so that a small file cannot make endless work. */
int nsw_input_unpack(enum nsw_packing packing, struct nsw_input *inner, uint64_t most, struct nsw_input **input,
                     struct nsw_error *err);

/* A whole file, unpacked where its first bytes say that it is packed: gzip, bzip2, xz, or a zip archive of one file.
 * What is no data at all, or an archive of several files, is refused with what it is and what to do (files/kind.h). */
int nsw_input_open(const char *path, uint64_t most, struct nsw_input **input, struct nsw_error *err);

/* Reads up to `count` bytes; *got is 0 at the end only. */
int nsw_input_read(struct nsw_input *input, void *bytes, size_t count, size_t *got, struct nsw_error *err);

/* The name that messages are to open with. */
const char *nsw_input_name(const struct nsw_input *input);

/* Frees and sets to NULL, inner inputs too; may be called twice. */
void nsw_input_close(struct nsw_input **input);

#endif
