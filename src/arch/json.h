/* Descriptions as JSON, for programs outside. */
#ifndef NSW_ARCH_JSON_H
#define NSW_ARCH_JSON_H

#include <stdio.h>

#include "nasweep/arch.h"

/* Writes an architecture as one JSON value without newlines:
 *
 *   {"resolution": 32, "classes": 10, "init": "pytorch" | "nb101", "slots": 64, "classifier_slot": 1, "cell": 1,
 *    "graphs": [{"nodes": [NODE...]}...],
 *    "stages": [{"graph": 1, "repeat": 5, "channels": 16, "numbered": true, "reduction": true}...]}
 *
 * A network is its stages one after the other, each a graph put in `repeat` times; behind them the mean over pixels and
 * the classifier. NODE is {"op": "conv3x3", "inputs": [0]} with what holds of it: "name" (of its weights), "slot" (its
 * weights' place in a section, net/program.h), "relu_before", "norm", "relu_after", "cut" (it reads as many channels
 * of its inputs as it has), "stride": 2, "share": [part, parts] of the stage's channels, "scale". Node 0 is the input,
 * the last is the output; struct nsw_node says what each means. */
void nsw_arch_json(FILE *f, const struct nsw_arch *arch);

/* Writes `before` as it stands, and a text as a JSON string. */
void nsw_json_member(FILE *f, const char *before, const char *text);

#endif
