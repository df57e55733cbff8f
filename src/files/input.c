#include "files/input.h"

#include <bzlib.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMPRESSED_WINDOW = 1 << 16 };

struct nsw_input {
  char *name;
  int (*read)(struct nsw_input *input, void *bytes, size_t count, size_t *got, struct nsw_error *err);
  uint64_t left;           /* bytes still to come; of a bzip2 input: bytes it may still give */
  const uint8_t *memory;   /* the next of them */
  int file;                /* descriptor, or -1 */
  uint64_t offset;         /* of the next byte in the file */
  struct nsw_input *inner; /* the compressed bytes */
  bz_stream stream;
  int stream_open;  /* stream needs BZ2_bzDecompressEnd */
  int stream_ended; /* no stream is begun: at its start, or after the last one's end */
  uint8_t *window;  /* [COMPRESSED_WINDOW] */
};

static int create(const char *name, struct nsw_input **input, struct nsw_error *err) {
  struct nsw_input *made = calloc(1, sizeof *made);
  if (made) made->name = strdup(name);
  if (!made || !made->name) {
    free(made);
    return nsw_fail(err, "%s: not enough memory", name);
  }
  made->file = -1;
  *input = made;
  return NSW_OK;
}

static int read_memory(struct nsw_input *input, void *bytes, size_t count, size_t *got, struct nsw_error *err) {
  (void)err;
  *got = count < input->left ? count : (size_t)input->left;
  if (*got) memcpy(bytes, input->memory, *got);
  input->memory += *got;
  input->left -= *got;
  return NSW_OK;
}

int nsw_input_memory(const void *bytes, size_t count, const char *name, struct nsw_input **input,
                     struct nsw_error *err) {
  int status = create(name, input, err);
  if (status) return status;
  (*input)->memory = bytes;
  (*input)->left = count;
  (*input)->read = read_memory;
  return NSW_OK;
}

static int read_file(struct nsw_input *input, void *bytes, size_t count, size_t *got, struct nsw_error *err) {
  ssize_t n;
  if (count > input->left) count = (size_t)input->left;
  do n = pread(input->file, bytes, count, (off_t)input->offset);
  while (n < 0 && errno == EINTR);
  if (n < 0) return nsw_fail(err, "%s: byte %llu: %s", input->name, (unsigned long long)input->offset, strerror(errno));
  if (!n && count && input->left != NSW_TO_THE_END - input->offset)
    return nsw_fail(err, "%s: ends at byte %llu, %llu bytes too early", input->name, (unsigned long long)input->offset,
                    (unsigned long long)input->left);
  *got = (size_t)n;
  input->offset += (size_t)n;
  input->left -= (size_t)n;
  return NSW_OK;
}

int nsw_input_file(const char *path, uint64_t offset, uint64_t length, struct nsw_input **input,
                   struct nsw_error *err) {
  struct stat state;
  int status = create(path, input, err);
  if (status) return status;
  (*input)->read = read_file;
  (*input)->offset = offset;
  (*input)->left = length == NSW_TO_THE_END ? NSW_TO_THE_END - offset : length;
  (*input)->file = open(path, O_RDONLY | O_CLOEXEC);
  if ((*input)->file < 0 || fstat((*input)->file, &state))
    status = nsw_fail(err, "%s: %s", path, strerror(errno));
  else if (S_ISDIR(state.st_mode))
    status = nsw_fail(err, "%s: is a folder", path);
  if (status) nsw_input_close(input);
  return status;
}

/* Makes sure that there are compressed bytes in the window; *end where there are no more. */
static int fill_window(struct nsw_input *input, int *end, struct nsw_error *err) {
  size_t got = 1;
  if (!input->stream.avail_in) {
    int status = nsw_input_read(input->inner, input->window, COMPRESSED_WINDOW, &got, err);
    if (status) return status;
    input->stream.next_in = (char *)input->window;
    input->stream.avail_in = (unsigned)got;
  }
  *end = !got;
  return NSW_OK;
}

static int begin_stream(struct nsw_input *input, struct nsw_error *err) {
  if (input->stream_open) BZ2_bzDecompressEnd(&input->stream);
  input->stream_open = BZ2_bzDecompressInit(&input->stream, 0, 0) == BZ_OK;
  input->stream_ended = 0;
  return input->stream_open ? NSW_OK : nsw_fail(err, "%s: not enough memory for bzip2", input->name);
}

static int read_bzip2(struct nsw_input *input, void *bytes, size_t count, size_t *got, struct nsw_error *err) {
  *got = 0;
  input->stream.next_out = bytes;
  input->stream.avail_out = count > 1 << 30 ? 1u << 30 : (unsigned)count;
  unsigned asked = input->stream.avail_out;
  while (input->stream.avail_out == asked && asked) {
    int end, status = fill_window(input, &end, err);
    if (status) return status;
    if (end && input->stream_ended && input->stream_open) return NSW_OK;
    if (end) return nsw_fail(err, "%s: bzip2 data ends too early", input->name);
    if (input->stream_ended && (status = begin_stream(input, err))) return status;
    int result = BZ2_bzDecompress(&input->stream);
    if (result == BZ_STREAM_END)
      input->stream_ended = 1;
    else if (result == BZ_MEM_ERROR)
      return nsw_fail(err, "%s: not enough memory for bzip2", input->name);
    else if (result == BZ_DATA_ERROR_MAGIC)
      return nsw_fail(err, "%s: not bzip2 data", input->name);
    else if (result != BZ_OK)
      return nsw_fail(err, "%s: bzip2 data is damaged", input->name);
  }
  *got = asked - input->stream.avail_out;
  if (*got > input->left) return nsw_fail(err, "%s: more than can be in such a file when decompressed", input->name);
  input->left -= *got;
  return NSW_OK;
}

int nsw_input_bzip2(struct nsw_input *inner, uint64_t most, struct nsw_input **input, struct nsw_error *err) {
  int status = create(inner->name, input, err);
  if (status) {
    nsw_input_close(&inner);
    return status;
  }
  (*input)->inner = inner;
  (*input)->left = most;
  (*input)->read = read_bzip2;
  (*input)->stream_ended = 1;
  (*input)->window = malloc(COMPRESSED_WINDOW);
  if ((*input)->window) return NSW_OK;
  status = nsw_fail(err, "%s: not enough memory", inner->name);
  nsw_input_close(input);
  return status;
}

int nsw_input_read(struct nsw_input *input, void *bytes, size_t count, size_t *got, struct nsw_error *err) {
  return input->read(input, bytes, count, got, err);
}

const char *nsw_input_name(const struct nsw_input *input) { return input->name; }

void nsw_input_close(struct nsw_input **input) {
  if (!*input) return;
  nsw_input_close(&(*input)->inner);
  if ((*input)->stream_open) BZ2_bzDecompressEnd(&(*input)->stream);
  if ((*input)->file >= 0) close((*input)->file);
  free((*input)->window);
  free((*input)->name);
  free(*input);
  *input = NULL;
}
