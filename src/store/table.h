/* A result table in memory: equal-length columns over architectures of one space, in ascending index. What the sweep
 * fills, the importers make, the store reads and writes, and the study reads. Knows neither MPI nor HDF5. */
#ifndef NSW_STORE_TABLE_H
#define NSW_STORE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "nasweep/error.h"

/* A text attribute of a column or a table. Owned by its list. */
struct nsw_attribute {
  char *name;
  char *text;
};

struct nsw_attributes {
  struct nsw_attribute *list;
  size_t count;
};

/* One column of scores: /SPACE/score/NAME with its status, seconds, and by_seed where there are several seeds. */
struct nsw_score {
  char *name;
  int direction;   /* +1 larger is better, -1 */
  double *value;   /* [rows], mean over seeds; NaN unless status is SCORED */
  double *by_seed; /* [rows][seeds], or NULL with one seed */
  size_t seeds;    /* columns of by_seed, at least 1 */
  uint8_t *status; /* [rows], enum nsw_row_status */
  float *seconds;  /* [rows], time of the one evaluation that made the row */
  struct nsw_attributes attributes;
};

/* One column of accuracies: /SPACE/accuracy/DATASET/SPLIT. */
struct nsw_accuracy {
  char *dataset;     /* "cifar10", "cifar10-valid", "cifar100", "ImageNet16-120" */
  char *split;       /* "test", "valid", "x-test", ... with the epochs where a source has several: "test-108ep" */
  double *value;     /* [rows], percent, NaN where unknown; mean over repeats */
  double *by_repeat; /* [rows][repeats], or NULL */
  size_t repeats;    /* columns of by_repeat, at least 1 */
  struct nsw_attributes attributes; /* epochs, repeats, source, unit */
};

/* A curve for each row: /SPACE/curve/NAME, for instance an accuracy after each epoch. */
struct nsw_curves {
  char *name;
  size_t width;                     /* points of a row, at least 1 */
  float *value;                     /* [rows][width], NaN where unknown */
  struct nsw_attributes attributes; /* long_name, unit, ... */
};

/* Numbers about the run, one for each rank: /SPACE/timing/NAME. Written, not read back. */
struct nsw_series {
  const char *name; /* not owned */
  double *value;    /* [count]; owned */
  size_t count;
};

/* The rows of one space in one file. Owns everything in it. */
struct nsw_table {
  char *space;        /* name of the space */
  size_t rows;        /* n */
  size_t id_size;     /* characters of an id, no terminator */
  uint32_t *index;    /* [rows] ascending */
  char *id;           /* [rows][id_size], NUL-padded */
  uint32_t *class_of; /* [rows] */
  uint64_t *params;   /* [rows] */
  uint64_t *macs;     /* [rows] */
  struct nsw_score *score;
  size_t scores;
  struct nsw_accuracy *accuracy;
  size_t accuracies;
  struct nsw_curves *curve;
  size_t curves;
  struct nsw_series *series;
  size_t series_count;
  struct nsw_attributes attributes; /* of the file's root: provenance */
};

/* Makes an empty table of n rows, arrays allocated and zeroed (index, id, class_of, params, macs). */
int nsw_table_create(const char *space, size_t rows, size_t id_size, struct nsw_table **table, struct nsw_error *err);

/* Frees and sets to NULL; may be called twice. */
void nsw_table_free(struct nsw_table **table);

/* Adds a score column, values NaN, status pending. The pointer is good until the next column is added. */
int nsw_table_add_score(struct nsw_table *table, const char *name, int direction, size_t seeds,
                        struct nsw_score **score, struct nsw_error *err);

/* Adds an accuracy column, values NaN. */
int nsw_table_add_accuracy(struct nsw_table *table, const char *dataset, const char *split, size_t repeats,
                           struct nsw_accuracy **accuracy, struct nsw_error *err);

/* Adds curves of `width` points a row, values NaN. The pointer is good until the next ones are added. */
int nsw_table_add_curve(struct nsw_table *table, const char *name, size_t width, struct nsw_curves **curve,
                        struct nsw_error *err);

/* Adds a series of n values (copied); replaces one of that name. */
int nsw_table_add_series(struct nsw_table *table, const char *name, const double *value, size_t n,
                         struct nsw_error *err);

/* The column of that name, or NULL. */
struct nsw_score *nsw_table_score(const struct nsw_table *table, const char *name);
struct nsw_accuracy *nsw_table_accuracy(const struct nsw_table *table, const char *dataset, const char *split);

struct nsw_curves *nsw_table_curve(const struct nsw_table *table, const char *name);

/* The row that holds an architecture index, or -1. */
int64_t nsw_table_row(const struct nsw_table *table, uint32_t index);

/* Sets (replaces) an attribute; the text is copied, or formatted. Get returns NULL where there is none. */
int nsw_attributes_set(struct nsw_attributes *attributes, const char *name, const char *text, struct nsw_error *err);
int nsw_attributes_setf(struct nsw_attributes *attributes, struct nsw_error *err, const char *name, const char *format,
                        ...) __attribute__((format(printf, 4, 5)));
const char *nsw_attributes_get(const struct nsw_attributes *attributes, const char *name);
void nsw_attributes_free(struct nsw_attributes *attributes);

#endif
