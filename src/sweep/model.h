/* How long evaluations take: measured times where there are some, and a model of them for the rest. */
#ifndef NSW_SWEEP_MODEL_H
#define NSW_SWEEP_MODEL_H

#include "store/table.h"
#include "sweep/plan.h"

/* Seconds against guessed cost: log(seconds) = level + slope log(cost), with what is left over kept to be drawn from.
 */
struct nsw_time_model {
  double level, slope;
  double spread;     /* standard deviation of what is left over, of the logarithm */
  double *left_over; /* [measured] log(measured / modelled); owned */
  size_t measured;
};

/* Fits the model to the first family of a plan and the file's seconds; NSW_FAILED where fewer than ten evaluations can
 * be told, naming path. */
int nsw_time_model_fit(const struct nsw_sweep_plan *plan, const double *cost, const struct nsw_table *measured,
                       const char *path, struct nsw_time_model *model, struct nsw_error *err);

/* A model without measurements: cost in floating-point operations over `speed` of them a second, varying by `spread`
 * (standard deviation of the logarithm). `guessed_speed` is what cost was made with. */
struct nsw_time_model nsw_time_model_given(double speed, double guessed_speed, double spread);

/* seconds[tasks]: measured where the file has the evaluation (measured may be NULL), else modelled with something left
 * over that is drawn for the task. */
int nsw_time_model_times(const struct nsw_time_model *model, const struct nsw_sweep_plan *plan, const double *cost,
                         const struct nsw_table *measured, double *seconds, struct nsw_error *err);

void nsw_time_model_free(struct nsw_time_model *model);

#endif
