/* Parameters and multiply-adds of both benchmarks' networks in closed form: what the walks over descriptions are held
 * to. */
#ifndef NSW_TESTS_CLOSED_FORMS_H
#define NSW_TESTS_CLOSED_FORMS_H

#include <string.h>

#include "space/cell.h"

static inline bool has_edge(const struct nsw_cell *cell, int from, int to) {
  return cell->edges >> nsw_edge(from, to) & 1;
}

/* Channels of every vertex of a cell that gets `in` channels and gives `out`: the output's are divided evenly among
 * the inner vertices that feed it, the remainder one each to the first ones; any other inner vertex takes the largest
 * of those it feeds. */
static inline void nb101_channels(const struct nsw_cell *cell, int in, int out, int channels[NSW_MAX_VERTICES]) {
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
static inline uint64_t nb101_cell_params(const struct nsw_cell *cell, int in, int out, uint64_t *convs) {
  int channels[NSW_MAX_VERTICES], last = cell->vertices - 1;
  uint64_t norms = 0;
  *convs = 0;
  nb101_channels(cell, in, out, channels);
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

/* Sums over the network. */
static inline void nb101_count(const struct nsw_cell *cell, const struct nsw_macro *macro, uint64_t *params,
                               uint64_t *macs) {
  uint64_t side = (uint64_t)macro->resolution, stem = 27 * (uint64_t)macro->channels, convs;
  int in = macro->channels, out = in;
  *params = stem + 2 * (uint64_t)in;
  *macs = stem * side * side;
  for (int stack = 0; stack < 3; stack++) {
    if (stack > 0) side = (side + 1) / 2, out *= 2;
    for (int i = 0; i < macro->cells; i++, in = out) {
      /* From the second on, all cells of a stack are alike. */
      uint64_t same = i == 0 ? 1 : (uint64_t)macro->cells - 1;
      *params += same * nb101_cell_params(cell, in, out, &convs);
      *macs += same * convs * side * side;
      if (i == 1) break;
    }
    in = out;
  }
  uint64_t classifier = (uint64_t)out * (uint64_t)macro->classes;
  *params += classifier + (uint64_t)macro->classes;
  *macs += classifier;
}

static inline void nb201_convs(const struct nsw_cell *cell, uint64_t *conv1, uint64_t *conv3) {
  *conv1 = *conv3 = 0;
  for (int e = 0; e < 6; e++) *conv1 += cell->edge_op[e] == NSW_OP_CONV1, *conv3 += cell->edge_op[e] == NSW_OP_CONV3;
}

/* Every operation counts, dead ones too, as in the published numbers. */
static inline uint64_t nb201_params(const struct nsw_cell *cell, const struct nsw_macro *macro) {
  uint64_t conv1, conv3, c = (uint64_t)macro->channels, classes = (uint64_t)macro->classes;
  nb201_convs(cell, &conv1, &conv3);
  uint64_t sum = 27 * c + 2 * c; /* stem */
  for (int stage = 0; stage < 3; stage++, c *= 2) {
    if (stage > 0) sum += c / 2 * 9 * c + 2 * c + 9 * c * c + 2 * c + c / 2 * c; /* residual block into c channels */
    sum += (uint64_t)macro->cells * (conv3 * (9 * c * c + 2 * c) + conv1 * (c * c + 2 * c));
  }
  c /= 2;
  return sum + 2 * c + (c + 1) * classes;
}

static inline uint64_t nb201_macs(const struct nsw_cell *cell, const struct nsw_macro *macro) {
  uint64_t conv1, conv3, c = (uint64_t)macro->channels, side = (uint64_t)macro->resolution;
  nb201_convs(cell, &conv1, &conv3);
  uint64_t sum = 27 * c * side * side;
  for (int stage = 0; stage < 3; stage++, c *= 2) {
    if (stage > 0) {
      side = (side + 1) / 2;
      sum += (c / 2 * 9 * c + 9 * c * c + c / 2 * c) * side * side;
    }
    sum += (uint64_t)macro->cells * (conv3 * 9 + conv1) * c * c * side * side;
  }
  return sum + c / 2 * (uint64_t)macro->classes;
}

#endif
