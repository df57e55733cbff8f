/* Typed outcomes and one way to write them: a struct, and a table that says which of its members go out under which
 * name. JSON and CSV are made from the table alone, so a new member is one line there; tables for people are printed
 * from the struct itself. */
#ifndef NSW_CLI_RECORD_H
#define NSW_CLI_RECORD_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "nasweep/error.h"

/* What a member is. */
enum nsw_field_kind {
  NSW_FIELD_END,   /* ends a table */
  NSW_FIELD_TEXT,  /* const char *; NULL: null, or an empty cell */
  NSW_FIELD_WORD,  /* char[], NUL-terminated */
  NSW_FIELD_COUNT, /* uint64_t; UINT64_MAX: null, or an empty cell */
  NSW_FIELD_REAL,  /* double; not finite: null, or an empty cell */
  NSW_FIELD_LIST   /* struct nsw_rows of records of the kind `of`; JSON only */
};

/* One member of a struct. */
struct nsw_field {
  const char *key; /* its name outside */
  enum nsw_field_kind kind;
  size_t at;                   /* offsetof in the struct */
  const struct nsw_record *of; /* NSW_FIELD_LIST: what its elements are */
};

/* Lines of a table: a member of struct TYPE that is a TEXT, WORD, COUNT or REAL, under a name of its own outside or
 * under the member's; and one that is a list of such records. */
#define NSW_FIELD(type, member, what, key) \
  { key, NSW_FIELD_##what, offsetof(struct type, member), NULL }
#define NSW_MEMBER(type, member, what) NSW_FIELD(type, member, what, #member)
#define NSW_FIELD_ROWS(type, member, key, of) \
  { key, NSW_FIELD_LIST, offsetof(struct type, member), of }

/* A kind of outcome. */
struct nsw_record {
  const char *kind;               /* value of the key "kind" in JSON; NULL: that key is left out */
  size_t size;                    /* of the struct */
  const struct nsw_field *fields; /* ends with NSW_FIELD_END */
};

/* A growing list of structs of one size; begins as {0}. Owned by whoever holds it; nsw_rows_free. */
struct nsw_rows {
  void *at;
  size_t count, room; /* elements */
};

/* Appends a zeroed element and returns it; NULL, and NSW_FAILED's message, for lack of memory. */
void *nsw_rows_add(struct nsw_rows *rows, size_t size, struct nsw_error *err);
void nsw_rows_free(struct nsw_rows *rows);

/* The record as a JSON object; NULL for lack of memory. Owned by the caller. */
json_t *nsw_record_json(const struct nsw_record *record, const void *value);

/* Appends all rows to a JSON array. */
void nsw_rows_json(json_t *array, const struct nsw_record *record, const struct nsw_rows *rows);

/* A line of names, and a line of values, without the line's end, so that more can follow; lists are left out. */
void nsw_record_csv_head(FILE *out, const struct nsw_record *record);
void nsw_record_csv(FILE *out, const struct nsw_record *record, const void *value);

/* A number with all its digits; nothing where it is not finite. */
void nsw_csv_real(FILE *out, double value);

/* A number for JSON: null where it is not finite. */
json_t *nsw_json_real(double value);

/* Writes and releases the array: indented, 17 digits. NSW_FAILED where memory or the stream failed. */
int nsw_json_print(FILE *out, json_t *array, struct nsw_error *err);

/* "423,624" into text[32]. */
const char *nsw_grouped(uint64_t value, char text[32]);

#endif
