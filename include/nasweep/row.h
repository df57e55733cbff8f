/* What became of an architecture's row in a column of scores. */
#ifndef NASWEEP_ROW_H
#define NASWEEP_ROW_H

#ifdef __cplusplus
extern "C" {
#endif

enum nsw_row_status {
  NSW_ROW_PENDING = 0,
  NSW_ROW_SCORED = 1,
  NSW_ROW_NO_PATH = 2, /* input and output are not connected */
  NSW_ROW_FAILED = 3,  /* not a number, or the evaluation crashed */
  /* Never in a file: an evaluation that was asked to stop on the way (struct nsw_pause); its row stays pending. */
  NSW_ROW_INTERRUPTED = 4
};

#ifdef __cplusplus
}
#endif
#endif
