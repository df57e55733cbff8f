/* What a sweep is asked to do: the options of `nasweep score`, read and checked, nothing opened yet. */
#ifndef NSW_SWEEP_REQUEST_H
#define NSW_SWEEP_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "nasweep/space.h"

/* Who evaluates. */
enum nsw_server { NSW_SERVER_AUTO, NSW_SERVER_WORKS, NSW_SERVER_SERVES };

/* Texts are borrowed from the command line; lists are owned by whoever filled them in. */
struct nsw_request {
  const char *space;        /* its name */
  const char *const *proxy; /* columns, or families for all their columns */
  size_t proxies;
  const char *const *worker; /* "NAME=COMMAND": scores by processes of the user's */
  size_t workers;
  const char *const *plugin; /* shared objects with proxies */
  size_t plugins;
  const char *const *set; /* "PROXY.KEY=VALUE" */
  size_t sets;
  /* which architectures */
  uint64_t first, end;     /* range, end not included; end 0: all */
  const char *const *arch; /* ids; none: the range */
  size_t archs;
  uint64_t sample;      /* so many of those, drawn at random; 0: all */
  uint64_t sample_seed; /* of the drawing alone, so that sweeps of other seeds draw the same */
  bool unique;          /* the first of each class only */
  /* how they are scored */
  const uint64_t *seed;
  size_t seeds;           /* at least 1 */
  const char *data;       /* folder, "synthetic[:seed]", or NULL */
  const char *dataset;    /* name or NULL */
  uint64_t samples;       /* images; 0: each proxy's own default */
  const char *warm_up;    /* settings of a training before measures look (train/recipe.h); NULL: none */
  struct nsw_macro macro; /* zero fields: the benchmark's, or the data set's */
  /* how the run behaves; changes no result */
  const char *out;       /* result file */
  const char *command;   /* whole command line, for the file and the banner */
  double checkpoint;     /* seconds between writes of the result file, 0: at the end only */
  double progress;       /* seconds between lines of progress, 0: none */
  double time_limit;     /* seconds after which to stop, 0: none */
  double lock_wait;      /* seconds for which another run on the same file is waited for */
  const char *halt_file; /* stop when it exists; NULL: none */
  uint64_t retries;      /* an architecture that ended so many runs is marked failed; 0: never */
  bool repair;           /* failed rows of the file that is there are computed again */
  bool allow_failed;     /* failed rows do not change what the sweep comes to */
  double worker_timeout; /* seconds without an answer after which a worker hangs, 0: never */
  enum nsw_server server;
};

#endif
