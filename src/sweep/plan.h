/* A sweep taken apart into tasks, the same on every rank, so that a task is one number.
 *
 * A family is one proxy with its options, or all measures (proxy/measure.h) together; a group is the selected
 * architectures that one evaluation serves (a class, or a block of architectures of a proxy that costs next to
 * nothing); a task is one group with one seed. Tasks are numbered family by family, seed by seed, group by group. */
#ifndef NSW_SWEEP_PLAN_H
#define NSW_SWEEP_PLAN_H

#include "nasweep/proxy.h"
#include "sweep/request.h"

enum {
  NSW_GROUP_ROWS = 256
}; /* architectures of a group where an evaluation is not shared and costs next to nothing */

/* What a core is guessed to do, floating-point operations a second, until the run has measured it. Only the ratio to
 * cheap proxies matters, and only at the start. */
#define NSW_GUESSED_SPEED 5e10

/* A proxy that takes part in a family: the only one, or one of several measures. */
struct nsw_part {
  const struct nsw_proxy *proxy;
  const char **value; /* [options] text of each option */
  char *options;      /* the same as "key=value, key=value", or "" */
  int first;          /* place of its first column in the family */
};

struct nsw_family {
  const struct nsw_proxy *proxy; /* whose functions are called; `joint` for measures */
  struct nsw_proxy joint;        /* made up here: the measures as one proxy */
  struct nsw_part *part;
  int parts;
  void *state; /* the opened proxy; may be NULL when opened */
  bool opened;
  int columns;   /* scores of an evaluation */
  int curves;    /* beside them */
  size_t points; /* of each curve */
  size_t width;  /* numbers of a row: columns + curves * points */
  bool *wanted;  /* [columns] whether the column goes into the file */
  size_t seeds;  /* 1 where the proxy does not depend on the seed */
  bool batch;    /* a group is a batch of evaluations of their own, not one evaluation that its members share */
  uint32_t groups;
  uint32_t *start;     /* [groups + 1] into member[] and row[] */
  uint32_t *member;    /* [rows] architecture indices, group by group, ascending within */
  uint32_t *row;       /* [rows] their rows */
  uint32_t *unit;      /* [groups] the unit, or the first architecture of a block */
  uint32_t first_task; /* number of its first task */
  uint32_t largest;    /* members of its largest group */
};

struct nsw_sweep_plan {
  const struct nsw_space *space;       /* borrowed */
  const struct nsw_request *request;   /* borrowed */
  const struct nsw_registry *registry; /* borrowed: the run's proxies, its workers last; NULL: the built-in ones */
  struct nsw_context context;          /* what the proxies share */
  struct nsw_pause *pause;             /* borrowed; the evaluating thread sets who is asked; NULL: nobody */
  uint32_t *index;                     /* [rows] selected architectures, ascending; owned */
  size_t rows;
  struct nsw_family *family;
  size_t families;
  uint32_t tasks;
};

/* A task taken apart. */
struct nsw_task {
  const struct nsw_family *family;
  size_t seed_place; /* which of the request's seeds */
  uint64_t seed;
  uint32_t group;
  const uint32_t *member; /* [members] */
  const uint32_t *row;    /* [members] */
  uint32_t members;
};

/* Which proxies a request asks for, without opening them (registry is set already; the request's workers always):
 * NSW_USAGE for unknown ones, options that do not exist, the same column twice. *needs: their needs, ORed. */
int nsw_sweep_plan_families(const struct nsw_request *request, struct nsw_sweep_plan *plan, unsigned *needs,
                            struct nsw_error *err);

/* Whether an opened proxy's evaluations may last longer than a job. */
bool nsw_sweep_plan_lasts(const struct nsw_sweep_plan *plan);

/* Images that the proxies of a plan want: --samples, or the most of their defaults. */
uint64_t nsw_sweep_plan_images(const struct nsw_sweep_plan *plan);

/* Opens the proxies of a plan whose families and context are filled in, and numbers the tasks. Takes over index. */
int nsw_sweep_plan_open(struct nsw_sweep_plan *plan, uint32_t *index, size_t rows, struct nsw_error *err);

/* Frees what it owns and empties it; may be called twice. */
void nsw_sweep_plan_close(struct nsw_sweep_plan *plan);

struct nsw_task nsw_sweep_plan_task(const struct nsw_sweep_plan *plan, uint32_t task);

/* The part that a column of a family comes from. */
const struct nsw_part *nsw_family_part(const struct nsw_family *family, int column);

/* Guessed seconds of every task and its kind (the family's number), malloc'd. */
int nsw_sweep_plan_costs(const struct nsw_sweep_plan *plan, double **cost, uint8_t **kind, struct nsw_error *err);

/* Everything that decides the results, as "key=value; key=value": what a file must agree in to be resumed. Owned
 * by the caller; NULL for lack of memory. */
char *nsw_sweep_plan_options(const struct nsw_sweep_plan *plan);

#endif
