/* CSV files of $NASWEEP_DATA, gzipped or not, for tests: whole lines, split in place. */
#ifndef NSW_TESTS_CSV_H
#define NSW_TESTS_CSV_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { CSV_FIELDS = 32 };

struct csv {
  gzFile file;
  char line[4096];
  char *field[CSV_FIELDS];
  int fields;
};

/* Reads the next line into field[0..fields-1]; false at the end. Quotes may surround a field. */
static inline bool csv_next(struct csv *csv) {
  if (!gzgets(csv->file, csv->line, sizeof csv->line)) {
    gzclose(csv->file);
    return false;
  }
  csv->line[strcspn(csv->line, "\r\n")] = 0;
  csv->fields = 0;
  for (char *at = csv->line; at && csv->fields < CSV_FIELDS;) {
    char *end;
    if (*at == '"') {
      end = strchr(++at, '"');
      if (end) *end++ = 0;
      csv->field[csv->fields++] = at;
    } else {
      csv->field[csv->fields++] = at;
      end = strchr(at, ',');
    }
    if (end && *end)
      *end++ = 0;
    else
      end = NULL;
    at = end;
  }
  return true;
}

/* Opens a file of the data folder and reads its header into field; false where there is none (the test is skipped). */
static inline bool csv_open(struct csv *csv, const char *name) {
  const char *folder = getenv("NASWEEP_DATA");
  char path[4096];
  if (!folder) {
    printf("# skip: NASWEEP_DATA is not set, so there is no %s\n", name);
    return false;
  }
  snprintf(path, sizeof path, "%s/%s", folder, name);
  csv->file = gzopen(path, "rb");
  if (!csv->file) printf("# skip: no %s\n", path);
  return csv->file && csv_next(csv);
}

#endif
