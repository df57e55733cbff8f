/* One network opened up: what `nasweep dump` works on, and its file. */
#ifndef NSW_CLI_DUMP_H
#define NSW_CLI_DUMP_H

#include "cli/args.h"
#include "data/images.h"
#include "net/engine.h"

/* What the naive kernels computed, where they were asked for. */
struct nsw_dump_reference {
  double **param, **grad;    /* [params][size] */
  double **mean, **variance; /* [params], at gammas [channels]: running statistics, or what images left of them */
  double *logits, *loss;
};

/* Everything one dump needs. */
struct nsw_dump {
  const struct nsw_args *args;
  struct nsw_space *space;
  struct nsw_images *images;
  struct nsw_macro macro;
  struct nsw_net *net;
  struct nsw_weights *weights;
  struct nsw_batch batch;
  struct nsw_engine *engine;
  struct nsw_dump_reference reference;
  enum nsw_norm_mode norm;
  enum nsw_draw rule;
  uint32_t index;
  int64_t samples, seed;
  float *buffer; /* as many floats as the largest parameter has */
};

/* Binds the network to images first..first+count-1 of the data and runs it, forward and back. */
int nsw_dump_run(struct nsw_dump *dump, size_t first, size_t count, struct nsw_error *err);

/* Writes the file that the arguments name. */
int nsw_dump_write(struct nsw_dump *dump, struct nsw_error *err);

#endif
