/* What writer and reader of result files must agree on, and the limits of the reader. */
#ifndef NSW_STORE_FORMAT_H
#define NSW_STORE_FORMAT_H

enum {
  NSW_FORMAT_VERSION = 1,
  NSW_ROWS_MOST = 1 << 24, /* far above any space */
  NSW_WIDTH_MOST = 4096,   /* seeds, repeats or points of a curve */
  NSW_COLUMNS_MOST = 4096,
  NSW_SPACES_MOST = 64
};

#endif
