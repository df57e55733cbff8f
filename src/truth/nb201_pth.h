/* NAS-Bench-201's single file, NAS-Bench-201-v1_1-096897.pth, as torch.save writes it. */
#ifndef NSW_TRUTH_NB201_PTH_H
#define NSW_TRUTH_NB201_PTH_H

#include "truth/truth.h"

extern const struct nsw_truth_format nsw_truth_nb201_pth;

#endif
