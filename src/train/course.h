/* A training's state as bytes, to be kept and taken up again: where it stands, its weights and velocities. */
#ifndef NSW_TRAIN_COURSE_H
#define NSW_TRAIN_COURSE_H

#include "net/weights.h"

/* Where a training stands. */
struct nsw_course_now {
  int epoch, step; /* done */
  bool diverged;
  double loss;          /* sum over the images of the epoch so far */
  uint64_t right, seen; /* of them: recognised, and how many */
  double sotl_e, sotl;  /* sums over steps of their mean losses: of the epoch, of all */
  /* Of the last whole epoch. */
  double train_accuracy, train_loss, valid_accuracy, valid_loss, valid_best, last_sotl_e;
};

/* What it is made of. */
struct nsw_course_parts {
  const struct nsw_net *net;
  struct nsw_course_now *now;
  struct nsw_weights *weights, *velocity;
  float *curve; /* [epochs][4], or NULL */
  int epochs;
};

/* Into *bytes[*size], the caller's to free. */
int nsw_course_pack(const struct nsw_course_parts *parts, void **bytes, size_t *size, struct nsw_error *err);

/* Back into the parts. NSW_FAILED where the bytes are not whole or of another network. */
int nsw_course_unpack(const struct nsw_course_parts *parts, const void *bytes, size_t size, struct nsw_error *err);

#endif
