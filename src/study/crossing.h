/* Two columns put in one order, and how many rows each row is discordant with: what Kendall's tau, the weighted tau and
 * its jackknife are sums over. Places are rows in ascending x, ties in ascending y, from 0; n of them. */
#ifndef NSW_STUDY_CROSSING_H
#define NSW_STUDY_CROSSING_H

#include "study/rank.h"

/* The order, borrowed. Values of either column that no row has are allowed. */
struct nsw_sequence {
  size_t n;
  const uint32_t *code;    /* [n] y's dense rank at each place */
  const uint32_t *start_x; /* [groups_x + 1] where each value of x begins among the places; the last is n */
  const uint32_t *start_y; /* [groups_y + 1] the same of y, in y's own order; the last is n */
  size_t groups_x, groups_y;
};

/* Rows discordant with the row at each place, into crossed[n]: an exchange counts once for each of its two rows.
 * scratch: nsw_crossings_scratch(n) bytes, aligned as malloc does. */
void nsw_crossings(const struct nsw_sequence *s, void *scratch, uint32_t *crossed);
size_t nsw_crossings_scratch(size_t n);

/* The place in y's order (ties by x) of the row at each place of x's, into place[n]; scratch[groups_y + 1]. */
void nsw_places_in_y(const struct nsw_sequence *s, uint32_t *scratch, uint32_t *place);

#endif
