/* NATS-Bench's archives: NATS-tss-v1_0-3ffb9-simple (topology) and NATS-sss-v1_0-50262-simple (size), unpacked or as
 * the .tar that each comes in. */
#ifndef NSW_TRUTH_NATS_H
#define NSW_TRUTH_NATS_H

#include "truth/truth.h"

extern const struct nsw_truth_format nsw_truth_nats;

#endif
