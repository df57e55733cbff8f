/* Comma-separated tables: one record an architecture, keyed by index, architecture string or module hash. */
#ifndef NSW_TRUTH_CSV_H
#define NSW_TRUTH_CSV_H

#include "truth/truth.h"

extern const struct nsw_truth_format nsw_truth_csv;

#endif
