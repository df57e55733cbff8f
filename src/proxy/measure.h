/* Measures: scores read off passes through a network that several of them share.
 *
 * A measure is a proxy whose struct nsw_proxy has `measure` instead of open and score. All measures asked for in a run
 * are evaluated together (proxy/joint.h): an architecture's network is built once and its weights are drawn once, every
 * pass (proxy/pass.h) that some of them want is run once, and each takes its values from it. A new one is one file, and
 * its line in the table of proxies. */
#ifndef NSW_PROXY_MEASURE_H
#define NSW_PROXY_MEASURE_H

#include "proxy/pass.h"

/* Images of a batch where neither --samples nor the proxy says: what the papers of these scores take. */
enum { NSW_MEASURE_SAMPLES = 64 };

struct nsw_measure {
  const struct nsw_pass *pass;

  /* Work of nsw_pass_own in forward passes of the n images, for scheduling; the others' is known. */
  double work;

  /* Values of a network whose input and output are not connected: 0 instead of none. */
  bool zero_without_path;

  /* Makes the measure's state; values: one text per option of the proxy. NULL: there is none. */
  int (*open)(const struct nsw_context *context, const char *const *values, void **state, struct nsw_error *err);
  void (*close)(void *state);

  /* Told once, after open, which of its columns are asked for; nsw_pass_own gives the work that these take. The others'
   * values do not matter, and the ones asked for must not depend on it. NULL: it makes all of them. */
  double (*want)(void *state, const bool *column);

  /* When the pass is bound, before it is run; may be NULL. */
  int (*begin)(void *state, struct nsw_lab *lab, struct nsw_error *err);

  /* Called at every layer of the pass; may be NULL. */
  nsw_observe_fn *observe;

  /* values[columns] from what the pass left. Not a number, or infinity: the column has no value here; minus infinity:
   * the lowest there is. An error ends the run. */
  int (*take)(void *state, struct nsw_lab *lab, double *values, struct nsw_error *err);

  /* Adapts the unit's values to one of its members, whose dead branches differ; may be NULL. The engine may be used. */
  int (*member)(void *state, struct nsw_lab *lab, uint32_t index, const struct nsw_net *net, double *values,
                struct nsw_error *err);
};

#endif
