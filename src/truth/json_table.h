/* Tables in JSON, in the forms that programs write: a list of objects; one object a line; an object of objects by key;
 * pandas' columns (an object of objects by index) and split (columns, index, data). */
#ifndef NSW_TRUTH_JSON_TABLE_H
#define NSW_TRUTH_JSON_TABLE_H

#include <stddef.h>

#include "files/input.h"

struct nsw_json_table;

/* Reads the whole input, which stays the caller's. Objects in objects become columns joined by '_'; lists stay as JSON
 * text in one field. At most 512 MiB of text. */
int nsw_json_table_read(struct nsw_input *input, struct nsw_json_table **table, struct nsw_error *err);

size_t nsw_json_table_columns(const struct nsw_json_table *table);
size_t nsw_json_table_rows(const struct nsw_json_table *table);

/* Name of a column; "key" where the file has keys without a name. */
const char *nsw_json_table_name(const struct nsw_json_table *table, size_t column);

/* Text of a field, empty where there is none; good until the next call. NULL for lack of memory. */
const char *nsw_json_table_field(struct nsw_json_table *table, size_t row, size_t column);

/* Frees and sets to NULL; may be called twice. */
void nsw_json_table_free(struct nsw_json_table **table);

#endif
