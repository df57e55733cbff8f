#include <string.h>

#include "space/nb101.h"

enum { STACKS = 3 };

static bool has_edge(const struct nsw_cell *cell, int from, int to) { return cell->edges >> nsw_edge(from, to) & 1; }

void nsw_nb101_channels(const struct nsw_cell *cell, int in, int out, int channels[NSW_MAX_VERTICES]) {
  int last = cell->vertices - 1, feeding = 0;
  channels[0] = in;
  channels[last] = out;
  for (int v = 1; v < last; v++) feeding += has_edge(cell, v, last);
  for (int v = 1, seen = 0; v < last; v++)
    if (has_edge(cell, v, last)) channels[v] = out / feeding + (seen++ < out % feeding);
  for (int v = last - 1; v >= 1; v--) {
    if (has_edge(cell, v, last)) continue;
    channels[v] = 0;
    for (int to = v + 1; to < last; to++)
      if (has_edge(cell, v, to) && channels[to] > channels[v]) channels[v] = channels[to];
  }
}

/* Weights of one cell: in *convs those of convolutions (each used once a pixel), returned those and normalisation. */
static uint64_t cell_params(const struct nsw_cell *cell, int in, int out, uint64_t *convs) {
  int channels[NSW_MAX_VERTICES], last = cell->vertices - 1;
  uint64_t norms = 0;
  *convs = 0;
  nsw_nb101_channels(cell, in, out, channels);
  for (int v = 1; v <= last; v++) {
    uint64_t c = (uint64_t)channels[v];
    uint64_t taps = cell->vertex_op[v] == NSW_OP_CONV3 ? 9 : cell->vertex_op[v] == NSW_OP_CONV1 ? 1 : 0;
    *convs += taps * c * c;
    norms += taps ? 2 * c : 0;
    if (has_edge(cell, 0, v)) { /* its projection */
      *convs += (uint64_t)in * c;
      norms += 2 * c;
    }
  }
  return *convs + norms;
}

/* Sums over the network: parameters, and multiply-adds. The last of the channels is in *channels. */
static void count(const struct nsw_cell *cell, const struct nsw_macro *macro, uint64_t *params, uint64_t *macs) {
  uint64_t side = (uint64_t)macro->resolution, stem = 27 * (uint64_t)macro->channels, convs;
  int in = macro->channels, out = in;
  *params = stem + 2 * (uint64_t)in;
  *macs = stem * side * side;
  for (int stack = 0; stack < STACKS; stack++) {
    if (stack > 0) side = (side + 1) / 2, out *= 2;
    for (int i = 0; i < macro->cells; i++, in = out) {
      /* From the second on, all cells of a stack are alike. */
      uint64_t same = i == 0 ? 1 : (uint64_t)macro->cells - 1;
      *params += same * cell_params(cell, in, out, &convs);
      *macs += same * convs * side * side;
      if (i == 1) break;
    }
    in = out;
  }
  uint64_t classifier = (uint64_t)out * (uint64_t)macro->classes;
  *params += classifier + (uint64_t)macro->classes;
  *macs += classifier;
}

uint64_t nsw_nb101_params(const struct nsw_cell *cell, const struct nsw_macro *macro) {
  uint64_t params, macs;
  count(cell, macro, &params, &macs);
  return params;
}

uint64_t nsw_nb101_macs(const struct nsw_cell *cell, const struct nsw_macro *macro) {
  uint64_t params, macs;
  count(cell, macro, &params, &macs);
  return macs;
}
