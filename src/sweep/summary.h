/* What a user sees of a sweep at its begin and end, and what the file keeps of how it ran. */
#ifndef NSW_SWEEP_SUMMARY_H
#define NSW_SWEEP_SUMMARY_H

#include "sweep/server.h"

/* Where a sweep runs. Rank 0 has it. */
struct nsw_hosts {
  char *name; /* [ranks][NSW_HOST_SIZE] host of each rank */
  int ranks;
  int distinct; /* different hosts */
};
enum { NSW_HOST_SIZE = 64 };

/* Gathers the names; collective. Free `name`. */
int nsw_hosts_gather(const struct nsw_transport *transport, struct nsw_hosts *hosts, struct nsw_error *err);

/* Prints the banner: version, command, where it runs, libraries, what there is to do. */
void nsw_summary_begin(const struct nsw_sweep_plan *plan, const struct nsw_hosts *hosts, uint32_t done);

/* Prints how it went: counts, time by phase over ranks, slowest host, and a verdict. setup: seconds before the sweep;
 * written: seconds of the last write. */
void nsw_summary_end(const struct nsw_sweep_plan *plan, const struct nsw_hosts *hosts,
                     const struct nsw_results *results, const struct nsw_served *served, double setup, double written,
                     int status);

/* Root attributes: provenance and, for analysis/scaling.py, how each rank spent its time. earlier: the table that was
 * resumed, or NULL. */
int nsw_summary_provenance(struct nsw_results *results, const struct nsw_sweep_plan *plan,
                           const struct nsw_hosts *hosts, const char *options, const struct nsw_table *earlier,
                           struct nsw_error *err);
int nsw_summary_timings(struct nsw_results *results, const struct nsw_hosts *hosts, const struct nsw_served *served,
                        double setup, struct nsw_error *err);

/* The moment, as 2026-01-31T12:00:00Z, into text[32]. */
void nsw_timestamp(char text[32]);

#endif
