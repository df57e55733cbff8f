#include "files/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/input_parts.h"

int nsw_input_create(const char *name, struct nsw_input **input, struct nsw_error *err) {
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
  int status = nsw_input_create(name, input, err);
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
  int status = nsw_input_create(path, input, err);
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

int nsw_input_read(struct nsw_input *input, void *bytes, size_t count, size_t *got, struct nsw_error *err) {
  return input->read(input, bytes, count, got, err);
}

const char *nsw_input_name(const struct nsw_input *input) { return input->name; }

void nsw_input_close(struct nsw_input **input) {
  if (!*input) return;
  nsw_input_close(&(*input)->inner);
  if ((*input)->close) (*input)->close(*input);
  if ((*input)->file >= 0) close((*input)->file);
  free((*input)->name);
  free(*input);
  *input = NULL;
}
