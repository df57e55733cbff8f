/* NATS-Bench's topology archive: NATS-tss-v1_0-3ffb9-simple, unpacked or as the .tar that it comes in. */
#ifndef NSW_TRUTH_NATS_H
#define NSW_TRUTH_NATS_H

#include "truth/truth.h"

extern const struct nsw_truth_format nsw_truth_nats;

#endif
