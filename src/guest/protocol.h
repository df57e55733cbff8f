/* What is said between the program and a worker: JSON (RFC 8259), a line each.
 *
 * The worker begins: {"nasweep": 1, "columns": [{"name", "direction", "long_name"}], "needs": ["network", "data",
 * "seed"], "by_class": false, "samples": 64, "batch": 1, "source", "note"}; all but "nasweep" and "columns" may be left
 * out, and a column's "name" where it is the only one. Then it gets a line an architecture and writes one for each:
 * {"index": 12, "values": {"name": 1.5}}, null for a value that is not to be had and "-inf" for the lowest there is;
 * {"index": 12, "no_path": true}; or {"index": 12, "error": "text"}. */
#ifndef NSW_GUEST_PROTOCOL_H
#define NSW_GUEST_PROTOCOL_H

#include <stdio.h>

#include "nasweep/proxy.h"

enum {
  NSW_GUEST_COLUMNS = 64, /* of one worker */
  NSW_GUEST_BATCH = 256,  /* the most lines that a worker is sent before it has answered */
  NSW_GUEST_ERROR = 400   /* characters of an error that are passed on */
};

/* A worker's first line. Owns its texts. */
struct nsw_hello {
  struct nsw_proxy_column column[NSW_GUEST_COLUMNS + 1]; /* ends with a NULL name */
  int columns;
  unsigned needs; /* enum nsw_needs, ORed */
  bool by_class;  /* architectures of one class have one value */
  int samples;    /* images, where --samples does not say; 0: none */
  int batch;      /* lines it takes at a time */
  char *source, *note;
};

/* Reads it. name: of a column that has none. NSW_FAILED with what is wrong, not naming the worker. */
int nsw_hello_read(const char *line, const char *name, struct nsw_hello *hello, struct nsw_error *err);
void nsw_hello_free(struct nsw_hello *hello);
bool nsw_hello_same(const struct nsw_hello *a, const struct nsw_hello *b);

/* What every line to a worker says beside the architecture. */
struct nsw_asking {
  const struct nsw_space *space; /* its keys need not be there: then the id is left out */
  struct nsw_macro macro;        /* no zero fields */
  const char *dataset;           /* name, or NULL: not known */
  const char *data;              /* where the images are from, or NULL */
  const char *data_sha256;       /* of the images that are loaded, or NULL */
  size_t images;                 /* how many those are */
  int samples;                   /* images to be used; 0: none */
  const uint64_t *seed;          /* NULL: it does not depend on one */
};

/* Writes the line of an architecture, newline included. arch is room for its description. */
void nsw_ask_write(FILE *f, const struct nsw_asking *asking, uint32_t index, struct nsw_arch *arch);

/* An answer. */
struct nsw_answer {
  uint32_t index;
  uint8_t status;                  /* NSW_ROW_SCORED, NSW_ROW_NO_PATH or NSW_ROW_FAILED */
  double value[NSW_GUEST_COLUMNS]; /* NaN where there is none */
  char error[NSW_GUEST_ERROR + 1]; /* where it failed */
};

/* Reads one. NSW_FAILED with what is wrong, not naming the worker. */
int nsw_answer_read(const char *line, const struct nsw_hello *hello, struct nsw_answer *answer, struct nsw_error *err);

#endif
