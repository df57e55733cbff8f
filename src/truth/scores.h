/* Scores that someone else has computed, as tables: a column of the file becomes a score of ours. */
#ifndef NSW_TRUTH_SCORES_H
#define NSW_TRUTH_SCORES_H

#include "truth/truth.h"

extern const struct nsw_truth_format nsw_truth_scores;

#endif
