/* What the name of a table's column says: which accuracy it is, or why it is none. */
#ifndef NSW_TRUTH_HEADER_H
#define NSW_TRUTH_HEADER_H

#include <stdbool.h>
#include <stdint.h>

enum { NSW_HEADER_NAME = 64 };

struct nsw_header {
  bool accuracy;                 /* it speaks of an accuracy: a split or "acc" is in it, and nothing against it */
  const char *against;           /* why it is none although it speaks of one ("a deviation"); NULL where nothing is */
  char dataset[NSW_HEADER_NAME]; /* empty where the name does not say */
  char split[NSW_HEADER_NAME];   /* likewise; "test", "valid", "train", "x-valid", "x-test", "ori-test" */
  bool half;                     /* measured half-way through the training */
  bool mean;                     /* a mean, of the runs beside it where there are any */
  int epochs;                    /* 0 where the name does not say */
  int64_t run;                   /* seed or number of a training run; -1 where the name does not say */
  int64_t number;                /* a bare number, epochs or run; -1 where there is none */
};

void nsw_header_read(const char *name, struct nsw_header *header);

/* The data set that a text names in whatever spelling, or NULL: "CIFAR-100" is "cifar100". */
const char *nsw_dataset_named(const char *text);

/* The split that a text names ("val", "Test"), or NULL. */
const char *nsw_split_named(const char *text);

/* Lower case, a '_' for everything but letters and digits and between an end of lower case and a capital. */
void nsw_header_words(const char *name, char words[NSW_HEADER_NAME]);

#endif
