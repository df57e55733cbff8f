/* GraSP: how much the gradient's norm changes when a weight is taken away, -w (H g), summed over the weights. The
 * Hessian H is symmetric: w' H g = g' (H w), and nsw_pass_tangent makes H w, exactly (net/tangent.h). */
#include "proxy/measure.h"
#include "proxy/table.h"

static int take(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err) {
  (void)state;
  (void)err;
  values[0] = -lab->curvature;
  return NSW_OK;
}

static const struct nsw_measure measure = {.pass = &nsw_pass_tangent, .take = take};

static const struct nsw_proxy_column columns[] = {{"grasp", "sum over weights of -weight x (Hessian x gradient)", +1},
                                                  {0}};

const struct nsw_proxy nsw_proxy_grasp = {
    .name = "grasp",
    .group = "gradient",
    .source =
        "Wang et al., Picking Winning Tickets Before Training by Preserving Gradient Flow, arXiv 2002.07376; as a "
        "score of networks in Abdelfattah et al., arXiv 2101.08134",
    .note = "of untrained networks only: not with --warm-up",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_DATA | NSW_NEEDS_SEED,
    .samples = NSW_MEASURE_SAMPLES,
    .columns = columns,
    .measure = &measure,
};
