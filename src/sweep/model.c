#include "sweep/model.h"

#include <math.h>
#include <stdlib.h>

#include "base/random.h"

/* Seconds of the evaluation that a group shares or of its batch, or 0 where the file does not have it. */
static double measured_seconds(const struct nsw_sweep_plan *plan, const struct nsw_table *table, uint32_t number) {
  struct nsw_task task = nsw_sweep_plan_task(plan, number);
  const struct nsw_score *score = NULL;
  for (int c = 0; c < task.family->columns && !score; c++)
    score = nsw_table_score(table, task.family->proxy->columns[c].name);
  for (uint32_t m = 0; score && m < task.members; m++) {
    int64_t row = nsw_table_row(table, task.member[m]);
    if (row >= 0 && score->status[row] == NSW_ROW_SCORED && score->seconds[row] > 0)
      return score->seconds[row] * (double)(task.family->batch ? task.members : 1);
  }
  return 0;
}

int nsw_time_model_fit(const struct nsw_sweep_plan *plan, const double *cost, const struct nsw_table *measured,
                       const char *path, struct nsw_time_model *model, struct nsw_error *err) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  size_t groups = plan->family[0].groups;
  *model = (struct nsw_time_model){.left_over = malloc((groups + 1) * sizeof(double))};
  if (!model->left_over) return nsw_no_memory(err, "a model of times");
  for (uint32_t t = 0; t < groups; t++) {
    double seconds = measured_seconds(plan, measured, t);
    if (!(seconds > 0)) continue;
    double x = log(cost[t]), y = log(seconds);
    n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  if (n < 10) {
    nsw_time_model_free(model);
    return nsw_fail(err, "%s: times of %.0f evaluations by %s, at least 10 are needed", path, n,
                    plan->family[0].proxy->name);
  }
  double denominator = n * sxx - sx * sx;
  model->slope = denominator > 1e-9 * n * n ? (n * sxy - sx * sy) / denominator : 1;
  model->level = (sy - model->slope * sx) / n;
  double squares = 0;
  for (uint32_t t = 0; t < groups; t++) {
    double seconds = measured_seconds(plan, measured, t);
    if (!(seconds > 0)) continue;
    double left = log(seconds) - model->level - model->slope * log(cost[t]);
    model->left_over[model->measured++] = left;
    squares += left * left;
  }
  model->spread = sqrt(squares / n);
  return NSW_OK;
}

struct nsw_time_model nsw_time_model_given(double speed, double guessed_speed, double spread) {
  return (struct nsw_time_model){.level = log(guessed_speed / speed), .slope = 1, .spread = spread};
}

/* Standard normal of a task, by Box and Muller. */
static double normal(uint32_t task) {
  struct nsw_stream stream = {.which = task, .purpose = NSW_FOR_NOISE};
  double u = nsw_random_double(stream, 0), v = nsw_random_double(stream, 1);
  return sqrt(-2 * log(1 - u)) * cos(2 * M_PI * v);
}

int nsw_time_model_times(const struct nsw_time_model *model, const struct nsw_sweep_plan *plan, const double *cost,
                         const struct nsw_table *measured, double *seconds, struct nsw_error *err) {
  for (uint32_t t = 0; t < plan->tasks; t++) {
    seconds[t] = measured ? measured_seconds(plan, measured, t) : 0;
    if (seconds[t] > 0) continue;
    struct nsw_stream stream = {.which = t, .purpose = NSW_FOR_BOOTSTRAP};
    double left =
        model->measured ? model->left_over[nsw_random_below(stream, 0, model->measured)] : model->spread * normal(t);
    seconds[t] = exp(model->level + model->slope * log(cost[t]) + left);
    if (!isfinite(seconds[t])) return nsw_fail(err, "the model gives no time for evaluation %u", t);
  }
  return NSW_OK;
}

void nsw_time_model_free(struct nsw_time_model *model) {
  free(model->left_over);
  *model = (struct nsw_time_model){0};
}
