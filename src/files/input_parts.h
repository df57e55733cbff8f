/* What an input is made of, for the files that make inputs. */
#ifndef NSW_FILES_INPUT_PARTS_H
#define NSW_FILES_INPUT_PARTS_H

#include "files/input.h"

struct nsw_input {
  char *name;
  int (*read)(struct nsw_input *input, void *bytes, size_t count, size_t *got, struct nsw_error *err);
  void (*close)(struct nsw_input *input); /* frees what is its own; NULL: nothing is */
  uint64_t left;                          /* bytes still to come; of an unpacked input: bytes it may still give */
  const uint8_t *memory;                  /* the next of them */
  int file;                               /* descriptor, or -1 */
  uint64_t offset;                        /* of the next byte in the file */
  struct nsw_input *inner;                /* the packed bytes, owned */
  void *state;                            /* of whoever unpacks them */
};

/* An input of that name with nothing in it. */
int nsw_input_create(const char *name, struct nsw_input **input, struct nsw_error *err);

#endif
