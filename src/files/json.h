/* JSON (RFC 8259) read token by token from an input, so that a file of any size takes the memory of one token. Strict:
 * NaN, infinities and numbers too large for a double are errors, and so is text that is not UTF-8. */
#ifndef NSW_FILES_JSON_H
#define NSW_FILES_JSON_H

#include <stdbool.h>

#include "files/input.h"

enum nsw_json_token {
  NSW_JSON_END, /* after the one value of the input */
  NSW_JSON_OBJECT,
  NSW_JSON_OBJECT_END,
  NSW_JSON_ARRAY,
  NSW_JSON_ARRAY_END,
  NSW_JSON_KEY, /* text; its value follows */
  NSW_JSON_TEXT,
  NSW_JSON_NUMBER,
  NSW_JSON_TRUE,
  NSW_JSON_FALSE,
  NSW_JSON_NULL
};

enum { NSW_JSON_DEPTH = 64, NSW_JSON_TEXT_MOST = 8192 };

struct nsw_json;

/* Starts on an input, which stays the caller's and must outlive the reader. */
int nsw_json_open(struct nsw_input *input, struct nsw_json **json, struct nsw_error *err);

/* The next token. Errors name input and byte. */
int nsw_json_next(struct nsw_json *json, enum nsw_json_token *token, struct nsw_error *err);

/* Passes over one value, whose first token is the one given. */
int nsw_json_skip(struct nsw_json *json, enum nsw_json_token token, struct nsw_error *err);

/* Of a key or text: NUL-terminated UTF-8, at most NSW_JSON_TEXT_MOST bytes, good until the next token. */
const char *nsw_json_text(const struct nsw_json *json);
size_t nsw_json_text_size(const struct nsw_json *json);
/* Of a number. */
double nsw_json_number(const struct nsw_json *json);
/* Byte the last token began at. */
uint64_t nsw_json_offset(const struct nsw_json *json);

/* Frees and sets to NULL; may be called twice. */
void nsw_json_close(struct nsw_json **json);

#endif
