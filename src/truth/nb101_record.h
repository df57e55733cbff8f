/* One record of NAS-Bench-101's TFRecord files: a JSON array of module hash, epochs, adjacency digits, operations and a
 * ModelMetrics protocol-buffer message in base64. */
#ifndef NSW_TRUTH_NB101_RECORD_H
#define NSW_TRUTH_NB101_RECORD_H

#include <stdbool.h>

#include "space/cell.h"

/* What was measured at the start, half-way and at the end of one training run. */
struct nsw_nb101_evaluation {
  double epoch;   /* where in the run */
  double seconds; /* of training until there */
  double train;   /* accuracies, 0..1 */
  double valid;
  double test;
};

struct nsw_nb101_record {
  const char *hash; /* 32 lower-case hexadecimal digits, no terminator; in the bytes parsed */
  unsigned epochs;
  struct nsw_cell cell; /* vertices, edges and vertex_op; edge_op is left alone */
  struct nsw_nb101_evaluation evaluation[3];
  uint64_t parameters;
  double seconds; /* whole run, evaluations included */
};

/* Parses; json is overwritten in places. NULL, or what is wrong, in words that follow "record N: ". */
const char *nsw_nb101_record_parse(char *json, size_t size, struct nsw_nb101_record *record);

/* Decodes base64 (RFC 4648, with padding) over itself; SIZE_MAX where it is not that. */
size_t nsw_base64_decode(char *text, size_t size);

/* Parses the ModelMetrics message into evaluation, parameters and seconds. NULL, or what is wrong. */
const char *nsw_nb101_record_metrics(const uint8_t *message, size_t size, struct nsw_nb101_record *record);

#endif
