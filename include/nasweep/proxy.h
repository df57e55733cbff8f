/* Proxies: scores of an architecture that need no training.
 *
 * A proxy is one file src/proxy/NAME.c that fills a struct nsw_proxy, and one line in the table of src/proxy/table.h.
 * One proxy gives one or more columns from a single evaluation. Those that only read what a pass through a network
 * leaves behind fill in a measure instead of functions of their own (src/proxy/measure.h). */
#ifndef NASWEEP_PROXY_H
#define NASWEEP_PROXY_H

#include "nasweep/row.h"
#include "nasweep/space.h"

#ifdef __cplusplus
extern "C" {
#endif

struct nsw_images;  /* src/data/images.h */
struct nsw_measure; /* src/proxy/measure.h */

enum nsw_needs {
  NSW_NEEDS_TOPOLOGY = 0,
  NSW_NEEDS_NETWORK = 1,   /* runs a network: BLAS and memory matter */
  NSW_NEEDS_DATA = 2,      /* reads images */
  NSW_NEEDS_SEED = 4,      /* its value depends on the seed */
  NSW_NEEDS_CELLS = 8,     /* looks at the cell alone: nothing for a space where all are the same */
  NSW_NEEDS_SUPERNET = 16, /* runs the space's supernet: nothing for a space that describes none */
  NSW_NEEDS_TRAINING = 32  /* trains: architectures are one unit only where they stay alike then (nsw_space_units) */
};

/* One result column. */
struct nsw_proxy_column {
  const char *name;      /* the word on the command line and in files */
  const char *long_name; /* for people, with the unit */
  int direction;         /* +1 larger is better, -1 smaller is better */
};

/* One option of a proxy, set by --set PROXY.KEY=VALUE and recorded with its columns. */
struct nsw_proxy_option {
  const char *key;
  const char *value; /* default, as text */
  const char *help;
};

/* How an evaluation that may last longer than a job is stopped on the way. Asked to stop, it keeps what it needs to go
 * on in a file below `folder` (store/state.h) and gives its rows NSW_ROW_INTERRUPTED; begun again, it looks there
 * first. What it comes to must not depend on where it was stopped. */
struct nsw_pause {
  bool (*asked)(void *self); /* whether to stop; for the thread that evaluates, every second or so; NULL: never */
  void *self;
  const char *folder; /* it need not be there yet; NULL: nothing can be kept */
};

/* What all evaluations of a run share; borrowed by the evaluators for their whole life. */
struct nsw_context {
  const struct nsw_space *space;
  struct nsw_macro macro;          /* no zero fields */
  const struct nsw_images *images; /* NULL where no proxy asked needs data */
  int samples;                     /* images used of those; 0: each proxy's own default */
  const struct nsw_pause *pause;   /* NULL: nobody asks, nothing is kept */
  const char *warm_up;             /* settings of a training before the measures look (train/recipe.h); NULL: none */
};

/* Whether an evaluation is asked to stop on the way. */
static inline bool nsw_asked_to_pause(const struct nsw_context *context) {
  return context->pause && context->pause->asked && context->pause->asked(context->pause->self);
}

/* A proxy and how to run it. */
struct nsw_proxy {
  const char *name;   /* family name; often that of its first column */
  const char *group;  /* topology, gradient, forward, kernel; control for those that score nothing */
  const char *source; /* paper and definition */
  const char *note;   /* what a user must know: reconstruction, weakness; NULL where there is nothing */
  unsigned needs;     /* enum nsw_needs, ORed */
  int samples;        /* images used where --samples does not say; 0: none */
  const struct nsw_proxy_column *columns; /* ends with a NULL name */
  const struct nsw_proxy_option *options; /* ends with a NULL key; may be NULL */

  /* Whether its evaluations may last longer than a job, ask context->pause, and keep states; NULL: they do not. */
  bool (*lasts)(const void *state);

  /* Curves beside the columns, ending with a NULL name, direction 0; NULL: none. points: of each curve, the same for
   * all, once opened; 0: no curves this time. */
  const struct nsw_proxy_column *curves;
  size_t (*points)(const void *state);

  /* Set where it is not built in: what tells it from another of its name, as "key=value, key=value", recorded with its
   * columns; and what *state holds before open. NULL otherwise. */
  const char *identity;
  void *own;

  /* Set where it is measured on passes that it shares with others; the functions below are NULL then. */
  const struct nsw_measure *measure;

  /* Makes an evaluator. values: one text per option, in table order. *state is `own` before. */
  int (*open)(const struct nsw_context *context, const char *const *values, void **state, struct nsw_error *err);
  void (*close)(void *state);

  /* Architectures with the same unit are evaluated once, together: the unit is the smallest index among them.
   * NULL: each is its own unit. */
  uint32_t (*unit)(const void *state, uint32_t index);

  /* Expected work of a unit in floating-point operations, for scheduling. NULL: next to nothing. */
  double (*cost)(const void *state, uint32_t unit);

  /* Scores the n architectures of one unit (members[0..n-1], ascending; any n where unit is NULL):
   * values[n][columns + curves * points] (a row's columns, then its curves one after the other), status[n]. A row
   * that cannot be scored has NSW_ROW_FAILED and is no error; an error ends the run. The result must depend on nothing
   * but space, options, images, seed and the architecture. */
  int (*score)(void *state, uint64_t seed, const uint32_t *members, size_t n, double *values, uint8_t *status,
               struct nsw_error *err);
};

/* The table of built-in proxies; ends with NULL. */
extern const struct nsw_proxy *const nsw_proxies[];

/* The built-in proxy that has a column of this name, and the column's place in it; NULL where there is none. */
const struct nsw_proxy *nsw_proxy_find(const char *column, int *place);

/* The proxies of a run: the built-in ones, then those it brought along. NULL stands for the built-in ones alone. */
struct nsw_registry {
  const struct nsw_proxy **own; /* [count] those brought along; the list is owned, the proxies are borrowed */
  size_t count;
};

/* Adds a proxy. NSW_USAGE where its name, or that of one of its columns, is taken by another proxy or column, by a
 * group or a word that stands for several; NSW_FAILED where it is not whole. */
int nsw_registry_add(struct nsw_registry *registry, const struct nsw_proxy *proxy, struct nsw_error *err);
void nsw_registry_free(struct nsw_registry *registry);

/* Proxy number i; NULL behind the last one. */
const struct nsw_proxy *nsw_registry_at(const struct nsw_registry *registry, size_t i);

/* The proxy of this name; and the one that has a column of this name, with its place there. NULL: there is none. */
const struct nsw_proxy *nsw_registry_named(const struct nsw_registry *registry, const char *name);
const struct nsw_proxy *nsw_registry_find(const struct nsw_registry *registry, const char *column, int *place);

/* Whether the words `all`, `cheap` or a group's name ask for the proxy: all but the controls and what trains, those of
 * them that run no network, those of the group. */
bool nsw_proxy_in(const struct nsw_proxy *proxy, const char *word);

/* SHA-256, as hexadecimal digits, of what a proxy that is not built in is: its identity, columns and needs. */
void nsw_proxy_digest(const struct nsw_proxy *proxy, char hex[65]);

/* Whether it tells the architectures of a space apart. */
bool nsw_proxy_fits(const struct nsw_proxy *proxy, const struct nsw_space_kind *kind);

/* Number of columns, and of options. */
int nsw_proxy_columns(const struct nsw_proxy *proxy);
int nsw_proxy_options(const struct nsw_proxy *proxy);

#ifdef __cplusplus
}
#endif
#endif
