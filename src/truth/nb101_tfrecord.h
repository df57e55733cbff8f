/* NAS-Bench-101 as published: nasbench_only108.tfrecord and nasbench_full.tfrecord. */
#ifndef NSW_TRUTH_NB101_TFRECORD_H
#define NSW_TRUTH_NB101_TFRECORD_H

#include "truth/truth.h"

extern const struct nsw_truth_format nsw_truth_nb101_tfrecord;

#endif
